"""What runs have spoken, over HTTP for the page: samples, their spectrograms, and the sounds of blind
comparisons."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse, Response

from studio.api.errors import OwnerOf
from studio.api.tickets import TICKETS
from studio.audio.reading import read
from studio.audio.spectrogram import as_png, spectrogram
from studio.errors import NotFound
from studio.services.run_values import Sample
from studio.services.studio import Studio

_KIND = "run"

#: All sentences of an epoch, where an address has a sentence's number.
_ALL = "all"

#: A sample's address changes with it, so that a browser may keep what it has, seconds.
_KEPT = {"Cache-Control": f"private, max-age={24 * 3600}"}

#: Spectrograms that are kept, some 40 KB each.
_PICTURES = 256


def run_address(run_id: str, owner: str) -> str:
    """What the addresses of a run's sounds begin with, from the page."""
    return f"runs/{TICKETS.issue(_KIND, run_id, owner)}/"


def sample_place(sample: Sample) -> str:
    """What follows it for a sample's sound; another one once the sample was spoken anew."""
    return f"{_stem(sample)}.wav?v={version(sample)}"


def picture_place(sample: Sample) -> str:
    """The same for its spectrogram."""
    return f"{_stem(sample)}.png?v={version(sample)}"


def trial_place(trial_id: str) -> str:
    """What follows it for a blind comparison, before "a.wav" and "b.wav"."""
    return f"trials/{trial_id}/"


def version(sample: Sample) -> int:
    """Changes when the sample is spoken anew."""
    return round(sample.modified * 1000)


def router(studio: Studio, owner_of: OwnerOf) -> APIRouter:
    """The routes below /runs."""
    routes = APIRouter(prefix="/runs", tags=["runs"])

    @routes.get("/{ticket}/{epoch}/{sentence}.wav")
    def sound(
        ticket: str, epoch: str, sentence: str, owner: str | None = Depends(owner_of)
    ) -> FileResponse:
        """A sentence as an epoch speaks it, or "all" of them, as WAV."""
        path = _sample(studio, ticket, epoch, sentence, owner)
        return FileResponse(path, media_type="audio/wav", headers=_KEPT)

    @routes.get("/{ticket}/{epoch}/{sentence}.png")
    def picture(
        ticket: str, epoch: str, sentence: str, owner: str | None = Depends(owner_of)
    ) -> Response:
        """Its spectrogram as PNG; see studio.audio.spectrogram."""
        path = _sample(studio, ticket, epoch, sentence, owner)
        content = _picture(path, *_stamp(path))
        return Response(content, media_type="image/png", headers=_KEPT)

    @routes.get("/{ticket}/trials/{trial}/{side}.wav")
    def blind(ticket: str, trial: str, side: str, owner: str | None = Depends(owner_of)) -> Response:
        """Side "a" or "b" of a blind comparison as WAV. Nothing that comes along tells which epoch it is:
        no time, no tag, and both have the same length."""
        run_id, whose = TICKETS.redeem(_KIND, ticket, owner)
        content = studio.listening.sound(run_id, whose, trial, side)
        return Response(content, media_type="audio/wav", headers={"Cache-Control": "no-store"})

    return routes


def _stem(sample: Sample) -> str:
    return f"{sample.epoch}/{_ALL if sample.sentence is None else sample.sentence}"


def _sample(studio: Studio, ticket: str, epoch: str, sentence: str, owner: str | None) -> Path:
    run_id, whose = TICKETS.redeem(_KIND, ticket, owner)
    number = None if sentence == _ALL else _number(sentence)
    return studio.runs.sample(run_id, whose, _number(epoch), number)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 6):
        raise NotFound("That sample is not there.", "Reload the page.")
    return int(text)


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=_PICTURES)
def _picture(path: Path, changed: int, size: int) -> bytes:
    """Of a file as it was at that time."""
    return as_png(spectrogram(read(path)))
