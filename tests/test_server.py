"""The open server as people run it, and that it ends in good order; with a sign-in: tests/test_shutdown.py."""

from __future__ import annotations

import ast
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from studio.services.studio import Studio
from studio.settings import CHECKOUT, load_settings
from tabs.gradio_script import corrected
from tests.audio_files import tone, wav
from tests.browsing import CHROMIUM, desktop
from tests.running import (
    HTTP,
    Server,
    command_line,
    environment,
    generate,
    spooled,
    until,
)

KEY = "canary-sesame-7261"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An open studio, with a language model that is not there."""
    with Server(
        tmp_path_factory.mktemp("open") / "home",
        TIMBRE_MAX_UPLOAD_MB="1",
        TIMBRE_SHUTDOWN_GRACE_S="1",
        TIMBRE_LLM_API_KEY=KEY,
        TIMBRE_LLM_URL="http://127.0.0.1:9",
    ) as running:
        yield running


def test_the_page_answers(server: Server) -> None:
    status, headers, body = server.raw("/")
    assert status == 200
    assert b"A local, open voice studio." in body
    assert headers["content-type"].startswith("text/html")


def test_the_page_does_not_show_the_language_model_s_key(server: Server) -> None:
    page = HTTP.get(f"{server.url}/config").text
    assert "use_llm_stt" in page
    assert KEY not in page
    assert KEY not in server.log


def test_browsers_keep_the_scripts_whose_names_say_what_is_in_them(server: Server) -> None:
    kept = set(re.findall(r"/assets/[\w-]+-[\w-]{8}\.(?:js|css)", HTTP.get(server.url).text))
    ours = {f"/assets/{name}" for name in corrected()}
    assert kept
    for path in kept - ours:
        assert "immutable" in HTTP.get(f"{server.url}{path}").headers["cache-control"], path
    for path in ours:  # Gradio's name, but not Gradio's text
        first = HTTP.get(f"{server.url}{path}").headers
        assert first["cache-control"] == "no-cache"
        again = HTTP.get(f"{server.url}{path}", headers={"If-None-Match": first["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert "cache-control" not in HTTP.get(f"{server.url}/assets/none-00000000.js").headers


def test_the_routes_are_documented(server: Server) -> None:
    paths = HTTP.get(f"{server.url}/openapi.json").json()["paths"]
    assert {
        "/takes/{take_id}/stream",
        "/takes/{take_id}/audio",
        "/takes/{take_id}/subtitles",
    } <= paths.keys()


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium here (apt install chromium)")
def test_people_can_read_that(server: Server, browser: Browser) -> None:
    """Without a network: nothing of the page is loaded from elsewhere."""
    with desktop(browser) as page:
        refused: list[str] = []
        page.on("requestfailed", lambda request: refused.append(request.url))
        page.goto(f"{server.url}/docs")
        page.get_by_label("Find").fill("post /tts/wav")
        route = page.locator("details:visible")
        expect(route).to_have_count(1)
        route.locator("summary").click()
        for told in (
            "reference_audio_base64",
            "X-Sample-Rate",
            "Retry-After",
            "error_id",
            "Good morning.",
        ):
            expect(route).to_contain_text(told)
        page.get_by_label("Find").fill("")
        shown = page.locator("details code").all_inner_texts()
        assert refused == []
    documented = HTTP.get(f"{server.url}/openapi.json").json()["paths"]
    assert set(shown) == {
        f"{method.upper()} {path}"
        for path, methods in documented.items()
        for method, route in methods.items()
        if "tags" in route
    }


def test_nobody_can_watch_who_uses_it(server: Server) -> None:
    assert server.raw("/monitoring")[0] == 403
    assert "Monitoring" not in server.log


@pytest.mark.parametrize("path", ["/", "/takes/x/audio", "/no/such/page", "/gradio_api/file=x"])
def test_every_answer_has_the_security_headers(server: Server, path: str) -> None:
    _, headers, _ = server.raw(path)
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "object-src 'none'" in policy
    assert "http:" not in policy


def test_the_page_loads_nothing_from_elsewhere(server: Server) -> None:
    page = server.raw("/")[2].decode()
    loaded = re.findall(r"""<(?:script|link|img|iframe)[^>]*?(?:src|href)=["'](https?://[^"']+)""", page)
    assert [address for address in loaded if not address.startswith(server.url)] == []


def test_an_upload_above_the_limit_is_refused_and_not_kept(server: Server, tmp_path: Path) -> None:
    def upload(seconds: float) -> httpx.Response:
        path = wav(tmp_path / "upload.wav", tone(seconds))
        with path.open("rb") as file:
            return HTTP.post(f"{server.url}/gradio_api/upload", files={"files": file}, timeout=20)

    assert upload(10).status_code == 200  # 0.5 MB
    assert upload(60).status_code == 413  # 2.9 MB
    sizes = [path.stat().st_size for path in server.home.rglob("*") if path.is_file()]
    assert max(sizes) < 1_000_000


def test_a_second_server_on_the_same_port_is_refused(server: Server, tmp_path: Path) -> None:
    started = time.monotonic()
    result = subprocess.run(
        command_line(tmp_path / "home", "--port", str(server.port)),
        capture_output=True, text=True, timeout=30, env=environment(), check=False,
    )  # fmt: skip
    assert time.monotonic() - started < 20
    assert result.returncode == 3
    assert "another one" in result.stderr
    assert "Traceback" not in result.stderr
    assert server.raw("/")[0] == 200


def test_a_take_made_on_the_page_can_be_fetched(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        take = generate(server, client)
        until(lambda: client.get(f"/takes/{take}/audio").status_code == 200)
        assert client.get(f"/takes/{take}/audio").content.startswith(b"RIFF")
        assert "Hello." in client.get(f"/takes/{take}/subtitles").text


def test_no_sign_in_is_asynchronous() -> None:
    """Gradio 6.17 lets everybody in when an async auth_dependency returns None."""
    for folder in ("tabs", "studio"):
        for path in (CHECKOUT / folder).rglob("*.py"):
            source = path.read_text("utf-8")
            assert "auth_dependency" not in source, path
            if "async def" not in source:  # to parse them all would take a second
                continue
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.AsyncFunctionDef):
                    assert "owner" not in node.name, path
                    assert "auth" not in node.name, path


def test_programs_speak_on_the_page_s_port(server: Server, tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    script = CHECKOUT / "scripts" / "tts_stream_client.py"
    command = [sys.executable, str(script), "--url", server.url, "--text", "Hello.", "--out", str(out)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert said.returncode == 0, said.stderr
    sound = HTTP.post(f"{server.url}/tts/wav", json={"text": "Hello."}, timeout=30)
    assert sound.headers["x-processed-text-length"] == "6"
    heard = HTTP.post(f"{server.url}/stt", files={"file": sound.content}, timeout=30).json()
    assert heard["duration"] > 0.2
    assert HTTP.get(f"{server.url}{heard['files']['json']}").status_code == 200
    with HTTP.stream("POST", f"{server.url}/api/generate_stream", json={"text": "Hello."}) as told:
        last = [line for line in told.iter_lines() if line][-1]
    assert '"done": true' in last


def test_sigterm_during_a_long_take_keeps_what_was_spoken(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        before = set(server.home.glob("outputs/**/*.wav"))
        take = generate(
            server, client, " ".join(f"Sentence number {number}." for number in range(8_000))
        )
        with client.stream("GET", f"/takes/{take}/stream") as listening:  # who must not hold it up
            next(listening.iter_bytes())
            until(lambda: spooled(server.home) > 500_000)
            started = time.monotonic()
            assert server.stop(signal.SIGTERM) == 0
            assert time.monotonic() - started < 40
    assert "Traceback" not in server.log
    with Studio(load_settings(home=server.home)) as studio:
        record = studio.history.get(take, "")
        assert record.status == "stopped"
        assert record.duration > 5
        assert {studio.history.path(record)} == set(server.home.glob("outputs/**/*.wav")) - before
    assert not list(server.home.rglob("*.partial"))
    assert spooled(server.home) == 0
