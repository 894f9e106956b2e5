"""Promises of Qwen3-TTS about memory: it is given back, and its lack breaks nothing."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from pathlib import Path

import psutil
import pytest

from studio.errors import BadInput, OutOfMemory
from studio.settings import CHECKOUT
from tests.qwen_speech import CPU, CUSTOM_VOICE, DESIGN, engine_with, say


def test_unloading_gives_the_memory_back(practice_models: Path, tmp_path: Path) -> None:
    engine = engine_with(practice_models, tmp_path)
    process = psutil.Process()
    held = []
    for _ in range(4):
        engine.load(CPU, DESIGN)
        say(engine, "One.", instruct="calm", max_new_tokens=3)
        talker = weakref.ref(engine._loaded.wrapper.model.talker)
        engine.unload()
        assert not engine.is_loaded
        assert engine.loaded_model == ""
        gc.collect()
        assert talker() is None
        held.append(process.memory_info().rss)
    engine.unload()
    assert max(held[2:]) - held[1] < 15e6  # a practice model has 20 MB


def test_a_lack_of_memory_is_told_with_a_remedy() -> None:
    import torch

    from engines.memory import memory_limit

    with pytest.raises(OutOfMemory, match="Too large") as raised:
        with memory_limit("Too large.", "Take less."):
            torch.empty(1 << 50)
    assert raised.value.hint == "Take less."
    with pytest.raises(RuntimeError, match="another"):
        with memory_limit("Too large.", "Take less."):
            raise RuntimeError("another")
    with pytest.raises(BadInput):
        with memory_limit("Too large.", "Take less."):
            raise BadInput("No.")


@pytest.mark.skipif(sys.platform != "linux", reason="limits its own memory as only Linux can")
def test_after_a_lack_of_memory_the_next_part_is_spoken(practice_models: Path, tmp_path: Path) -> None:
    code = f"""
import resource
from pathlib import Path
import psutil
from engines.base import Placement
from studio.errors import OutOfMemory
from tests.qwen_speech import *

def allow(more):
    limit = psutil.Process().memory_info().vms + more if more else resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))

engine = engine_with(Path({str(practice_models)!r}), Path({str(tmp_path)!r}))
engine.load(CPU, {CUSTOM_VOICE!r})
before = sound(say(engine, "Hi.", speaker="Ryan"))
allow(40_000_000)
try:
    say(engine, "So long a text. " * 2000, speaker="Ryan", max_new_tokens=25)
except OutOfMemory as error:
    print("spoken", error.hint)
print("again", np.array_equal(sound(say(engine, "Hi.", speaker="Ryan")), before))
engine.unload()
allow(4_000_000)
try:
    engine.load(CPU, {CUSTOM_VOICE!r})
except OutOfMemory as error:
    print("loaded", error.hint, engine.is_loaded)
allow(None)
engine.load(CPU, {CUSTOM_VOICE!r})
print("again", np.array_equal(sound(say(engine, "Hi.", speaker="Ryan")), before))
"""
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    lines = out.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["spoken", "again", "loaded", "again"], out.stderr
    assert "shorter parts" in lines[0]
    assert lines[1] == lines[3] == "again True"
    assert "0.6B" in lines[2]
    assert lines[2].endswith("False")
