"""A text to speech and a recording to text in one request: who speaks, what is answered, what is refused."""

from __future__ import annotations

import base64
import io
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
import soundfile

from engines.base import Capability
from studio.api import basics, tts
from studio.api.speech_requests import SpeechBody, order_of
from studio.errors import BadInput, NotFound
from studio.services.personality_values import NewEmotion, NewPersonality
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder
from studio.services.voice_values import NewVoice
from studio.settings import load_settings
from studio.text.pronunciation import Entry
from tests.running import spooled, until
from tests.serving import app_of, serving
from tests.spoken import SENTENCE, saved, spoken

TEXT = "Good morning."
LONG = {"text": " ".join([TEXT] * 4_000)}


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, measure_once: Callable[[Path], None]
) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("home")
    measure_once(home)
    with Studio(load_settings(home=home, models_dir=home / "models", max_upload_mb=1)) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(studio: Studio) -> Iterator[httpx.Client]:
    app, _ = app_of(studio, [tts.router, basics.router])
    with (
        serving(app) as url,
        httpx.Client(base_url=url, headers={"x-user": "ann"}, timeout=60) as opened,
    ):
        yield opened


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("sound") / "said.wav", spoken())


def in_base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def order(studio: Studio, owner: str = "ann", **fields: Any) -> SpeechOrder:
    with order_of(studio, SpeechBody(**{"text": TEXT, **fields}), owner) as made:
        assert isinstance(made, SpeechOrder)
        return made


def test_a_text_is_answered_with_a_link_to_ogg(client: httpx.Client, studio: Studio) -> None:
    said = client.post("/tts", json={"text": TEXT, "language": "en", "seed": 5})
    assert said.status_code == 200, said.text
    take = studio.history.get(said.json()["id"], "ann")
    assert (said.json()["processed_text"], said.json()["seed"], take.seed) == (TEXT, 5, 5)
    sound = client.get(said.json()["audio_url"])
    assert sound.headers["content-type"] == "audio/ogg"
    assert sound.headers["content-disposition"].startswith("attachment")
    with av.open(io.BytesIO(sound.content)) as file:
        frames = list(file.decode(audio=0))
    seconds = sum(frame.samples for frame in frames) / frames[0].sample_rate
    assert seconds == pytest.approx(said.json()["duration"], abs=0.1)
    assert client.get(said.json()["audio_url"], headers={"x-user": "bob"}).status_code == 404


def test_the_wav_says_what_it_is(client: httpx.Client, studio: Studio) -> None:
    studio.lexicon.add(Entry("Who", "en", "Mister Hoo"))
    said = client.post("/tts/wav", json={"text": "Good morning, Who.", "language": "en"})
    assert said.headers["content-type"] == "audio/wav"
    sound = soundfile.info(io.BytesIO(said.content))
    assert said.headers["x-sample-rate"] == str(sound.samplerate)
    assert said.headers["x-processed-text-length"] == str(len("Good morning, Mister Hoo."))
    take = studio.history.get(said.headers["x-take-id"], "ann")
    assert said.content == studio.history.path(take).read_bytes()


def test_a_recording_in_base64_is_who_speaks(
    client: httpx.Client, studio: Studio, recording: Path
) -> None:
    wanted = {"reference_audio_base64": in_base64(recording), "reference_text": SENTENCE}
    said = client.post("/tts/wav", json={"text": TEXT, "language": "en-us", **wanted})
    assert said.status_code == 200, said.text
    take = studio.history.get(said.headers["x-take-id"], "ann")
    assert take.mode == "clone"
    reference = take.settings["reference"]
    assert isinstance(reference, dict)
    assert reference["text"] == SENTENCE
    assert Path(str(reference["audio"])).parent == studio.workspace.references
    assert not list(studio.workspace.spool.glob("*.recording"))


def test_several_references_are_of_one_voice(studio: Studio, recording: Path) -> None:
    sound = {"audio": f"data:audio/wav;base64,{in_base64(recording)}", "text": SENTENCE}
    body = SpeechBody.model_validate({"text": TEXT, "references": [sound, {**sound, "text": ""}]})
    with order_of(studio, body, "ann") as made:
        assert isinstance(made, SpeechOrder)
        first = made.reference
        assert first is not None
        assert [first.text, *(each.text for each in first.more)] == [SENTENCE, ""]
        assert first.audio.read_bytes() == recording.read_bytes()
    assert not first.audio.exists()


def test_names_and_words_say_who_speaks(studio: Studio, recording: Path) -> None:
    voice = studio.voices.create(NewVoice("Zoë", recording, transcript=SENTENCE), "ann")
    made = order(studio, voice="zoë", x_vector_only_mode=True)
    assert made.reference is not None
    assert (made.reference.voice, made.reference.x_vector_only) == (voice.id, True)
    with pytest.raises(NotFound, match="Zoë"):
        order(studio, owner="bob", voice="Zoë")
    assert order(studio, voice="Fiona").speaker
    old = order(studio, voice_description="an old man")
    assert (old.mode, old.description) == (Capability.DESIGN, "an old man")


def test_a_personality_speaks_with_feeling(
    client: httpx.Client, studio: Studio, recording: Path
) -> None:
    emotions = tuple(NewEmotion(tag, recording, transcript=SENTENCE) for tag in ("neutral", "happy"))
    studio.personalities.create(NewPersonality("Anna", emotions, language="en"), "ann")
    wanted = {"text": "Good day. [happy] Good news!", "personality": "anna"}
    said = client.post("/tts", json=wanted)
    assert said.status_code == 200, said.text
    assert said.json()["processed_text"] == "Good day. Good news!"
    assert [part.tag for part in studio.performances.get(said.json()["id"], "ann").parts] == [
        *("neutral", "happy")
    ]
    assert client.get(said.json()["audio_url"]).status_code == 200
    slowly = client.post("/tts", json={**wanted, "instructions": "slowly"})
    assert slowly.status_code == 422
    unknown = client.post("/tts", json={**wanted, "text": "[green] Hm."})
    assert unknown.status_code == 422
    assert "green" in unknown.json()["detail"]


def test_the_default_reference_speaks_where_nobody_is_named(tmp_path: Path, recording: Path) -> None:
    given = {"default_reference": str(recording), "default_reference_text": SENTENCE}
    settings = load_settings(home=tmp_path / "home", models_dir=tmp_path, **given)
    with Studio(settings) as studio:
        reference = order(studio).reference
        assert reference is not None
        assert (reference.audio, reference.text) == (recording, SENTENCE)
        assert order(studio, voice="Fiona").reference is None
    settings = settings.model_copy(update={"default_reference": "Zoë"})
    with Studio(settings) as studio:
        voice = studio.voices.create(NewVoice("Zoë", recording), "ann")
        reference = order(studio).reference
        assert reference is not None
        assert reference.voice == voice.id
        with pytest.raises(BadInput, match="not yours"):
            order(studio, owner="bob")
    settings = settings.model_copy(update={"default_reference": str(tmp_path / "gone.wav")})
    with Studio(settings) as studio, pytest.raises(BadInput, match="gone"):
        order(studio)


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"text": " "}, 422, "no text"),
        ({"text": None}, 422, "text"),
        ({"colour": "red"}, 422, "colour"),
        ({"voice": "nobody"}, 404, "nobody"),
        ({"personality": "nobody"}, 404, "nobody"),
        ({"engine": "nobody"}, 404, "nobody"),
        ({"language": "klingon"}, 404, "klingon"),
        ({"voice": "Fiona", "voice_description": "old"}, 422, "several voices"),
        ({"instructions": "slowly"}, 422, "instructions"),
        ({"reference_text": "Hello."}, 422, "without its recording"),
        ({"x_vector_only_mode": True}, 422, "recordings"),
        ({"reference_audio_base64": "https://example.com/a.wav"}, 422, "address"),
        ({"reference_audio_base64": "/etc/passwd"}, 422, "base64"),
        ({"reference_audio_base64": "data:audio/wav,abc"}, 422, "base64"),
        ({"reference_audio_base64": base64.b64encode(b"no sound").decode()}, 422, "recording"),
        ({"reference_audio_base64": "A" * 1_400_000}, 422, "too large"),
        ({"references": [{"audio": " ="}]}, 422, "base64"),
        ({"references": [{"audio": "AAAA"}] * 9}, 422, "references"),
        ({"speed": 9}, 422, "Speed"),
        ({"seed": -1}, 422, "Seed"),
        ({"sampling": {"top_k": 5}}, 422, "top_k"),
        ({"sampling": {"heat": 5}}, 404, "heat"),
        ({"options": {"smile": 1}}, 404, "smile"),
        ({"text": "..."}, 422, "nothing to speak"),
    ],
)
def test_what_is_wrong_is_said(
    client: httpx.Client, fields: dict[str, Any], status: int, words: str
) -> None:
    answer = client.post("/tts", json={"text": TEXT, **fields})
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert words in body["detail"] + body["hint"]
    assert set(body) == {"detail", "hint", "error_id"}


def test_who_is_not_known_is_refused(client: httpx.Client) -> None:
    nobody = httpx.Client(base_url=client.base_url)
    for path in ("/tts", "/tts/wav"):
        assert nobody.post(path, json={"text": TEXT}).status_code == 401
    assert nobody.get("/api/status").status_code == 401


def test_what_takes_too_long_is_given_up(client: httpx.Client, studio: Studio) -> None:
    answer = client.post("/tts", json=LONG, headers={"x-timeout": "0.2"})
    assert answer.status_code == 504
    until(lambda: not studio.engines.state().engines[0].in_use)


def test_who_hangs_up_stops_it(client: httpx.Client, studio: Studio) -> None:
    request = client.build_request("POST", "/tts/wav", json=LONG, headers={"x-user": "eve"})
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    before = spooled(studio.workspace.home)
    with socket.create_connection((request.url.host, request.url.port)) as waiting:
        waiting.sendall(f"POST /tts/wav HTTP/1.1\r\n{head}\r\n".encode() + request.content)
        until(lambda: spooled(studio.workspace.home) > before + 50_000)
    until(lambda: bool(studio.history.list("eve")))
    assert studio.history.list("eve")[0].status == "stopped"
    assert not studio.engines.state().engines[0].in_use


def test_a_recording_is_written_down(client: httpx.Client, studio: Studio, recording: Path) -> None:
    files = {"file": ("said.wav", recording.read_bytes())}
    said = client.post("/stt", files=files, data={"context": "station", "language": "en"})
    assert said.status_code == 200, said.text
    record = studio.transcripts.history.get(said.json()["id"], "ann")
    assert said.json()["raw_text"] == said.json()["processed_text"] == record.text != ""
    assert record.settings["prompt"] == "station"
    assert record.name == "said.wav"
    assert said.json()["files"]["srt"] == f"/transcripts/{record.id}/text?format=srt"
    same = client.post("/api/transcribe", files=files)
    words = [word["word"] for part in same.json()["segments"] for word in part["words"]]
    assert " ".join(words) == same.json()["text"] == record.text


def test_what_is_no_recording_is_refused(client: httpx.Client) -> None:
    for path in ("/stt", "/api/transcribe"):
        for content in (b"", b"no sound", b"RIFF"):
            answer = client.post(path, files={"file": ("../../x.wav", content)})
            assert answer.status_code == 422, answer.text
        assert client.post(path).status_code == 422


def test_the_studio_tells_how_it_is_and_who_can_speak(client: httpx.Client, studio: Studio) -> None:
    assert client.post("/api/switch_model", json={"engine": "espeak"}).json()["engine"] == "espeak"
    status = client.get("/api/status").json()
    assert (status["default_engine"], status["queue"]["waiting"]) == ("espeak", 0)
    assert next(each for each in status["engines"] if each["id"] == "espeak")["loaded"]
    speakers = client.get("/api/speakers", params={"language": "de"}).json()
    assert {each["language"] for each in speakers["speakers"]} == {"de"}
    assert client.get("/api/speakers", params={"engine": "nobody"}).status_code == 404


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ({}, 422),
        ({"engine": "nobody"}, 404),
        ({"engine": "qwen"}, 409),
        ({"model": "nothing"}, 404),
        ({"model": "qwen-0.6b-base"}, 409),
        ({"model": "qwen-0.6b-base", "engine": "xtts"}, 404),
    ],
)
def test_a_model_that_is_not_there_cannot_be_switched_to(
    client: httpx.Client, wanted: dict[str, str], status: int
) -> None:
    assert client.post("/api/switch_model", json=wanted).status_code == status
