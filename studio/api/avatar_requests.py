"""What is asked for over HTTP of videos, and what is answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from engines.avatar import AvatarInfo
from engines.base import ModelChoice
from studio.errors import BadInput
from studio.services.avatar_values import (
    DEFAULT_ENGINE,
    DEFAULT_HEIGHT,
    FPS,
    AvatarOrder,
    Making,
    Says,
    Subtitles,
    VideoRecord,
)
from studio.services.face_values import FaceChoice
from studio.services.performance_values import PerformOrder
from studio.services.studio import Studio
from studio.services.takes import AUTO_LANGUAGE
from studio.services.tasks import TaskStatus
from studio.services.voice_choice import VoiceChooser


class VideoRequest(BaseModel):
    """A text, who speaks it, and with which face. Only the text is needed."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field("", description="What to speak.")
    language: str = Field(AUTO_LANGUAGE, description="BCP 47 or auto.")
    avatar: str = Field("", description="A built-in avatar; empty: the first.")
    voice: str = Field("", description="One of the speech engine's, or a saved one.")
    description: str = Field("", description="The voice in words, where the engine designs voices.")
    personality: str = Field("", description="Who speaks a text with tags, [happy] Hello!")
    speech_engine: str = Field("", description="Who speaks; empty: the studio's default.")
    speech_model: str = ""
    speed: float = 1.0
    seed: int | None = None
    engine: str = Field(DEFAULT_ENGINE, description="What moves the lips: animator or wav2lip.")
    model: str = Field("", description="Its model; empty: the best that is installed.")
    fps: int = Field(FPS[0], description="Frames a second: 25 or 30.")
    max_height: int = Field(DEFAULT_HEIGHT, description="Of the picture, pixels.")
    subtitles: Subtitles = Subtitles.NONE
    label: bool | None = Field(
        None, description="“AI-generated” in the picture; null: as the studio is set."
    )
    options: dict[str, float] = Field(default_factory=dict, description="See GET /api/avatar.")


def order_from(studio: Studio, wanted: VideoRequest, owner: str) -> AvatarOrder:
    """The order that a request stands for. Raises NotFound for a voice that the owner has not, BadInput for
    a personality with another voice."""
    return AvatarOrder(
        says=_says(studio, wanted, owner),
        face=FaceChoice(wanted.avatar),
        engine=wanted.engine,
        model=wanted.model,
        fps=wanted.fps,
        max_height=wanted.max_height,
        subtitles=wanted.subtitles,
        label=wanted.label,
        options=wanted.options,
    )


def _says(studio: Studio, wanted: VideoRequest, owner: str) -> Says:
    if wanted.personality:
        if wanted.voice or wanted.description:
            raise BadInput(
                "A personality speaks in its own voice.",
                "Leave out voice and description, or personality.",
            )
        return PerformOrder(
            wanted.personality,
            wanted.text,
            wanted.speech_engine,
            wanted.speech_model,
            wanted.language,
            wanted.speed,
            wanted.seed,
        )
    chooser = VoiceChooser(studio.engines.registry, studio.voices, studio.settings.default_engine)
    order = chooser.order(
        wanted.text, wanted.language, wanted.voice, wanted.description, wanted.speech_engine, owner
    )
    return replace(order, model=wanted.speech_model, speed=wanted.speed, seed=wanted.seed)


def engine_row(info: AvatarInfo, models: Iterable[ModelChoice]) -> dict[str, Any]:
    """An engine with what can be set, for those who choose."""
    return {
        "id": info.id,
        "label": info.label,
        "description": info.description,
        "license": info.license,
        "notice": info.notice,
        "options": [
            {
                "key": option.key,
                "label": option.label,
                "minimum": option.minimum,
                "maximum": option.maximum,
                "default": option.default,
                "help": option.help,
            }
            for option in info.options
        ],
        "models": [asdict(choice) for choice in models],
    }


def job_row(status: TaskStatus) -> dict[str, Any]:
    """How a video stands."""
    detail = status.detail if isinstance(status.detail, Making) else Making("")
    record = status.result if isinstance(status.result, VideoRecord) else None
    return {
        "id": status.id,
        "state": status.state.value,
        "stage": status.stage,
        "fraction": status.fraction,
        "elapsed_s": round(status.elapsed, 2),
        "eta_s": None if status.eta is None else round(status.eta, 2),
        "frame": detail.frame,
        "frames": detail.frames,
        "take": detail.take,
        "notes": list(status.notes),
        "error": status.error,
        "hint": status.hint,
        "video": None if record is None else video_row(record),
    }


def video_row(record: VideoRecord) -> dict[str, Any]:
    """A finished video."""
    address = f"/api/avatar/videos/{record.id}"
    shown = record.settings.get("subtitles") != Subtitles.NONE.value
    return {
        "id": record.id,
        "url": address,
        "subtitles": [f"{address}/subtitles.{format}" for format in ("srt", "vtt")] if shown else [],
        "avatar": record.avatar,
        "engine": record.engine,
        "model": record.model,
        "text": record.text,
        "take": record.take,
        "duration": round(record.duration, 3),
        "seconds": round(record.seconds, 3),
        "width": record.width,
        "height": record.height,
        "fps": record.fps,
    }
