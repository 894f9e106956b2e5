"""What a run's config.json says beside the head of its library.

settings      RunSettings
dataset_name  of its data set, which may be gone
base_label    of its base model, for people
practice      whether that has random weights
job           id of the last job that trained it; ""
note          the person's own
imported      what the checkpoints came from, where they were not trained here; ""
"""

from __future__ import annotations

from studio.errors import BadInput, Damaged
from studio.library_config import Config
from studio.runs.run_folder import settings_from, settings_row
from studio.runs.values import RunSettings

#: Of the library.
KIND, VERSION = "run", 1


def new_config(
    settings: RunSettings,
    dataset_name: str,
    base_label: str,
    practice: bool = False,
    imported: str = "",
) -> Config:
    return {
        "settings": settings_row(settings),
        "dataset_name": dataset_name,
        "base_label": base_label,
        "practice": practice,
        "job": "",
        "note": "",
        "imported": imported,
    }


def settings_of(config: Config) -> RunSettings:
    """Raises Damaged where they make no sense."""
    try:
        return settings_from(config["settings"])
    except (BadInput, KeyError, TypeError, ValueError, AttributeError) as error:
        raise Damaged(
            f"The settings of “{config['name']}” are damaged: {error}", "Restore its config.json."
        ) from error
