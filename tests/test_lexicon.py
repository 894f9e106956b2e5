"""Promises of the lexicon: entries are kept as given, files go out and come back, nothing hostile gets in."""

from __future__ import annotations

import csv
import io
import threading
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from studio.db import Database
from studio.errors import BadInput, NotFound
from studio.services.lexicon import Lexicon, checked
from studio.text.lexicon_files import MAX_BYTES, PLS_NAMESPACE, from_csv, from_pls, to_csv, to_pls
from studio.text.pronunciation import Entry
from tests.running import Ended

ENTRIES = [
    Entry("Nguyen", "en", "Win", "wɪn", False, "a name"),
    Entry("SQL", "", "sequel", "", True),
    Entry("Tag & <Nacht>", "de", "=1+1", "", False, '@note, with "quotes"'),
    Entry("-ness", "", "'=ness"),
]


@pytest.fixture
def lexicon(tmp_path: Path) -> Lexicon:
    return Lexicon(Database(tmp_path / "timbre.db"))


def kept(lexicon: Lexicon) -> list[Entry]:
    return [replace(entry, id=0) for entry in lexicon.entries()]


def test_an_entry_comes_back_as_it_was_added(lexicon: Lexicon) -> None:
    added = lexicon.add(Entry(" Nguyễn ", "EN_us", " win ", "/wɪn/", note="a\nb"))
    assert replace(added, id=0) == Entry("Nguyễn", "en-us", "win", "wɪn", False, "a b")
    assert lexicon.get(added.id) == added
    assert lexicon.entries() == [added]


def test_one_word_has_one_entry_for_each_language_and_case(lexicon: Lexicon) -> None:
    first = lexicon.add(Entry("us", respelling="uss"))
    lexicon.add(Entry("US", respelling="you ess", case_sensitive=True))
    lexicon.add(Entry("us", "de", "ooss"))
    with pytest.raises(BadInput, match="already"):
        lexicon.add(Entry("Us", respelling="x"))
    assert lexicon.update(first.id, Entry("Us", respelling="x")).word == "Us"
    other = lexicon.add(Entry("them", respelling="y"))
    with pytest.raises(BadInput, match="already"):
        lexicon.update(other.id, Entry("us", respelling="y"))
    assert lexicon.delete(first.id, first.id) == 1
    with pytest.raises(NotFound):
        lexicon.get(first.id)
    with pytest.raises(NotFound):
        lexicon.update(first.id, Entry("gone", respelling="x"))


def test_searching_looks_everywhere_and_at_the_language(lexicon: Lexicon) -> None:
    for entry in ENTRIES:
        lexicon.add(entry)
    assert [entry.word for entry in lexicon.search("NAME")] == ["Nguyen"]
    assert [entry.word for entry in lexicon.search("sequel")] == ["SQL"]
    assert [entry.word for entry in lexicon.search("", "de-at")] == ["-ness", "SQL", "Tag & <Nacht>"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (Entry("x"), "neither"),
        (Entry("", respelling="x"), "The word has no letter"),
        (Entry("...", respelling="x"), "no letter"),
        (Entry("x", respelling="!!"), "no letter"),
        (Entry("x", respelling="[[x]]"), "brackets"),
        (Entry("x", ipa="a]]b[[c"), "brackets"),
        (Entry("x", ipa="a7"), "none of IPA"),
        (Entry("x", ipa="a" * 200), "characters"),
        (Entry("x", "the language", "y"), "no language"),
        (Entry("x", respelling="y", note="n" * 600), "note"),
    ],
)
def test_what_cannot_be_an_entry_is_refused(entry: Entry, said: str, lexicon: Lexicon) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        lexicon.add(entry)
    assert caught.value.hint
    assert lexicon.entries() == []


@pytest.mark.parametrize("ending", ["csv", "pls"])
def test_a_lexicon_goes_out_and_comes_back(ending: str, lexicon: Lexicon, tmp_path: Path) -> None:
    for entry in ENTRIES:
        lexicon.add(entry)
    path = tmp_path / f"lexicon.{ending}"
    lexicon.export_file(path)
    other = Lexicon(Database(tmp_path / "other.db"))
    report = other.import_file(path)
    assert (report.added, report.refused) == (len(ENTRIES), ())
    assert kept(other) == kept(lexicon)
    again = other.import_file(path)
    assert (again.added, again.replaced, again.unchanged) == (0, 0, len(ENTRIES))


VALUES = st.text(st.characters(codec="utf-8"), max_size=12)


@example(Entry("a\ufffe\uffffb", "", "c\uffff", "", False, "\x00\ufffe"))
@given(
    st.builds(
        Entry,
        VALUES,
        st.sampled_from(("", "en", "de-at")),
        VALUES,
        st.text("ʃaˈ", max_size=4),
        st.booleans(),
        VALUES,
    )
)
@trying(suppress_health_check=[HealthCheck.filter_too_much])
def test_every_entry_survives_both_kinds_of_file(entry: Entry) -> None:
    try:
        entry = checked(entry)
    except BadInput:
        return
    for rows in (from_csv(to_csv([entry, entry]).encode()), from_pls(to_pls([entry, entry]).encode())):
        assert [row.entry for row in rows] == [entry, entry]


def test_no_cell_is_a_formula(lexicon: Lexicon) -> None:
    for number, word in enumerate(("=cmd", "+1", "-1", "@sum", "'=x", "plain")):
        lexicon.add(Entry(word, respelling=f"=HYPERLINK({number})", note="@SUM(1)"))
    cells = [cell for row in csv.reader(io.StringIO(lexicon.export("csv"))) for cell in row]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_an_import_says_what_became_of_every_line(lexicon: Lexicon) -> None:
    lexicon.add(Entry("two", respelling="too"))
    content = 'Word;IPA;Respelling;Language\none;;wun;\n"two";;tu;\n\nthree;;;\nfour;4;;\n"fi\nve";;x;\nsix;;x;??\n'
    report = lexicon.import_bytes(("\ufeff" + content).encode(), ".CSV")
    assert (report.added, report.replaced, report.unchanged) == (2, 1, 0)
    assert [(refusal.line, refusal.word) for refusal in report.refused] == [
        (5, "three"),
        (6, "four"),
        (9, "six"),
    ]
    assert all(refusal.reason for refusal in report.refused)


@pytest.mark.parametrize(
    ("content", "ending", "said"),
    [
        (b"spelling,ipa\n", "csv", "word"),
        (b"", "csv", "word"),
        (b"word\n\xff\xfe", "csv", "UTF-8"),
        (b'word,ipa\n"a', "csv", "line 2"),
        (b"x" * (MAX_BYTES + 1), "csv", "MB"),
        (b"", "pls", "XML"),
        (b"<lexicon>", "pls", "root"),
        (b"<html/>", "xml", "root"),
        (b"word", "exe", "exe"),
        (b'<?xml version="1.0" encoding="utf-7"?><a/>', "pls", "PLS"),
    ],
)
def test_a_file_that_is_no_lexicon_is_refused_whole(
    content: bytes, ending: str, said: str, lexicon: Lexicon
) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        lexicon.import_bytes(content, ending)
    assert caught.value.hint
    assert lexicon.entries() == []


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
HOSTILE = [
    f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>',
    '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p">%p;]>',
]


@pytest.mark.parametrize("doctype", HOSTILE)
def test_xml_with_a_document_type_is_refused_before_it_is_read(doctype: str, lexicon: Lexicon) -> None:
    body = f'<lexicon version="1.0" xmlns="{PLS_NAMESPACE}"><lexeme><grapheme>a&l9;&f;</grapheme><alias>b</alias></lexeme></lexicon>'
    with pytest.raises(BadInput, match="document type"):
        lexicon.import_bytes(f'<?xml version="1.0"?>{doctype}{body}'.encode(), "pls")
    assert lexicon.entries() == []


def test_xml_without_end_is_refused(lexicon: Lexicon) -> None:
    deep = f'<lexicon xmlns="{PLS_NAMESPACE}">' + "<a>" * 100_000
    with pytest.raises(BadInput, match="deep"):
        lexicon.import_bytes(deep.encode(), "pls")


def test_a_lexicon_of_another_program_is_understood(lexicon: Lexicon) -> None:
    content = f"""<?xml version="1.0" encoding="UTF-8"?>
<lexicon version="1.0" xmlns="{PLS_NAMESPACE}" alphabet="ipa" xml:lang="en-US">
  <meta name="a" content="b"/>
  <lexeme role="x"><grapheme>colour</grapheme><grapheme>color</grapheme>
    <phoneme>ˈkɒlə</phoneme><phoneme prefer="true">ˈkʌlɚ</phoneme><example>A colour.</example></lexeme>
  <lexeme><grapheme>W3C</grapheme><alias>World Wide Web Consortium</alias></lexeme>
  <lexeme><grapheme>sampa</grapheme><phoneme alphabet="x-sampa">"s{{mp@</phoneme></lexeme>
</lexicon>"""
    report = lexicon.import_bytes(content.encode(), "pls")
    assert [(entry.word, entry.language, entry.ipa) for entry in lexicon.entries()] == [
        ("color", "en-us", "ˈkʌlɚ"), ("colour", "en-us", "ˈkʌlɚ"), ("W3C", "en-us", ""),
    ]  # fmt: skip
    assert [(refusal.line, refusal.reason) for refusal in report.refused] == [
        (7, "its pronunciation is in x-sampa, not in IPA")
    ]


def test_what_is_exported_is_pls(lexicon: Lexicon) -> None:
    lexicon.add(Entry("Tag", "de", "", "taːk"))
    root = ET.fromstring(lexicon.export("pls"))
    assert root.tag == f"{{{PLS_NAMESPACE}}}lexicon"
    assert root.attrib == {
        "version": "1.0",
        "alphabet": "ipa",
        "{http://www.w3.org/XML/1998/namespace}lang": "de",
    }
    assert [[part.text for part in lexeme] for lexeme in root] == [["Tag", "taːk"]]


def test_two_who_write_at_once_lose_nothing(tmp_path: Path) -> None:
    refused: list[str] = []

    def write(name: str) -> None:
        own = Lexicon(Database(tmp_path / "timbre.db"))
        for number in range(40):
            own.add(Entry(f"{name} {number}", respelling="x"))
            try:
                own.add(Entry(f"both {number}", respelling=name))
            except BadInput as error:
                refused.append(error.message)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("ann", "bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Lexicon(Database(tmp_path / "timbre.db")).entries()) == 120
    assert len(refused) == 40


def test_the_command_line_does_it_all(command: Callable[..., Ended], tmp_path: Path) -> None:
    csv_file = tmp_path / "out.csv"

    def run(*arguments: str, code: int = 0) -> dict[str, object]:
        ended = command("lexicon", *arguments, "--json")
        assert ended.code == code, ended.err
        answer: dict[str, object] = ended.json
        return answer

    run("add", "Nguyen", "--ipa", "wɪn", "--say", "Win", "--language", "en")
    assert "already" in str(run("add", "nguyen", "--say", "x", "--language", "en", code=3)["detail"])
    preview = run("preview", "--text", "Nguyen's here.", "--language", "en-us")
    assert preview["spoken"] == "[[w|I|n|z]] here."
    assert run("export", str(csv_file))["entries"] == 1
    csv_file.write_text(csv_file.read_text("utf-8") + "bad,,,,,\n", "utf-8")
    report = run("import", str(csv_file), code=4)
    assert (report["unchanged"], report["ok"]) == (1, False)
    assert run("delete", "nguyen")["deleted"] == 1
    assert run("list")["entries"] == []
