"""A hub of our own on loopback that speaks what huggingface_hub asks, with faults on demand.

Like the real one it sends large files from another host, which a redirect names, and offers them
by Xet as well, which nobody answers here.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: Of an answer, sent at once, in bytes.
_PIECE = 16 * 1024

_RESOLVE = re.compile(r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<name>.+)")
_STORED = re.compile(r"/stored/(?P<repo>[^/]+/[^/]+)/(?P<name>.+)")
_INFO = re.compile(r"/api/models/(?P<repo>[^/]+/[^/]+)(?:/revision/[^/]+)?")


@dataclass
class Faults:
    """What the hub does wrong; each is for the file of that name."""

    cut_after: dict[str, int] = field(default_factory=dict)  # bytes, once
    flipped: dict[str, int] = field(default_factory=dict)  # how often a byte is wrong
    ignores_range: bool = False
    shifts_range: bool = False  # sends 206 with bytes from another place
    hangs_on: str = ""
    gone: set[str] = field(default_factory=set)  # listed, but answered with 404
    pause_s: float = 0.0  # between two pieces
    status: int = 0  # answers every question with it
    extra_names: tuple[str, ...] = ()  # listed as well


class Hub:
    """Serves `repos`, {repository: {name: content}}; a context manager. `served` counts the bytes
    of each file that went out, `asked` every request's path and headers."""

    revision = "c0ffee" * 6 + "c0ff"

    def __init__(self, repos: dict[str, dict[str, bytes]]) -> None:
        self.repos = repos
        self.faults = Faults()
        self.served: Counter[str] = Counter()
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.closing = threading.Event()
        hub = self

        class Handler(_Handler):
            def __init__(self, *args: Any) -> None:
                self.hub = hub
                super().__init__(*args)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.storage = f"http://localhost:{self._server.server_address[1]}"  # where large files are
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Hub:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """The tests' output is not the hub's log."""

    def do_HEAD(self) -> None:
        self._route(body=False)

    def do_GET(self) -> None:
        self._route(body=True)

    def _route(self, body: bool) -> None:
        path = self.path.partition("?")[0]
        self.hub.asked.append((path, dict(self.headers)))
        if self.hub.faults.status:
            self._refuse(self.hub.faults.status)
        elif found := _STORED.fullmatch(path):
            self._file(found["repo"], found["name"], body)
        elif found := _RESOLVE.fullmatch(path):
            self._resolve(found["repo"], found["name"], body)
        elif found := _INFO.fullmatch(path):
            self._info(found["repo"])
        else:
            self._refuse(404)

    def _info(self, repo: str) -> None:
        files = self.hub.repos.get(repo)
        if files is None:
            self._refuse(401, "RepoNotFound")  # as the real one does
            return
        names = [*files, *self.hub.faults.extra_names]
        siblings = [_sibling(name, files.get(name, b"{}")) for name in names]
        content = json.dumps({"id": repo, "sha": self.hub.revision, "siblings": siblings}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _resolve(self, repo: str, name: str, body: bool) -> None:
        content = self.hub.repos.get(repo, {}).get(name)
        if content is None or name in self.hub.faults.gone:
            self._refuse(404, "EntryNotFound")
        elif not _is_large(name):
            self._file(repo, name, body)
        else:
            self.send_response(302)
            self.send_header("Location", f"{self.hub.storage}/stored/{repo}/{name}")
            self.send_header("X-Repo-Commit", self.hub.revision)
            self.send_header("X-Linked-Etag", f'"{_etag(name, content)}"')
            self.send_header("X-Linked-Size", str(len(content)))
            self.send_header("X-Xet-Hash", _etag(name, content))
            self.send_header("X-Xet-Refresh-Route", f"/api/models/{repo}/xet-read-token/main")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _file(self, repo: str, name: str, body: bool) -> None:
        faults, content, start = self.hub.faults, self.hub.repos[repo][name], 0
        if asked := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            start = 0 if faults.ignores_range else int(asked[1])
        if start and start >= len(content):
            self._refuse(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("X-Repo-Commit", self.hub.revision)
        self.send_header("ETag", f'"{_etag(name, content)}"')
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        if body:
            self._send(name, self._spoilt(name, content, start), start)

    def _spoilt(self, name: str, content: bytes, start: int) -> bytes:
        """`content` from `start` on, as the faults would have it."""
        faults = self.hub.faults
        if faults.shifts_range and start:
            start -= 1
            content = content[:-1]
        if faults.flipped.get(name, 0) > 0:
            faults.flipped[name] -= 1
            content = content[:-1] + bytes([content[-1] ^ 1])
        return content[start:]

    def _send(self, name: str, content: bytes, start: int) -> None:
        faults = self.hub.faults
        cut = faults.cut_after.pop(name, None)
        for place in range(0, len(content), _PIECE):
            if faults.hangs_on == name and place + start >= _PIECE:
                self.hub.closing.wait(60)
                return
            piece = content[place : place + _PIECE]
            if cut is not None and place + len(piece) > cut:
                self.close_connection = True
                self.connection.shutdown(2)
                return
            self.hub.served[name] += len(piece)  # before, so that whoever has it finds it counted
            try:
                self.wfile.write(piece)
            except OSError:  # whoever asked is gone
                self.close_connection = True
                return
            time.sleep(faults.pause_s)

    def _refuse(self, status: int, code: str = "") -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _is_large(name: str) -> bool:
    return name.endswith(".safetensors")


def _etag(name: str, content: bytes) -> str:
    if _is_large(name):
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _sibling(name: str, content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": _etag("", content)}
    if _is_large(name):
        found["lfs"] = {"size": len(content), "sha256": _etag(name, content), "pointerSize": 134}
    return found
