"""Whether a stretch of a recording is in another voice than the rest.

The voiced frames of a stretch are compared with those of the rest by their pitch and by the shape of
their spectrum (cepstrum of mel bands), as the squared distance of Mahalanobis between the means. Over
128 extracts of five readers it stayed below 12 where the pitch differed by more than 4 semitones as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from studio.audio import vad
from studio.audio.f0 import track
from studio.audio.resampling import resample
from studio.audio.types import Audio

_STEP_S = 0.01
_LOWEST_HZ, _HIGHEST_HZ = 65.0, 500.0
#: Voiced frames that a stretch, and the rest, have at least: what is shorter depends on what is said.
_LEAST_FRAMES = 120
#: Stretches begin and end at one of so many places at most.
_PLACES = 60
#: What one and the same reader does not reach.
_SEMITONES, _DISTANCE = 4.0, 16.0
#: What leaves little doubt.
_SURE_SEMITONES, _SURE_DISTANCE = 6.0, 28.0

_WINDOW = 512
_BANDS, _CEPSTRA = 24, 12


@dataclass(frozen=True)
class VoiceChange:
    """The stretch that differs most."""

    start: float  # s
    end: float  # s
    semitones: float  # by which it is higher than the rest; negative: deeper
    sure: bool  # little doubt


def voice_change(audio: Audio) -> VoiceChange | None:
    """The stretch of `audio` that another person seems to speak; None where all seems to be one voice,
    or where there is too little speech to tell.

    Two people of like voices are not told apart, and one person who changes the voice very much is taken
    for two: it is a suspicion.
    """
    at, features = _voiced(resample(audio, vad.SAMPLE_RATE))
    count = len(features)
    if count < 2 * _LEAST_FRAMES:
        return None
    places = np.append(np.arange(0, count, max(_LEAST_FRAMES // 12, -(-count // _PLACES))), count)
    first, last = (grid.ravel() for grid in np.meshgrid(places, places, indexing="ij"))
    fits = (last - first >= _LEAST_FRAMES) & (count - (last - first) >= _LEAST_FRAMES)
    first, last = first[fits], last[fits]
    difference, distance = _compared(features, first, last)
    distance = np.where(np.abs(difference) >= _SEMITONES, distance, 0.0)
    best = int(np.argmax(distance))
    if distance[best] < _DISTANCE:
        return None
    semitones = float(difference[best])
    sure = abs(semitones) >= _SURE_SEMITONES and distance[best] >= _SURE_DISTANCE
    start, end = float(at[first[best]]), float(at[last[best] - 1] + _STEP_S)
    return VoiceChange(start, min(end, audio.duration), semitones, bool(sure))


def _compared(
    features: npt.NDArray[np.float64], first: npt.NDArray[np.int64], last: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """By how much each stretch is higher than the rest, in semitones, and how far it is from it."""
    count, size = features.shape
    sums = np.concatenate([np.zeros((1, size)), np.cumsum(features, axis=0)])
    inside = (last - first)[:, None].astype(np.float64)
    outside = count - inside
    here = (sums[last] - sums[first]) / inside
    rest = (sums[-1] - sums[last] + sums[first]) / outside
    # The covariance within both, from that of the whole and the means.
    scatter = (
        features.T @ features
        - np.einsum("k,ki,kj->kij", inside[:, 0], here, here)
        - np.einsum("k,ki,kj->kij", outside[:, 0], rest, rest)
    )
    within = scatter / count + 1e-3 * np.eye(size)
    apart = here - rest
    distance = np.einsum("ki,ki->k", apart, np.linalg.solve(within, apart[:, :, None])[:, :, 0])
    return apart[:, 0], distance


def _voiced(audio: Audio) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """When each voiced frame is (s) and its features: pitch in semitones, then the cepstrum."""
    samples = audio.samples.astype(np.float64)
    times, pitch = track(audio, _STEP_S, _LOWEST_HZ, _HIGHEST_HZ)
    hop = round(_STEP_S * audio.sample_rate)
    padded = np.pad(samples, _WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::hop]
    count = min(len(pitch), len(frames))
    voiced = np.flatnonzero(pitch[:count] > 0)
    power = np.abs(np.fft.rfft(frames[voiced] * np.hamming(_WINDOW))) ** 2
    cepstrum = np.log(power @ _mel_bands(audio.sample_rate) + 1e-10) @ _cosines()
    return times[voiced], np.column_stack([12 * np.log2(pitch[voiced]), cepstrum])


def _mel_bands(rate: int) -> npt.NDArray[np.float64]:
    """Triangles from 100 to 4,000 Hz, equal on the mel scale: [bins, bands]."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (100, 4_000))
    edges = 700 * (10 ** (np.linspace(low, high, _BANDS + 2) / 2595) - 1)
    hertz = np.fft.rfftfreq(_WINDOW, 1 / rate)[:, None]
    rising = (hertz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hertz) / (edges[2:] - edges[1:-1])
    return np.clip(np.minimum(rising, falling), 0, None)


def _cosines() -> npt.NDArray[np.float64]:
    """From log bands to the cepstrum without its level: [bands, cepstra]."""
    order, band = np.arange(1, _CEPSTRA + 1), np.arange(_BANDS) + 0.5
    return np.cos(np.pi * np.outer(band, order) / _BANDS) / _CEPSTRA
