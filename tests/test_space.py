"""On a Hugging Face Space everybody may come in, and nobody sees another's takes."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.running import HTTP, Server, events, joined, succeeded, until


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("space") / "home"
    with Server(home, "--no-api", SPACE_ID="somebody/timbre", TIMBRE_HOST="127.0.0.1") as server:
        yield server


def visitor(space: Server) -> httpx.Client:
    client = httpx.Client(base_url=space.url, timeout=30)
    cookie = client.get("/").headers["set-cookie"].split(";")[0]
    # The cookie is for https only, as a Space is; this test's server speaks http.
    client.headers["cookie"] = cookie
    return client


def test_a_space_listens_for_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.cli.parser import parser
    from tabs.server import refuse_open_doors, settings_from

    monkeypatch.setenv("SPACE_ID", "somebody/timbre")
    settings = settings_from(parser().parse_args([]))
    assert settings.host == "0.0.0.0"
    refuse_open_doors(settings)
    monkeypatch.delenv("SPACE_ID")
    assert settings_from(parser().parse_args([])).host == "127.0.0.1"


def test_two_visitors_see_only_their_own_takes(space: Server) -> None:
    generate = next(event for event in events(space) if event.trigger == "preset-generate")
    listing = next(event for event in events(space) if event.trigger == "history-refresh")
    first, second = visitor(space), visitor(space)
    assert succeeded(joined(space, generate.id, generate.data("What the first one says."), first))
    asked = listing.data("")

    def shown(client: httpx.Client) -> str:
        said = joined(space, listing.id, asked, client)
        assert succeeded(said)
        return said

    until(lambda: "What the first one says." in shown(first))
    assert "What the first one says." not in shown(second)
    assert "What the first one says." not in shown(httpx.Client(base_url=space.url, timeout=30))


def test_programs_can_be_left_out(space: Server) -> None:
    assert HTTP.post(f"{space.url}/tts", json={"text": "Hello."}).status_code == 404
    assert HTTP.get(f"{space.url}/v1/models").status_code == 404
    assert HTTP.get(f"{space.url}/ready").status_code == 200
