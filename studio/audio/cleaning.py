"""Making a reference better: its ends trimmed, its level set, its noise reduced."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from studio.audio.ends import sounding
from studio.audio.loudness import loudness
from studio.audio.processing import fade
from studio.audio.quality import measure_audio
from studio.audio.reading import DEFAULT_LIMITS, Limits, read
from studio.audio.reference_report import ReferenceReport
from studio.audio.snr import pauses
from studio.audio.types import Audio
from studio.audio.wav import WavWriter, pcm16
from studio.control import Control
from studio.errors import BadInput
from studio.files import publishing

#: Where the loudness goes unless another one is asked for, LUFS.
USUAL_LUFS = -19.0
#: No sample passes this, dBFS.
_PEAK_DBFS = -1.0
#: What is left of the silence at each end, and how long sound that was cut there fades, seconds.
_KEPT_S, _FADE_S = 0.2, 0.01
#: A gain that nobody hears is none, dB.
_SMALLEST_GAIN_DB = 0.5
#: How much of the noise is taken away, 0 to 1, here 10 dB: with more of it speech goes as well.
_REDUCTION = 0.7
#: What has to be heard of it alone, seconds.
_LEARNED_S = 0.2


@dataclass(frozen=True)
class CleanUp:
    """What is to be done."""

    trim: bool = True  # take away silence at the ends
    gain: bool = True  # bring it to the usual loudness
    denoise: bool = False  # reduce steady noise; may take a little of the voice along


@dataclass(frozen=True)
class Cleaned:
    """What was done."""

    path: Path  # mono 16-bit WAV of the same sample rate
    before: ReferenceReport
    after: ReferenceReport
    offset: float  # s of the part that were taken away in front
    gain_db: float
    done: tuple[str, ...]  # sentences for people


def clean(
    path: Path,
    target: Path,
    steps: CleanUp,
    start: float | None = None,
    end: float | None = None,
    *,
    transcript: str = "",
    language: str = "",
    lufs: float = USUAL_LUFS,
    limits: Limits = DEFAULT_LIMITS,
    control: Control | None = None,
) -> Cleaned:
    """Write the recording at `path`, or its part from `start` to `end` seconds, to `target` with
    `steps` applied, and judge it before and after.

    The noise is reduced first, the level set last. `transcript` and `language` are for the reports.
    `target` appears when it is complete and may be `path`. Raises BadInput as reading does and for
    silence, StorageFailed, Cancelled.
    """
    control = control or Control()
    control.progress("reading the recording")
    audio = read(path, limits=limits, start=start, end=end)
    before = measure_audio(audio, transcript, language, control.between(0.0, 0.4))
    if before.finding("silence"):
        raise BadInput("The recording is silent.", "Choose another part, or record again.")
    cleaned, done = audio, []
    if steps.denoise:
        control.progress("reducing the noise", 0.4)
        cleaned, said = _denoised(cleaned)
        done.append(said)
    offset = 0.0
    if steps.trim:
        control.progress("trimming", 0.5)
        cleaned, offset = _trimmed(cleaned)
        removed = audio.duration - cleaned.duration
        if removed > 0:
            done.append(f"{removed:.1f} s of silence were trimmed.")
    gain_db = 0.0
    if steps.gain:
        cleaned, gain_db = _levelled(cleaned, lufs)
        if gain_db:
            done.append(f"It was made {abs(gain_db):.0f} dB {'louder' if gain_db > 0 else 'quieter'}.")
    # What will be read back, so that the report is that of the file.
    cleaned = Audio(pcm16(cleaned.samples).astype(np.float32) / np.float32(32_768), cleaned.sample_rate)
    after = measure_audio(cleaned, transcript, language, control.between(0.6, 1.0))
    with publishing(target) as partial, WavWriter(partial, cleaned.sample_rate) as writer:
        writer.append(cleaned.samples)
    return Cleaned(target, before, after, offset, gain_db, tuple(done) or ("There was nothing to do.",))


def _denoised(audio: Audio) -> tuple[Audio, str]:
    """With less of the noise that is heard in the pauses, and what was done. Without pauses the noise
    would have to be learned from the speech, which then went with it."""
    import noisereduce

    rate = audio.sample_rate
    silent = [
        audio.samples[round(start * rate) : round(end * rate)]
        for start, end in pauses(audio.samples, rate)
    ]
    if sum(len(piece) for piece in silent) < _LEARNED_S * rate:
        return audio, "The noise was left as it is, for there is no pause to learn it from."
    reduced = noisereduce.reduce_noise(
        y=audio.samples,
        sr=rate,
        stationary=True,
        y_noise=np.concatenate(silent),
        prop_decrease=_REDUCTION,
    )
    return Audio(np.clip(reduced, -1.0, 1.0).astype(np.float32), rate), "Steady noise was reduced."


def _trimmed(audio: Audio) -> tuple[Audio, float]:
    """Without most of the silence at the ends, and how many seconds went in front."""
    found = sounding(audio)
    if found is None:
        return audio, 0.0
    first = max(0, round((found[0] - _KEPT_S) * audio.sample_rate))
    last = min(len(audio.samples), round((found[1] + _KEPT_S) * audio.sample_rate))
    kept = Audio(audio.samples[first:last], audio.sample_rate)
    kept = fade(kept, _FADE_S if first else 0.0, _FADE_S if last < len(audio.samples) else 0.0)
    return kept, first / audio.sample_rate


def _levelled(audio: Audio, lufs: float) -> tuple[Audio, float]:
    """At `lufs`, or as near to it as the peak allows, and the gain in dB."""
    now = loudness(audio)
    peak = float(np.abs(audio.samples).max(initial=0.0))
    if now is None or peak == 0:
        return audio, 0.0
    gain_db = float(min(lufs - now, _PEAK_DBFS - 20 * np.log10(peak)))
    if abs(gain_db) < _SMALLEST_GAIN_DB:
        return audio, 0.0
    return Audio(audio.samples * np.float32(10 ** (gain_db / 20)), audio.sample_rate), gain_db
