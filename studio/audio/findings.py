"""What the figures of a reference recording mean for its voice, and what to do about each."""

from __future__ import annotations

from dataclasses import dataclass

from studio.audio import snr
from studio.audio.reference_report import Finding, Level
from studio.audio.snr import Snr
from studio.audio.voice_change import VoiceChange
from studio.text.language import in_its_script
from studio.text.speaking_time import plausible_time

#: Seconds of sound a reference has at least, and what is advised.
LEAST_S, ADVISED_S, LONGEST_S = 3.0, 5.0, 15.0
#: Silence at an end that is too much, seconds.
_SILENCE_S = 0.7
#: A sound that begins or ends within this of the speech's level was cut, dB.
_CUT_DB = -5.0
#: LUFS below and above which it is quiet, hardly to be heard, and loud.
_FAINT, _QUIET, _LOUD = -40.0, -30.0, -10.0
#: Decibels of SNR.
_CLEAN, _NOISY = 25.0, 15.0
#: Share of clipped samples.
_SOME_CLIPPING, _MUCH_CLIPPING = 1e-4, 1e-3
#: Hz. Cloning engines work at 22 to 24 kHz.
_TELEPHONE_RATE, _USUAL_RATE = 12_000, 22_000
_TELEPHONE_BAND, _USUAL_BAND = 5_000, 10_000
#: What a filter at the very top of the band takes away is nothing, as a share of it.
_WHOLE_BAND = 0.85
#: Shares of the time with steady tones.
_SOME_TONES, _MUCH_MUSIC = 0.1, 0.4


@dataclass(frozen=True)
class Measures:
    """The figures of one recording; units as in ReferenceReport."""

    duration: float
    leading_s: float
    trailing_s: float
    edge_db: tuple[float, float]  # its first and last 20 ms against its sound, dB
    lufs: float | None
    clipped_share: float
    snr: Snr
    sample_rate: int
    bandwidth_hz: float | None
    silent: bool

    @property
    def sounding_s(self) -> float:
        """Without the silence at its ends."""
        return self.duration - self.leading_s - self.trailing_s


@dataclass(frozen=True)
class Company:
    """What may be heard besides one voice."""

    steady_share: float  # part of the time with steady tones, 0 to 1
    change: VoiceChange | None


def judge(
    measured: Measures, company: Company | None, transcript: str, language: str
) -> tuple[Finding, ...]:
    """One finding for each thing that can be told. `company` None: it was not looked for."""
    if measured.silent:
        remedy = "Look whether the microphone was on, and record again."
        return (Finding("silence", Level.PROBLEM, "The recording is silent.", remedy),)
    found = [
        _length(measured, company is None),
        _ends(measured),
        _loudness(measured),
        _noise(measured.snr),
    ]
    if measured.snr.reason == snr.NO_SPEECH:
        remedy = "Choose a recording in which somebody speaks."
        found.append(Finding("speech", Level.PROBLEM, snr.NO_SPEECH, remedy))
    found += [_clipping(measured.clipped_share), _sample_rate(measured.sample_rate)]
    found += [_bandwidth(measured)]
    if company is not None:
        found += [_speakers(company.change), _music(company.steady_share)]
    found.append(_transcript(measured.sounding_s, transcript.strip(), language))
    return tuple(finding for finding in found if finding is not None)


def _length(measured: Measures, unjudged: bool) -> Finding:
    sounding = measured.sounding_s
    if sounding < LEAST_S:
        return Finding(
            "length",
            Level.PROBLEM,
            f"It has {sounding:.1f} s of sound, less than {LEAST_S:.0f} s.",
            f"Record {ADVISED_S:.0f} to {LONGEST_S:.0f} s.",
        )
    if sounding < ADVISED_S:
        return Finding(
            "length",
            Level.ADVICE,
            f"It has {sounding:.1f} s of sound.",
            f"With {ADVISED_S:.0f} to {LONGEST_S:.0f} s the voice is met better.",
        )
    if sounding > LONGEST_S + 1:
        more = " Music and other voices are looked for in that part." if unjudged else ""
        return Finding(
            "length",
            Level.ADVICE,
            f"It lasts {measured.duration:.0f} s.",
            f"Choose the best {ADVISED_S:.0f} to {LONGEST_S:.0f} s of it.{more}",
        )
    return Finding("length", Level.GOOD, f"It has {sounding:.1f} s of sound.")


def _ends(measured: Measures) -> Finding:
    where = [
        f"{seconds:.1f} s at the {end}"
        for end, seconds in (("start", measured.leading_s), ("end", measured.trailing_s))
        if seconds > _SILENCE_S
    ]
    if where:
        return Finding(
            "ends",
            Level.ADVICE,
            f"There is silence: {' and '.join(where)}.",
            "Clean up to trim it, or choose the part that is spoken.",
            fixable=True,
        )
    cut = [
        verb for verb, level in zip(("begins", "ends"), measured.edge_db, strict=True) if level > _CUT_DB
    ]
    if cut:
        return Finding(
            "ends",
            Level.ADVICE,
            f"It {' and '.join(cut)} in the middle of a sound; a word may be cut.",
            "Choose a part that begins and ends in a pause.",
        )
    return Finding("ends", Level.GOOD, "Little silence at its ends.")


def _loudness(measured: Measures) -> Finding | None:
    if measured.lufs is None:
        return None
    level = f"{measured.lufs:.0f} LUFS"
    if measured.lufs < _FAINT:
        return Finding(
            "loudness",
            Level.PROBLEM,
            f"It is hardly to be heard: {level}.",
            "Record closer to the microphone; cleaning up makes it louder, its noise as well.",
            fixable=True,
        )
    if not _QUIET <= measured.lufs <= _LOUD:
        word = "quiet" if measured.lufs < _QUIET else "very loud"
        remedy = "Clean up to bring it to the usual level."
        return Finding("loudness", Level.ADVICE, f"It is {word}: {level}.", remedy, fixable=True)
    return Finding("loudness", Level.GOOD, f"The loudness is fine: {level}.")


def _noise(found: Snr) -> Finding | None:
    if found.db is None:
        return _noise_untold(found.reason)
    ratio = f"{'about ' if found.method == 'wada' else ''}{found.db:.0f} dB (SNR)"
    if found.db < _NOISY:
        return Finding(
            "noise",
            Level.PROBLEM,
            f"It is noisy: the speech stands {ratio} above the noise.",
            "Record in a quiet room, close to the microphone; noise reduction helps a little.",
            fixable=True,
        )
    if found.db < _CLEAN:
        return Finding(
            "noise",
            Level.ADVICE,
            f"There is some noise: the speech stands {ratio} above it.",
            "Try noise reduction and listen, or record in a quieter place.",
            fixable=True,
        )
    return Finding("noise", Level.GOOD, f"There is little noise: {ratio}.")


def _noise_untold(reason: str) -> Finding | None:
    if reason == snr.MUTED:
        return Finding("noise", Level.GOOD, reason)
    if reason == snr.NO_PAUSE:
        return Finding(
            "noise",
            Level.ADVICE,
            f"How noisy it is cannot be told. {reason}",
            "Listen to it, or choose a part with a short pause.",
        )
    if reason in (snr.LOUD, snr.DROWNED):
        remedy = "Record in a quiet room, close to the microphone."
        return Finding("noise", Level.PROBLEM, reason, remedy)
    return None


def _clipping(share: float) -> Finding:
    if share < _SOME_CLIPPING:
        return Finding("clipping", Level.GOOD, "No clipping was found.")
    level = Level.PROBLEM if share >= _MUCH_CLIPPING else Level.ADVICE
    return Finding(
        "clipping",
        level,
        f"{100 * share:.2g} % of it is clipped: it was recorded too loud and is distorted.",
        "Record again with less gain, or choose a quieter part; clipping cannot be repaired.",
    )


def _sample_rate(rate: int) -> Finding:
    if rate < _TELEPHONE_RATE:
        return Finding(
            "sample_rate",
            Level.PROBLEM,
            f"Its sample rate is {rate:,} Hz, that of a telephone; the voice will sound dull.",
            "Record with 24,000 Hz or more; resampling does not bring back what is lost.",
        )
    if rate < _USUAL_RATE:
        return Finding(
            "sample_rate",
            Level.ADVICE,
            f"Its sample rate is {rate:,} Hz.",
            "With 24,000 Hz or more the voice sounds brighter.",
        )
    return Finding("sample_rate", Level.GOOD, f"Its sample rate is {rate:,} Hz.")


def _bandwidth(measured: Measures) -> Finding | None:
    band = measured.bandwidth_hz
    if band is None:
        return None
    reach = f"{band / 1000:.1f} kHz"
    if band >= min(_USUAL_BAND, _WHOLE_BAND * measured.sample_rate / 2):
        return Finding("bandwidth", Level.GOOD, f"There is sound up to {reach}.")
    level = Level.PROBLEM if band < _TELEPHONE_BAND else Level.ADVICE
    return Finding(
        "bandwidth",
        level,
        f"There is nothing above {reach}, although {measured.sample_rate:,} Hz could hold "
        f"{measured.sample_rate / 2000:.1f} kHz: it was resampled or compressed.",
        "Use the original recording.",
    )


def _speakers(change: VoiceChange | None) -> Finding:
    if change is None:
        return Finding(
            "speakers", Level.GOOD, "No second voice was noticed; like voices are not told apart."
        )
    how = "higher" if change.semitones > 0 else "deeper"
    sure = "It is rather sure." if change.sure else "It is not sure."
    return Finding(
        "speakers",
        Level.PROBLEM if change.sure else Level.ADVICE,
        f"Several speakers are suspected: from {change.start:.1f} to {change.end:.1f} s the voice is "
        f"{abs(change.semitones):.0f} semitones {how} and of another colour. {sure}",
        "Listen, and choose a part in which one person speaks in one manner.",
    )


def _music(share: float) -> Finding:
    if share < _SOME_TONES:
        return Finding("music", Level.GOOD, "No music was noticed; drums alone are not recognised.")
    sure = share >= _MUCH_MUSIC
    return Finding(
        "music",
        Level.PROBLEM if sure else Level.ADVICE,
        f"Music or singing is suspected: steady tones sound in {100 * share:.0f} % of it. "
        f"It is {'rather' if sure else 'not'} sure.",
        "Choose a part without it, or another recording.",
    )


def _transcript(spoken: float, transcript: str, language: str) -> Finding:
    if not transcript:
        return Finding(
            "transcript",
            Level.ADVICE,
            "There is no transcript.",
            "Transcribe it, or type what is said: the voice is met better with it.",
        )
    fewest, most = plausible_time(transcript)
    if not fewest <= spoken <= most:
        word = "long" if spoken < fewest else "short"
        return Finding(
            "transcript",
            Level.PROBLEM,
            f"The transcript is too {word} for {spoken:.1f} s of speech.",
            "Make it say exactly what is heard, no more and no less.",
        )
    if language not in ("", "auto") and not in_its_script(transcript, language):
        return Finding(
            "transcript",
            Level.ADVICE,
            "The transcript is not in the script of its language.",
            "Write it as the language is written, or choose the language that is spoken.",
        )
    return Finding("transcript", Level.GOOD, "The transcript fits the length.")
