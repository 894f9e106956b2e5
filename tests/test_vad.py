"""Promises of the voice detector's stretches: all speech, in order, never too long, in flat memory."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import webrtcvad
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.audio.types import Samples
from studio.audio.vad import MIN_SPEECH_S, SAMPLE_RATE, Stretch, VadOptions, stretches
from studio.audio.wav import pcm16
from tests.audio_files import megabytes_used
from tests.spoken import silence, spoken, with_pauses

OPTIONS = VadOptions()


def found(samples: Samples, options: VadOptions = OPTIONS, block: int = SAMPLE_RATE) -> list[Stretch]:
    return list(stretches((samples[at : at + block] for at in range(0, len(samples), block)), options))


def voiced(samples: Samples, options: VadOptions) -> list[int]:
    """The numbers of the frames that the detector itself takes for speech."""
    size = SAMPLE_RATE * options.frame_ms // 1000
    detector = webrtcvad.Vad(options.aggressiveness)
    padded = np.pad(pcm16(samples), (0, -len(samples) % size)).astype("<i2")
    return [
        at // size
        for at in range(0, len(padded), size)
        if detector.is_speech(padded[at : at + size].tobytes(), SAMPLE_RATE)
    ]


noise = np.random.default_rng(0).normal(size=5 * SAMPLE_RATE).astype(np.float32)
parts = st.lists(
    st.tuples(st.sampled_from(["speech", "silence", "noise", "hum"]), st.floats(0.05, 4.0)),
    min_size=1,
    max_size=8,
)


def built(plan: list[tuple[str, float]]) -> Samples:
    speech = np.tile(spoken(), 3)
    made = []
    for kind, seconds in plan:
        count = round(seconds * SAMPLE_RATE)
        hum = (0.2 * np.sin(np.arange(count) * 0.05)).astype(np.float32)
        made.append(
            {"speech": speech[:count], "noise": 0.1 * noise[:count], "hum": hum}.get(
                kind, silence(seconds)
            )
        )
    return np.concatenate(made)


@settings(max_examples=60, deadline=None)
@given(
    parts,
    st.sampled_from([10, 20, 30]),
    st.integers(0, 3),
    st.floats(0, 0.6),
    st.sampled_from([2, 5, 22]),
)
def test_all_speech_lies_in_one_stretch_in_order_and_none_is_too_long(
    plan: list[tuple[str, float]], frame_ms: int, mode: int, padding: float, longest: float
) -> None:
    samples = built(plan)
    options = VadOptions(mode, frame_ms, padding, longest)
    result = found(samples, options)
    pieces = [piece for stretch in result for piece in stretch.pieces]
    assert all(before.end <= after.start + 1e-9 for before, after in pairwise(pieces))
    for stretch in result:
        assert stretch.audio.duration <= longest
        for piece in stretch.pieces:
            begin, offset = round(piece.start * SAMPLE_RATE), round(piece.offset * SAMPLE_RATE)
            count = round(piece.length * SAMPLE_RATE)
            assert begin + count <= len(samples)
            sound = stretch.audio.samples[offset : offset + count]
            assert np.array_equal(sound, samples[begin : begin + count])
    size = SAMPLE_RATE * frame_ms // 1000
    covered = np.zeros(len(samples) // size + 2, bool)
    for piece in pieces:
        covered[
            round(piece.start * SAMPLE_RATE) // size : -(-round(piece.end * SAMPLE_RATE) // size)
        ] = True
    missed = [frame for frame in voiced(samples, options) if not covered[frame]]
    for frame in missed:  # clicks only
        beside = [other for other in missed if abs(other - frame) * frame_ms <= 200]
        assert len(beside) * frame_ms < MIN_SPEECH_S * 1000


@pytest.mark.parametrize("block", [100, 480, 7_777, 160_000])
def test_the_size_of_the_blocks_changes_nothing(block: int) -> None:
    samples = with_pauses(4, 1.5)
    expected, result = found(samples), found(samples, block=block)
    assert [stretch.pieces for stretch in result] == [stretch.pieces for stretch in expected]


def test_pauses_are_left_out_and_times_lead_back() -> None:
    samples = with_pauses(3, 5.0)
    (stretch,) = found(samples)
    assert len(stretch.pieces) == 3
    assert stretch.audio.duration < 3 * (len(spoken()) / SAMPLE_RATE + 1)
    for index, piece in enumerate(stretch.pieces):
        assert piece.start == pytest.approx(5 + index * (len(spoken()) / SAMPLE_RATE + 5), abs=0.5)
        assert stretch.piece_at(piece.offset + 0.1) == index
        assert stretch.within(index, piece.offset + 0.5) == pytest.approx(piece.start + 0.5)
    assert stretch.within(0, 99) == stretch.pieces[0].end


def test_speech_without_a_pause_is_cut_where_it_is_quietest() -> None:
    """Loud noise for 9 s, a little less loud for a moment at 4 s; nothing that the detector calls a
    pause."""
    samples = np.tile(0.3 * noise, 2)[: 9 * SAMPLE_RATE].copy()
    dip = slice(round(4.0 * SAMPLE_RATE), round(4.1 * SAMPLE_RATE))
    samples[dip] *= 0.5
    first, second = found(samples, replace(OPTIONS, aggressiveness=0, max_s=5.0))
    assert first.end == second.start
    assert 4.0 <= first.end <= 4.1


def test_a_pause_is_preferred_to_a_quiet_place() -> None:
    samples = np.concatenate([spoken(), silence(0.4), spoken(), silence(0.4), spoken(), spoken()])
    length = len(spoken()) / SAMPLE_RATE
    first = found(samples, replace(OPTIONS, max_s=2.6 * length))[0]
    pauses = (length, 2 * length + 0.4)
    assert any(start - 0.3 <= first.end <= start + 0.7 for start in pauses)


def test_what_is_below_the_gate_is_marked_and_comes_by_itself() -> None:
    samples = np.concatenate([spoken(), silence(1), 0.005 * spoken(), silence(1), spoken()])
    loud, quiet, again = found(samples, replace(OPTIONS, aggressiveness=0))
    assert (loud.quiet, quiet.quiet, again.quiet) == (False, True, False)
    assert quiet.level_dbfs < OPTIONS.gate_dbfs < loud.level_dbfs


@pytest.mark.parametrize("samples", [silence(0.01), silence(60), np.zeros(0, np.float32)])
def test_silence_has_no_stretches(samples: Samples) -> None:
    assert found(samples) == []


def test_an_hour_takes_no_more_memory_than_a_minute() -> None:
    code = """
    import sys
    import numpy as np
    from studio.audio.vad import VadOptions, stretches
    minutes = int(sys.argv[1])
    second = np.random.default_rng(0).normal(size=16000).astype(np.float32) * 0.1
    list(stretches([second] * 30, VadOptions()))
    def work():
        for _ in stretches((second for _ in range(60 * minutes)), VadOptions()):
            pass
    """
    assert megabytes_used(code, 60)[0] < megabytes_used(code, 1)[0] + 10
