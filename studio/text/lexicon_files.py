"""Lexicons as CSV and as PLS (W3C Pronunciation Lexicon Specification 1.0), both ways."""

from __future__ import annotations

import csv
import io
import re
import xml.parsers.expat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from studio.errors import BadInput
from studio.text.pronunciation import Entry

#: Larger files are no lexicon.
MAX_BYTES = 5_000_000

COLUMNS = ("word", "language", "respelling", "ipa", "case_sensitive", "note")
_TRUE = frozenset(("1", "true", "yes", "x", "wahr", "ja"))

#: A spreadsheet takes a cell that begins like this for a formula.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_QUOTED_FORMULA = re.compile(r"'+[=+\-@\t\r]")

PLS_NAMESPACE = "http://www.w3.org/2005/01/pronunciation-lexicon"
#: For what PLS has no place for: a lexeme's own language, whether its case counts, a note.
OUR_NAMESPACE = "urn:timbre:lexicon"
_XML_NAMESPACE = "http://www.w3.org/XML/1998/namespace"
#: Languages that say that there is no single one.
_NO_LANGUAGE = frozenset(("", "und", "mul", "zxx"))
_MAX_DEPTH = 16


@dataclass(frozen=True)
class Row:
    """One entry of a file and the line it stands in; `problem` says why it cannot be used."""

    line: int  # from 1
    entry: Entry
    problem: str = ""


def to_csv(entries: Iterable[Entry]) -> str:
    """`entries` as CSV with a header; cells that a spreadsheet would run begin with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for entry in entries:
        case = "yes" if entry.case_sensitive else ""
        cells = (entry.word, entry.language, entry.respelling, entry.ipa, case, entry.note)
        writer.writerow([f"'{cell}" if _FORMULA.match(cell) else cell for cell in cells])
    return out.getvalue()


def from_csv(content: bytes) -> Iterator[Row]:
    """The rows of a CSV file: UTF-8, divided by commas, semicolons or tabs, with a header that names
    the columns in any order; only "word" must be there. Raises BadInput."""
    text = _decoded(content)
    header = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [_plain(name).strip().lower().replace(" ", "_") for name in next(reader, [])]
        if "word" not in names:
            raise BadInput(
                "The CSV file has no column “word”.", f"Begin it with the line {','.join(COLUMNS)}"
            )
        before = reader.line_num
        for cells in reader:
            line, before = before + 1, reader.line_num
            values = dict(zip(names, map(_plain, cells), strict=False))
            if any(value.strip() for value in values.values()):
                yield Row(line, _entry(values))
    except csv.Error as error:
        raise BadInput(
            f"The CSV file cannot be read: line {reader.line_num}: {error}.", "Correct that line."
        ) from error


def to_pls(entries: Iterable[Entry]) -> str:
    """`entries` as PLS 1.0. An entry's language, case and note stand in attributes of a namespace of
    our own, as a PLS file is for one language; other programs pass over them."""
    kept = list(entries)
    languages = {entry.language for entry in kept}
    whole = next(iter(languages)) if len(languages) == 1 else ""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<lexicon version="1.0" xmlns="{PLS_NAMESPACE}" xmlns:timbre="{OUR_NAMESPACE}"'
        f' alphabet="ipa" xml:lang={quoteattr(whole or "und")}>',
    ]
    for entry in kept:
        ours = ""
        if entry.language != whole:
            ours += f" timbre:language={quoteattr(entry.language)}"
        if entry.case_sensitive:
            ours += ' timbre:case-sensitive="true"'
        if entry.note:
            ours += f" timbre:note={quoteattr(entry.note)}"
        lines.append(f"  <lexeme{ours}>")
        lines.append(f"    <grapheme>{escape(entry.word)}</grapheme>")
        if entry.ipa:
            lines.append(f"    <phoneme>{escape(entry.ipa)}</phoneme>")
        if entry.respelling:
            lines.append(f"    <alias>{escape(entry.respelling)}</alias>")
        lines.append("  </lexeme>")
    return "\n".join((*lines, "</lexicon>", ""))


def from_pls(content: bytes) -> list[Row]:
    """The lexemes of a PLS file, one row for each of their spellings. Of several pronunciations the
    preferred one counts, else the first. Raises BadInput, also for a document type or entities,
    which a lexicon needs none of and which can be made to eat a machine's memory."""
    _check_size(content)
    return _PlsReader().read(content)


class _Forbidden(Exception):
    """Something that a lexicon has no need of."""


@dataclass
class _Lexeme:
    line: int
    attributes: dict[str, str]
    graphemes: list[str] = field(default_factory=list)
    phoneme: str = ""
    preferred: bool = False
    alias: str = ""
    problem: str = ""


class _PlsReader:
    """Reads with expat, which tells the lines and lets us refuse a document type as it begins."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._path: list[str] = []
        self._text: list[str] = []
        self._language = ""
        self._alphabet = "ipa"
        self._attributes: dict[str, str] = {}
        self._lexeme: _Lexeme | None = None
        self._parser = xml.parsers.expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._forbid
        self._parser.EntityDeclHandler = self._forbid
        self._parser.ExternalEntityRefHandler = self._forbid
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text.append

    def read(self, content: bytes) -> list[Row]:
        try:
            self._parser.Parse(content, True)
        except xml.parsers.expat.ExpatError as error:
            raise BadInput(f"The PLS file is no XML: {error}.", "Export it anew.") from error
        except (_Forbidden, ValueError, LookupError) as error:  # ValueError: an unknown encoding
            raise BadInput(
                f"The PLS file cannot be used: line {self._parser.CurrentLineNumber}: {error}.",
                "Remove that, or export it anew.",
            ) from error
        return self._rows

    def _forbid(self, *_: Any) -> int:
        raise _Forbidden("it has a document type or entities, which are not read")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._path:
            if name != f"{PLS_NAMESPACE} lexicon":
                raise _Forbidden("its root is not a PLS 1.0 lexicon")
            self._language = attributes.get(f"{_XML_NAMESPACE} lang", "").lower()
            self._alphabet = attributes.get("alphabet", "ipa")
        if len(self._path) >= _MAX_DEPTH:
            raise _Forbidden("its elements lie too deep in one another")
        self._path.append(name)
        self._text.clear()
        self._attributes = attributes
        if self._path[1:] == [f"{PLS_NAMESPACE} lexeme"]:
            self._lexeme = _Lexeme(self._parser.CurrentLineNumber, attributes)

    def _end(self, name: str) -> None:
        text = " ".join("".join(self._text).split())
        self._text.clear()
        lexeme = self._lexeme
        if lexeme is not None and len(self._path) == 3:
            self._take(lexeme, name.rpartition(" ")[2], text)
        elif lexeme is not None and len(self._path) == 2:
            self._rows += self._entries(lexeme)
            self._lexeme = None
        self._path.pop()

    def _take(self, lexeme: _Lexeme, kind: str, text: str) -> None:
        if kind == "grapheme":
            lexeme.graphemes.append(text)
        elif kind == "alias":
            lexeme.alias = lexeme.alias or text
        elif kind == "phoneme":
            alphabet = self._attributes.get("alphabet", self._alphabet)
            preferred = self._attributes.get("prefer") == "true"
            if alphabet.lower() != "ipa":
                lexeme.problem = f"its pronunciation is in {alphabet}, not in IPA"
            elif not lexeme.phoneme or (preferred and not lexeme.preferred):
                lexeme.phoneme, lexeme.preferred = text, preferred

    def _entries(self, lexeme: _Lexeme) -> Iterator[Row]:
        ours = lexeme.attributes
        language = ours.get(f"{OUR_NAMESPACE} language", self._language).lower()
        problem = "" if lexeme.phoneme or lexeme.alias else lexeme.problem
        for grapheme in lexeme.graphemes or [""]:
            entry = Entry(
                grapheme,
                "" if language in _NO_LANGUAGE else language,
                lexeme.alias,
                lexeme.phoneme,
                ours.get(f"{OUR_NAMESPACE} case-sensitive") == "true",
                ours.get(f"{OUR_NAMESPACE} note", ""),
            )
            yield Row(lexeme.line, entry, problem)


def _entry(values: dict[str, str]) -> Entry:
    return Entry(
        values.get("word", ""),
        values.get("language", ""),
        values.get("respelling", ""),
        values.get("ipa", ""),
        values.get("case_sensitive", "").strip().lower() in _TRUE,
        values.get("note", ""),
    )


def _plain(cell: str) -> str:
    """A cell without the apostrophe that `to_csv` put before what looks like a formula."""
    return cell[1:] if _QUOTED_FORMULA.match(cell) else cell


def _decoded(content: bytes) -> str:
    _check_size(content)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput("The file is not UTF-8.", "Save it as UTF-8 (in Excel: CSV UTF-8).") from error


def _check_size(content: bytes) -> None:
    if len(content) > MAX_BYTES:
        raise BadInput(
            f"The file has {len(content) / 1e6:.1f} MB.", f"Use at most {MAX_BYTES / 1e6:.0f} MB."
        )
