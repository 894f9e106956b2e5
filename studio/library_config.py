"""The config.json of a library's entry: what every one has, and when it counts as damaged."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from studio.errors import BadInput, Damaged
from studio.files import read_json
from studio.names import clean_name

Config = dict[str, Any]

CONFIG = "config.json"


@dataclass(frozen=True)
class Head:
    """What the library itself keeps of an entry."""

    kind: str
    version: int
    name: str
    owner: str
    created: float  # Unix time, s
    changed: float

    def over(self, config: Config) -> Config:
        """`config` with this head, which counts more than what it says itself."""
        head = asdict(self)
        return head | {key: value for key, value in config.items() if key not in head}


def read_config(path: Path, kind: str, version: int) -> Config:
    """The config at `path`, with all of its head. Raises Damaged where it cannot be read, is of
    another kind, or has a newer version than `version`."""
    try:
        config = read_json(path)
    except Damaged as error:
        raise damaged_file(path, "it is no JSON") from error
    except FileNotFoundError as error:
        raise damaged_file(path, "it is missing") from error
    except OSError as error:
        raise damaged_file(path, error.strerror or "it cannot be read") from error
    except RecursionError as error:
        raise damaged_file(path, "it is nested too deeply") from error
    if not isinstance(config, dict):
        raise damaged_file(path, "it is no object")
    found = config.get("version")
    if not isinstance(found, int):
        raise damaged_file(path, "it has no version")
    if found > version:
        raise Damaged(
            f"{_shown(path)} was written by a newer Timbre (version {found}, this one knows {version}).",
            "Update Timbre.",
        )
    if config.get("kind") != kind:
        raise damaged_file(path, f"it is of no {kind}")
    for key, kinds in _HEAD.items():
        if not isinstance(config.get(key), kinds):
            raise damaged_file(path, f"“{key}” is missing")
    try:
        return config | {"name": clean_name(config["name"])}
    except BadInput as error:
        raise damaged_file(path, error.message) from error


def strings_in(value: Any) -> set[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        return {value}
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {text for part in parts for text in strings_in(part)}


def damaged_file(path: Path, why: str) -> Damaged:
    """The error for a file of an entry; `why` is the rest of a sentence."""
    return Damaged(f"{_shown(path)} is damaged: {why}.", "Restore it from a copy or delete the folder.")


def _shown(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


_HEAD: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "owner": (str,),
    "created": (int, float),
    "changed": (int, float),
}
