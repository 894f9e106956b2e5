"""Which engines there are. Each is imported when it is first asked for, not before."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Mapping
from typing import Any, Protocol

from engines.avatar import AvatarEngine, AvatarInfo
from engines.base import EngineFolders, EngineInfo, Placement, SpeechEngine
from engines.recognition import Recognizer, RecognizerInfo
from studio.errors import EngineFailed, unknown

#: id -> "module:Class"; the first one is the default of a fresh studio.
SPEECH_ENGINES: Mapping[str, str] = {
    "espeak": "engines.espeak:EspeakEngine",
    "qwen": "engines.qwen:QwenEngine",
    "xtts": "engines.xtts:XttsEngine",
}


#: The same for recognizers.
RECOGNIZERS: Mapping[str, str] = {
    "pocketsphinx": "engines.sphinx:SphinxRecognizer",
    "whisper": "engines.whisper:WhisperRecognizer",
    "faster_whisper": "engines.faster_whisper:FasterWhisperRecognizer",
}

#: The same for what makes pictures speak.
AVATARS: Mapping[str, str] = {
    "animator": "engines.animator:AnimatorEngine",
    "wav2lip": "engines.wav2lip:Wav2LipEngine",
}


class AnyInfo(Protocol):
    """What engines of every kind say of themselves."""

    @property
    def id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def embedded(self) -> bool: ...


class AnyEngine(Protocol):
    """What engines of every kind can do: be loaded and unloaded."""

    @property
    def info(self) -> AnyInfo: ...
    @property
    def is_loaded(self) -> bool: ...
    @property
    def loaded_model(self) -> str: ...
    def load(self, placement: Placement, model: str) -> None: ...
    def unload(self) -> None: ...


class Registry:
    """Makes one instance of each engine, on first use, from any thread. Ids are of one kind each."""

    def __init__(
        self,
        folders: EngineFolders,
        table: Mapping[str, str] = SPEECH_ENGINES,
        recognizers: Mapping[str, str] = RECOGNIZERS,
        avatars: Mapping[str, str] = AVATARS,
    ) -> None:
        self._folders = folders
        self._speech, self._recognizers, self._avatars = dict(table), dict(recognizers), dict(avatars)
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    @property
    def ids(self) -> tuple[str, ...]:
        """Of the speech engines."""
        return tuple(self._speech)

    @property
    def recognizer_ids(self) -> tuple[str, ...]:
        return tuple(self._recognizers)

    @property
    def avatar_ids(self) -> tuple[str, ...]:
        return tuple(self._avatars)

    @property
    def all_ids(self) -> tuple[str, ...]:
        return (*self._speech, *self._recognizers, *self._avatars)

    def get(self, engine_id: str) -> SpeechEngine:
        """The speech engine `engine_id`, not loaded yet. Raises NotFound naming the nearest ids, and
        EngineFailed where its packages cannot be imported."""
        engine: SpeechEngine = self._instance(engine_id, self._speech, "engine")
        return engine

    def recognizer(self, engine_id: str) -> Recognizer:
        """The recognizer `engine_id`; raises what `get` raises."""
        recognizer: Recognizer = self._instance(engine_id, self._recognizers, "recognizer")
        return recognizer

    def avatar(self, engine_id: str) -> AvatarEngine:
        """The avatar engine `engine_id`; raises what `get` raises."""
        avatar: AvatarEngine = self._instance(engine_id, self._avatars, "avatar engine")
        return avatar

    def engine(self, engine_id: str) -> AnyEngine:
        """The engine `engine_id` of whatever kind; raises what `get` raises."""
        if engine_id in self._recognizers:
            return self.recognizer(engine_id)
        if engine_id in self._avatars:
            return self.avatar(engine_id)
        return self.get(engine_id)

    def infos(self) -> tuple[EngineInfo, ...]:
        return tuple(self.get(engine_id).info for engine_id in self._speech)

    def recognizer_infos(self) -> tuple[RecognizerInfo, ...]:
        return tuple(self.recognizer(engine_id).info for engine_id in self._recognizers)

    def avatar_infos(self) -> tuple[AvatarInfo, ...]:
        return tuple(self.avatar(engine_id).info for engine_id in self._avatars)

    def _instance(self, engine_id: str, table: Mapping[str, str], what: str) -> Any:
        with self._lock:
            if engine_id not in self._made:
                if engine_id not in table:
                    raise unknown(what, engine_id, table)
                self._made[engine_id] = self._make(engine_id, table[engine_id])
            return self._made[engine_id]

    def _make(self, engine_id: str, target: str) -> Any:
        module_name, _, class_name = target.partition(":")
        try:
            factory = getattr(importlib.import_module(module_name), class_name)
        except ImportError as error:
            raise EngineFailed(
                f"The engine “{engine_id}” cannot be imported: {error}.",
                "Install what requirements.txt names: pip install -r requirements.txt",
            ) from error
        return factory(self._folders)
