"""No address but the studio's own is ever answered with, and no file but those meant to be seen."""

from __future__ import annotations

import itertools
import re
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from studio.api.guard import Guard, names_a_url
from studio.settings import CHECKOUT
from tests.audio_files import tone, wav
from tests.running import HTTP, Event, Server, events, joined, succeeded

ROUTES = ("/gradio_api/file=", "/file=", "/gradio_api/file/", "/gradio_api/proxy=", "/proxy=")

ADDRESSES = [
    "http://169.254.169.254/latest/meta-data/",
    "HTTP://169.254.169.254/",
    "hTTps://example.com",
    "http:/example.com",
    "http:example.com",
    "http:\\\\example.com",
    "//example.com/x",
    "\\\\example.com\\share",
    "/\\example.com",
    "%68ttp://example.com",
    "%2568ttp://example.com",
    "%252568ttp%25253a//example.com",
    "http%3A%2F%2Fexample.com",
    "http:/%2fexample.com",
    "%2f%2fexample.com",
    "%5c%5cexample.com",
    "%09http://example.com",
    "%20http://example.com",
    "%00http://example.com",
    "ht%0Atp://example.com",
    "ftp://example.com/x",
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("guard") / "home") as running:
        yield running


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_in_the_place_of_a_file_is_refused(server: Server, address: str) -> None:
    for route in ROUTES:
        status, headers, body = server.raw(route + address)
        assert status == 403, route
        assert "location" not in headers
        assert b"not a file of this studio" in body


def test_the_route_s_own_name_may_be_encoded_as_well(server: Server) -> None:
    for path in ("/gradio_api/%66ile=http://example.com", "/gradio_api/file%3Dhttp://example.com",
                 "/gradio_api/file%2fhttp://example.com", "/gradio_api//file=http://example.com",
                 "//gradio_api/file=http://example.com"):  # fmt: skip
        status, headers, _ = server.raw(path)
        assert status in (403, 404)
        assert "location" not in headers


def test_another_site_s_page_may_not_act_here(server: Server, tmp_path: Path) -> None:
    recording = wav(tmp_path / "a.wav", tone(1)).read_bytes()
    for site, expected in (("cross-site", 403), ("same-origin", 200), ("none", 200)):
        answer = HTTP.post(
            f"{server.url}/gradio_api/upload",
            files={"files": ("a.wav", recording)},
            headers={"Origin": "https://example.com", "Sec-Fetch-Site": site},
        )
        assert answer.status_code == expected
        assert answer.headers.get("access-control-allow-origin") != "*"


def test_head_is_guarded_like_get(server: Server) -> None:
    status, headers, _ = server.raw("/gradio_api/file=http://example.com", "HEAD")
    assert status == 403
    assert "location" not in headers


def absolute(value: str) -> bool:
    """Whether the standard library, or a browser for which \\ is /, reads a scheme or a host."""
    try:
        parts = urlsplit(value.replace("\\", "/"))
    except ValueError:
        return False
    return len(parts.scheme) > 1 or bool(parts.netloc)


@settings(max_examples=400, deadline=None)
@given(
    route=st.sampled_from(ROUTES),
    before=st.text("\t\n\r \x00\x1f", max_size=2),
    scheme=st.sampled_from(["", "http:", "HTTPS:", "hTtP:", "ftp:", "ws:", "javascript:", "blob:"]),
    slashes=st.text("/\\\t\n", max_size=4),
    rest=st.text("a1.:@/\\?#%", min_size=1, max_size=12),
    encoded=st.lists(st.sampled_from(["", "/", ":/", "all"]), max_size=4),
)
def test_whatever_reads_as_an_address_is_refused(
    route: str, before: str, scheme: str, slashes: str, rest: str, encoded: list[str]
) -> None:
    value = before + scheme + slashes + rest
    assume(absolute(value))
    for safe in encoded:
        if safe == "all":
            value = "".join(f"%{byte:02x}" for byte in value.encode())
        else:
            value = quote(value, safe=safe)
    assert names_a_url(route + value)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("abcXYZ019._-~ äß语:()", min_size=1, max_size=9), min_size=1, max_size=4))
def test_whatever_is_a_path_is_let_through(parts: list[str]) -> None:
    path = "/" + "/".join(parts)
    assert not names_a_url("/gradio_api/file=" + path)
    assert not names_a_url("/gradio_api/file=" + quote(path))
    assert not names_a_url("/gradio_api/file=C:" + path)
    assert not names_a_url("/gradio_api/file=C:" + path.replace("/", "\\"))


def upload(server: Server, path: Path) -> str:
    with path.open("rb") as file:
        answer = HTTP.post(f"{server.url}/gradio_api/upload", files={"files": file})
    assert answer.status_code == 200
    (kept,) = answer.json()
    return str(kept)


def test_an_uploaded_file_is_still_served(server: Server, tmp_path: Path) -> None:
    recording = wav(tmp_path / "an upload, ä.wav", tone(1))
    kept = upload(server, recording)
    for route in ("/gradio_api/file=", "/file="):
        answer = HTTP.get(f"{server.url}{route}{quote(kept)}", follow_redirects=False)
        if answer.status_code == 404:
            continue  # this Gradio answers below /gradio_api alone
        assert answer.content == recording.read_bytes()
    assert HTTP.get(f"{server.url}/gradio_api/file={quote(kept)}").content == recording.read_bytes()


@pytest.fixture(scope="module")
def canaries(server: Server) -> dict[Path, bytes]:
    """Files that nobody may read through the page, and something that only they contain."""
    word = secrets.token_hex(16).encode()
    own = {}
    for place in (
        "outputs/speech/x.txt",
        "outputs/other.wav",
        "references/y.wav",
        "timbre.toml",
        "logs/z.log",
    ):
        path = server.home / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"RIFF" + word if path.suffix == ".wav" else word)
        own[path] = word
    outside = server.home.parent / "canary.wav"
    outside.write_bytes(word)
    return own | {
        outside: word,
        server.home / "timbre.db": b"SQLite format 3",
        CHECKOUT / "requirements.txt": b"gradio==",
        CHECKOUT / "app.py": b"def main(",
        Path("/etc/passwd"): b"root:",
    }


def spellings(path: Path) -> list[str]:
    absolute = str(path)
    names = [
        absolute,
        quote(absolute, safe=""),
        f"/tmp/..{absolute}",
        f"{absolute}%00.wav",
        absolute.upper(),
    ]
    if path.is_relative_to(CHECKOUT):
        inside = path.relative_to(CHECKOUT).as_posix()
        names += [
            inside,
            f"./{inside}",
            f"tests/../{inside}",
            f"tests/%2e%2e/{inside}",
            f"..%2f{CHECKOUT.name}/{inside}",
        ]
    return names


def test_no_file_is_given_out_by_its_path(server: Server, canaries: dict[Path, bytes]) -> None:
    for path, content in canaries.items():
        for name in spellings(path):
            for route in ("/gradio_api/file=", "/gradio_api/file/", "/file=", "/static/", "/assets/",
                          "/svelte/", "/gradio_api/custom_component/"):  # fmt: skip
                status, _, body = server.raw(quote(route + name, safe="/=%"))
                assert status >= 400, (route, name)
                assert content not in body


def test_a_name_beside_an_upload_leads_nowhere(
    server: Server, canaries: dict[Path, bytes], tmp_path: Path
) -> None:
    folder = Path(upload(server, wav(tmp_path / "a.wav", tone(1)))).parent
    up = "/".join([".."] * len(folder.parts))
    for path, content in canaries.items():
        for name in (f"{folder}/{up}{path}", f"{folder}/{quote(up + str(path), safe='')}"):
            status, _, body = server.raw(f"/gradio_api/file={name}")
            assert status >= 400
            assert content not in body


def served(server: Server, said: str) -> bytes:
    """The content of every file that an answer points to."""
    paths = set(re.findall(r'"path": ?"([^"]+)"', said))
    return b"".join(HTTP.get(f"{server.url}/gradio_api/file={quote(path)}").content for path in paths)


def test_no_event_reads_a_file_that_was_not_uploaded(
    server: Server, canaries: dict[Path, bytes], tmp_path: Path
) -> None:
    """Every event that takes a recording, with a canary's path in its place: the first one with each
    canary, the others with one of them in turn, since all go through the same door of Gradio's."""
    taking = [event for event in events(server) if "audio" in event.kinds]
    kept = upload(server, wav(tmp_path / "a.wav", tone(2)))
    assert any(succeeded(joined(server, event.id, event.data(audio={"path": kept}))) for event in taking)

    def ask(event: Event, path: Path) -> None:
        said = put(server, event, event.data(audio={"path": str(path), "orig_name": "a.wav"}))
        assert not succeeded(said), path
        assert canaries[path].decode() not in said
        assert canaries[path] not in served(server, said)

    each_with_some(ask, taking, list(canaries))


def test_a_path_in_the_place_of_a_take_reads_no_file(
    server: Server, canaries: dict[Path, bytes]
) -> None:
    choosing = [event for event in events(server) if {"radio", "checkboxgroup"} & set(event.kinds)]
    assert choosing

    def ask(event: Event, path: Path) -> None:
        given = {"checkboxgroup": [str(path)]}
        said = put(server, event, [given.get(kind, str(path)) for kind in event.kinds])
        assert canaries[path].decode() not in said
        assert canaries[path] not in served(server, said)

    each_with_some(ask, choosing, list(canaries))
    assert "event refused" in server.log
    assert "list of choices" not in server.log  # Gradio's words, which repeat what was sent


def put(server: Server, event: Event, data: list[object]) -> str:
    """What an event answers, within a page that each thread has open."""
    said = joined(server, event.id, data, session=f"guard{threading.get_ident()}")
    assert '"process_completed"' in said, said
    return said


def each_with_some(
    ask: Callable[[Event, Path], None], events: Sequence[Event], paths: list[Path]
) -> None:
    """Ask the first event with every path and each of the others with the next one; several at once,
    since the page's queue takes its time for each."""
    pairs = [(events[0], path) for path in paths]
    pairs += zip(events[1:], itertools.cycle(paths), strict=False)
    with ThreadPoolExecutor(8) as threads:
        for asked in [threads.submit(ask, *pair) for pair in pairs]:
            asked.result()


def test_an_address_in_the_place_of_an_upload_is_not_fetched(server: Server) -> None:
    """A listener of our own stands for the inside of a network: nothing must reach it."""
    event = next(event for event in events(server) if "audio" in event.kinds)
    with socket.create_server(("127.0.0.1", 0)) as inside:
        inside.settimeout(0.2)
        port = inside.getsockname()[1]
        for host in ("127.0.0.1", "localhost", "[::1]", "2130706433", "0.0.0.0"):
            address = f"http://{host}:{port}/a.wav"
            for file in ({"path": address}, {"path": "a.wav", "url": address}):
                assert not succeeded(put(server, event, event.data(audio=file)))
        with pytest.raises(TimeoutError):
            inside.accept()


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:7860", 200),
        ("localhost", 200),
        ("[::1]:7860", 200),
        ("evil.example", 403),
        ("evil.example:7860", 403),
        ("127.0.0.1.evil.example", 403),
        ("", 403),
    ],
)
def test_a_studio_without_a_sign_in_answers_only_to_its_own_names(host: str, status: int) -> None:
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("here"))])
    guarded = Guard(app, hosts=frozenset({"localhost", "127.0.0.1", "[::1]"}))
    assert TestClient(guarded).get("/", headers={"host": host}).status_code == status


def test_a_public_studio_names_each_browser_once() -> None:
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("here"))])
    visitor = TestClient(Guard(app, visitors=True), base_url="https://testserver")
    first = visitor.get("/").headers["set-cookie"]
    assert "HttpOnly" in first
    assert "set-cookie" not in visitor.get("/").headers
    other = TestClient(Guard(app, visitors=True), base_url="https://testserver")
    assert other.get("/").headers["set-cookie"] != first
