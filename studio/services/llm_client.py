"""One question to an OpenAI-compatible server (LM Studio, Ollama, vLLM), answered or given up."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from studio.control import Control
from studio.log import scrubbed
from studio.settings import Settings

if TYPE_CHECKING:
    import httpx

#: How soon a question notices that it was cancelled, seconds.
_POLL_S = 0.05
_MAX_CONNECT_S = 10.0
#: What a server may say of an error is shown up to here, characters.
_MAX_DETAIL = 160


class NoAnswer(Exception):
    """The server gave no answer: what happened and what to do, in sentences. `lasting`: the next
    question would fare no better."""

    def __init__(self, what: str, remedy: str, lasting: bool = True) -> None:
        super().__init__(what)
        self.what, self.remedy, self.lasting = what, remedy, lasting


@dataclass(frozen=True)
class Question:
    messages: Sequence[dict[str, str]]
    temperature: float
    max_bytes: int  # of the answer as it comes; a longer one is given up


def address(url: str) -> str:
    """Where chat completions are asked for: `url` may be the host alone, end in /v1, or be whole."""
    if url.endswith("/chat/completions"):
        return url
    path = urlsplit(url).path.strip("/")
    return f"{url}/chat/completions" if path else f"{url}/v1/chat/completions"


def ask(settings: Settings, question: Question, control: Control) -> str:
    """The model's answer as it wrote it. Must not be called within an event loop.

    Redirects, proxies and .netrc are not followed, so that text and key reach the host of llm_url
    and nobody else. Raises NoAnswer, and Cancelled at once when `control` says so.
    """
    control.check()
    body = _body(asyncio.run(_watched(settings, question, control)))
    return _content(body)


async def _watched(settings: Settings, question: Question, control: Control) -> bytes:
    """The answer's bytes; cancelling closes the connection, so that the server stops too."""
    task = asyncio.create_task(_post(settings, question))
    deadline = time.monotonic() + settings.llm_timeout_s
    try:
        while not task.done():
            if time.monotonic() > deadline:
                raise NoAnswer(
                    f"The language model did not answer within {settings.llm_timeout_s:g} seconds.",
                    "Choose a smaller model, or raise llm_timeout_s.",
                )
            control.check()
            await asyncio.wait({task}, timeout=_POLL_S)
        return task.result()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, NoAnswer):
            await task


async def _post(settings: Settings, question: Question) -> bytes:
    import httpx

    # identity: what is not compressed cannot be a small answer that unpacks to gigabytes
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    if settings.llm_api_key:
        headers["Authorization"] = f"Bearer {settings.llm_api_key}"
    body: dict[str, Any] = {
        "messages": list(question.messages),
        "temperature": question.temperature,
        "stream": False,
    }
    if settings.llm_model:
        body["model"] = settings.llm_model
    connect = min(settings.llm_timeout_s, _MAX_CONNECT_S)
    timeout = httpx.Timeout(settings.llm_timeout_s, connect=connect)
    try:
        async with httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=timeout) as client:
            async with client.stream(
                "POST", address(settings.llm_url), json=body, headers=headers
            ) as response:
                content = await _read(response, question.max_bytes)
                if response.status_code != httpx.codes.OK:
                    raise _refused(response, content)
                return content
    except httpx.TimeoutException as error:
        raise NoAnswer(
            f"The language model at {settings.llm_url} did not answer in time.",
            "See whether it runs and is not busy, or raise llm_timeout_s.",
        ) from error
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        # UnicodeError: a host's name that cannot be one
        raise NoAnswer(
            f"The language model at {settings.llm_url} cannot be reached"
            f" ({type(error).__name__}{_detail(str(error))}).",
            "Start its server, or correct llm_url; empty it to do without.",
        ) from error


async def _read(response: httpx.Response, limit: int) -> bytes:
    content = bytearray()
    async for block in response.aiter_raw():
        content += block
        if len(content) > limit:
            raise NoAnswer("The language model's answer never ended.", "Choose another model.", False)
    return bytes(content)


def _refused(response: httpx.Response, content: bytes) -> NoAnswer:
    status = response.status_code
    detail = _detail(_error_of(content))
    what = f"The language model's server answered with HTTP {status}{detail}."
    if response.is_redirect or response.has_redirect_location:
        return NoAnswer(
            f"The language model's server sends elsewhere (HTTP {status}), which is not followed.",
            "Set llm_url to the address where the server really is.",
        )
    if status in (401, 403):
        return NoAnswer(what, "Check llm_api_key.")
    if status == 404:
        return NoAnswer(what, "Check llm_url and llm_model.")
    if status in (400, 413, 422):  # the text may be at fault: the next one may pass
        return NoAnswer(what, "Check llm_model, or lower llm_max_chars.", lasting=False)
    if status == 429:
        return NoAnswer(what, "It has too much to do: try again later.")
    return NoAnswer(what, "See the server's own log.")


def _error_of(content: bytes) -> str:
    """What the server says of the error, in the usual places of its JSON."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    error = found.get("error", found.get("detail", "")) if isinstance(found, dict) else ""
    message = error.get("message", "") if isinstance(error, dict) else error
    return message if isinstance(message, str) else ""


def _detail(text: str) -> str:
    plain = " ".join(scrubbed(text).split()).rstrip(".")
    return f": {plain[:_MAX_DETAIL]}" if plain else ""


def _body(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NoAnswer(
            "The language model's server answered with something that is not JSON.",
            "Set llm_url to its OpenAI-compatible address, which often ends in /v1.",
        ) from error
    if not isinstance(found, dict):
        raise _strange()
    return found


def _content(body: dict[str, Any]) -> str:
    try:
        choice = body["choices"][0]
        content = choice["message"]["content"]
        cut_off = choice.get("finish_reason") == "length"
    except (LookupError, TypeError, AttributeError) as error:
        raise _strange() from error
    if content is None:
        content = ""
    if not isinstance(content, str):
        raise _strange()
    if cut_off:
        raise NoAnswer(
            "The language model's answer was cut off.",
            "Lower llm_max_chars, or give the model a longer context.",
            lasting=False,
        )
    return content


def _strange() -> NoAnswer:
    return NoAnswer(
        "The language model's server answered in an unknown form.",
        "Set llm_url to its OpenAI-compatible address, which often ends in /v1.",
    )
