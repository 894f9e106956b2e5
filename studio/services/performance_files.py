"""A performance to take away: the whole, its parts, and when each is spoken."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from studio.files import publishing
from studio.names import readable
from studio.services.performance_values import Performance, PerformedPart

_LONGEST = 40  # characters of a part's text in its file's name


def pack(performance: Performance, whole: Path, target: Path) -> Path:
    """Write everything into the zip `target` and return that; `whole` is the file of the history."""
    names = {part.index: _name(part) for part in performance.parts}
    with publishing(target) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
        archive.write(whole, f"whole{whole.suffix}")
        for part in performance.parts:
            archive.write(part.file, names[part.index])
        archive.writestr("timings.json", _text(timings(performance, names)))
    return target


def timings(performance: Performance, names: dict[int, str]) -> dict[str, Any]:
    """When each part is spoken, seconds from the beginning of the whole; `names` of the files by
    index."""
    return {
        "personality": performance.personality,
        "text": performance.order.text,
        "duration": performance.record.duration,
        "parts": [
            {
                "file": names[part.index],
                "tag": part.tag,
                "strength": part.strength,
                "text": part.text,
                "start": round(part.start, 3),
                "duration": round(part.duration, 3),
                "seed": part.seed,
            }
            for part in performance.parts
        ],
    }


def _name(part: PerformedPart) -> str:
    said = readable(part.text, _LONGEST)
    return f"{part.index + 1:03}_{readable(part.tag)}_{said}.wav"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
