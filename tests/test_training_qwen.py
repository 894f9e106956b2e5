"""Promises of Qwen3-TTS in training: what is asked of it, what it is trained with, what is kept."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file, save_file
from torch import Tensor

from engines.qwen.loading import official_model
from engines.qwen.prompts import ClonePrompt
from engines.qwen.talker import capture
from studio.control import Control
from studio.dataset.metadata import Row
from studio.errors import BadInput, Cancelled, Damaged, EngineFailed, StorageFailed
from studio.models.registry import entry_of
from studio.models.validation import validate
from studio.runs.run_folder import RunFolder
from studio.runs.values import LORA_TARGETS, Family, LoraOptions, Method, Precision, RunSettings
from tests.qwen_speech import BASE, RATE, recording
from tests.small_disk import tiny_disk
from tests.training_process import head
from training.clips import Clips
from training.families.qwen import QwenFamily
from training.families.qwen_clips import clip_of
from training.families.qwen_layout import NOT_ASKED, Clip, Tokens, lay_out
from training.families.qwen_talker import TrainedTalker, batch_of
from training.family import Encoded, Example
from training.loop import Work, train
from training.together import Together, place

SETTINGS = RunSettings(Family.QWEN, BASE, "set", lora=LoraOptions(rank=4, alpha=8))
#: The first three have a frame for each byte of their text, the others have not.
TEXTS = ("Hi there.", "Well, no.", "So be it.", "A sentence that is longer than the others.", "And on.")
VOICE = "Ada"


@pytest.fixture(scope="module")
def base(practice_models: Path) -> Path:
    return practice_models / "practice-base"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    folder = tmp_path_factory.mktemp("clips")
    clips = [
        recording(folder / f"{number}.wav", 1.0 + 0.2 * number, number) for number in range(len(TEXTS))
    ]
    return [
        Row(str(clip), text, VOICE, "en", ref_audio=str(clips[0] if number else clips[1]))
        for number, (clip, text) in enumerate(zip(clips, TEXTS, strict=True))
    ]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def examples(base: Path, rows: list[Row], cache: Path) -> tuple[Example, ...]:
    encoded = encode(base, rows, cache)
    assert encoded.left_out == ()
    return encoded.examples


@pytest.fixture(scope="module")
def wrapper(base: Path) -> Any:
    """The model as the package loads it."""
    return official_model("practice", base, "cpu", torch.float32)


@pytest.fixture(scope="module")
def tokens(base: Path) -> Tokens:
    return family(base)._tokens


def family(base: Path, settings: RunSettings = SETTINGS, dtype: torch.dtype = torch.float32) -> Any:
    return QwenFamily(base, settings, "cpu", dtype)


def encode(base: Path, rows: Sequence[Row], cache: Path) -> Encoded:
    return family(base).encode(rows, cache, Control())


def built(base: Path, examples: Sequence[Example], seed: int = 0, **settings: Any) -> tuple[Any, Any]:
    """A family and its module, as a loop makes them."""
    made = family(base, replace(SETTINGS, **settings))
    torch.manual_seed(seed)
    return made, made.build(examples)


def steps(made: Any, module: Any, examples: Sequence[Example], count: int = 3) -> list[float]:
    """Train; the loss of each step."""
    optimizer = torch.optim.AdamW([each for each in module.parameters() if each.requires_grad], 1e-2)
    losses = []
    for step in range(count):
        torch.manual_seed(step)
        loss = module(made.collate(examples, {VOICE: examples}, random.Random(step)))["loss"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return losses


def laid_out(examples: Sequence[Example], tokens: Tokens, beside: bool) -> tuple[list[Any], Any]:
    """The clips in one form, and a batch of them."""
    encoded = [clip_of(example) for example in examples]
    clips = [Clip(each.text, each.codes, tokens.language("en")) for each in encoded]
    parts = [lay_out(clip, tokens, beside) for clip in clips]
    return encoded, batch_of(parts, [each.x_vector for each in encoded], tokens.text_pad)


# What is asked


@pytest.mark.parametrize("beside", [False, True])
@torch.no_grad()
def test_the_loss_is_the_cross_entropy_of_what_follows_each_position(
    wrapper: Any, examples: Sequence[Example], tokens: Tokens, beside: bool
) -> None:
    """By hand, clip by clip without padding, from the logits that the official model returns."""
    talker = wrapper.model.talker
    encoded, batch = laid_out(examples[:3], tokens, beside)
    module = TrainedTalker(talker)
    losses, embeds = module(batch), module.embeds(batch)
    firsts, others = [], []
    for number, clip in enumerate(encoded):
        length, frames = int(batch["lengths"][number]), clip.codes
        read = embeds[number : number + 1, :length]
        logits = talker(inputs_embeds=read, attention_mask=torch.ones(1, length)).logits[0]
        hidden = talker.model(inputs_embeds=read, use_cache=False).last_hidden_state[0]
        begin = length - len(frames) - 1  # the position that says "begin"
        following = [*frames[:, 0].tolist(), tokens.end]
        for step, code in enumerate(following):
            firsts.append(-torch.log_softmax(logits[begin + step], -1)[code])
        for step, frame in enumerate(frames):
            others += predictor_losses(talker, hidden[begin + step], frame)
    assert losses["talker"] == pytest.approx(float(torch.stack(firsts).mean()), rel=1e-4)
    assert losses["predictor"] == pytest.approx(float(torch.stack(others).mean()), rel=1e-4)
    assert losses["loss"] == pytest.approx(float(losses["talker"] + 0.3 * losses["predictor"]))


def predictor_losses(talker: Any, hidden: Tensor, frame: Tensor) -> list[Tensor]:
    """The cross-entropy of codes 1 to 15 of a frame, each from those before it, one after another."""
    predictor, losses = talker.code_predictor, []
    known = [hidden, talker.model.codec_embedding(frame[0])]
    for group in range(1, 16):
        inputs = predictor.small_to_mtp_projection(torch.stack(known)[None])
        state = predictor.model(inputs_embeds=inputs, use_cache=False).last_hidden_state[0, -1]
        losses.append(-torch.log_softmax(predictor.lm_head[group - 1](state), -1)[frame[group]])
        known.append(predictor.model.codec_embedding[group - 1](frame[group]))
    return losses


@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("language", ["", "en"])
@torch.no_grad()
def test_a_clip_is_read_as_it_is_spoken(
    wrapper: Any, examples: Sequence[Example], tokens: Tokens, beside: bool, language: str
) -> None:
    """What the official package gives to the talker for the same text and voice, and then each frame."""
    clip, talker = clip_of(examples[1]), wrapper.model.talker
    part = lay_out(Clip(clip.text, clip.codes, tokens.language(language)), tokens, beside)
    embeds = TrainedTalker(talker).embeds(batch_of([part], [clip.x_vector], tokens.text_pad))[0]
    spoken = capture(
        wrapper,
        lambda: wrapper.generate_voice_clone(
            TEXTS[1],
            "English" if language else "Auto",
            voice_clone_prompt=ClonePrompt("", clip.x_vector, None, "", ()).items(),
            non_streaming_mode=not beside,
        ),
    )
    start = spoken.embeds.shape[1]
    assert len(embeds) == start + len(clip.codes)
    assert torch.allclose(embeds[:start], spoken.embeds[0], atol=1e-5)
    tables = [talker.model.codec_embedding, *talker.code_predictor.model.codec_embedding]
    for number, frame in enumerate(clip.codes):
        heard = sum(table(code) for table, code in zip(tables, frame, strict=True))
        assert torch.allclose(embeds[start + number], heard + spoken.text(number)[0], atol=1e-4)


def test_only_frames_and_the_end_are_asked_for(examples: Sequence[Example], tokens: Tokens) -> None:
    encoded, batch = laid_out(examples, tokens, beside=False)
    asked = (batch["targets"] != NOT_ASKED).sum(1).tolist()
    assert asked == [len(clip.codes) + 1 for clip in encoded]
    assert [int(row[row != NOT_ASKED][-1]) for row in batch["targets"]] == [tokens.end] * len(encoded)


# Clips


def test_a_clip_is_encoded_once_whatever_its_file_is_called(
    base: Path, rows: list[Row], examples: Sequence[Example], cache: Path, tmp_path: Path
) -> None:
    moved = Path(shutil.copy(rows[0].audio, tmp_path / "other name.wav"))
    before = examples[0].path.stat().st_mtime_ns
    again = encode(base, [replace(rows[0], audio=str(moved))], cache).examples[0]
    assert again == examples[0]
    assert again.path.stat().st_mtime_ns == before
    other = encode(base, [replace(rows[0], text="Other words.")], cache).examples[0]
    assert other.id != again.id
    assert other.path != again.path


def test_a_clip_holds_codes_text_and_voice(examples: Sequence[Example]) -> None:
    clip = clip_of(examples[0])
    assert clip.codes.shape == (13, 16)  # 1 s, 12.5 frames a second
    assert len(clip.text) == 3 + len(TEXTS[0])  # the practice tokenizer knows bytes
    assert examples[0].seconds == 1.0
    assert torch.equal(clip.reference, clip_of(examples[1]).x_vector)


def test_a_damaged_clip_is_encoded_again(base: Path, rows: list[Row], tmp_path: Path) -> None:
    first = encode(base, rows[:1], tmp_path).examples[0]
    whole = first.path.read_bytes()
    first.path.write_bytes(whole[:100])
    assert encode(base, rows[:1], tmp_path).examples[0].path.read_bytes() == whole
    first.path.unlink()
    with pytest.raises(Damaged, match="gone or damaged"):
        family(base).collate([first], {}, random.Random(0))


def test_a_full_disk_is_told_while_clips_are_encoded(base: Path, rows: list[Row]) -> None:
    with tiny_disk("4k") as disk:
        (disk / "ballast").write_bytes(bytes(4096))
        with pytest.raises(StorageFailed, match="disk is full"):
            encode(base, rows[:1], disk)


def test_what_cannot_be_trained_on_is_listed_with_its_reason(
    base: Path, rows: list[Row], cache: Path, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "long.wav", np.zeros(31 * RATE, np.float32), RATE)
    soundfile.write(tmp_path / "short.wav", np.zeros(RATE // 10, np.float32), RATE)
    (tmp_path / "text.wav").write_text("no sound")
    bad = [
        replace(rows[0], audio=str(tmp_path / "missing.wav")),
        replace(rows[0], audio=str(tmp_path / "long.wav")),
        replace(rows[0], audio=str(tmp_path / "short.wav")),
        replace(rows[0], audio=str(tmp_path / "text.wav")),
        replace(rows[0], text="<|im_end|> ..."),
        replace(rows[0], language="pl"),
    ]
    encoded = encode(base, [*bad[:3], rows[1], *bad[3:]], cache)
    assert [example.text for example in encoded.examples] == [TEXTS[1]]
    assert [each.audio for each in encoded.left_out] == [row.audio for row in bad]
    told = ("no recording", "at most 30 s", "no voice", "text.wav", "nothing to say", "language")
    for each, word in zip(encoded.left_out, told, strict=True):
        assert word in each.reason


def test_encoding_stops_when_asked(base: Path, rows: list[Row], tmp_path: Path) -> None:
    control = Control()
    control.cancel()
    with pytest.raises(Cancelled):
        family(base).encode(rows, tmp_path, control)


# Batches


def test_the_voice_is_that_of_another_clip(base: Path, examples: Sequence[Example]) -> None:
    of_id = {example.id: clip_of(example).x_vector for example in examples}
    for seed in range(5):
        batch = family(base).collate(examples, {VOICE: examples}, random.Random(seed))
        for example, given in zip(examples, batch["x_vectors"], strict=True):
            (source,) = (id for id, vector in of_id.items() if torch.equal(vector, given))
            assert source != example.id
    alone = family(base).collate(examples[:1], {VOICE: examples[:1]}, random.Random(0))
    assert torch.equal(alone["x_vectors"][0], clip_of(examples[0]).reference)


def test_a_batch_follows_from_its_generator(base: Path, examples: Sequence[Example]) -> None:
    made = family(base)
    once, again = (made.collate(examples, {VOICE: examples}, random.Random(3)) for _ in range(2))
    assert all(torch.equal(once[name], again[name]) for name in once)
    forms = {made.collate(examples[:2], {}, random.Random(seed))["text"].shape[1] for seed in range(10)}
    assert len(forms) == 2  # the text beside the frames, and before them


def test_padding_is_measured(base: Path, examples: Sequence[Example]) -> None:
    made = family(base)
    batch = made.collate(examples[3:], {}, random.Random(0))
    lengths = [example.length for example in examples[3:]]
    assert batch["text"].shape == (2, max(lengths))
    assert made.padding(batch) == pytest.approx(1 - sum(lengths) / (2 * max(lengths)))
    assert made.padding(made.collate(examples[:1], {}, random.Random(0))) == 0


# Training


@pytest.mark.parametrize("method", list(Method))
def test_the_loss_falls_and_what_is_kept_speaks_alike(
    base: Path, examples: Sequence[Example], tmp_path: Path, method: Method
) -> None:
    made, module = built(base, examples, method=method)
    losses = steps(made, module, examples[:3], 4)
    assert losses[-1] < losses[0]
    sound = made.speak("Hi.", "en", 1, Control())
    made.write_checkpoint(tmp_path)
    other, _ = built(base, examples, seed=9, method=method)
    other.load_trainable(tmp_path)
    state = made.trainable_state()
    assert all(torch.equal(value, state[name]) for name, value in other.trainable_state().items())
    assert np.array_equal(other.speak("Hi.", "en", 1, Control()).samples, sound.samples)


def test_the_same_seed_trains_the_same_weights(base: Path, examples: Sequence[Example]) -> None:
    states = []
    for spoken in (False, True):
        made, module = built(base, examples)
        if spoken:  # which leaves no trace
            made.speak("Hi.", "en", 1, Control())
        steps(made, module, examples, 2)
        states.append(made.trainable_state())
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_lora_trains_adapters_and_the_heads_that_are_named(
    base: Path, examples: Sequence[Example]
) -> None:
    _, module = built(base, examples, lora=LoraOptions(rank=4, heads=("codec_head",)))
    names = [name for name, weight in module.named_parameters() if weight.requires_grad]
    heads = [name for name in names if "lora_" not in name]
    assert heads == ["talker.codec_head.modules_to_save.default.weight"]
    adapted = {name.split(".lora_")[0].rpartition(".")[2] for name in names if "lora_" in name}
    assert adapted == set(LORA_TARGETS[Family.QWEN])
    assert any("code_predictor" in name for name in names)


def test_frozen_weights_may_have_16_bits_and_trained_ones_have_32(
    base: Path, examples: Sequence[Example]
) -> None:
    settings = replace(SETTINGS, lora=LoraOptions(rank=4, heads=("codec_head",)))
    made = family(base, settings, torch.bfloat16)
    module = made.build(examples)
    kinds = {(weight.requires_grad, weight.dtype) for weight in module.parameters()}
    assert kinds == {(True, torch.float32), (False, torch.bfloat16)}
    assert np.isfinite(steps(made, module, examples[:2], 1)).all()
    assert made.speak("Hi.", "en", 1, Control()).duration > 0


def test_gradient_checkpointing_changes_no_gradient(base: Path, examples: Sequence[Example]) -> None:
    gradients = []
    for checkpointing in (False, True):
        made, module = built(base, examples, gradient_checkpointing=checkpointing)
        torch.manual_seed(1)
        module(made.collate(examples[:2], {}, random.Random(0)))["loss"].backward()
        gradients.append([weight.grad for weight in module.parameters() if weight.requires_grad])
    assert any(float(each.abs().max()) > 0 for each in gradients[0])
    assert all(torch.allclose(one, two) for one, two in zip(*gradients, strict=True))


def test_a_run_that_was_stopped_ends_with_the_same_weights(
    base: Path, examples: Sequence[Example], tmp_path: Path
) -> None:
    """Through the loop; it is stopped after its second step of four, and goes on in another family."""
    settings = replace(SETTINGS, epochs=2, batch_size=2, learning_rate=1e-3)
    clips = Clips(tuple(examples[:3]), tuple(examples[3:4]), ())
    kept = []
    for stops in (False, True):
        folder, control = RunFolder(tmp_path / f"run-{stops}"), Control()
        work = Work(folder, settings, clips, head(settings, clips))

        def report(step: int, steps: int, stage: str, control: Control = control) -> None:
            if step == 2:
                control.cancel()

        if stops:
            with pytest.raises(Cancelled):
                train(work, family(base, settings), together(control), None, report)
        ended = train(work, family(base, settings), together(Control()))
        assert ended.epochs == 2
        kept.append((folder.checkpoint(2) / "adapter_model.safetensors").read_bytes())
        assert folder.read_checkpoint(2).eval_loss is not None
    AcceleratorState._reset_state(True)
    assert kept[0] == kept[1]


def together(control: Control) -> Together:
    return Together(place("cpu", Precision.FLOAT32), control)


# Speaking


def test_before_training_the_untouched_base_speaks(base: Path, examples: Sequence[Example]) -> None:
    sounds = [
        built(base, examples, method=method)[0].speak("Hi.", "en", 5, Control()) for method in Method
    ]
    assert sounds[0].sample_rate == RATE
    assert sounds[0].duration > 0
    assert np.array_equal(sounds[0].samples, sounds[1].samples)


def test_speaking_leaves_training_as_it_was(base: Path, examples: Sequence[Example]) -> None:
    made, module = built(base, examples, method=Method.FULL)
    module.talker.codec_head.eval()
    modes = [each.training for each in module.modules()]
    places = [weight.data_ptr() for weight in module.parameters()]
    stopped = Control()
    stopped.cancel()
    with pytest.raises(Cancelled):
        made.speak("Hi.", "en", 1, stopped)
    with pytest.raises(BadInput):
        made.speak("Hi.", "pl", 1, Control())
    assert [each.training for each in module.modules()] == modes
    assert [weight.data_ptr() for weight in module.parameters()] == places


# Checkpoints


def test_an_adapter_is_one_that_peft_loads(
    base: Path, examples: Sequence[Example], tmp_path: Path
) -> None:
    from peft import PeftModel

    made, module = built(base, examples, lora=LoraOptions(rank=4, heads=("codec_head",)))
    steps(made, module, examples[:2], 1)
    made.write_checkpoint(tmp_path)
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {"adapter_model.safetensors", "adapter_config.json", "voice.safetensors"}
    assert str(base) not in (tmp_path / "adapter_config.json").read_text()
    talker = official_model("practice", base, "cpu", torch.float32).model.talker
    PeftModel.from_pretrained(talker, str(tmp_path))
    module.eval()
    batch = made.collate(examples[:2], {}, random.Random(0))
    with torch.no_grad():
        assert torch.equal(TrainedTalker(talker).eval()(batch)["loss"], module(batch)["loss"])


def test_a_full_checkpoint_is_a_whole_model(
    base: Path, examples: Sequence[Example], tmp_path: Path
) -> None:
    made, module = built(base, examples, method=Method.FULL)
    steps(made, module, examples[:2], 1)
    made.write_checkpoint(tmp_path)
    assert validate(entry_of(BASE), tmp_path).valid
    loaded = official_model("trained", tmp_path, "cpu", torch.float32).model
    weights = loaded.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in made.trainable_state().items())
    before = load_file(base / "model.safetensors")
    encoder = [name for name in before if name.startswith("speaker_encoder.")]
    assert encoder
    assert all(torch.equal(weights[name], before[name]) for name in encoder)
    assert not (tmp_path / "practice.json").exists()  # it has learnt something


def test_the_voice_of_the_reference_is_kept(
    base: Path, examples: Sequence[Example], tmp_path: Path
) -> None:
    stranger = replace(examples[4], speaker="Bo")
    made, _ = built(base, [stranger, examples[1], examples[2]])
    made.write_checkpoint(tmp_path)
    voice = load_file(tmp_path / "voice.safetensors")["x_vector"]
    assert torch.allclose(voice, clip_of(examples[0]).x_vector, atol=1e-4)


def test_a_checkpoint_of_another_kind_is_refused(
    base: Path, examples: Sequence[Example], tmp_path: Path
) -> None:
    made, _ = built(base, examples)
    before = made.trainable_state()
    path = tmp_path / "adapter_model.safetensors"

    def refused(match: str, kind: type[Exception] = BadInput) -> None:
        with pytest.raises(kind, match=match):
            made.load_trainable(tmp_path)

    refused("damaged", Damaged)  # nothing there
    save_file({"base_model.model.gpt.h.0.attn.c_attn.lora_A.weight": torch.zeros(4, 8)}, path)
    refused("not trained on Qwen3-TTS")
    save_file(dict(list(before.items())[:-1]), path)
    refused("lacks 1 weight")
    save_file({name: value[:, :2].clone() for name, value in before.items()}, path)
    refused("another size")
    save_file(before, path)
    (tmp_path / "adapter_config.json").write_text('{"lora_alpha": 99}')
    refused("alpha 99")
    path.write_bytes(b"\0" * 20)
    refused("damaged", Damaged)
    path.rename(tmp_path / "model.safetensors")
    refused("method lora")
    assert all(torch.equal(value, before[name]) for name, value in made.trainable_state().items())


# What it begins with


def test_only_a_whole_base_model_can_be_trained(
    base: Path, practice_models: Path, examples: Sequence[Example], tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match="Choose a base model"):
        family(practice_models / "practice-custom-voice").build(examples)
    with pytest.raises(EngineFailed, match="could not be loaded"):
        family(tmp_path).build(examples)
    with pytest.raises(BadInput, match="no layer “c_attn”"):
        built(base, examples, lora=LoraOptions(targets=("c_attn",)))
