"""Which engines there are. Each is imported when it is first asked for, not before."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Mapping

from engines.base import EngineFolders, EngineInfo, SpeechEngine
from studio.errors import EngineFailed, unknown

#: id -> "module:Class"; the first one is the default of a fresh studio.
SPEECH_ENGINES: Mapping[str, str] = {
    "espeak": "engines.espeak:EspeakEngine",
}


class Registry:
    """Makes one instance of each engine, on first use, from any thread."""

    def __init__(self, folders: EngineFolders, table: Mapping[str, str] = SPEECH_ENGINES) -> None:
        self._folders = folders
        self._table = dict(table)
        self._made: dict[str, SpeechEngine] = {}
        self._lock = threading.Lock()

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._table)

    def get(self, engine_id: str) -> SpeechEngine:
        """The engine `engine_id`, not loaded yet. Raises NotFound naming the nearest ids, and
        EngineFailed where its packages cannot be imported."""
        with self._lock:
            if engine_id not in self._made:
                if engine_id not in self._table:
                    raise unknown("engine", engine_id, self._table)
                self._made[engine_id] = self._make(engine_id)
            return self._made[engine_id]

    def infos(self) -> tuple[EngineInfo, ...]:
        return tuple(self.get(engine_id).info for engine_id in self._table)

    def _make(self, engine_id: str) -> SpeechEngine:
        module_name, _, class_name = self._table[engine_id].partition(":")
        try:
            factory = getattr(importlib.import_module(module_name), class_name)
        except ImportError as error:
            raise EngineFailed(
                f"The engine “{engine_id}” cannot be imported: {error}.",
                "Install what requirements.txt names: pip install -r requirements.txt",
            ) from error
        engine: SpeechEngine = factory(self._folders)
        return engine
