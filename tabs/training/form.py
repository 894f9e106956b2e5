"""How a run trains, as fields: one table drives what is laid out, read and filled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.errors import BadInput
from studio.runs.values import (
    LORA_HEADS,
    LORA_TARGETS,
    Family,
    LoraOptions,
    Method,
    Precision,
    RunSettings,
    Schedule,
)
from tabs.speech.view import line
from tabs.training.tab import ID

_SCHEDULES = [
    ("Falls like a cosine", Schedule.COSINE.value),
    ("Falls in a line", Schedule.LINEAR.value),
    ("Stays", Schedule.CONSTANT.value),
]
_PRECISIONS = [
    ("Auto", Precision.AUTO.value),
    ("float32", Precision.FLOAT32.value),
    ("bfloat16", Precision.BFLOAT16.value),
    ("float16", Precision.FLOAT16.value),
]


@dataclass(frozen=True)
class _Count:
    """A whole number of RunSettings or LoraOptions."""

    name: str
    label: str
    low: int


_EPOCHS = _Count("epochs", "Epochs", 1)
_SIZES = (
    _Count("max_train_samples", "Clips to train on; 0: all", 0),
    _Count("batch_size", "Clips a batch", 1),
    _Count("accumulation", "Batches a step", 1),
    _Count("seed", "Seed", 0),
)
_KEEPING = (
    _Count("save_every", "Save every … epochs", 1),
    _Count("sample_every", "Speak every … epochs; 0: never", 0),
    _Count("keep_last", "Last checkpoints to keep", 1),
    _Count("keep_best", "Best checkpoints to keep", 0),
    _Count("early_stop", "Stop after … epochs without gain; 0: never", 0),
)
_LORA = (_Count("rank", "Rank", 1), _Count("alpha", "Alpha", 1))

#: Of RunSettings, shown as they are.
_PLAIN = ("gradient_checkpointing", "weight_decay", "clip_norm", "stop_when_worse")
_COUNTS = (_EPOCHS, *_SIZES, *_KEEPING)


def names() -> tuple[str, ...]:
    """The order of the values that `settings_of` takes and `values_of` makes."""
    return (
        *(count.name for count in _COUNTS),
        *_PLAIN,
        *("learning_rate", "warmup_percent", "schedule", "precision"),
        *("rank", "alpha", "dropout_percent", "targets", "heads"),
        "sentences",
    )


def lay_out() -> dict[str, Any]:
    """The components by name: the epochs, then the others folded away."""
    fields: dict[str, Any] = {"epochs": _count(_EPOCHS)}
    with gr.Accordion("Advanced", open=False, elem_id=f"{ID}-advanced"):
        _steps(fields)
        gr.HTML(line("Checkpoints and samples"), padding=False)
        with gr.Row():
            for count in _KEEPING:
                fields[count.name] = _count(count)
        fields["stop_when_worse"] = gr.Checkbox(
            False, label="Stop when it sounds worse and worse", elem_id=f"{ID}-stop-when-worse"
        )
        fields["sentences"] = gr.Textbox(
            "",
            label="Sentences to speak, a line each; empty: the language's own",
            lines=2,
            max_lines=8,
            elem_id=f"{ID}-sentences",
        )
        _lora(fields)
    return {name: fields[name] for name in names()}


def values_of(settings: RunSettings) -> list[Any]:
    """What shows `settings`."""
    lora, family = settings.lora, settings.family
    values = {
        **{count.name: getattr(settings, count.name) or 0 for count in _COUNTS},
        **{name: getattr(settings, name) for name in _PLAIN},
        "learning_rate": f"{settings.learning_rate:g}",
        "warmup_percent": round(100 * settings.warmup_share, 4),
        "schedule": settings.schedule.value,
        "precision": settings.precision.value,
        "rank": lora.rank,
        "alpha": lora.alpha,
        "dropout_percent": round(100 * lora.dropout, 4),
        "targets": gr.CheckboxGroup(
            choices=[*LORA_TARGETS[family]], value=[*(lora.targets or LORA_TARGETS[family])]
        ),
        "heads": gr.CheckboxGroup(choices=[*LORA_HEADS[family]], value=[*lora.heads]),
        "sentences": "\n".join(settings.sentences),
    }
    return [values[name] for name in names()]


def settings_of(
    values: Sequence[Any], family: Family, method: Method, base: str, dataset: str
) -> RunSettings:
    """What the form says. Raises BadInput for what makes no sense."""
    given = dict(zip(names(), values, strict=True))
    plain: dict[str, Any] = {count.name: _whole(count, given[count.name]) for count in _COUNTS}
    plain["max_train_samples"] = plain["max_train_samples"] or None
    plain["weight_decay"] = _figure("weight decay", given["weight_decay"])
    plain["clip_norm"] = _figure("largest gradient", given["clip_norm"])
    for name in ("gradient_checkpointing", "stop_when_worse"):
        plain[name] = bool(given[name])
    everywhere = set(given["targets"]) == set(LORA_TARGETS[family])
    if method is Method.LORA and not given["targets"]:
        raise BadInput("LoRA has no layers to adapt.", "Tick at least one of them.")
    lora = LoraOptions(
        rank=_whole(_LORA[0], given["rank"]),
        alpha=_whole(_LORA[1], given["alpha"]),
        dropout=_figure("dropout", given["dropout_percent"]) / 100,
        targets=() if everywhere else tuple(given["targets"]),
        heads=tuple(given["heads"]),
    )
    sentences = (line.strip() for line in (given["sentences"] or "").splitlines())
    return RunSettings(
        family,
        base,
        dataset,
        method,
        **plain,
        learning_rate=_figure("learning rate", given["learning_rate"]),
        warmup_share=_figure("warm-up", given["warmup_percent"]) / 100,
        schedule=Schedule(given["schedule"]),
        precision=Precision(given["precision"]),
        sentences=tuple(sentence for sentence in sentences if sentence),
        lora=lora,
    )


def label_of(name: str) -> str:
    """A setting as the form calls it."""
    return _LABELS.get(name, name.replace("_", " ").capitalize())


_LABELS = {count.name: count.label.partition(";")[0] for count in (*_COUNTS, *_LORA)} | {
    "lora": "LoRA",
    "learning_rate": "Learning rate",
}


def _steps(fields: dict[str, Any]) -> None:
    with gr.Row():
        for count in _SIZES:
            fields[count.name] = _count(count)
    with gr.Row():
        fields["learning_rate"] = gr.Textbox(
            "5e-6", label="Learning rate", max_lines=1, min_width=120, elem_id=f"{ID}-learning-rate"
        )
        fields["schedule"] = _dropdown("schedule", "Then the rate", _SCHEDULES)
        fields["warmup_percent"] = _slider("warmup-percent", "Warm-up (% of all steps)", 50, 0.5)
    with gr.Row():
        fields["weight_decay"] = _number("weight-decay", "Weight decay", 0.01)
        fields["clip_norm"] = _number("clip-norm", "Largest gradient", 1.0)
        fields["precision"] = _dropdown("precision", "Number format", _PRECISIONS)
    fields["gradient_checkpointing"] = gr.Checkbox(
        False,
        label="Gradient checkpointing: less memory, a third slower",
        elem_id=f"{ID}-gradient-checkpointing",
    )


def _lora(fields: dict[str, Any]) -> None:
    gr.HTML(line("LoRA only"), padding=False)
    with gr.Row():
        for count in _LORA:
            fields[count.name] = _count(count)
        fields["dropout_percent"] = _slider("dropout-percent", "Dropout (%)", 90, 1)
    family = Family.XTTS
    fields["targets"] = gr.CheckboxGroup(
        [*LORA_TARGETS[family]],
        value=[*LORA_TARGETS[family]],
        label="Layers that are adapted",
        elem_id=f"{ID}-targets",
    )
    fields["heads"] = gr.CheckboxGroup(
        [*LORA_HEADS[family]],
        value=[],
        label="Heads that are trained in full",
        elem_id=f"{ID}-heads",
    )


def _count(count: _Count) -> gr.Number:
    return gr.Number(
        getattr(LoraOptions, count.name, None) or count.low,
        label=count.label,
        precision=0,
        minimum=count.low,
        min_width=120,
        elem_id=f"{ID}-{count.name.replace('_', '-')}",
    )


def _number(id_: str, label: str, value: float) -> gr.Number:
    return gr.Number(value, label=label, minimum=0, min_width=120, elem_id=f"{ID}-{id_}")


def _slider(id_: str, label: str, high: float, step: float) -> gr.Slider:
    return gr.Slider(0, high, value=5, step=step, label=label, min_width=160, elem_id=f"{ID}-{id_}")


def _dropdown(id_: str, label: str, known: list[tuple[str, str]]) -> gr.Dropdown:
    return gr.Dropdown(known, value=known[0][1], label=label, min_width=120, elem_id=f"{ID}-{id_}")


def _whole(count: _Count, value: Any) -> int:
    name = count.label.partition(";")[0]
    figure = _figure(name, value)
    if figure != int(figure):
        raise BadInput(f"“{name}” is {figure:g}, no whole number.", "Give a whole number.")
    return int(figure)


def _figure(name: str, value: Any) -> float:
    try:
        figure = float(str(value).strip().replace(",", "."))
    except ValueError:
        figure = float("nan")
    if not -1e300 < figure < 1e300:
        shown = "empty" if value in (None, "") else f"“{str(value)[:40]}”, no number"
        raise BadInput(f"“{name}” is {shown}.", "Give a number, such as 5e-6 or 0.05.")
    return figure
