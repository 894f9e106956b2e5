"""What the tests share: a studio in a temporary home."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.services.studio import Studio
from studio.settings import Settings, load_settings

for name in [name for name in os.environ if name.startswith("TIMBRE_")]:
    del os.environ[name]  # what the developer has set is not what is tested


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path / "home", models_dir=tmp_path / "models")


@pytest.fixture
def studio(settings: Settings) -> Iterator[Studio]:
    with Studio(settings) as opened:
        yield opened
