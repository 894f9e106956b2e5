"""Recordings that come with a request, and what is said of whose voice they are."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path, PurePosixPath

from fastapi import UploadFile
from pydantic import BaseModel, ConfigDict, Field

from studio.errors import BadInput
from studio.files import make_folder, storage_errors
from studio.names import readable
from studio.services.studio import Studio
from studio.services.voice_values import Basis, Consent

_MAX_ENDING = 8


@contextmanager
def received(studio: Studio, uploads: Sequence[UploadFile]) -> Iterator[list[Path]]:
    """The files of a request, each by itself under a harmless name; they are gone when the block ends.

    Raises BadInput for an empty one, StorageFailed.
    """
    # Where what a killed process leaves is swept: it is somebody's voice.
    folder = studio.workspace.spool / f"received-{secrets.token_hex(16)}"
    paths = []
    try:
        for number, upload in enumerate(uploads):
            path = folder / str(number) / _name(upload.filename or "")
            make_folder(path.parent)
            with storage_errors(path), path.open("wb") as file:
                shutil.copyfileobj(upload.file, file)
            if not path.stat().st_size:
                raise BadInput(
                    f"“{path.name}” is empty.", "Send the file itself, as multipart/form-data."
                )
            paths.append(path)
        yield paths
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class ConsentForm(BaseModel):
    """A form that says whose voice it is."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    consent_person: str = Field("", description="Who speaks; not needed of a synthetic voice.")
    consent_basis: Basis | None = Field(None, description="By what right the voice is used.")
    consent_since: date | None = Field(None, description="When that was given; left out: today.")

    @property
    def consent(self) -> Consent | None:
        """None where nothing is said. Raises BadInput for half of it."""
        return consent_of(self.consent_person, self.consent_basis, self.consent_since)


def consent_of(person: str, basis: Basis | None, since: date | None) -> Consent | None:
    """What is said of whose voice it is, None where nothing is. Raises BadInput for half of it."""
    if basis is None:
        if person or since:
            raise BadInput(
                "On what basis the voice may be used is not said.",
                f"Give consent_basis: {', '.join(each.value for each in Basis)}.",
            )
        return None
    try:
        given = datetime.combine(since, datetime.min.time()).timestamp() if since else time.time()
    except (ValueError, OverflowError, OSError) as error:
        raise BadInput(f"{since} is no day of a consent.", "Write it as 2026-01-31.") from error
    return Consent(person, basis, given)


def _name(given: str) -> str:
    """A name for `given` that no system minds; its ending stays, though nobody relies on it."""
    plain = PurePosixPath(given.replace("\\", "/")).name
    stem, dot, ending = plain.rpartition(".")
    if not (dot and ending.isascii() and ending.isalnum() and len(ending) <= _MAX_ENDING):
        return readable(plain)
    return f"{readable(stem)}.{ending.lower()}"
