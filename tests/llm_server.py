"""A small OpenAI-compatible server on loopback that answers as it is told, faults included."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

#: What the model answers to a piece of text.
Answer = Callable[[str], str]


@dataclass
class Asked:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def text(self) -> str:
        """The text within the user's message, as the shipped prompts have it: the last paragraph(s)."""
        message: str = self.body["messages"][-1]["content"]
        for label in ("Transcript:\n", "Text:\n"):
            if label in message:
                return message.split(label, 1)[1]
        return message


@dataclass
class LlmServer:
    """`with LlmServer() as server:`; `server.url` is what llm_url takes. Set `fault` or `answer`."""

    answer: Answer = str.upper
    fault: str = ""  # "", slow, drip, 500, 401, 400, html, list, no-choices, redirect, huge, cut
    redirect_to: str = ""
    asked: list[Asked] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)  # a client hung up while waiting

    def __enter__(self) -> LlmServer:
        outer = self

        class Handler(_Handler):
            server_state = outer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def completion(text: str, finish: str = "stop") -> dict[str, Any]:
    return {
        "id": "x",
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
        ],
    }


class _Handler(BaseHTTPRequestHandler):
    server_state: LlmServer

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        state = self.server_state
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(
            self.path, {k.lower(): v for k, v in self.headers.items()}, json.loads(raw or b"{}")
        )
        state.asked.append(asked)
        fault = state.fault
        if fault == "slow":
            self._wait_for_hang_up()
        elif fault == "drip":
            self._drip()
        elif fault.isdigit():
            self._send(int(fault), json.dumps({"error": {"message": "no model is loaded"}}).encode())
        elif fault == "redirect":
            self.send_response(307)
            self.send_header("Location", state.redirect_to)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif fault == "html":
            self._send(200, b"<html><body>LM Studio</body></html>", "text/html")
        elif fault == "list":
            self._send(200, b"[" * 100_000)
        elif fault == "no-choices":
            self._send(200, b'{"choices": []}')
        elif fault == "huge":
            self._huge()
        else:
            finish = "length" if fault == "cut" else "stop"
            self._send(200, json.dumps(completion(state.answer(asked.text), finish)).encode())

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _wait_for_hang_up(self) -> None:
        self.connection.settimeout(10)
        try:
            if not self.connection.recv(1):
                self.server_state.gone.set()
        except OSError:
            self.server_state.gone.set()

    def _drip(self) -> None:
        """A byte now and then, so that no pause is ever long."""
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        try:
            for _ in range(200):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            self.server_state.gone.set()

    def _huge(self) -> None:
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(4000):
                self.wfile.write(b" " * 65536)
        except OSError:
            self.server_state.gone.set()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""
