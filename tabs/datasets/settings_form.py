"""How recordings become segments, as fields: the same form for a new set and for one that there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from engines.base import ModelChoice
from studio.dataset.targets import TARGETS
from studio.dataset.values import AUTO, HYBRID, NOISEREDUCE, NONE, Limits, PrepareSettings
from studio.services.studio import Studio
from studio.services.transcripts import AUTO as ANY_RECOGNIZER
from tabs.transcripts import choices

_METHODS = [("Speech against its pauses", HYBRID), ("What noise reduction takes away", NOISEREDUCE)]
_AUTO_MODEL = ("Auto: the best installed", "")

#: The fields that stand for one setting as it is, by its name.
_PLAIN = (
    *("target", "language", "recognizer", "recognizer_model", "speaker", "speaker_by_folder"),
    *("check_given", "denoise", "denoise_strength", "aggressiveness", "frame_ms", "padding_s"),
    *("min_s", "max_s", "snr_method", "processes"),
)


@dataclass
class SettingsForm:
    """The components by name: those of PrepareSettings, `level` and `loudness` for its loudness_lufs,
    and `eval_percent`."""

    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def all(self) -> list[Any]:
        """In the order of `values_of` and `settings_of`."""
        return [self.fields[name] for name in names()]


def names() -> tuple[str, ...]:
    return (*_PLAIN, "level", "loudness", "eval_percent")


def lay_out(studio: Studio, id_: str) -> SettingsForm:
    """Lay the fields out here; their elem_ids begin with `id_`."""
    form, start = SettingsForm(), PrepareSettings()
    add = form.fields
    with gr.Row():
        add["target"] = gr.Dropdown(
            [(f"{target.label}, {target.sample_rate:,} Hz", target.id) for target in TARGETS.values()],
            value=start.target,
            label="For training",
            min_width=150,
            elem_id=f"{id_}-target",
        )
        add["language"] = gr.Dropdown(
            choices.languages(studio, ANY_RECOGNIZER),
            value=start.language,
            label="Language",
            min_width=150,
            elem_id=f"{id_}-language",
        )
    with gr.Row():
        add["recognizer"] = gr.Dropdown(
            [*choices.engines(studio), ("None: only the texts that come along", NONE)],
            value=start.recognizer,
            label="Who writes the texts down",
            min_width=150,
            elem_id=f"{id_}-recognizer",
        )
        add["recognizer_model"] = gr.Dropdown(
            [_AUTO_MODEL], value="", label="Model", min_width=150, elem_id=f"{id_}-model"
        )
    with gr.Accordion("Advanced", open=False, elem_id=f"{id_}-advanced"):
        _advanced(form, start, id_)
    return form


def _advanced(form: SettingsForm, start: PrepareSettings, id_: str) -> None:
    add = form.fields
    add["speaker"] = gr.Textbox(
        "", label="Speaker; empty: the set's name", max_lines=1, elem_id=f"{id_}-speaker"
    )
    add["speaker_by_folder"] = gr.Checkbox(
        False, label="Each folder of recordings is a speaker", elem_id=f"{id_}-by-folder"
    )
    add["check_given"] = gr.Checkbox(
        True, label="Check the texts that come along by recognising", elem_id=f"{id_}-check-given"
    )
    add["level"] = gr.Checkbox(True, label="Set the loudness", elem_id=f"{id_}-level")
    _slider(form, id_, "loudness", "Loudness of each recording (LUFS)", -40, -9, 1, start.loudness_lufs)
    add["denoise"] = gr.Checkbox(False, label="Reduce noise", elem_id=f"{id_}-denoise")
    _slider(form, id_, "denoise_strength", "How much of it", 0, 1, 0.05, start.denoise_strength)
    _slider(form, id_, "aggressiveness", "Strict about what is speech", 0, 3, 1, start.aggressiveness)
    add["frame_ms"] = gr.Radio(
        [10, 20, 30], value=start.frame_ms, label="Frame (ms)", elem_id=f"{id_}-frame-ms"
    )
    _slider(form, id_, "padding_s", "Pause left around speech (s)", 0, 1, 0.01, start.padding_s)
    _slider(form, id_, "min_s", "Shortest segment (s)", 0.3, 10, 0.1, start.min_s)
    _slider(form, id_, "max_s", "Longest segment (s)", 1, 30, 0.1, start.max_s)
    add["snr_method"] = gr.Radio(
        _METHODS, value=start.snr_method, label="SNR by", elem_id=f"{id_}-snr-method"
    )
    _slider(form, id_, "eval_percent", "Set aside to evaluate (%)", 0, 50, 1, 100 * start.eval_share)
    _slider(form, id_, "processes", "Recordings at once", 1, 64, 1, start.processes)


def values_of(settings: PrepareSettings) -> list[Any]:
    """What shows `settings`; the model's choices are those of its recognizer (see `models_of`)."""
    loudness = settings.loudness_lufs
    return [
        *(getattr(settings, name) for name in _PLAIN),
        loudness is not None,
        PrepareSettings().loudness_lufs if loudness is None else loudness,
        round(100 * settings.eval_share, 1),
    ]


def settings_of(values: Sequence[Any], saved: PrepareSettings | None = None) -> PrepareSettings:
    """What the form says. The limits are those of `saved`, except that segments of the chosen lengths
    are within them. Raises BadInput for values that make no sense together."""
    given = dict(zip(names(), values, strict=True))
    plain: dict[str, Any] = {name: given[name] for name in _PLAIN}
    for name in ("aggressiveness", "frame_ms", "processes"):
        plain[name] = int(plain[name])
    for name in ("speaker", "recognizer_model"):
        plain[name] = (plain[name] or "").strip()
    limits = saved.limits if saved is not None else Limits()
    if saved is None or (saved.min_s, saved.max_s) != (plain["min_s"], plain["max_s"]):
        limits = replace(limits, min_s=plain["min_s"], max_s=plain["max_s"])
    return PrepareSettings(
        **plain,
        loudness_lufs=float(given["loudness"]) if given["level"] else None,
        eval_share=float(given["eval_percent"]) / 100,
        limits=limits,
    )


def models_of(studio: Studio, recognizer: str, model: str = "") -> Any:
    """The models of a recognizer to choose from."""
    known: tuple[ModelChoice, ...] = ()
    if recognizer not in (AUTO, NONE):
        known = studio.engines.registry.recognizer(recognizer).models()
    if not known:
        return gr.Dropdown(choices=[_AUTO_MODEL], value="")
    keys = {model.key for model in known}
    return gr.Dropdown(choices=choices.models(known), value=model if model in keys else "")


def languages_of(studio: Studio, language: str) -> Any:
    """The languages to choose from, with the one that a set has."""
    known = choices.languages(studio, ANY_RECOGNIZER)
    if language not in {code for _, code in known}:
        known = [*known, (language, language)]
    return gr.Dropdown(choices=known, value=language)


def on_recognizer(studio: Studio, recognizer: str) -> Any:
    """Another recognizer is chosen."""
    return models_of(studio, recognizer)


def _slider(
    form: SettingsForm,
    id_: str,
    name: str,
    label: str,
    low: float,
    high: float,
    step: float,
    value: float | None,
) -> None:
    form.fields[name] = gr.Slider(
        low,
        high,
        value=value,
        step=step,
        label=label,
        min_width=160,
        elem_id=f"{id_}-{name.replace('_', '-')}",
    )
