"""The limits as sliders and boxes: one table drives what is laid out, read and filled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from studio.dataset.values import Limits
from tabs.datasets.tab import ID
from tabs.speech.view import line


@dataclass(frozen=True)
class _Slider:
    """A limit of `Limits`. At `off`, one of its ends, the measure does not count."""

    name: str
    label: str
    low: float
    high: float
    step: float
    off: float
    scale: float = 1.0  # of what is shown to what is kept: 100 for a share in percent
    main: bool = False


_SLIDERS = (
    _Slider("min_snr_db", "SNR, at least (dB)", -10, 40, 0.5, -10, main=True),
    _Slider("min_confidence", "Sure of the text, at least (%)", 0, 100, 1, 0, 100, main=True),
    _Slider("min_s", "Duration, at least (s)", 0, 10, 0.1, 0, main=True),
    _Slider("max_s", "Duration, at most (s)", 1, 30, 0.1, 30, main=True),
    _Slider("min_loudness_lufs", "Loudness, at least (LUFS)", -70, -15, 1, -70),
    _Slider("max_clipped", "Clipped, at most (%)", 0, 5, 0.05, 5, 100),
    _Slider("min_speech_share", "Speech in it, at least (%)", 0, 100, 1, 0, 100),
    _Slider("min_bandwidth_hz", "Sound up to, at least (Hz)", 0, 11_000, 100, 0),
    _Slider("max_given_error", "Given text heard otherwise, at most (%)", 0, 100, 1, 100, 100),
    _Slider("max_pace_deviation", "Pace off the usual, at most (deviations)", 1, 10, 0.1, 10),
    _Slider("min_words_per_s", "Words a second, at least", 0, 4, 0.1, 0),
    _Slider("max_words_per_s", "Words a second, at most", 2, 15, 0.1, 15),
    _Slider("min_speaker_similarity", "Alike its speaker, at least (cosine)", 0, 1, 0.01, 0),
)

_BOXES = {
    "duplicate_texts": "Keep what says the same as another one",
    "duplicate_audio": "Keep what sounds the same as another one",
    "cut_in_speech": "Keep what begins or ends within speech",
    "other_languages": "Keep what is in another language than most",
}

_HINT = line(
    "What a segment must keep to stay in the set. At the loosest end of a slider its measure does not"
    " count; what could not be measured passes."
)


def lay_out() -> dict[str, Any]:
    """The components by the names of `Limits`: those that matter most, then the others folded away."""
    fields: dict[str, Any] = {}
    gr.HTML(_HINT, padding=False)
    with gr.Row():
        for slider in (each for each in _SLIDERS if each.main):
            fields[slider.name] = _laid_out(slider)
    with gr.Accordion("More limits", open=False, elem_id=f"{ID}-more-limits"):
        with gr.Row():
            for slider in (each for each in _SLIDERS if not each.main):
                fields[slider.name] = _laid_out(slider)
        with gr.Row():
            for name, label in _BOXES.items():
                fields[name] = gr.Checkbox(
                    False, label=label, min_width=220, elem_id=f"{ID}-limit-{name.replace('_', '-')}"
                )
    return {name: fields[name] for name in names()}


def names() -> tuple[str, ...]:
    """The order of the values that `limits_of` takes and `values_of` makes."""
    return (*(slider.name for slider in _SLIDERS), *_BOXES)


def values_of(limits: Limits) -> list[Any]:
    """What shows `limits`."""
    sliders = [_shown(slider, getattr(limits, slider.name)) for slider in _SLIDERS]
    return [*sliders, *(getattr(limits, name) for name in _BOXES)]


def limits_of(values: Sequence[Any], saved: Limits) -> Limits:
    """What the form says. A slider that stands where `saved` puts it leaves that value as it is, which
    may be finer than its steps."""
    given: dict[str, Any] = {}
    for slider, value in zip(_SLIDERS, values, strict=False):
        before = getattr(saved, slider.name)
        if value is None or abs(float(value) - _shown(slider, before)) < slider.step / 100:
            given[slider.name] = before
        else:
            off = abs(float(value) - slider.off) < slider.step / 100
            given[slider.name] = None if off else float(value) / slider.scale
    boxes = zip(_BOXES, values[len(_SLIDERS) :], strict=True)
    return Limits(**given, **{name: bool(value) for name, value in boxes})


def _laid_out(slider: _Slider) -> gr.Slider:
    start = _shown(slider, getattr(Limits(), slider.name))
    return gr.Slider(
        slider.low,
        slider.high,
        value=start,
        step=slider.step,
        label=slider.label,
        min_width=260,
        elem_id=f"{ID}-limit-{slider.name.replace('_', '-')}",
    )


def _shown(slider: _Slider, value: float | None) -> float:
    if value is None:
        return slider.off
    return min(max(round(value * slider.scale, 6), slider.low), slider.high)
