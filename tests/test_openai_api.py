"""OpenAI's own client against our routes, and what happens to the engines behind them meanwhile."""

from __future__ import annotations

import base64
import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import httpx
import openai
import pytest
import soundfile
from openai import OpenAI

from engines import registry
from studio.api import openai_models, openai_speech, openai_transcriptions
from studio.api.access import Access
from studio.audio.wav import HEADER_BYTES
from studio.control import Control
from studio.services.personality_values import NewEmotion, NewPersonality
from studio.services.studio import Studio
from studio.services.takes import TakeRecord, TakeState
from studio.services.voice_values import NewVoice
from studio.settings import load_settings
from tests import engines_for_tests
from tests.running import until
from tests.serving import app_of, serving
from tests.spoken import SENTENCE, saved, spoken

TEXT = "Good morning."
SHORT = "See you."
LONG = " ".join([TEXT] * 2_000)
FORMATS = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg; codecs=opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("home")
    settings = load_settings(home=home, models_dir=home / "models", max_upload_mb=1, max_waiting=6)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("breaking", "moody", "unloadable", "cloning"):
            patch.setitem(registry.SPEECH_ENGINES, name, engines_for_tests.TABLE[name])
        with Studio(settings) as opened:
            yield opened


@pytest.fixture(scope="module")
def served(studio: Studio) -> Iterator[tuple[str, Access]]:
    routers = [openai_speech.router, openai_transcriptions.router, openai_models.router]
    app, access = app_of(studio, routers)
    with serving(app) as url:
        yield url, access


@pytest.fixture(scope="module")
def access(served: tuple[str, Access]) -> Access:
    return served[1]


@pytest.fixture(scope="module")
def client(served: tuple[str, Access]) -> Iterator[OpenAI]:
    with OpenAI(
        base_url=f"{served[0]}/v1", api_key="any", default_headers={"x-user": "ann"}, max_retries=0
    ) as opened:
        yield opened


@pytest.fixture(scope="module")
def plain(served: tuple[str, Access]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served[0], headers={"x-user": "ann"}, timeout=60) as opened:
        yield opened


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("sound") / "said.wav", spoken(SENTENCE))


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is recognised in it does not matter here."""
    return saved(tmp_path_factory.mktemp("sound") / "short.wav", spoken(SHORT))


def take_of(studio: Studio, headers: Any) -> TakeRecord:
    """The take that an answer is of, once it is in the history."""
    take_id = headers["x-take-id"]
    until(lambda: studio.speech.status(take_id).state.finished)
    return studio.history.get(take_id, "ann")


def sound_of(studio: Studio, take: TakeRecord) -> bytes:
    return studio.history.path(take).read_bytes()[HEADER_BYTES:]


@contextmanager
def device_taken(studio: Studio) -> Iterator[None]:
    """Somebody else has the engine."""
    with studio.engines.lease("espeak", Control()):
        yield


# --- what OpenAI's client gets


@pytest.mark.parametrize("format", FORMATS)
def test_a_text_is_spoken_in_every_format(client: OpenAI, studio: Studio, format: Any) -> None:
    said = client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, response_format=format)
    headers = said.response.headers
    assert headers["content-type"] == FORMATS[format]
    assert headers["content-disposition"].startswith('attachment; filename="speech.')
    take = take_of(studio, headers)
    assert (take.engine, take.voice.split(",")[0]) == ("espeak", "Fiona")
    rate = int(headers["x-sample-rate"])
    if format == "pcm":
        assert rate == 24_000
        assert len(said.content) / 2 / rate == pytest.approx(take.duration, abs=0.01)
        return
    with av.open(io.BytesIO(said.content), "r") as file:
        frames = list(file.decode(audio=0))
    seconds = sum(frame.samples for frame in frames) / frames[0].sample_rate
    assert seconds == pytest.approx(take.duration, abs=0.1)


@pytest.mark.parametrize("format", ["wav", "flac"])
def test_other_libraries_read_it_as_it_comes(client: OpenAI, studio: Studio, format: Any) -> None:
    said = client.audio.speech.create(model="", voice="", input=TEXT, response_format=format)
    sound, rate = soundfile.read(io.BytesIO(said.content))
    assert len(sound) / rate == pytest.approx(take_of(studio, said.response.headers).duration, abs=0.01)


def test_the_sound_comes_while_it_is_spoken(client: OpenAI, studio: Studio, access: Access) -> None:
    asking = client.audio.speech.with_streaming_response
    with asking.create(model="espeak", voice="echo", input=LONG, response_format="wav") as answer:
        got = b""
        for piece in answer.iter_bytes():
            got += piece
            if len(got) > 100_000:
                break
        take_id = answer.headers["x-take-id"]
        assert not studio.speech.status(take_id).state.finished
    assert got.startswith(b"RIFF")
    # Who hangs up stops it, and leaves the place to others.
    until(lambda: studio.speech.status(take_id).state is TakeState.STOPPED, 5)
    until(lambda: access.in_flight == 0, 5)


def test_speech_as_events_is_the_same_sound(client: OpenAI, studio: Studio) -> None:
    asking = client.audio.speech.with_streaming_response
    with asking.create(
        model="espeak",
        voice="alloy",
        input=TEXT,
        response_format="wav",
        stream_format="sse",
        extra_body={"seed": 3},
    ) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = list(answer.iter_lines())
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert [line.removeprefix("event: ") for line in lines if line.startswith("event: ")] == [
        event["type"] for event in events
    ]
    *deltas, done = events
    assert {event["type"] for event in deltas} == {"speech.audio.delta"}
    assert (done["type"], done["usage"]["input_tokens"]) == ("speech.audio.done", len(TEXT))
    sound = b"".join(base64.b64decode(event["audio"]) for event in deltas)
    take = studio.history.get(done["take_id"], "ann")
    assert take.seed == 3
    with soundfile.SoundFile(io.BytesIO(sound)) as file:
        assert file.samplerate == take.sample_rate
        assert len(file.read()) == pytest.approx(take.duration * take.sample_rate, abs=2)


def test_a_recording_is_written_down_in_every_format(client: OpenAI, short: Path) -> None:
    ask = client.audio.transcriptions.create
    heard = ask(model="whisper-1", file=short, language="en").text
    assert heard
    assert ask(model="", file=short, response_format="text").strip() == heard
    assert ask(model="whisper-1", file=short, response_format="srt").startswith("1\n00:00:00,")
    assert ask(model="pocketsphinx", file=short, response_format="vtt").startswith("WEBVTT\n")
    full = ask(
        model="whisper-1",
        file=short,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        language="English",
    )
    assert full.duration == pytest.approx(len(spoken(SHORT)) / 16_000, abs=0.01)
    assert full.language == "en"
    assert full.words is not None
    assert full.segments is not None
    assert " ".join(word.word for word in full.words) == full.text == heard
    assert full.segments[0].start <= full.words[0].start < full.words[-1].end <= full.duration
    plain_one = ask(model="whisper-1", file=short, response_format="verbose_json")
    assert plain_one.words is None
    assert plain_one.segments


def test_a_transcript_comes_in_pieces(client: OpenAI, short: Path) -> None:
    events = list(client.audio.transcriptions.create(model="gpt-4o-transcribe", file=short, stream=True))
    done = events[-1]
    assert done.type == "transcript.text.done"
    assert done.text
    assert "".join(event.delta for event in events[:-1]) == done.text  # type: ignore[union-attr]


def test_models_can_be_looked_up(client: OpenAI) -> None:
    found = {model.id: model for model in client.models.list()}
    assert {"tts-1", "whisper-1", "espeak", "qwen", "xtts", "pocketsphinx"} <= found.keys()
    assert client.models.retrieve("espeak") == found["espeak"]
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("Qwen/none")


# --- what goes wrong


def test_errors_are_those_of_openai_s_client(client: OpenAI, plain: httpx.Client) -> None:
    speak = client.audio.speech.create
    with pytest.raises(openai.NotFoundError) as error:
        speak(model="tts-1", voice="nobody", input=TEXT)
    assert "“nobody”" in error.value.message
    assert error.value.code == "not_found"
    with pytest.raises(openai.NotFoundError, match="speech model"):
        speak(model="no-such", voice="alloy", input=TEXT)
    with pytest.raises(openai.UnprocessableEntityError, match="no text"):
        speak(model="tts-1", voice="alloy", input=" ")
    with pytest.raises(openai.UnprocessableEntityError) as unknown:
        speak(model="tts-1", voice="alloy", input=TEXT, extra_body={"stylish": 1})
    assert unknown.value.param == "stylish"
    body = plain.post("/v1/audio/speech", json={"input": TEXT, "voice": "nobody"}).json()
    assert body.keys() == {"detail", "hint", "error_id", "error"}
    with pytest.raises(openai.UnprocessableEntityError):
        client.audio.transcriptions.create(model="whisper-1", file=("x.wav", b"nothing of the kind"))
    with pytest.raises(openai.NotFoundError, match="recognizer"):
        client.audio.transcriptions.create(model="no-such", file=("x.wav", b"sound"))
    stranger = OpenAI(base_url=client.base_url, api_key="any", max_retries=0)
    for ask in (
        stranger.models.list,
        lambda: stranger.audio.speech.create(input="x", model="", voice=""),
    ):
        with pytest.raises(openai.AuthenticationError):
            ask()


def test_above_the_queue_it_is_told_to_come_back(client: OpenAI, studio: Studio, access: Access) -> None:
    with ThreadPoolExecutor(6) as pool, device_taken(studio):
        waiting = [
            pool.submit(client.audio.speech.create, model="", voice="", input=TEXT) for _ in range(6)
        ]
        until(lambda: studio.engines.waiting == 6)
        asked = time.monotonic()
        with pytest.raises(openai.RateLimitError) as error:
            client.audio.speech.create(model="", voice="", input=TEXT)
        assert time.monotonic() - asked < 2.0
        assert int(error.value.response.headers["retry-after"]) >= 1
    until(lambda: access.in_flight == 0)
    assert all(len(each.result().content) > 1_000 for each in waiting)


def test_a_deadline_ends_what_waits(plain: httpx.Client, studio: Studio, access: Access) -> None:
    with device_taken(studio):
        late = plain.post("/v1/audio/speech", json={"input": TEXT}, headers={"x-timeout": "0.3"})
        assert (late.status_code, late.json()["error"]["code"]) == (504, "timed_out")
        until(lambda: access.in_flight == 0, 5)


def test_what_breaks_off_does_not_look_whole(plain: httpx.Client, access: Access) -> None:
    """By a deadline, by a fault of the engine; as events it is said."""
    with pytest.raises(httpx.RemoteProtocolError):
        plain.post("/v1/audio/speech", json={"input": LONG}, headers={"x-timeout": "0.5"})
    request = {"input": "Broken off.", "model": "breaking", "response_format": "pcm"}
    with pytest.raises(httpx.RemoteProtocolError):
        plain.post("/v1/audio/speech", json=request)
    said = plain.post("/v1/audio/speech", json={**request, "stream_format": "sse"}).text
    assert "speech.audio.delta" in said
    last = json.loads(said.strip().splitlines()[-1].removeprefix("data: "))
    assert last["type"] == "speech.audio.error"
    assert last["error"]["type"] == "server_error"
    assert "a bug" not in said
    until(lambda: access.in_flight == 0, 5)


def test_an_engine_that_cannot_be_loaded_is_a_500(client: OpenAI, access: Access) -> None:
    with pytest.raises(openai.InternalServerError) as error:
        client.audio.speech.create(model="unloadable", voice="sine", input=TEXT)
    assert error.value.code == "engine_failed"
    until(lambda: access.in_flight == 0, 5)


def test_what_is_drawn_by_chance_is_checked_unless_it_is_heard_live(
    plain: httpx.Client, studio: Studio
) -> None:
    """With seed 4 what it speaks is clipped, with seed 5 it is good."""
    order = {"model": "moody", "input": "Hello there.", "seed": 4, "response_format": "pcm"}
    for more, notice in (({}, "spoken again"), ({"stream_format": "audio"}, "the best of the tries")):
        said = plain.post("/v1/audio/speech", json={**order, **more})
        take = take_of(studio, said.headers)
        assert notice in " ".join(studio.speech.status(take.id).notes)
        assert len(said.content) / 2 / 24_000 == pytest.approx(take.duration, abs=0.01)


# --- many at once


def test_a_slow_reader_holds_nobody_up(
    served: tuple[str, Access], plain: httpx.Client, studio: Studio
) -> None:
    url, access = served
    text = " ".join([TEXT] * 150)  # some megabytes: more than the sockets hold
    body = json.dumps({"input": text, "response_format": "wav"}).encode()
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        slow.connect(("127.0.0.1", int(url.rsplit(":", 1)[1])))
        slow.sendall(
            b"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nX-User: ann\r\nConnection: close\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        until(lambda: access.in_flight == 1)
        until(lambda: access.in_flight == 0)  # spoken to the end, and nothing was read
        assert plain.post("/v1/audio/speech", json={"input": TEXT}).status_code == 200
        got = bytearray()
        while piece := slow.recv(1 << 20):
            got += piece
    head, _, rest = bytes(got).partition(b"\r\n\r\n")
    names = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    take = studio.history.get(names[b"x-take-id"].decode(), "ann")
    assert len(dechunked(rest)) == HEADER_BYTES + len(sound_of(studio, take))


def dechunked(content: bytes) -> bytes:
    made = b""
    while True:
        size, _, content = content.partition(b"\r\n")
        count = int(size, 16)
        if not count:
            return made
        made += content[:count]
        content = content[count + 2 :]


def test_nobody_gets_somebody_else_s_sound(plain: httpx.Client) -> None:
    texts = [" ".join(["One two."] * count) for count in range(1, 6)]

    def ask(text: str) -> float:
        order = {"input": text, "voice": "Fiona", "seed": 1, "response_format": "pcm"}
        return len(plain.post("/v1/audio/speech", json=order).content) / 48_000  # s

    alone = [ask(text) for text in texts]
    assert all(after - before > 0.5 for before, after in pairwise(alone))
    with ThreadPoolExecutor(len(texts)) as pool:
        assert list(pool.map(ask, texts)) == pytest.approx(alone, abs=0.1)


def test_waiting_people_hang_up(served: tuple[str, Access], studio: Studio) -> None:
    """A place in the queue is free again when who stands there goes."""
    url, access = served
    with device_taken(studio):
        hung_up = threading.Event()

        def ask() -> None:
            with (
                pytest.raises(httpx.ReadTimeout),
                httpx.Client(headers={"x-user": "ann"}, timeout=0.5) as client,
            ):
                client.post(f"{url}/v1/audio/speech", json={"input": TEXT})
            hung_up.set()

        threading.Thread(target=ask).start()
        until(lambda: access.in_flight == 1)
        assert hung_up.wait(20)
        until(lambda: access.in_flight == 0, 5)


# --- voices


def test_voices_are_listed_for_whom_they_are(
    plain: httpx.Client, studio: Studio, recording: Path
) -> None:
    studio.voices.create(NewVoice("Zoe", recording), "ann")
    studio.voices.create(NewVoice("Bea", recording), "bob")
    answer = plain.get("/v1/audio/voices").json()
    rows = {row["id"]: row for row in answer["data"]}
    assert set(answer["voices"]) == rows.keys()
    assert rows["alloy"]["kind"] == "openai"
    assert "Fiona" in rows["alloy"]["name"]
    assert rows["vivian"]["engine"] == "qwen"
    assert [voice["name"] for voice in answer["uploaded_voices"]] == ["Zoe"]
    own = plain.get("/v1/audio/voices", params={"model": "qwen"}).json()["data"]
    assert {row["engine"] for row in own} == {"qwen"}
    assert plain.get("/v1/audio/voices", params={"model": "nothing"}).status_code == 404


def test_a_personality_speaks_by_its_tags(client: OpenAI, studio: Studio, recording: Path) -> None:
    emotion = NewEmotion("neutral", recording)
    studio.personalities.create(NewPersonality("Mara", (emotion,), language="en"), "ann")
    said = client.audio.speech.create(
        model="cloning", voice="Mara", input="[neutral] Hello.", response_format="wav"
    )
    take = studio.history.get(said.response.headers["x-take-id"], "ann")
    assert take.mode == "personality"
    assert said.content == studio.history.path(take).read_bytes()


def test_a_recording_that_comes_along_is_spoken_like(
    client: OpenAI, studio: Studio, recording: Path
) -> None:
    said = client.audio.speech.create(
        model="cloning",
        voice="alloy",
        input=TEXT,
        response_format="wav",
        extra_body={
            "task_type": "Base",
            "ref_audio": f"data:audio/wav;base64,{base64.b64encode(recording.read_bytes()).decode()}",
            "ref_text": SENTENCE,
            "language": "en",
        },
    )
    take = take_of(studio, said.response.headers)
    assert (take.mode, take.language[:2]) == ("clone", "en")
    until(lambda: not list(studio.workspace.spool.glob("*.recording")))
