"""What is in a sound at which frequency and when, as a picture."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import numpy.typing as npt

from studio.audio.types import Audio, Samples

#: Rows of the picture, and its columns at most.
ROWS, COLUMNS = 96, 600
#: The highest frequency that is shown, Hz: all that the trained models make.
TOP_HZ = 12_000.0
#: The darkest and the brightest level, dB; a sine of full scale has 0 dB. Speech lies between them.
FLOOR_DB, CEILING_DB = -95.0, -15.0

#: A window of the usual 25 ms, moved on by 5 ms; zeros make it so much longer that no row of the lowest
#: ones is without a bin.
_WINDOW_S, _STEP_S, _TRANSFORM_S = 0.025, 0.005, 0.085
#: Windows that are transformed at once.
_AT_ONCE = 512

Picture = npt.NDArray[np.uint8]


def spectrogram(audio: Audio) -> Picture:
    """The levels of `audio`: uint8 [ROWS, n], n at most COLUMNS, equal stretches from the left to the right.

    The lowest row is the last one; the rows are even on the mel scale, see `row_frequencies`. 0 is
    FLOOR_DB or less and 255 is CEILING_DB or more, linear in dB. Each value is the strongest bin of
    its row's band in a short-time Fourier transform, mean power over its column's windows. Frequencies
    that the sample rate does not reach are 0.
    """
    window, step, size = _sizes(audio.sample_rate)
    samples = np.pad(audio.samples, (0, max(0, window - len(audio.samples))))
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::step]
    columns = min(COLUMNS, len(frames))
    edges = np.arange(columns + 1) * len(frames) // columns
    power = np.concatenate(
        [_bands(frames[at : at + _AT_ONCE], size, audio.sample_rate) for at in _blocks(len(frames))]
    )
    means = np.add.reduceat(power, edges[:-1]) / np.diff(edges)[:, np.newaxis]
    levels = 10 * np.log10(np.maximum(means, 1e-12))
    shares = (levels - FLOOR_DB) / (CEILING_DB - FLOOR_DB)
    picture: Picture = (shares.clip(0, 1) * 255).round().astype(np.uint8)
    return np.ascontiguousarray(picture.T[::-1])


def row_frequencies() -> npt.NDArray[np.float64]:
    """The middle of each row's band in Hz, the first row of the picture first: float64 [ROWS]."""
    middles = (np.arange(ROWS) + 0.5) * _mel(TOP_HZ) / ROWS
    return _hertz(middles)[::-1]


def as_png(picture: Picture) -> bytes:
    """The picture in colours, dark blue over green to a light yellow: each step is as much lighter as
    any other, so that it can be read in grey as well."""
    from PIL import Image

    image = Image.fromarray(picture)
    image.putpalette(colours().tobytes())
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


@cache
def colours() -> npt.NDArray[np.uint8]:
    """The 256 colours, sRGB: uint8 [256, 3], even in the lightness of Oklab (Ottosson 2020)."""
    share = np.linspace(0, 1, 256)
    lightness = 0.15 + 0.82 * share
    # Little colour at the ends, where the screen has none to give.
    chroma = 0.05 + 0.09 * np.sin(np.pi * share)
    hue = np.radians(np.interp(share, [0, 0.5, 1], [275, 175, 100]))
    return _srgb(lightness, chroma * np.cos(hue), chroma * np.sin(hue))


def _sizes(rate: int) -> tuple[int, int, int]:
    """Of the window, of its step, and of the transform, in samples."""
    window, step = round(_WINDOW_S * rate), max(1, round(_STEP_S * rate))
    return max(2, window), step, 1 << int(_TRANSFORM_S * rate).bit_length()


def _blocks(frames: int) -> range:
    return range(0, frames, _AT_ONCE)


def _bands(frames: Samples, size: int, rate: int) -> npt.NDArray[np.float32]:
    """Power of the strongest bin in each row's band, the lowest band first: float32 [frames, ROWS]."""
    window = np.hanning(frames.shape[1]).astype(np.float32)
    spectra = np.abs(np.fft.rfft(frames * window, size, axis=1)) * (2 / window.sum())
    edges = _hertz(np.arange(ROWS + 1) * _mel(TOP_HZ) / ROWS) * size / rate
    first = np.rint(edges[:-1]).astype(int)
    heard = int((first < spectra.shape[1]).sum())
    found = np.zeros((len(frames), ROWS), np.float32)
    last = min(spectra.shape[1], int(np.rint(edges[-1])) + 1)
    found[:, :heard] = np.square(np.maximum.reduceat(spectra[:, :last], first[:heard], axis=1))
    return found


def _mel(hertz: float) -> float:
    """O'Shaughnessy's scale of pitch (1987)."""
    return 2595.0 * float(np.log10(1 + hertz / 700.0))


def _hertz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 700.0 * (10 ** (mel / 2595.0) - 1)


def _srgb(
    lightness: npt.NDArray[np.float64], a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]
) -> npt.NDArray[np.uint8]:
    cones = np.stack([lightness, a, b], axis=1) @ np.array(_OKLAB_TO_CONES).T
    linear = (cones**3 @ np.array(_CONES_TO_RGB).T).clip(0, 1)
    light = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    rounded: npt.NDArray[np.uint8] = (light * 255).round().astype(np.uint8)
    return rounded


#: Björn Ottosson, "A perceptual color space for image processing" (2020).
_OKLAB_TO_CONES = (
    (1.0, 0.3963377774, 0.2158037573),
    (1.0, -0.1055613458, -0.0638541728),
    (1.0, -0.0894841775, -1.2914855480),
)
_CONES_TO_RGB = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)
