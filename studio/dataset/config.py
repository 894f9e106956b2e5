"""What a training set's config.json says beside the head of its library.

inputs    files and folders: absolute paths, or paths below the set's folder for what was uploaded
files     how often the uploads have changed
settings  PrepareSettings
job       id of the last build; ""
note      the person's own
built     inputs, files and settings of the last build that ended well, whether voices were to be
          compared, and its notes; null before
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from studio.dataset.ledger import settings_from
from studio.dataset.values import PrepareSettings
from studio.errors import BadInput, Damaged
from studio.library_config import Config

#: Of the library.
KIND, VERSION = "data set", 1

#: Settings that need no other build: they count when what is kept is settled.
_SETTLED = ("limits", "eval_share", "processes")


def new_config(settings: PrepareSettings) -> Config:
    return {
        "inputs": [],
        "files": 0,
        "settings": asdict(settings),
        "job": "",
        "note": "",
        "built": None,
    }


def settings_of(config: Config) -> PrepareSettings:
    """Raises Damaged where they make no sense."""
    try:
        return settings_from(config["settings"])
    except (BadInput, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Damaged(
            f"The settings of “{config['name']}” are damaged: {error}", "Restore its config.json."
        ) from error


def settings_in_force(config: Config) -> PrepareSettings:
    """The settings that count for what lies there: those that the last build had, with the limits and
    shares of today. Raises Damaged as `settings_of` does."""
    now, built = settings_of(config), config["built"]
    if built is None:
        return now
    return settings_of({**config, "settings": asdict(now) | built["settings"]})


def as_built(begun: Config, notes: Sequence[str]) -> Config:
    """What `built` says after a build that began with the config `begun`."""
    return {
        "inputs": begun["inputs"],
        "files": begun["files"],
        "settings": _shaping(begun),
        "voices": _wants_voices(begun),
        "notes": list(notes),
    }


def stale(config: Config) -> str:
    """What to do where another build would find other segments than the last one; else ""."""
    built = config["built"]
    if built is None:
        return ""
    if (built["inputs"], built["files"]) != (config["inputs"], config["files"]):
        return "Its recordings have changed: build it again."
    if built["settings"] != _shaping(config):
        return "Its settings have changed: build it again."
    if _wants_voices(config) and not built["voices"]:
        return "Its voices have not been compared yet: build it again."
    return ""


def notes_of(config: Config) -> tuple[str, ...]:
    """What the last build had to say, as sentences."""
    return tuple(config["built"]["notes"]) if config["built"] else ()


def _wants_voices(config: Config) -> bool:
    """Measured only where a limit asks for it, since it takes a model and its time."""
    return settings_of(config).limits.min_speaker_similarity is not None


def _shaping(config: Config) -> Config:
    """The settings that need another build when they change."""
    settings = asdict(settings_of(config))
    return {key: value for key, value in settings.items() if key not in _SETTLED}
