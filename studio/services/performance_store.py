"""Performances on the disk: a folder for each, below the outputs folder, named by its take's id.

    <voice>_<text>_<id>-<version>.wav, .json    the whole, and the script: what each part is and where
    <id>-<part>-<tag>-<seed>.wav                the parts, as they were made

The take's row names the whole, so that another choice of parts counts when the row has changed: a kill
leaves the old or the new. While somebody writes there, a file with his process's id says so.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from studio.audio.wav import join_files
from studio.errors import Damaged, NotFound, StudioError
from studio.files import make_folder, may_be_writing, read_json, storage_errors, write_json
from studio.names import inside, readable
from studio.services.history import History, sidecar_path
from studio.services.part_cache import PartCache
from studio.services.performance_scripts import Script, performance_of, script_from
from studio.services.performance_values import MODE, Performance
from studio.services.phoneme_rows import moved, packed
from studio.services.take_files import finish_sound, made_with, rows_of
from studio.services.takes import TakeRecord
from studio.settings import Settings
from studio.workspace import Workspace

log = logging.getLogger(__name__)

_WORKING = ".working"


class PerformanceStore:
    """Thread-safe as far as two threads do not change the same performance at once."""

    def __init__(
        self, settings: Settings, workspace: Workspace, history: History, cache: PartCache
    ) -> None:
        self._settings, self._history, self._cache = settings, history, cache
        self._outputs, self._spool = workspace.outputs, workspace.spool
        self._root = workspace.outputs / "performances"
        self._marking = threading.Lock()
        history.when_deleted(self._forget)
        self._sweep()

    @contextmanager
    def working(self, id: str) -> Iterator[Path]:
        """The performance's folder, marked as being written; what is left in it without a row in the
        history goes at the end."""
        folder = inside(self._root, id)
        mark = folder / f"{secrets.token_hex(4)}.{os.getpid()}{_WORKING}"
        with self._marking, storage_errors(mark):
            make_folder(folder)
            mark.touch()
        try:
            yield folder
        finally:
            with self._marking:
                mark.unlink(missing_ok=True)
                self._tidy(folder)

    def part_file(self, id: str, index: int, tag: str, seed: int) -> Path:
        """Where the part is kept; its name is used for nothing else, in other folders neither."""
        return inside(self._root, id) / f"{id[:12]}-{index + 1:03}-{readable(tag, 24)}-{seed}.wav"

    def add(self, record: TakeRecord, script: Script) -> Performance:
        """Write the whole of a new performance; `record` lacks only its file and its length."""
        record = self._write(record, script)
        self._history.add(record)
        return performance_of(record, script, self._folder(record))

    def change(self, record: TakeRecord, script: Script) -> Performance:
        """Write the whole anew, of other takes. Raises NotFound where a part's file is gone or the
        performance was deleted meanwhile."""
        changed = self._write(record, script)
        self._history.replace_sound(changed)
        return performance_of(changed, script, self._folder(changed))

    def read(self, record: TakeRecord) -> tuple[Performance, Script]:
        """Raises NotFound where it is no performance or its file is gone, Damaged."""
        if record.mode != MODE:
            raise NotFound("That take was not spoken by a personality.", "Choose another one.")
        path = sidecar_path(self._history.path(record))
        try:
            script = script_from(read_json(path)["script"])
            return performance_of(record, script, path.parent), script
        except FileNotFoundError as error:
            raise NotFound(f"The file {path.name} is gone.", "Speak the text again.") from error
        except (KeyError, TypeError, ValueError) as error:
            raise Damaged(f"{path} is damaged: {error}.", "Speak the text again.") from error

    def _folder(self, record: TakeRecord) -> Path:
        return inside(self._root, record.id)

    def _write(self, record: TakeRecord, script: Script) -> TakeRecord:
        """The whole and its script, under a name that was not used before."""
        folder = self._folder(record)
        voice = readable(record.voice, 24)
        text = readable(" ".join(part.text for part in script.parts)[:100], 32)
        path = folder / f"{voice}_{text}_{record.id[:6]}-{secrets.token_hex(3)}.wav"
        changed = replace(
            record,
            duration=script.duration,
            file=path.relative_to(self._outputs.resolve()).as_posix(),
        )
        performance = performance_of(changed, script, folder)
        missing = [part for part in performance.parts if not part.file.exists()]
        if missing:
            raise NotFound(
                f"The file of part {missing[0].index + 1} is gone.", "Generate this part again."
            )
        sound = self._spool / f"{secrets.token_hex(16)}.wav"
        try:
            files = [each if isinstance(each, int) else folder / each.file for each in script.pieces]
            join_files(sound, script.sample_rate, files)
            finish_sound(sound, path, performance.order.loudness, self._settings)
        finally:
            sound.unlink(missing_ok=True)
        write_json(sidecar_path(path), _sidecar(changed, performance, script))
        return changed

    def _forget(self, record: TakeRecord) -> None:
        """What the cache has of a performance that is deleted goes as well."""
        if record.mode != MODE:
            return
        try:
            _, script = self.read(record)
        except StudioError as error:
            log.warning("no script", extra={"take": record.id, "kind": error.kind})
            return
        self._cache.forget(key for part in script.parts for take in part.takes for key in take.keys)

    def _sweep(self) -> None:
        """Tidy up after processes that were killed at work."""
        for mark in self._root.glob(f"*/*{_WORKING}"):
            pid = mark.name.split(".")[-2]
            if not (pid.isdigit() and may_be_writing(int(pid), mark)):
                mark.unlink(missing_ok=True)
                self._tidy(mark.parent)

    def _tidy(self, folder: Path) -> None:
        """Remove what no script names, unless somebody is at work there."""
        if any(folder.glob(f"*{_WORKING}")):
            return
        try:
            record = self._history.get(folder.name, None)
        except NotFound:
            shutil.rmtree(folder, ignore_errors=True)
            return
        try:
            performance, _ = self.read(record)
        except StudioError:  # somebody has been here by hand: left for people to look at
            return
        path = self._history.path(record)
        named = {path, sidecar_path(path)}
        named |= {take.file for part in performance.parts for take in part.takes}
        names = {each.name for each in named}
        for other in folder.iterdir():
            if other.name not in names and other.is_file():
                other.unlink(missing_ok=True)


def _sidecar(record: TakeRecord, performance: Performance, script: Script) -> dict[str, Any]:
    words = [
        replace(word, start=word.start + part.start, end=word.end + part.start)
        for part in performance.parts
        for word in part.words
    ]
    told = all(part.phonemes for part in performance.parts)
    phonemes = [
        phoneme
        for part in (performance.parts if told else ())
        for phoneme in moved(part.phonemes, part.start)
    ]
    return made_with() | {
        **asdict(record),
        "rtf": record.rtf,
        "notes": list(script.notes),
        "words": rows_of(words),
        "phonemes": packed(phonemes),
        "parts": [
            {
                "tag": part.tag,
                "strength": part.strength,
                "text": part.text,
                "start": round(part.start, 6),
                "duration": round(part.duration, 6),
                "seed": part.seed,
                "file": part.file.name,
            }
            for part in performance.parts
        ],
        "script": asdict(script),  # with what choosing other takes needs
    }
