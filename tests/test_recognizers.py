"""Promises of the recognizers, kept with the real packages: pocketsphinx's own model, Whisper with a tiny
random checkpoint."""

from __future__ import annotations

import functools
import re
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engines import faster_whisper
from engines.base import EngineFolders, Placement
from engines.manager import EngineManager
from engines.recognition import Recognition, RecognitionRequest, Recognizer, Task
from engines.registry import RECOGNIZERS, Registry
from engines.sphinx import SphinxRecognizer
from engines.whisper import WhisperRecognizer
from engines.whisper.languages import LANGUAGES, from_whisper, to_whisper
from engines.whisper.loading import load
from engines.whisper.practice import make_practice
from studio.audio.reading import read
from studio.audio.types import Audio
from studio.control import Control
from studio.errors import BadInput, Cancelled, EngineFailed, ModelMissing
from studio.models.folders import ModelFolders
from studio.models.registry import entry_of
from tests.spoken import RATE, REAL, SENTENCE, silence, spoken

CPU = Placement("cpu", "float32")
PRACTICE = "whisper-practice"

#: Of the four shortest recordings of LJ Speech; measured 28 %, and 21 % over all eight.
MAX_WER = 0.35

SHORT = "See you this morning."


def folders(models: Path) -> EngineFolders:
    return EngineFolders(models / "cache", ModelFolders(models, models / "Qwen"))


@pytest.fixture(scope="module")
def sphinx(tmp_path_factory: pytest.TempPathFactory) -> SphinxRecognizer:
    recognizer = SphinxRecognizer(folders(tmp_path_factory.mktemp("none")))
    recognizer.load(CPU, "")
    return recognizer


@pytest.fixture(scope="module")
def whisper(whisper_models: Path) -> WhisperRecognizer:
    recognizer = WhisperRecognizer(folders(whisper_models))
    recognizer.load(CPU, PRACTICE)
    return recognizer


@pytest.fixture(params=["sphinx", "whisper"])
def recognizer(request: pytest.FixtureRequest) -> Recognizer:
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def heard(request: pytest.FixtureRequest) -> Callable[[str], Recognition]:
    """What a recognizer makes of SENTENCE, which takes it a second."""

    @functools.cache
    def hear(name: str) -> Recognition:
        found: Recognition = request.getfixturevalue(name).recognize(ask(spoken()), Control())
        return found

    return hear


def ask(samples: np.ndarray, **more: object) -> RecognitionRequest:
    return RecognitionRequest(Audio(samples, RATE), **more)  # type: ignore[arg-type]


def wrong_words(reference: str, heard: str) -> tuple[int, int]:
    """How many words have to be changed, and how many there are."""
    first, second = (re.sub(r"[^a-z' ]", " ", text.lower()).split() for text in (reference, heard))
    row = list(range(len(second) + 1))
    for number, word in enumerate(first, 1):
        above, row = row, [number]
        for index, other in enumerate(second):
            row.append(min(above[index] + (word != other), above[index + 1] + 1, row[-1] + 1))
    return row[-1], len(first)


def test_every_recognizer_of_the_table_says_what_it_is_and_loads_nothing(tmp_path: Path) -> None:
    registry = Registry(folders(tmp_path))
    assert registry.recognizer_ids == tuple(RECOGNIZERS)
    for engine_id in registry.recognizer_ids:
        recognizer = registry.recognizer(engine_id)
        assert recognizer.info.id == engine_id
        assert "en" in recognizer.info.languages
        assert not recognizer.is_loaded
        assert tuple(model.key for model in recognizer.models()) == recognizer.info.model_keys
        assert not any(model.installed for model in recognizer.models())


@pytest.mark.skipif(not REAL.is_dir(), reason="needs the recordings of ../shared/data/speech")
def test_real_recordings_are_drafted(sphinx: SphinxRecognizer) -> None:
    lines = sorted((REAL / "transcripts.csv").read_text("utf-8").splitlines(), key=len)[:4]
    wrong = total = 0
    for name, _, text in (line.partition("|") for line in lines):
        found = sphinx.recognize(ask(read(REAL / f"{name}.flac", RATE).samples), Control())
        errors, words = wrong_words(text, found.segments[0].text if found.segments else "")
        wrong, total = wrong + errors, total + words
    assert wrong / total < MAX_WER


def test_a_sentence_is_drafted_in_the_same_words_whatever_came_before(
    sphinx: SphinxRecognizer, heard: Callable[[str], Recognition]
) -> None:
    first = heard("sphinx")
    sphinx.recognize(ask(spoken("Good morning.")), Control())
    assert sphinx.recognize(ask(spoken()), Control()) == first
    errors, words = wrong_words(SENTENCE, first.segments[0].text)
    assert errors <= words // 2
    assert not re.search(r"[<\[(]", first.segments[0].text)


@pytest.mark.parametrize("name", ["sphinx", "whisper"])
def test_words_have_times_in_order_within_the_sound(
    request: pytest.FixtureRequest, heard: Callable[[str], Recognition], name: str
) -> None:
    found = heard(name)
    words = [word for segment in found.segments for word in segment.words]
    assert words
    assert all(0 <= word.start <= word.end <= len(spoken()) / RATE + 0.05 for word in words)
    assert all(before.start <= after.start for before, after in pairwise(words))
    assert all(0 <= (word.probability or 0) <= 1 for word in words)
    assert all(0 <= (segment.probability or 0) <= 1 for segment in found.segments)
    recognizer: Recognizer = request.getfixturevalue(name)
    without = recognizer.recognize(ask(spoken(SHORT), word_times=False), Control())
    assert [segment.words for segment in without.segments] == [()] * len(without.segments)


def test_silence_of_any_length_breaks_nothing(recognizer: Recognizer) -> None:
    for seconds in (0.02, 1.0):
        assert isinstance(recognizer.recognize(ask(silence(seconds)), Control()), Recognition)


def test_a_stop_is_felt_within_a_second_and_leaves_it_usable(recognizer: Recognizer) -> None:
    long = ask(np.tile(spoken(), 8)[: 22 * RATE])
    short = ask(spoken("Good morning."))
    expected = recognizer.recognize(short, Control())
    for after in (0.0, 0.2):
        control = Control()
        threading.Timer(after, control.cancel).start()
        began = time.thread_time()  # what other work on the machine takes does not count
        try:
            recognizer.recognize(long, control)
        except Cancelled:
            assert time.thread_time() - began < after + 1
        else:
            assert control.cancelled or time.thread_time() - began < after + 0.2
        assert recognizer.recognize(short, Control()) == expected


def test_sphinx_refuses_what_it_cannot(sphinx: SphinxRecognizer) -> None:
    with pytest.raises(BadInput, match="English only"):
        sphinx.recognize(ask(spoken(), language="de"), Control())
    with pytest.raises(BadInput, match="does not translate"):
        sphinx.recognize(ask(spoken(), task=Task.TRANSLATE), Control())


def test_whisper_tells_the_language_or_takes_the_one_given(whisper: WhisperRecognizer) -> None:
    sound = spoken(SHORT)
    found = whisper.recognize(ask(sound, word_times=False), Control())
    assert found.language in LANGUAGES
    assert found.language_probability is not None
    assert 0 < found.language_probability <= 1
    given = whisper.recognize(
        ask(sound, word_times=False, language="de-AT", prompt="Ada Lovelace"), Control()
    )
    assert (given.language, given.language_probability) == ("de", None)
    translated = whisper.recognize(
        ask(sound, word_times=False, language="jv", task=Task.TRANSLATE), Control()
    )
    assert translated.language == "jv"
    assert {segment.language for segment in translated.segments} == {"en"}
    with pytest.raises(BadInput, match="does not know"):
        whisper.recognize(ask(spoken(), language="tlh"), Control())
    with pytest.raises(BadInput, match="does not know"):
        whisper.recognize(ask(spoken(), language="yue"), Control())  # large-v3 and turbo do


def test_whisper_is_the_package_itself_with_each_window_encoded_once(whisper: WhisperRecognizer) -> None:
    loaded = whisper._loaded
    assert loaded is not None
    encoded: list[int] = []
    hook = loaded.model.encoder.conv1.register_forward_hook(lambda *_: encoded.append(1))
    sound = spoken(SHORT)
    ours = whisper.recognize(ask(sound, language="en"), Control())
    count = len(encoded)
    plain = loaded.model.transcribe(
        sound.copy(), language="en", word_timestamps=True, fp16=False, temperature=0.0, sample_len=8
    )
    hook.remove()
    assert [segment.text for segment in ours.segments] == [
        segment["text"].strip() for segment in plain["segments"] if segment["text"].strip()
    ]
    assert count < len(encoded) - count


def test_a_model_of_one_language_says_so(tmp_path: Path) -> None:
    """The English practice checkpoint in the place of tiny.en, which has the same form."""
    make_practice(tmp_path / "Whisper" / "whisper-tiny.en" / "tiny.en.pt", english=True)
    recognizer = WhisperRecognizer(folders(tmp_path))
    with pytest.raises(EngineFailed, match="no checkpoint of Whisper"):
        recognizer.load(CPU, "whisper-tiny.en")  # its alignment heads do not fit: two layers, not four


@pytest.mark.parametrize("damage", ["cut", "text", "pickle", "other"])
def test_a_damaged_checkpoint_names_the_remedy(
    whisper_models: Path, tmp_path: Path, damage: str
) -> None:
    import torch

    whole = (whisper_models / "Whisper" / "practice" / "practice.pt").read_bytes()
    path = tmp_path / "Whisper" / "practice" / "practice.pt"
    path.parent.mkdir(parents=True)
    if damage == "other":
        torch.save({"epoch": 3, "weights": torch.zeros(3)}, path)
    else:
        path.write_bytes({"cut": whole[:-5000], "text": b"hello", "pickle": b"\x80\x02}q\x00."}[damage])
    recognizer = WhisperRecognizer(folders(tmp_path))
    with pytest.raises(EngineFailed) as caught:
        recognizer.load(CPU, PRACTICE)
    assert "models practice whisper" in caught.value.hint
    assert not recognizer.is_loaded


def test_nothing_in_a_checkpoint_is_run(tmp_path: Path) -> None:
    import torch

    class Canary:
        def __reduce__(self) -> object:
            return Path.touch, (tmp_path / "run",)

    path = tmp_path / "Whisper" / "practice" / "practice.pt"
    path.parent.mkdir(parents=True)
    torch.save({"dims": Canary(), "model_state_dict": {"w": torch.zeros(3)}}, path)
    with pytest.raises(EngineFailed, match="no checkpoint"):
        load(entry_of(PRACTICE), path.parent, CPU)
    assert not (tmp_path / "run").exists()


def test_a_model_that_is_not_here_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="models download whisper-base"):
        WhisperRecognizer(folders(tmp_path)).load(CPU, "whisper-base")


def test_the_languages_are_whisper_s() -> None:
    from whisper.tokenizer import LANGUAGES as THEIRS

    assert {from_whisper(code) for code in THEIRS} == set(LANGUAGES)
    assert {to_whisper(code) for code in LANGUAGES} == set(THEIRS)
    assert (to_whisper("nb"), to_whisper("cmn"), to_whisper("pt-BR")) == ("no", "zh", "pt")


def test_the_manager_lends_one_recognizer_at_a_time_and_unloads_it_when_idle(
    whisper_models: Path,
) -> None:
    manager = EngineManager(Registry(folders(whisper_models)), idle_s=0.2, device="cpu")
    results: list[Recognition] = []
    sound = spoken("Good morning.")

    def work(engine: str, model: str) -> None:
        control = Control()
        with manager.lease_recognizer(engine, control, model) as lease:
            results.append(lease.engine.recognize(ask(sound, language="en"), control))

    threads = [
        threading.Thread(target=work, args=pair)
        for pair in [("whisper", PRACTICE), ("pocketsphinx", "")] * 2
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert len({result.segments for result in results}) == 2
    end = time.monotonic() + 10
    while any(state.loaded for state in manager.state().engines):
        assert time.monotonic() < end
        time.sleep(0.05)
    manager.close()


def test_without_its_package_faster_whisper_says_what_to_install(tmp_path: Path) -> None:
    if faster_whisper._installed():
        pytest.skip("faster-whisper is installed here")
    recognizer = faster_whisper.FasterWhisperRecognizer(folders(tmp_path))
    assert "pip install faster-whisper" in recognizer.info.missing
    with pytest.raises(EngineFailed, match="pip install faster-whisper"):
        recognizer.load(CPU, "faster-whisper-tiny")


def test_with_its_package_faster_whisper_recognises(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper", reason="the optional package faster-whisper is not installed")
    recognizer = faster_whisper.FasterWhisperRecognizer(folders(tmp_path))
    assert recognizer.info.missing == ""
    with pytest.raises(ModelMissing, match="models download faster-whisper-tiny"):
        recognizer.load(CPU, "faster-whisper-tiny")
