"""The WebSocket /tts/speak-streaming, by a real client over a real socket; and its script."""

from __future__ import annotations

import io
import json
import runpy
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import soundfile
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from studio.api import speak_socket
from studio.api.access import Access
from studio.audio.wav import HEADER_BYTES, wav_header
from studio.services.studio import Studio
from studio.settings import CHECKOUT, load_settings
from tests.running import until
from tests.serving import app_of, serving

PATH = "/tts/speak-streaming"
TEXT = "Good morning. "
LONG = TEXT * 4_000


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("home")
    with Studio(load_settings(home=home, models_dir=home / "models")) as opened:
        opened.warm_up()
        yield opened


@pytest.fixture(scope="module")
def served(studio: Studio) -> Iterator[tuple[str, Access]]:
    app, access = app_of(studio, [speak_socket.router])
    with serving(app) as url:
        yield url, access


@pytest.fixture(scope="module")
def url(served: tuple[str, Access]) -> str:
    return served[0]


class Talk:
    """A connection as `owner`."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.sound = b""

    def send(self, *messages: dict[str, Any]) -> None:
        for message in messages:
            self.socket.send(json.dumps(message))

    def speak(self, *texts: str) -> None:
        self.send(*({"type": "Speak", "text": text} for text in texts), {"type": "Flush"})

    def next(self) -> dict[str, Any]:
        """The next message; sound before it is kept."""
        while isinstance(frame := self.socket.recv(20), bytes):
            self.sound += frame
        message: dict[str, Any] = json.loads(frame)
        return message


@contextmanager
def talk(url: str, owner: str = "ann", query: str = "language=en") -> Iterator[Talk]:
    address = f"{url.replace('http', 'ws')}{PATH}?{query}"
    with connect(address, additional_headers={"x-user": owner}) as socket:
        yield Talk(socket)


def idle(studio: Studio, access: Access) -> bool:
    return access.in_flight == 0 and not studio.engines.state().engines[0].in_use


def spoken_by(studio: Studio, owner: str) -> bytes:
    """The PCM of the owner's newest take, as it was spoken."""
    live = studio.speech.live(studio.history.list(owner)[0].id)
    sound = b""
    while True:
        block, ended = live.read_pcm(len(sound))
        sound += block
        if ended:
            return sound


def test_sound_comes_as_one_wav(studio: Studio, url: str) -> None:
    with talk(url) as socket:
        metadata = socket.next()
        assert (metadata["type"], metadata["engine"], metadata["language"]) == (
            "Metadata",
            "espeak",
            "en",
        )
        socket.speak("Good ", "morn", "ing.")
        first = socket.next()
        assert studio.history.list("ann")[0].text == "Good morning."
        assert socket.sound == wav_header(metadata["sample_rate"]) + spoken_by(studio, "ann")
        socket.speak("Bye.")
        second = socket.next()
        assert socket.sound.endswith(spoken_by(studio, "ann"))
    assert [each["sequence_id"] for each in (first, second)] == [0, 1]
    assert first["sample_rate"] == metadata["sample_rate"]
    assert len(socket.sound) == HEADER_BYTES + first["bytes"] + second["bytes"]
    sound, rate = soundfile.read(io.BytesIO(socket.sound))
    assert (len(sound) * 2, rate) == (first["bytes"] + second["bytes"], metadata["sample_rate"])


def test_the_query_says_who_speaks(studio: Studio, url: str) -> None:
    with talk(url, "joe", "voice=Fiona&speed=1.5&seed=7&language=en-us") as socket:
        assert socket.next()["voice"].startswith("Fiona")
        socket.speak(TEXT)
        assert socket.next()["type"] == "Flushed"
    take = studio.history.list("joe")[0]
    assert (take.seed, take.settings["speed"], take.language) == (7, 1.5, "en-us")


def test_clear_stops_what_is_spoken_and_what_waits(studio: Studio, served: tuple[str, Access]) -> None:
    url, access = served
    with talk(url) as socket:
        socket.next()
        socket.speak(LONG)
        socket.speak("Never.")
        socket.send({"type": "Speak", "text": "Nor this."})
        assert len(socket.socket.recv()) == HEADER_BYTES
        socket.send({"type": "Clear"})
        assert socket.next() == {"type": "Cleared", "sequence_ids": [0, 1]}
        until(lambda: idle(studio, access), 5)
        socket.speak("Bye.")
        assert socket.next()["sequence_id"] == 2
        assert studio.history.list("ann")[0].text == "Bye."
        socket.send({"type": "Clear"})
        assert socket.next()["sequence_ids"] == []


@pytest.mark.parametrize("farewell", ["close", "vanish"])
def test_who_goes_away_frees_the_slot(studio: Studio, served: tuple[str, Access], farewell: str) -> None:
    url, access = served
    with talk(url, farewell) as socket:
        socket.next()
        socket.speak(LONG)
        while len(socket.sound) < 50_000:  # more than is thrown away
            socket.sound += bytes(socket.socket.recv(decode=False))
        if farewell == "vanish":
            socket.socket.socket.close()
    until(lambda: idle(studio, access), 5)
    until(lambda: bool(studio.history.list(farewell)))
    assert studio.history.list(farewell)[0].status == "stopped"


def test_close_lets_finish_what_was_flushed(url: str) -> None:
    with talk(url) as socket:
        socket.next()
        socket.speak(TEXT)
        socket.speak(TEXT)
        socket.send({"type": "Speak", "text": "Left."}, {"type": "Close"})
        told = [json.loads(frame) for frame in socket.socket if isinstance(frame, str)]
        assert socket.socket.close_code == 1000
    kinds = sorted(each["type"] for each in told)
    assert kinds == ["Flushed", "Flushed", "Warning"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"\x00\x01", "BINARY_MESSAGE"),
        ("", "NOT_JSON"),
        ("{", "NOT_JSON"),
        ("[" * 100_000, "NOT_JSON"),
        ("[]", "UNKNOWN_TYPE"),
        ('{"type": "Shout"}', "UNKNOWN_TYPE"),
        ('{"type": ["Speak"]}', "UNKNOWN_TYPE"),
        ('{"type": "Speak"}', "NO_TEXT"),
        ('{"type": "Speak", "text": 7}', "NO_TEXT"),
        (json.dumps({"type": "Speak", "text": "a" * 200_001}), "TEXT_TOO_LONG"),
    ],
)
def test_what_is_not_understood_is_warned_of(url: str, message: str | bytes, code: str) -> None:
    with talk(url) as socket:
        socket.next()
        socket.socket.send(message)
        warning = socket.next()
        assert (warning["type"], warning["code"]) == ("Warning", code)
        socket.send({"type": "Flush"})
        assert socket.next()["code"] == "NO_TEXT"
        flushed = socket.next()
        assert (flushed["type"], flushed["bytes"]) == ("Flushed", 0)


@pytest.mark.parametrize("text", ["...", "\ud800", "\x00"])
def test_what_cannot_be_spoken_is_an_error_and_no_end(url: str, text: str) -> None:
    with talk(url) as socket:
        socket.next()
        socket.speak(text)
        error = socket.next()
        assert (error["type"], error["sequence_id"], error["code"]) == ("Error", 0, "bad_input")
        assert error["hint"]
        socket.speak("Bye.")
        assert socket.next()["type"] == "Flushed"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("voice=nobody", 404),
        ("engine=nobody", 404),
        ("language=klingon", 404),
        ("engine=qwen", 409),
        ("speed=9", 422),
        ("speed=quick", 422),
        ("speed=nan", 422),
        ("seed=-1", 422),
        ("instructions=slowly", 422),
    ],
)
def test_what_cannot_be_served_is_refused_at_the_door(url: str, query: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refusal, talk(url, query=query):
        pass
    assert refusal.value.response.status_code == status
    body = refusal.value.response.body
    assert body is not None
    assert set(json.loads(body)) == {"detail", "hint", "error_id"}


def test_nobody_keeps_the_others_out(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speak_socket, "MAX_OF_ONE", 1)

    def opens(owner: str) -> bool:
        try:
            with talk(url, owner) as socket:
                return socket.next()["type"] == "Metadata"
        except InvalidStatus:
            return False

    with talk(url, "greedy") as first:
        first.next()
        with pytest.raises(InvalidStatus) as refusal, talk(url, "greedy"):
            pass
        assert refusal.value.response.status_code == 429
        assert int(refusal.value.response.headers["retry-after"]) >= 1
        assert opens("modest")
    until(lambda: opens("greedy"), 10)


def test_who_is_not_known_is_refused(url: str) -> None:
    with pytest.raises(InvalidStatus) as refusal, connect(f"{url.replace('http', 'ws')}{PATH}"):
        pass
    assert refusal.value.response.status_code == 401


def test_everybody_gets_their_own_sound(studio: Studio, url: str) -> None:
    heard: dict[str, bytes] = {}

    def listen(owner: str, text: str) -> None:
        with talk(url, owner) as socket:
            socket.next()
            socket.speak(text)
            assert socket.next()["type"] == "Flushed"
            heard[owner] = socket.sound[HEADER_BYTES:]

    texts = {f"user{number}": f"This is number {number}. " * (number + 1) for number in range(5)}
    threads = [threading.Thread(target=listen, args=each) for each in texts.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for owner, text in texts.items():
        assert studio.history.list(owner)[0].text == text.strip()
        assert heard[owner] == spoken_by(studio, owner)


def test_a_slow_reader_holds_nobody_up(studio: Studio, served: tuple[str, Access]) -> None:
    url, access = served
    with talk(url, "slow") as slow, talk(url, "quick") as quick:
        slow.next()
        quick.next()
        slow.speak(TEXT * 300)
        slow.socket.recv()
        quick.speak("Bye.")
        assert quick.next()["type"] == "Flushed"
        until(lambda: idle(studio, access))  # spoken to its end though hardly anything was read
        assert slow.next()["type"] == "Flushed"
        assert slow.sound == spoken_by(studio, "slow")


def test_the_protocol_is_as_it_says(url: str) -> None:
    protocol = httpx.get(f"{url}{PATH}/protocol").json()
    told = {each["message"]["type"]: each["message"] for each in protocol["server_messages"]}
    with talk(url) as socket:
        metadata = socket.next()
        socket.speak("...")
        error = socket.next()
        socket.send({"type": "Clear"}, {"type": "Shout"})
        cleared, warning = socket.next(), socket.next()
        socket.speak("Bye.")
        flushed = socket.next()
    for message in (metadata, error, cleared, warning, flushed):
        wanted = set(told[message["type"]]) - {"retry_after_s"}
        assert set(message) == wanted
    sent = [each["message"]["type"] for each in protocol["client_messages"]]
    assert sent == ["Speak", "Flush", "Clear", "Close"]
    page = (CHECKOUT / "docs" / "streaming.md").read_text("utf-8")
    assert all(name in page for name in (*told, *sent))


def test_the_script_writes_what_is_spoken(studio: Studio, url: str, tmp_path: Path) -> None:
    script = CHECKOUT / "scripts" / "tts_stream_client.py"
    out = tmp_path / "out.wav"
    command = [sys.executable, str(script), "--url", url, "--speak-split", "5", "--out", str(out)]
    refused = subprocess.run(
        [*command, "--text", TEXT], capture_output=True, text=True, timeout=30, check=False
    )
    assert refused.returncode == 1
    assert "401" in refused.stderr
    key = studio.api_keys.create("script", "ann")
    command[command.index(url)] = f"{url}{PATH}?voice=Flora&speed=2"
    said = subprocess.run(
        [*command, "--text", "Good morning, dear listeners.", "--key", key, "--speed", "1.5"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    take = studio.history.list("ann")[0]
    assert take.text == "Good morning, dear listeners."
    assert take.voice.startswith("Flora")  # as the address says
    assert take.settings["speed"] == 1.5  # as the option says, which comes first
    assert out.read_bytes()[HEADER_BYTES:] == spoken_by(studio, "ann")
    assert key not in said.stderr


@pytest.mark.parametrize("url", ["localhost:7860", "ws://", "nowhere"])
def test_the_script_says_what_an_address_looks_like(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    script = runpy.run_path(str(CHECKOUT / "scripts" / "tts_stream_client.py"))
    assert script["main"](["--url", url, "--text", "Hello."]) == 1
    assert f"{url} is no address" in capsys.readouterr().err
