"""Saved voices over HTTP: uploaded, described, tried out and deleted."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, UploadFile
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from studio.api.access import Access, Caller
from studio.api.admitting import admitted
from studio.api.documented import INFERENCE, errors, sound
from studio.api.uploads import ConsentForm, consent_of, received
from studio.names import readable
from studio.services.cloning import CloneOrder
from studio.services.studio import Studio
from studio.services.takes import MAX_SEED, TakeRecord
from studio.services.tasks import TaskStatus
from studio.services.voice_values import Basis, Consent, NewVoice, Voice, VoiceChange

_BASE = "/api/tts/qwen3/voices"


class ConsentRow(BaseModel):
    """Whose voice it is, and by what right it is used."""

    model_config = ConfigDict(extra="forbid")

    person: str = Field("", description="Who speaks; not needed of a synthetic voice.")
    basis: Basis
    since: date | None = Field(None, description="When it was given; null: today.")


class VoiceRow(BaseModel):
    """A saved voice. Times are seconds since 1970."""

    id: str
    name: str
    duration_s: float
    transcript: str = Field(description="What the recording says; empty: not known.")
    language: str = Field(description="BCP 47; empty: not known.")
    tags: list[str]
    note: str
    favourite: bool
    origin: str = Field(examples=["upload"])
    consent: ConsentRow | None
    created: float
    changed: float
    audio: str = Field(description="Where the recording is heard, as an attachment.")


class VoicePatch(BaseModel):
    """What is to be different; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    transcript: str | None = None
    language: str | None = Field(None, description="BCP 47.")
    tags: list[str] | None = None
    note: str | None = None
    favourite: bool | None = None
    consent: ConsentRow | None = None


class VoiceForm(ConsentForm):
    """A recording, and what is known of it."""

    file: UploadFile = Field(description="6 to 15 s of clean speech, in any usual format.")
    name: str
    transcript: str = Field("", description="What it says.")
    language: str = Field("", description="BCP 47.")
    tags: list[str] = Field(default_factory=list)
    note: str = ""
    start: float | None = Field(None, description="Only from here, seconds.")
    end: float | None = Field(None, description="Only up to here, seconds.")


class CloneRequest(BaseModel):
    """What a voice is tried out with; what is left out is chosen."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field("", description="Empty: a sentence of the voice's language.")
    language: str = Field("", description="BCP 47, of the text.")
    engine: str = Field(
        "", description="Empty: Qwen3-TTS where a model that clones is installed, else the usual one."
    )
    model: str = Field("", description="Key of its model; empty: the best that is installed.")
    seed: int | None = Field(None, ge=0, le=MAX_SEED)
    transcribe: bool = Field(
        False, description="Write down what the recording says, where nobody did, and keep that."
    )


class CloneRow(BaseModel):
    """How trying a voice out stands."""

    id: str = Field(description="Of the work; empty where the voice was not tried lately.")
    voice: str
    state: str = Field(description="none, queued, running, done, stopped or failed.")
    stage: str
    progress: float | None = Field(description="0 to 1; null while it cannot be told.")
    elapsed_s: float
    eta_s: float | None
    notes: list[str]
    error: str
    hint: str
    take: str = Field(description="Id of what was spoken, once it is done.")
    url: str = Field(description="Where that is heard.")
    duration_s: float | None


def router(studio: Studio, access: Access) -> APIRouter:
    """The routes below /api/tts/qwen3/voices. What is not the caller's is not found; a voice is named by
    its id or by its name."""
    routes = APIRouter(prefix=_BASE, tags=["voices"])
    voices, cloning = studio.voices, studio.cloning

    @routes.post("/upload", status_code=201)
    def upload(
        form: Annotated[VoiceForm, Form(media_type="multipart/form-data")],
        caller: Caller = Depends(access.caller),
    ) -> VoiceRow:
        """Save a voice."""
        consent = form.consent
        with received(studio, [form.file]) as (path,):
            new = NewVoice(
                form.name,
                path,
                form.start,
                form.end,
                form.transcript,
                form.language,
                tuple(form.tags),
                form.note,
                consent=consent,
            )
            return voice_row(voices.create(new, caller.owner))

    @routes.get("")
    def listing(
        search: str = Query("", description="Only those that have these words in them."),
        tag: str = "",
        favourites: bool = False,
        caller: Caller = Depends(access.caller),
    ) -> list[VoiceRow]:
        """The caller's voices by name."""
        return [voice_row(each) for each in voices.list(caller.owner, search, favourites, tag)]

    @routes.get("/{voice_id}")
    def voice(voice_id: str, caller: Caller = Depends(access.caller)) -> VoiceRow:
        """All of a voice."""
        return voice_row(voices.get(voice_id, caller.owner))

    @routes.get("/{voice_id}/audio", response_class=FileResponse, responses=sound("audio/wav"))
    def audio(voice_id: str, caller: Caller = Depends(access.caller)) -> FileResponse:
        """Its recording as WAV, an attachment."""
        found = voices.get(voice_id, caller.owner)
        return FileResponse(
            found.audio,
            media_type="audio/wav",
            filename=f"{readable(found.name)}.wav",
            headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-cache"},
        )

    @routes.patch("/{voice_id}")
    def change(voice_id: str, wanted: VoicePatch, caller: Caller = Depends(access.caller)) -> VoiceRow:
        """Change what is said of a voice."""
        return voice_row(voices.change(voice_id, caller.owner, _change(wanted)))

    @routes.delete("/{voice_id}", status_code=204)
    def delete(voice_id: str, caller: Caller = Depends(access.caller)) -> None:
        """Delete a voice with its recording; what was made from it stays."""
        voices.delete(voice_id, caller.owner)

    @routes.post("/{voice_id}/clone", status_code=202, responses=errors(*INFERENCE))
    def clone(
        voice_id: str,
        wanted: CloneRequest | None = None,
        caller: Caller = Depends(access.caller),
    ) -> CloneRow:
        """Begin to try a voice out: the engine prepares it, which it keeps, and speaks a text. While that
        runs, asking again changes nothing."""
        order = CloneOrder(voice_id, **({} if wanted is None else wanted.model_dump()))
        admitted(access, caller, studio.tasks, lambda: cloning.start(order, caller.owner))
        return _status(studio, voice_id, caller.owner)

    @routes.get("/{voice_id}/clone-status")
    def clone_status(voice_id: str, caller: Caller = Depends(access.caller)) -> CloneRow:
        """How the last try stands, until an hour after its end; also by WebSocket at /api/progress."""
        return _status(studio, voice_id, caller.owner)

    @routes.delete("/{voice_id}/clone")
    def stop(voice_id: str, caller: Caller = Depends(access.caller)) -> CloneRow:
        """Stop it; harmless when it has ended."""
        cloning.stop(voice_id, caller.owner)
        return _status(studio, voice_id, caller.owner)

    return routes


def voice_row(voice: Voice) -> VoiceRow:
    """A voice as programs see it."""
    return VoiceRow(
        id=voice.id,
        name=voice.name,
        duration_s=round(voice.duration, 3),
        transcript=voice.transcript,
        language=voice.language,
        tags=list(voice.tags),
        note=voice.note,
        favourite=voice.favourite,
        origin=voice.origin,
        consent=consent_row(voice.consent),
        created=voice.created,
        changed=voice.changed,
        audio=f"{_BASE}/{voice.id}/audio",
    )


def clone_row(voice: str, status: TaskStatus | None) -> CloneRow:
    """How trying out the voice with that id stands; None: it was not tried lately."""
    known: dict[str, Any] = {"id": "", "state": "none", "stage": "", "progress": None, "elapsed_s": 0.0}
    take = None
    if status is not None:
        take = status.result if isinstance(status.result, TakeRecord) else None
        known = {
            "id": status.id,
            "state": status.state.value,
            "stage": status.stage,
            "progress": status.fraction,
            "elapsed_s": round(status.elapsed, 2),
        }
    return CloneRow(
        **known,
        voice=voice,
        eta_s=None if status is None or status.eta is None else round(status.eta, 1),
        notes=list(status.notes) if status else [],
        error=status.error if status else "",
        hint=status.hint if status else "",
        take=take.id if take else "",
        url=f"/takes/{take.id}/audio" if take else "",
        duration_s=round(take.duration, 3) if take else None,
    )


def _status(studio: Studio, voice: str, owner: str) -> CloneRow:
    found = studio.voices.get(voice, owner)
    return clone_row(found.id, studio.cloning.status(found.id, owner))


def _change(wanted: VoicePatch) -> VoiceChange:
    said = wanted.consent
    return VoiceChange(
        wanted.name,
        wanted.transcript,
        wanted.language,
        None if wanted.tags is None else tuple(wanted.tags),
        wanted.note,
        wanted.favourite,
        None if said is None else consent_of(said.person, said.basis, said.since),
    )


def consent_row(consent: Consent | None) -> ConsentRow | None:
    """What is known of whose voice it is."""
    if consent is None:
        return None
    day = datetime.fromtimestamp(consent.given).date()  # the machine's own, as it was given
    return ConsentRow(person=consent.person, basis=consent.basis, since=day)
