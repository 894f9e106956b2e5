"""Which text belongs to which recording: from tables, and from what lies beside it."""

from __future__ import annotations

import posixpath
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import PurePosixPath

from studio.errors import BadInput
from studio.names import clean_name
from studio.text.given import clean_language
from studio.text.sentences import clean
from training.prepare.gathering import SUBTITLE_SUFFIXES, TEXT_SUFFIXES, is_beside, is_table, kind
from training.prepare.naming import natural, shown_name
from training.prepare.subtitle_files import read_subtitles
from training.prepare.tables import Row, read_table, read_text
from training.prepare.unpacking import Entry
from training.prepare.values import GivenText

_NAMED = 3  # how many names a note has


@dataclass(frozen=True)
class Words:
    """What was said about one recording."""

    given: tuple[GivenText, ...] = ()
    given_from: str = ""
    speaker: str = ""
    language: str = ""


@dataclass
class _Said:
    """What one table says about one recording."""

    texts: list[GivenText] = field(default_factory=list)
    speaker: str = ""
    language: str = ""


def words_for(
    recordings: Sequence[Entry], entries: Sequence[Entry], language: str
) -> tuple[dict[Entry, Words], list[str]]:
    """What the other `entries` of an input say about its `recordings`, and notes for people.

    A recording's subtitles count more than a table, a table of its own folder more than one further
    up, and any table more than a plain text beside it. `language` decides between "talk.en.srt" and
    "talk.de.srt".
    """
    notes: list[str] = []
    words = dict.fromkeys(recordings, Words())
    tables = [entry for entry in entries if is_table(entry)]
    index = _Index(recordings)
    for table in sorted(tables, key=lambda entry: _table_order(entry.name)):
        for recording, said in _of_table(table, index, notes).items():
            words[recording] = completed(words[recording], _of_row(said, _base(table.name)))
    _add_files_beside(words, [entry for entry in entries if is_beside(entry)], language, notes)
    return words, notes


def listed(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    known = [shown_name(name) for name in names]
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    return ", ".join(known[:_NAMED]) + more


class _Index:
    """Recordings by every way in which a table may name them: with or without the folders above, with
    or without the suffix."""

    def __init__(self, recordings: Sequence[Entry]) -> None:
        self._found: dict[str, list[Entry]] = defaultdict(list)
        for entry in recordings:
            parts = _folded(entry.name).split("/")
            stem = parts[-1].rpartition(".")[0] or parts[-1]
            for start in range(len(parts)):
                for last in dict.fromkeys((parts[-1], stem)):
                    self._found["/".join([*parts[start:-1], last])].append(entry)

    def find(self, file: str, folder: str) -> Entry | None:
        """The recording that a table in `folder` calls `file`; None where none or several fit.

        No path is opened: a name can only be one of the recordings that were found already.
        """
        path = posixpath.normpath(_folded(file).replace("\\", "/"))
        parts = [part for part in path.split("/") if part not in ("", "..", ".")]
        folder = _folded(folder)
        for start in range(len(parts)):
            name = "/".join(parts[start:])
            hits = self._found.get(name) or self._found.get(name.rpartition(".")[0]) or []
            if len(hits) == 1:
                return hits[0]
            near = [hit for hit in hits if _folded(hit.name).startswith(folder)]
            direct = [hit for hit in near if _folded(hit.name).startswith(folder + name)]
            for some in (direct, near):
                if len(some) == 1:
                    return some[0]
            if hits:
                return None
        return None


def _of_table(table: Entry, index: _Index, notes: list[str]) -> dict[Entry, _Said]:
    name, folder = shown_name(table.name), table.name.removesuffix(_base(table.name))
    try:
        content = read_table(table.path, kind(table))
    except BadInput as error:
        notes.append(f"{name} was not used: {error.message} {error.hint}")
        return {}
    if content.faults:
        more = f" and {len(content.faults) - 1} more" if len(content.faults) > 1 else ""
        notes.append(f"In {name}, {content.faults[0]}{more}; left out.")
    said: dict[Entry, _Said] = defaultdict(_Said)
    missing: dict[str, None] = {}
    for row in content.rows:
        recording = index.find(row.file, folder)
        if recording is None:
            missing[row.file] = None
        else:
            _take(said[recording], row)
    if missing:
        count = f"{len(missing):,} recording{'s' * (len(missing) > 1)}"
        notes.append(f"{name} names {count} that cannot be found: {listed(missing)}.")
    several = [each.name for each, what in said.items() if len(_untimed(what.texts)) > 1]
    if several:
        notes.append(f"{name} has several texts for {listed(several)}; the first one counts.")
    return said


def _take(said: _Said, row: Row) -> None:
    text = " ".join(clean(row.text).split())
    if text:
        said.texts.append(GivenText(text, row.start, row.end))
    said.speaker = said.speaker or _speaker(row.speaker)
    said.language = said.language or language_code(row.language)


def completed(words: Words, more: Words) -> Words:
    """What `words` say, and where they say nothing, what `more` does."""
    return Words(
        words.given or more.given,
        words.given_from if words.given else more.given_from,
        words.speaker or more.speaker,
        words.language or more.language,
    )


def _of_row(said: _Said, name: str) -> Words:
    texts = tuple(sorted(_timed(said.texts), key=lambda text: (text.start, text.end)))
    texts = tuple(dict.fromkeys(texts)) or _untimed(said.texts)[:1]
    return Words(texts, shown_name(name) if texts else "", said.speaker, said.language)


def _timed(texts: Iterable[GivenText]) -> list[GivenText]:
    return [text for text in texts if text.start is not None]


def _untimed(texts: Iterable[GivenText]) -> tuple[GivenText, ...]:
    return tuple(dict.fromkeys(text for text in texts if text.start is None))


def _add_files_beside(
    words: dict[Entry, Words], beside: Sequence[Entry], language: str, notes: list[str]
) -> None:
    by_stem: dict[str, list[Entry]] = defaultdict(list)
    tagged: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for entry in beside:
        by_stem[_stem(entry.name)].append(entry)
        stem, _, tag = _stem(entry.name).rpartition(".")
        if stem and len(tag) <= 10 and language_code(tag):
            tagged[stem][language_code(tag)].append(entry)
    used: set[Entry] = set()
    for recording in words:
        stem = recording.name.removesuffix(PurePosixPath(recording.name).suffix)
        found = [(entry, "") for entry in by_stem.get(stem, ())]
        if not any(_is_subtitles(entry) for entry, _ in found):
            found += _in_language(tagged.get(stem, {}), language)
        for entry, tag in sorted(found, key=lambda pair: pair[0].name):
            used.add(entry)
            try:
                words[recording] = _with_file(words[recording], entry, tag)
            except BadInput as error:
                notes.append(f"{shown_name(entry.name)} was not used: {error.message} {error.hint}")
    alone = [each.name for each in beside if each not in used and _is_subtitles(each)]
    if alone:
        notes.append(f"There is no recording of the same name for {listed(sorted(alone, key=natural))}.")


def _in_language(tagged: Mapping[str, list[Entry]], language: str) -> list[tuple[Entry, str]]:
    """Subtitles such as "talk.en.srt", with their language: those of the wanted one, or the only
    ones."""
    wanted = language if language in tagged else next(iter(tagged), "") if len(tagged) == 1 else ""
    return [(entry, wanted) for entry in tagged.get(wanted, ())]


def _is_subtitles(entry: Entry) -> bool:
    return entry.path.suffix.lower() in SUBTITLE_SUFFIXES


def _with_file(words: Words, entry: Entry, language: str) -> Words:
    """The words with those of a file beside the recording. Raises BadInput where it cannot be read."""
    texts: tuple[GivenText, ...] = ()
    if _is_subtitles(entry):
        if not words.given_from.lower().endswith(SUBTITLE_SUFFIXES):
            texts = read_subtitles(entry.path)
    elif not words.given and (text := " ".join(clean(read_text(entry.path)).split())):
        texts = (GivenText(text),)
    if texts:
        words = replace(words, given=texts, given_from=shown_name(_base(entry.name)))
    return replace(words, language=words.language or language)


@lru_cache(maxsize=1024)
def language_code(language: str) -> str:
    """The code of a language that is given as one, or by its English name; "" for anything else."""
    from engines.whisper.languages import LANGUAGES

    name = language.strip().casefold()
    for code, known in LANGUAGES.items():
        if known.casefold() == name:
            return code
    try:
        code = clean_language(language)
    except BadInput:
        return ""
    return code if len(code.split("-")[0]) <= 3 else ""


def _speaker(name: str) -> str:
    try:
        return clean_name(name)
    except BadInput:  # nothing visible, or too long
        return ""


def _table_order(name: str) -> tuple[int, bool, object]:
    """The nearest first, and of one folder "metadata" before any other."""
    return -name.count("/"), not _base(name).lower().startswith("metadata."), natural(name)


def _stem(name: str) -> str:
    for suffix in (*SUBTITLE_SUFFIXES, *TEXT_SUFFIXES):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name)
