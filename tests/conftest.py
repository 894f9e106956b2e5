"""What the tests share: a studio in a temporary home, and the embedded engine."""

from __future__ import annotations

import gc
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


@pytest.fixture(scope="module", autouse=True)
def _what_is_there_is_not_collected() -> None:
    """What earlier modules have imported stays anyway: the collector need not go through all of it each
    time a model is loaded or unloaded, which takes seconds late in a run."""
    _leave_alone()


def _leave_alone() -> None:
    gc.collect()
    gc.freeze()


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
    from tests.browsing import CHROMIUM, chromium

    if CHROMIUM is None:
        pytest.skip("no chromium here (apt install chromium-headless-shell)")
    with chromium() as browser:
        yield browser


@pytest.fixture
def studio(settings: Settings) -> Iterator[Studio]:
    with Studio(settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, measured_voices: Path) -> Iterator[EspeakEngine]:
    """The embedded engine with a cache of its own, shared by the tests of a module; what is measured of its
    own voices is in it once for the run."""
    folder = tmp_path_factory.mktemp("espeak")
    (folder / "espeak").mkdir()
    (folder / "espeak" / "variants").symlink_to(measured_voices)
    engine = EspeakEngine(EngineFolders(folder, ModelFolders(folder, folder)))
    yield engine
    engine.unload()


def _made_once(
    factory: pytest.TempPathFactory, name: str, family: str, make: Callable[[Path, Control], object]
) -> Path:
    """The folder `name`, with what `make` has put into its `family`, made once a run: the workers of
    pytest-xdist share the folder above their own."""
    own = factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with FileLock(shared / f"{name}.lock"):
        if not (shared / f"{name}.made").exists():
            make(shared / name / family, Control())
            (shared / f"{name}.made").touch()
            _leave_alone()  # what making it has imported
    return shared / name


@pytest.fixture(scope="session")
def measured_voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the run keeps what the voice match and voice design have measured of eSpeak NG's own voices: it
    takes three seconds, and is the same for all."""
    own = tmp_path_factory.getbasetemp()
    kept = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "measured-voices"
    kept.mkdir(exist_ok=True)
    return kept


@pytest.fixture(scope="session")
def measure_once(measured_voices: Path) -> Callable[[Path], None]:
    """Makes a home, before it is cloned or designed in, share the measured voices with the others of the
    run."""

    def share(home: Path) -> None:
        folder = home / ".cache" / "voice_prompts" / "espeak"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "variants").symlink_to(measured_voices)

    return share


@pytest.fixture
def measured(measure_once: Callable[[Path], None], home: Path) -> None:
    """The home of the test is such a one."""
    measure_once(home)


@pytest.fixture(scope="session")
def practice_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of Qwen models with the three practice models, made once a run; treat it as read-only."""
    from engines.qwen.practice import make_all

    return _made_once(tmp_path_factory, "practice-models", "", make_all)


@pytest.fixture(scope="session")
def whisper_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with the practice model of Whisper, made once a run; treat it as read-only."""
    from engines.whisper.practice import make_all

    return _made_once(tmp_path_factory, "whisper-models", "Whisper", make_all)


@pytest.fixture(scope="session")
def xtts_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with the practice model of XTTS, made once a run; treat it as read-only."""
    from engines.xtts.practice import make_all

    return _made_once(tmp_path_factory, "xtts-models", "XTTS", make_all)


@pytest.fixture(scope="session")
def wav2lip_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with the practice model of Wav2Lip, made once a run; treat it as read-only."""
    from engines.wav2lip.practice import make_all

    return _made_once(tmp_path_factory, "wav2lip-models", "Wav2Lip", make_all)
