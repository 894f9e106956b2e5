"""`speak --personality`: a tagged text in the emotions of a personality."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import Any

from studio.cli.interrupt import stopping_on_interrupt
from studio.cli.ordering import options_from, sampling_from, text_from
from studio.cli.output import print_json
from studio.cli.saving import save, shown_progress
from studio.errors import BadInput
from studio.files import publishing
from studio.names import readable
from studio.services.performance_values import Performance, PerformOrder, Unknown
from studio.services.studio import Studio
from studio.services.takes import Loudness

#: Options that only a personality has a use for.
OPTIONS = ("personality", "unknown", "gap", "parts_dir")
#: Options of the other ways to a voice.
_OTHERS = ("mode", "voice", "instruct", "ref_audio", "ref_text", "ref_more", "timbre_only", "design")


def speak(studio: Studio, given: argparse.Namespace) -> int:
    """Speak, wait, and say where the file is; returns the exit code."""
    order = order_from(studio, given)
    with stopping_on_interrupt() as control:
        performance = studio.performances.perform(
            order, on_status=shown_progress(given), control=control
        )
    row = save(studio, given, performance.record, 0)
    row["parts"] = _parts(performance, Path(given.parts_dir) if given.parts_dir else None)
    if given.json:
        print_json({"ok": True, "takes": [row]})
    else:
        print(row["file"])
    return 0


def refuse_options(given: argparse.Namespace) -> None:
    """Raises BadInput where an option needs a personality, and none is given."""
    for option in OPTIONS:
        if getattr(given, option) is not None:
            raise BadInput(f"{_flag(option)} goes with --personality only.", "Leave it out.")


def order_from(studio: Studio, given: argparse.Namespace) -> PerformOrder:
    """The order that the parsed options of `speak` stand for. Raises BadInput, NotFound."""
    for option in _OTHERS:
        if getattr(given, option):
            raise BadInput(f"{_flag(option)} does not go with --personality.", "Leave one of them out.")
    if given.takes != 1:
        raise BadInput("A personality speaks one take at a time.", "Leave --takes out.")
    personality = studio.personalities.get(given.personality, "")
    engine = studio.performances.engine_for(personality, "", given.engine or "").info.id
    return PerformOrder(
        personality=personality.id,
        text=text_from(given),
        engine=engine,
        model=given.model,
        language=given.language,
        speed=given.speed,
        seed=given.seed,
        unknown=Unknown(given.unknown or Unknown.REPORT.value),
        loudness=Loudness.AS_MADE if given.as_made else Loudness.STANDARD,
        sampling=sampling_from(studio, engine, given),
        options=options_from(given),
        gap_s=given.gap,
    )


def _parts(performance: Performance, folder: Path | None) -> list[dict[str, Any]]:
    """What --json says of each part; the files are copied to `folder` where one is given."""
    rows = []
    for part in performance.parts:
        file = part.file
        if folder is not None:
            file = folder / f"{part.index + 1:03}_{readable(part.tag, 24)}.wav"
            with publishing(file) as partial:
                shutil.copyfile(part.file, partial)
        rows.append(
            {
                "part": part.index + 1,
                "tag": part.tag,
                "strength": part.strength,
                "text": part.text,
                "start": round(part.start, 3),
                "duration": round(part.duration, 3),
                "seed": part.seed,
                "cached": part.cached,
                "file": str(file),
            }
        )
    return rows


def _flag(option: str) -> str:
    return "--" + option.replace("_", "-")
