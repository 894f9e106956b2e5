"""Bending one voice's frames towards another's profile: pitch, vocal tract, long-term spectrum, breath.

Everything is fitted once from two profiles and then applied frame by frame, so that a text can be
converted in pieces that fit together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.world.profile import VoiceProfile
from engines.world.spectra import smoothed, warped
from engines.world.vocoder import BINS, F0_CEILING, FREQUENCIES, SAMPLE_RATE, Floats, Frames

#: Wider factors of the vocal tract's length follow the recording's noise, and wrecked some voices.
_TRACTS = np.arange(0.92, 1.1001, 0.01)
_MAX_EQUALISER = 18 / 4.343  # dB as natural log of power
_MAX_BREATH = 2.5  # logit
#: Below its bandwidth by this factor a recording is not yet affected by what limits it.
USABLE_BAND = 0.93
_PITCH_SPREAD = (0.4, 2.2)
_DETAIL_SPREAD = (0.6, 1.5)


@dataclass(frozen=True, eq=False)
class Match:
    """The fitted conversion of one source voice."""

    source_log_f0: float
    target_log_f0: float
    pitch_spread: float  # factor on the deviation of ln F0
    tract: float  # factor on frequencies
    source_envelope: Floats  # [BINS], the warped source's mean
    detail_spread: Floats  # [BINS], factor on the deviation from that mean
    equaliser: Floats  # [BINS], natural log of power
    breath: Floats  # [BINS], added to the logit of the aperiodicity

    def apply(self, frames: Frames) -> Frames:
        """The source's `frames` in the target's voice; the length stays."""
        voiced = frames.voiced
        f0 = frames.f0.copy()
        moved = (np.log(f0[voiced]) - self.source_log_f0) * self.pitch_spread + self.target_log_f0
        f0[voiced] = np.clip(np.exp(moved), 40, F0_CEILING)
        envelope = warped(frames.log_envelope, self.tract)
        level = envelope.mean(1, keepdims=True)
        detail = (envelope - level - self.source_envelope) * self.detail_spread
        envelope = level + self.source_envelope + detail + self.equaliser
        aperiodicity = frames.aperiodicity.copy()
        aperiodicity[voiced] = _from_logit(_logit(aperiodicity[voiced]) + self.breath)
        return Frames(f0, envelope, aperiodicity)


def fit(source: VoiceProfile, target: VoiceProfile) -> Match:
    """The conversion from `source` to `target`. Nothing is inferred above the target's bandwidth."""
    top = min(target.bandwidth * USABLE_BAND, SAMPLE_RATE / 2)
    tract = _tract(source.envelope, target.envelope, top)
    envelope = warped(source.envelope, tract)
    equaliser = smoothed(extended(target.envelope, envelope, top) - envelope, 40)
    equaliser -= equaliser[top >= FREQUENCIES].mean()
    spread = smoothed(extended(target.envelope_deviation, source.envelope_deviation, top), 12)
    spread /= np.maximum(smoothed(warped(source.envelope_deviation, tract), 12), 0.1)
    breath = _logit(np.clip(target.aperiodicity, 1e-3, 0.999)) - _logit(
        np.clip(source.aperiodicity, 1e-3, 0.999)
    )
    return Match(
        source_log_f0=source.log_f0,
        target_log_f0=target.log_f0,
        pitch_spread=float(
            np.clip(target.log_f0_deviation / max(source.log_f0_deviation, 1e-3), *_PITCH_SPREAD)
        ),
        tract=tract,
        source_envelope=envelope,
        detail_spread=np.clip(spread, *_DETAIL_SPREAD),
        equaliser=np.clip(equaliser, -_MAX_EQUALISER, _MAX_EQUALISER),
        breath=np.clip(extended(breath, np.zeros(BINS), top), -_MAX_BREATH, _MAX_BREATH),
    )


def extended(curve: Floats, shape: Floats, top: float) -> Floats:
    """`curve`, [..., BINS], which means nothing above `top` Hz, carried on there as `shape` goes."""
    edge = int(np.searchsorted(FREQUENCIES, top))
    if edge >= BINS:
        return curve
    last = slice(max(edge - 20, 0), edge)
    step = (curve[..., last] - shape[..., last]).mean(-1, keepdims=True)
    return np.asarray(np.concatenate([curve[..., :edge], shape[..., edge:] + step], axis=-1))


def envelope_distance(one: VoiceProfile, other: VoiceProfile) -> float:
    """How far two voices' long-term envelopes lie apart where both recordings hold something: root
    mean square of the smoothed difference, natural log of power."""
    top = USABLE_BAND * min(one.bandwidth, other.bandwidth)
    band = (FREQUENCIES > 150) & (min(6000.0, top) > FREQUENCIES)
    difference = extended(one.envelope - other.envelope, np.zeros(BINS), top)
    difference = smoothed(difference, 30)[band]
    return float(np.sqrt(np.mean((difference - difference.mean()) ** 2)))


def _tract(source: Floats, target: Floats, top: float) -> float:
    """The factor that best lays the source's resonances over the target's, tilt left aside."""
    band = (FREQUENCIES > 200) & (min(5000.0, top) > FREQUENCIES)
    wanted = _resonances(extended(target, source, top), band)
    scores = []
    for factor in _TRACTS:
        likeness = np.corrcoef(_resonances(warped(source, factor), band), wanted)[0, 1]
        scores.append(likeness - 0.3 * abs(np.log(factor)))
    return float(_TRACTS[int(np.argmax(scores))])


def _resonances(envelope: Floats, band: np.ndarray) -> Floats:
    """The smoothed envelope without its overall slope."""
    shape = smoothed(envelope, 40)[band]
    kilohertz = FREQUENCIES[band] / 1000
    slope = np.stack([np.ones_like(kilohertz), kilohertz, np.log(kilohertz)], axis=1)
    return np.asarray(shape - slope @ np.linalg.lstsq(slope, shape, rcond=None)[0])


def _logit(share: Floats) -> Floats:
    share = np.clip(share, 1e-4, 0.9999)
    return np.asarray(np.log(share / (1 - share)))


def _from_logit(value: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-value)))
