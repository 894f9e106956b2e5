"""Promises of the embedded voices: preset speech by eSpeak NG in its own process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from engines.base import Capability, EngineFolders, Placement, SpeechChunk, SpeechRequest
from engines.espeak import EspeakEngine, library, voices
from engines.espeak.client import EspeakProcess
from engines.espeak.library import MAX_PATH_BYTES, data_folder, short_path
from studio.control import Control
from studio.errors import BadInput, Cancelled, EngineFailed, NotFound
from studio.models.folders import ModelFolders
from studio.settings import CHECKOUT

TEXT = "Hello, world! The man of the house paid 1,234 dollars — “why?” she asked. Nobody knew."
LONG = "This sentence is here to be spoken for a while, and it does not stop soon. " * 60


def say(engine: EspeakEngine, text: str = TEXT, language: str = "en-us", **fields) -> list[SpeechChunk]:
    return list(engine.stream(SpeechRequest(text, language, **fields), Control()))


def sound(chunks: list[SpeechChunk]) -> np.ndarray:
    return np.concatenate([chunk.audio.samples for chunk in chunks])


def duration(chunks: list[SpeechChunk]) -> float:
    return sum(chunk.audio.duration for chunk in chunks)


def audible(chunks: list[SpeechChunk]) -> bool:
    return bool(chunks) and float(np.abs(sound(chunks)).max()) > 0.05


# What the engine says of itself


def test_importing_the_engine_loads_neither_scipy_nor_torch_nor_pyworld() -> None:
    code = (
        "import sys; from engines.espeak import EspeakEngine\n"
        "print(*[name for name in ('scipy', 'torch', 'pyworld', 'pocketsphinx') if name in sys.modules])"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == ""


def test_info_and_speakers_come_without_starting_a_process(tmp_path: Path) -> None:
    engine = EspeakEngine(EngineFolders(tmp_path, ModelFolders(tmp_path, tmp_path)))
    assert len(engine.info.languages) == 138
    assert engine.info.languages["en-us"] == "English (America)"
    assert all(code == code.lower() for code in engine.info.languages)
    assert engine.speakers()[0].recommended
    assert not engine.is_loaded


def test_its_capabilities_are_those_it_keeps() -> None:
    engine = EspeakEngine(EngineFolders(Path("unused"), ModelFolders(Path("unused"), Path("unused"))))
    assert engine.info.capabilities == set(Capability) - {Capability.INSTRUCT, Capability.SAMPLED}
    assert engine.info.license == "GPL-3.0-or-later"
    assert not engine.info.model_keys


def test_every_speaker_speaks_a_language_of_the_info(engine: EspeakEngine) -> None:
    ids = [speaker.id for speaker in engine.speakers()]
    assert len(ids) == len(set(ids))
    assert {speaker.language for speaker in engine.speakers()} == set(engine.info.languages)


# Voices


def test_every_curated_voice_speaks(engine: EspeakEngine) -> None:
    curated = [speaker.id for speaker in engine.speakers() if speaker.language == "en-us"]
    assert len(curated) == 9
    assert all(audible(say(engine, "One two three.", speaker=speaker)) for speaker in curated)


def test_every_language_speaks(engine: EspeakEngine) -> None:
    # Three of them do not read numbers.
    texts = {"chr": "ᎣᏏᏲ", "cv": "Салам", "sjn": "mellon"}
    silent = [
        code
        for code in engine.info.languages
        if not audible(say(engine, texts.get(code, "1 2 3."), code))
    ]
    assert not silent


def test_curated_voices_sound_different(engine: EspeakEngine) -> None:
    woman = sound(say(engine, "One.", speaker="gmw/en-US+f2"))
    man = sound(say(engine, "One.", speaker="gmw/en-US+m5"))
    length = min(len(woman), len(man))
    assert np.abs(woman[:length] - man[:length]).max() > 0.1


def test_an_unknown_voice_lists_the_nearest(engine: EspeakEngine) -> None:
    with pytest.raises(NotFound) as caught:
        say(engine, speaker="gmw/en-US+f9")
    assert "gmw/en-US+f" in caught.value.hint


def test_an_unclear_variant_is_not_offered(engine: EspeakEngine) -> None:
    with pytest.raises(NotFound):
        say(engine, speaker="gmw/en-US+Alicia")


def test_an_unknown_language_lists_the_nearest(engine: EspeakEngine) -> None:
    with pytest.raises(NotFound):
        say(engine, language="tlh-piqd")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("GMW/en-us+F2", "gmw/en-US+f2"),
        ("de+f2", "gmw/de+f2"),
        ("en", "gmw/en-US"),
        ("en-gb", "gmw/en"),
        ("zh", "sit/cmn"),
    ],
)
def test_short_names_of_voices_are_understood(given: str, expected: str) -> None:
    assert voices.identifier(*voices.resolve(given)) == expected


def test_a_region_without_a_voice_is_spoken_by_its_language() -> None:
    assert voices.language_for("de-AT").code == "de"
    assert voices.language_for("es-mx").code == "es-419"


# Sound and timings


def test_the_first_sound_comes_within_50_ms(engine: EspeakEngine) -> None:
    engine.load(Placement("cpu", "float32"), "")
    waits = []
    for _ in range(5):
        start = time.perf_counter()
        stream = engine.stream(SpeechRequest(LONG, "en-us"), Control())
        next(stream)
        waits.append(time.perf_counter() - start)
        stream.close()
    assert min(waits) < 0.05


def test_sound_is_float32_in_range_at_22050_hz(engine: EspeakEngine) -> None:
    chunks = say(engine)
    assert {chunk.audio.sample_rate for chunk in chunks} == {22_050}
    assert sound(chunks).dtype == np.float32
    assert np.abs(sound(chunks)).max() <= 1


def test_words_are_those_of_the_text_in_order_and_within_the_sound(engine: EspeakEngine) -> None:
    chunks = say(engine)
    words = [word for chunk in chunks for word in chunk.words]
    assert [word.text for word in words] == TEXT.replace(" —", "\0—").replace(" ", "\n").replace(
        "\0", " "
    ).split("\n")
    times = [time for word in words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert times[0] >= 0
    assert times[-1] <= duration(chunks)
    assert all(word.end > word.start for word in words)


def test_phonemes_are_ipa_in_order_and_within_the_sound(engine: EspeakEngine) -> None:
    chunks = say(engine, "Ship.")
    phonemes = [phoneme for chunk in chunks for phoneme in chunk.phonemes]
    assert "".join(phoneme.symbol for phoneme in phonemes) == "ʃˈɪp"
    times = [time for phoneme in phonemes for time in (phoneme.start, phoneme.end)]
    assert times == sorted(times)
    assert times[-1] <= duration(chunks)


def test_timings_come_with_the_sound_they_belong_to(engine: EspeakEngine) -> None:
    position = 0.0
    for chunk in say(engine, LONG[:400]):
        position += chunk.audio.duration
        for word in chunk.words:
            # A word ends with the next one's start, which eSpeak NG tells a little ahead.
            assert word.start < position + 1.0


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.5, 2.0])
def test_speed_changes_the_length_and_the_timings_with_it(engine: EspeakEngine, speed: float) -> None:
    normal, changed = say(engine, LONG[:600]), say(engine, LONG[:600], speed=speed)
    assert duration(changed) == pytest.approx(duration(normal) / speed, rel=0.1)
    assert changed[-1].words[-1].end == pytest.approx(duration(changed), abs=0.3)


def test_the_pace_is_the_words_a_minute_asked_for(engine: EspeakEngine) -> None:
    text = LONG[:1500]
    for pace in (120, 180, 300):
        chunks = say(engine, text, options={"rate": pace})
        assert len(text.split()) / duration(chunks) * 60 == pytest.approx(pace, rel=0.1)


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("a <b>bold</b> & plain [[ word", "en-us", 5),
        ("Say [[h@l'oU w'3:ld]] now.", "en-us", 3),
        ("你好，世界。", "zh", 4),
        ("こんにちは。いい てんき です。", "ja", 4),
        ("“Quoted,” she said — and went...", "en-us", 5),
        ("Wow 😀! Yes.", "en-us", 3),
        ("nul\0in\x07side", "en-us", 3),
    ],
)
def test_any_text_is_spoken_with_each_word_timed(
    engine: EspeakEngine, text: str, language: str, words: int
) -> None:
    chunks = say(engine, text, language)
    assert audible(chunks)
    assert sum(len(chunk.words) for chunk in chunks) == words


def test_phonemes_in_brackets_are_spoken_as_phonemes(engine: EspeakEngine) -> None:
    symbols = [phoneme.symbol for chunk in say(engine, "[[h@l'oU]]") for phoneme in chunk.phonemes]
    assert symbols == ["h", "ə", "l", "ˈoʊ"]


def test_kanji_are_refused_with_a_remedy(engine: EspeakEngine) -> None:
    with pytest.raises(BadInput) as caught:
        say(engine, "日本語です。", "ja")
    assert "katakana" in caught.value.hint


@pytest.mark.parametrize("text", ["", "  \n", "\0\0"])
def test_nothing_to_say_is_refused(engine: EspeakEngine, text: str) -> None:
    with pytest.raises(BadInput):
        say(engine, text)


def test_punctuation_alone_is_no_error(engine: EspeakEngine) -> None:
    say(engine, "...")


@pytest.mark.parametrize(
    "options",
    [{"rate": 5}, {"pitch": 101}, {"volume": float("nan")}, {"f0": 1e9}, {"exemplar_weight": 0.9}],
)
def test_an_option_out_of_range_is_refused_naming_the_range(engine: EspeakEngine, options) -> None:
    with pytest.raises(BadInput) as caught:
        say(engine, options=options)
    assert "from" in caught.value.hint


def test_an_unknown_option_lists_the_nearest(engine: EspeakEngine) -> None:
    with pytest.raises(NotFound) as caught:
        say(engine, options={"volum": 50})
    assert "volume" in caught.value.hint


@pytest.mark.parametrize("speed", [0, -1, 0.4, 2.5, float("nan")])
def test_a_speed_out_of_range_is_refused(engine: EspeakEngine, speed: float) -> None:
    with pytest.raises(BadInput):
        say(engine, speed=speed)


def test_pitch_volume_and_gap_do_what_they_say(engine: EspeakEngine) -> None:
    normal = say(engine)
    quiet, gaps = say(engine, options={"volume": 50}), say(engine, options={"word_gap": 200})
    assert np.abs(sound(quiet)).max() == pytest.approx(np.abs(sound(normal)).max() / 2, rel=0.15)
    assert duration(gaps) > duration(normal) + 1
    assert not np.array_equal(sound(say(engine, options={"pitch": 80}))[:20_000], sound(normal)[:20_000])


# The process


def test_a_child_killed_in_mid_speech_is_an_error_and_the_next_request_works(
    engine: EspeakEngine,
) -> None:
    stream = engine.stream(SpeechRequest(LONG * 3, "en-us"), Control())
    next(stream)
    child = engine._process.pid
    assert child is not None
    os.kill(child, signal.SIGSTOP)  # so that it cannot have finished
    os.kill(child, signal.SIGKILL)
    with pytest.raises(EngineFailed) as caught:
        list(stream)
    assert "stopped unexpectedly" in caught.value.message
    assert "Try again" in caught.value.hint
    assert audible(say(engine))


def test_a_child_killed_between_requests_is_replaced_silently(engine: EspeakEngine) -> None:
    engine.load(Placement("cpu", "float32"), "")
    child = engine._process.pid
    assert child is not None
    os.kill(child, signal.SIGKILL)
    assert audible(say(engine))
    assert engine._process.pid != child


def test_a_hanging_child_is_given_up(engine: EspeakEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.load(Placement("cpu", "float32"), "")
    child = engine._process.pid
    assert child is not None
    os.kill(child, signal.SIGSTOP)
    with monkeypatch.context() as patched, pytest.raises(EngineFailed, match="did not answer"):
        patched.setattr("engines.espeak.client.HANG_S", 0.3)
        say(engine)
    assert audible(say(engine))


def test_eight_threads_racing_give_intact_sound(engine: EspeakEngine) -> None:
    texts = [f"Number {number} " + "and so on, " * number + "ends." for number in range(1, 9)]
    alone = [say(engine, text) for text in texts]
    start = threading.Barrier(8)

    def race(text: str) -> list[list[SpeechChunk]]:
        start.wait()
        return [say(engine, text) for _ in range(4)]

    with ThreadPoolExecutor(8) as pool:
        raced = list(pool.map(race, texts))
    for expected, results in zip(alone, raced, strict=True):
        for chunks in results:
            # eSpeak NG's length varies by some hundred samples from one time to the next.
            assert duration(chunks) == pytest.approx(duration(expected), abs=0.05)
            assert [w.text for c in chunks for w in c.words] == [
                w.text for c in expected for w in c.words
            ]


def test_a_paused_listener_holds_nobody_up(engine: EspeakEngine) -> None:
    waiting = engine.stream(SpeechRequest(LONG, "en-us"), Control())
    next(waiting)
    assert audible(say(engine, "Meanwhile."))
    assert duration(list(waiting)) > 60


def test_cancel_stops_within_one_chunk_and_the_engine_stays_usable(engine: EspeakEngine) -> None:
    control = Control()
    stream = engine.stream(SpeechRequest(LONG, "en-us"), control)
    next(stream)
    control.cancel()
    with pytest.raises(Cancelled):
        next(stream)
    before = engine._process.pid
    expected = duration(say(engine))
    assert duration(say(engine)) == pytest.approx(expected, abs=0.02)
    assert engine._process.pid == before


def test_closing_the_iterator_stops_the_work(engine: EspeakEngine) -> None:
    stream = engine.stream(SpeechRequest(LONG * 4, "en-us"), Control())
    next(stream)
    stream.close()
    start = time.perf_counter()
    assert audible(say(engine, "Next."))
    assert time.perf_counter() - start < 0.3


def test_the_child_ends_with_its_parent() -> None:
    code = (
        "from engines.espeak.client import EspeakProcess\n"
        "process = EspeakProcess(); process.start(); print(process.pid, flush=True)\n"
        "import os; os._exit(1)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    pid = int(shown.stdout)
    deadline = time.monotonic() + 5
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.02)


def test_unload_ends_the_child_and_is_harmless_twice(tmp_path: Path) -> None:
    engine = EspeakEngine(EngineFolders(tmp_path, ModelFolders(tmp_path, tmp_path)))
    engine.unload()
    engine.load(Placement("cpu", "float32"), "")
    assert engine.is_loaded
    engine.unload()
    engine.unload()
    assert not engine.is_loaded
    assert audible(say(engine))
    engine.unload()


def test_memory_does_not_grow_with_use(engine: EspeakEngine) -> None:
    def resident() -> int:
        child = engine._process.pid
        assert child is not None
        return psutil.Process().memory_info().rss + psutil.Process(child).memory_info().rss

    for _ in range(50):
        say(engine)
    before = resident()
    for _ in range(300):
        say(engine)
    assert resident() - before < 8e6


def test_data_under_a_long_path_are_used_through_a_short_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 6)
    deep.mkdir(parents=True)
    (deep / "espeak-ng-data").symlink_to(data_folder(), target_is_directory=True)
    place = deep / "espeak-ng-data"
    assert len(os.fsencode(place)) > MAX_PATH_BYTES
    assert len(os.fsencode(short_path(place))) <= MAX_PATH_BYTES
    monkeypatch.setattr("engines.espeak.client.data_folder", lambda: place)
    process = EspeakProcess()
    assert process.start() == 22_050
    process.close()


def test_data_are_copied_where_links_are_not_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no links here")

    deep = tmp_path.joinpath(*["a-folder-with-a-long-name"] * 6)
    (deep / "lang").mkdir(parents=True)
    (deep / "phontab").write_bytes(b"x")
    monkeypatch.setattr(Path, "symlink_to", refuse)
    assert (short_path(deep) / "phontab").read_bytes() == b"x"


def test_without_the_wheel_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    library.wheel_folder.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    try:
        with pytest.raises(EngineFailed, match="pip install espeakng-loader"):
            data_folder()
    finally:
        library.wheel_folder.cache_clear()
