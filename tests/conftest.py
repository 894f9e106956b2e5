"""What the tests share: a studio in a temporary home, and the embedded engine."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from engines.base import EngineFolders
from engines.espeak import EspeakEngine
from studio.control import Control
from studio.models.folders import ModelFolders
from studio.services.studio import Studio
from studio.settings import Settings, load_settings
from tests.running import Ended

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Practice models gain nothing from a second thread, and tests run side by side. Read by torch when it
# is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

for name in [name for name in os.environ if name.startswith(("TIMBRE_", "QWEN_TTS_MODELS_DIR"))]:
    del os.environ[name]  # what the developer has set is not what is tested


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home", models_dir=tmp_path / "models")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def command(home: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """app.main() with a home of its own; a process each would take most of the time to start."""
    import app  # brings the page along

    def run(*arguments: str) -> Ended:
        capfd.readouterr()
        try:
            code = app.main(["--home", str(home), *arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        said = capfd.readouterr()
        return Ended(code, said.out, said.err)

    return run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from tests.browsing import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture
def studio(settings: Settings) -> Iterator[Studio]:
    with Studio(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EspeakEngine]:
    """The embedded engine with a cache of its own, shared by the tests of a module."""
    folder = tmp_path_factory.mktemp("espeak")
    engine = EspeakEngine(EngineFolders(folder, ModelFolders(folder, folder)))
    yield engine
    engine.unload()


@pytest.fixture(scope="session")
def practice_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of Qwen models with the three practice models; treat it as read-only.

    Made once a run: the workers of pytest-xdist share the folder above their own.
    """
    from engines.qwen.practice import make_all

    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = shared / "practice-models"
    with FileLock(shared / "practice-models.lock"):
        if not (shared / "practice-models.made").exists():
            make_all(folder, Control())
            (shared / "practice-models.made").touch()
    return folder


@pytest.fixture(scope="session")
def whisper_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with the practice model of Whisper, made once a run; treat it as read-only."""
    from engines.whisper.practice import make_all

    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = shared / "whisper-models"
    with FileLock(shared / "whisper-models.lock"):
        if not (shared / "whisper-models.made").exists():
            make_all(folder / "Whisper", Control())
            (shared / "whisper-models.made").touch()
    return folder


@pytest.fixture(scope="session")
def xtts_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with the practice model of XTTS, made once a run; treat it as read-only."""
    from engines.xtts.practice import make_all

    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    folder = shared / "xtts-models"
    with FileLock(shared / "xtts-models.lock"):
        if not (shared / "xtts-models.made").exists():
            make_all(folder / "XTTS", Control())
            (shared / "xtts-models.made").touch()
    return folder
