"""Runs with samples, as training leaves them, without any training: each epoch speaks in tones of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import soundfile

from studio.audio.types import Samples
from studio.files import write_json
from studio.library_config import Head
from studio.runs.config import KIND, VERSION, new_config
from studio.runs.run_folder import META, RunFolder
from studio.runs.values import Checkpoint, Family, RunSettings, StepRow

RATE = 24_000
TEXTS = ("The train was late.", "Why is the sea so blue?")


def make_run(
    checkpoints: Path,
    id: str,
    owner: str = "",
    name: str = "",
    epochs: Sequence[int] = (0, 1, 2, 3),
    texts: Sequence[str] = TEXTS,
    best: int | None = None,
    warnings: Mapping[int, str] | None = None,
    practice: bool = False,
    created: float = 1.0,
    job: str = "",
    pace: float = 1.0,
) -> RunFolder:
    """The folder of a run whose `epochs` have spoken `texts`."""
    folder = RunFolder(checkpoints / id)
    folder.samples.mkdir(parents=True)
    settings = RunSettings(Family.XTTS, "xtts-v2", "set", epochs=10)
    head = Head(KIND, VERSION, name or id, owner, created, created)
    config = new_config(settings, "set", "XTTS", practice) | {"job": job}
    write_json(folder.root / "config.json", head.over(config))
    write_json(folder.sentences, {"language": "en", "sentences": list(texts)})
    if best is not None:
        folder.checkpoint(best).mkdir()
        about = Checkpoint(
            id, best, settings.family, settings.method, "xtts-v2", best, 1.0, None, 1.0, 0, best=True
        )
        write_json(folder.checkpoint(best) / META, asdict(about))
    for epoch in epochs:
        speak(folder, epoch, len(texts), (warnings or {}).get(epoch, ""), pace)
    return folder


def speak(
    folder: RunFolder,
    epoch: int,
    sentences: int = len(TEXTS),
    warning: str = "",
    pace: float = 1.0,
) -> None:
    """Add an epoch: sentence k lasts k seconds and an eighth more with each epoch, all `pace` times as long,
    and is the louder the later the epoch."""
    for sentence in range(1, sentences + 1):
        seconds, pitch = pace * (sentence + epoch / 8), 200.0 * sentence + 25.0 * epoch
        save(folder.sample(epoch, sentence), tone(pitch, seconds, 0.05 * (epoch + 1)))
    save(folder.sample(epoch), tone(300.0, 1.0, 0.1))
    told = (warning,) if warning else ()
    row = StepRow("epoch", 4 * epoch, float(epoch), float(epoch), 2.0, eval_loss=2.5, warnings=told)
    with folder.metrics.open("a") as file:
        file.write(json.dumps(asdict(row)) + "\n")


def tone(pitch: float, seconds: float, level: float, rate: int = RATE) -> Samples:
    at = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * pitch * at)).astype(np.float32)


def save(path: Path, samples: Samples, rate: int = RATE) -> Path:
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return path
