"""eSpeak NG by itself, called through ctypes in this process: the yardstick for the engine's delay."""

from __future__ import annotations

import ctypes
import os
import time
from dataclasses import dataclass

from engines.espeak.library import data_folder, library_path, short_path

# espeak-ng/speak_lib.h
_SYNCHRONOUS, _DONT_EXIT, _CHARS_UTF8, _POSITION_CHARACTER = 2, 0x8000, 1, 1

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True)
class RawSpeech:
    """Seconds from the call."""

    first_s: float  # to the first callback that brings sound
    all_s: float  # to the call's return
    audio_s: float  # of sound


class RawEspeak:
    """The library, initialised. Raises RuntimeError when it refuses something."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(str(library_path()))
        self._library.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint,
            ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        path = os.fsencode(short_path(data_folder()))
        self._sample_rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, path, _DONT_EXIT)
        if self._sample_rate <= 0:
            raise RuntimeError("eSpeak NG could not read its data")
        self._callback = _Callback(self._on_sound)  # kept: the library holds only the pointer
        self._library.espeak_SetSynthCallback(self._callback)
        self._first: float | None = None
        self._samples = 0

    def speak(self, text: str, voice: str) -> RawSpeech:
        """Speak `text`; the voice is set before the clock starts."""
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise RuntimeError(f"eSpeak NG has no voice {voice}")
        content = text.encode() + b"\0"
        self._first, self._samples = None, 0
        start = time.perf_counter()
        code = self._library.espeak_Synth(
            content, len(content), 0, _POSITION_CHARACTER, 0, _CHARS_UTF8, None, None
        )
        end = time.perf_counter()
        if code != 0 or self._first is None:
            raise RuntimeError(f"eSpeak NG answered with code {code} and no sound")
        return RawSpeech(self._first - start, end - start, self._samples / self._sample_rate)

    def _on_sound(self, samples: int | None, count: int, events: int | None) -> int:
        if samples and count > 0:
            if self._first is None:
                self._first = time.perf_counter()
            self._samples += count
        return 0
