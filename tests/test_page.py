"""The page from a program's side: its events, and gradio_client."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
from gradio_client import Client, handle_file

from studio.services.studio import Studio
from studio.settings import CHECKOUT
from tests.running import Server


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("page")
    with Server(folder / "home") as server:
        yield Client(server.url, download_files=str(folder / "got"), verbose=False)


def test_every_handler_takes_what_its_event_gives(studio: Studio) -> None:
    from tabs.page import build_demo

    demo = build_demo(studio)
    assert len(demo.fns) > 40
    for event in demo.fns.values():
        if event.fn is None:
            continue
        parameters = inspect.signature(event.fn).parameters.values()
        wanted = [p for p in parameters if p.name != "request"]
        if any(p.kind is p.VAR_POSITIONAL for p in wanted):
            continue
        assert len(wanted) == len(event.inputs), event.fn


def test_gradio_is_imported_whole_but_for_the_stubs_that_it_writes() -> None:
    said = subprocess.run(
        [sys.executable, "-c", _IMPORT], capture_output=True, text=True, check=True, cwd=CHECKOUT
    ).stdout
    assert said.split() == ["tabs.gradio_import", "True"]


_IMPORT = """
import tabs, gradio
from gradio.component_meta import create_or_modify_pyi
print(create_or_modify_pyi.__module__, hasattr(gradio.Textbox, "submit"))
"""


def test_only_speak_and_transcribe_are_public(client: Client) -> None:
    told = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert list(told) == ["/speak", "/transcribe"]


def test_a_client_has_a_recording_written_down(client: Client) -> None:
    spoken = client.predict(text="Good morning to everybody in the house.", api_name="/speak")
    text = client.predict(recording=handle_file(spoken), language="en", api_name="/transcribe")
    assert "everybody" in text.lower()  # a draft: not every word is right
    with pytest.raises(Exception, match="no recording"):
        client.predict(api_name="/transcribe")


def test_a_client_speaks_in_a_preset_voice(client: Client) -> None:
    path = client.predict(text="Hello from a program.", voice="gmw/en-US+f5", seed=3, api_name="/speak")
    assert soundfile.info(path).duration > 0.5
    assert "flora" in Path(path).name
    assert "_3_" in Path(path).name


def test_a_client_clones_and_designs(client: Client) -> None:
    spoken = client.predict(text="I am the voice to be matched, in one sentence.", api_name="/speak")
    cloned = client.predict(
        text="Like the one before.", mode="clone", reference=handle_file(spoken), api_name="/speak"
    )
    designed = client.predict(
        text="A voice in words.", mode="design", description="a young woman", api_name="/speak"
    )
    assert soundfile.info(cloned).duration > 0.5
    assert soundfile.info(designed).duration > 0.5


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"text": "   "}, "nothing to speak"),
        ({"text": "hello", "voice": "gmw/en-US+f77"}, "gmw/en-US"),
        ({"text": "hello", "mode": "sing"}, "design"),
        ({"text": "hello", "mode": "clone"}, "Upload"),
        ({"text": "hello", "speed": 77}, "0.5"),
    ],
)
def test_a_client_is_told_what_to_do_instead(
    client: Client, given: dict[str, object], words: str
) -> None:
    with pytest.raises(Exception, match=words):
        client.predict(api_name="/speak", **given)
