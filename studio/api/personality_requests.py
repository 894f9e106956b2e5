"""Personalities as programs see them, and what is asked for of them in a form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from fastapi import UploadFile
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from studio.api.uploads import ConsentForm
from studio.api.voices import ConsentRow, consent_row
from studio.audio.joining import JoinSettings
from studio.errors import BadInput
from studio.services.personality_values import Emotion, NewEmotion, Personality
from studio.services.smart_records import steps_of
from studio.services.smart_values import BuildStep, EmotionState, SmartEmotion, SmartOrder
from studio.services.studio import Studio
from studio.services.takes import MAX_SEED

BASE = "/api/personality"


class EmotionRow(BaseModel):
    """One way to speak."""

    tag: str = Field(description="As a text names it: [happy] Hello!", examples=["happy"])
    aliases: list[str]
    transcript: str
    language: str = Field(description="BCP 47; empty: the personality's.")
    duration_s: float
    made: str = Field(description="upload, recording, smart ...", examples=["smart"])
    audio: str = Field(description="Where its recording is heard, as an attachment.")


class StepRow(BaseModel):
    """An emotion of a smart build and what became of it."""

    tag: str
    state: EmotionState
    error: str


class PersonalityRow(BaseModel):
    """A voice with several ways to speak. Times are seconds since 1970."""

    id: str
    name: str
    language: str = Field(description="BCP 47; empty: not known.")
    description: str
    note: str
    voice: str = Field(description="Id of the saved voice it was made from; empty: none.")
    consent: ConsentRow | None
    emotions: list[EmotionRow] = Field(description="The neutral one first.")
    building: list[StepRow] = Field(description="Of an unfinished smart build, which can be resumed.")
    created: float
    changed: float


class WantedEmotion(BaseModel):
    """An emotion that is to be built."""

    model_config = ConfigDict(extra="forbid")

    tag: str
    text: str = ""
    instruct: str = ""
    language: str = ""


class PersonalityForm(ConsentForm):
    """Recordings of one person, each an emotion: the n-th of them is the n-th tag's. One is neutral."""

    name: str
    audio: list[UploadFile] = Field(description="A recording for each emotion, 6 to 15 s each.")
    tags: list[str] = Field(description="neutral, happy ...", examples=[["neutral", "happy"]])
    transcripts: list[str] = Field(default_factory=list, description="What each says; all or none.")
    language: str = Field("", description="BCP 47.")
    description: str = Field("", description="Of the voice, in words.")
    note: str = ""


class SmartForm(ConsentForm):
    """One recording and a description of its voice, of which the emotions are made."""

    name: str
    audio: UploadFile | None = Field(None, description="The recording; or give a saved voice.")
    voice: str = Field("", description="A saved voice, by id or name; its consent goes along.")
    description: str = Field(description="Of the voice, in words.", examples=["a young woman, warm"])
    emotions: str = Field(
        description='Tags with commas between, or a JSON list such as [{"tag": "happy", "text": "Yes!"}], '
        "each with tag, and if wanted text, instruct and language.",
        examples=["happy,sad"],
    )
    language: str = Field("", description="BCP 47; empty: told from what is said.")
    transcript: str = Field("", description="What the recording says; empty: it is written down.")
    start: float | None = Field(None, description="Only from here, seconds.")
    end: float | None = Field(None, description="Only up to here, seconds.")
    engine: str = Field("", description="One that designs voices; empty: the usual one.")
    model: str = Field("", description="Key of its model; empty: the best that is installed.")
    own_seconds: float = Field(JoinSettings.own_s, description="Of the recording, in each emotion.")
    expressive_seconds: float = Field(JoinSettings.expressive_s, description="Of what is spoken for it.")
    crossfade_ms: float = JoinSettings.crossfade_ms
    temperature: float | None = Field(None, description="Of engines that draw by chance.")
    seed: int | None = Field(None, ge=0, le=MAX_SEED, description="Left out: one is drawn and kept.")
    note: str = ""


_EMOTIONS = TypeAdapter(list[WantedEmotion])


def personality_row(personality: Personality) -> PersonalityRow:
    """A personality as programs see it."""
    return PersonalityRow(
        id=personality.id,
        name=personality.name,
        language=personality.language,
        description=personality.description,
        note=personality.note,
        voice=personality.voice,
        consent=consent_row(personality.consent),
        emotions=[_emotion_row(personality.id, each) for each in personality.emotions],
        building=[step_row(each) for each in steps_of(personality)],
        created=personality.created,
        changed=personality.changed,
    )


def step_row(step: BuildStep) -> StepRow:
    """How an emotion of a build stands."""
    return StepRow(tag=step.emotion.tag, state=step.state, error=step.error)


def new_emotions(
    files: Sequence[Path], tags: Sequence[str], transcripts: Sequence[str]
) -> tuple[NewEmotion, ...]:
    """The emotions of a form: its n-th file is the n-th tag's, and says the n-th transcript. Raises
    BadInput."""
    if len(files) != len(tags) or (transcripts and len(transcripts) != len(files)):
        raise BadInput(
            f"There are {len(files)} recordings, {len(tags)} tags and {len(transcripts)} transcripts.",
            "Give each recording (audio) a tag (tags), in the same order; transcripts for all or for none.",
        )
    said = transcripts or [""] * len(files)
    return tuple(
        NewEmotion(tag, path, transcript=text) for path, tag, text in zip(files, tags, said, strict=True)
    )


def smart_order(studio: Studio, form: SmartForm, audio: Path | None, owner: str) -> SmartOrder:
    """What is to be built, from `audio`, the recording of the form, or from a saved voice. Raises BadInput,
    NotFound."""
    if (audio is None) == (not form.voice):
        raise BadInput("A build begins with one recording.", "Give either audio or voice.")
    order = SmartOrder(
        name=form.name,
        audio=audio or Path(),
        start=form.start,
        end=form.end,
        transcript=form.transcript,
        description=form.description,
        language=form.language,
        emotions=wanted_emotions(form.emotions),
        engine=form.engine,
        model=form.model,
        join=JoinSettings(
            own_s=form.own_seconds,
            expressive_s=form.expressive_seconds,
            crossfade_ms=form.crossfade_ms,
        ),
        temperature=form.temperature,
        seed=form.seed,
        note=form.note,
        consent=form.consent,
    )
    if not form.voice:
        return order
    saved = studio.voices.get(form.voice, owner)
    part = form.start is not None or form.end is not None
    return replace(
        order,
        audio=saved.audio,
        transcript=order.transcript or ("" if part else saved.transcript),
        language=order.language or saved.language,
        voice=saved.id,
        consent=order.consent or saved.consent,
    )


def wanted_emotions(text: str) -> tuple[SmartEmotion, ...]:
    """Tags with commas between, or a JSON list of objects with tag, text, instruct and language. Raises
    BadInput."""
    if not text.lstrip().startswith("["):
        return tuple(SmartEmotion(tag.strip()) for tag in text.split(",") if tag.strip())
    try:
        given = _EMOTIONS.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BadInput(
            f"The emotions cannot be read: {place or 'the list'}: {first['msg']}.",
            'Write them as happy,sad or as [{"tag": "happy", "text": "..."}].',
        ) from error
    return tuple(SmartEmotion(each.tag, each.text, each.instruct, each.language) for each in given)


def _emotion_row(personality: str, emotion: Emotion) -> EmotionRow:
    return EmotionRow(
        tag=emotion.tag,
        aliases=list(emotion.aliases),
        transcript=emotion.transcript,
        language=emotion.language,
        duration_s=round(emotion.duration, 3),
        made=str(emotion.made.get("how", "")),
        audio=f"{BASE}/{personality}/audio?emotion={quote(emotion.tag, safe='')}",
    )
