"""What the figures of a training set mean for training, in words, and what to do about each loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

from studio.dataset.targets import TARGETS, Target
from studio.dataset.values import Source

if TYPE_CHECKING:
    from studio.dataset.outlook import Drop, Outlook

#: Coqui's own XTTS fine-tuning page takes nothing shorter (TTS/demos/xtts_ft_demo/xtts_demo.py). Seconds.
LEAST_S = 2 * 60
#: What those who adapt a voice by LoRA ask for (lora-svc, issue 57: more than ten minutes).
LORA_S = 10 * 60
#: Half of the hour a speaker that CosyVoice's authors, whose model is built like Qwen3-TTS's, want for all
#: weights (issues 943 and 1039): it can be tried.
FULL_THIN_S = 30 * 60
#: "A couple of hours" give reasonable results (Coqui's documentation, "Fine-tuning a TTS model").
FULL_S = 2 * 3600

#: dB. A kept set that is noisier than this on average teaches the noise along (see audio/findings.py).
_NOISY_DB = 15.0
#: A loss of a smaller share is not worth a sentence.
_WORTH_TELLING = 0.02
_MOST_REMEDIES = 4
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Loss:
    """How a loss is put into words."""

    how: str  # after an amount: "11 min ..."
    remedy: str  # the shortest one, after a colon; "" where nothing is to be done
    more: str  # the rest of the advice, in sentences


#: By code of judging.REASONS.
LOSSES: Mapping[str, Loss] = MappingProxyType(
    {
        "noise": Loss(
            "lost to noise",
            "lower the fan",
            "Record in a quieter room and closer to the microphone, or build with noise reduction. "
            "If it sounds clean to you, lower the SNR limit.",
        ),
        "short": Loss(
            "too short",
            "speak in whole sentences",
            "Lower the shortest duration if short words matter to you.",
        ),
        "long": Loss("too long", "raise the longest duration", "Or build again with shorter segments."),
        "clipped": Loss(
            "lost to clipping", "lower the gain", "Clipped sound cannot be repaired; record it again."
        ),
        "quiet": Loss(
            "too quiet", "come closer to the microphone", "Or raise its gain and record again."
        ),
        "little_speech": Loss(
            "with little speech",
            "leave out music and noises",
            "A stricter voice detector (aggressiveness 3) cuts tighter.",
        ),
        "narrow": Loss(
            "lost to a narrow band",
            "use the original recordings",
            "Telephone calls and strong compression lack what is above; it cannot be brought back.",
        ),
        "cut": Loss(
            "without a pause",
            "pause between sentences",
            "What is cut in a word teaches to swallow words; allow longer segments if the target can.",
        ),
        "duplicate_audio": Loss(
            "the same sound twice", "", "Nothing is lost; leave out the copies of the recordings."
        ),
        "no_text": Loss(
            "without a text",
            "choose a recognizer",
            "Or write the texts by hand, or add transcripts, and build again.",
        ),
        "characters": Loss(
            "with too long texts",
            "build shorter segments",
            "Lower the longest segment, so that less is said in each.",
        ),
        "confidence": Loss(
            "with doubtful texts",
            "read them over",
            "A text that you correct counts at once; a larger recognizer is surer.",
        ),
        "mismatch": Loss(
            "that say something else than their texts",
            "check the transcripts",
            "Look whether each belongs to its recording, and correct what was misread.",
        ),
        "pace": Loss(
            "at an odd pace",
            "check their texts",
            "Mostly the text says more or less than what is heard.",
        ),
        "language": Loss(
            "in another language",
            "make a set for each language",
            "Or allow other languages, where the recognizer only guessed wrong.",
        ),
        "duplicate_text": Loss(
            "with a text that was there already", "", "New sentences teach more than repeated ones."
        ),
        "speaker": Loss(
            "in another voice",
            "make a set for each speaker",
            "Or lower the likeness if it is the same person in another mood.",
        ),
        "by_hand": Loss("dropped by hand", "", ""),
    }
)


def verdict(found: Outlook, sources: int) -> str:
    """One sentence: how much is kept, what it is enough for, and the greatest loss with its remedy."""
    if not found.segments:
        if not sources:
            return "Nothing is built yet."
        return f"No speech was found in {_count(sources, 'recording')}."
    parts = [_kept(found)]
    if found.kept_s:
        parts.append(fitness(found.kept_s))
    loss = next(_worth_telling(found), None)
    if loss is not None:
        words = LOSSES[loss.code]
        remedy = f": {words.remedy}" if words.remedy else ""
        parts.append(f"{amount(loss.seconds)} {words.how}{remedy}")
    return "; ".join(parts) + "."


def fitness(kept_s: float) -> str:
    """What so many seconds are enough for."""
    if kept_s < LEAST_S:
        return "too little to train on"
    if kept_s < LORA_S:
        return "thin for LoRA, too little for full fine-tuning"
    if kept_s < FULL_THIN_S:
        return "enough for LoRA, too little for full fine-tuning"
    if kept_s < FULL_S:
        return "enough for LoRA, thin for full fine-tuning"
    return "enough for LoRA and for full fine-tuning"


def advice(found: Outlook, sources: Sequence[Source], target: Target) -> tuple[str, ...]:
    """What to do, as sentences, the most useful first."""
    return (
        *_about_sources(sources),
        *_about_losses(found),
        *_about_amount(found),
        *_about_what_is_kept(found, target),
    )


def amount(seconds: float) -> str:
    """ "45 s", "4.2 min", "42 min", "3.5 h"."""
    figure, unit = _measured(seconds)
    return f"{figure} {unit}"


def _measured(seconds: float) -> tuple[str, str]:
    if seconds < 90:
        return f"{seconds:.0f}", "s"
    value, unit = (seconds / 60, "min") if seconds < 90 * 60 else (seconds / 3600, "h")
    return (f"{value:.0f}" if value >= 9.95 else f"{value:.1f}".removesuffix(".0")), unit


def _kept(found: Outlook) -> str:
    total, unit = _measured(found.total_s)
    if not found.kept:
        return f"Nothing of {total} {unit} is kept{' yet' if found.waiting_s else ''}"
    if found.kept == found.segments:
        return f"All {total} {unit} are kept"
    figure, of = _measured(found.kept_s)
    return f"{figure} {of} kept of {total}" + ("" if of == unit else f" {unit}")


def _worth_telling(found: Outlook) -> Iterator[Drop]:
    """The losses with a weight, the greatest first."""
    return (drop for drop in found.drops if drop.seconds >= _WORTH_TELLING * found.total_s)


def _about_sources(sources: Sequence[Source]) -> Iterator[str]:
    unread = [source for source in sources if source.problem]
    if unread:
        first = unread[0]
        others = f" and {_count(len(unread) - 1, 'other')}" if len(unread) > 1 else ""
        yield f"Nothing came of {_named(first.name)}{others}: {first.problem} {first.hint}".rstrip()


def _about_losses(found: Outlook) -> Iterator[str]:
    for drop in islice(_worth_telling(found), _MOST_REMEDIES):
        loss = LOSSES[drop.code]
        remedy = f": {loss.remedy}." if loss.remedy else "."
        yield f"{amount(drop.seconds)} {loss.how}{remedy} {loss.more}".rstrip()


def _about_amount(found: Outlook) -> Iterator[str]:
    have = found.kept_s + found.waiting_s  # texts are had sooner than recordings
    steps = ((LEAST_S, "Training at all"), (LORA_S, "LoRA"), (FULL_S, "Full fine-tuning"))
    lacking = ((needed - have, what) for needed, what in steps if have < needed)
    for seconds, what in islice(lacking, 1 if found.segments else 0):
        yield f"{what} takes another {amount(seconds)}."


def _about_what_is_kept(found: Outlook, target: Target) -> Iterator[str]:
    if found.mean_snr_db is not None and found.mean_snr_db < _NOISY_DB:
        yield (
            f"What is kept has an SNR of {found.mean_snr_db:.0f} dB on average, and a voice learns its noise "
            "as well: try noise reduction."
        )
    if len(found.speakers) > 1:
        name, seconds = list(found.speakers.items())[-1]
        if seconds < LORA_S:
            yield (
                f"Of {_named(name)} there are only {amount(seconds)}; a voice of its own needs "
                f"{amount(LORA_S)}."
            )
    if found.language and found.language not in target.max_characters:
        others = [each.label for each in TARGETS.values() if found.language in each.max_characters]
        instead = f" {others[0]} was." if others else ""
        yield f"{target.label} was not made for the language {found.language}.{instead}"


def _named(name: str) -> str:
    plain = " ".join(name.split())
    return f"“{plain if len(plain) <= _LONGEST_NAME else plain[: _LONGEST_NAME - 1] + '…'}”"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"
