"""Speech over HTTP and WebSocket while it is spoken: admitted, begun, heard, and ended with whoever listens."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, suppress
from dataclasses import replace

import anyio
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from studio.api.access import Access, Caller, timed_out
from studio.audio.live_encoding import LiveEncoder
from studio.errors import Cancelled, NotFound, StudioError
from studio.log import event
from studio.services.live import LiveTake
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder, TakeState, TakeStatus

log = logging.getLogger(__name__)

#: How soon it is noticed that whoever asked has gone, seconds.
_PRESENCE_S = 0.1
#: The longest sleep between two looks at a take, should a change not have been told, seconds.
_LOOK_S = 0.5


async def pcm(
    studio: Studio,
    order: SpeechOrder,
    caller: Caller,
    access: Access,
    connection: HTTPConnection,
    deadline: float,
) -> AsyncIterator[bytes]:
    """`order` as 16-bit little-endian mono PCM while it is spoken; see LiveSpeech, which has more to tell.
    `deadline` is that of Access.deadline.

    Closing the iterator stops the take. Raises before the first block what LiveSpeech.begin and
    `wait_for_sound` raise, and later what went wrong.
    """
    speech = await LiveSpeech.begin(studio, order, caller, access, deadline)
    try:
        await speech.wait_for_sound(connection)
        async for block in speech:
            yield block
    finally:
        speech.close()


class LiveSpeech:
    """A take that somebody listens to. An asynchronous iterator over its sound, 16-bit little-endian
    mono PCM at `sample_rate` Hz in blocks of at most 64 KiB.

    The take is spoken into a file and read from there, so that a slow listener costs a block of memory
    and holds nobody up: the place in the queue is free again once the take has ended, whether it was
    heard or not. `close()` stops the take if it still runs, so does the end of the time it was given.
    Of one event loop.
    """

    def __init__(
        self, studio: Studio, take: LiveTake, admitted: ExitStack, deadline: float, seconds: float
    ) -> None:
        self._studio, self._take = studio, take
        self._position = 0
        self._late = False
        self._deadline, self._seconds = deadline, seconds
        self._changed = asyncio.Event()
        self._unlisten = take.listen(_waking(self._changed))
        self._watcher = asyncio.create_task(self._watch(admitted))

    @classmethod
    async def begin(
        cls,
        studio: Studio,
        order: SpeechOrder,
        caller: Caller,
        access: Access,
        deadline: float,
        files: ExitStack | None = None,
    ) -> LiveSpeech:
        """Start the take, which has to be spoken and heard by `deadline`, a moment of time.monotonic().
        What is heard cannot be taken back, so that no part of it is spoken twice. `files`, such as a
        recording to speak like, are closed when the take has ended, or is not to be.

        Raises Busy where too many wait already, and what Access.admit and SpeechService.start raise.
        """
        order = replace(order, retries=0)
        started: list[str] = []
        seconds = deadline - time.monotonic()
        with ExitStack() as stack:
            if files is not None:
                stack.push(files)
            stack.enter_context(access.admit(caller))
            try:
                await run_in_threadpool(lambda: started.append(studio.speech.start(order, caller.owner)))
                return cls(studio, studio.speech.live(started[0]), stack.pop_all(), deadline, seconds)
            except BaseException:
                for take_id in started:
                    studio.speech.stop(take_id)
                raise

    @property
    def take_id(self) -> str:
        return self._take.id

    @property
    def sample_rate(self) -> int:
        return self._take.status.sample_rate

    @property
    def status(self) -> TakeStatus:
        return self._take.status

    async def wait_for_sound(self, connection: HTTPConnection | None = None) -> None:
        """Until the first sound is there, or a take without any has ended, so that what goes wrong
        before can still be told by an HTTP status. Raises that, Cancelled where whoever asked has
        gone (which a Request tells), and TimedOut; then the take is stopped."""
        try:
            while True:
                self._changed.clear()
                status = self._take.status
                if status.state.finished or self._late:
                    return self._raise_failure()
                if status.first_audio is not None:
                    return
                if isinstance(connection, Request) and await connection.is_disconnected():
                    raise Cancelled
                await self._change(_PRESENCE_S)
        except BaseException:
            self.close()
            raise

    def __aiter__(self) -> LiveSpeech:
        return self

    async def __anext__(self) -> bytes:
        """Raises what went wrong once all that was spoken until then has been read, and TimedOut."""
        while True:
            self._changed.clear()
            if self._late:
                self._raise_failure()
            block, ended = self._take.read_pcm(self._position)
            self._position += len(block)
            if block:
                # An engine that is quicker than this loop would never let go of it: others wait, and that a
                # connection is lost is not noticed.
                await asyncio.sleep(0)
                return block
            if ended:
                self._raise_failure()
                if self._take.status.first_audio is not None and not self._take.spool.exists():
                    raise NotFound(
                        "The sound is not kept that long.", "Read faster, or from the history."
                    )
                raise StopAsyncIteration
            await self._change(_LOOK_S)

    def close(self) -> None:
        """Stop the take if it still runs; harmless afterwards."""
        self._unlisten()
        if not self._take.status.state.finished:
            self._studio.speech.stop(self._take.id)

    @property
    def seconds_left(self) -> float:
        """Of the time that it was given."""
        return max(0.0, self._deadline - time.monotonic())

    async def _change(self, seconds: float) -> None:
        with anyio.move_on_after(min(seconds, self.seconds_left) if not self._late else seconds):
            await self._changed.wait()

    async def _watch(self, admitted: ExitStack) -> None:
        """Keeps the place in the queue while the take runs, and the time."""
        changed = asyncio.Event()
        unlisten = self._take.listen(_waking(changed))
        with admitted:
            try:
                while not self._take.status.state.finished:
                    changed.clear()
                    if not self._late and self.seconds_left <= 0:
                        self._late = True
                        self._changed.set()
                        self._studio.speech.stop(self._take.id)
                    with anyio.move_on_after(_LOOK_S if self._late else min(_LOOK_S, self.seconds_left)):
                        await changed.wait()
            finally:
                unlisten()

    def _raise_failure(self) -> None:
        status = self._take.status
        if self._late:
            raise timed_out(round(self._seconds, 1))
        if self._take.failure is not None:
            raise self._take.failure
        if status.state is TakeState.STOPPED:
            raise Cancelled


def _waking(event: asyncio.Event) -> Callable[[], None]:
    """What sets `event` from any thread."""
    loop = asyncio.get_running_loop()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(event.set)

    return wake


async def encoded(speech: LiveSpeech, encoder: LiveEncoder) -> AsyncIterator[bytes]:
    """The sound of `speech` by `encoder`, which works in threads beside the event loop. Closes both."""
    costly = encoder.costly
    try:
        async for block in speech:
            ready = await run_in_threadpool(encoder.feed, block) if costly else encoder.feed(block)
            if ready:
                yield ready
        if rest := await run_in_threadpool(encoder.finish) if costly else encoder.finish():
            yield rest
    finally:
        encoder.close()
        speech.close()


class SpeechResponse(StreamingResponse):
    """Answers with `body`, made of `speech`, and stops the take whatever becomes of the answer.

    What goes wrong after the first byte breaks the connection off, so that no client takes what it has
    for the whole. So does the end of the time that was given, for those who do not read.
    """

    def __init__(self, speech: LiveSpeech, body: AsyncIterator[bytes], **more: object) -> None:
        super().__init__(body, **more)  # type: ignore[arg-type]
        self._speech = speech

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with anyio.move_on_after(self._speech.seconds_left + _LOOK_S):
                await super().__call__(scope, receive, send)
        finally:
            self._speech.close()

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        except StudioError as error:
            # Without its last message the server closes the connection in the middle of the body.
            event(log, "answer broken off", take=self._speech.take_id, kind=error.kind)


class PlacedResponse(StreamingResponse):
    """An answer that holds `place` until it is sent, or nobody waits for it any more."""

    def __init__(self, body: AsyncIterator[bytes], place: ExitStack, **more: object) -> None:
        super().__init__(body, **more)  # type: ignore[arg-type]
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place:
            await super().__call__(scope, receive, send)
