"""The coverage coach: sounds and kinds of sentences, what is rare, and what to record next."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines.base import EngineFolders, Phonemizer
from engines.espeak import EspeakEngine
from engines.espeak.phonemes import parsed
from engines.manager import EngineManager
from engines.registry import Registry
from studio.control import Control
from studio.dataset.targets import TARGETS
from studio.errors import BadInput, Cancelled, EngineFailed, NotFound
from studio.models.folders import ModelFolders
from studio.services.coverage import ENOUGH, PROPOSALS, Coverage, CoverageService
from studio.text.coaching import FOLDER, coach_sentences
from studio.text.language import in_its_script
from studio.text.sentence_types import TYPES, types_of

LANGUAGES = tuple(TARGETS["xtts"].max_characters)


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineManager]:
    folder = tmp_path_factory.mktemp("engines")
    registry = Registry(EngineFolders(folder, ModelFolders(folder, folder)))
    yield EngineManager(registry)
    registry.get("espeak").unload()


@pytest.fixture(scope="module")
def service(engines: EngineManager) -> CoverageService:
    return CoverageService(engines)


def report(service: CoverageService, *texts: str, language: str = "en", **options: int) -> Coverage:
    return service.report(texts, language, Control(), **options)


def sounds(engine: EspeakEngine, text: str, language: str = "en") -> tuple[str, ...] | None:
    return engine.phonemes([text], language, Control())[0]


# Phonemes without sound


def test_espeak_tells_the_phonemes_of_texts_without_speaking_them(engine: EspeakEngine) -> None:
    assert isinstance(engine, Phonemizer)
    found = engine.phonemes(["Vision, please!", "", "Go."], "en-us", Control())
    assert found == (("v", "ɪ", "ʒ", "ə", "n", "", "p", "l", "iː", "z"), (), ("ɡ", "oʊ"))


def test_stress_tones_and_other_languages_are_left_out() -> None:
    assert parsed("h_ə_l_ˈoʊ ð_ˈɛɹ\n\nn_i2_χ_ˈɑu2_") == (
        "h",
        "ə",
        "l",
        "oʊ",
        "ð",
        "ɛɹ",
        "",
        "n",
        "i",
        "χ",
        "ɑu",
    )
    assert parsed("d_a_s _(en)_w_ˈiː_k_(de)_ ɪ_s_t") == ("d", "a", "s", "", "ɪ", "s", "t")
    assert parsed("s._ˈi.5 tɕh_ˈi5 k_ˈuoɜ") == ("ʂ", "ɨ", "tɕʰ", "i", "k", "uo")
    assert parsed("") == parsed("_\n'-") == ()


def test_japanese_is_read_in_kana_only(engine: EspeakEngine) -> None:
    assert sounds(engine, "これはほん", "ja") is not None
    assert sounds(engine, "これは本", "ja") is None


def test_texts_that_nobody_can_read_do_no_harm(engine: EspeakEngine) -> None:
    assert sounds(engine, "a\0b \ud800 \u202e[[h@]] <speak>no</speak>" + "!" * 500)
    with pytest.raises(BadInput, match="characters"):
        sounds(engine, "word " * 10_000)
    with pytest.raises(NotFound):
        sounds(engine, "hello", "klingon")


def test_a_child_that_is_killed_is_replaced(engine: EspeakEngine) -> None:
    first = sounds(engine, "Nobody knows.")
    pid = engine._process.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert sounds(engine, "Nobody knows.") == first


# Sentences


@pytest.mark.parametrize(
    ("text", "language", "kinds"),
    [
        ("He came. Did she?", "en", {"statement": 1, "question": 1, "short": 2}),
        ("Really?! “Stop!”", "en", {"exclamation": 2, "short": 2}),
        ("One of them is here today.", "en", {"statement": 1}),
        ("It took twenty-two days to get there.", "en", {"statement": 1, "number": 1}),
        ("Das kostet 3 Euro und etwas mehr.", "de", {"statement": 1, "number": 1}),
        ("Es dauerte einundzwanzig Tage bis dahin.", "de", {"statement": 1, "number": 1}),
        ("你知道鸟儿为什么这么早就开始唱歌吗？", "zh-cn", {"question": 1}),
        ("一共八十四块五毛，请在五月三号以前付清。", "zh-cn", {"statement": 1, "number": 1}),
        ("هل تعرف لماذا تغني العصافير الآن؟", "ar", {"question": 1}),
        ("क्या तुम यह सब जानते हो?", "hi", {"question": 1}),
        ("Tu sei qui da molto tempo.", "it", {"statement": 1}),
        ("이 책은 정말 아주 재미있어요.", "ko", {"statement": 1}),
        ("मेरे पास केवल तीन किताबें हैं।", "hi", {"statement": 1, "number": 1}),
        (" ".join(["word"] * 18) + ".", "en", {"statement": 1, "long": 1}),
        ("... !", "en", {}),
    ],
)
def test_kinds_of_sentences(text: str, language: str, kinds: dict[str, int]) -> None:
    assert dict(types_of(text, language)) == kinds


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_coach_knows_every_language_of_xtts(language: str) -> None:
    sentences = coach_sentences(language)
    assert len(sentences) >= (75 if language == "en" else 40)
    texts = [sentence.text for sentence in sentences]
    assert len(set(texts)) == len(texts)
    longest = TARGETS["xtts"].max_characters[language]
    for sentence in sentences:
        assert sentence.text == unicodedata.normalize("NFC", sentence.text).strip()
        assert not re.search(r"[|\t\[\]{}<>]", sentence.text)
        assert in_its_script(sentence.reading, language)
        assert longest is not None
        assert len(sentence.text) <= longest
    found = set[str]().union(*(types_of(text, language) for text in texts))
    assert found == set(TYPES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_sentences_have_all_sounds_of_their_language(
    service: CoverageService, language: str
) -> None:
    found = report(service, *(each.reading for each in coach_sentences(language)), language=language)
    assert (found.covered_share, found.absent, found.notes) == (1.0, (), ())
    assert 28 <= len(found.phonemes) <= 60, "about as many as a language has"
    assert sum(each.usual for each in found.phonemes) == pytest.approx(1.0)


def test_only_the_coachs_own_folder_is_read() -> None:
    assert coach_sentences("pt-br") == coach_sentences("pt")
    for strange in ("", "sv", "../coach/en", "en/../de", "\0"):
        assert coach_sentences(strange.replace("\0", "xx")) == ()
    assert {path.stem for path in FOLDER.iterdir()} == {each.split("-")[0] for each in LANGUAGES}


# The report


def test_what_is_rare_or_absent_is_named(service: CoverageService) -> None:
    found = report(service, *["Tell them that they need ten tents."] * ENOUGH, "A vision.")
    counts = {each.symbol: each.count for each in found.phonemes}
    assert counts["t"] >= ENOUGH
    assert counts["ʒ"] == 1
    assert "ʒ" in found.rare
    assert "ɔɪ" in found.absent
    assert "t" not in found.rare
    assert found.covered_share == pytest.approx(
        sum(count > 0 for count in counts.values()) / len(counts)
    )
    assert found.sentence_types["question"] == 0


def test_it_proposes_what_is_missing(service: CoverageService, engine: EspeakEngine) -> None:
    texts = [each.text for each in coach_sentences("en") if "?" not in each.text]
    read = zip(texts, engine.phonemes(texts, "en", Control()), strict=True)
    said = [text for text, phonemes in read if "ɔɪ" not in (phonemes or ())] * ENOUGH
    found = report(service, *said)
    assert found.absent == ("ɔɪ",)
    first = found.proposals[0]
    assert "ɔɪ" in first.adds
    assert any("questions" in each.adds for each in found.proposals)
    assert not {each.text for each in found.proposals} & set(said)


def test_each_proposal_counts_with_those_before_it(service: CoverageService) -> None:
    found = report(service)
    texts = [each.text for each in found.proposals]
    assert len(texts) == len(set(texts)) == PROPOSALS
    assert all(each.adds or each.pairs for each in found.proposals)
    # Who records them needs less of the same.
    after = report(service, *texts)
    assert after.covered_share is not None
    assert after.covered_share > 0.9
    assert not {each.text for each in after.proposals} & set(texts)


def test_the_same_texts_give_the_same_report_from_anew(
    service: CoverageService, engines: EngineManager
) -> None:
    texts = ("Where have all the flowers gone?", "It is 7 o'clock.")
    first = report(service, *texts, most=5)
    assert first == report(CoverageService(engines), *texts, most=5)
    assert len(first.proposals) == 5


def test_who_has_said_everything_gets_no_proposal(service: CoverageService) -> None:
    found = report(service, *(each.text for each in coach_sentences("fr")), language="fr")
    assert found.proposals == ()


def test_a_language_without_sentences_has_its_sounds_counted(service: CoverageService) -> None:
    found = report(service, "Det var en gång en liten flicka.", language="sv")
    assert found.covered_share is None
    assert (found.rare, found.absent, found.proposals) == ((), (), ())
    assert sum(each.count for each in found.phonemes) > 15
    assert "no sentences to propose" in found.notes[0]


@pytest.mark.parametrize("language", ["", "xx", "tlh"])
def test_a_language_that_is_not_known_says_so(service: CoverageService, language: str) -> None:
    found = report(service, "nuqneH?", language=language)
    assert found.phonemes == ()
    assert found.sentence_types["question"] == 1
    assert found.notes[0].startswith("The sounds cannot be counted.")


def test_texts_in_kanji_are_said_to_be_left_out(service: CoverageService) -> None:
    found = report(service, "これは本です。", "これはほんです。", language="ja")
    assert "1 of 2 texts are not counted" in found.notes[0]
    assert sum(each.count for each in found.phonemes) > 5


# At work


def test_what_was_read_once_is_not_asked_about_again(
    service: CoverageService, engines: EngineManager
) -> None:
    texts = [f"Sentence {number} is one of many." for number in range(50)]
    first = report(service, *texts, language="nl")
    espeak = engines.registry.get("espeak")
    espeak.unload()
    assert report(service, *texts, language="nl") == first
    assert not espeak.is_loaded
    report(service, *texts, "A new one.", language="nl")
    assert espeak.is_loaded


def test_it_stops_when_asked(service: CoverageService) -> None:
    control = Control()
    timer = threading.Timer(0.2, control.cancel)
    timer.start()
    began = time.perf_counter()
    with pytest.raises(Cancelled):
        service.report([f"Number {n} of very many texts." for n in range(20_000)], "en", control)
    assert time.perf_counter() - began < 2
    timer.join()


def test_progress_is_told(service: CoverageService) -> None:
    seen: list[float] = []
    control = Control(lambda progress: seen.append(progress.fraction or 0.0))
    service.report([f"Progress {number}." for number in range(350)], "en", control)
    assert seen == sorted(seen)
    assert len(seen) >= 4


def test_an_engine_that_knows_no_phonemes_is_refused(tmp_path: Path) -> None:
    registry = Registry(
        EngineFolders(tmp_path, ModelFolders(tmp_path, tmp_path)),
        {"espeak": "tests.engines_for_tests:ToneEngine"},
    )
    with pytest.raises(EngineFailed, match="does not tell how words are spoken"):
        report(CoverageService(EngineManager(registry)), "Hello.")
