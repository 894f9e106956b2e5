"""Transcripts over HTTP: their files, and stretches of the recordings they were made from."""

from __future__ import annotations

import re

from fastapi import APIRouter, Depends, Header
from fastapi.responses import Response

from studio.api.errors import OwnerOf
from studio.services.studio import Studio
from studio.services.transcript_files import file_name, format_named, stretch_wav

#: One range is served; a player asks for no more, and others get the whole.
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def router(studio: Studio, owner_of: OwnerOf) -> APIRouter:
    """The routes below /transcripts; an id is 128 random bits, and files are found by it alone."""
    routes = APIRouter(prefix="/transcripts", tags=["transcripts"])
    history = studio.transcripts.history

    @routes.get("/{transcript_id}/text")
    def text(transcript_id: str, format: str = "txt", owner: str | None = Depends(owner_of)) -> Response:
        """The transcript as an attachment: txt, raw, srt, vtt, tsv or json."""
        record = history.get(transcript_id, owner)
        kind = format_named(format)
        content = kind.write(record).encode("utf-8", "replace")
        return Response(
            content,
            media_type=f"{kind.mime}; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{file_name(record, kind.ending)}"'},
        )

    @routes.get("/{transcript_id}/audio")
    def audio(
        transcript_id: str,
        start: float = 0.0,
        end: float | None = None,
        range: str = Header(""),
        owner: str | None = Depends(owner_of),
    ) -> Response:
        """The recording from `start` to `end` seconds as WAV, at most ten minutes of it."""
        record = history.get(transcript_id, owner)
        content = stretch_wav(history.recording(record), start, end)
        return _in_range(content, range)

    return routes


def _in_range(content: bytes, asked: str) -> Response:
    """`content`, or the part of it that a player asks for (RFC 9110, 14): Safari plays no other way."""
    headers = {"Accept-Ranges": "bytes", "Cache-Control": "no-store"}
    match = _RANGE.fullmatch(asked.strip())
    if match is None or not any(match.groups()):
        return Response(content, media_type="audio/wav", headers=headers)
    size = len(content)
    if match[1]:
        first = int(match[1])
        last = min(int(match[2]) if match[2] else size - 1, size - 1)
    else:
        first, last = max(0, size - int(match[2])), size - 1
    if first > last:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Response(content[first : last + 1], 206, headers, "audio/wav")
