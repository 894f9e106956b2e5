"""When phonemes are spoken: of takes, by alignment, and where nothing better is to be had."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from engines.base import Capability, PhonemeTiming, WordTiming
from studio.audio.types import Audio
from studio.control import Control
from studio.errors import Cancelled, Damaged
from studio.services.history import sidecar_path
from studio.services.phoneme_rows import packed, unpacked
from studio.services.phoneme_times import PhonemeFinder, by_loudness, pieces
from studio.services.studio import Studio
from studio.services.takes import Loudness, SpeechOrder, TakeRecord
from studio.settings import load_settings
from tests.audio_files import tone

TEXT = "Bob bought a big map. Maybe Pam will help him. They pay in March 1984 at quarter past five."
LIPS = ("p", "b", "m")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("home")
    settings = load_settings(home=home, models_dir=home / "models", part_chars=60)
    with Studio(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def take(studio: Studio) -> TakeRecord:
    """Of several parts, with pauses between them."""
    order = SpeechOrder(Capability.PRESET, TEXT, "espeak", "en-us", loudness=Loudness.AS_MADE)
    return studio.speech.speak(order)


def middles(phonemes: tuple[PhonemeTiming, ...]) -> list[float]:
    found = [each for each in phonemes if each.symbol.strip("ˈˌ") in LIPS]
    return [(each.start + each.end) / 2 for each in found]


def test_a_take_keeps_its_phonemes_and_its_stretches(studio: Studio, take: TakeRecord) -> None:
    phonemes = studio.history.phonemes(take)
    assert len(middles(phonemes)) == 15
    starts = [each.start for each in phonemes]
    assert starts == sorted(starts)
    assert all(0 <= each.start < each.end <= take.duration for each in phonemes)
    stretches = studio.history.sidecar(take)["stretches"]
    assert " ".join(text for text, _, _ in stretches) == TEXT
    assert len(stretches) > 1
    for text, start, end in stretches:
        within = [each for each in phonemes if start <= (each.start + each.end) / 2 < end]
        letters = sum(char.isalpha() for char in text)
        assert 0.5 * letters < len(within) < 2 * letters, text


def test_the_row_of_phonemes_is_one_line(studio: Studio, take: TakeRecord) -> None:
    lines = sidecar_path(studio.history.path(take)).read_text("utf-8").splitlines()
    row = next(line for line in lines if '"phonemes": "' in line)
    phonemes = studio.history.phonemes(take)
    assert packed(phonemes) in row
    assert unpacked(packed(phonemes)) == phonemes


def test_rows_that_are_none_are_refused(studio: Studio) -> None:
    assert unpacked("") == ()
    assert unpacked("ˈeɪ 120 4000000") == (PhonemeTiming("ˈeɪ", 0.12, 4000.0),)
    assert packed([PhonemeTiming("a b", 0, 1), PhonemeTiming("", 0, 1)]) == ""
    for row in ("p", "p 1", "p 1 b", "1 2 3 4"):
        with pytest.raises(ValueError, match=r"zip|literal"):
            unpacked(row)


def test_a_damaged_row_is_said(studio: Studio) -> None:
    order = SpeechOrder(Capability.PRESET, "Hi.", "espeak", "en-us")
    record = studio.speech.speak(order)
    path = sidecar_path(studio.history.path(record))
    path.write_text(path.read_text("utf-8").replace('"phonemes": "', '"phonemes": "x '), "utf-8")
    with pytest.raises(Damaged, match="Speak the text again"):
        studio.history.phonemes(record)
    path.unlink()
    assert studio.history.phonemes(record) == ()


def test_alignment_finds_them_again(studio: Studio, take: TakeRecord) -> None:
    finder = PhonemeFinder(studio.engines, studio.transcripts)
    path = studio.history.path(take)
    stretches = tuple(WordTiming(*each) for each in studio.history.sidecar(take)["stretches"])
    found = finder.align(path, stretches, Control())
    assert found is not None
    assert found.guessed_s == 0
    wanted, lips = middles(studio.history.phonemes(take)), middles(found.phonemes)
    assert len(lips) == len(wanted)
    off = np.abs(np.array(lips) - wanted)
    assert np.median(off) < 0.03
    assert off.max() < 0.12
    (whole,) = finder.stretches(path, TEXT, take.duration, Control())
    assert whole == WordTiming(TEXT, 0.0, take.duration)


def test_what_does_not_fit_follows_the_loudness(studio: Studio, take: TakeRecord) -> None:
    finder = PhonemeFinder(studio.engines, studio.transcripts)
    path = studio.history.path(take)
    first, *others = (WordTiming(*each) for each in studio.history.sidecar(take)["stretches"])
    wrong = WordTiming("Eleven purple elephants are singing opera", first.start, first.end)
    found = finder.align(path, (wrong, *others), Control())
    assert found is not None
    assert found.guessed_s == pytest.approx(first.end - first.start)
    guessed = {each.symbol for each in found.phonemes if each.end <= first.end}
    assert guessed == {"ɑː", "ə"}
    assert finder.align(path, (wrong,), Control()) is None, "nothing fits"
    stopped = Control()
    stopped.cancel()
    with pytest.raises(Cancelled):
        finder.align(path, (wrong, *others), stopped)


def test_a_long_text_is_cut_where_a_pause_was_heard() -> None:
    """20 sentences of 4 s each; every third word is misheard, and none of the last sentence but one."""
    words, heard = [], []
    for sentence in range(20):
        for word in range(8):
            said = f"w{sentence}x{word}"
            start = sentence * 4 + word * 0.45
            missed = (sentence * 8 + word) % 3 == 2 or sentence == 18
            words.append(said)
            heard.append(WordTiming("mumble" if missed else said.upper(), start, start + 0.45))
    found = list(pieces(words, heard, 80.0))
    assert " ".join(piece.text for piece in found) == " ".join(words)
    assert (found[0].start, found[-1].end) == (0.0, 80.0)
    for before, after in itertools.pairwise(found):
        assert before.end == after.start
        number = int(after.text.split("x")[0][1:])
        assert after.text.startswith(f"w{number}x0 "), "at a sentence's beginning"
        assert number * 4 - 0.4 <= after.start <= number * 4
        assert before.end - before.start >= 8
    assert list(pieces(words, [WordTiming("mumble", 0, 300)], 300.0)) == []


def test_the_loudness_opens_and_closes() -> None:
    quiet = np.zeros(8_000, np.float32)
    sound = np.concatenate([quiet, tone(0.4, 16_000), tone(0.4, 16_000, level=0.06), quiet])
    found = list(by_loudness(Audio(sound, 16_000)))
    assert [each.symbol for each in found] == ["ɑː", "ə"]
    assert found[0].start == pytest.approx(0.5, abs=0.05)
    assert found[0].end == found[1].start == pytest.approx(0.9, abs=0.05)
    assert list(by_loudness(Audio(quiet, 16_000))) == []
    assert list(by_loudness(Audio(quiet[:10], 16_000))) == []
