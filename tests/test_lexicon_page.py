"""The Pronunciation tab from the handlers' side, and the export over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.testclient import TestClient

from studio.api import lexicon
from studio.api.errors import handlers
from studio.errors import BadInput, NotFound
from studio.services.studio import Studio
from studio.text.lexicon_files import from_csv, from_pls
from studio.text.pronunciation import Entry
from tabs import lexicon_events as events
from tests.asking import ATTACK

ROUTE = "/lexicon/export"


def saved(studio: Studio, chosen: int = 0, **given: Any) -> list[Any]:
    plain = {
        "word": "",
        "language": "",
        "respelling": "",
        "ipa": "",
        "case_sensitive": False,
        "note": "",
    }
    return events.on_save(studio, None, chosen, *(plain | given).values())


def table(studio: Studio, search: str = "", chosen: int = 0, step: int = 0, offset: int = 0) -> str:
    return str(events.on_list(studio, step, search, chosen, offset)[0])


def test_an_entry_is_added_changed_and_deleted(studio: Studio) -> None:
    assert "empty" in table(studio)
    form = saved(studio, word="Nguyen", respelling="win", language="EN", note="a name")
    assert form[0] == 0, "the form is free for the next one"
    entry = studio.lexicon.entries()[0]
    assert (entry.word, entry.language) == ("Nguyen", "en")
    chosen, word, *_, caption, save, delete = events.on_choose(studio, str(entry.id))
    assert (chosen, word, delete.interactive) == (entry.id, "Nguyen", True)
    assert "Change" in caption
    assert "Save the change" in save.value
    assert 'aria-current="true"' in table(studio, chosen=chosen)
    saved(studio, chosen, word="Nguyen", respelling="wing", language="en")
    assert studio.lexicon.get(chosen).respelling == "wing"
    assert events.on_delete(studio, None, chosen)[0] == 0
    assert studio.lexicon.entries() == []


def test_a_search_finds_and_long_lists_have_pages(studio: Studio) -> None:
    count = events.PAGE_SIZE + 5
    rows = "".join(f"word{number:03},say{number}\n" for number in range(count))
    studio.lexicon.import_bytes(f"word,respelling\n{rows}".encode(), ".csv")
    page, newer, older, offset = events.on_list(studio, 0, "", 0, 0)
    assert page.count("<tr") == events.PAGE_SIZE + 1
    assert (newer.interactive, older.interactive, offset) == (False, True, 0)
    page, newer, older, offset = events.on_list(studio, 1, "", 0, 0)
    assert f"{events.PAGE_SIZE + 1} to {count} of {count}" in page
    assert (newer.interactive, older.interactive) == (True, False)
    assert "word007" in table(studio, "WORD007")
    assert "No entry matches" in table(studio, "nothing like it")
    assert events.on_list(studio, 0, "word007", 0, offset)[3] == 0


@pytest.mark.parametrize("picked", ["", "0", "999", "-1", "1.5", "' OR 1=1", "9" * 50, "²"])
def test_an_entry_that_is_not_there_is_refused(studio: Studio, picked: str) -> None:
    with pytest.raises(NotFound):
        events.on_choose(studio, picked)


def test_a_wrong_entry_is_refused_with_words(studio: Studio) -> None:
    with pytest.raises(BadInput, match="neither a respelling nor IPA"):
        saved(studio, word="SQL")
    with pytest.raises(BadInput, match="no language"):
        saved(studio, word="SQL", respelling="sequel", language="Klingon!")
    saved(studio, word="SQL", respelling="sequel")
    with pytest.raises(BadInput, match="already"):
        saved(studio, word="sql", respelling="other")


def test_what_people_type_is_inert(studio: Studio) -> None:
    saved(studio, word=f"x {ATTACK}", respelling=f"y {ATTACK}", note=ATTACK)
    entry = studio.lexicon.entries()[0]
    shown = table(studio) + events.on_choose(studio, str(entry.id))[-3]
    shown += events.on_preview(studio, f"Say x {ATTACK} now.", "espeak", "en-us")
    assert "<img" not in shown
    assert "&lt;img" in shown


def test_a_file_is_imported_with_a_report(studio: Studio, tmp_path: Path) -> None:
    file = tmp_path / "words.csv"
    file.write_text(f"word,respelling\nSQL,sequel\n{ATTACK},\nNguyen,win\n", "utf-8")
    report = events.on_import(studio, None, str(file))
    assert "2 added, 0 replaced, 0 unchanged, 1 refused" in report
    assert "Line 3" in report
    assert "<img" not in report
    for name, content, words in (
        ("a.csv", b"nothing", "no column"), ("a.pls", b"<!DOCTYPE x><lexicon/>", "document type|DOCTYPE|entities"), ("a.png", b"", "png"),
    ):  # fmt: skip
        bad = tmp_path / name
        bad.write_bytes(content)
        with pytest.raises(BadInput, match=words):
            events.on_import(studio, None, str(bad))
    with pytest.raises(BadInput, match="no file"):
        events.on_import(studio, None, None)
    assert len(studio.lexicon.entries()) == 2


def test_the_preview_marks_what_is_replaced(studio: Studio) -> None:
    studio.lexicon.add(Entry("SQL", respelling="sequel"))
    studio.lexicon.add(Entry("Nguyen", "en", "Win", "wɪn"))
    said = events.on_preview(studio, "Nguyen's SQL & more.", "espeak", "en-us")
    assert '<mark title="SQL">sequel</mark> &amp; more.' in said
    assert "(respelling)" in said
    assert "(IPA)" in said
    assert "Nothing is replaced" in events.on_preview(studio, "Plain words.", "espeak", "en-us")
    with pytest.raises(BadInput, match="nothing to speak"):
        events.on_preview(studio, "", "espeak", "auto")
    with pytest.raises(NotFound):
        events.on_preview(studio, "Hello.", "no-such", "auto")


def test_visitors_of_a_space_look_but_do_not_touch(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = studio.lexicon.add(Entry("SQL", respelling="sequel"))
    monkeypatch.setenv("SPACE_ID", "somebody/timbre")
    assert "SQL" in table(studio)
    for action in (
        lambda: saved(studio, word="x", respelling="y"),
        lambda: events.on_delete(studio, None, entry.id),
        lambda: events.on_import(studio, None, "x.csv"),
    ):
        with pytest.raises(BadInput, match="Visitors cannot change the lexicon"):
            action()


def test_the_export_reads_back_and_needs_a_sign_in(studio: Studio) -> None:
    studio.lexicon.add(Entry("SQL", respelling="sequel", case_sensitive=True, note="=a formula"))
    studio.lexicon.add(Entry("Nguyen", "en", "Win", "wɪn"))

    def user(request: Request) -> str:
        if "x-user" not in request.headers:
            raise HTTPException(401)
        return "ann"

    app = FastAPI(exception_handlers=handlers())
    app.include_router(lexicon.router(studio, user))
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get(ROUTE).status_code == 401
        client.headers["x-user"] = "ann"
        for ending, read in (("csv", from_csv), ("pls", from_pls)):
            answer = client.get(ROUTE, params={"format": ending})
            assert answer.headers["content-disposition"] == f'attachment; filename="lexicon.{ending}"'
            assert [row.entry.word for row in read(answer.content)] == ["Nguyen", "SQL"]
        for odd in ("xyz", "", "../csv", "\x00"):
            assert client.get(ROUTE, params={"format": odd}).status_code == 422
