"""How much memory a run takes at its peak, before it starts: roughly, and rather too much than too little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from studio.runs.shapes import Layers, Shape
from studio.runs.values import Family, Method, Precision, RunSettings

#: Bytes that a position of a clip leaves behind in a layer for the way back, for each number of the
#: layer's width: counted with torch's saved_tensors_hooks on layers of real size, by (method, 16 bits), without
#: autocast's copies of weights.
_KEPT = {
    (Family.XTTS, Method.FULL, False): 164,
    (Family.XTTS, Method.FULL, True): 114,
    (Family.XTTS, Method.LORA, False): 193,
    (Family.XTTS, Method.LORA, True): 143,
    (Family.QWEN, Method.FULL, False): 130,
    (Family.QWEN, Method.FULL, True): 85,
    (Family.QWEN, Method.LORA, False): 170,
    (Family.QWEN, Method.LORA, True): 122,
}
#: The same where only a layer's input is kept and the rest calculated again.
_KEPT_CHECKPOINTED = 4

#: Of the logits of a position: as 32 bits, with their logarithms and gradients.
_LOGITS = 12

#: XTTS in full also learns how it hears a voice: bytes for each number of the width and clip, 3 to 6 s.
_HEARING = 200_000

#: Positions a second of speech and a character of text (a code of XTTS has 46 ms, a frame of Qwen 80 ms).
_RATE = {Family.XTTS: 21.5, Family.QWEN: 12.5}
_TOKENS_A_CHARACTER = {Family.XTTS: 0.6, Family.QWEN: 0.3}
#: Voice, language and marks around a clip.
_AROUND = {Family.XTTS: 35, Family.QWEN: 12}

#: Python, torch and what else a process has before it trains; on a card the driver's share.
_PROCESS_MB = {"cpu": 900, "cuda": 700, "mps": 900}

_MB = 2**20


@dataclass(frozen=True)
class Longest:
    """The longest clip of a run."""

    seconds: float
    characters: int


@dataclass(frozen=True)
class Need:
    """Memory at the peak, in MB."""

    weights: float  # of the model, trained or not
    training: float  # gradients and the optimizer's two moments
    activations: float  # of a batch of the longest clips
    process: float
    loading: float  # of the model, before it trains

    @property
    def total(self) -> float:
        return self.process + max(self.loading, self.weights + self.training + self.activations)


def need(shape: Shape, settings: RunSettings, longest: Longest, device: str, half: bool) -> Need:
    """What `settings` take on a `device` "cpu", "cuda" or "mps"; `half`: calculated in 16 bits."""
    trained = trained_parameters(shape, settings)
    frozen = shape.trainable + shape.rest
    size = 2 if half and settings.method is Method.LORA else 4
    if settings.method is Method.FULL:
        frozen -= trained
    copies = 2 * trained if half and settings.method is Method.FULL else 0  # autocast's, in 16 bits
    weights = size * frozen + 4 * trained + copies
    # While it is loaded, the file's content lies beside the model, in the machine's own memory.
    loading = 8 * (shape.trainable + shape.rest) if device == "cpu" else weights
    return Need(
        weights / _MB,
        12 * trained / _MB,
        _activations(shape, settings, longest, half) / _MB,
        _PROCESS_MB.get(device, _PROCESS_MB["cpu"]),
        loading / _MB,
    )


def trained_parameters(shape: Shape, settings: RunSettings) -> int:
    """How many numbers are trained."""
    return shape.trainable if settings.method is Method.FULL else shape.adapter(settings.lora)


def less_hungry(settings: RunSettings) -> Iterator[tuple[RunSettings, str]]:
    """The same run with less memory: each with what was changed, the smallest change first."""
    batch = settings.batch_size
    while batch > 1:
        batch //= 2
        more = settings.accumulation * (settings.batch_size // batch)
        yield (
            replace(settings, batch_size=batch, accumulation=more),
            f"batches of {batch} and {more} batches a step",
        )
    smallest = replace(settings, batch_size=1, accumulation=settings.accumulation * settings.batch_size)
    ways = [] if batch == settings.batch_size else [f"batches of 1 and {smallest.accumulation} a step"]
    if not settings.gradient_checkpointing:
        ways.append("gradient checkpointing")
        smallest = replace(smallest, gradient_checkpointing=True)
        yield smallest, " with ".join(ways)
    if settings.method is Method.FULL:
        yield replace(smallest, method=Method.LORA), " with ".join(["LoRA", *ways])


def is_half(settings: RunSettings, device: str, bfloat16: bool) -> bool:
    """Whether it calculates in 16 bits; `bfloat16`: the device does so of itself."""
    if settings.precision is Precision.AUTO:
        return device == "cuda" and bfloat16
    return settings.precision is not Precision.FLOAT32


def _activations(shape: Shape, settings: RunSettings, longest: Longest, half: bool) -> float:
    """Bytes that a batch of the longest clips leaves behind for the way back."""
    family, clips = shape.family, settings.batch_size
    codes = longest.seconds * _RATE[family]
    letters = longest.characters * _TOKENS_A_CHARACTER[family]
    places = clips * (codes + letters + _AROUND[family])
    kept = _KEPT[family, settings.method, half]
    total = _of_layers(shape.layers, places, kept, settings.gradient_checkpointing)
    total += places * _LOGITS * shape.vocabulary
    if shape.predictor is not None:  # each frame is a text of its own to it
        steps = clips * codes * shape.groups
        total += _of_layers(shape.predictor, steps, kept, settings.gradient_checkpointing)
        total += steps * _LOGITS * 2048
    elif settings.method is Method.FULL:
        total += clips * _HEARING * shape.layers.width
    return total


def _of_layers(layers: Layers, places: float, kept: int, checkpointed: bool) -> float:
    a_layer = places * layers.width
    if checkpointed:
        return a_layer * (layers.count * _KEPT_CHECKPOINTED + kept)
    return a_layer * layers.count * kept
