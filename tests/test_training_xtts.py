"""Promises of XTTS in training, with the real package on the practice model."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from engines.drawing import Draw
from engines.xtts.conditioning import latents_of, read_speakers
from engines.xtts.facts import CONDITIONING_RATE
from engines.xtts.loading import load_model
from engines.xtts.tokens import TokenLoop, TokenSampling
from studio.audio.types import Audio
from studio.control import Control
from studio.dataset.metadata import Row
from studio.errors import BadInput, Cancelled, Damaged, EngineFailed
from studio.models.registry import entry_of
from studio.runs.values import Family, LoraOptions, Method, RunSettings
from tests.qwen_speech import recording
from tests.xtts_speech import PRACTICE
from training.families.xtts import XttsFamily
from training.families.xtts_clips import clip_of, sound_of
from training.families.xtts_losses import VOICE_STATES
from training.family import Encoded, Example

LORA = RunSettings(Family.XTTS, PRACTICE, "a data set", lora=LoraOptions(rank=4, alpha=8, dropout=0.0))
FULL = replace(LORA, method=Method.FULL)
ANN, BEN = "Ann", "Ben"


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def base(xtts_models: Path) -> Path:
    return xtts_models / "XTTS" / entry_of(PRACTICE).folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("training")


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[Row]:
    texts = ("Good morning.", "Where have you been?", "I was at home.", "It rained all day.", "Yes!")
    return [
        Row(
            str(recording(folder / f"{number}.wav", 1.0 + 0.2 * number, number)),
            text,
            BEN if number == 4 else ANN,
            "en",
        )
        for number, text in enumerate(texts)
    ]


@pytest.fixture(scope="module")
def encoded(base: Path, folder: Path, rows: list[Row]) -> Encoded:
    return family_of(base, LORA).encode(rows, folder / "cache", Control())


@pytest.fixture(scope="module")
def examples(encoded: Encoded) -> tuple[Example, ...]:
    return encoded.examples


@pytest.fixture(scope="module")
def lora(base: Path, examples: tuple[Example, ...]) -> XttsFamily:
    """With adapters that say something; not to be trained."""
    family = family_of(base, LORA)
    torch.manual_seed(1)
    family.build(examples)
    with torch.no_grad():
        for weight in family._trained.values():
            weight.normal_(0, 0.02)
    return family


@pytest.fixture(scope="module")
def full(base: Path, examples: tuple[Example, ...]) -> XttsFamily:
    family = family_of(base, FULL)
    family.build(examples)
    return family


def family_of(base: Path, settings: RunSettings, dtype: torch.dtype = torch.float32) -> XttsFamily:
    return XttsFamily(base, settings, "cpu", dtype)


def batch(family: XttsFamily, examples: tuple[Example, ...], seed: int = 0) -> dict[str, Any]:
    others = {name: [example for example in examples if example.speaker == name] for name in (ANN, BEN)}
    return family.collate(examples, others, random.Random(seed))


def losses(family: XttsFamily, batch: dict[str, Any]) -> dict[str, float]:
    """Without dropout."""
    module = family._built
    module.eval()
    with torch.no_grad():
        found = {name: float(value) for name, value in module(batch).items()}
    module.train()
    return found


# Encoding


def test_every_clip_is_encoded_as_the_model_hears_it(base: Path, encoded: Encoded) -> None:
    from TTS.tts.layers.tortoise.arch_utils import TorchMelSpectrogram  # type: ignore[import-untyped]

    assert encoded.left_out == ()
    assert [round(example.seconds, 1) for example in encoded.examples] == [1.0, 1.2, 1.4, 1.6, 1.8]
    mel = TorchMelSpectrogram(mel_norm_file=str(base / "mel_stats.pth"), sampling_rate=22_050)
    encoder = family_encoder(base)
    for example in encoded.examples[:2]:
        clip = clip_of(example)
        expected = encoder.get_codebook_indices(mel(sound_of(example)[None]))[0]
        assert clip.codes.tolist() == expected[: len(clip.codes)].tolist()
        assert len(clip.codes) == -(-round(example.seconds * 22_050) // 1024)
        assert example.length == len(clip.codes) + len(clip.text)


def family_encoder(base: Path) -> Any:
    from training.families.xtts_clips import ClipEncoder

    return ClipEncoder(base, "cpu", base)._dvae


def test_what_was_encoded_is_not_encoded_again(
    base: Path, folder: Path, rows: list[Row], encoded: Encoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = encoded.examples[3].path
    damaged.write_bytes(damaged.read_bytes()[:100])
    made = []
    write = XttsFamily.encode.__globals__["encode"].__globals__["_write"]

    def counted(path: Path, *arguments: Any) -> None:
        made.append(path)
        write(path, *arguments)

    monkeypatch.setattr("training.families.xtts_clips._write", counted)
    renamed = [
        replace(row, audio=shutil.copy(row.audio, folder / f"copy_{index}.wav"))
        for index, row in enumerate(rows)
    ]
    again = family_of(base, LORA).encode(renamed, folder / "cache", Control())
    assert again.examples == encoded.examples  # by what they hold, whatever they are called
    assert made == [damaged]


def test_clips_that_do_not_fit_are_named_with_their_reason(base: Path, tmp_path: Path) -> None:
    def clip(name: str, seconds: float, text: str = "Hello.", language: str = "en") -> Row:
        soundfile.write(tmp_path / name, np.zeros(round(seconds * 8_000)), 8_000)
        return Row(str(tmp_path / name), text, ANN, language)

    (tmp_path / "text.wav").write_text("no sound")
    wrong = {
        "long.wav": (clip("long.wav", 11.8), "at most 11.6 s"),
        "hour.wav": (clip("hour.wav", 60), "It lasts 60.0 s"),
        "short.wav": (clip("short.wav", 0.4), "only 0.40 s"),
        "much.wav": (clip("much.wav", 1, "far too long " * 40), "too long"),
        "silent.wav": (clip("silent.wav", 1, "!"), "nothing to say"),
        "signs.wav": (clip("signs.wav", 1, "Hello ⌘ there"), "(⌘)"),
        "nowhere.wav": (clip("nowhere.wav", 1, language=""), "language is not known"),
        "fi.wav": (clip("fi.wav", 1, language="fi"), "language of XTTS"),
        "text.wav": (Row(str(tmp_path / "text.wav"), "Hello.", ANN, "en"), "text.wav"),
        "gone.wav": (Row(str(tmp_path / "gone.wav"), "Hello.", ANN, "en"), "no recording"),
    }
    rows = [row for row, _ in wrong.values()]
    result = family_of(base, LORA).encode(rows, tmp_path / "cache", Control())
    assert result.examples == ()
    assert [each.audio for each in result.left_out] == [row.audio for row in rows]
    for each, (_, reason) in zip(result.left_out, wrong.values(), strict=True):
        assert reason in each.reason


def test_a_base_without_what_encodes_is_refused(base: Path, tmp_path: Path, rows: list[Row]) -> None:
    for name in ("config.json", "vocab.json", "mel_stats.pth"):
        shutil.copyfile(base / name, tmp_path / name)
    with pytest.raises(EngineFailed, match=r"dvae\.pth is missing"):
        family_of(tmp_path, LORA).encode(rows, tmp_path / "cache", Control())
    (tmp_path / "dvae.pth").write_bytes(b"PK no weights")
    with pytest.raises(EngineFailed, match=r"dvae\.pth cannot be read"):
        family_of(tmp_path, LORA).encode(rows, tmp_path / "cache", Control())


def test_encoding_stops_when_asked(base: Path, folder: Path, rows: list[Row]) -> None:
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        family_of(base, LORA).encode(rows, folder / "cache", control)


# Batches


def test_a_voice_is_heard_in_another_utterance(lora: XttsFamily, tmp_path: Path) -> None:
    def clip(number: int, speaker: str, seconds: float) -> Example:
        path = tmp_path / f"{number}.safetensors"
        sound = torch.full((round(seconds * 22_050),), number, dtype=torch.int16)
        ids = torch.ones(3, dtype=torch.int32)
        save_file({"text": ids, "codes": ids.clone(), "sound": sound}, path)
        return Example(str(number), 6, path, speaker, "Hello.", "en", seconds)

    anns = [clip(1, ANN, 1.0), clip(2, ANN, 9.0), clip(3, ANN, 2.0)]
    ben = clip(4, BEN, 1.0)
    for seed in range(8):
        made = lora.collate([*anns, ben], {ANN: anns, BEN: [ben]}, random.Random(seed))
        assert 3 * 22_050 <= made["voices"].shape[1] <= 6 * 22_050
        heard = [set((voice * 32_768).tolist()) for voice in made["voices"]]
        for own, voice in zip((1, 2, 3), heard, strict=False):
            assert voice
            assert voice <= {1, 2, 3} - {own}
        assert heard[3] == {4}  # there is no other of his


def test_a_batch_is_the_same_whenever_it_is_made(
    lora: XttsFamily, examples: tuple[Example, ...]
) -> None:
    first, second, other = (batch(lora, examples, seed) for seed in (1, 1, 2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert first["voices"].shape != other["voices"].shape


def test_only_the_ends_of_shorter_clips_are_padding(
    lora: XttsFamily, examples: tuple[Example, ...]
) -> None:
    lengths = [example.length + 35 for example in examples]
    expected = 1 - sum(lengths) / (5 * max(lengths))
    assert lora.padding(batch(lora, examples)) == pytest.approx(expected)
    assert lora.padding(batch(lora, examples[:1])) == 0


# Losses


def test_the_loss_is_the_cross_entropy_worked_out_by_hand(
    lora: XttsFamily, examples: tuple[Example, ...]
) -> None:
    """Clip by clip, each position asked for the token after it; the states of codes are coqui-tts's own."""
    gpt, made = lora._model.gpt.eval(), batch(lora, examples)
    text_terms: list[float] = []
    mel_terms: list[float] = []
    with torch.no_grad():
        voices = lora._built._voices(made["voices"])
        for example, voice in zip(examples, voices, strict=True):
            clip, voice = clip_of(example), voice[None]
            text, codes = clip.text.tolist(), clip.codes.tolist()
            prompt = TokenLoop(gpt)._prompt(voice, clip.text[None])
            read = gpt.final_norm(gpt.gpt(inputs_embeds=prompt)[0])[0, VOICE_STATES:]
            said = gpt(
                clip.text[None],
                torch.tensor([len(text)]),
                clip.codes[None],
                torch.tensor([len(codes) * 1024]),
                cond_latents=voice,
                return_latent=True,
            )[0]
            text_terms += by_hand(gpt.text_head(read), [*text, gpt.stop_text_token])
            # The package leaves the last states out, the one asked for the end among them.
            mel_terms += by_hand(gpt.mel_head(said), codes[: len(said)])
            mel_terms += by_hand(gpt.mel_head(spoken(gpt, prompt, codes)), [*codes, 1025])[len(said) :]
    found = losses(lora, made)
    assert len(mel_terms) == sum(len(clip_of(example).codes) + 1 for example in examples)
    assert found["text"] == pytest.approx(np.mean(text_terms), rel=1e-5)
    assert found["mel"] == pytest.approx(np.mean(mel_terms), rel=1e-5)
    assert found["loss"] == pytest.approx(0.01 * found["text"] + found["mel"])


def by_hand(logits: Tensor, targets: list[int]) -> list[float]:
    """-ln of the share that each target has; `logits` may go on behind them."""
    rows = logits.double().numpy()[: len(targets)]
    shares = np.exp(rows) / np.exp(rows).sum(1, keepdims=True)
    return [-float(np.log(row[target])) for row, target in zip(shares, targets, strict=True)]


def spoken(gpt: Any, prompt: Tensor, codes: list[int]) -> Tensor:
    ids = torch.tensor([[gpt.start_audio_token, *codes]])
    embeds = torch.cat((prompt, gpt.mel_embedding(ids) + gpt.mel_pos_embedding(ids)), 1)
    states: Tensor = gpt.final_norm(gpt.gpt(inputs_embeds=embeds)[0])[0, prompt.shape[1] :]
    return states


def test_it_is_trained_on_the_states_that_the_engine_speaks_from(
    lora: XttsFamily, examples: tuple[Example, ...]
) -> None:
    made = batch(lora, examples[:1])
    module = lora._built.eval()
    gpt = lora._model.gpt
    with torch.no_grad():
        voice = module._voices(made["voices"])
        greedy = TokenSampling(Draw(temperature=0.0, top_k=0, top_p=1.0), 1.0, max_tokens=12)
        states = torch.cat(list(TokenLoop(gpt).latents(voice, made["text"], greedy)))
        codes = gpt.mel_head(states).argmax(1)[None, :-1]
        made |= {"codes": codes, "code_lengths": torch.tensor([codes.shape[1]])}
        trained, text, _ = module.states(made)
    module.train()
    assert torch.allclose(trained[0, VOICE_STATES + len(text[0]) :], states, atol=1e-4)


def test_a_clip_counts_the_same_beside_longer_ones(
    lora: XttsFamily, examples: tuple[Example, ...]
) -> None:
    made = batch(lora, examples)
    alone = {name: value[:1] for name, value in made.items()}
    with torch.no_grad():
        lora._built.eval()
        together, _, _ = lora._built.states(made)
        single, _, _ = lora._built.states(alone)
        lora._built.train()
    length = examples[0].length + 35
    assert torch.allclose(together[0, :length], single[0, :length], atol=1e-4)


# What is trained


@pytest.mark.parametrize("settings", [LORA, FULL], ids=lambda settings: str(settings.method))
def test_it_learns(base: Path, examples: tuple[Example, ...], settings: RunSettings) -> None:
    family = family_of(base, replace(settings, gradient_checkpointing=True))
    torch.manual_seed(0)
    module = family.build(examples)
    trained = {name: weight for name, weight in module.named_parameters() if weight.requires_grad}
    assert all(("lora_" in name) == (settings.method is Method.LORA) for name in trained)
    rate = 3e-2 if settings.method is Method.LORA else 3e-3
    optimizer = torch.optim.AdamW(trained.values(), lr=rate)
    made = batch(family, examples[:2])
    before = losses(family, made)["loss"]
    for _ in range(6):
        optimizer.zero_grad()
        module(made)["loss"].backward()
        # Several processes wait for every gradient.
        assert all(weight.grad is not None for weight in trained.values())
        optimizer.step()
    assert losses(family, made)["loss"] < before - 0.5


def test_frozen_weights_of_16_bits_are_trained_beside_in_float32(
    base: Path, examples: tuple[Example, ...], full: XttsFamily
) -> None:
    settings = replace(LORA, lora=replace(LORA.lora, heads=("mel_head",)))
    family = family_of(base, settings, torch.bfloat16)
    module = family.build(examples)
    trained = [weight for weight in module.parameters() if weight.requires_grad]
    assert {weight.dtype for weight in trained} == {torch.float32}
    assert module.gpt.gpt.h[0].attn.c_attn.weight.dtype is torch.bfloat16
    made = batch(family, examples[:2])
    module(made)["loss"].backward()
    assert all(torch.isfinite(weight.grad).all() for weight in trained if weight.grad is not None)
    # Adapters begin as nothing, so this is the base's loss.
    assert losses(family, made)["loss"] == pytest.approx(losses(full, made)["loss"], rel=0.02)
    assert {name for name in family.trainable_state() if "lora" not in name} == {
        "base_model.model.mel_head.weight",
        "base_model.model.mel_head.bias",
    }
    assert family.speak("Hi.", "en", 0, Control()).duration > 0


def test_layers_that_there_are_not_take_no_adapters(base: Path, examples: tuple[Example, ...]) -> None:
    settings = replace(LORA, lora=replace(LORA.lora, targets=("q_proj",)))
    with pytest.raises(BadInput, match=r"no layer “q_proj”.*c_attn"):
        family_of(base, settings).build(examples)


# Checkpoints


def test_an_adapter_speaks_the_same_after_a_checkpoint(
    base: Path, lora: XttsFamily, examples: tuple[Example, ...], tmp_path: Path
) -> None:
    from peft import PeftModel

    lora.write_checkpoint(tmp_path)
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == PRACTICE  # no path of this machine
    made = batch(lora, examples)
    expected = losses(lora, made)

    again = family_of(base, LORA)
    again.build(examples)
    assert losses(again, made) != expected
    again.load_trainable(tmp_path)
    assert losses(again, made) == expected
    one, other = lora.trainable_state(), again.trainable_state()
    assert all(torch.equal(one[name], other[name]) for name in one)

    # peft itself reads it, over the model as anybody loads it.
    model = load_model(base)
    PeftModel.from_pretrained(model.gpt, str(tmp_path))
    again._built.gpt = model.gpt
    assert losses(again, made) == pytest.approx(expected)


def test_a_checkpoint_has_the_voices_of_the_data_set(
    lora: XttsFamily, examples: tuple[Example, ...], tmp_path: Path
) -> None:
    lora.write_checkpoint(tmp_path)
    voices = read_speakers(tmp_path / "speakers_xtts.pth")
    assert list(voices) == [ANN, BEN]
    assert voices[ANN].manner.shape == (1, VOICE_STATES, 64)
    assert voices[ANN].timbre.shape == (1, 512, 1)
    bens = Audio(sound_of(examples[4]).numpy(), CONDITIONING_RATE)
    with lora._for_speaking() as model:
        heard = latents_of(model, [bens], Control())
    assert torch.equal(voices[BEN].manner, heard[0])
    assert torch.equal(voices[BEN].timbre, heard[1])


def test_a_run_of_every_weight_leaves_a_whole_model(
    base: Path, full: XttsFamily, examples: tuple[Example, ...], tmp_path: Path
) -> None:
    from TTS.tts.configs.xtts_config import XttsConfig  # type: ignore[import-untyped]
    from TTS.tts.models.xtts import Xtts  # type: ignore[import-untyped]

    full.write_checkpoint(tmp_path)
    state = load_file(tmp_path / "model.safetensors")
    assert full.trainable_state().keys() == {name for name in state if name.startswith("gpt.")}
    torch.save({"model": state}, tmp_path / "model.pth")
    config = XttsConfig()
    config.load_json(str(tmp_path / "config.json"))
    stock = Xtts(config)
    stock.load_checkpoint(config, checkpoint_dir=str(tmp_path), strict=True, eval=False)
    assert list(stock.speaker_manager.speakers) == [ANN, BEN]

    with torch.no_grad():
        for weight in full._trained.values():
            weight.mul_(1.01)
    made = batch(full, examples)
    assert losses(full, made)["loss"] != pytest.approx(losses_of(stock, full, made))
    full.load_trainable(tmp_path)
    assert losses(full, made)["loss"] == pytest.approx(losses_of(stock, full, made))


def losses_of(model: Any, family: XttsFamily, made: dict[str, Any]) -> float:
    from training.families.xtts_losses import XttsLosses

    module = XttsLosses(model.gpt, family._model.mel_stats, torch.float32).eval()
    with torch.no_grad():
        return float(module(made)["loss"])


def test_checkpoints_of_others_are_refused(lora: XttsFamily, full: XttsFamily, tmp_path: Path) -> None:
    lora.write_checkpoint(tmp_path)
    before = lora.trainable_state()
    adapter, config = tmp_path / "adapter_model.safetensors", tmp_path / "adapter_config.json"
    with pytest.raises(BadInput, match="not trained by the method full"):
        full.load_trainable(tmp_path)
    config.write_text(config.read_text().replace('"lora_alpha": 8', '"lora_alpha": 16'))
    with pytest.raises(BadInput, match="Set alpha to 16"):
        lora.load_trainable(tmp_path)
    save_file({name: weight[:, :2].contiguous() for name, weight in before.items()}, adapter)
    with pytest.raises(BadInput, match="of another size"):
        lora.load_trainable(tmp_path)
    save_file(
        {"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight": torch.ones(2, 2)}, adapter
    )
    with pytest.raises(BadInput, match="not trained on XTTS"):
        lora.load_trainable(tmp_path)
    adapter.write_bytes(b"half of it")
    with pytest.raises(Damaged, match="Delete this checkpoint"):
        lora.load_trainable(tmp_path)
    adapter.unlink()
    with pytest.raises(Damaged):
        lora.load_trainable(tmp_path)
    after = lora.trainable_state()
    assert all(torch.equal(before[name], after[name]) for name in before)


# Speaking


def test_it_speaks_with_the_weights_as_they_are_and_trains_on(lora: XttsFamily) -> None:
    module, state = lora._built, torch.get_rng_state()
    first = lora.speak("Hi.", "en-us", 1, Control())
    again = lora.speak("Hi.", "en", 1, Control())
    assert first.sample_rate == 24_000
    assert 0.1 < first.duration < 8
    assert np.array_equal(first.samples, again.samples)
    assert all(part.training for part in module.modules())
    assert torch.equal(torch.get_rng_state(), state)


def test_speaking_stops_when_asked_and_refuses_what_cannot_be_spoken(lora: XttsFamily) -> None:
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        lora.speak("Hi.", "en", 1, control)
    with pytest.raises(BadInput, match="too long"):
        lora.speak("far too long " * 40, "en", 1, Control())
    assert all(part.training for part in lora._built.modules())
