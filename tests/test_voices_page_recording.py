"""The recording of a voice from the handlers' side: its waveform, what is wrong with it, cleaning it up."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import soundfile

from studio.errors import BadInput
from studio.services.studio import Studio
from tabs.voices import keeping, recording
from tabs.voices.layout import GAIN, TRIM
from tabs.waveform import Boxes, Mark, part_of, waveform
from tests.asking import ANN, ATTACK, BOB
from tests.spoken import clip_in


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip_in(tmp_path_factory.mktemp("clip"))


def test_a_part_is_cut_out_and_keeps_what_was_heard_in_it(studio: Studio, clip: Path) -> None:
    heard = recording.Heard(0.4, 1.9, "We will", ())
    path, wave, *_, kept = recording.on_cut(studio, str(clip), "0.4", "1.9", heard)
    assert soundfile.info(path).duration == pytest.approx(1.5, abs=0.01)
    assert 'data-duration="1.5' in wave
    assert kept == recording.Heard(None, None, "We will", ())
    assert recording.on_cut(studio, str(clip), "0.4", "1.8", heard)[-1] is None
    with pytest.raises(BadInput, match="whole recording"):
        recording.on_cut(studio, str(clip), "", "", None)


def test_a_recording_is_judged_cleaned_up_and_written_down(studio: Studio, clip: Path) -> None:
    def worked(kind: str, **given: Any) -> list[Any]:
        plain = {"start": "", "end": "", "transcript": "", "language": "", "cleaning": [TRIM, GAIN]}
        work = recording.on_start(studio, kind, ANN, None, "", str(clip), *(plain | given).values())
        *_, (_, done, *_, stop) = recording.on_follow(studio, ANN, work)
        assert stop.interactive is False
        elsewhere = recording.on_results(studio, done, "another", str(clip))
        assert elsewhere == recording.on_results(studio, done, "", "another.wav")
        assert elsewhere == recording.on_results(studio, None, "", str(clip)), "nothing changes"
        return recording.on_results(studio, done, "", str(clip))

    assert "Advice" in worked(recording.CHECK)[0]
    report, use, cleaned, *_ = worked(recording.CLEAN)
    assert report.count("<audio") == 2
    assert "The report before" in report
    assert use.interactive
    path, wave, *_ = recording.on_use_cleaned(studio, cleaned)
    assert soundfile.info(path).duration < soundfile.info(clip).duration - 0.2
    assert "timbre-waveform" in wave
    *_, heard, transcript, language = worked(recording.TRANSCRIBE, start="0.3")
    assert "morning" in transcript
    assert heard.words
    assert (heard.start, heard.end, heard.text) == (0.3, None, transcript)
    assert language.startswith("en")
    assert keeping.words_of(heard, transcript, (0.3, None)) == heard.words
    assert keeping.words_of(heard, f"{transcript} corrected", (0.3, None)) == ()
    assert keeping.words_of(heard, transcript, (None, None)) == ()
    for kind, given, words in (
        (recording.CLEAN, {"cleaning": []}, "nothing to clean up"),
        (recording.CHECK, {"start": "90"}, "part is empty"),
    ):
        with pytest.raises(BadInput, match=words):
            worked(kind, **given)
    with pytest.raises(BadInput, match="no recording"):
        recording.on_start(studio, recording.CHECK, ANN, None, "", None, "", "", "", "", [])
    with pytest.raises(BadInput, match="no cleaned"):
        recording.on_use_cleaned(studio, None)


def test_work_stops_when_another_recording_is_worked_on(studio: Studio, clip: Path) -> None:
    given = ("", str(clip), "", "", "", "", [TRIM])
    first = recording.on_start(studio, recording.TRANSCRIBE, ANN, None, *given)
    second = recording.on_start(studio, recording.CHECK, ANN, first, *given)
    *_, last = recording.on_follow(studio, ANN, first)
    assert "Stopped" in last[0]
    assert last[1] is None
    *_, last = recording.on_follow(studio, ANN, second)
    assert last[1].prepared.report.duration > 1
    recording.on_stop(studio, BOB, second)  # not his, and long over
    recording.on_stop(studio, ANN, None)


def test_looking_at_what_has_come_stops_no_work_that_somebody_has_begun_on_it(
    studio: Studio, clip: Path
) -> None:
    given = ("", str(clip), "", "", "", "", [TRIM])
    begun = recording.on_start(studio, recording.CLEAN, ANN, None, *given)
    assert recording.on_arrived(studio, recording.CHECK, ANN, begun, *given) == gr.skip()
    *_, last = recording.on_follow(studio, ANN, begun)
    assert last[1].prepared.cleaned is not None
    other = recording.on_arrived(studio, recording.CHECK, ANN, replace(begun, audio="other"), *given)
    assert other.kind == recording.CHECK


def test_what_is_no_recording_says_so_where_the_waveform_would_be(
    studio: Studio, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound", "utf-8")
    shown = recording.on_recording(studio, "upload", str(bad))
    assert 'role="alert"' in shown[1]


def test_a_waveform_tells_its_part_and_marks(clip: Path) -> None:
    html = waveform(
        clip, f"Clip {ATTACK}", Boxes("a", "b"), (0.5, None), [Mark(f"Joint {ATTACK}", 1, 1.1)]
    )
    assert html.count('role="slider"') == 2
    assert 'data-start="0.5000"' in html
    assert "1.00 s to 1.10 s" in html
    assert "<img" not in html
    peaks = re.search(r'data-peaks="([^"]*)"', html)
    assert peaks is not None
    values = [int(each) for each in peaks[1].split(",")]
    assert len(values) == 800
    assert min(values) < -10
    assert "slider" not in waveform(clip, "Clip")


def test_the_boxes_tell_a_part() -> None:
    assert part_of("", "") == (None, None)
    assert part_of("0.00", "12.34", 12.34) == (None, None)
    assert part_of("1,5", "3") == (1.5, 3)
    for start, end in (("-1", ""), ("nan", ""), ("", "inf"), ("3", "3")):
        with pytest.raises(BadInput):
            part_of(start, end)
