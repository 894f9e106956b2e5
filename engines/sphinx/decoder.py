"""pocketsphinx's decoder, made the same way for recognition and for alignment.

It is BSD-licensed and its wheel carries the en-us model. One decoder is one utterance at a time; it
holds Python's lock while it works, so it is fed in short blocks wherever others should go on.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from studio.audio.types import Samples

RATE = 16_000  # Hz, of the model
FRAME_S = 0.01

#: What is no word: <s>, </s>, <sil>, [NOISE], ++BREATH++.
NO_WORD = re.compile(r"[<\[+].*")

#: What the peak is brought to: the model expects speech of a usual level.
_PEAK = 0.7
#: The silence that lets the last phone end, seconds.
_TAIL_S = 0.3

#: Starting means of the cepstrum weigh as much as this many frames (CMN_WIN in cmn.h).
_MEAN_WEIGHT = 500
_MEAN_BLOCK = 4 * RATE
_CEPSTRA = 13
_CHEAP = "means"


def make_decoder(language_model: bool = True) -> Any:
    """A new decoder; raises ImportError where pocketsphinx cannot be loaded.

    Without the language model it aligns only, and takes a tenth of the memory. The best path
    through its lattice of words can end where no phone does, so it does not look for that one.
    """
    from pocketsphinx import Decoder

    aligning = {} if language_model else {"lm": None, "bestpath": False}
    return Decoder(samprate=RATE, loglevel="FATAL", **aligning)


def pcm(samples: Samples) -> bytes:
    """Float32 [n] at RATE as 16-bit little-endian sound of a usual level, with silence after it."""
    padded = np.pad(samples, (0, int(_TAIL_S * RATE)))
    peak = float(np.abs(padded).max(initial=1e-6))
    return (padded * (_PEAK / peak * 32767)).astype("<i2").tobytes()


def cepstral_means(decoder: Any, sound: bytes, search: str) -> str:
    """The means of `sound`'s cepstra as `set_cmn` takes them; `search` is active afterwards.

    A decoder that is fed in blocks normalises by running means, which start far off: without these
    the first seconds of every utterance are lost. They are gained by a search that costs nearly
    nothing, a tenth of the recognition's time. Blocks of four seconds, each begun from zero, since
    the decoder's own mean forgets what is longer ago.
    """
    if decoder.get_kws(_CHEAP) is None:
        decoder.add_keyphrase(_CHEAP, "hello")
    decoder.activate_search(_CHEAP)
    total, frames = np.zeros(_CEPSTRA), 0
    for start in range(0, len(sound), 2 * _MEAN_BLOCK):
        decoder.reinit_feat()  # forgets the noise it has heard
        decoder.set_cmn(",".join("0" * _CEPSTRA))
        decoder.start_utt()
        decoder.process_raw(sound[start : start + 2 * _MEAN_BLOCK], full_utt=False)
        decoder.end_utt()
        count = decoder.n_frames()
        means = np.array([float(mean) for mean in decoder.get_cmn(True).split(",")])
        total += means * (_MEAN_WEIGHT + count)
        frames += count
    decoder.activate_search(search)
    return ",".join(f"{mean:.4f}" for mean in total / max(frames, 1))
