"""Timbre as people run it: a process of its own, and a server to talk to."""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from studio.services.studio import Studio
from studio.settings import CHECKOUT, load_settings

_START_S = 60.0

#: One for all: a client of its own for each request would read the system's certificates each time. Patient,
#: as other tests may keep the processor busy.
HTTP = httpx.Client(verify=False, timeout=30)


@dataclass(frozen=True)
class Ended:
    """A command that was run."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON object that standard output must be."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


def command_line(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, str(CHECKOUT / "app.py"), "--home", str(home), *arguments]


def environment(**more: str) -> dict[str, str]:
    """This process's, so that nothing is fetched and nothing of the developer's is used."""
    return {**os.environ, "HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False", **more}


def timbre(
    home: Path, *arguments: str, stdin: bytes = b"", cwd: Path | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    result = subprocess.run(
        command_line(home, *arguments), input=stdin, capture_output=True, timeout=60, cwd=cwd,
        env=environment(**env), check=False,
    )  # fmt: skip
    return subprocess.CompletedProcess(
        result.args, result.returncode, result.stdout.decode(), result.stderr.decode()
    )


def made_key(home: Path, owner: str = "ann") -> str:
    """A key for programs of `owner`'s, without the process that `keys create` would be."""
    with Studio(load_settings(home=home)) as studio:
        return studio.api_keys.create("program", owner)


def begin(home: Path, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
    """Start a command and leave it running; the caller ends it."""
    return subprocess.Popen(
        command_line(home, *arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=environment(**env),
    )  # fmt: skip


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def spooled(home: Path) -> int:
    """Bytes of sound that are being spoken in `home` right now."""
    return sum(path.stat().st_size for path in (home / ".cache" / "spool").glob("*/*.wav"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """`python app.py` on `port`, or on a free one; a context manager."""

    def __init__(self, home: Path, *arguments: str, port: int | None = None, **env: str) -> None:
        self.home = home
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = home.with_name(f"{home.name}.log")
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command_line(home, "--port", str(self.port), *arguments),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(**env),
            )  # fmt: skip
        until(lambda: self.process.poll() is not None or "is open at" in self.log, _START_S)
        assert self.process.poll() is None, self.log

    @property
    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def raw(self, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        """Ask for exactly `path`: no client tidies it up, and no redirect is followed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return response.status, headers, response.read()
        finally:
            connection.close()

    def stop(self, sign: int = signal.SIGTERM) -> int:
        """End it; returns its exit code."""
        self.process.send_signal(sign)
        return self.process.wait(20)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@dataclass(frozen=True)
class Event:
    """One event of the page, as anybody can read it in the page's configuration."""

    id: int
    trigger: str  # elem_id of the component that it belongs to
    kinds: list[str]  # of its inputs; "seed" for the text box that holds one
    values: list[Any]  # that its inputs have at first

    def data(self, text: str = "Hello.", audio: dict[str, Any] | None = None) -> list[Any]:
        """What its inputs hold, with `text` in the text boxes and `audio` as the recording."""
        file = {**audio, "meta": {"_type": "gradio.FileData"}} if audio else None
        given = {"audio": file, "textbox": text}
        return [given.get(kind, value) for kind, value in zip(self.kinds, self.values, strict=True)]


def events(server: Server, client: httpx.Client | None = None) -> list[Event]:
    config = (client or HTTP).get(f"{server.url}/config").json()
    parts = {component["id"]: component for component in config["components"]}

    def trigger(event: dict[str, Any]) -> str:
        ids = [id_ for id_, _ in event["targets"] if id_ in parts]
        return str(parts[ids[0]]["props"].get("elem_id")) if ids else ""

    def kind(part: dict[str, Any]) -> str:
        seed = str(part["props"].get("elem_id")).endswith("-seed")
        return "seed" if seed else str(part["type"])

    return [
        Event(
            event["id"],
            trigger(event),
            [kind(parts[id_]) for id_ in event["inputs"]],
            [parts[id_]["props"].get("value") for id_ in event["inputs"]],
        )
        for event in config["dependencies"]
        if event["backend_fn"]
    ]


def joined(
    server: Server,
    event: int,
    data: list[Any],
    client: httpx.Client | None = None,
    session: str = "",
) -> str:
    """What the page's queue answers to an event with raw data, as anybody could send it. `session`: an open
    page's; each new one costs Gradio a tenth of a second."""
    session, via = session or secrets.token_hex(6), client or HTTP
    body = {"fn_index": event, "data": data, "session_hash": session}
    answer = via.post(f"{server.url}/gradio_api/queue/join", json=body, timeout=20)
    if answer.status_code != 200:
        return answer.text
    with via.stream(
        "GET", f"{server.url}/gradio_api/queue/data", params={"session_hash": session}, timeout=20
    ) as stream:
        return "".join(stream.iter_lines())


def succeeded(said: str) -> bool:
    return '"success":true' in said.replace(" ", "")


def generate(server: Server, client: httpx.Client, text: str = "Hello.") -> str:
    """Press Generate in the Preset tab; returns the take's id."""
    (first, *_) = [event for event in events(server, client) if event.trigger == "preset-generate"]
    said = joined(server, first.id, first.data(text), client)
    assert succeeded(said), said
    found = re.search(r'data-takes=\\"([0-9a-f]{32})', said)
    assert found
    return found[1]
