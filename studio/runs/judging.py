"""What the epochs of a run are worth: which is the best and why, and whether the run gets worse.

All of it follows from the rows of the epochs alone, so a page tells the same as the run did.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from studio.runs.values import SampleReport, StepRow

#: What the samples may differ by from the data set before one hears it. One reader's sentences, read in
#: one mood, differ by a fifth in pace, 1 to 2 semitones and 3 LU; these are about twice that.
_FASTER, _SLOWER = 0.75, 1.5  # seconds a character, against the data set's
_PITCH_ST = 4.0
_LOUDNESS_LU = 8.0
_SILENCE_SHARE = 0.25
#: By so much may fewer characters be recognised than in an earlier epoch, and where the recognizer
#: mishears a quarter of what is said anyway.
_AGREEMENT, _ROUGH_AGREEMENT = 0.15, 0.3
#: What was as far off in the untouched base has not got worse: so much further off, it has.
_WORSE = 1.25
#: With more of it silent, nothing is heard.
_SILENT = 0.98
#: An eval loss varies by so much between epochs that are alike.
_LOSS_NOISE = 0.01
#: After so many epochs without a better eval loss it is said, and the run is to end.
_PATIENCE, _STOP_PATIENCE = 2, 3
#: In so many epochs running, samples with faults are no accident.
_FAULTY_RUNNING = 2


@dataclass(frozen=True)
class Best:
    """The epoch to be used."""

    epoch: int
    why: str  # a sentence


@dataclass(frozen=True)
class _Measure:
    """Something that is heard of samples: how far off it is, in units of what is tolerated, and that in
    words; None where it cannot be told."""

    distance: Callable[[SampleReport], float | None]
    words: Callable[[SampleReport], str]


def best_of(rows: Sequence[StepRow]) -> Best | None:
    """The best among the epochs from 1 on that `rows` tell of: the lowest eval loss of those that sound
    right; without an eval loss the one that sounds most like the data set. None where neither is known.
    """
    faults = _faults(rows)
    trained = [row for row in rows if row.epoch >= 1]
    measured = [row for row in trained if row.eval_loss is not None]
    if measured:
        return _lowest(measured, faults)
    heard = [(row, likeness) for row in trained if (likeness := _distance(row.heard)) is not None]
    if not heard:
        return None
    best = int(min(heard, key=lambda each: (bool(faults[int(each[0].epoch)]), each[1]))[0].epoch)
    return Best(
        best, f"There is no eval loss; the samples of epoch {best} sound most like the data set."
    )


def warnings_of(rows: Sequence[StepRow]) -> tuple[str, ...]:
    """What is worse in the last of `rows` than it should be, as sentences."""
    if not rows or rows[-1].epoch < 1:
        return ()
    found = list(_faults(rows).get(int(rows[-1].epoch), ()))
    rising = _rising(rows, _PATIENCE)
    return (*found, rising) if rising else tuple(found)


def reason_to_stop(rows: Sequence[StepRow]) -> str:
    """Why the run should not go on, as a sentence; "" where it should."""
    rising = _rising(rows, _STOP_PATIENCE)
    if rising:
        return f"{rising} The run ended early, as you chose."
    faults = list(_faults(rows).items())[-_FAULTY_RUNNING:]
    if len(faults) < _FAULTY_RUNNING or not all(sentences for _, sentences in faults):
        return ""
    epochs = " and ".join(str(epoch) for epoch, _ in faults)
    return (
        f"The samples of epochs {epochs} have got worse, so the run ended early, as you chose. "
        f"{faults[-1][1][0]}"
    )


def _lowest(rows: Sequence[StepRow], faults: Mapping[int, Sequence[str]]) -> Best:
    def loss(row: StepRow) -> tuple[float, float]:
        return (math.inf if row.eval_loss is None else row.eval_loss), row.epoch

    sound = [row for row in rows if not faults.get(int(row.epoch))]
    lowest = min(rows, key=loss)
    best = min(sound or rows, key=loss)
    why = f"Epoch {best.epoch:g} has the lowest eval loss, {best.eval_loss:.4g}"
    if best is not lowest:
        why += f", of those that sound right; epoch {lowest.epoch:g} has {lowest.eval_loss:.4g}, but"
        return Best(int(best.epoch), f"{why} is faulty: {faults[int(lowest.epoch)][0]}")
    if not sound:
        return Best(int(best.epoch), f"{why}. It is faulty, as all are: {faults[int(best.epoch)][0]}")
    return Best(int(best.epoch), f"{why}.")


def _faults(rows: Sequence[StepRow]) -> dict[int, tuple[str, ...]]:
    """What is wrong with the samples of each epoch from 1 on that was heard, in their order."""
    base: SampleReport | None = None
    clearest: dict[str, SampleReport] = {}  # of the epochs before, by recognizer
    found: dict[int, tuple[str, ...]] = {}
    for row in rows:
        heard = row.heard
        if heard is None:
            continue
        if row.epoch < 1:
            base = heard
        else:
            found[int(row.epoch)] = _of_samples(heard, base, clearest.get(heard.recognizer))
        best = clearest.get(heard.recognizer)
        if best is None or (heard.agreement or 0) > (best.agreement or 0):
            clearest[heard.recognizer] = heard
    return found


def _of_samples(
    heard: SampleReport, base: SampleReport | None, clearest: SampleReport | None
) -> tuple[str, ...]:
    if heard.silence_share is not None and heard.silence_share > _SILENT:
        return ("The samples are silent.",)
    found = []
    for measure in _MEASURES:
        distance = measure.distance(heard)
        before = measure.distance(base) if base is not None else None
        if distance is not None and distance > max(1.0, _WORSE * (before or 0.0)):
            found.append(measure.words(heard))
    unclear = _less_clear(heard, clearest)
    return (*found, unclear) if unclear else tuple(found)


def _less_clear(heard: SampleReport, clearest: SampleReport | None) -> str:
    limit = _ROUGH_AGREEMENT if heard.rough else _AGREEMENT
    if heard.agreement is None or clearest is None or clearest.agreement is None:
        return ""
    if clearest.agreement - heard.agreement <= limit:
        return ""
    return (
        f"{heard.recognizer} understands {_percent(heard.agreement)} of the samples' characters, and "
        f"understood {_percent(clearest.agreement)} in an earlier epoch."
    )


def _rising(rows: Sequence[StepRow], patience: int) -> str:
    """That the eval loss has not fallen for `patience` epochs and is higher now, as a sentence; else ""."""
    measured = [
        (row.epoch, row.eval_loss) for row in rows if row.epoch >= 1 and row.eval_loss is not None
    ]
    if not measured:
        return ""
    best_epoch, best = min(measured, key=lambda each: (each[1], each[0]))
    epoch, now = measured[-1]
    if epoch - best_epoch < patience or now <= best * (1 + _LOSS_NOISE):
        return ""
    return (
        f"The eval loss has not fallen since epoch {best_epoch:g}, where it was {best:.4g}, and is {now:.4g} "
        f"in epoch {epoch:g}: the run learns its clips by heart."
    )


def _distance(heard: SampleReport | None) -> float | None:
    """How far samples are from the data set, and from being understood; None where nothing tells."""
    if heard is None:
        return None
    distances = [measure.distance(heard) for measure in _MEASURES]
    if heard.agreement is not None:
        distances.append((1 - heard.agreement) / (_ROUGH_AGREEMENT if heard.rough else _AGREEMENT))
    known = [each for each in distances if each is not None]
    return sum(known) / len(known) if known else None


def _pace(heard: SampleReport) -> float | None:
    now, usual = heard.seconds_per_character, heard.expected_seconds_per_character
    if not now or not usual:
        return None
    ratio = now / usual
    return math.log(ratio) / math.log(_FASTER if ratio < 1 else _SLOWER)


def _pace_words(heard: SampleReport) -> str:
    ratio = (heard.seconds_per_character or 1.0) / (heard.expected_seconds_per_character or 1.0)
    if ratio < 1:
        return (
            f"The samples are spoken {1 / ratio:.1f} times as fast as the data set, or leave words out."
        )
    return f"The samples take {ratio:.1f} times as long as the data set for the same text."


def _pitch(heard: SampleReport) -> float | None:
    return None if (apart := _semitones(heard)) is None else abs(apart) / _PITCH_ST


def _pitch_words(heard: SampleReport) -> str:
    apart = _semitones(heard) or 0.0
    return (
        f"The voice of the samples is {abs(apart):.0f} semitones {'higher' if apart > 0 else 'deeper'} than "
        f"the data set's ({heard.f0_hz:.0f} Hz against {heard.expected_f0_hz:.0f} Hz)."
    )


def _semitones(heard: SampleReport) -> float | None:
    if not heard.f0_hz or not heard.expected_f0_hz:
        return None
    return 12 * math.log2(heard.f0_hz / heard.expected_f0_hz)


def _loudness(heard: SampleReport) -> float | None:
    now, usual = heard.loudness_lufs, heard.expected_loudness_lufs
    return None if now is None or usual is None else abs(now - usual) / _LOUDNESS_LU


def _loudness_words(heard: SampleReport) -> str:
    apart = (heard.loudness_lufs or 0.0) - (heard.expected_loudness_lufs or 0.0)
    return (
        f"The samples are {abs(apart):.0f} dB {'louder' if apart > 0 else 'quieter'} than the data set."
    )


def _silence(heard: SampleReport) -> float | None:
    """Less silence than usual is no fault."""
    if heard.silence_share is None or heard.expected_silence_share is None:
        return None
    return max(0.0, heard.silence_share - heard.expected_silence_share) / _SILENCE_SHARE


def _silence_words(heard: SampleReport) -> str:
    return (
        f"{_percent(heard.silence_share or 0.0)} of the samples is silence, against "
        f"{_percent(heard.expected_silence_share or 0.0)} of the data set."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


_MEASURES = (
    _Measure(_pace, _pace_words),
    _Measure(_silence, _silence_words),
    _Measure(_pitch, _pitch_words),
    _Measure(_loudness, _loudness_words),
)
