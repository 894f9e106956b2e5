"""Which segments are kept, from their stored measures and what a person has said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from studio.audio.snr import DROWNED, LOUD
from studio.dataset.targets import Target
from studio.dataset.values import Limits, Reason, Review, Segment, Verdict

#: Every reason for which a segment is dropped: code -> a short name for charts.
REASONS: Mapping[str, str] = MappingProxyType(
    {
        "noise": "too noisy",
        "short": "too short",
        "long": "too long",
        "clipped": "clipped",
        "quiet": "too quiet",
        "little_speech": "little speech",
        "narrow": "narrow band",
        "cut": "cut in speech",
        "duplicate_audio": "same sound twice",
        "no_text": "no text",
        "characters": "text too long",
        "confidence": "unsure text",
        "mismatch": "text differs",
        "pace": "odd pace",
        "language": "other language",
        "duplicate_text": "same text twice",
        "speaker": "other speaker",
        "by_hand": "dropped by hand",
    }
)

#: Those that the sound alone decides: what has one of these is not transcribed.
ACOUSTIC = (
    "noise",
    "short",
    "long",
    "clipped",
    "quiet",
    "little_speech",
    "narrow",
    "cut",
    "duplicate_audio",
)


def judge(
    segment: Segment, limits: Limits, target: Target, review: Review | None = None, language: str = ""
) -> Verdict:
    """Whether `segment` is kept. `language` is that of the set as a whole, "" where it has none.

    A person's word counts more than any limit, except that nothing without a text can be learned from.
    """
    review = review or Review()
    text = segment.text if review.text is None else review.text
    reasons = (*acoustic(segment, limits), *_of_text(segment, text, limits, target, language))
    if review.kept is None:
        return Verdict(not reasons, reasons)
    if not review.kept:
        return Verdict(False, (Reason("by_hand", "You dropped it."), *reasons), by_hand=True)
    return Verdict(bool(text.strip()), reasons, by_hand=True)


def judge_all(
    segments: Sequence[Segment],
    limits: Limits,
    target: Target,
    reviews: Mapping[str, Review],
    language: str = "",
) -> list[Verdict]:
    """A verdict for each of a set's segments, in order.

    Where several are alike, one of them stands for all (see Standing). What somebody has written anew
    says what it says, whatever was recognised.
    """
    sounds, texts = Standing(), Standing()
    found = []
    for segment in segments:
        review = reviews.get(segment.id, Review())
        as_made = review.text is None or review.text == segment.text
        same_sound = sounds.of(segment.duplicate_audio)
        same_text = texts.of(segment.duplicate_text) if as_made else ""
        judged = segment
        if (same_sound, same_text) != (segment.duplicate_audio, segment.duplicate_text):
            judged = replace(segment, duplicate_audio=same_sound, duplicate_text=same_text)
        verdict = judge(judged, limits, target, review, language)
        if verdict.kept or verdict.by_hand:  # who drops a sound by hand does not want its copy
            sounds.stands(segment.id, segment.duplicate_audio)
        if verdict.kept and as_made:
            texts.stands(segment.id, segment.duplicate_text)
        found.append(verdict)
    return found


class Standing:
    """Which of several segments that are alike stands for all, met in their order: the first one that
    is kept. A segment is not dropped for being like one that is only dropped itself."""

    def __init__(self) -> None:
        self._standing: set[str] = set()
        self._for: dict[str, str] = {}  # the first of those that are alike -> the one that stands

    def of(self, original: str) -> str:
        """Who stands for those that are like `original`; "" while nobody does."""
        standing = self._for.get(original, original)
        return standing if standing in self._standing else ""

    def stands(self, id: str, original: str) -> None:
        """`id`, which is like `original` ("": like none before it), stands unless another one does."""
        if original and not self.of(original):
            self._for[original] = id
        self._standing.add(id)


def acoustic(segment: Segment, limits: Limits) -> tuple[Reason, ...]:
    """What speaks against it before it has a text."""
    return tuple(_of_sound(segment, limits))


def _of_sound(segment: Segment, limits: Limits) -> Iterator[Reason]:
    seconds, snr = segment.duration, segment.snr_db
    if _below(snr, limits.min_snr_db):
        yield Reason("noise", f"Its SNR is {snr:.1f} dB, under {limits.min_snr_db:g}.")
    elif limits.min_snr_db is not None and segment.snr_note in (LOUD, DROWNED):
        yield Reason("noise", segment.snr_note)  # no figure, and yet no doubt
    # Times are kept to the millisecond.
    if limits.min_s is not None and seconds < limits.min_s - 0.001:
        yield Reason("short", f"It lasts {seconds:.2f} s, under {limits.min_s:g}.")
    if limits.max_s is not None and seconds > limits.max_s + 0.001:
        yield Reason("long", f"It lasts {seconds:.2f} s, over {limits.max_s:g}.")
    if limits.max_clipped is not None and segment.clipped > limits.max_clipped:
        yield Reason(
            "clipped", f"{segment.clipped:.2%} of it is clipped, over {limits.max_clipped:.2%}."
        )
    loudness = segment.loudness_lufs
    if _below(loudness, limits.min_loudness_lufs):
        yield Reason("quiet", f"It has {loudness:.1f} LUFS, under {limits.min_loudness_lufs:g}.")
    if limits.min_speech_share is not None and segment.speech_share < limits.min_speech_share:
        share = f"{segment.speech_share:.0%}"
        yield Reason("little_speech", f"{share} of it is speech, under {limits.min_speech_share:.0%}.")
    if _below(segment.bandwidth_hz, limits.min_bandwidth_hz):
        yield Reason(
            "narrow",
            f"It has nothing above {segment.bandwidth_hz:,.0f} Hz, under {limits.min_bandwidth_hz:,.0f}.",
        )
    if segment.cut_in_speech and not limits.cut_in_speech:
        yield Reason("cut", "Nobody paused, so it begins or ends within speech.")
    if segment.duplicate_audio and not limits.duplicate_audio:
        yield Reason("duplicate_audio", f"It sounds the same as {segment.duplicate_audio}.")


def _of_text(
    segment: Segment, text: str, limits: Limits, target: Target, language: str
) -> Iterator[Reason]:
    if not text.strip():
        yield Reason("no_text", segment.text_note or "It has no text yet.")
        return
    most = target.max_characters.get(segment.language)
    if most is not None and len(text) > most:
        yield Reason("characters", f"Its text has {len(text)} characters, over {target.label}'s {most}.")
    if language and segment.language and segment.language != language and not limits.other_languages:
        yield Reason("language", f"It is in {segment.language}, the others in {language}.")
    if segment.duplicate_text and not limits.duplicate_texts:
        yield Reason("duplicate_text", f"It says the same as {segment.duplicate_text}.")
    if _below(segment.speaker_similarity, limits.min_speaker_similarity):
        yield Reason(
            "speaker",
            f"Its voice is {segment.speaker_similarity:.2f} alike, under {limits.min_speaker_similarity:g}.",
        )
    if text == segment.text:  # what somebody has written anew is not what was measured
        yield from _of_recognition(segment, limits)


def _of_recognition(segment: Segment, limits: Limits) -> Iterator[Reason]:
    if _below(segment.confidence, limits.min_confidence):
        yield Reason(
            "confidence",
            f"The recognizer is {segment.confidence:.0%} sure, under {limits.min_confidence:.0%}.",
        )
    if _above(segment.given_error, limits.max_given_error):
        yield Reason("mismatch", f"{segment.given_error:.0%} of the given text is not what is heard.")
    if _below(segment.words_per_s, limits.min_words_per_s):
        yield Reason(
            "pace", f"{segment.words_per_s:.1f} words a second, under {limits.min_words_per_s:g}."
        )
    elif _above(segment.words_per_s, limits.max_words_per_s):
        yield Reason(
            "pace", f"{segment.words_per_s:.1f} words a second, over {limits.max_words_per_s:g}."
        )
    elif _above(_size(segment.pace_deviation), limits.max_pace_deviation):
        yield Reason(
            "pace", "Its text is much longer or shorter than its sound, compared with the others."
        )


def _size(value: float | None) -> float | None:
    return None if value is None else abs(value)


def _compared(holds: Callable[[float, float], bool]) -> Callable[[float | None, float | None], bool]:
    def compare(value: float | None, limit: float | None) -> bool:
        return value is not None and limit is not None and holds(value, limit)

    return compare


_below = _compared(lambda value, limit: value < limit)
_above = _compared(lambda value, limit: value > limit)
