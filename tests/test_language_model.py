"""Promises of the language model: it helps, and whatever it does wrong, the text survives."""

from __future__ import annotations

import io
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio import log
from studio.control import Control
from studio.errors import BadInput, Cancelled, NotFound
from studio.services.language_model import LanguageModel
from studio.services.llm_client import address
from studio.settings import Settings, load_settings
from tests.llm_server import LlmServer
from tests.running import free_port, until

KEY = "sesame-7261-open"
RAW = "so this is the first sentence and here is the second one what do you think"


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with LlmServer() as running:
        yield running


def model(home: Path, url: str, **given: object) -> LanguageModel:
    return LanguageModel(settings(home, url, **given))


def settings(home: Path, url: str, **given: object) -> Settings:
    return load_settings(home=home, llm_url=url, llm_api_key=KEY, **({"llm_timeout_s": 5} | given))


def test_a_text_comes_back_as_the_model_made_it(server: LlmServer, tmp_path: Path) -> None:
    done = model(tmp_path, server.url, llm_model="small").process(RAW, "stt", "en-us", "a talk")
    assert (done.text, done.raw, done.changed, done.notices) == (RAW.upper(), RAW, True, ())
    (asked,) = server.asked
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body["model"] == "small"
    assert asked.body["temperature"] == 0.0
    system, user = asked.body["messages"]
    assert system["role"] == "system"
    assert "en-us" in user["content"]
    assert "a talk" in user["content"]


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("http://h:1", "http://h:1/v1/chat/completions"),
        ("http://h:1/v1", "http://h:1/v1/chat/completions"),
        ("https://h/api/chat/completions", "https://h/api/chat/completions"),
    ],
)
def test_the_address_may_be_short(given: str, asked: str, tmp_path: Path) -> None:
    assert address(settings(tmp_path, given + "/").llm_url) == asked


@pytest.mark.parametrize(
    "url", ["ftp://h", "h:1", "file:///etc/passwd", "http://", "http://u:p@h", "http://h/?key=1"]
)
def test_an_address_that_cannot_be_is_refused_by_name(url: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="llm_url"):
        settings(tmp_path, url)


def test_it_is_off_until_a_server_is_set_and_then_on_for_transcripts_alone(tmp_path: Path) -> None:
    off = model(tmp_path, "")
    assert not off.available
    assert not off.enabled("stt")
    assert off.process(RAW, "stt").text == RAW
    on = model(tmp_path, "http://127.0.0.1:9")
    assert (on.enabled("stt"), on.enabled("tts")) == (True, False)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("500", "HTTP 500: no model is loaded"),
        ("401", "llm_api_key"),
        ("404", "llm_model"),
        ("400", "llm_max_chars"),
        ("429", "later"),
        ("html", "not JSON"),
        ("list", "not JSON"),
        ("no-choices", "unknown form"),
        ("huge", "never ended"),
        ("cut", "cut off"),
        ("redirect", "not followed"),
    ],
)
def test_a_server_s_fault_leaves_the_text_and_says_what_to_do(
    fault: str, said: str, server: LlmServer, tmp_path: Path
) -> None:
    server.fault, server.redirect_to = fault, "http://127.0.0.1:9/"
    done = model(tmp_path, server.url).process(RAW, "stt")
    assert (done.text, done.changed) == (RAW, False)
    assert said in " ".join(done.notices)
    assert done.notices[-1] == "The text stays as it was."
    assert KEY not in " ".join(done.notices)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        ("...", "empty"),
        ("<think>hm</think>", "empty"),
        ("<think>" + RAW, "middle of its thoughts"),
        ("I'm sorry, but I can't help with that request, as it might be the first one.", "refused"),
        ("As an AI language model I do not think about the first or the second sentence.", "refused"),
        ("Yes.", "shorter"),
        (RAW + " " + "and more of it " * 20, "longer"),
        ("Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy.", "words"),
    ],
)
def test_a_nonsense_answer_is_not_used(
    answer: str, said: str, server: LlmServer, tmp_path: Path
) -> None:
    server.answer = lambda _: answer
    done = model(tmp_path, server.url).process(RAW, "stt")
    assert (done.text, done.changed) == (RAW, False)
    assert said in done.notices[0]


@pytest.mark.parametrize(
    "wrapped",
    [
        "{}",
        "\n{}\n\n",
        "```\n{}\n```",
        "```text\n{}\n```",
        "<think>\nThe user wants ...\n</think>\n\n{}",
        "The user wants ...</think>{}",
        "Here is the corrected transcript:\n\n{}",
        "Sure! Here you go:\n```\n{}\n```",
        '"{}"',
    ],
)
def test_what_stands_around_a_good_answer_is_taken_off(
    wrapped: str, server: LlmServer, tmp_path: Path
) -> None:
    good = "So this is the first sentence, and here is the second one. What do you think?"
    server.answer = lambda _: wrapped.format(good)
    done = model(tmp_path, server.url).process(RAW, "stt")
    assert (done.text, done.notices) == (good, ())


def test_a_server_that_is_down_is_said_to_be(tmp_path: Path) -> None:
    done = model(tmp_path, f"http://127.0.0.1:{free_port()}").process(RAW, "stt")
    assert done.text == RAW
    assert "cannot be reached" in done.notices[0]
    assert "llm_url" in done.notices[0]


@pytest.mark.parametrize("fault", ["slow", "drip"])
def test_a_slow_server_is_given_up_in_time(fault: str, server: LlmServer, tmp_path: Path) -> None:
    server.fault = fault
    long_text = " ".join(f"This is sentence number {i} of many." for i in range(40))
    began = time.monotonic()
    done = model(tmp_path, server.url, llm_timeout_s=0.4, llm_max_chars=200).process(long_text, "stt")
    assert time.monotonic() - began < 2, "the other pieces are not tried"
    assert done.text == long_text
    assert "llm_timeout_s" in done.notices[0]
    assert len(server.asked) == 1


@pytest.mark.parametrize("fault", ["slow", "drip"])
def test_cancel_is_felt_at_once_and_by_the_server_too(
    fault: str, server: LlmServer, tmp_path: Path
) -> None:
    server.fault = fault
    control = Control()
    threading.Timer(0.3, control.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        model(tmp_path, server.url, llm_timeout_s=30).process(RAW, "stt", control=control)
    assert time.monotonic() - began < 1
    until(server.gone.is_set, 5)


def test_a_redirect_takes_the_key_nowhere(server: LlmServer, tmp_path: Path) -> None:
    with LlmServer() as elsewhere:
        server.fault, server.redirect_to = "redirect", f"{elsewhere.url}/v1/chat/completions"
        model(tmp_path, server.url).process(RAW, "stt")
        assert elsewhere.asked == []


def test_neither_a_proxy_nor_a_netrc_is_asked(
    server: LlmServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LlmServer() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login ann password secret\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        done = model(tmp_path, server.url).process(RAW, "stt")
        assert done.changed
        assert proxy.asked == []
        assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_neither_key_nor_text_reaches_the_log(server: LlmServer, tmp_path: Path) -> None:
    stream = io.StringIO()
    log.configure("debug")
    handler = logging.getLogger().handlers[-1]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    try:
        for fault in ("", "500", "slow", "redirect"):
            server.fault = fault
            model(tmp_path, server.url, llm_timeout_s=0.3).process(RAW, "stt")
        logging.getLogger("studio").warning("a slip: %s", KEY)
    finally:
        logging.getLogger().removeHandler(handler)
    assert "language model of no use" in stream.getvalue()
    assert KEY not in stream.getvalue()
    assert "first sentence" not in stream.getvalue()


def test_a_long_text_goes_in_pieces_that_end_with_a_sentence(server: LlmServer, tmp_path: Path) -> None:
    text = "\n\n".join(" ".join(f"Sentence {i} of paragraph {p}." for i in range(9)) for p in range(5))
    done = model(tmp_path, server.url, llm_max_chars=300).process(text, "stt", "en")
    assert done.text == text.upper()
    assert len(server.asked) > 3
    assert all(len(asked.text) <= 300 and asked.text.endswith(".") for asked in server.asked)


def test_one_bad_piece_spoils_no_other(server: LlmServer, tmp_path: Path) -> None:
    server.answer = lambda text: "" if "number 5 " in text else text.upper()
    text = " ".join(f"This is the sentence with number {i} in it." for i in range(12))
    done = model(tmp_path, server.url, llm_max_chars=200).process(text, "stt", "en")
    assert "NUMBER 1 " in done.text
    assert "number 5 " in done.text
    assert "NUMBER 11 " in done.text
    assert "1 of 3 pieces" in done.notices[-1]


def test_progress_is_told(server: LlmServer, tmp_path: Path) -> None:
    told: list[str] = []
    control = Control(lambda progress: told.append(progress.stage))
    model(tmp_path, server.url).process(RAW, "stt", control=control)
    assert told == ["language model"]


def test_braces_in_a_text_are_only_text(server: LlmServer, tmp_path: Path) -> None:
    text = "the function returns {language} and {context} and {text} in its braces"
    assert model(tmp_path, server.url).process(text, "stt", "de").text == text.upper()
    assert server.asked[0].text == text


def test_before_speech_numbers_may_become_words(server: LlmServer, tmp_path: Path) -> None:
    said = "It costs one thousand two hundred and thirty-four pounds, ninety-nine."
    server.answer = lambda _: said
    assert model(tmp_path, server.url).process("It costs £1,234.99.", "tts").text == said


def test_halves_of_characters_and_control_characters_do_not_come_through(
    server: LlmServer, tmp_path: Path
) -> None:
    server.answer = lambda text: text.upper() + "\ud83d\x00\u202e"
    done = model(tmp_path, server.url).process(RAW + " \udc00", "stt")
    assert done.text == RAW.upper()


@pytest.mark.parametrize("key", ["two words", "ключ", "line\nbreak", "x\x00"])
def test_a_key_that_no_header_can_hold_is_refused_without_showing_it(key: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="llm_api_key") as caught:
        load_settings(home=tmp_path, llm_api_key=key)
    assert key not in str(caught.value)
    assert KEY not in repr(settings(tmp_path, "http://h"))


def test_an_unknown_mode_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="mode"):
        model(tmp_path, "").process(RAW, "sst")
