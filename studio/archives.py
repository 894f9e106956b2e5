"""Entries as zip files to hand on: what is written, and what of a stranger's zip is believed.

    manifest.json    kind, version, what the entry is ("about"), and the SHA-256 of each file
    <file> ...

A zip is data of somebody else's: it is read as a stream with every limit counted while it is read,
and of its files only those come out that the manifest names and whose checksums are right.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from studio import __version__
from studio.audio.opening import open_file, shown
from studio.errors import BadInput
from studio.files import make_folder, publishing, storage_errors
from studio.names import inside

MANIFEST = "manifest.json"

MAX_ENTRIES = 20_000
MAX_BYTES = 2 << 30  # of the zip, and of what comes out of it
MAX_RATIO = 100  # of an entry's size to its packed size
#: Smaller entries may be packed more tightly: an empty table of a few kB is no bomb.
_SMALL = 1 << 20
_MAX_MANIFEST = 8 << 20
#: Of the directory at a zip's end, which Python reads as a whole.
_MAX_DIRECTORY = 8 << 20
_BLOCK = 1 << 20

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(?:/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}){0,3}")
_RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ENCRYPTED = 1
#: The record at a zip's end, before a comment of at most 64 KiB: its sixth field is the directory's
#: size in bytes. A locator of the larger kind of record may stand before it.
_END, _END_MARK = struct.Struct("<4s4H2LH"), b"PK\5\6"
_LARGE_BYTES, _LARGE_MARK = 20, b"PK\6\7"
_TAIL = _END.size + (1 << 16)


def write_archive(
    target: Path, kind: str, version: int, files: Mapping[str, Path], about: Mapping[str, Any]
) -> None:
    """Write `target`, whole or not at all. `files`: plain names ("happy.wav", "a/b.wav") and where
    each lies; `about`: what the entry is, as JSON can hold it. Raises BadInput where it would be too
    large to be imported, StorageFailed."""
    if sum(path.stat().st_size for path in files.values()) > MAX_BYTES:
        raise BadInput("A zip of it would be larger than 2 GiB.", "Leave some of the recordings out.")
    sums: dict[str, str] = {}
    with publishing(target) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, path in files.items():
            if not _is_plain(name) or name == MANIFEST:
                raise ValueError(f"“{name}” is no name for a file in a zip")
            digest = hashlib.sha256()
            # Sound hardly packs; the date is that of no machine.
            with path.open("rb") as source, archive.open(zipfile.ZipInfo(name), "w") as sink:
                while block := source.read(_BLOCK):
                    digest.update(block)
                    sink.write(block)
            sums[name] = digest.hexdigest()
        manifest = {
            "kind": kind,
            "version": version,
            "made_with": f"Timbre {__version__}",
            "about": dict(about),
            "files": sums,
        }
        text = json.dumps(manifest, ensure_ascii=False, indent=2).encode("utf-8", "replace")
        archive.writestr(zipfile.ZipInfo(MANIFEST), text, zipfile.ZIP_DEFLATED)


def read_archive(path: Path, kind: str, version: int, into: Path) -> dict[str, Any]:
    """Put the zip's files into the folder `into`, new or empty, and return its `about`.

    Raises BadInput, in words and with nothing left in `into`: for what is no zip, was not made by
    Timbre, is of another kind or a newer version, has links, names that lead out of it, two entries
    of one name, files that are missing or not what the manifest says, is encrypted, or is larger
    than the limits above once unpacked; StorageFailed where the disk is full.
    """
    made = not into.exists()
    make_folder(into)
    written: list[Path] = []
    try:
        with _opened(path) as archive:
            entries = _judged(archive)
            manifest = _manifest(archive, entries, kind, version)
            left = MAX_BYTES
            for name, expected in manifest["files"].items():
                target = inside(into, name)
                make_folder(target.parent)
                written.append(target)
                left -= _unpack(archive, entries[name], target, expected, left)
            return dict(manifest["about"])
    except BaseException:
        _take_back(written, into, made)
        raise


def unpack_archive(path: Path, into: Path, check: Callable[[], None] = lambda: None) -> dict[str, str]:
    """Put the files of anybody's zip into the folder `into`, new or empty, and return what each is
    called there -> what it was called. They get names of our own ("000001.wav"), so that no name, two
    that differ by case only among them, can do harm. `check` is called for every file and may raise.

    Raises BadInput as `read_archive` does, except that nothing is asked of a manifest; StorageFailed.
    """
    made = not into.exists()
    make_folder(into)
    names: dict[str, str] = {}
    try:
        with _opened(path) as archive:
            left = MAX_BYTES
            for name, info in _judged(archive).items():
                if info.is_dir():
                    continue
                check()
                suffix = _SUFFIX.search(name)
                own = f"{len(names) + 1:06d}{suffix[0].lower() if suffix else ''}"
                names[own] = name
                left -= _unpack(archive, info, into / own, None, left)
    except BaseException as error:
        _take_back([into / own for own in names], into, made)
        if isinstance(error, BadInput):
            raise BadInput(error.message, "Unpack it yourself and choose the folder.") from error
        raise
    return names


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip, and what goes wrong with reading it in words."""
    with _file(path) as file:
        if file.seek(0, 2) > MAX_BYTES:
            raise _refused("it is larger than 2 GiB")
        try:
            _check_directory(file)
            with zipfile.ZipFile(file) as archive:
                yield archive
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,  # a way of packing that Python does not know
            RuntimeError,  # a password is wanted
            OverflowError,
            ValueError,  # among them names that are no text
            struct.error,
        ) as error:
            raise _refused(f"it is no whole zip ({str(error)[:80]})") from error
        except OSError as error:
            if error.errno != errno.EINVAL:  # an entry that is said to lie before the beginning
                raise
            raise _refused("it is no whole zip") from error


def _file(path: Path) -> BinaryIO:
    try:
        return open_file(path)
    except BadInput as error:
        raise BadInput(
            f"{shown(path)} cannot be opened.", "Choose a zip that was exported from Timbre."
        ) from error


def _check_directory(file: BinaryIO) -> None:
    """Raise BadInput for a directory that would fill the memory; found as Python finds it."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL))
    tail = file.read(_TAIL)
    plain = len(tail) - _END.size
    at = (
        plain if tail[plain:].startswith(_END_MARK) and tail.endswith(b"\0\0") else tail.rfind(_END_MARK)
    )
    if at < 0 or len(tail) < at + _END.size:
        raise _refused("it is no whole zip")
    # The larger kind of directory is for more than 65,535 entries, or 4 GiB.
    large = tail[max(0, at - _LARGE_BYTES) : at].startswith(_LARGE_MARK)
    if large or _END.unpack_from(tail, at)[5] > _MAX_DIRECTORY:
        raise _refused(f"it has more than {MAX_ENTRIES:,} entries")


def _judged(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The entries by name, once none of them is hostile. Nothing is unpacked for it."""
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise _refused(f"it has {len(infos):,} entries, more than {MAX_ENTRIES:,}")
    entries: dict[str, zipfile.ZipInfo] = {}
    total = 0
    for info in infos:
        name = info.filename
        shown = f"“{name[:80]}”"
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind and kind not in (stat.S_IFREG, stat.S_IFDIR):
            raise _refused(f"{shown} is a link or a device")
        # Python reads on after a NUL and turns the system's own separators; the raw name counts.
        if info.orig_filename != name or not _stays_inside(name):
            raise _refused(f"the name {shown} leads out of it")
        if info.flag_bits & _ENCRYPTED:
            raise _refused(f"{shown} is encrypted")
        if info.file_size > max(_SMALL, info.compress_size * MAX_RATIO):
            raise _refused(f"{shown} unpacks to more than {MAX_RATIO} times its size")
        total += info.file_size
        if total > MAX_BYTES:
            raise _refused("it unpacks to more than 2 GiB")
        if name in entries:
            raise _refused(f"it has {shown} twice")
        entries[name] = info
    return entries


def _manifest(
    archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo], kind: str, version: int
) -> dict[str, Any]:
    """The manifest, once it can be read by this studio and all it names is there."""
    info = entries.get(MANIFEST)
    if info is None:
        raise _refused(f"it has no {MANIFEST}, so it was not exported from Timbre")
    with archive.open(info) as file:
        content = file.read(_MAX_MANIFEST + 1)
    if len(content) > _MAX_MANIFEST:
        raise _refused(f"its {MANIFEST} is too long")
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _refused(f"its {MANIFEST} is no JSON") from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("kind"), str):
        raise _refused(f"its {MANIFEST} does not say what it is")
    if manifest["kind"] != kind:
        raise BadInput(
            f"That is a {manifest['kind'][:40]}, not a {kind}.", f"Choose the zip of a {kind}."
        )
    found, files = manifest.get("version"), manifest.get("files")
    if not isinstance(found, int):
        raise _refused(f"its {MANIFEST} has no version")
    if found > version:
        raise BadInput(
            f"That {kind} was exported by a newer Timbre (version {found}, this one knows {version}).",
            "Update Timbre and import it again.",
        )
    if not isinstance(files, dict) or not isinstance(manifest.get("about"), dict):
        raise _refused(f"its {MANIFEST} is not whole")
    for name, expected in files.items():
        if not _is_plain(name) or name == MANIFEST:
            raise _refused(f"its {MANIFEST} names “{name[:80]}”, which is no plain file name")
        if not isinstance(expected, str) or not _SHA256.fullmatch(expected):
            raise _refused(f"“{name}” has no checksum")
        if name not in entries:
            raise _refused(f"“{name}” is missing in it")
    if len({name.lower() for name in files}) < len(files):
        raise _refused("two of its files have one name")
    return manifest


def _unpack(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, expected: str | None, left: int
) -> int:
    """Write one file, at most `left` bytes, whose SHA-256 must be `expected` (None: any); returns how
    many bytes. Headers are not believed."""
    digest, count = hashlib.sha256(), 0
    with archive.open(info) as source, storage_errors(target), target.open("xb") as sink:
        while block := source.read(_BLOCK):
            count += len(block)
            if count > left or count > max(_SMALL, info.compress_size * MAX_RATIO):
                raise _refused("it unpacks to more than it says")
            digest.update(block)
            sink.write(block)
    if expected is not None and digest.hexdigest() != expected:
        raise _refused(f"“{info.filename}” is not what was exported: its checksum is wrong")
    return count


def _take_back(written: list[Path], into: Path, made: bool) -> None:
    for path in written:
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == into.resolve() or not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()
    if made:
        into.rmdir()


def _is_plain(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and not any(
        _RESERVED.fullmatch(part) or part.endswith(".") for part in name.split("/")
    )


def _stays_inside(name: str) -> bool:
    """Whether an entry's name, of a file or a folder, leads nowhere else on any system."""
    parts = name.removesuffix("/").split("/")
    return not (
        any(part in ("", ".", "..") for part in parts) or "\\" in name or ":" in name or "\0" in name
    )


def _refused(why: str) -> BadInput:
    return BadInput(f"That zip cannot be imported: {why}.", "Export it from Timbre again.")
