"""A form and an order say the same, whichever engine speaks."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from engines.base import Capability, EngineInfo, SamplingParams
from studio.errors import BadInput
from studio.services import orders
from studio.services.studio import Studio
from studio.services.takes import Loudness, Reference, SpeechOrder, TakeState, TakeStatus
from tabs import design
from tabs.speech import by_engine, choices, form, view


@pytest.fixture
def qwen(studio: Studio) -> EngineInfo:
    return studio.engines.registry.get("qwen").info


def again(order: SpeechOrder, engine: EngineInfo) -> SpeechOrder:
    """`order` kept in the history, taken into a form, and given from there."""
    kept = orders.from_settings(orders.to_settings(order), order.text)
    return form.to_order(order.mode, form.from_order(kept, engine), engine)


SAMPLINGS = {
    form.OWN_SAMPLING: SamplingParams(),
    "Steady": None,  # as the engine says
    form.CUSTOM_SAMPLING: SamplingParams(0.5, 0.8, 20, 1.1, 0.4, 0.7, 30, 500),
}


@pytest.mark.parametrize("choice", SAMPLINGS)
def test_sampling_survives_the_history(qwen: EngineInfo, choice: str) -> None:
    assert qwen.sampling is not None
    sampling = SAMPLINGS[choice] or qwen.sampling.presets[choice]
    order = SpeechOrder(
        Capability.PRESET,
        "Hello.",
        "qwen",
        speaker="ryan",
        description="calmly",
        seed=5,
        sampling=sampling,
        model="qwen-1.7b-custom-voice",
    )
    assert again(order, qwen) == order
    assert form.from_order(order, qwen)[form.sampling_choice("qwen")] == choice


def test_a_seed_that_the_part_was_drawn_with_is_no_sampling_of_its_own(qwen: EngineInfo) -> None:
    order = SpeechOrder(Capability.PRESET, "Hello.", "qwen", sampling=SamplingParams(seed=9))
    assert form.from_order(order, qwen)[form.sampling_choice("qwen")] == form.OWN_SAMPLING


def test_a_reference_with_more_recordings_survives_the_history(qwen: EngineInfo) -> None:
    more = tuple(Reference(Path(f"/more/{number}.wav")) for number in range(2))
    reference = Reference(Path("/a.wav"), "What it says.", 1.0, 8.5, True, more)
    order = SpeechOrder(Capability.CLONE, "Hello.", "qwen", reference=reference, seed=1)
    assert again(order, qwen) == order


def test_an_untouched_region_is_the_whole_recording(qwen: EngineInfo) -> None:
    values = form.from_order(
        SpeechOrder(Capability.CLONE, "Hi.", "qwen", reference=Reference(Path("/a.wav"))), qwen
    )
    assert (values["ref_start"], values["ref_end"]) == (0, 0)
    reference = form.to_order(Capability.CLONE, values, qwen).reference
    assert reference is not None
    assert (reference.start, reference.end) == (None, None)


def test_what_the_engine_cannot_do_is_left_out(studio: Studio, qwen: EngineInfo) -> None:
    espeak = studio.engines.registry.get("espeak").info
    order = SpeechOrder(Capability.PRESET, "Hi.", "espeak", description="gently", speed=1.5)
    values: dict[str, Any] = form.from_order(order, espeak) | {"model": "qwen-1.7b-custom-voice"}
    assert form.to_order(Capability.PRESET, values, espeak).model == ""
    assert form.to_order(Capability.PRESET, values, espeak).description == ""
    assert form.to_order(Capability.PRESET, values, espeak).speed == 1.5
    assert form.to_order(Capability.PRESET, values, qwen).speed == 1.0
    assert form.to_order(Capability.PRESET, values, qwen).description == "gently"


@pytest.mark.parametrize(("typed", "seed"), [("", None), (" 42 ", 42), (7.0, 7), (None, None)])
def test_a_seed_is_read_as_typed(qwen: EngineInfo, typed: object, seed: int | None) -> None:
    values = form.from_order(SpeechOrder(Capability.PRESET, "Hi.", "qwen"), qwen)
    assert form.to_order(Capability.PRESET, values | {"seed": typed}, qwen).seed == seed


def test_a_seed_that_is_no_number_is_refused_with_words(qwen: EngineInfo) -> None:
    values = form.from_order(SpeechOrder(Capability.PRESET, "Hi.", "qwen"), qwen)
    with pytest.raises(BadInput, match="whole number"):
        form.to_order(Capability.PRESET, values | {"seed": "1.5"}, qwen)


def test_a_preset_fills_the_sliders_with_the_published_defaults_where_it_says_nothing(
    qwen: EngineInfo,
) -> None:
    assert qwen.sampling is not None
    names = [form.sampling_field("qwen", field.key) for field in qwen.sampling.fields]
    filled = dict(zip(names, by_engine.on_sampling(qwen, names, "Steady"), strict=True))
    steady = asdict(qwen.sampling.presets["Steady"])
    for field in qwen.sampling.fields:
        wanted = field.default if steady[field.key] is None else steady[field.key]
        assert filled[form.sampling_field("qwen", field.key)] == wanted
    kept = by_engine.on_sampling(qwen, names, form.CUSTOM_SAMPLING)
    assert all(update["__type__"] == "update" and len(update) == 1 for update in kept)


def test_voices_at_home_in_the_language_come_first(studio: Studio) -> None:
    everybody = [value for _, value in choices.voices(studio, "qwen", "auto")]
    japanese = [value for _, value in choices.voices(studio, "qwen", "ja")]
    assert japanese[0] == "ono_anna"
    assert sorted(japanese) == sorted(everybody)
    english = choices.voices(studio, "espeak", "en-gb")
    assert 0 < len(english) < len(choices.voices(studio, "espeak", "auto"))


def test_saved_settings_bring_the_choices_they_need_and_drop_what_is_gone(studio: Studio) -> None:
    saved = {"engine": "qwen", "language": "ja", "speaker": "gone", "model": "qwen-0.6b-custom-voice"}
    updates = choices.consistent(studio, Capability.PRESET, saved)
    assert updates["speaker"].value == "ono_anna"
    assert updates["model"].value == "qwen-0.6b-custom-voice"
    assert updates["language"].value == "ja"
    assert updates["engine"] == "qwen"
    unknown = choices.consistent(studio, Capability.PRESET, saved | {"engine": "gone", "speed": 1.2})
    assert unknown == {"speed": 1.2}


def test_models_are_named_with_what_must_be_known(studio: Studio) -> None:
    known = studio.engines.registry.get("qwen").models(Capability.PRESET)
    labels = [label for label, _ in choices.models(known)]
    assert labels[0] == "Auto: the best installed, none yet"
    assert all("not installed" in label for label in labels[1:])
    assert "ignores" in choices.model_note(known, "qwen-0.6b-custom-voice")
    assert choices.model_note(known, choices.AUTO_MODEL) == ""


def test_sliders_that_were_moved_stay_where_saved_settings_put_them(studio: Studio) -> None:
    names = [form.option_field("espeak", "f0")]
    line, followed, moved = design.on_description(studio, names, "espeak", "an old man", "")
    assert "old" in line
    assert followed == "an old man"
    assert isinstance(moved, (int, float))
    *_, kept = design.on_description(studio, names, "espeak", "an old man", "an old man")
    assert isinstance(kept, dict)
    read, *_ = design.on_description(studio, names, "qwen", "an old man", "")
    assert "reads your words itself" in read


def test_many_notes_stay_readable() -> None:
    def shown(state: TakeState) -> str:
        notes = ("Running on <cpu>.", *(f"Part {number} again." for number in range(40)))
        return view.status(
            [TakeStatus("id", state, "speaking, frame 37", 0.5, 1, 1, 1, 1, 1, 24_000, 1, notes)]
        )

    running, done = shown(TakeState.RUNNING), shown(TakeState.DONE)
    assert "speaking, frame 37" in running
    assert "33 more notes" in running
    assert running.count("timbre-note") == 8
    assert "&lt;cpu&gt;" in running
    assert "Part 39 again." in running
    assert done.count("timbre-note") == 41
    assert "<details" in done


def test_loudness_and_text_are_those_of_the_order(qwen: EngineInfo) -> None:
    order = SpeechOrder(Capability.DESIGN, "Hi.", "qwen", description="old", loudness=Loudness.AS_MADE)
    assert again(order, qwen) == order
