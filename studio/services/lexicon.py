"""The lexicon of a home: how its people want words to be said."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from studio.db import Database
from studio.errors import BadInput, NotFound
from studio.files import write_bytes
from studio.names import MAX_NAME, clean_name
from studio.text.lexicon_files import MAX_BYTES, Row, from_csv, from_pls, to_csv, to_pls
from studio.text.pronunciation import Entry, counts_for, fold

#: More would make every text slow to prepare.
MAX_ENTRIES = 20_000
_MAX_RESPELLING = 200
_MAX_IPA = 90  # each symbol may take four characters of a notation, of which 400 are read
_MAX_NOTE = 500
_LANGUAGE = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8})*")
_ALL = frozenset(("", "auto", "all", "*"))
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
_JOINERS = "\u200c\u200d"
_SELECT = "SELECT id, word, language, respelling, ipa, case_sensitive, note FROM lexicon"


@dataclass(frozen=True)
class Refusal:
    """An entry of a file that was not taken over."""

    line: int
    word: str
    reason: str


@dataclass(frozen=True)
class ImportReport:
    added: int
    replaced: int
    unchanged: int
    refused: tuple[Refusal, ...]


class Lexicon:
    """Thread- and process-safe. Two entries for one word differ in language or in whether case
    counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entries(self, language: str = "") -> list[Entry]:
        """Every entry by word; those that count for `language` where one is given."""
        rows = self._database.query(f"{_SELECT} ORDER BY key COLLATE NOCASE, language, id")
        entries = [_from_row(row) for row in rows]
        return [entry for entry in entries if not language or counts_for(entry.language, language)]

    def search(self, query: str, language: str = "") -> list[Entry]:
        """The entries with `query` in the word, what is said for it, or the note."""
        wanted = fold(unicodedata.normalize("NFC", query)).strip()
        return [
            entry
            for entry in self.entries(language)
            if any(
                wanted in fold(value) for value in (entry.word, entry.respelling, entry.ipa, entry.note)
            )
        ]

    def get(self, entry_id: int) -> Entry:
        """Raises NotFound."""
        rows = self._database.query(f"{_SELECT} WHERE id = ?", (entry_id,))
        if not rows:
            raise NotFound("There is no such entry.", "Reload the list: it may have been deleted.")
        return _from_row(rows[0])

    def add(self, entry: Entry) -> Entry:
        """Keep a new entry; returns it with its id. Raises BadInput, also where the word has one."""
        entry = checked(entry)
        with self._database.transaction() as connection:
            if _same(connection, entry) is not None:
                raise BadInput(
                    f"“{entry.word}” is in the lexicon already.",
                    "Change that entry, or delete it first.",
                )
            _check_room(connection)
            return _insert(connection, entry)

    def update(self, entry_id: int, entry: Entry) -> Entry:
        """Put `entry` in the place of the one with that id. Raises BadInput, NotFound."""
        entry = checked(entry)
        with self._database.transaction() as connection:
            other = _same(connection, entry)
            if other is not None and other.id != entry_id:
                raise BadInput(
                    f"“{entry.word}” is in the lexicon already.",
                    "Change that entry, or delete it first.",
                )
            return _overwrite(connection, replace(entry, id=entry_id))

    def delete(self, *entry_ids: int) -> int:
        """Delete entries; returns how many there were."""
        with self._database.transaction() as connection:
            return sum(
                connection.execute("DELETE FROM lexicon WHERE id = ?", (entry_id,)).rowcount
                for entry_id in entry_ids
            )

    def delete_word(self, word: str, language: str | None = None) -> int:
        """Delete every entry for `word`, or only that of `language` ("" is all languages); returns
        how many. Raises NotFound where there is none."""
        wanted = fold(clean_name(word))
        language = language if language is None else _language(language)
        found = [
            entry.id
            for entry in self.entries()
            if fold(entry.word) == wanted and language in (None, entry.language)
        ]
        if not found:
            raise NotFound(f"“{word[:80]}” is not in the lexicon.", "See: app.py lexicon list")
        return self.delete(*found)

    def import_file(self, path: Path) -> ImportReport:
        """Take over a .csv or .pls (also .xml) file. Raises BadInput where it cannot be read."""
        try:
            if path.stat().st_size > MAX_BYTES:
                raise BadInput(f"{path.name} is too large.", f"Use at most {MAX_BYTES // 1_000_000} MB.")
            content = path.read_bytes()
        except OSError as error:
            raise BadInput(
                f"{path.name} cannot be read ({error.strerror}).", "Check its name."
            ) from error
        return self.import_bytes(content, path.suffix)

    def import_bytes(self, content: bytes, ending: str) -> ImportReport:
        """Take over the content of a file with that ending: all of its good entries or, where the
        file cannot be read, none. An entry replaces the one for the same word and language."""
        kind = ending.lower().lstrip(".")
        if kind in ("csv", "tsv", "txt"):
            return self._import(list(from_csv(content)))
        if kind in ("pls", "xml"):
            return self._import(from_pls(content))
        raise BadInput(f"A lexicon cannot be read from .{kind[:20]}.", "Use a .csv or a .pls file.")

    def export(self, ending: str, language: str = "") -> str:
        """The lexicon as the text of a .csv or .pls file, or the part for `language`."""
        kind = ending.lower().lstrip(".")
        if kind == "csv":
            return to_csv(self.entries(language))
        if kind in ("pls", "xml"):
            return to_pls(self.entries(language))
        raise BadInput(f"A lexicon cannot be written as .{kind[:20]}.", "Use .csv or .pls.")

    def export_file(self, path: Path, language: str = "") -> None:
        """Write a .csv or .pls file. CSV begins with a mark that tells Excel that it is UTF-8."""
        text = self.export(path.suffix, language)
        encoding = "utf-8-sig" if path.suffix.lower() == ".csv" else "utf-8"
        write_bytes(path, text.encode(encoding))

    def _import(self, rows: Iterable[Row]) -> ImportReport:
        added = replaced = unchanged = 0
        refused: list[Refusal] = []
        with self._database.transaction() as connection:
            for row in rows:
                try:
                    if row.problem:
                        raise BadInput(row.problem)
                    entry = checked(row.entry)
                    same = _same(connection, entry)
                    if same is None:
                        _check_room(connection)
                        _insert(connection, entry)
                        added += 1
                    elif replace(same, id=0) == entry:
                        unchanged += 1
                    else:
                        _overwrite(connection, replace(entry, id=same.id))
                        replaced += 1
                except BadInput as error:
                    refused.append(Refusal(row.line, row.entry.word[:80], error.message))
        return ImportReport(added, replaced, unchanged, tuple(refused))


def checked(entry: Entry) -> Entry:
    """`entry` as it is kept: NFC, without odd spaces, IPA without slashes around it. Raises BadInput
    naming what is wrong."""
    if not _speakable(entry.word):
        raise BadInput("The word has no letter or number.", "Write the word as it stands in texts.")
    word = clean_name(_writable(entry.word))
    respelling, ipa, note = (_cleaned(value) for value in (entry.respelling, entry.ipa, entry.note))
    ipa = ipa.strip("/[] ")
    if not respelling and not ipa:
        raise BadInput(f"“{word}” has neither a respelling nor IPA.", "Give one of them, or both.")
    for name, value, longest in (
        ("word", word, MAX_NAME),
        ("respelling", respelling, _MAX_RESPELLING),
        ("IPA", ipa, _MAX_IPA),
    ):
        if re.search(r"[\[\]]", value):
            raise BadInput(f"The {name} of “{word}” has brackets.", "Leave them out.")
        if len(value) > longest:
            raise BadInput(f"The {name} has {len(value)} characters.", f"Use at most {longest}.")
    if respelling and not _speakable(respelling):
        raise BadInput(f"The respelling of “{word}” has no letter or number.", "Write it in letters.")
    if re.search(r"[\d<>{}=*#@&]", ipa):
        raise BadInput(f"The IPA of “{word}” has signs that are none of IPA.", "Write it as həˈləʊ.")
    if len(note) > _MAX_NOTE:
        raise BadInput(f"The note has {len(note)} characters.", f"Use at most {_MAX_NOTE}.")
    return Entry(word, _language(entry.language), respelling, ipa, bool(entry.case_sensitive), note)


def _language(code: str) -> str:
    plain = code.strip().lower().replace("_", "-")
    if plain in _ALL:
        return ""
    if not _LANGUAGE.fullmatch(plain):
        raise BadInput(
            f"“{code[:40]}” is no language.", "Write a code such as en or de-at; nothing for all."
        )
    return plain


def _cleaned(value: str) -> str:
    """Empty, or cleaned as names are: no control or direction-changing characters."""
    kept = (
        char
        for char in value
        if char.isspace() or char in _JOINERS or unicodedata.category(char) not in _INVISIBLE
    )
    return " ".join(unicodedata.normalize("NFC", _writable("".join(kept))).split())


def _writable(value: str) -> str:
    """`value` without the two non-characters that XML forbids."""
    return value.replace("\ufffe", "").replace("\uffff", "")


def _speakable(value: str) -> bool:
    return any(char.isalnum() for char in value)


def _key(entry: Entry) -> str:
    return entry.word if entry.case_sensitive else fold(entry.word)


def _same(connection: sqlite3.Connection, entry: Entry) -> Entry | None:
    row = connection.execute(
        f"{_SELECT} WHERE key = ? AND language = ? AND case_sensitive = ?",
        (_key(entry), entry.language, entry.case_sensitive),
    ).fetchone()
    return _from_row(row) if row is not None else None


def _check_room(connection: sqlite3.Connection) -> None:
    if connection.execute("SELECT COUNT(*) FROM lexicon").fetchone()[0] >= MAX_ENTRIES:
        raise BadInput(f"The lexicon is full ({MAX_ENTRIES:,} entries).", "Delete what you do not need.")


def _insert(connection: sqlite3.Connection, entry: Entry) -> Entry:
    cursor = connection.execute(
        "INSERT INTO lexicon (key, word, language, respelling, ipa, case_sensitive, note)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        _values(entry),
    )
    return replace(entry, id=int(cursor.lastrowid or 0))


def _overwrite(connection: sqlite3.Connection, entry: Entry) -> Entry:
    changed = connection.execute(
        "UPDATE lexicon SET key = ?, word = ?, language = ?, respelling = ?, ipa = ?,"
        " case_sensitive = ?, note = ? WHERE id = ?",
        (*_values(entry), entry.id),
    ).rowcount
    if not changed:
        raise NotFound("There is no such entry.", "Reload the list: it may have been deleted.")
    return entry


def _values(entry: Entry) -> tuple[object, ...]:
    return (
        *(_key(entry), entry.word, entry.language, entry.respelling, entry.ipa),
        *(entry.case_sensitive, entry.note),
    )


def _from_row(row: sqlite3.Row) -> Entry:
    return Entry(**(dict(row) | {"case_sensitive": bool(row["case_sensitive"])}))
