"""Programs beside the page: what the documents show works as it stands but for the port, and what gradio_client and
OpenAI's own client are told. One server for all of them."""

from __future__ import annotations

import re
import runpy
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import openai
import pytest
import soundfile
from gradio_client import Client, handle_file
from openai import OpenAI

from studio.settings import CHECKOUT
from tests.running import HTTP, Server, made_key, until

README = (CHECKOUT / "README.md").read_text("utf-8").split("## From a program")[1].split("\n## ")[0]
OPENAI = (CHECKOUT / "docs" / "openai.md").read_text("utf-8")
LONG = "Good morning. " * 1_500


@pytest.fixture(scope="module")
def server(
    measure_once: Callable[[Path], None], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("programs") / "home"
    measure_once(home)
    with Server(home) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(server.url, download_files=str(tmp_path_factory.mktemp("got")), verbose=False)


def blocks(page: str, language: str, server: Server) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert found
    return [block.replace("127.0.0.1:7860", f"127.0.0.1:{server.port}") for block in found]


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")
def test_the_readme_s_commands_work(server: Server, tmp_path: Path) -> None:
    lines = [line for block in blocks(README, "sh", server) for line in block.splitlines()]
    assert len(lines) >= 4
    for line in lines:
        words = shlex.split(line)
        if words[0] == "python":
            words = [sys.executable, str(CHECKOUT / words[1]), *words[2:]]
        else:
            words = [words[0], "--fail-with-body", "--silent", "--show-error", *words[1:]]
        ended = subprocess.run(
            words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert ended.returncode == 0, (words, ended.stderr)
    for name in ("spoken.mp3", "spoken.wav", "socket.wav"):
        assert soundfile.read(tmp_path / name)[0].size > 5_000, name
    assert "-->" in (tmp_path / "spoken.srt").read_text("utf-8")


def run(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a program of its own; but in this process, which has imported the clients already."""
    path = folder / "example.py"
    path.write_text(script, "utf-8")
    monkeypatch.chdir(folder)
    runpy.run_path(str(path), run_name="__main__")


def test_the_readme_s_python_works(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for block in blocks(README, "python", server):
        run(block, tmp_path, monkeypatch)
    assert soundfile.read(tmp_path / "streamed.wav")[0].size > 5_000


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


def test_openai_s_client_speaks_and_listens_with_its_key(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The page's example as it stands, and a client that hangs up. The last test of this server: it has a key
    from here on, and ends."""
    key = made_key(server.home)
    until(lambda: HTTP.get(f"{server.url}/v1/models").status_code == 401)  # a second later at the latest
    with OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0) as client:
        assert "espeak" in {model.id for model in client.models.list()}
        asking = client.audio.speech.with_streaming_response
        with asking.create(model="tts-1", voice="alloy", input=LONG, response_format="pcm") as said:
            assert len(next(said.iter_bytes(4_096))) == 4_096  # and then it hangs up
        (example,) = blocks(OPENAI, "python", server)
        run(example.replace("tk_...", key), tmp_path, monkeypatch)
        assert (tmp_path / "hello.mp3").read_bytes().startswith(b"ID3")
        assert capsys.readouterr().out.strip()
        with pytest.raises(openai.NotFoundError, match="nobody"):
            client.audio.speech.create(model="tts-1", voice="nobody", input="Good morning.")
    with (
        OpenAI(base_url=f"{server.url}/v1", api_key="tk_wrong", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.models.list()
    assert server.stop() == 0  # an idle one ends in good order
    assert "Traceback" not in server.log
    assert key not in server.log
    assert "Good morning" not in server.log
