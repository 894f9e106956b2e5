"""From a folder to a model that speaks, or one to be trained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.base import Placement
from engines.memory import give_back, is_lack_of_memory, memory_limit
from engines.xtts.checkpoint import read_weights, weights_of
from engines.xtts.package import coqui
from studio.errors import EngineFailed, StudioError
from studio.models.registry import ModelEntry
from studio.models.trained import TrainedModel, stamp
from studio.models.validation import validate
from studio.models.xtts import TRAINING_FILES

if TYPE_CHECKING:
    from engines.lora import AdapterSlot
    from engines.xtts.conditioning import Latents
    from engines.xtts.tokens import TokenLoop
    from engines.xtts.vocoder import StreamingVocoder


@dataclass(eq=False)
class LoadedModel:
    """A model in memory, with what speaks with it."""

    entry: ModelEntry
    folder: Path
    model: Any  # TTS.tts.models.xtts.Xtts
    loop: TokenLoop
    vocoder: StreamingVocoder
    speakers: dict[str, Latents]  # by their names; empty without speakers_xtts.pth
    placement: Placement
    #: The same for the same weights only, so that what one model prepared is not given to another.
    identity: str

    @property
    def is_current(self) -> bool:
        """False of a model that was trained here, where its weights are gone or others by now."""
        return not self.entry.base or self.identity.endswith(stamp(self.folder))

    def serves(self, entry: ModelEntry, placement: Placement) -> bool:
        """Whether loading `entry` at `placement` would give this again."""
        return self.is_current and (self.entry.key, self.placement) == (entry.key, placement)

    @property
    def config(self) -> Any:
        """What config.json says, as a TTS.tts.configs.xtts_config.XttsConfig."""
        return self.model.config


def load_model(folder: Path, eval: bool = True) -> Any:
    """The real Xtts (TTS.tts.models.xtts) of `folder`, float32 on the CPU, whole and strictly loaded.

    `eval=False` leaves it as training wants it: every parameter under its own name, so that its
    state_dict is that of a published model.pth. Neither way has `gpt_inference`, which only the
    package's own generation needs (`model.gpt.init_gpt_for_inference()`).

    Raises EngineFailed naming the remedy where a file is missing, damaged or of another model.
    """
    weights = weights_of(folder)
    missing = [path.name for path in (folder / "config.json", folder / "vocab.json", weights)]
    missing = [name for name in missing if not _is_file(folder / name)]
    if missing:
        raise EngineFailed(
            f"{folder} is no model of XTTS: {', '.join(missing)} is missing.",
            "Check it in the Models tab, and download it again.",
        )
    with explained(folder):
        xtts = coqui()
        config = xtts.XttsConfig()
        config.load_json(str(folder / "config.json"))
        model = xtts.Xtts(config)
        model.tokenizer = xtts.VoiceBpeTokenizer(vocab_file=str(folder / "vocab.json"))
        model.init_models()  # once more, now that the number of text tokens is known
        model.load_state_dict(read_weights(weights), strict=True)
    # Not model.eval(), which its class overrides to add gpt_inference.
    model.train(not eval)
    if eval:
        model.requires_grad_(False)
    return model


def check_trainable(folder: Path) -> None:
    """Raise EngineFailed where `folder` lacks what training needs besides the model."""
    missing = [name for name in TRAINING_FILES if not _is_file(folder / name)]
    if missing:
        raise EngineFailed(
            f"{folder.name} cannot be trained: {' and '.join(missing)} is missing.",
            "Download XTTS v2 again in the Models tab; what is there already is kept.",
        )


def load(entry: ModelEntry, folder: Path | None, placement: Placement) -> LoadedModel:
    """Load the model of `entry` from `folder`; nothing is downloaded.

    It calculates in float32 wherever it is: 16 bits bring nothing on a processor, and the decoder
    hears the language model's own states, which suffer from them.
    Raises EngineFailed when the folder is not whole or cannot be loaded, and OutOfMemory.
    """
    folder = _checked(entry, folder)
    needs = f" It needs about {entry.vram_gb:g} GB." if entry.vram_gb else ""
    with memory_limit(
        f"There is not enough memory on {placement.device} for {entry.label}.{needs}",
        "Close other programs that use it, or set device to cpu.",
    ):
        from engines.xtts.conditioning import SPEAKERS, read_speakers

        model = load_model(folder)
        with explained(folder):
            from engines.xtts.tokens import TokenLoop
            from engines.xtts.vocoder import StreamingVocoder, without_weight_norm

            without_weight_norm(model.hifigan_decoder)
            model.to(placement.device)
            speakers = named_voices(read_speakers(folder / SPEAKERS), entry)
            loop, vocoder = TokenLoop(model.gpt), StreamingVocoder(model.hifigan_decoder)
    give_back()  # what was read in another form than it is kept
    return LoadedModel(
        entry, folder, model, loop, vocoder, speakers, placement, _identity(entry, folder)
    )


def _identity(entry: ModelEntry, folder: Path) -> str:
    """Key, size and time of the weights in `folder`."""
    stat = weights_of(folder).stat()
    return f"{entry.key} {stat.st_size}:{stat.st_mtime_ns}"


def named_voices(voices: dict[str, Latents], entry: ModelEntry) -> dict[str, Latents]:
    """`voices` of a model; of one that was trained here, its own voice by the model's key as well."""
    if entry.base and voices:
        return {entry.key: next(iter(voices.values())), **voices}
    return voices


def network(base: LoadedModel) -> Any:
    """What an adapter lies over."""
    return base.model.gpt


def over_base(base: LoadedModel, slot: AdapterSlot, trained: TrainedModel) -> LoadedModel:
    """`base`, which stays as it is in memory, with the adapter of `trained` in `slot` over it, its voices
    before those of the base.

    Raises BadInput, Damaged or EngineFailed for one that cannot be used; then nothing has changed.
    """
    from engines.lora import read_adapter
    from engines.xtts.conditioning import SPEAKERS, read_speakers

    folder = _checked(trained.entry, trained.folder)
    voices = named_voices(read_speakers(folder / SPEAKERS), trained.entry)
    identity = f"{base.identity} {trained.entry.key} {stamp(folder)}"
    slot.put(read_adapter(folder))
    return replace(
        base,
        entry=trained.entry,
        folder=folder,
        speakers={**voices, **base.speakers},
        identity=identity,
    )


def without_adapter(base: LoadedModel, slot: AdapterSlot) -> LoadedModel:
    """`base` by itself again."""
    slot.clear()
    return base


def _checked(entry: ModelEntry, folder: Path | None) -> Path:
    report = validate(entry, folder)
    again = (
        "Delete this checkpoint, or restore its folder."
        if entry.base
        else "Make it again in the Models tab, or with: python app.py models practice xtts"
        if entry.practice
        else f"Download it in the Models tab, or with: python app.py models download {entry.key}"
    )
    if report.folder is None:
        raise EngineFailed(f"{entry.label} is not on this machine.", again)
    if not report.valid:
        wrong = " ".join(problem.message for problem in report.problems)
        raise EngineFailed(f"{entry.label} in {report.folder} cannot be used. {wrong}", again)
    return report.folder


def _is_file(path: Path) -> bool:
    return path.is_file()


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what coqui-tts raises for a folder that it cannot use into EngineFailed."""
    try:
        yield
    except ImportError as error:
        raise EngineFailed(
            f"XTTS cannot be imported: {error}.",
            "Install what requirements.txt names: pip install -r requirements.txt",
        ) from error
    except StudioError:
        raise
    except Exception as error:  # tokenizers raises Exception itself
        if is_lack_of_memory(error):
            raise
        raise EngineFailed(
            f"The model in {folder} could not be loaded: {_short(error)}.",
            "Check it in the Models tab; download it again if its files were changed.",
        ) from error


def _short(error: Exception) -> str:
    first = str(error).strip().splitlines()[0] if str(error).strip() else ""
    return f"{type(error).__name__}: {first[:200]}".rstrip(": ")
