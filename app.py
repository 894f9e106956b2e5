"""Timbre: `python app.py` opens the studio, `python app.py speak ...` speaks on the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence

if not (3, 10) <= sys.version_info[:2] <= (3, 13):
    found = ".".join(map(str, sys.version_info[:2]))
    sys.exit(
        f"Timbre needs Python 3.10 to 3.13; this is {found}. Choose another: make PYTHON=python3.11"
    )

from studio.cli.parser import parser


def main(arguments: Sequence[str]) -> int:
    """Serve, or run a command. Each imports only what it needs, so that both start fast."""
    given = parser().parse_args(arguments)
    if given.command is None:
        from tabs.server import serve

        return serve(given)
    from studio.cli.main import run

    return run(given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
