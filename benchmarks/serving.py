"""Timbre's server as people start it, in a process of its own, to be measured from outside."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil

from studio.settings import CHECKOUT

_PATIENCE_S = 90.0
_POLL_S = 0.05


class Serving:
    """`python app.py` with a home below `folder` and any settings; a context manager. It is warm: the engine
    has spoken once."""

    def __init__(self, folder: Path, **settings: object) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        given = {f"TIMBRE_{name.upper()}": str(value) for name, value in settings.items()}
        environment = {**os.environ, "GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_OFFLINE": "1", **given}
        command = [sys.executable, str(CHECKOUT / "app.py"), "--home", str(folder / "home")]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=CHECKOUT,
            )  # fmt: skip
        self.seen = psutil.Process(self.process.pid)
        try:
            self._until_ready()
            body = {"input": "Ready.", "response_format": "pcm"}
            httpx.post(f"{self.url}/v1/audio/speech", json=body, timeout=30).raise_for_status()
        except BaseException:
            self.close()
            raise

    def _until_ready(self) -> None:
        end = time.monotonic() + _PATIENCE_S
        while True:
            try:
                if httpx.get(f"{self.url}/ready", timeout=_PATIENCE_S).status_code == 200:
                    return
            except httpx.TransportError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(
                        f"No server came:\n{self.log.read_text('utf-8', 'replace')[-2000:]}"
                    ) from None
            time.sleep(_POLL_S)

    def resident_mb(self) -> float:
        """Memory of it and of what it started, MB (10^6 bytes)."""
        family = [self.seen, *self.seen.children(recursive=True)]
        return sum(each.memory_info().rss for each in family) / 1e6

    def open_files(self) -> int:
        """File descriptors, sockets among them; 0 where the system does not tell. Those of the database come and
        go with the threads, three with each: as many as these may have are not counted, what others have left
        open is."""
        if not hasattr(self.seen, "num_fds"):
            return 0
        opened = self.seen.open_files()
        database = sum(Path(each.path).name.startswith("timbre.db") for each in opened)
        return self.seen.num_fds() - min(database, 3 * self.seen.num_threads())

    def stop(self, seconds: float = 30.0) -> int:
        """Ask it to end, and wait; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def close(self) -> None:
        """Make sure that it is gone."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
