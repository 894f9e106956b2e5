"""Promises of blind comparisons: blind, fair, level, counted once, and kept."""

from __future__ import annotations

import io
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise

import numpy as np
import pytest
import soundfile
from filelock import FileLock

from studio.audio.loudness import loudness
from studio.audio.matching import matched
from studio.audio.types import Audio
from studio.errors import BadInput, Damaged, NotFound
from studio.runs.run_folder import RunFolder
from studio.services.listening_values import Tally
from studio.services.studio import Studio
from studio.settings import Settings
from tests.run_samples import RATE, TEXTS, make_run, save, tone


@pytest.fixture
def folder(studio: Studio) -> RunFolder:
    """Ann's run "zoe": the base and three epochs, of two sentences each."""
    return make_run(studio.workspace.checkpoints, "zoe", "ann", "Zoë")


def sides(studio: Studio, trial: str) -> list[Audio]:
    """What both sides sound like."""
    files = [studio.listening.sound("zoe", "ann", trial, side) for side in "ab"]
    assert files[0][:44] == files[1][:44]  # a header tells length and sample rate
    return [Audio(*soundfile.read(io.BytesIO(each), dtype="float32")) for each in files]


def level(audio: Audio) -> float:
    """Of what sounds, LUFS: the silence behind it fills half a gating block."""
    found = loudness(Audio(np.trim_zeros(audio.samples, "b"), audio.sample_rate))
    assert found is not None
    return found


def pitch(audio: Audio) -> float:
    heard = audio.samples[:RATE]
    return float(np.abs(np.fft.rfft(heard)).argmax())


def next_pair(studio: Studio, first: int = 3, second: int = 0) -> str:
    return studio.listening.next("zoe", "ann", first, second).id


# What is heard


@pytest.mark.usefixtures("folder")
def test_both_sides_are_equal_but_for_their_sound(studio: Studio) -> None:
    one, other = sides(studio, next_pair(studio))
    assert one.sample_rate == other.sample_rate == RATE
    assert len(one.samples) == len(other.samples)
    assert level(one) == pytest.approx(level(other), abs=0.1)
    assert pitch(one) != pitch(other)


def test_levels_are_matched_downwards_and_nothing_clips() -> None:
    loud, quiet = Audio(tone(300, 1.0, 0.99), RATE), Audio(tone(300, 2.0, 0.05, 16_000), 16_000)
    one, other = matched(loud, quiet)
    assert one.sample_rate == other.sample_rate == RATE
    assert len(one.samples) == len(other.samples) == 2 * RATE
    assert np.abs(one.samples).max() < 0.06
    assert level(one) == pytest.approx(level(other), abs=0.1)
    for same in (matched(loud, loud), matched(quiet, quiet)):
        assert np.array_equal(same[0].samples, same[1].samples)
        assert np.abs(same[0].samples).max() <= 0.99


def test_what_has_no_loudness_is_heard_as_it_is() -> None:
    loud, silent = Audio(tone(300, 1.0, 0.5), RATE), Audio(np.zeros(RATE, np.float32), RATE)
    assert np.array_equal(matched(loud, silent)[0].samples, loud.samples)


@pytest.mark.usefixtures("folder")
def test_the_order_is_by_chance_and_every_sentence_comes_before_one_comes_again(studio: Studio) -> None:
    trials = [studio.listening.next("zoe", "ann", 3, 0) for _ in range(40)]
    for one, other in list(pairwise(trials))[::2]:
        assert {one.sentence, other.sentence} == {1, 2}
    assert {each.text for each in trials} == set(TEXTS)
    firsts = Counter(pitch(sides(studio, each.id)[0]) for each in trials if each.sentence == 1)
    assert set(firsts) == {200.0, 275.0}  # 1 in a million that chance gives one of them only


def test_only_what_both_have_spoken_is_compared(studio: Studio, folder: RunFolder) -> None:
    folder.sample(0, 2).unlink()
    assert {studio.listening.next("zoe", "ann", 3, 0).sentence for _ in range(5)} == {1}
    with pytest.raises(NotFound, match="both epoch 3 and epoch 9"):
        studio.listening.next("zoe", "ann", 3, 9)
    with pytest.raises(BadInput, match="itself"):
        studio.listening.next("zoe", "ann", 3, 3)


def test_a_sample_that_went_away_is_said(studio: Studio, folder: RunFolder) -> None:
    trial = next_pair(studio)
    for epoch in (0, 3):
        for sentence in (1, 2):
            folder.sample(epoch, sentence).unlink()
    with pytest.raises(NotFound, match="not there"):
        studio.listening.sound("zoe", "ann", trial, "a")


# What is counted


def judge(studio: Studio, preferred: int | None, first: int = 3, second: int = 0) -> Tally:
    """Vote for an epoch as somebody who knows which is which: from its pitch."""
    trial = studio.listening.next("zoe", "ann", first, second)
    if preferred is None:
        return studio.listening.vote("zoe", "ann", trial.id, "none")
    wanted = 200.0 * trial.sentence + 25.0 * preferred
    side = "ab"[[pitch(each) for each in sides(studio, trial.id)].index(wanted)]
    tally = studio.listening.vote("zoe", "ann", trial.id, side)
    told = studio.listening.reveal("zoe", "ann", trial.id)
    assert told["ab".index(side)] == preferred
    return tally


@pytest.mark.usefixtures("folder")
def test_votes_are_counted_for_epochs_and_not_for_sides(studio: Studio) -> None:
    for preferred in (3, 3, 0, 3, None):
        judge(studio, preferred)
    assert studio.listening.tally("zoe", "ann", 3, 0) == Tally(3, 0, 3, 1, 1)
    assert studio.listening.tally("zoe", "ann", 0, 3) == Tally(0, 3, 1, 3, 1)
    assert judge(studio, 2, 2, 3) == Tally(2, 3, 1, 0, 0)  # another pair


@pytest.mark.usefixtures("folder")
def test_a_pair_counts_once_and_is_not_told_before(studio: Studio) -> None:
    trial = next_pair(studio)
    with pytest.raises(BadInput, match="not been judged"):
        studio.listening.reveal("zoe", "ann", trial)
    with pytest.raises(NotFound, match="no vote"):
        studio.listening.vote("zoe", "ann", trial, "both")
    first = studio.listening.vote("zoe", "ann", trial, "a")
    assert studio.listening.vote("zoe", "ann", trial, "b") == first
    assert first.judged == 1
    assert set(studio.listening.reveal("zoe", "ann", trial)) == {0, 3}


def test_votes_survive_a_restart_and_can_be_forgotten(settings: Settings) -> None:
    with Studio(settings) as studio:
        make_run(studio.workspace.checkpoints, "zoe", "ann")
        trial = next_pair(studio)
        judge(studio, 3)
        judge(studio, 1, 1, 2)
    with Studio(settings) as studio:
        assert studio.listening.tally("zoe", "ann", 3, 0).for_first == 1
        with pytest.raises(NotFound, match="Next pair"):
            studio.listening.vote("zoe", "ann", trial, "a")
        studio.listening.forget("zoe", "ann", 0, 3)
        assert studio.listening.tally("zoe", "ann", 3, 0).judged == 0
        assert studio.listening.tally("zoe", "ann", 1, 2).judged == 1


@pytest.mark.parametrize(
    "content",
    ["{", "[]", '{"version": 1}', '{"version": 1, "pairs": [{"epochs": [3, 0]}]}', '{"version": 99}',
     '{"version": 1, "pairs": [{"epochs": [0, 3], "preferred": [-1, 0], "undecided": 0}]}'],
)  # fmt: skip
def test_damaged_votes_are_said_and_kept(studio: Studio, folder: RunFolder, content: str) -> None:
    folder.listening.write_text(content)
    trial = next_pair(studio)
    for act in (
        lambda: studio.listening.tally("zoe", "ann", 3, 0),
        lambda: studio.listening.vote("zoe", "ann", trial, "a"),
        lambda: studio.listening.forget("zoe", "ann", 3, 0),
    ):
        with pytest.raises(Damaged, match=r"listening\.json"):
            act()
    assert folder.listening.read_text() == content
    folder.listening.unlink()  # as the hint says
    assert studio.listening.vote("zoe", "ann", trial, "a").judged == 1


def test_votes_of_two_studios_both_count(studio: Studio, folder: RunFolder) -> None:
    judge(studio, 3)
    trial = next_pair(studio)
    with ThreadPoolExecutor() as pool:
        with FileLock(folder.root / ".listening.lock"):  # as another process that votes holds it
            vote = pool.submit(studio.listening.vote, "zoe", "ann", trial, "none")
            assert not wait([vote], 0.2).done
            other = {"epochs": [0, 3], "preferred": [5, 1], "undecided": 0}
            folder.listening.write_text(json.dumps({"version": 1, "pairs": [other]}))
        assert vote.result() == Tally(3, 0, 1, 5, 1)


def test_the_file_tells_epochs_and_counts(studio: Studio, folder: RunFolder) -> None:
    judge(studio, 3)
    assert json.loads(folder.listening.read_text()) == {
        "version": 1,
        "pairs": [{"epochs": [0, 3], "preferred": [0, 1], "undecided": 0}],
    }


@pytest.mark.usefixtures("folder")
def test_nobody_else_finds_a_run_or_a_pair(studio: Studio) -> None:
    trial = next_pair(studio)
    make_run(studio.workspace.checkpoints, "other", "ann")
    for run, owner in (("zoe", "bob"), ("other", "ann"), ("nothing", "ann")):
        with pytest.raises(NotFound):
            studio.listening.sound(run, owner, trial, "a")
        with pytest.raises(NotFound):
            studio.listening.vote(run, owner, trial, "a")
    for act in (studio.listening.tally, studio.listening.forget, studio.listening.next):
        with pytest.raises(NotFound):
            act("zoe", "bob", 3, 0)


# What it means


@pytest.mark.parametrize(
    ("votes", "chance"),
    [((7, 2), 92 / 512), ((2, 7), 92 / 512), ((6, 0), 2 / 64), ((5, 5), 1.0), ((0, 0), 1.0), ((1, 0), 1.0),
     ((40, 60), 0.0569), ((100, 0), 0.0)],
)  # fmt: skip
def test_chance_is_the_exact_two_sided_sign_test(votes: tuple[int, int], chance: float) -> None:
    assert Tally(3, 1, *votes, 5).chance == pytest.approx(chance, abs=1e-4)


@pytest.mark.parametrize(
    ("tally", "words"),
    [
        (
            Tally(1, 3, 2, 7, 1),
            "Epoch 3 was preferred 7 times, epoch 1 twice, and once there was no difference: "
            "such a split comes by chance in 18 of 100 cases.",
        ),
        (
            Tally(0, 3, 1, 0),
            "The base was preferred once, epoch 3 never: such a split comes by chance in 100 of 100 "
            "cases. Chance cannot be ruled out by so few.",
        ),
        (
            Tally(3, 0, 20, 0),
            "Epoch 3 was preferred 20 times, the base never: such a split comes by chance in less than 1 "
            "of 100 cases.",
        ),
        (Tally(3, 0, 0, 0, 2), "No difference was heard, twice."),
        (Tally(3, 0), "Nothing has been judged yet."),
    ],
)
def test_a_tally_is_told_in_words(tally: Tally, words: str) -> None:
    assert tally.words == words


def test_sounds_at_different_rates_are_compared(studio: Studio, folder: RunFolder) -> None:
    for sentence in (1, 2):
        save(folder.sample(0, sentence), tone(250, 1.0, 0.3, 16_000), 16_000)
    one, other = sides(studio, next_pair(studio))
    assert one.sample_rate == other.sample_rate == RATE
