"""What many clients do to a server at once: ask, hang up, read slowly. With the embedded engine, on loopback."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import httpx

from benchmarks.samples import text_of

SPEECH = "/v1/audio/speech"
_PATIENCE_S = 60.0
#: How much two sounds of one text differ in length at most; those of `different` differ by more.
_SAME = 0.05
_POLL_S = 0.01


@dataclass(frozen=True)
class Answer:
    """What came of one request. Seconds are from its sending."""

    text: str
    status: int
    seconds: float  # to the end
    size: int = 0  # bytes of sound
    retry_after: str = ""


@asynccontextmanager
async def client(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Any number of connections at once."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=50)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=_PATIENCE_S) as opened:
        yield opened


def body(text: str) -> dict[str, object]:
    """A request for raw sound."""
    return {"input": text, "response_format": "pcm"}


async def ask(via: httpx.AsyncClient, text: str) -> Answer:
    """Have `text` spoken and hear it all."""
    begin = time.perf_counter()
    answer = await via.post(SPEECH, json=body(text))
    seconds = time.perf_counter() - begin
    size = len(answer.content) if answer.status_code == 200 else 0
    return Answer(text, answer.status_code, seconds, size, answer.headers.get("retry-after", ""))


async def refused(port: int, text: str, clients: int, each: int) -> list[float]:
    """Milliseconds until each of `clients` was told to come back, `each` times without a pause between. Raises
    RuntimeError where one is served. By sockets alone: what httpx takes for twenty at once would be measured
    with it."""
    content = httpx.Request("POST", "http://localhost", json=body(text)).content
    head = (
        f"POST {SPEECH} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    taken: list[float] = []

    async def ask_again() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(each):
            begin = time.perf_counter()
            writer.write(head.encode() + content)
            answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            fields = dict(line.split(": ", 1) for line in answer.strip().split("\r\n")[1:])
            if not answer.startswith("http/1.1 429 ") or "retry-after" not in fields:
                raise RuntimeError(f"The queue is not full, it answered: {answer}")
            await reader.readexactly(int(fields["content-length"]))
            taken.append(1000 * (time.perf_counter() - begin))
        writer.close()

    await asyncio.gather(*(ask_again() for _ in range(clients)))
    return taken


def different(count: int) -> list[str]:
    """Texts whose sounds can be told apart by their lengths."""
    return [text_of(round(40 * 1.3**number)) for number in range(count)]


def mixed_up(answers: Sequence[Answer], alone: Sequence[Answer]) -> int:
    """How many got another sound than that of their text, by its length. eSpeak NG varies that by a few
    samples."""
    sizes = {each.text: each.size for each in alone}
    return sum(each.status == 200 and abs(each.size / sizes[each.text] - 1) > _SAME for each in answers)


async def burst(url: str, texts: Sequence[str], count: int, at_once: int) -> list[Answer]:
    """`count` requests for `texts` in turn, `at_once` of them at any time."""
    left = iter(range(count))
    answers: list[Answer] = []
    async with client(url) as via:

        async def one_after_another() -> None:
            for number in left:
                answers.append(await ask(via, texts[number % len(texts)]))

        await asyncio.gather(*(one_after_another() for _ in range(at_once)))
    return answers


async def hang_up(via: httpx.AsyncClient, text: str) -> None:
    """Listen to the beginning of `text` and close the connection."""
    async with via.stream("POST", SPEECH, json=body(text)) as answer:
        async for _ in answer.aiter_raw():
            return


async def until_free(via: httpx.AsyncClient) -> float:
    """Seconds until nothing is in the works."""
    begin = time.perf_counter()
    while await in_flight(via):
        if time.perf_counter() - begin > _PATIENCE_S:
            raise TimeoutError("The server did not come to rest.")
        await asyncio.sleep(_POLL_S)
    return time.perf_counter() - begin


async def in_flight(via: httpx.AsyncClient) -> int:
    """Requests that are in the works, by the server's own figures."""
    page = (await via.get("/metrics")).text
    (line,) = [each for each in page.splitlines() if each.startswith("timbre_api_in_flight ")]
    return int(float(line.split()[1]))


@asynccontextmanager
async def full(via: httpx.AsyncClient, requests: int, characters: int) -> AsyncIterator[None]:
    """While `requests` long texts are in the works, or wait."""
    listeners = [asyncio.create_task(_listen(via, text_of(characters))) for _ in range(requests)]
    try:
        while await in_flight(via) < requests:
            await asyncio.sleep(_POLL_S)
        yield
    finally:
        for each in listeners:
            each.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)


async def _listen(via: httpx.AsyncClient, text: str) -> None:
    async with via.stream("POST", SPEECH, json=body(text)) as answer:
        async for _ in answer.aiter_raw():
            pass


class SlowReader:
    """Asks for a long text and leaves the sound lying; a context manager."""

    def __init__(self, port: int, characters: int) -> None:
        self._port, self._text = port, text_of(characters)
        self.read = 0  # bytes, the answer's head among them

    def __enter__(self) -> SlowReader:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.settimeout(_PATIENCE_S)
        self._socket.connect(("127.0.0.1", self._port))
        content = httpx.Request("POST", "http://localhost", json=body(self._text)).content
        head = (
            f"POST {SPEECH} HTTP/1.1\r\nhost: 127.0.0.1:{self._port}\r\nconnection: close\r\n"
            f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + content)
        first = self._socket.recv(1024)
        if b" 200 " not in first:
            raise RuntimeError(f"The slow reader was answered: {first!r}")
        self.read = len(first)
        return self

    def read_all(self) -> int:
        """Take what is left; returns all bytes that came. The last chunk must be there."""
        end = b""
        while block := self._socket.recv(1 << 16):
            self.read += len(block)
            end = (end + block)[-16:]
        if not end.endswith(b"0\r\n\r\n"):
            raise RuntimeError("The slow reader did not get it all.")
        return self.read

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.close()
