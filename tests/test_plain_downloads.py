"""Promises of downloads from plain addresses, kept over real HTTP on loopback."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from studio.errors import DownloadFailed
from studio.jobs import JobContext, JobStatus
from studio.models.manifest import MANIFEST
from studio.models.publishing import partial_of
from studio.models.registry import MODELS, entry_of
from studio.services import downloads
from studio.services.studio import Studio
from studio.settings import load_settings
from tests.model_folders import checkpoint

CONTENT = checkpoint(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
KEY = "whisper-base"
PIECE = 64 * 1024


class Address(BaseHTTPRequestHandler):
    """Serves CONTENT under every path; class attributes say what goes wrong."""

    cut_after = 0  # bytes, once
    ignores_range = False
    pause_s = 0.0
    asked: list[tuple[str, str, str]] = []  # noqa: RUF012 - emptied by the fixture
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """The tests' output is not the server's log."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        wanted = self.headers.get("Range", "")
        self.asked.append((self.command, self.path, wanted))
        found = re.fullmatch(r"bytes=(\d+)-", wanted)
        start = int(found[1]) if found and not Address.ignores_range else 0
        if start >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.end_headers()
        for at in range(start, len(CONTENT) if body else start, PIECE):
            if Address.cut_after and at >= Address.cut_after:
                Address.cut_after = 0
                self.close_connection = True
                self.connection.shutdown(2)
                return
            self.wfile.write(CONTENT[at : at + PIECE])
            time.sleep(Address.pause_s)


@pytest.fixture
def address() -> Iterator[str]:
    Address.cut_after, Address.ignores_range, Address.pause_s = 0, False, 0.0
    Address.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Address)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/mirror"
    server.shutdown()
    server.server_close()


@pytest.fixture
def studio(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    settings = load_settings(
        home=tmp_path / "home", models_dir=tmp_path / "models", whisper_mirror=address,
        download_stall_s=5, job_heartbeat_s=0.1,
    )  # fmt: skip
    with Studio(settings) as opened:
        yield opened


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table's entry, with the hash of what the server has."""
    url = f"https://openaipublic.azureedge.net/main/whisper/models/{SHA256}"
    monkeypatch.setitem(MODELS, KEY, replace(entry_of(KEY), url=url))  # type: ignore[arg-type]


def fetched(studio: Studio, tmp_path: Path) -> dict[str, Any]:
    """The job's function, run here, where the table can be another one."""
    job = studio.jobs.store.create("studio.services.downloads:run", {"key": KEY}, title="")
    return downloads.run(job.params, JobContext(job, studio.settings, tmp_path))


@pytest.mark.usefixtures("known")
def test_the_file_comes_from_the_address_of_its_hash_and_is_published_whole(
    studio: Studio, tmp_path: Path
) -> None:
    result = fetched(studio, tmp_path)
    folder = Path(result["folder"])
    assert (folder / "base.pt").read_bytes() == CONTENT
    note = json.loads((folder / MANIFEST).read_text("utf-8"))
    assert note["files"]["base.pt"]["sha256"] == SHA256
    assert {path for _, path, _ in Address.asked} == {f"/mirror/main/whisper/models/{SHA256}/base.pt"}
    assert studio.models.status(KEY).report.valid
    assert fetched(studio, tmp_path)["already"] is True


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("ignores_range", [False, True])
def test_a_cut_connection_is_gone_on_from(studio: Studio, tmp_path: Path, ignores_range: bool) -> None:
    Address.cut_after, Address.ignores_range = 1_500_000, ignores_range
    fetched(studio, tmp_path)
    ranges = [wanted for command, _, wanted in Address.asked if command == "GET"]
    assert ranges[0] == ""
    assert re.fullmatch(r"bytes=\d{6,}-", ranges[1])
    assert len(ranges) == 2


@pytest.mark.usefixtures("known")
def test_what_an_earlier_attempt_left_is_gone_on_from_or_thrown_away(
    studio: Studio, tmp_path: Path
) -> None:
    partial = partial_of(studio.model_folders.target(KEY)) / "base.pt"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"x" * 1_000_000)  # of something else: its hash tells
    fetched(studio, tmp_path)
    assert (studio.model_folders.target(KEY) / "base.pt").read_bytes() == CONTENT


def test_a_file_with_another_hash_is_refused(studio: Studio) -> None:
    job = studio.jobs.wait(studio.models.download(KEY).id, 60)
    assert job.status is JobStatus.FAILED
    assert "base.pt from its authors' server was not right 2 times" in job.message
    assert "SHA-256" in studio.jobs.log_tail(job.id)
    assert "curl" in job.hint
    assert not studio.model_folders.target(KEY).exists()


def test_a_stop_is_felt_and_leaves_what_came(studio: Studio) -> None:
    Address.pause_s = 0.1
    job = studio.models.download(KEY)
    end = time.monotonic() + 30
    while job.step < 100_000:
        assert time.monotonic() < end
        job = studio.jobs.wait(job.id, 0.05)
    began = time.monotonic()
    studio.models.cancel(KEY)
    assert studio.jobs.wait(job.id, 20).status is JobStatus.CANCELLED
    assert time.monotonic() - began < 3
    assert (partial_of(studio.model_folders.target(KEY)) / "base.pt").stat().st_size > 0


@pytest.mark.usefixtures("known")
def test_a_server_that_is_not_there_names_the_way_by_hand(studio: Studio, tmp_path: Path) -> None:
    closed = studio.settings.model_copy(update={"whisper_mirror": "http://127.0.0.1:9/none"})
    job = studio.jobs.store.create("studio.services.downloads:run", {"key": KEY}, title="")
    with pytest.raises(DownloadFailed, match=r"could not be reached(.|\n)*curl"):
        downloads.run(job.params, JobContext(job, closed, tmp_path))
