"""The parent's side of the eSpeak NG process: starts it, asks it, replaces it when it dies."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from engines.espeak import child as wire
from engines.espeak.library import data_folder, library_path, short_path
from studio.control import Control
from studio.errors import EngineFailed

#: eSpeak NG speaks 500 times faster than real time; a child silent for this long hangs, seconds.
HANG_S = 20.0
#: How soon a waiting request notices that it was cancelled, seconds.
_POLL_S = 0.02


@dataclass(frozen=True)
class Utterance:
    """What the child is asked to say; `parameters` are speak_lib.h's numbers and values."""

    text: str
    voice: str  # an identifier such as "gmw/en-US+f2"
    parameters: Mapping[int, int]
    phonemes: bool = False  # whether [[...]] in the text holds phonemes


@dataclass(frozen=True)
class Event:
    """A word, a phoneme or a clause's end; `sample` counts from the utterance's start."""

    type: int  # child.EVENT_*
    sample: int
    position: int  # of a word in the text, in characters from 0; can be off by a few
    length: int  # of a word, in characters
    symbol: str  # of a phoneme, IPA; "" is silence


@dataclass(frozen=True, eq=False)
class Sound:
    """One buffer: int16 samples [n] and the events that came with it."""

    samples: npt.NDArray[np.int16]
    events: tuple[Event, ...]


_REMEDY = "Try again; it is started anew. If it recurs, shorten the text."

_Frame = tuple[bytes, bytes]
_Waiting = dict[int, "queue.SimpleQueue[_Frame]"]


class _Died(EngineFailed):
    """The child is gone."""


class _Child:
    """One process. Requests are answered in order, each into a queue of its own, so that a slow
    listener holds nobody up."""

    def __init__(self, library: Path, data: Path) -> None:
        command = [sys.executable, "-I", "-S", wire.__file__, str(library), str(data)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._lock = threading.Lock()
        self._waiting: _Waiting = {0: queue.SimpleQueue()}
        self._last_request = 0
        self._ended = threading.Event()
        assert self._process.stdout is not None
        # Not a method: a thread that held `self` would keep the process alive for ever.
        threading.Thread(
            target=_receive,
            args=(self._process.stdout, self._waiting, self._lock, self._ended),
            daemon=True,
        ).start()
        about = json.loads(self.next_frame(0, Control())[1])
        self.sample_rate: int = about["sample_rate"]

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None and not self._ended.is_set()

    def ask(self, kind: bytes, content: Mapping[str, object]) -> int:
        with self._lock:
            self._last_request += 1
            request = self._last_request
            self._waiting[request] = queue.SimpleQueue()
            self._send(kind, request, json.dumps(content).encode())
        return request

    def forget(self, request: int) -> None:
        """Stop a request that nobody listens to any more."""
        with self._lock:
            if self._waiting.pop(request, None) is not None and self.alive:
                with contextlib.suppress(EngineFailed):  # it died meanwhile, and so did the request
                    self._send(wire.CANCEL, request, b"")

    def next_frame(self, request: int, control: Control) -> _Frame:
        """The request's next frame. Raises Cancelled, and EngineFailed when the child is dead,
        hangs, or reports an error."""
        frames = self._waiting[request]
        deadline = time.monotonic() + HANG_S
        while True:
            control.check()
            try:
                kind, content = frames.get(timeout=_POLL_S)
                break
            except queue.Empty:
                if self._ended.is_set() and frames.empty():
                    kind, content = b"", b""
                    break
                if time.monotonic() > deadline:
                    self.kill()
                    raise EngineFailed("eSpeak NG did not answer.", _REMEDY) from None
        if kind == wire.ERROR:
            raise EngineFailed(
                json.loads(content)["message"] + ".", "Try another voice, or reinstall espeakng-loader."
            )
        if not kind:
            raise _Died("eSpeak NG stopped unexpectedly.", _REMEDY)
        return kind, content

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """End it; requests under way fail."""
        self.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):  # closing flushes; nobody reads any more
                    stream.close()

    def _send(self, kind: bytes, request: int, content: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(wire.HEADER.pack(kind, request, len(content)) + content)
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise _Died("eSpeak NG stopped unexpectedly.", _REMEDY) from error


class EspeakProcess:
    """eSpeak NG, started on first use and again after it died. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._data: Path | None = None

    @property
    def pid(self) -> int | None:
        """The running child's process id."""
        child = self._child
        return child.pid if child is not None and child.alive else None

    def start(self) -> int:
        """Start the child unless it runs; returns its sample rate in Hz. Raises EngineFailed."""
        return self._running().sample_rate

    def close(self) -> None:
        """End the child; the next request starts another."""
        with self._lock:
            if self._child is not None:
                self._child.close()
                self._child = None

    def speak(self, utterance: Utterance, control: Control) -> Iterator[Sound]:
        """The sound of `utterance` as it is made. Closing the iterator stops the child's work.

        Raises EngineFailed when the child dies in mid-speech, hangs or refuses, and Cancelled.
        """
        try:
            first, rest = self._begin(utterance, control)
        except _Died:
            # It died before a sound of this was heard, perhaps long ago: not worth an error, unless
            # it is this very text that kills it.
            first, rest = self._begin(utterance, control)
        try:
            if first is not None:
                yield first
                yield from rest
        finally:
            rest.close()

    def read(self, voice: str, texts: Sequence[str], control: Control) -> list[str]:
        """How `voice` would say each of `texts`: IPA with "_" between phonemes, a line a clause. Makes no
        sound; about half a millisecond a sentence. Raises what `speak` raises."""
        content = {"voice": voice, "texts": list(texts)}
        try:
            said = list(_answers(self._running(), wire.READ, content, control))
        except _Died:  # as in `speak`
            said = list(_answers(self._running(), wire.READ, content, control))
        return [each.decode() for each in said]

    def _begin(
        self, utterance: Utterance, control: Control
    ) -> tuple[Sound | None, Generator[Sound, None, None]]:
        sounds = _listen(self._running(), utterance, control)
        return next(sounds, None), sounds

    def _running(self) -> _Child:
        with self._lock:
            if self._child is None or not self._child.alive:
                if self._child is not None:
                    self._child.close()
                if self._data is None or not self._data.exists():
                    self._data = short_path(data_folder())
                self._child = _Child(library_path(), self._data)
            return self._child


def _listen(child: _Child, utterance: Utterance, control: Control) -> Generator[Sound, None, None]:
    content = {
        "voice": utterance.voice,
        "parameters": dict(utterance.parameters),
        "phonemes": utterance.phonemes,
        "text": utterance.text,
    }
    with contextlib.closing(_answers(child, wire.SPEAK, content, control)) as answers:
        for answer in answers:
            yield _sound(answer)


def _answers(
    child: _Child, kind: bytes, content: Mapping[str, object], control: Control
) -> Generator[bytes, None, None]:
    """What the child says to a request, frame by frame. Closing it stops the child's work."""
    request = child.ask(kind, content)
    try:
        while True:
            answer, frame = child.next_frame(request, control)
            if answer == wire.DONE:
                return
            yield frame
    finally:
        child.forget(request)


def _receive(stream: IO[bytes], waiting: _Waiting, lock: threading.Lock, ended: threading.Event) -> None:
    """Hand the child's frames to those who wait; at its end, tell all of them."""
    while True:
        try:
            kind, request, content = wire.read_frame(stream)  # type: ignore[arg-type]
        except (OSError, ValueError):  # closed under our hands
            kind, request, content = b"", 0, b""
        if not kind:
            ended.set()  # first of all, for those who ask from now on
        with lock:
            receivers = [waiting.get(request)] if kind else list(waiting.values())
        for receiver in receivers:
            if receiver is not None:  # else forgotten: what was still on its way is dropped
                receiver.put((kind, content))
        if not kind:
            return


def _sound(content: bytes) -> Sound:
    (count,) = wire.COUNT.unpack_from(content)
    offset = wire.COUNT.size
    events = []
    for _ in range(count):
        kind, sample, position, length, size = wire.EVENT.unpack_from(content, offset)
        offset += wire.EVENT.size
        symbol = content[offset : offset + size].decode("utf-8", "ignore")
        offset += size
        events.append(Event(kind, sample, max(position - 1, 0), length, symbol))
    return Sound(np.frombuffer(content, "<i2", offset=offset), tuple(events))
