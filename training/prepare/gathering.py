"""Which files lie in what was given: files, folders, zips, Hugging Face data sets."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from studio.archives import unpack_archive
from studio.control import Control
from studio.dataset.cache import PACKED_SUFFIXES
from studio.dataset.values import Source
from studio.errors import BadInput, StudioError
from studio.files import PARTIAL_SUFFIX
from training.prepare.hugging_face import TABLE, holds_sound, unpack
from training.prepare.naming import distinct, natural, shown_name
from training.prepare.tables import TABLE_SUFFIXES, read_table
from training.prepare.unpacking import Entry, Unpacked

#: Subtitles and texts that lie beside a recording of the same name.
SUBTITLE_SUFFIXES = (".srt", ".vtt")
TEXT_SUFFIXES = (".normalized.txt", ".txt", ".lab")
MAX_FILES = 200_000
_SOUND_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".webm", ".mp4", ".mkv")


@dataclass
class Gathered:
    """What lies in one input, or in all that are single files."""

    label: str  # the folder's or the zip's name; "" for single files
    entries: list[Entry] = field(default_factory=list)
    problems: list[Source] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    chosen: bool = False  # a person has named each of the files


def gather(inputs: Sequence[Path], unpacked: Unpacked, control: Control) -> list[Gathered]:
    """The files of each input that is a folder or a zip, and last, together, all single files.

    Raises BadInput for an input that does not exist and where there are too many files.
    """
    paths = list(dict.fromkeys(_existing(path) for path in inputs))
    labels = dict(zip(paths, distinct(paths), strict=True))
    singles = [path for path in paths if not path.is_dir() and path.suffix.lower() != ".zip"]
    found = []
    for path in paths:
        if path.is_dir():
            found.append(_folder(path, labels[path], control))
        elif path not in singles:
            found.append(_zip(path, labels[path], unpacked))
    if singles:
        found.append(_singles(singles))
    for group in found:
        _leave_out_dropped(group)
        _open_packed(group, unpacked, control)
        group.entries.sort(key=lambda entry: (natural(entry.name), str(entry.path)))
    return found


def problem_of(name: str, path: Path, error: StudioError) -> Source:
    """A file that nothing can be made of."""
    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    id = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return Source(id, shown_name(name), "", size, problem=error.message, hint=error.hint)


def is_table(entry: Entry) -> bool:
    return kind(entry).endswith(TABLE_SUFFIXES)


def kind(entry: Entry) -> str:
    """The name that tells what a file is: that on the disk where it was unpacked under a number."""
    return entry.name.lower() if entry.name.lower().endswith(".trans.txt") else entry.path.name.lower()


def is_beside(entry: Entry) -> bool:
    return kind(entry).endswith((*SUBTITLE_SUFFIXES, *TEXT_SUFFIXES)) and not is_table(entry)


def _existing(path: Path) -> Path:
    try:
        if path.exists():
            return path.resolve()
    except (OSError, ValueError):  # a NUL in the name, a name too long, a folder that is forbidden
        pass
    raise BadInput(
        f"{shown_name(str(path))[-300:]} does not exist.",
        "Put it back where it was, or take it out of the data set's recordings.",
    )


def _singles(paths: Sequence[Path]) -> Gathered:
    """Files that were chosen one by one, and what lies beside them."""
    group = Gathered("", chosen=True)
    texts: dict[Path, dict[str, list[Path]]] = {}  # by folder, which is read once
    for path, name in zip(paths, distinct(paths), strict=True):
        entry = Entry(path, name)
        group.entries.append(entry)
        if is_table(entry):
            group.entries += _named_by(entry)
        elif not is_beside(entry):
            parent = name.removesuffix(path.name)
            if path.parent not in texts:
                texts[path.parent] = _texts_in(path.parent)
            beside = texts[path.parent].get(path.stem, ())
            group.entries += (Entry(other, parent + other.name) for other in beside)
    group.entries = list({entry.path.resolve(): entry for entry in reversed(group.entries)}.values())
    return group


def _texts_in(folder: Path) -> dict[str, list[Path]]:
    """What may say something of a recording, by the name without its suffix that this would have:
    "talk.en.srt" of "talk" and of "talk.en"."""
    found: dict[str, list[Path]] = defaultdict(list)
    try:
        paths = sorted(folder.iterdir())
    except OSError:  # its files may be read all the same
        return found
    for path in paths:
        if is_beside(Entry(path, path.name)) and path.is_file():
            for place, char in enumerate(path.name):
                if char == ".":
                    found[path.name[:place]].append(path)
    return found


def _named_by(table: Entry) -> Iterator[Entry]:
    """The recordings below the folder of a table that was chosen by itself."""
    root = table.path.parent
    try:
        rows = read_table(table.path, kind(table)).rows
    except BadInput:  # said where the table is read for its texts
        return
    for row in rows:
        for stem in (row.file, f"wavs/{row.file}"):
            for suffix in ("", *_SOUND_SUFFIXES):
                try:
                    path = (root / f"{stem}{suffix}").resolve()
                    if path.is_relative_to(root) and path.is_file():
                        yield Entry(path, path.relative_to(root).as_posix())
                except (OSError, ValueError, RuntimeError):  # no name of a file
                    continue


def _folder(root: Path, label: str, control: Control) -> Gathered:
    group = Gathered(label)
    outside = 0
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        control.check()
        try:
            items = sorted(os.scandir(folder), key=lambda item: item.name)
        except OSError as error:
            where = shown_name(f"{label}/{folder.relative_to(root).as_posix()}")
            group.notes.append(f"The folder {where} cannot be opened ({error.strerror}).")
            continue
        for item in items:
            path = Path(item.path)
            if item.name.startswith(".") or item.name.endswith(PARTIAL_SUFFIX):
                continue
            if item.is_symlink():  # what it leads to within the folder is found by itself
                outside += not _is_within(path, root)
            elif item.is_dir() and item.name != "__MACOSX":
                waiting.append(path)
            elif item.is_file():
                group.entries.append(Entry(path, path.relative_to(root).as_posix()))
        if len(group.entries) > MAX_FILES:
            raise BadInput(
                f"{shown_name(label)} holds more than {MAX_FILES:,} files.", "Choose smaller folders."
            )
    if outside:
        group.notes.append(
            f"{outside} link{'s' * (outside > 1)} in {shown_name(label)} "
            "lead out of it and were not followed; choose those folders themselves."
        )
    return group


def _is_within(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # it leads to itself
        return False


def _zip(path: Path, label: str, unpacked: Unpacked) -> Gathered:
    group = Gathered(label[: -len(path.suffix)])

    def take_out(archive: Path, into: Path, control: Control) -> dict[str, str]:
        return unpack_archive(archive, into, control.check)

    try:
        entries = unpacked.entries(path, take_out)
    except BadInput as error:
        group.problems.append(problem_of(label, path, error))
        return group
    for entry in entries:
        parts = PurePosixPath(entry.name).parts
        hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
        if not hidden and not entry.name.endswith(PARTIAL_SUFFIX):
            group.entries.append(entry)
    return group


def _leave_out_dropped(group: Gathered) -> None:
    """Of our own data sets only what they keep: the rest was judged, and their sources lie there whole."""
    names = {entry.name for entry in group.entries}
    sets = [name.removesuffix("ledger.jsonl") for name in names if name.endswith("ledger.jsonl")]
    left_out = tuple(
        folder + part
        for folder in sets
        if f"{folder}dataset.json" in names
        for part in ("dropped/", "sources/", "ledger.jsonl")
    )
    group.entries = [entry for entry in group.entries if not entry.name.startswith(left_out)]


def _open_packed(group: Gathered, unpacked: Unpacked, control: Control) -> None:
    """Put the recordings of Parquet and Arrow files in the place of those."""
    files, group.entries = group.entries, []
    for entry in files:
        # `datasets` leaves what it has calculated beside the set as cache-….arrow.
        leftover = PurePosixPath(entry.name).name.startswith("cache-")
        if entry.path.suffix.lower() not in PACKED_SUFFIXES or leftover:
            group.entries.append(entry)
            continue
        try:
            if not holds_sound(entry.path):
                group.entries.append(entry)
                continue
            base = PurePosixPath(entry.name)
            for inner in unpacked.entries(entry.path, unpack):
                name = base.name if inner.name == TABLE else inner.name  # as it is known to people
                group.entries.append(Entry(inner.path, f"{base.with_suffix('')}/{name}"))
        except BadInput as error:
            group.problems.append(problem_of(entry.name, entry.path, error))
