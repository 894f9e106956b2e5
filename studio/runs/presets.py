"""What is proposed for a run: by preset, family, method and the size of the data set, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from math import ceil
from types import MappingProxyType
from typing import Any

from studio.runs.values import Family, LoraOptions, Method, RunSettings


class Preset(str, Enum):
    """How much a run takes on."""

    QUICK = "quick"  # whether it works at all
    BALANCED = "balanced"  # a good voice
    THOROUGH = "thorough"  # the best of a large set

    def __str__(self) -> str:
        return self.value


#: As people read them.
LABELS: Mapping[Preset, str] = MappingProxyType(
    {Preset.QUICK: "Quick test", Preset.BALANCED: "Balanced", Preset.THOROUGH: "Thorough"}
)

#: Learning rates. XTTS in full: Coqui's recipe. Qwen in full: ten times it turned speech into noise.
#: Adapters begin at zero and want about ten times the rate (Schulman et al., LoRA Without Regret, 2025).
RATES: Mapping[tuple[Family, Method], float] = MappingProxyType(
    {
        (Family.XTTS, Method.FULL): 5e-6,
        (Family.XTTS, Method.LORA): 5e-5,
        (Family.QWEN, Method.FULL): 2e-6,
        (Family.QWEN, Method.LORA): 2e-5,
    }
)

#: Clips a batch.
BATCH: Mapping[tuple[Family, Method], int] = MappingProxyType(
    {
        (Family.XTTS, Method.FULL): 4,
        (Family.XTTS, Method.LORA): 8,
        (Family.QWEN, Method.FULL): 2,
        (Family.QWEN, Method.LORA): 4,
    }
)

QUICK_CLIPS = 40
QUICK_EPOCHS = 2

#: Optimizer steps to aim at, and how few and how many epochs may come of it.
_AIMS: Mapping[Preset, tuple[int, int, int]] = MappingProxyType(
    {Preset.BALANCED: (500, 4, 15), Preset.THOROUGH: (1500, 8, 30)}
)

#: Clips a step, by the clips of the set: more make a step steadier, and leave fewer steps.
_CLIPS_A_STEP = ((200, 8), (2_000, 16), (None, 32))

#: Seconds of speech: below the first a large adapter learns them by heart, from the second on it is filled.
_SMALL_SET_S = 600
_LARGE_SET_S = 3600

#: At most about so many epochs are saved and listened to.
_STOPS = 10

_Choose = Callable[[str, Any, str], None]


@dataclass(frozen=True)
class Proposal:
    """Settings, and a sentence for each field that was chosen for this data set."""

    settings: RunSettings
    reasons: Mapping[str, str]  # by the names of RunSettings


def propose(
    family: Family,
    method: Method,
    preset: Preset,
    base: str,
    dataset: str,
    clips: int,
    seconds: float,
) -> Proposal:
    """What suits a data set of `clips` training clips that last `seconds` together."""
    chosen: dict[str, Any] = {}
    reasons: dict[str, str] = {}

    def choose(name: str, value: Any, reason: str) -> None:
        chosen[name], reasons[name] = value, reason

    used = max(1, min(clips, QUICK_CLIPS) if preset is Preset.QUICK else clips)
    if used < clips:
        choose("max_train_samples", used, f"{used} of {clips} clips are enough to see that it works.")
    batch = min(BATCH[family, method], used)
    choose("batch_size", batch, _batch_reason(family, method, batch, used))
    a_step = next(most for below, most in _CLIPS_A_STEP if below is None or used < below)
    accumulation = min(max(1, a_step // batch), ceil(used / batch))
    steps = ceil(ceil(used / batch) / accumulation)
    choose(
        "accumulation",
        accumulation,
        f"{batch * accumulation} clips a step, as suits {used} clips: about {steps}"
        f" {'step' if steps == 1 else 'steps'} an epoch.",
    )
    epochs = _epochs(preset, steps, choose)
    choose("learning_rate", RATES[family, method], _rate_reason(family, method))
    if method is Method.LORA:
        choose("lora", *_lora(preset, seconds))
    elif family is Family.QWEN:
        choose("gradient_checkpointing", True, "Full training of Qwen needs the memory more than time.")
    every = ceil(epochs / _STOPS)
    word = "each epoch" if every == 1 else f"every {every} epochs"
    choose("save_every", every, f"A checkpoint {word}, so that the best can be chosen by ear.")
    choose("sample_every", every, f"Test sentences {word}, to hear where it is going.")
    if preset is Preset.THOROUGH:
        choose("early_stop", 4, "Ends when four epochs in a row have not lowered the eval loss.")
    return Proposal(RunSettings(family, base, dataset, method, **chosen), MappingProxyType(reasons))


def _epochs(preset: Preset, steps: int, choose: _Choose) -> int:
    if preset is Preset.QUICK:
        choose("epochs", QUICK_EPOCHS, "Enough to see the loss fall; the voice will hardly change.")
        return QUICK_EPOCHS
    aim, low, high = _AIMS[preset]
    epochs = min(max(round(aim / steps), low), high)
    choose("epochs", epochs, f"{epochs} of about {steps} steps each, {epochs * steps} in all.")
    return epochs


def _batch_reason(family: Family, method: Method, batch: int, clips: int) -> str:
    if batch == clips:
        return f"The set has {clips} clips."
    if method is Method.LORA:
        return "Adapters leave memory for more clips at once."
    return f"Full training of {'XTTS' if family is Family.XTTS else 'Qwen'} needs much memory a clip."


def _rate_reason(family: Family, method: Method) -> str:
    full = RATES[family, Method.FULL]
    if method is Method.LORA:
        return f"Adapters begin at zero and want about ten times the rate of full training, {full:g}."
    if family is Family.XTTS:
        return "The rate of Coqui's recipe for XTTS."
    return "Low, because ten times it turns Qwen's speech into noise."


def _lora(preset: Preset, seconds: float) -> tuple[LoraOptions, str]:
    minutes = f"{seconds / 60:.0f} min"
    if seconds < _SMALL_SET_S:
        options = LoraOptions(rank=8, alpha=16, dropout=0.1)
        return options, f"A small adapter with more dropout, so that {minutes} are not learnt by heart."
    if preset is Preset.THOROUGH and seconds >= _LARGE_SET_S:
        return LoraOptions(rank=32, alpha=64), f"A larger adapter, which {minutes} can fill."
    return LoraOptions(), "Rank 16 holds a voice well."
