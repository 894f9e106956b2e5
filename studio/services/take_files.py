"""The files of finished takes: the sound, the sidecar that says how it was made, the history's row."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from engines.base import WordTiming
from studio import __version__
from studio.audio.processing import normalise_file
from studio.audio.wav import copy_stretches
from studio.control import Control
from studio.files import publishing, write_json
from studio.names import readable
from studio.services import orders
from studio.services.history import History, sidecar_path
from studio.services.live import LiveTake
from studio.services.phoneme_rows import packed
from studio.services.planning import Plan
from studio.services.rendering import Rejected, Rendering
from studio.services.takes import Loudness, TakeRecord, TakeState
from studio.services.wording import as_written
from studio.settings import Settings


class TakeFiles:
    """Publishes takes below the outputs folder."""

    def __init__(self, settings: Settings, outputs: Path, history: History) -> None:
        self._settings, self._outputs, self._history = settings, outputs, history

    def publish(
        self, live: LiveTake, plan: Plan, owner: str, rendering: Rendering, state: TakeState
    ) -> TakeRecord:
        """Write the finished file and its sidecar, then the history's row."""
        created = time.time()
        path = self._file_for(live, plan, created)
        record = TakeRecord(
            id=live.id,
            created=created,
            owner=owner,
            mode=str(plan.order.mode),
            engine=plan.engine.id,
            voice=plan.voice,
            language=plan.language,
            text=plan.order.text,
            settings=orders.to_settings(plan.order),
            seed=plan.seed,
            duration=rendering.audio_seconds,
            seconds=rendering.working_seconds,
            sample_rate=plan.engine.sample_rate,
            file=path.relative_to(self._outputs).as_posix(),
            status=state.value,
        )
        with kept_sound(live.spool, rendering) as sound:
            finish_sound(sound, path, plan.order.loudness, self._settings)
        words = as_written(rendering.words, plan.spoken)
        timings = {
            "words": rows_of(words),
            "phonemes": packed(rendering.phonemes),
            "stretches": rows_of(rendering.parts),  # the parts, as the engine got them
        }
        write_json(sidecar_path(path), _sidecar(record, plan) | timings)
        self._history.add(record)
        for rejected in rendering.rejected:
            self._publish_rejected(live, record, plan, rejected)
        return record

    def _publish_rejected(
        self, live: LiveTake, take: TakeRecord, plan: Plan, rejected: Rejected
    ) -> None:
        """Keep a part that the guard did not let pass, marked as such, beside its take."""
        take_id = secrets.token_hex(16)
        path = self._outputs / take.file
        path = path.with_name(f"{path.stem}_rejected_{take_id[:6]}.wav")
        stretch = rejected.stretch
        with publishing(path) as partial:
            copy_stretches(live.spool, partial, take.sample_rate, [(stretch.start, stretch.end)])
        record = replace(
            take,
            id=take_id,
            text=rejected.text,
            seed=rejected.seed,
            settings=dict(take.settings) | {"seed": rejected.seed},
            duration=(stretch.end - stretch.start) / take.sample_rate,
            seconds=rejected.seconds,
            file=path.relative_to(self._outputs).as_posix(),
            status=TakeState.REJECTED.value,
            note=f"Rejected: {rejected.fault.value}.",
        )
        write_json(sidecar_path(path), _sidecar(record, plan) | {"words": []})
        self._history.add(record)

    def _file_for(self, live: LiveTake, plan: Plan, created: float) -> Path:
        day = datetime.fromtimestamp(created).strftime("%Y-%m-%d")
        name = (
            f"{readable(plan.voice, 24)}_{readable(plan.order.text, 32)}_{plan.seed}_{live.id[:6]}.wav"
        )
        return self._outputs / "speech" / day / name


@contextmanager
def kept_sound(spool: Path, rendering: Rendering) -> Iterator[Path]:
    """The spool, or a copy of it without what was rejected."""
    if not rendering.rejected:
        yield spool
        return
    copy = spool.with_name(f"{spool.stem}-kept.wav")
    try:
        stretches = [(stretch.start, stretch.end) for stretch in rendering.kept]
        copy_stretches(spool, copy, rendering.sample_rate, stretches)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def finish_sound(sound: Path, path: Path, loudness: Loudness, settings: Settings) -> None:
    """Publish `sound` as `path`, at the usual loudness unless it is to stay as it was made."""
    if loudness is Loudness.STANDARD:
        # A control of its own: a stopped take is still to be saved whole.
        normalise_file(sound, path, settings.loudness_lufs, control=Control())
    else:
        with publishing(path) as partial:
            shutil.copyfile(sound, partial)


def rows_of(words: Iterable[WordTiming]) -> list[list[Any]]:
    """Timings as a sidecar has them: word, start, end, in seconds."""
    return [[word.text, round(word.start, 3), round(word.end, 3)] for word in words]


def made_with() -> dict[str, Any]:
    """What every sidecar begins with."""
    return {"made_with": f"Timbre {__version__}", "synthetic": True}


def _sidecar(record: TakeRecord, plan: Plan) -> dict[str, Any]:
    return made_with() | {
        "engine_label": plan.engine.label,
        **asdict(record),
        "rtf": record.rtf,
        "spoken": plan.spoken.text,  # what the engine got for the text
        "notes": list(plan.notes),
    }
