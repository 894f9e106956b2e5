"""Promises of the sentinel: the same sentences every epoch, what they sound like, which epoch is the best."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engines.base import SpeechRequest
from engines.espeak import EspeakEngine
from studio.audio.f0 import median_f0
from studio.audio.reading import read
from studio.audio.types import Audio, Samples
from studio.audio.wav import WavWriter
from studio.control import Control, Progress
from studio.dataset.metadata import Row
from studio.errors import BadInput, Cancelled, StorageFailed
from studio.models import xtts
from studio.models.registry import MODELS
from studio.runs.judging import best_of, reason_to_stop, warnings_of
from studio.runs.run_folder import RunFolder
from studio.runs.sentences import SENTENCES, language_of, sentences_for
from studio.runs.values import Family, Method, RunSettings, SampleReport, StepRow
from studio.settings import Settings
from studio.text.coaching import coach_sentences
from tests.small_disk import tiny_disk
from tests.tiny_family import TinyFamily, clips_in, in_one_thread
from tests.training_process import head
from training.agreement import understander
from training.clips import encoded
from training.family import Judgement
from training.loop import Work, train
from training.manner import Manner, manner_of
from training.sentinel import listening
from training.together import Together, place

SETTINGS = RunSettings(
    Family.XTTS, "base", "set", Method.FULL, epochs=4, batch_size=4, learning_rate=1e-2
)
#: The samples of a practice model are not recognised, which takes the longest of all.
PRACTICE = replace(SETTINGS, base=next(key for key, entry in MODELS.items() if entry.practice))
#: As the data set.
USUAL = SampleReport(0.06, 0.06, 0.2, 0.2, -23.0, -23.0, 110.0, 110.0, 0.9, "Whisper small")
RATE = 22_050


def epoch(number: int, heard: SampleReport | None = None, eval_loss: float | None = None) -> StepRow:
    return StepRow("epoch", number, float(number), 0.0, 1.0, eval_loss=eval_loss, heard=heard)


def epochs(*eval_losses: float | None, **heard: SampleReport) -> list[StepRow]:
    """From epoch 0 on; `heard` by epoch as "e2"."""
    return [
        epoch(number, heard.get(f"e{number}", USUAL), loss) for number, loss in enumerate(eval_losses)
    ]


# Which epoch is the best


def test_the_best_epoch_has_the_lowest_eval_loss_and_says_so() -> None:
    best = best_of(epochs(1.0, 3.0, 2.5, 2.75))
    assert best is not None
    assert (best.epoch, best.why) == (2, "Epoch 2 has the lowest eval loss, 2.5.")


def test_an_epoch_that_sounds_wrong_is_not_the_best() -> None:
    fast = replace(USUAL, seconds_per_character=0.03)
    best = best_of(epochs(4.0, 3.0, 2.5, 2.25, e3=fast))
    assert best is not None
    assert best.epoch == 2
    assert "epoch 3 has 2.25, but is faulty: The samples are spoken 2.0 times as fast" in best.why
    none_right = best_of(epochs(4.0, 3.0, 2.5, e1=fast, e2=fast))
    assert none_right is not None
    assert none_right.epoch == 2
    assert "as all are" in none_right.why


def test_without_an_eval_loss_the_ear_decides_and_without_either_nobody_does() -> None:
    far = replace(USUAL, f0_hz=140.0, agreement=0.8)
    best = best_of(epochs(None, None, None, None, e1=far, e3=far))
    assert best is not None
    assert best.epoch == 2
    assert "sound most like the data set" in best.why
    assert best_of([epoch(number) for number in range(3)]) is None
    assert best_of(epochs(1.0)) is None, "the base is no checkpoint"


# What gets worse


@pytest.mark.parametrize(
    ("heard", "words"),
    [
        ({"seconds_per_character": 0.04}, "spoken 1.5 times as fast as the data set"),
        ({"seconds_per_character": 0.12}, "take 2.0 times as long"),
        ({"silence_share": 0.6}, "60 % of the samples is silence, against 20 %"),
        ({"silence_share": 1.0, "loudness_lufs": None}, "samples are silent"),
        ({"f0_hz": 165.0}, "7 semitones higher than the data set's (165 Hz against 110 Hz)"),
        ({"f0_hz": 70.0}, "8 semitones deeper"),
        ({"loudness_lufs": -35.0}, "12 dB quieter"),
        ({"agreement": 0.7}, "Whisper small understands 70 % of the samples' characters"),
    ],
)
def test_samples_that_get_worse_are_told(heard: dict[str, Any], words: str) -> None:
    rows = epochs(None, None, None, e2=replace(USUAL, **heard))
    assert warnings_of(rows[:2]) == ()
    (warning,) = warnings_of(rows)
    assert words in warning
    assert warning.endswith(".")


def test_what_the_base_did_as_well_has_not_got_worse() -> None:
    deep = replace(USUAL, f0_hz=80.0)
    assert warnings_of(epochs(None, None, e0=deep, e1=replace(USUAL, f0_hz=78.0))) == ()
    assert warnings_of(epochs(None, e0=deep)) == (), "nothing has been trained yet"
    worse = warnings_of(epochs(None, None, e0=deep, e1=replace(USUAL, f0_hz=60.0)))
    assert "10 semitones deeper" in worse[0]


def test_a_rough_recognizer_is_believed_less_and_another_one_not_compared() -> None:
    rough = replace(USUAL, recognizer="pocketsphinx", rough=True, agreement=0.65)
    assert warnings_of(epochs(None, None, e0=replace(rough, agreement=0.9), e1=rough)) == ()
    assert warnings_of(epochs(None, None, e1=rough)) == ()
    assert warnings_of(epochs(None, None, e0=rough, e1=replace(rough, agreement=0.3))) != ()


def test_what_could_not_be_told_is_no_fault() -> None:
    assert warnings_of(epochs(None, None, e1=SampleReport())) == ()
    assert warnings_of(epochs(None, None, e0=SampleReport(), e1=SampleReport(0.06))) == ()
    assert warnings_of([]) == ()
    assert best_of(epochs(None, None, e1=SampleReport())) is None


def test_a_rising_eval_loss_is_told_and_then_ends_the_run() -> None:
    rows = epochs(4.0, 2.0, 2.1, 2.2, 2.3)
    assert warnings_of(rows[:3]) == ()
    assert "not fallen since epoch 1, where it was 2, and is 2.2 in epoch 3" in warnings_of(rows[:4])[0]
    assert reason_to_stop(rows[:4]) == ""
    assert reason_to_stop(rows).endswith("learns its clips by heart. The run ended early, as you chose.")
    level = epochs(4.0, 2.0, 2.01, 2.005, 2.01)
    assert (warnings_of(level), reason_to_stop(level)) == ((), "")


def test_one_bad_epoch_is_an_accident_and_two_end_the_run() -> None:
    fast = replace(USUAL, seconds_per_character=0.03)
    assert reason_to_stop(epochs(None, None, None, None, e1=fast, e3=fast)) == ""
    reason = reason_to_stop(epochs(None, None, None, None, e2=fast, e3=fast))
    assert reason.startswith("The samples of epochs 2 and 3 have got worse, so the run ended early")


# Sentences


def test_every_language_of_a_family_has_sentences_that_it_can_speak() -> None:
    assert {code.partition("-")[0] for code in xtts.CHARACTERS} == set(SENTENCES)
    for code, limit in xtts.CHARACTERS.items():
        texts = sentences_for(code)
        assert len(set(texts)) == 3
        assert max(map(len, texts)) < limit
        assert not any(char.isdigit() for char in "".join(texts))
        assert not {each.text for each in coach_sentences(code)} & set(texts), "a set may hold them"


def test_the_language_is_that_of_most_rows_or_what_their_texts_are_in() -> None:
    assert language_of(["de", "fr", "de", ""], []) == "de"
    assert language_of(["", ""], ["Der Zug kommt heute leider nicht.", "Wir gehen zu Fuß."]) == "de"
    assert language_of([], []) == "en"
    assert sentences_for("zh-cn") == SENTENCES["zh"]
    assert sentences_for("sv") == SENTENCES["en"]


# Figures


def tone(hertz: float, seconds: float = 1.0, level: float = 0.1) -> Audio:
    """A voice without vowels."""
    times = np.arange(round(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * hertz * order * times) / order for order in range(1, 12))
    return Audio((level * wave).astype(np.float32), RATE)


def silent(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.float32)


def test_pitch_is_that_of_all_clips_and_only_of_voices() -> None:
    assert median_f0([tone(110)]) == pytest.approx(110, rel=0.01)
    assert median_f0([tone(200, 2.0), tone(120, 0.6)]) == pytest.approx(200, rel=0.01)
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * RATE).astype(np.float32)
    nothing = Audio(silent(0), RATE)
    assert [median_f0([each]) for each in (Audio(noise, RATE), tone(110, 0.2), nothing)] == [None] * 3
    assert median_f0([]) is None


def test_pauses_count_as_silence_and_not_as_pace() -> None:
    text = "a" * 10
    plain = manner_of([(text, tone(110))], "en")
    assert plain.seconds_per_character == pytest.approx(0.1, rel=0.02)
    assert plain.silence_share == pytest.approx(0, abs=0.02)
    paused = Audio(np.concatenate([silent(0.5), tone(110).samples, silent(0.5)]), RATE)
    with_pauses = manner_of([(text, paused)], "en")
    assert with_pauses.silence_share == pytest.approx(0.5, abs=0.02)
    assert with_pauses.seconds_per_character == pytest.approx(0.1, rel=0.02)
    assert with_pauses.f0_hz == pytest.approx(110, rel=0.01)
    assert manner_of([(text, Audio(silent(1), RATE))], "en") == Manner(None, 1.0, None, None)
    assert manner_of([(text, Audio(silent(0), RATE))], "en") == manner_of([], "en") == Manner()


# The sentinel itself, with the embedded voice in place of a model


class Speaking(TinyFamily):
    """Speaks as eSpeak NG does, in a manner that a test sets."""

    def __init__(self, engine: EspeakEngine) -> None:
        self.engine = engine
        self.speed, self.options = 1.0, {"pitch": 50.0}
        self.instead: Any = None  # a sound or an error, for the second sentence

    def speak(self, text: str, language: str, seed: int, control: Control) -> Audio:
        if text == sentences_for(language)[1] and self.instead is not None:
            if isinstance(self.instead, Exception):
                raise self.instead
            return Audio(self.instead, RATE)
        return said(self.engine, text, self.speed, self.options)


def said(engine: EspeakEngine, text: str, speed: float = 1.0, options: Any = None) -> Audio:
    request = SpeechRequest(text, "en-us", speed=speed, options=options or {})
    chunks = list(engine.stream(request, Control()))
    samples = np.concatenate([chunk.audio.samples for chunk in chunks])
    return Audio(samples, chunks[0].audio.sample_rate)


@pytest.fixture(scope="module")
def rows(engine: EspeakEngine, tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    root = tmp_path_factory.mktemp("set")
    made = []
    for number, text in enumerate(
        ("The cat sat on the mat all morning.", "We may go home now, dear Ann.")
    ):
        path = root / f"{number}.wav"
        audio = said(engine, text)
        with WavWriter(path, audio.sample_rate) as writer:
            writer.append(audio.samples)
        made.append(Row(str(path), text, "Ada", "en"))
    return made


@pytest.fixture
def family(engine: EspeakEngine) -> Speaking:
    return Speaking(engine)


class Run:
    """Epochs one after the other, as the loop closes them."""

    def __init__(
        self, root: Path, rows: list[Row], family: Speaking, settings: RunSettings, studio: Settings
    ) -> None:
        self.folder, self.family, self.rows = RunFolder(root / "run"), family, [*rows]
        self.settings, self.studio = settings, studio
        self.history: list[StepRow] = []
        self.control = Control()

    def close(self, eval_loss: float | None = None) -> Judgement:
        listen = listening(self.folder.root, self.settings, self.rows, self.studio)
        row = epoch(len(self.history), eval_loss=eval_loss)
        judgement = listen(self.family, row, self.history, self.control)
        self.history.append(replace(row, heard=judgement.heard, warnings=judgement.warnings))
        json.dumps(asdict(self.history[-1]), allow_nan=False)
        return judgement


@pytest.fixture
def run(tmp_path: Path, rows: list[Row], family: Speaking, settings: Settings) -> Run:
    return Run(tmp_path, rows, family, PRACTICE, settings)


def test_each_epoch_says_the_same_and_is_compared_with_the_data_set(run: Run) -> None:
    run.settings = replace(PRACTICE, sentences=("We saw a small mouse in our old barn.", "Go home."))
    first = run.close()
    folder, heard = run.folder, first.heard
    sounds = [read(folder.sample(0, number)) for number in (1, 2)]
    whole = read(folder.sample(0))
    assert whole.duration == pytest.approx(sum(each.duration for each in sounds) + 0.4, abs=0.01)
    assert heard is not None
    assert heard.seconds_per_character == pytest.approx(heard.expected_seconds_per_character, rel=0.25)
    assert heard.f0_hz == pytest.approx(heard.expected_f0_hz, rel=0.1)
    assert heard.loudness_lufs == pytest.approx(heard.expected_loudness_lufs, abs=3)
    assert heard.silence_share == pytest.approx(heard.expected_silence_share, abs=0.2)
    assert (heard.agreement, ["practice" in each for each in first.warnings]) == (None, [True])
    again = run.close(2.0)
    assert again.heard is not None
    # The embedded voice itself varies a little from one time to the next.
    assert again.heard.f0_hz == pytest.approx(heard.f0_hz, rel=0.05)
    assert again.heard.expected_f0_hz == heard.expected_f0_hz
    assert (again.warnings, again.best, again.stop) == ((), 1, "")

    run.family.speed, run.family.options = 1.9, {"pitch": 95.0}
    worse = run.close(1.9)
    assert "times as fast" in worse.warnings[0]
    assert any("semitones higher" in each for each in worse.warnings)
    assert (worse.best, worse.stop) == (1, "")
    run.settings = replace(run.settings, stop_when_worse=True)
    assert "The samples of epochs 2 and 3 have got worse" in run.close(1.8).stop


def test_a_draft_recognizer_is_said_to_be_one(run: Run) -> None:
    run.settings = replace(SETTINGS, sentences=("The old man went home in the rain.",))
    judgement = run.close()
    heard = judgement.heard
    assert heard is not None
    assert heard.agreement is not None
    assert 0.3 < heard.agreement <= 1
    assert (heard.rough, "pocketsphinx" in heard.recognizer) == (True, True)
    assert ["rough figure" in each for each in judgement.warnings] == [True]


def test_sentences_of_ones_own_are_spoken_every_other_epoch_and_in_the_last(run: Run) -> None:
    run.settings = replace(PRACTICE, sentences=("Good morning.",), sample_every=2, epochs=3)
    heard = [run.close(1.0).heard is not None for _ in range(4)]
    assert heard == [True, False, True, True]
    assert run.folder.read_sentences() == ("Good morning.",)
    names = {path.name for path in run.folder.samples.glob("*.wav")}
    assert names == {f"epoch_{number}_{part}.wav" for number in (0, 2, 3) for part in ("output", 1)}
    run.settings = replace(PRACTICE, sample_every=0)
    run.history = []
    judged = [run.close(loss) for loss in (None, 2.0, 3.0)]
    assert [(each.heard, each.best) for each in judged] == [(None, None), (None, 1), (None, 1)]


@pytest.mark.parametrize(
    ("instead", "why"),
    [
        (BadInput("The text is too long."), "The text is too long."),
        (RuntimeError("probability tensor contains either `inf`, `nan` or element < 0"), "broke off"),
        (RuntimeError("can't allocate memory"), "memory did not suffice"),
        (np.full(RATE, math.nan, np.float32), "NaN"),
        (silent(0), "said nothing"),
    ],
)
def test_a_sentence_that_cannot_be_spoken_hides_no_other_one(run: Run, instead: Any, why: str) -> None:
    left = run.folder.sample(0, 2)
    left.parent.mkdir(parents=True)
    left.write_bytes(b"of an attempt that was killed")
    run.settings = replace(PRACTICE, sentences=("Hi.", SENTENCES["en"][1], "Go."))
    run.family.instead = instead
    judgement = run.close()
    (said,) = [each for each in judgement.warnings if each.startswith("Test sentence 2 was not spoken.")]
    assert why in said
    assert judgement.heard is not None
    names = {path.name for path in run.folder.samples.glob("*.wav")}
    assert names == {"epoch_0_1.wav", "epoch_0_3.wav", "epoch_0_output.wav"}


def test_a_deleted_data_set_is_remembered_and_one_that_never_was_is_said(
    run: Run, tmp_path: Path
) -> None:
    run.settings = replace(PRACTICE, sentences=("Good morning to you.",))
    before = run.close().heard
    run.rows = [replace(row, audio=str(tmp_path / "gone.wav")) for row in run.rows]
    after = run.close().heard
    assert before is not None
    assert after is not None
    # The embedded voice does not repeat itself to the sample; what is expected is the same to the bit.
    assert after.f0_hz == pytest.approx(before.f0_hz, rel=0.05)
    for name in ("seconds_per_character", "f0_hz", "silence_share", "loudness_lufs"):
        assert getattr(after, f"expected_{name}") == getattr(before, f"expected_{name}"), name
    run.folder.expected.write_text("[")
    run.history = []
    judgement = run.close()
    assert judgement.heard is not None
    assert judgement.heard.expected_f0_hz is None
    assert any("compared with nothing" in each for each in judgement.warnings)


def test_nobody_checks_what_is_said_where_no_recognizer_knows_the_language(
    run: Run, whisper_models: Path
) -> None:
    run.studio = run.studio.model_copy(update={"models_dir": whisper_models})
    assert understander("de", run.studio) is None, "practice models tell nothing"
    run.rows = [replace(row, language="de") for row in run.rows]
    run.settings = replace(SETTINGS, sentences=("Guten Morgen.",))
    judgement = run.close()
    assert judgement.heard is not None
    assert (judgement.heard.agreement, judgement.heard.recognizer) == (None, "")
    assert any("No recognizer for this language" in each for each in judgement.warnings)


def test_a_run_is_stopped_between_two_sentences(run: Run) -> None:
    def stop(progress: Progress) -> None:
        if progress.stage == "test sentence 2":
            run.control.cancel()

    run.control = Control(stop)
    with pytest.raises(Cancelled):
        run.close()
    assert run.folder.sample(0, 1).exists()
    assert not run.folder.sample(0).exists()


def test_a_full_disk_ends_the_epoch_in_words(run: Run) -> None:
    with tiny_disk("128k") as disk:
        run.folder = RunFolder(disk / "run")
        with pytest.raises(StorageFailed):
            run.close()
        assert not list(disk.rglob("*partial*"))


def test_the_loop_writes_down_what_was_heard(tmp_path: Path, settings: Settings) -> None:
    run = replace(SETTINGS, epochs=1, sentences=("One two.",))
    rows = clips_in(tmp_path / "set", count=4, eval=1)
    family = TinyFamily(tmp_path, run, "cpu", torch.float32)
    clips = encoded(family, rows, tmp_path / "set", run, tmp_path / "cache", Control())
    folder = RunFolder(tmp_path / "run")
    listen = listening(folder.root, run, clips.rows, settings)
    work = Work(folder, run, clips, head(run, clips))
    train(work, family, Together(place("cpu", run.precision), Control()), listen)
    heard = [row.heard for _, row in folder.rows() if row.kind == "epoch"]
    assert len(heard) == 2
    assert all(each is not None and each.seconds_per_character and each.rough for each in heard)
    assert folder.read_checkpoint(1).best


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    yield from in_one_thread()
