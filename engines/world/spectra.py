"""Envelopes seen through mel bands and cepstra, warped and smoothed. All envelopes are logs."""

from __future__ import annotations

import functools

import numpy as np
from scipy.fft import dct

from engines.world.vocoder import BINS, FREQUENCIES, Floats

#: The band in which sounds are compared and their energy is kept, Hz.
_LOW, _HIGH, _MELS = 80.0, 7400.0, 40
MFCCS = 18

#: Cepstral coefficients that keep an envelope of BINS bins well enough.
CEPSTRA = 80


@functools.cache
def _mel_filters() -> Floats:
    """Triangles of equal area on the mel scale (Slaney's), [BINS, _MELS]."""

    def mel(hertz: float) -> float:
        return 15 + 27 * np.log(hertz / 1000) / np.log(6.4) if hertz > 1000 else hertz * 3 / 200

    mels = np.linspace(mel(_LOW), mel(_HIGH), _MELS + 2)
    edges = np.where(mels > 15, 1000 * 6.4 ** ((mels - 15) / 27), mels * 200 / 3)
    rising = (FREQUENCIES[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - FREQUENCIES[:, None]) / (edges[2:] - edges[1:-1])
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) * 2 / (edges[2:] - edges[:-2]))


def mel_power(log_envelope: Floats) -> Floats:
    """Power in mel bands, [t, BINS] -> [t, _MELS]."""
    return np.asarray(np.exp(log_envelope) @ _mel_filters())


def mfcc(log_envelope: Floats) -> Floats:
    """Mel-frequency cepstral coefficients, [t, BINS] -> [t, MFCCS]."""
    return np.asarray(dct(np.log(mel_power(log_envelope) + 1e-10), axis=1, norm="ortho")[:, :MFCCS])


def centred(log_envelope: Floats) -> Floats:
    """Without the level: each frame's mean over the bins becomes 0."""
    return np.asarray(log_envelope - log_envelope.mean(1, keepdims=True))


def warped(log_envelope: Floats, factor: float) -> Floats:
    """The envelope, [t, BINS] or [BINS], with its frequencies times `factor`: above 1, a shorter
    vocal tract."""
    places = np.clip(np.arange(BINS) / factor, 0, BINS - 1)
    low = np.floor(places).astype(int)
    high = np.minimum(low + 1, BINS - 1)
    share = places - low
    return np.asarray(log_envelope[..., low] * (1 - share) + log_envelope[..., high] * share)


def smoothed(log_envelope: Floats, coefficients: int) -> Floats:
    """One envelope [BINS] from its first cepstral coefficients."""
    cepstrum = np.fft.irfft(log_envelope)
    cepstrum[coefficients : len(cepstrum) - coefficients + 1] = 0
    return np.asarray(np.fft.rfft(cepstrum).real)


def cepstra(log_envelope: Floats) -> Floats:
    """Real cepstra, [t, BINS] -> [t, CEPSTRA]."""
    return np.asarray(np.fft.irfft(log_envelope, axis=1)[:, :CEPSTRA])


def from_cepstra(coefficients: Floats) -> Floats:
    """The inverse of `cepstra` but for the finest detail, [t, CEPSTRA] -> [t, BINS]."""
    full = np.zeros((len(coefficients), 2 * (BINS - 1)))
    full[:, :CEPSTRA] = coefficients
    full[:, -(CEPSTRA - 1) :] = coefficients[:, :0:-1]
    return np.asarray(np.fft.rfft(full, axis=1).real)
