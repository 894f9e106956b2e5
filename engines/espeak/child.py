"""The process that holds eSpeak NG: reads requests from stdin, writes sound and events to stdout.

    python -I -S child.py LIBRARY DATA_FOLDER

The C library is not thread-safe and can crash; here it does either alone. Only the standard library
is used, so that a fresh child speaks within a few tens of milliseconds. It ends when its stdin does,
that is with its parent.

Every frame, both ways, is a header (kind, request, size; HEADER) and `size` bytes:

    SPEAK  -> JSON: voice, parameters {number: value}, phonemes (is [[...]] phonemes?), text
    READ   -> JSON: voice, texts; nothing is spoken
    CANCEL -> nothing; stops the request, running or waiting
    READY  <- JSON: sample_rate, version
    SOUND  <- number of events (COUNT), the events (EVENT and the symbol's bytes), int16 samples
    IPA    <- of a text that was read, UTF-8: "_" between phonemes, a line a clause; one for each, in order
    DONE   <- nothing; the request's last frame, also when it was cancelled
    ERROR  <- JSON: message; the request's last frame, or the process's with request 0
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import signal
import struct
import sys
import threading
from typing import Any, BinaryIO

HEADER = struct.Struct("<cII")
COUNT = struct.Struct("<I")
EVENT = struct.Struct("<BIIHB")  # type, sample, text position (from 1), length, bytes of the symbol

SPEAK, READ, CANCEL = b"S", b"P", b"K"
READY, SOUND, IPA, DONE, ERROR = b"R", b"C", b"I", b"D", b"X"

#: Sound is handed over in buffers of this length, milliseconds; the first is all one waits for.
BUFFER_MS = 80

# espeak-ng/speak_lib.h
EVENT_END, EVENT_WORD, EVENT_END_CLAUSE, EVENT_PHONEME = 0, 1, 5, 7
RATE, VOLUME, PITCH, RANGE, WORD_GAP = 1, 2, 3, 4, 7
_OUTPUT_SYNCHRONOUS = 2
_INIT_PHONEME_EVENTS, _INIT_PHONEME_IPA, _INIT_DONT_EXIT = 1, 2, 0x8000
_CHARS_UTF8, _PHONEMES = 1, 0x100
_POSITION_CHARACTER = 1
_AS_IPA = 2 | ord("_") << 8  # and what stands between phonemes


class _EventId(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Library:
    """eSpeak NG through ctypes. Raises RuntimeError when it refuses something."""

    def __init__(self, library: str, data: str) -> None:
        lib = self._lib = ctypes.CDLL(library)
        lib.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
        lib.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        lib.espeak_SetParameter.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int]
        lib.espeak_Info.argtypes = [ctypes.c_void_p]
        lib.espeak_Info.restype = ctypes.c_char_p
        lib.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        lib.espeak_TextToPhonemes.argtypes = [
            ctypes.POINTER(ctypes.c_char_p),
            ctypes.c_int,
            ctypes.c_int,
        ]
        lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self.sample_rate: int = lib.espeak_Initialize(
            _OUTPUT_SYNCHRONOUS,
            BUFFER_MS,
            os.fsencode(data),
            _INIT_PHONEME_EVENTS | _INIT_PHONEME_IPA | _INIT_DONT_EXIT,
        )
        if self.sample_rate <= 0:
            raise RuntimeError(f"eSpeak NG could not read its data in {data}")
        self.version: str = (lib.espeak_Info(None) or b"").decode("utf-8", "replace")
        self._callback: Any = None
        # From 1.52 on; an older library draws its flutter and breath from the clock.
        self._reseed = getattr(lib, "espeak_ng_SetRandSeed", None)
        if self._reseed is not None:
            self._reseed.argtypes = [ctypes.c_long]

    def on_sound(self, callback: Any) -> None:
        self._callback = _Callback(callback)  # kept: the library holds only the pointer
        self._lib.espeak_SetSynthCallback(self._callback)

    def speak(self, voice: str, parameters: dict[str, int], phonemes: bool, text: str) -> None:
        self._choose(voice)
        for number, value in parameters.items():
            if self._lib.espeak_SetParameter(int(number), int(value), 0) != 0:
                raise RuntimeError(f"eSpeak NG refused parameter {number} = {value}")
        if self._reseed is not None:
            self._reseed(1)  # so that fresh processes say the same words the same way
        content = text.encode("utf-8", "replace") + b"\0"
        flags = _CHARS_UTF8 | (_PHONEMES if phonemes else 0)
        code = self._lib.espeak_Synth(
            content, len(content), 0, _POSITION_CHARACTER, 0, flags, None, None
        )
        if code != 0:
            raise RuntimeError(f"eSpeak NG answered with code {code}")

    def read(self, voice: str, text: str) -> str:
        """The phonemes of `text` as IPA, a line a clause."""
        self._choose(voice)
        rest = ctypes.c_char_p(text.encode("utf-8", "replace"))
        clauses = []
        while rest.value is not None:  # the library moves it on, and to nothing at the end
            said = self._lib.espeak_TextToPhonemes(ctypes.byref(rest), _CHARS_UTF8, _AS_IPA)
            clauses.append((said or b"").decode("utf-8", "replace"))
        return "\n".join(clauses)

    def _choose(self, voice: str) -> None:
        # A voice that is not there leaves the one before in place, and only the code says so.
        if self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise RuntimeError(f"eSpeak NG has no voice {voice}")


class _Child:
    def __init__(self, output: int, library: _Library) -> None:
        self._output, self._library = output, library
        self._requests: queue.SimpleQueue[tuple[int, bytes, bytes]] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._current = 0
        library.on_sound(self._on_sound)

    def listen(self) -> None:
        """Take frames from stdin until it ends; runs in a thread so that a cancel is heard while
        the library speaks."""
        stdin = sys.stdin.buffer
        while True:
            kind, request, content = read_frame(stdin)
            if kind in (SPEAK, READ):
                self._requests.put((request, kind, content))
            elif kind == CANCEL:
                self._cancelled.add(request)
            else:  # the parent is gone, or no longer makes sense
                os._exit(0)

    def run(self) -> None:
        while True:
            self._current, kind, content = self._requests.get()
            try:
                if self._current not in self._cancelled:
                    self._answer(kind, json.loads(content))
                self._write(DONE)
            except RuntimeError as error:
                self._write(ERROR, json.dumps({"message": str(error)}).encode())
            # Requests come in order, so older ones will not be asked about again.
            self._cancelled = {request for request in self._cancelled if request > self._current}

    def _answer(self, kind: bytes, request: dict[str, Any]) -> None:
        if kind == SPEAK:
            self._library.speak(**request)
            return
        for text in request["texts"]:
            if self._current in self._cancelled:
                return
            self._write(IPA, self._library.read(request["voice"], text).encode())

    def _on_sound(self, samples: Any, count: int, events: Any) -> int:
        """The library's callback; anything but 0 stops the synthesis."""
        if self._current in self._cancelled:
            return 1
        packed = []
        index = 0
        while events[index].type != EVENT_END:
            event = events[index]
            index += 1
            if event.type not in (EVENT_WORD, EVENT_END_CLAUSE, EVENT_PHONEME):
                continue
            symbol = event.id.string if event.type == EVENT_PHONEME else b""
            where = (max(event.sample, 0), max(event.text_position, 0), max(event.length, 0) & 0xFFFF)
            packed.append(EVENT.pack(event.type, *where, len(symbol)) + symbol)
        sound = ctypes.string_at(samples, count * 2) if samples and count > 0 else b""
        if packed or sound:
            self._write(SOUND, COUNT.pack(len(packed)) + b"".join(packed) + sound)
        return 0

    def _write(self, kind: bytes, content: bytes = b"") -> None:
        write_frame(self._output, kind, self._current, content)


def read_frame(stream: BinaryIO) -> tuple[bytes, int, bytes]:
    """The next (kind, request, content) of `stream`; kind is b"" where it has ended."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return b"", 0, b""
    kind, request, size = HEADER.unpack(header)
    content = stream.read(size)
    return (kind, request, content) if len(content) == size else (b"", 0, b"")


def write_frame(descriptor: int, kind: bytes, request: int, content: bytes) -> None:
    """Write one frame whole; a parent that is gone ends this process."""
    left = memoryview(HEADER.pack(kind, request, len(content)) + content)
    try:
        while left:
            left = left[os.write(descriptor, left) :]
    except OSError:
        os._exit(0)


def main(library: str, data: str) -> None:
    # Ctrl+C in a terminal reaches every process there; the parent decides what becomes of us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What the C library prints must not land among the frames.
    output = os.dup(1)
    os.dup2(2, 1)
    try:
        speaker = _Library(library, data)
    except (OSError, RuntimeError, AttributeError) as error:
        write_frame(output, ERROR, 0, json.dumps({"message": str(error)}).encode())
        return
    child = _Child(output, speaker)
    about = {"sample_rate": speaker.sample_rate, "version": speaker.version}
    write_frame(output, READY, 0, json.dumps(about).encode())
    threading.Thread(target=child.listen, daemon=True).start()
    child.run()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
