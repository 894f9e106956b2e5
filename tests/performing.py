"""Tagged texts that a personality with three emotions speaks, over the engines for tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from engines.base import EngineFolders
from engines.manager import EngineManager
from engines.registry import Registry
from studio.models.folders import ModelFolders
from studio.services.performance_values import Performance, PerformOrder
from studio.services.performing import PerformanceService
from studio.services.personality_values import NewEmotion, NewPersonality, Personality
from studio.services.studio import Studio
from studio.services.takes import Loudness
from studio.services.tasks import TaskState
from studio.services.wording import Wording
from tests import engines_for_tests
from tests.audio_files import tone, wav
from tests.engines_for_tests import CloningEngine

SIX = (
    "[happy] Good morning. [sad] It is raining. [neutral] We stay in. "
    "[happy] There is cake. [sad] It is gone. [neutral] Good night."
)


def engines_in(folder: Path) -> EngineManager:
    CloningEngine.spoken.clear()
    folders = EngineFolders(folder, ModelFolders(folder, folder))
    return EngineManager(Registry(folders, engines_for_tests.TABLE))


def performing(studio: Studio, engines: EngineManager) -> Iterator[PerformanceService]:
    """The performances over the engines, for as long as a test runs."""
    yield opened(studio, engines)
    studio.tasks.close()


def opened(studio: Studio, engines: EngineManager) -> PerformanceService:
    return PerformanceService(
        studio.settings,
        studio.workspace,
        engines,
        studio.history,
        studio.tasks,
        Wording(studio.settings, studio.lexicon, studio.language_model),
        studio.personalities,
        studio.chimera.blend,
    )


def anna_of(studio: Studio, folder: Path) -> Personality:
    """Anna, with a recording of each emotion at a pitch of its own."""
    emotions = tuple(
        NewEmotion(tag, wav(folder / f"{tag}.wav", tone(3, hertz=hertz)), transcript=tag)
        for tag, hertz in (("neutral", 200.0), ("happy", 300.0), ("sad", 150.0))
    )
    return studio.personalities.create(NewPersonality("Anna", emotions, language="en"), "")


def order(text: str, **changes: object) -> PerformOrder:
    plain = PerformOrder("Anna", text, "cloning", language="en", loudness=Loudness.AS_MADE, seed=5)
    return replace(plain, **changes)  # type: ignore[arg-type]


def spoken() -> list[str]:
    """What the engine was asked for since the last call."""
    texts = [text for text, _ in CloningEngine.spoken]
    CloningEngine.spoken.clear()
    return texts


def samples(path: Path) -> np.ndarray:
    return soundfile.read(path, dtype="int16")[0]


def whole(studio: Studio, performance: Performance) -> np.ndarray:
    return samples(studio.history.path(performance.record))


def files(performance: Performance) -> list[bytes]:
    return [part.file.read_bytes() for part in performance.parts]


def finished(service: PerformanceService, task_id: str) -> Performance:
    status = list(service.follow(task_id))[-1]
    assert status.state is TaskState.DONE, status
    assert isinstance(status.result, Performance)
    return status.result
