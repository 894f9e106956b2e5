"""From a folder to a model that speaks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.base import Placement
from engines.devices import cpu_has_bfloat16, torch_module
from engines.memory import give_back, is_lack_of_memory, memory_limit
from engines.qwen.package import qwen_tts_package
from studio.errors import Damaged, EngineFailed
from studio.models.registry import ModelEntry
from studio.models.trained import VOICES, TrainedModel, stamp
from studio.models.validation import validate
from studio.runs.values import Family

if TYPE_CHECKING:
    import torch

    from engines.lora import AdapterSlot
    from engines.qwen.codec import StreamingCodec
    from engines.qwen.prompts import ClonePrompt
    from engines.qwen.talker import FrameLoop


@dataclass(eq=False)
class LoadedModel:
    """A model in memory, with what speaks with it."""

    entry: ModelEntry
    folder: Path
    wrapper: Any  # qwen_tts.Qwen3TTSModel
    loop: FrameLoop
    codec: StreamingCodec
    placement: Placement
    #: The same for the same weights only, so that what one model prepared is not given to another.
    identity: str
    #: Of a model that was trained here: the voice that it speaks in without a recording.
    voice: ClonePrompt | None = None
    stamp: str = ""  # of its weights, where it was trained here

    @property
    def is_current(self) -> bool:
        """False of a model that was trained here, where its weights are gone or others by now."""
        return not self.entry.base or self.stamp == stamp(self.folder)

    def serves(self, entry: ModelEntry, placement: Placement) -> bool:
        """Whether loading `entry` at `placement` would give this again."""
        return self.is_current and (self.entry.key, self.placement) == (entry.key, placement)

    @property
    def positions(self) -> int:
        """How many the talker has room for, of prompt and frames together."""
        return int(self.wrapper.model.talker.config.max_position_embeddings)

    @property
    def generation(self) -> Mapping[str, Any]:
        """What generation_config.json says."""
        defaults: Mapping[str, Any] = self.wrapper.generate_defaults
        return defaults


def _identity(entry: ModelEntry, folder: Path) -> str:
    """Key, size and time of the weights in `folder`."""
    stats = [(folder / file.name).stat() for file in entry.files if file.name.endswith(".safetensors")]
    return f"{entry.key} " + " ".join(f"{stat.st_size}:{stat.st_mtime_ns}" for stat in stats)


def load(entry: ModelEntry, folder: Path | None, placement: Placement) -> LoadedModel:
    """Load the model of `entry` from `folder`; nothing is downloaded.

    Raises EngineFailed when the folder is not whole, naming the files, or cannot be loaded, and
    OutOfMemory.
    """
    folder = _checked(entry, folder)
    needs = f" It needs about {entry.vram_gb:g} GB." if entry.vram_gb else ""
    with (
        memory_limit(
            f"There is not enough memory on {placement.device} for {entry.label}.{needs}",
            "Close other programs that use it, choose the 0.6B model, or set device to cpu.",
        ),
        loading_errors(entry.label, folder),
    ):
        return _load(entry, folder, placement)


@contextmanager
def loading_errors(label: str, folder: Path) -> Iterator[None]:
    """Turn what the packages raise while they load `label` from `folder` into EngineFailed; a lack of
    memory stays what it is."""
    try:
        yield
    except ImportError as error:
        raise EngineFailed(
            f"Qwen3-TTS cannot be imported: {error}.",
            "Install what requirements.txt names: pip install -r requirements.txt",
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        if is_lack_of_memory(error):
            raise
        raise EngineFailed(
            f"{label} could not be loaded from {folder}: {type(error).__name__}: {error}.",
            "Check it in the Models tab; download it again if its files were changed.",
        ) from error


def _checked(entry: ModelEntry, folder: Path | None) -> Path:
    report = validate(entry, folder)
    again = (
        "Delete this checkpoint, or restore its folder."
        if entry.base
        else "Make it again in the Models tab, or with: python app.py models practice qwen"
        if entry.practice
        else f"Download it in the Models tab, or with: python app.py models download {entry.key}"
    )
    if report.folder is None:
        raise EngineFailed(f"{entry.label} is not on this machine.", again)
    if not report.valid:
        wrong = " ".join(problem.message for problem in report.problems)
        raise EngineFailed(f"{entry.label} in {report.folder} cannot be used. {wrong}", again)
    return report.folder


def _load(entry: ModelEntry, folder: Path, placement: Placement) -> LoadedModel:
    torch = torch_module()
    from engines.qwen.codec import StreamingCodec
    from engines.qwen.cuda_graphs import make_loop

    identity = _identity(entry, folder)
    quantised = placement.dtype == "int8"
    dtype = torch.float32 if quantised else getattr(torch, placement.dtype)
    wrapper = official_model(entry.label, folder, placement.device, dtype, placement.attention)
    talker = wrapper.model.talker
    codec_dtype = None
    if quantised:
        # Who takes 8 bits for speed takes this: the codec would else be the slower half.
        codec_dtype = torch.bfloat16 if cpu_has_bfloat16(torch) else None
        from engines.qwen.quantization import quantise

        quantise(talker)
    give_back()  # what was read in another form than it is kept
    return LoadedModel(
        entry,
        folder,
        wrapper,
        make_loop(talker),
        StreamingCodec(wrapper.model.speech_tokenizer, codec_dtype),
        placement,
        identity,
        _voice(folder) if entry.base else None,
        stamp(folder) if entry.base else "",
    )


def network(base: LoadedModel) -> Any:
    """What an adapter lies over."""
    return base.wrapper.model.talker


def over_base(base: LoadedModel, slot: AdapterSlot, trained: TrainedModel) -> LoadedModel:
    """`base`, which stays as it is in memory, with the adapter of `trained` in `slot` over it. What hears
    recordings is not trained, so that voices prepared for the base are those of every adapter.

    Raises BadInput, Damaged or EngineFailed for one that cannot be used; then nothing has changed.
    """
    from engines.lora import read_adapter
    from engines.qwen.cuda_graphs import make_loop

    folder = _checked(trained.entry, trained.folder)
    voice, weights = _voice(folder), stamp(folder)
    slot.put(read_adapter(folder))
    loop = make_loop(base.wrapper.model.talker)
    return replace(base, entry=trained.entry, folder=folder, loop=loop, voice=voice, stamp=weights)


def without_adapter(base: LoadedModel, slot: AdapterSlot) -> LoadedModel:
    """`base` by itself again."""
    from engines.qwen.cuda_graphs import make_loop

    slot.clear()
    return replace(base, loop=make_loop(base.wrapper.model.talker))


def _voice(folder: Path) -> ClonePrompt | None:
    """The voice of a checkpoint, where it has one. Raises Damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from engines.qwen.prompts import ClonePrompt

    path = folder / VOICES[Family.QWEN]
    if not path.is_file():
        return None
    try:
        return ClonePrompt("", load_file(path)["x_vector"], None, "", ())
    except (OSError, SafetensorError, KeyError) as error:
        raise Damaged(f"{path} is damaged.", "Delete this checkpoint.") from error


def official_model(
    label: str, folder: Path, device: str, dtype: torch.dtype, attention: str = "sdpa"
) -> Any:
    """The qwen_tts.Qwen3TTSModel in `folder` in `dtype`, its codec in float32.

    Raises EngineFailed where weights are missing; see `loading_errors` for the rest.
    """
    package = qwen_tts_package()
    where = _where(device)
    wrapper = package.Qwen3TTSModel.from_pretrained(
        str(folder), dtype=dtype, attn_implementation=attention, local_files_only=True, **where
    )
    _check_complete(label, folder, wrapper.model)
    if dtype.itemsize < 4:
        wrapper.model.speech_tokenizer = official_codec(folder, device)
    wrapper.model.eval()
    return wrapper


def official_codec(folder: Path, device: str) -> Any:
    """The qwen_tts.Qwen3TTSTokenizer of the model in `folder`, in float32: so it is published, and it
    costs little; in 16 bits its sound is 31 dB off."""
    torch = torch_module()
    return qwen_tts_package().Qwen3TTSTokenizer.from_pretrained(
        str(folder / "speech_tokenizer"), dtype=torch.float32, local_files_only=True, **_where(device)
    )


def _where(device: str) -> dict[str, str]:
    return {} if device == "cpu" else {"device_map": device}


def _check_complete(label: str, folder: Path, model: Any) -> None:
    """Raise EngineFailed when the file lacks weights: transformers fills them with random numbers
    and only logs it."""
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", "pt") as file:
        missing = sorted(model.state_dict().keys() - set(file.keys()))
    if missing:
        raise EngineFailed(
            f"{label} in {folder} cannot be used: model.safetensors lacks {len(missing)} of its "
            f"weights, such as {missing[0]}.",
            "Download the model again.",
        )
