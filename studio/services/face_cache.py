"""Where the faces of a file are, kept by the file's content, so that no file is searched twice. All of it
can be removed at any time."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np

from studio.audio.opening import open_file
from studio.control import Control
from studio.errors import Damaged
from studio.files import read_json, write_bytes, write_json
from studio.services.face_geometry import VALUES, Values

log = logging.getLogger(__name__)

#: Raised whenever files are read or searched in another way.
_RECIPE = 1
#: How much is kept; what was not used for longest goes first. A minute of video takes 200 kB.
MAX_BYTES = 64 << 20
#: What was used this lately stays whatever its size, seconds.
_RECENT_S = 3_600
#: Files whose content is remembered while they do not change.
_CONTENTS = 256
_BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class Glance:
    """What a quick look found. Sizes and faces are those of the preview."""

    still: bool
    size: tuple[int, int]
    faces: Values  # [n, 15], from left to right
    index: int  # of a video: which of the frames that are looked at is the preview
    turned: int  # quarters to the right by which it would stand upright, where that seems needed


@dataclass(frozen=True, eq=False)
class Tracked:
    """The faces in a video's frames from the first one on."""

    size: tuple[int, int]  # of the frames that were searched
    frames: tuple[Values, ...]  # [n, 15] each
    whole: bool  # the video has no more


class FaceCache:
    """Thread-safe, and safe beside other processes: every file appears when it is whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._busy: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
        self._contents: dict[tuple[str, int, int, int], str] = {}  # the newest last

    def content(self, path: Path, control: Control) -> str:
        """64 hex digits for what the file holds; calculated once for a file that has not changed. Raises
        BadInput where it cannot be read, Cancelled."""
        with open_file(path, "picture or video") as file:
            facts = path.stat()
            known = (str(path.resolve()), facts.st_ino, facts.st_size, facts.st_mtime_ns)
            with self._lock:
                if known in self._contents:
                    return self._contents[known]
            digest = hashlib.sha256()
            while block := file.read(_BLOCK):
                control.check()
                digest.update(block)
        with self._lock:
            self._contents[known] = digest.hexdigest()
            while len(self._contents) > _CONTENTS:
                del self._contents[next(iter(self._contents))]
        return digest.hexdigest()

    @contextlib.contextmanager
    def alone(self, content: str, control: Control) -> Iterator[None]:
        """One thread at a time searches a file; others wait for what it finds. Raises Cancelled."""
        with self._lock:  # who waits or searches keeps the lock alive, nobody else
            lock = self._busy.setdefault(content, threading.Lock())
        while not lock.acquire(timeout=0.1):
            control.check()
        try:
            yield
        finally:
            lock.release()

    def glance(self, content: str) -> Glance | None:
        """What was kept; None where there is nothing, or it cannot be read."""
        path = self._path(content, "look", "json")
        try:
            kept = read_json(path)
            faces = np.array(kept["faces"], dtype=np.float64).reshape(-1, VALUES)
            width, height = kept["size"]
            size = (int(width), int(height))
            glance = Glance(bool(kept["still"]), size, faces, int(kept["index"]), int(kept["turned"]))
            path.touch()
        except FileNotFoundError:
            return None
        except (OSError, Damaged, KeyError, TypeError, ValueError) as error:
            _unusable(path, error)
            return None
        return glance

    def keep_glance(self, content: str, glance: Glance) -> None:
        """Raises StorageFailed."""
        value = {
            "still": glance.still,
            "size": glance.size,
            "faces": glance.faces.tolist(),
            "index": glance.index,
            "turned": glance.turned,
        }
        write_json(self._path(content, "look", "json"), value)

    def tracked(self, content: str, settings: str) -> Tracked | None:
        """The same for a video searched with `settings`."""
        path = self._path(content, settings, "npz")
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
                counts, faces = kept["counts"], kept["faces"].astype(np.float64)
                width, height, whole = (int(value) for value in kept["facts"])
            if faces.shape != (counts.sum(), VALUES):
                raise Damaged(f"{path} is not what was written.")
            path.touch()
        except FileNotFoundError:
            return None
        except (OSError, Damaged, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
            _unusable(path, error)
            return None
        frames = tuple(np.split(faces, np.cumsum(counts)[:-1])) if len(counts) else ()
        return Tracked((width, height), frames, bool(whole))

    def keep_tracked(self, content: str, settings: str, tracked: Tracked) -> None:
        """Raises StorageFailed."""
        file = io.BytesIO()
        np.savez_compressed(
            file,
            counts=np.array([len(faces) for faces in tracked.frames], dtype=np.int64),
            faces=np.concatenate([np.zeros((0, VALUES)), *tracked.frames]).astype(np.float32),
            facts=np.array([*tracked.size, tracked.whole], dtype=np.int64),
        )
        write_bytes(self._path(content, settings, "npz"), file.getvalue())
        self.trim()

    def trim(self, most: int = MAX_BYTES) -> None:
        """Remove the oldest until at most `most` bytes are left."""
        found = []
        for path in self._folder.glob("*-*.*"):
            with contextlib.suppress(FileNotFoundError):  # another process was quicker
                facts = path.stat()
                found.append((facts.st_mtime, facts.st_size, path))
        left = sum(size for _, size, _ in found)
        for used, size, path in sorted(found):
            if left <= most or used > time.time() - _RECENT_S:
                return
            path.unlink(missing_ok=True)
            left -= size

    def _path(self, content: str, settings: str, kind: str) -> Path:
        return self._folder / f"{content[:40]}-{settings}-{_RECIPE}.{kind}"


def _unusable(path: Path, error: Exception) -> None:
    """It is searched for once more, and written anew."""
    log.warning("kept faces cannot be used", extra={"path": str(path), "why": str(error)})
