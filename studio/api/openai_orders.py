"""OpenAI's requests for speech, with the fields that vLLM-Omni has for Qwen3-TTS, as orders."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from enum import Enum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from engines.base import Capability, SamplingParams
from studio.api.openai_voices import VoiceFinder, with_capability
from studio.api.speech_requests import recording_in
from studio.errors import BadInput, unknown
from studio.services.performance_values import PerformOrder
from studio.services.studio import Studio
from studio.services.takes import AUTO_LANGUAGE, Reference, SpeechOrder
from studio.text.language import closest

#: OpenAI's own models stand for the studio's default engine.
OPENAI_MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")


class TaskType(str, Enum):
    """What vLLM-Omni calls the three ways to a voice."""

    CUSTOM_VOICE = "CustomVoice"
    VOICE_DESIGN = "VoiceDesign"
    BASE = "Base"


_MODES = {
    TaskType.CUSTOM_VOICE: Capability.PRESET,
    TaskType.VOICE_DESIGN: Capability.DESIGN,
    TaskType.BASE: Capability.CLONE,
}
_TASKS = {str(mode): task for task, mode in _MODES.items()}


class VoiceId(BaseModel):
    """A voice by its id, as OpenAI's custom voices are named."""

    id: str


class SpeechRequest(BaseModel):
    """A text and who speaks it. Only the text is needed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"model": "tts-1", "input": "Good morning.", "voice": "alloy"},
                {
                    "model": "espeak",
                    "input": "Good morning.",
                    "voice": "Fiona",
                    "response_format": "wav",
                    "speed": 1.2,
                },
            ]
        },
    )

    input: str = Field(description="What to speak; with a personality it may have tags, [happy] Hello!")
    model: str = Field(
        "", description="An engine, one of its models, or OpenAI's tts-1 ...: the default engine."
    )
    voice: Annotated[
        str | VoiceId,
        Field(
            description="An engine's, a saved one, a personality, or OpenAI's alloy ..., by id or name."
        ),
    ] = ""
    instructions: str = Field(
        "", description="How to speak, where the engine follows it; for VoiceDesign the voice in words."
    )
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = Field(
        "mp3", description="pcm is 16-bit little-endian mono at 24,000 Hz."
    )
    speed: float = Field(1.0, description="2 is twice as fast; 0.5 to 2, where the engine can.")
    stream_format: Literal["audio", "sse"] | None = Field(
        None, description="The sound itself, or server-sent events with pieces of it in base64."
    )
    stream: bool | None = Field(
        None,
        description="true: as it is spoken. false: the finished sound, checked and at the usual loudness. "
        "null: as it is spoken, unless stream_format is not given and the engine draws by chance or the "
        "format is flac.",
    )
    task_type: TaskType | None = Field(
        None, description="Null: Base where ref_audio is given, else what the model is for."
    )
    language: str = Field(AUTO_LANGUAGE, description="BCP 47, its English name, or auto.")
    ref_audio: str = Field(
        "", description="For Base: a recording to speak like, in base64 or as a data: address."
    )
    ref_text: str = Field("", description="What is said in it.")
    x_vector_only_mode: bool | None = Field(None, description="Only the timbre of the recording.")
    max_new_tokens: int | None = Field(None, description="Of the engine's model, where it has such.")
    seed: int | None = Field(None, description="Null: draw one; X-Seed tells it.")


def order_of(
    studio: Studio, request: SpeechRequest, owner: str, files: ExitStack
) -> SpeechOrder | PerformOrder:
    """The order that `request` stands for; the recording that came with it is there until `files` are closed.

    Raises BadInput, and NotFound for a model or a voice that the owner has not.
    """
    if not request.input.strip():
        raise BadInput("There is no text to speak.", "Give it as “input”.")
    engine, model = model_named(studio, request.model, owner)
    task = _task(studio, request, model)
    mode = _MODES[task] if task is not None else Capability.PRESET
    info = studio.engines.registry.get(engine or with_capability(studio, mode)).info
    order = SpeechOrder(
        mode,
        request.input,
        info.id,
        language_code(request.language, info.languages, studio.settings.default_language),
        speed=request.speed,
        seed=request.seed,
        model=model,
        sampling=SamplingParams(max_new_tokens=request.max_new_tokens),
    )
    if task is TaskType.VOICE_DESIGN:
        return _designed(order, request)
    if request.ref_audio:
        return _cloned(studio, order, request, files)
    return _voiced(studio, order, request, task, VoiceFinder(studio, owner, engine))


def model_named(studio: Studio, name: str, owner: str) -> tuple[str, str]:
    """Ids of the engine and the model that `name` stands for: an engine, a model's key, its label or its
    repository, or one of OpenAI's, which leave both open (""). Raises NotFound."""
    wanted = name.strip().lower()
    if not wanted or wanted.startswith(OPENAI_MODELS):
        return "", ""
    ids = studio.engines.registry.ids
    if wanted in ids:
        return wanted, ""
    mine = {
        key: entry
        for key, entry in studio.model_folders.all.items()
        if entry.engine in ids and entry.owner in ("", owner)
    }
    for key, entry in mine.items():
        if wanted in (key.lower(), entry.label.lower(), entry.hugging_face.lower()):
            return entry.engine, key
    raise unknown("speech model", name, (*ids, *mine, *OPENAI_MODELS))


def language_code(given: str, languages: Mapping[str, str], default: str) -> str:
    """The language as orders name it; clients of Qwen3-TTS write "English" or "Auto"."""
    wanted = given.strip().lower()
    if wanted in ("", AUTO_LANGUAGE):
        return AUTO_LANGUAGE
    if wanted in languages:
        return wanted
    named = [code for code, name in languages.items() if _plain(name) == wanted]
    return (closest(default, named) or named[0]) if named else wanted


def _plain(name: str) -> str:
    """A language's name without its country: "English (America)"."""
    return name.split(" (")[0].lower()


def _task(studio: Studio, request: SpeechRequest, model: str) -> TaskType | None:
    if request.task_type is not None:
        return request.task_type
    if request.ref_audio or request.ref_text:
        return TaskType.BASE
    entry = studio.model_folders.all.get(model)
    modes = sorted(entry.modes) if entry is not None else []
    return _TASKS.get(modes[0]) if len(modes) == 1 else None


def _designed(order: SpeechOrder, request: SpeechRequest) -> SpeechOrder:
    if not request.instructions.strip():
        raise BadInput(
            "There is no description of the voice.", "Describe it as “instructions”: an old man, slow."
        )
    return replace(order, description=request.instructions)


def _cloned(studio: Studio, order: SpeechOrder, request: SpeechRequest, files: ExitStack) -> SpeechOrder:
    if order.mode is not Capability.CLONE:
        raise BadInput(
            f"A recording does not belong to {TaskType.CUSTOM_VOICE.value}.",
            "Leave ref_audio out, or ask for the task_type Base.",
        )
    _no_instructions(request, "a recording's voice")
    limit = studio.settings.max_upload_mb * 1_000_000
    recording = recording_in(request.ref_audio, studio.workspace.spool, limit, files)
    reference = Reference(
        recording,
        request.ref_text,
        x_vector_only=bool(request.x_vector_only_mode),
        name="the given recording",
    )
    return replace(order, reference=reference)


def _voiced(
    studio: Studio,
    order: SpeechOrder,
    request: SpeechRequest,
    task: TaskType | None,
    finder: VoiceFinder,
) -> SpeechOrder | PerformOrder:
    voice = request.voice.id if isinstance(request.voice, VoiceId) else request.voice.strip()
    if task is TaskType.BASE:
        if request.ref_text or not voice:
            raise BadInput("There is no recording to speak like.", "Give ref_audio, in base64.")
        found: SpeechOrder | PerformOrder = finder.saved(voice, order)
    elif task is TaskType.CUSTOM_VOICE and voice:
        found = finder.own(voice, order)
    else:
        found = finder.order(voice, order) if voice else order
    if not request.instructions.strip():
        return found
    if isinstance(found, PerformOrder) or found.mode is not Capability.PRESET:
        _no_instructions(request, "this voice")
        return found
    info = studio.engines.registry.get(found.engine).info
    if Capability.INSTRUCT not in info.capabilities:
        raise BadInput(f"{info.label} does not follow instructions.", "Leave the instructions out.")
    return replace(found, description=request.instructions)


def _no_instructions(request: SpeechRequest, what: str) -> None:
    if request.instructions.strip():
        raise BadInput(f"Instructions do not change {what}.", "Leave the instructions out.")
