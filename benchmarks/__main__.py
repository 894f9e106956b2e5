"""`python -m benchmarks [NAME ...]`: run the benchmarks and print their tables in Markdown."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import documentation, machine
from benchmarks.registry import BENCHMARKS
from benchmarks.report import Options
from benchmarks.samples import DEFAULT_RECORDINGS


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all")
    parser.add_argument("--write", action="store_true", help="update the tables of docs/benchmarks.md")
    parser.add_argument("--quick", action="store_true", help="only show that they run")
    parser.add_argument(
        "--recordings", type=Path, help="folder of recordings named <speaker>-<rest> to match"
    )
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    if given.write and given.quick:
        parser.error("--quick measures nothing that is worth writing down")
    if given.recordings is not None and not given.recordings.is_dir():
        parser.error(f"there is no folder {given.recordings}")
    default = DEFAULT_RECORDINGS if DEFAULT_RECORDINGS.is_dir() else None
    for name in [name for name in os.environ if name.startswith("TIMBRE_")]:
        del os.environ[name]  # what is measured is Timbre as it comes
    options = Options(given.quick, given.recordings or default)
    measured_on = machine.describe()
    for name in given.names or BENCHMARKS:
        tables = BENCHMARKS[name](options).markdown()
        command = f"python -m benchmarks {name}{' --quick' if given.quick else ''}"
        markdown = f"{tables}\n\nMeasured by `{command}`\non {measured_on}."
        print(f"## {name}\n\n{markdown}\n", flush=True)
        if given.write:
            documentation.update(name, markdown)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
