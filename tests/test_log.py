"""Promises of the log: it says what happened, and nothing that is private."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from studio import log as logs
from studio.errors import NotFound, StorageFailed

SECRETS = {
    "password": "canary-pass-4711",
    "api_key": "canary-key-0815",
    "token": "canarytoken0123456789",
    "authorization": "Basic Y2FuYXJ5OmNhbmFyeQ==",
    "hf": "hf_CanaryCanaryCanaryCanary",
    "openai": "sk-canary-abcdefghijkl",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOjF9.c2lnbmVk",
    "known": "a plain sentence chosen as canary password",
}
TEXT = "Dear diary, this canary text is nobody's business."


@pytest.fixture(autouse=True)
def root_as_before() -> Iterator[None]:
    root, hidden = logging.getLogger(), set(logs._hidden)
    handlers, level = list(root.handlers), root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:], root.level = handlers, level
    logs._hidden.clear()
    logs._hidden.update(hidden)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[], str]:
    path = tmp_path / "logs" / "timbre.log"

    def read() -> str:
        return path.read_text(encoding="utf-8")

    logs.configure("debug", file=path)
    return read


def log_every_secret() -> None:
    log = logging.getLogger("studio.test")
    logs.hide(SECRETS["known"])
    for name, value in SECRETS.items():
        log.info("signing in", extra={name if name != "known" else "note": value})
        log.info("nested", extra={"request": {"headers": [{name: value}]}})
    log.info("password=%s", SECRETS["password"])
    log.info("PASSWORD: '%s', api-key=%s", SECRETS["password"], SECRETS["api_key"])
    log.info('{"token": "%s", "passwd": "%s"}', SECRETS["token"], SECRETS["password"])
    log.info("%(password)s was given", {"password": SECRETS["password"]})
    log.info("Authorization: %s", SECRETS["authorization"])
    log.info("Authorization: Bearer %s", SECRETS["token"])
    log.info("GET /api?access_token=%s&api_key=%s HTTP/1.1", SECRETS["token"], SECRETS["api_key"])
    log.info("cloning https://ada:%s@example.org/x", SECRETS["password"])
    log.info("with %s, %s and %s", SECRETS["hf"], SECRETS["openai"], SECRETS["jwt"])
    log.info("it was: %s", SECRETS["known"])
    log.info("TIMBRE_AUTH=ada:%s HF_TOKEN=%s", SECRETS["password"], SECRETS["token"])
    logging.getLogger("somelibrary").warning("secret=%s", SECRETS["token"])
    try:
        raise RuntimeError(f"401 for token={SECRETS['token']} and {SECRETS['known']}")
    except RuntimeError:
        log.exception("request failed")


@pytest.mark.parametrize("json_lines", [False, True])
def test_seeded_secrets_are_found_nowhere(
    json_lines: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "timbre.log"
    logs.configure("debug", json_lines=json_lines, file=path)
    log_every_secret()
    seen = capsys.readouterr()
    everything = path.read_text(encoding="utf-8") + seen.out + seen.err
    assert everything.count("signing in") == 2 * len(SECRETS)
    assert "request failed" in seen.err
    found = [name for name, value in SECRETS.items() if value in everything]
    assert found == []
    assert "canary" not in everything.lower().replace("canary_", "")


def test_arguments_that_do_not_fit_are_not_shown_either(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own would raise
    logs.configure("info", file=tmp_path / "timbre.log")
    logging.getLogger("studio").info("%d parts", "canary")
    assert "%d parts (its arguments do not fit)" in (tmp_path / "timbre.log").read_text()
    assert "canary" not in capsys.readouterr().err


def test_text_and_audio_appear_as_hashes_only(written: Callable[[], str]) -> None:
    samples = np.linspace(-1, 1, 500, dtype=np.float32)
    log = logging.getLogger("studio.test")
    logs.event(log, "spoken", text=TEXT, audio=samples, upload=TEXT.encode(), name="Zoë", level=3)
    line = written()
    assert "canary" not in line
    assert f"text={logs.hashed(TEXT)}" in line
    assert f"audio={logs.hashed(samples.tobytes())}" in line
    assert "name=Zoë level=3" in line


def test_a_hash_is_short_and_the_same_for_the_same_content() -> None:
    assert logs.hashed(TEXT) == logs.hashed(TEXT) != logs.hashed(TEXT + " ")
    assert logs.hashed("abc") == "sha256:ba7816bf8f01/3"
    assert logs.hashed("\ud800")  # half a pair, as broken uploads bring it


def test_counts_of_tokens_are_no_secret(written: Callable[[], str]) -> None:
    logging.getLogger("studio").info("sampling", extra={"max_new_tokens": 400, "keyboard": "de"})
    assert "max_new_tokens=400 keyboard=de" in written()


def test_json_lines_are_one_object_each(tmp_path: Path) -> None:
    path = tmp_path / "timbre.log"
    logs.configure("info", json_lines=True, file=path)
    log = logging.getLogger("studio.test")
    log.info("two\nlines", extra={"seconds": 1.5, "event": "taken", "path": Path("a")})
    try:
        raise ValueError("broken")
    except ValueError:
        log.exception("went wrong")
    first, second = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert (first["event"], first["level"], first["seconds"]) == ("two\nlines", "info", 1.5)
    assert first["event_"] == "taken"
    assert first["logger"] == "studio.test"
    assert "ValueError: broken" in second["trace"]


def test_a_name_cannot_forge_a_line(written: Callable[[], str]) -> None:
    logging.getLogger("studio").info("saved %s", "x\n2026-01-01 00:00:00 error  studio: forged")
    logging.getLogger("studio").info("saved", extra={"voice": "x\n2026-01-01 error forged"})
    assert len(written().splitlines()) == 2


def test_levels_apply_to_us_and_libraries_speak_from_warnings_on(tmp_path: Path) -> None:
    path = tmp_path / "timbre.log"
    logs.configure("info", file=path)
    logging.getLogger("engines.x").debug("our detail")
    logging.getLogger("engines.x").info("our news")
    logging.getLogger("httpx").info("GET https://huggingface.co")
    logging.getLogger("httpx").warning("their warning")
    text = path.read_text()
    assert "our news" in text
    assert "their warning" in text
    assert "our detail" not in text
    assert "huggingface" not in text


def test_configuring_twice_writes_each_line_once(tmp_path: Path) -> None:
    path = tmp_path / "timbre.log"
    logs.configure("info", file=path)
    logs.configure("info", file=path)
    logging.getLogger("studio").info("only once")
    assert path.read_text().count("only once") == 1


def test_a_wrong_level_or_place_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="warning"):
        logs.configure("warnings")
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed):
        logs.configure("info", file=tmp_path / "file" / "timbre.log")
