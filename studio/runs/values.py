"""The values of a training run; all are JSON once `asdict` has been at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType

from studio.errors import BadInput, unknown
from studio.ranges import check_ranges


class Family(str, Enum):
    """The families of models that can be trained."""

    XTTS = "xtts"
    QWEN = "qwen"  # the base model

    def __str__(self) -> str:
        return self.value


class Method(str, Enum):
    LORA = "lora"  # low-rank adapters beside frozen weights (Hu et al. 2021)
    FULL = "full"  # every weight of the speech model

    def __str__(self) -> str:
        return self.value


class Schedule(str, Enum):
    """How the learning rate goes on after the warm-up."""

    COSINE = "cosine"  # to a tenth
    LINEAR = "linear"  # to a tenth
    CONSTANT = "constant"

    def __str__(self) -> str:
        return self.value


class Precision(str, Enum):
    AUTO = "auto"  # bfloat16 where the device has it and it helps, else float32
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"  # with loss scaling; CUDA only

    def __str__(self) -> str:
        return self.value


#: Modules that LoRA adapts, by family: every linear layer of the transformer.
LORA_TARGETS: Mapping[Family, tuple[str, ...]] = MappingProxyType(
    {
        Family.XTTS: ("c_attn", "c_proj", "c_fc"),
        Family.QWEN: ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
    }
)

#: Heads that may be trained in full beside the adapters, by family.
LORA_HEADS: Mapping[Family, tuple[str, ...]] = MappingProxyType(
    {Family.XTTS: ("text_head", "mel_head"), Family.QWEN: ("codec_head",)}
)


@dataclass(frozen=True)
class LoraOptions:
    """Of the method "lora"."""

    rank: int = 16
    alpha: int = 32  # the adapter counts alpha / rank
    dropout: float = 0.05
    targets: tuple[str, ...] = ()  # names of modules; empty: LORA_TARGETS of the family
    heads: tuple[str, ...] = ()  # of LORA_HEADS: trained in full, and larger on the disk


@dataclass(frozen=True)
class RunSettings:
    """What a run is asked to do. `studio.runs.presets` proposes one for a data set."""

    family: Family
    base: str  # key of a model, or "<run id>:<epoch>" to go on from a checkpoint
    dataset: str  # id of a data set
    method: Method = Method.LORA
    epochs: int = 10
    max_train_samples: int | None = None  # None: all
    batch_size: int = 4  # clips
    accumulation: int = 1  # batches a step
    gradient_checkpointing: bool = False  # less memory, a third slower
    precision: Precision = Precision.AUTO
    learning_rate: float = 5e-6
    warmup_share: float = 0.05  # of all steps
    schedule: Schedule = Schedule.COSINE
    weight_decay: float = 0.01
    clip_norm: float = 1.0  # of the gradient
    seed: int = 0
    save_every: int = 1  # epochs
    sample_every: int = 1  # epochs; 0: never
    keep_last: int = 3  # checkpoints
    keep_best: int = 1  # checkpoints, by the eval loss
    early_stop: int = 0  # epochs without a better eval loss; 0: never
    stop_when_worse: bool = False  # by the sentinel's judgement
    sentences: tuple[str, ...] = ()  # spoken each epoch; empty: some of the language's own
    lora: LoraOptions = field(default_factory=LoraOptions)

    def __post_init__(self) -> None:
        """Raises BadInput for values that make no sense, naming the field."""
        check_ranges(self, _RANGES)
        if not 1 <= self.lora.rank <= 256 or not 1 <= self.lora.alpha <= 1024:
            raise BadInput(
                f"LoRA of rank {self.lora.rank} and alpha {self.lora.alpha} is not possible.",
                "Choose a rank from 1 to 256 and an alpha from 1 to 1024; 16 and 32 are usual.",
            )
        if not 0 <= self.lora.dropout < 1:
            raise BadInput(f"dropout is {self.lora.dropout:g}.", "Choose it from 0 to below 1.")
        for head in self.lora.heads:
            if head not in LORA_HEADS[self.family]:
                raise unknown(f"head of {self.family}", head, LORA_HEADS[self.family])


_RANGES = (
    ("epochs", 1, 10_000),
    ("max_train_samples", 1, 10_000_000),
    ("batch_size", 1, 1024),
    ("accumulation", 1, 1024),
    ("learning_rate", 1e-9, 1e-1),
    ("warmup_share", 0, 0.5),
    ("weight_decay", 0, 1),
    ("clip_norm", 0.01, 100),
    ("save_every", 1, 10_000),
    ("sample_every", 0, 10_000),
    ("keep_last", 1, 10_000),
    ("keep_best", 0, 100),
    ("early_stop", 0, 10_000),
)


@dataclass(frozen=True)
class StepRow:
    """A line of metrics.jsonl: one optimizer step, or one epoch with what the sentinel heard."""

    kind: str  # "step" or "epoch"
    step: int  # optimizer steps so far
    epoch: float  # 1.5: half of the second one
    time: float  # seconds of training so far, over all attempts
    loss: float | None = None  # mean over the step, or over the epoch
    losses: Mapping[str, float] = field(default_factory=dict)  # its parts: "text", "mel", "talker" ...
    learning_rate: float | None = None
    gradient_norm: float | None = None
    clips_per_s: float | None = None
    memory_mb: float | None = None  # of the process, or allocated on the device
    padding: float | None = None  # share of the batch that is padding
    eval_loss: float | None = None
    heard: SampleReport | None = None  # epochs only
    warnings: tuple[str, ...] = ()  # sentences


@dataclass(frozen=True)
class SampleReport:
    """What the sentinel heard in an epoch's samples; None: could not be told."""

    seconds_per_character: float | None = None
    expected_seconds_per_character: float | None = None  # of the data set
    silence_share: float | None = None
    expected_silence_share: float | None = None
    loudness_lufs: float | None = None
    expected_loudness_lufs: float | None = None
    f0_hz: float | None = None  # median
    expected_f0_hz: float | None = None
    agreement: float | None = None  # 1 - character error rate of what is recognised
    recognizer: str = ""  # label of what recognised it
    rough: bool = False  # it mishears clear speech as well, so that the agreement is a rough figure


@dataclass(frozen=True)
class Checkpoint:
    """An epoch's weights, as meta.json beside them says."""

    run: str  # id
    epoch: int
    family: Family
    method: Method
    base: str  # key of the model they were trained on
    steps: int
    loss: float | None
    eval_loss: float | None
    created: float  # Unix time, s
    size: int  # bytes that deleting it frees
    best: bool = False  # the sentinel's choice
    speaker: str = ""  # whose voice
    language: str = ""
