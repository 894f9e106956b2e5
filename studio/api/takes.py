"""Takes over HTTP: the live sound, the finished file in any format, subtitles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse, Response, StreamingResponse

from studio.api.documented import plain_text, sound
from studio.api.errors import OwnerOf
from studio.audio.writing import FORMATS, encode, format_named, synthetic_tags
from studio.errors import BadInput, NotFound, unknown
from studio.names import inside
from studio.services.live import LiveTake
from studio.services.studio import Studio
from studio.services.takes import TakeRecord
from studio.text.subtitles import cues, to_srt, to_vtt

_POLL_S = 0.02
_SUBTITLES = {"srt": ("application/x-subrip", to_srt), "vtt": ("text/vtt", to_vtt)}


def router(studio: Studio, owner_of: OwnerOf) -> APIRouter:
    """The routes below /takes; an id is 128 random bits, and files are found by it alone."""
    routes = APIRouter(prefix="/takes", tags=["takes"])

    @routes.get(
        "/{take_id}/stream",
        response_class=Response,
        responses=sound(
            "application/octet-stream",
            description="The samples.",
            headers={"X-Sample-Rate": "Samples a second."},
        ),
    )
    async def stream(take_id: str, owner: str | None = Depends(owner_of)) -> StreamingResponse:
        """The sound as it is spoken: 16-bit little-endian mono PCM at X-Sample-Rate."""
        live = studio.speech.live(take_id)
        if owner is not None and live.owner != owner:
            raise NotFound("That take is not running.")
        return StreamingResponse(
            _follow(live),
            media_type="application/octet-stream",
            headers={"X-Sample-Rate": str(live.status.sample_rate), "Cache-Control": "no-store"},
        )

    @routes.get(
        "/{take_id}/audio",
        response_class=Response,
        responses=sound(*(each.mime for each in FORMATS.values())),
    )
    def audio(take_id: str, format: str = "wav", owner: str | None = Depends(owner_of)) -> FileResponse:
        """The finished take as an attachment in `format`."""
        record = studio.history.get(take_id, owner)
        source = studio.history.path(record)
        path = encoded(studio, record, source, format)
        return FileResponse(path, media_type=format_named(format).mime, filename=path.name)

    @routes.get(
        "/{take_id}/subtitles",
        response_class=Response,
        responses=plain_text(*(mime for mime, _ in _SUBTITLES.values()), description="The subtitles."),
    )
    def subtitles(take_id: str, format: str = "srt", owner: str | None = Depends(owner_of)) -> Response:
        """Subtitles from the word timings, as SRT or WebVTT."""
        record = studio.history.get(take_id, owner)
        words = studio.history.words(record)
        if format not in _SUBTITLES:
            raise unknown("subtitle format", format, _SUBTITLES)
        if not words:
            raise BadInput(
                "The engine of this take does not tell when words are spoken.",
                "Use an engine with word timings.",
            )
        mime, write = _SUBTITLES[format]
        name = f"{Path(record.file).stem}.{format}"
        return Response(
            write(cues(words)),
            media_type=f"{mime}; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    return routes


async def _follow(live: LiveTake) -> AsyncIterator[bytes]:
    position = 0
    while True:
        block, ended = live.read_pcm(position)
        position += len(block)
        if block:
            yield block
        if ended:
            return
        # Without a pause after a block an engine quicker than this loop would never let go of it.
        await asyncio.sleep(0 if block else _POLL_S)


def encoded(studio: Studio, record: TakeRecord, source: Path, format: str) -> Path:
    """The file itself for WAV, else a copy in `format`, made once and kept in the cache."""
    entry = format_named(format)
    if entry.id == "wav":
        return source
    path = inside(studio.workspace.encoded, f"{source.stem}{entry.extension}")
    if not path.exists():
        tags = synthetic_tags(title=record.text[:80], comment=f"Voice: {record.voice}")
        encode(source, path, entry.id, tags=tags)
    return path
