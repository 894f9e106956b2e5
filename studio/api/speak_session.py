"""One connection of /tts/speak-streaming: texts come in, sound goes out, in order, until it is closed."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from studio.api.access import Access, Caller
from studio.api.errors import body_of
from studio.api.live_speech import LiveSpeech
from studio.audio.wav import wav_header
from studio.errors import EngineFailed, StudioError
from studio.services.planning import Plan
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder

log = logging.getLogger(__name__)

#: Flushes that may wait behind the one that is spoken.
MAX_FLUSHES = 64
#: Silence from the client after which the connection is closed, seconds.
IDLE_S = 600.0

_NORMAL, _GOING_AWAY = 1000, 1001


class _Wrong(Exception):
    """A message that the protocol does not know; answered with a Warning."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code, self.description = code, description


@dataclass(frozen=True)
class _Flush:
    """A text to be spoken, and when that was asked for, by the monotonic clock."""

    sequence: int
    text: str
    asked: float


class SpeakSession:
    """Of one event loop. Two tasks: one reads messages, one speaks; so Clear is heard while it speaks."""

    def __init__(
        self,
        studio: Studio,
        access: Access,
        socket: WebSocket,
        caller: Caller,
        order: SpeechOrder,
        plan: Plan,
    ) -> None:
        """`order` says who speaks; its text does not count. `plan` is one of such an order."""
        self._studio, self._access, self._socket = studio, access, socket
        self._caller, self._order, self._plan = caller, order, plan
        self._text: list[str] = []
        self._characters = 0
        self._flushed = 0  # how many so far; the next one's sequence_id
        self._waiting: deque[_Flush] = deque()
        self._current: _Flush | None = None
        self._more = asyncio.Event()
        self._sending = asyncio.Lock()
        self._header_sent = False

    async def run(self) -> None:
        """Serve the accepted socket until either side closes it."""
        await self._send_metadata()
        speaker = asyncio.create_task(self._speak())
        try:
            while True:
                try:
                    message = await asyncio.wait_for(self._socket.receive(), IDLE_S)
                except asyncio.TimeoutError:
                    if self._busy:
                        continue
                    await self._close(_GOING_AWAY, "nothing was said for a long time")
                    return
                if message["type"] == "websocket.disconnect":
                    return
                try:
                    kind, text = _read(message)
                    if kind == "Close":
                        break
                    if kind == "Clear":
                        speaker = await self._clear(speaker)
                    elif kind == "Flush":
                        self._flush()
                    else:
                        self._take_in(text)
                except _Wrong as wrong:
                    await self._warn(wrong.code, wrong.description)
            await self._finish(speaker)
        except WebSocketDisconnect:  # found out while sending
            return
        finally:
            await _ended(speaker)

    @property
    def _busy(self) -> bool:
        return self._current is not None or bool(self._waiting)

    def _take_in(self, text: str) -> None:
        most = self._studio.settings.max_text_chars
        if self._characters + len(text) > most:
            raise _Wrong("TEXT_TOO_LONG", f"More than {most:,} characters without a Flush; left out.")
        self._text.append(text)
        self._characters += len(text)

    def _flush(self) -> None:
        if len(self._waiting) >= MAX_FLUSHES:
            raise _Wrong("TOO_MANY_FLUSHES", f"{MAX_FLUSHES} are waiting; this one was left out.")
        flush = _Flush(self._flushed, "".join(self._text), time.monotonic())
        self._flushed += 1
        self._text.clear()
        self._characters = 0
        self._waiting.append(flush)
        self._more.set()

    async def _clear(self, speaker: asyncio.Task[None]) -> asyncio.Task[None]:
        """Stop what is spoken and forget what waits; returns the task that speaks from now on."""
        await _ended(speaker)
        dropped = [flush.sequence for flush in (self._current, *self._waiting) if flush is not None]
        self._current = None
        self._waiting.clear()
        self._text.clear()
        self._characters = 0
        await self._send({"type": "Cleared", "sequence_ids": dropped})
        return asyncio.create_task(self._speak())

    async def _finish(self, speaker: asyncio.Task[None]) -> None:
        """Close once what was flushed is spoken."""
        if self._characters:
            await self._warn("TEXT_LEFT", "Text that was not flushed is not spoken.")
        gone = asyncio.create_task(self._until_gone())
        idle = asyncio.create_task(self._until_idle())
        try:
            await asyncio.wait({gone, idle, speaker}, return_when=asyncio.FIRST_COMPLETED)
            if not gone.done():
                await self._close(_NORMAL, "")
        finally:
            await _ended(gone)
            await _ended(idle)

    async def _until_gone(self) -> None:
        while (await self._socket.receive())["type"] != "websocket.disconnect":
            continue

    async def _until_idle(self) -> None:
        while self._busy:
            await asyncio.sleep(0.01)

    async def _speak(self) -> None:
        """The task that speaks one flush after the other."""
        while True:
            while not self._waiting:
                self._more.clear()
                await self._more.wait()
            self._current = self._waiting.popleft()
            try:
                await self._speak_one(self._current)
            except WebSocketDisconnect:
                return
            self._current = None

    async def _speak_one(self, flush: _Flush) -> None:
        sent = 0
        try:
            if flush.text.strip():
                sent = await self._say(flush.text)
            else:
                await self._warn("NO_TEXT", "There was nothing to speak before this Flush.")
        except StudioError as error:
            await self._say_error(flush, error)
            return
        except WebSocketDisconnect:
            raise
        except Exception as error:
            log.error("speaking over a socket failed", exc_info=error)
            await self._say_error(flush, EngineFailed("Something unexpected went wrong."))
            return
        await self._send(
            {
                "type": "Flushed",
                "sequence_id": flush.sequence,
                "sample_rate": self._plan.engine.sample_rate,
                "elapsed_s": round(time.monotonic() - flush.asked, 3),
                "bytes": sent,
            }
        )

    async def _say(self, text: str) -> int:
        """Speak `text`; returns the bytes of sound that were sent."""
        sent = 0
        order = replace(self._order, text=text)
        deadline = self._access.deadline(connection=self._socket)
        speech = await LiveSpeech.begin(self._studio, order, self._caller, self._access, deadline)
        try:
            async for block in speech:
                await self._send_sound(block)
                sent += len(block)
        finally:
            speech.close()
        return sent

    async def _send_sound(self, block: bytes) -> None:
        async with self._sending:
            if not self._header_sent:
                self._header_sent = True
                await self._socket.send_bytes(wav_header(self._plan.engine.sample_rate))
            await self._socket.send_bytes(block)

    async def _say_error(self, flush: _Flush, error: StudioError) -> None:
        body = body_of(error, self._socket.url.path)
        told = {"type": "Error", "sequence_id": flush.sequence, "code": error.kind, **body}
        if error.retry_after is not None:
            told["retry_after_s"] = error.retry_after
        await self._send(told)

    async def _send_metadata(self) -> None:
        plan = self._plan
        await self._send(
            {
                "type": "Metadata",
                "request_id": secrets.token_hex(8),
                "engine": plan.engine.id,
                "model": plan.model,
                "voice": plan.voice,
                "language": self._order.language,
                "sample_rate": plan.engine.sample_rate,
                "channels": 1,
                "encoding": "linear16",
                "container": "wav",
                "max_text_chars": self._studio.settings.max_text_chars,
            }
        )

    async def _warn(self, code: str, description: str) -> None:
        await self._send({"type": "Warning", "code": code, "description": description})

    async def _send(self, message: dict[str, Any]) -> None:
        async with self._sending:
            await self._socket.send_json(message)

    async def _close(self, code: int, reason: str) -> None:
        async with self._sending:
            await self._socket.close(code, reason)


def _read(message: Any) -> tuple[str, str]:
    """Type and text of a client's message. Raises _Wrong."""
    content = message.get("text")
    if content is None:
        raise _Wrong("BINARY_MESSAGE", "Messages are JSON in text frames.")
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        raise _Wrong("NOT_JSON", "The message is not JSON.") from None
    kind = value.get("type") if isinstance(value, dict) else None
    if kind not in ("Speak", "Flush", "Clear", "Close"):
        raise _Wrong("UNKNOWN_TYPE", "The type is none of Speak, Flush, Clear, Close.")
    text = value.get("text", "")
    if kind == "Speak" and not (isinstance(text, str) and text):
        raise _Wrong("NO_TEXT", "Speak needs a text.")
    return kind, text


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
