"""What an engine's models and trained voices look like to those who choose among them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from engines.base import ModelChoice, Speaker
from studio.errors import EngineFailed, ModelMissing
from studio.models.folders import ModelFolders
from studio.models.registry import ModelEntry
from studio.models.validation import report

C = TypeVar("C", ModelChoice, Speaker)


def keys_of(engine: str, folders: ModelFolders) -> tuple[str, ...]:
    """The published and practice models of `engine`, the best first."""
    return tuple(entry.key for entry in folders.table.values() if entry.engine == engine)


def entries_of(engine: str, folders: ModelFolders) -> tuple[ModelEntry, ...]:
    """The same, then those that were trained here, as they are now."""
    return tuple(entry for entry in folders.all.values() if entry.engine == engine)


def model_choice(folders: ModelFolders, entry: ModelEntry, note: str = "") -> ModelChoice:
    """`entry` as a choice; `note` is what the person should know of it."""
    base = folders.table.get(entry.base, entry)
    return ModelChoice(
        key=entry.key,
        label=entry.label,
        installed=report(folders, entry.key).valid,
        practice=base.practice,
        note=f"Trained here on {base.label}. {note}".strip() if entry.base else note,
        owner=entry.owner,
    )


def whole_folder(folders: ModelFolders, entry: ModelEntry) -> Path:
    """Where the model lies. Raises ModelMissing where it is not here, EngineFailed where it is not whole."""
    found = report(folders, entry.key)
    get = f"practice {entry.engine}" if entry.practice else f"download {entry.key}"
    if found.folder is None:
        raise ModelMissing(
            f"{entry.label} is not on this machine.", f"Get it with: python app.py models {get}"
        )
    if not found.valid:
        raise EngineFailed(
            f"{entry.label} is not whole: {found.problems[0].message}",
            f"Get it again with: python app.py models {get}",
        )
    return found.folder


def of_owner(choices: Iterable[C], owner: str) -> tuple[C, ...]:
    """Those that `owner` may know of: everybody's, and what the owner has trained."""
    return tuple(choice for choice in choices if choice.owner in ("", owner))


def trained_speakers(engine: str, folders: ModelFolders) -> tuple[Speaker, ...]:
    """The voices that were trained here, each of one model, whose key is its id."""
    return tuple(
        Speaker(
            key,
            model.entry.label,
            model.checkpoint.language or "en",
            description="A voice of your own training.",
            recommended=True,
            multilingual=True,
            model=key,
            owner=model.entry.owner,
        )
        for key, model in folders.trained_models.items()
        if model.entry.engine == engine and model.has_voice
    )
