"""The values of a training set; all are JSON once `asdict` has been at them."""

from __future__ import annotations

from dataclasses import dataclass, field

from studio.dataset.targets import target_named
from studio.errors import BadInput, unknown
from studio.ranges import check_ranges

HYBRID, NOISEREDUCE = "hybrid", "noisereduce"
SNR_METHODS = (HYBRID, NOISEREDUCE)

#: Of `PrepareSettings.recognizer`: the best one there is, or none at all.
AUTO, NONE = "auto", "none"


@dataclass(frozen=True)
class Limits:
    """What a segment has to keep to stay in the set. None: that measure does not count.

    They are applied to stored measures, so that changing them takes no new processing. What could not
    be measured (None in `Segment`) passes.
    """

    min_snr_db: float | None = 10.0
    min_s: float | None = 1.0
    max_s: float | None = 11.0
    max_clipped: float | None = 0.001  # share of the samples that lie in flattened peaks
    min_loudness_lufs: float | None = -50.0  # of the recording as it came
    min_speech_share: float | None = 0.5
    min_bandwidth_hz: float | None = 3_000.0
    min_confidence: float | None = 0.4  # of the recognition, 0 to 1
    max_given_error: float | None = 0.4  # characters of the given text that are heard otherwise, 0 to 1
    min_words_per_s: float | None = 0.4
    max_words_per_s: float | None = 8.0
    max_pace_deviation: float | None = 4.0  # robust standard deviations from the usual pace
    min_speaker_similarity: float | None = None  # cosine to the speaker's mean, where it was measured
    duplicate_texts: bool = False  # keep what says the same as an earlier segment
    duplicate_audio: bool = False  # keep what is the same sound as an earlier segment
    cut_in_speech: bool = False  # keep what had to be cut where nobody paused
    other_languages: bool = False  # keep what was recognised as another language than most


@dataclass(frozen=True)
class PrepareSettings:
    """How recordings become segments. Changing any of these needs another build; `limits` do not."""

    target: str = "xtts"  # see targets.TARGETS
    language: str = AUTO  # BCP 47, lower case, or "auto"
    speaker: str = ""  # "": the data set's name
    speaker_by_folder: bool = False  # each folder of recordings is a speaker, named like it
    # Standardise
    loudness_lufs: float | None = -19.0  # of each recording as a whole; None: as it came
    denoise: bool = False
    denoise_strength: float = 0.7  # 0 to 1
    # Segment
    aggressiveness: int = 2  # of webrtcvad, 0 to 3
    frame_ms: int = 30  # 10, 20 or 30
    padding_s: float = 0.15  # what is left of the pause around speech
    min_s: float = 1.0
    max_s: float = 11.0
    # Measure
    snr_method: str = HYBRID
    # Transcribe
    recognizer: str = AUTO  # an engine's id, "auto" or "none"
    recognizer_model: str = ""
    check_given: bool = True  # recognise what has a given text as well, and compare
    # Split
    eval_share: float = 0.05  # of the kept seconds, in whole recordings
    processes: int = 2
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Raises BadInput for values that make no sense, naming the field."""
        target = target_named(self.target)
        if self.snr_method not in SNR_METHODS:
            raise unknown("SNR method", self.snr_method, SNR_METHODS)
        check_ranges(self, _RANGES)
        if self.frame_ms not in (10, 20, 30):
            raise BadInput(f"frame_ms is {self.frame_ms}.", "The voice detector takes 10, 20 or 30 ms.")
        if self.max_s < 2 * self.min_s:
            raise BadInput(
                f"Segments cannot be {self.min_s:g} to {self.max_s:g} s long.",
                "Let the longest be at least twice the shortest.",
            )
        if self.max_s > target.max_s:
            raise BadInput(
                f"{target.label} does not learn from segments of more than {target.max_s:g} s.",
                f"Choose max_s up to {target.max_s:g}.",
            )


_RANGES = (
    ("loudness_lufs", -40, -9),
    ("denoise_strength", 0, 1),
    ("aggressiveness", 0, 3),
    ("padding_s", 0, 1),
    ("min_s", 0.3, 10),
    ("max_s", 1, 30),
    ("eval_share", 0, 0.5),
    ("processes", 1, 64),
)


@dataclass(frozen=True)
class Source:
    """A recording that segments come from, or one that could not be read."""

    id: str  # the first 12 hex digits of its content's SHA-256; of its name where it cannot be read
    name: str  # as people know it: its path within what was given, "/" between folders
    sha256: str
    size: int  # bytes
    duration: float = 0.0  # s
    speech_s: float = 0.0  # of it is speech
    speaker: str = ""
    given: str = ""  # where its text came from: "metadata.csv", "talk.srt" ...; "" where there is none
    problem: str = ""  # why nothing came of it, as a sentence; "" where something did
    hint: str = ""


@dataclass(frozen=True)
class Segment:
    """One clip with everything that was measured of it. None: could not be told, or does not apply."""

    id: str  # "<source id>-0001": the same in every build with the same settings
    source: str  # Source.id
    start: float  # s in the recording
    end: float
    speaker: str
    # The sound, measured before its loudness was set
    snr_db: float | None = None
    snr_note: str = ""  # "vad", "wada" or "noisereduce": the method; else why there is no figure
    clipped: float = 0.0  # share of the samples, 0 to 1
    loudness_lufs: float | None = None
    speech_share: float = 0.0  # 0 to 1
    bandwidth_hz: float | None = None
    cut_in_speech: bool = False  # no pause at its start or end
    sound: str = ""  # fingerprint: alike for what sounds the same (64 hex digits)
    # The text
    text: str = ""  # as it is trained on; "" while it has none
    given: str = ""  # the text that came with the recording
    recognised: str = ""
    text_note: str = ""  # why there is no text, or what was changed in it, as a sentence
    language: str = ""  # BCP 47, lower case
    confidence: float | None = None  # 0 to 1
    given_error: float | None = None  # character error rate of `given` against `recognised`
    words_per_s: float | None = None
    pace_deviation: float | None = (
        None  # from the median characters a second, robust standard deviations
    )
    # In comparison
    duplicate_text: str = ""  # id of the earlier segment that says the same
    duplicate_audio: str = ""  # id of the earlier segment that sounds the same
    speaker_similarity: float | None = None  # cosine to the mean of its speaker

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.end - self.start


@dataclass(frozen=True)
class Review:
    """What a person has said of a segment, which counts more than any limit."""

    kept: bool | None = None  # None: as the limits say
    text: str | None = None  # None: as it was made


@dataclass(frozen=True)
class Reason:
    """Why a segment is dropped."""

    code: str  # of judging.REASONS
    words: str  # a sentence with the measure and the limit


@dataclass(frozen=True)
class Verdict:
    """Whether a segment is in the set."""

    kept: bool
    reasons: tuple[Reason, ...] = ()  # what speaks against it, even where a person keeps it
    by_hand: bool = False  # a person has decided
