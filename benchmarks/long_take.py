"""The watched process of the long benchmark: a warm-up take, then on a line from stdin the take,
whose figures it prints as JSON; it ends on another line.

    python -m benchmarks.long_take CHARACTERS
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.samples import text_of
from benchmarks.takes import hear, preset, studio_in

_WARM_UP_CHARS = 2_000


def main(characters: int) -> None:
    with tempfile.TemporaryDirectory() as temporary, studio_in(Path(temporary)) as studio:
        text = text_of(characters)
        hear(studio, preset(text_of(min(_WARM_UP_CHARS, characters))))
        print("ready", flush=True)
        sys.stdin.readline()
        take = hear(studio, preset(text))
        print(json.dumps(dataclasses.asdict(take)), flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main(int(sys.argv[1]))
