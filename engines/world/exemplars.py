"""Sounds of the reference, found for each frame of the source and blended in.

For each frame the nearest frames of the reference (in normalised MFCC with their neighbourhood, among
the same phones where labels are known) are averaged; the envelope is moved a part of the way there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from engines.world import phones
from engines.world.match import USABLE_BAND, extended
from engines.world.spectra import MFCCS, cepstra, from_cepstra, mel_power, mfcc
from engines.world.vocoder import (
    BINS,
    FREQUENCIES,
    Floats,
    Frames,
    coded_aperiodicity,
    decoded_aperiodicity,
)

Labels = npt.NDArray[np.int8]  # [t], indices into phones.PHONES, or phones.UNKNOWN

_NEAREST = 6
#: Neighbours that give a frame its context: this many either side, this many frames apart.
_CONTEXT, _STEP, _FADE = 3, 4, 0.85
#: The first coefficient, the level, counts less.
_WEIGHTS = np.array([0.3] + [1.0] * (MFCCS - 1))
#: Added to the distance (of about 1) where one frame is voiced and the other is not.
_VOICING_PENALTY = 0.5
#: Frames compared at once; bounds the memory.
_BLOCK = 400


@dataclass(frozen=True, eq=False)
class Normaliser:
    """Mean and deviation of a voice's MFCCs over its speech, [MFCCS] each."""

    mean: Floats
    deviation: Floats

    @classmethod
    def of(cls, frames: Frames, speech: npt.NDArray[np.bool_]) -> Normaliser:
        coefficients = mfcc(frames.log_envelope[speech])
        return cls(coefficients.mean(0), coefficients.std(0) + 1e-6)

    def features(self, frames: Frames) -> npt.NDArray[np.float32]:
        """What frames are compared by, [t, MFCCS * (2 * _CONTEXT + 1)]."""
        single = (mfcc(frames.log_envelope) - self.mean) / self.deviation * _WEIGHTS
        reach = _CONTEXT * _STEP
        padded = np.pad(single, ((reach, reach), (0, 0)), "edge")
        around = [
            padded[reach + offset * _STEP : reach + offset * _STEP + len(single)] * _FADE ** abs(offset)
            for offset in range(-_CONTEXT, _CONTEXT + 1)
        ]
        return np.concatenate(around, axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Bank:
    """The reference's speech frames."""

    features: npt.NDArray[np.float32]  # [n, f]
    cepstra: npt.NDArray[np.float32]  # [n, CEPSTRA], of the envelope
    aperiodicity: npt.NDArray[np.float32]  # [n, bands], dB
    voiced: npt.NDArray[np.bool_]  # [n]
    labels: Labels  # [n]
    top: float  # Hz; above it the recording holds nothing


def bank(frames: Frames, speech: npt.NDArray[np.bool_], labels: Labels, bandwidth: float) -> Bank:
    """The frames of the reference that are `speech`, [t], with their `labels`, [t]."""
    top = bandwidth * USABLE_BAND
    envelope = extended(frames.log_envelope[speech], np.zeros(BINS), top)
    features = Normaliser.of(frames, speech).features(frames)
    return Bank(
        features=features[speech],
        cepstra=cepstra(envelope).astype(np.float32),
        aperiodicity=coded_aperiodicity(frames.aperiodicity[speech]).astype(np.float32),
        voiced=frames.voiced[speech],
        labels=labels[speech],
        top=top,
    )


def blend(
    frames: Frames,
    labels: Labels,
    source: Normaliser,
    speech_level: float,
    examples: Bank,
    weight: float,
) -> Frames:
    """`frames` with their envelopes moved by `weight` (0..1) towards the bank's; the pitch and each
    frame's energy stay. Frames below `speech_level` dB stay as they are."""
    nearest = _nearest(frames, labels, source, examples)
    envelope = from_cepstra(examples.cepstra[nearest].mean(1).astype(np.float64))
    envelope = gaussian_filter1d(envelope, 1.0, axis=0)
    speech = gaussian_filter1d((frames.level > speech_level).astype(np.float64), 2.0)[:, None] * weight
    # What the recording does not hold stays the source's own.
    share = speech * np.clip((examples.top - FREQUENCIES) / 500, 0, 1)
    own = frames.log_envelope
    held = examples.top >= FREQUENCIES
    envelope += (own[:, held] - envelope[:, held]).mean(1, keepdims=True)
    mixed = share * envelope + (1 - share) * own
    energy = np.log(mel_power(own).sum(1) + 1e-12) - np.log(mel_power(mixed).sum(1) + 1e-12)
    noise = decoded_aperiodicity(examples.aperiodicity[nearest].mean(1).astype(np.float64))
    aperiodicity = np.where(
        frames.voiced[:, None], share * noise + (1 - share) * frames.aperiodicity, frames.aperiodicity
    )
    return Frames(frames.f0, mixed + energy[:, None], aperiodicity)


def _nearest(frames: Frames, labels: Labels, source: Normaliser, examples: Bank) -> npt.NDArray[np.intp]:
    """Indices into the bank, [t, _NEAREST]."""
    queries = source.features(frames)
    count = min(_NEAREST, len(examples.features) - 1)
    lengths = np.einsum("nf,nf->n", examples.features, examples.features)
    penalties = phones.penalties()[:, examples.labels]  # [phones, n]
    found = []
    for start in range(0, len(queries), _BLOCK):
        block = queries[start : start + _BLOCK]
        squares = lengths - 2 * block @ examples.features.T
        squares += np.einsum("tf,tf->t", block, block)[:, None]
        distance = np.sqrt(np.maximum(squares, 0) / queries.shape[1])
        distance += penalties[labels[start : start + len(block)]]
        voiced = frames.voiced[start : start + len(block)]
        distance += np.float32(_VOICING_PENALTY) * (voiced[:, None] != examples.voiced)
        found.append(np.argpartition(distance, count, axis=1)[:, :count])
    return np.concatenate(found)
