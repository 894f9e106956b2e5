"""What every command prints alike."""

from __future__ import annotations

import json
from typing import Any


def print_json(value: Any) -> None:
    """One JSON object on a line of standard output."""
    print(json.dumps(value))  # ASCII, so that it is valid in whatever encoding the output has
