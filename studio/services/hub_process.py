"""Speaking to a hub's client in its process: with progress, a time limit, and an end at any time."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from studio.control import Control
from studio.models.manifest import Listing, RemoteFile
from studio.models.validation import size_of
from studio.services.hub_client import Failure, Request
from studio.settings import CHECKOUT

#: How often the progress is looked at, in seconds.
_LOOK_S = 0.2

#: Without these the clients would draw bars into the log, report home, or fetch in ways that cannot
#: be resumed: Xet and hf_transfer begin a file anew after a cut.
_ENVIRONMENT = {
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_XET": "1",
    "HF_HUB_ENABLE_HF_TRANSFER": "0",
    "TQDM_DISABLE": "1",
}


#: Where a provider is not one of hub_client's own.
_CLIENTS = {"url": "studio.services.url_client"}

#: What the last answer to a request says one of.
_LAST = {"done", "revision", "failed"}


class HubFailed(Exception):
    """A hub's client did not do what it was asked; `detail` is its own words."""

    def __init__(self, kind: Failure, detail: str) -> None:
        super().__init__(f"{kind.value}: {detail}")
        self.kind = kind
        self.detail = detail


@dataclass
class Hub:
    """One repository at one provider; a context manager.

    All methods raise HubFailed, and Cancelled as soon as `control` says so; the client's process is
    gone then, and the next call starts another one. As long as all goes well one process answers all
    calls, for starting it takes most of a listing's time.
    """

    provider: str  # of hub_client.PROVIDERS
    repository: str
    control: Control
    stall_s: float  # silence after which the hub counts as stuck, seconds
    _process: subprocess.Popen[str] | None = field(default=None, init=False)

    def list(self, names: tuple[str, ...]) -> Listing:
        """The files of `names` that the repository has, in its newest revision."""
        answer = self._ask(Request(self.provider, self.repository, names), lambda: 0)
        return Listing(answer["revision"], tuple(RemoteFile(**file) for file in answer["files"]))

    def fetch(
        self, revision: str, names: tuple[str, ...], folder: Path, on_bytes: Callable[[int], None]
    ) -> None:
        """Fetch `names` into `folder`, going on from what an earlier attempt left there.

        `on_bytes` hears how many bytes lie in the folder, several times a second.
        """

        def look() -> int:
            size = size_of(folder)
            on_bytes(size)
            return size

        self._ask(Request(self.provider, self.repository, names, revision, str(folder)), look)

    def _ask(self, request: Request, look: Callable[[], int]) -> dict[str, Any]:
        if self._process is None:
            self._process = self._started()
        try:
            return self._answer(self._process, request, look)
        except BaseException:
            self.close()
            raise

    def _started(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", _CLIENTS.get(self.provider, "studio.services.hub_client")],
            cwd=CHECKOUT,
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """End the client's process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(BrokenPipeError):  # it never heard the question
                if pipe is not None:
                    pipe.close()

    def __enter__(self) -> Hub:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(
        self, process: subprocess.Popen[str], request: Request, look: Callable[[], int]
    ) -> dict[str, Any]:
        assert process.stdin is not None
        answers: list[dict[str, Any]] = []
        reader = threading.Thread(target=_read, args=(process, answers), daemon=True)
        reader.start()
        with contextlib.suppress(BrokenPipeError):  # it has ended already; told below
            process.stdin.write(json.dumps(asdict(request)) + "\n")
            process.stdin.flush()  # and left open: its end would end the client
        last: tuple[int, int] | None = None
        heard = time.monotonic()
        while reader.is_alive():
            self.control.check()
            reader.join(_LOOK_S)
            now = (len(answers), look())
            if now != last:
                last, heard = now, time.monotonic()
            elif time.monotonic() - heard > self.stall_s:
                raise HubFailed(Failure.SILENT, f"nothing came for {self.stall_s:g} seconds")
        look()
        return _result(answers)


def _read(process: subprocess.Popen[str], answers: list[dict[str, Any]]) -> None:
    """Collect the client's answers until the last one, or until it closes its output."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):  # a library may print as well
            answers.append(json.loads(line))
            if answers[-1].keys() & _LAST:
                return


def _result(answers: list[dict[str, Any]]) -> dict[str, Any]:
    last = answers[-1] if answers else {}
    if "failed" in last:
        raise HubFailed(Failure(last["failed"]), last["detail"])
    if not last.keys() & _LAST:
        raise HubFailed(Failure.NETWORK, "the client's process ended without an answer")
    return last
