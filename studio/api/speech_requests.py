"""What is asked for over HTTP of speech, as an order: who speaks, from a name, words or a recording."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from engines.base import Capability, SamplingParams
from studio.errors import BadInput, NotFound, unknown
from studio.files import storage_errors
from studio.services.performance_values import PerformOrder
from studio.services.studio import Studio
from studio.services.takes import AUTO_LANGUAGE, Reference, SpeechOrder
from studio.services.voice_choice import VoiceChooser

#: More recordings of one voice than that help no engine.
MAX_REFERENCES = 8

_SAMPLING = {each.name for each in fields(SamplingParams)} - {"seed"}
_WHOLE = frozenset({"top_k", "sub_top_k", "max_new_tokens"})


class ReferenceBody(BaseModel):
    """A recording to speak like."""

    model_config = ConfigDict(extra="forbid")

    audio: str = Field(description="The file in base64, or a data: address of it.")
    text: str = Field(default="", description="What is said in it.")


class SpeechBody(BaseModel):
    """A text and who speaks it. Only the text is needed: then the studio's default reference speaks, or the
    engine's first voice for the language."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"text": "Good morning.", "language": "en-us"}]},
    )

    text: str = Field(description="What to speak; with a personality it may have tags, [happy] Hello!")
    language: str = Field(default=AUTO_LANGUAGE, description="BCP 47 or auto.")
    engine: str = Field(default="", description="Who speaks; empty: the studio's default.")
    model: str = Field(default="", description="Its model; empty: the best that is installed.")
    voice: str = Field(default="", description="One of the engine's, or a saved one, by id or name.")
    voice_description: str = Field(
        default="", description="The voice in words, where the engine designs some."
    )
    instructions: str = Field(
        default="", description="How to speak, where the engine follows instructions."
    )
    personality: str = Field(
        default="", description="Whose feelings the text's tags name; by id or name."
    )
    references: list[ReferenceBody] = Field(
        default_factory=list, max_length=MAX_REFERENCES, description="Recordings of one voice."
    )
    reference_audio_base64: str = Field(default="", description="The same for a single one.")
    reference_text: str = Field(default="", description="What is said in that one.")
    x_vector_only_mode: bool = Field(default=False, description="Only the recording's timbre.")
    speed: float = Field(default=1.0, description="2 is twice as fast.")
    seed: int | None = Field(default=None, description="Empty: draw one, and tell it.")
    sampling: dict[str, FiniteFloat] = Field(
        default_factory=dict, description="temperature, top_p, top_k ..., where the engine draws."
    )
    options: dict[str, float] = Field(default_factory=dict, description="Of the engine.")


Order = SpeechOrder | PerformOrder


@contextmanager
def order_of(studio: Studio, body: SpeechBody, owner: str) -> Iterator[Order]:
    """The order that `body` stands for. Recordings that came with it are files of the studio until the block
    ends. Raises BadInput, and NotFound for a voice or a personality that the owner has not."""
    if not body.text.strip():
        raise BadInput("There is no text to speak.", "Give it as “text”.")
    _only_one_voice(body)
    with ExitStack() as files:
        yield _order(studio, body, owner, files)


def _only_one_voice(body: SpeechBody) -> None:
    given = {
        "personality": body.personality,
        "references": body.references,
        "reference_audio_base64": body.reference_audio_base64,
        "voice": body.voice,
        "voice_description": body.voice_description,
    }
    named = [name for name, value in given.items() if value]
    if len(named) > 1:
        raise BadInput(f"{' and '.join(named)} name several voices.", "Give one of them.")
    if body.reference_text and not body.reference_audio_base64:
        raise BadInput(
            "There is a reference_text without its recording.", "Give reference_audio_base64."
        )


def _order(studio: Studio, body: SpeechBody, owner: str, files: ExitStack) -> Order:
    sampling = _sampling(body.sampling)
    if body.personality:
        if body.instructions:
            raise BadInput("A personality's feelings say how it speaks.", "Leave the instructions out.")
        return PerformOrder(
            body.personality,
            body.text,
            body.engine,
            body.model,
            body.language or AUTO_LANGUAGE,
            body.speed,
            body.seed,
            sampling=sampling,
            options=body.options,
        )
    order = VoiceChooser(studio.engines.registry, studio.voices, studio.settings.default_engine).order(
        body.text, body.language, body.voice, body.voice_description, body.engine, owner
    )
    reference = _reference(studio, body, files) or order.reference
    if reference is None and not (body.voice or body.voice_description):
        reference = _default_reference(studio, order, owner)
    if reference is not None:
        if body.x_vector_only_mode:
            reference = replace(reference, x_vector_only=True)
        order = replace(order, mode=Capability.CLONE, reference=reference)
    elif body.x_vector_only_mode:
        raise BadInput("x_vector_only_mode is for recordings.", "Give one, or leave it out.")
    if body.instructions:
        order = _instructed(studio, order, body.instructions)
    return replace(
        order,
        model=body.model,
        speed=body.speed,
        seed=body.seed,
        sampling=sampling,
        options=body.options,
    )


def _instructed(studio: Studio, order: SpeechOrder, instructions: str) -> SpeechOrder:
    info = studio.engines.registry.get(order.engine).info
    if order.mode is Capability.DESIGN:
        return replace(order, description=f"{order.description}\n{instructions}".strip())
    if order.mode is not Capability.PRESET or Capability.INSTRUCT not in info.capabilities:
        raise BadInput(
            f"{info.label} does not follow instructions with this voice.", "Leave the instructions out."
        )
    return replace(order, description=instructions)


def _sampling(given: dict[str, float]) -> SamplingParams:
    for key in given:
        if key not in _SAMPLING:
            raise unknown("sampling parameter", key, _SAMPLING)
    return SamplingParams(
        **{key: int(value) if key in _WHOLE else value for key, value in given.items()}  # type: ignore[arg-type]
    )


def _reference(studio: Studio, body: SpeechBody, files: ExitStack) -> Reference | None:
    given = body.references
    if body.reference_audio_base64:
        given = [ReferenceBody(audio=body.reference_audio_base64, text=body.reference_text)]
    if not given:
        return None
    limit = studio.settings.max_upload_mb * 1_000_000
    kept = [
        Reference(
            recording_in(each.audio, studio.workspace.spool, limit, files),
            each.text,
            name="the given recording",
        )
        for each in given
    ]
    return replace(kept[0], more=tuple(kept[1:]))


def _default_reference(studio: Studio, order: SpeechOrder, owner: str) -> Reference | None:
    """What the settings name, for engines that can speak like it. Raises BadInput where it is not there."""
    wanted = studio.settings.default_reference
    if not wanted or Capability.CLONE not in studio.engines.registry.get(order.engine).info.capabilities:
        return None
    path = Path(wanted).expanduser()
    if path.is_file() and path.is_absolute():
        return Reference(path, studio.settings.default_reference_text, name="the default reference")
    try:
        return studio.voices.reference(studio.voices.get(wanted, owner))
    except NotFound as error:  # a saved voice is its owner's alone; a recording is for all
        raise BadInput(
            "The studio's default reference is gone, or a voice that is not yours.",
            "Name a voice, or correct default_reference.",
        ) from error


def recording_in(encoded: str, folder: Path, limit: int, files: ExitStack) -> Path:
    """A file in `folder` with what is encoded in base64, until `files` are closed. Raises BadInput for what is
    no base64, an address, or more than `limit` bytes."""
    start = encoded[:200].lstrip().lower()
    if start.startswith(("http:", "https:", "file:", "ftp:")):
        raise BadInput("A recording is given by an address.", "Send the file itself, in base64.")
    if start.startswith("data:"):
        head, comma, encoded = encoded.partition(",")
        if not comma or not head.rstrip().lower().endswith(";base64"):
            raise BadInput("The recording's data: address is not in base64.", "Send base64.")
    if len(encoded) > limit * 4 // 3 + 4:
        raise BadInput("The recording is too large.", f"Send at most {limit // 1_000_000} MB.")
    try:
        content = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput("The recording is not in base64.", "Send the file's bytes in base64.") from error
    if not content:
        raise BadInput("The recording is empty.", "Send 6-15 s of clean speech.")
    path = folder / f"{secrets.token_hex(16)}.recording"
    files.callback(path.unlink, missing_ok=True)
    with storage_errors(path):
        path.write_bytes(content)
    return path
