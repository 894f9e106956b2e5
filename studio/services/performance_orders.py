"""A performance as the history has it: its order as plain data, its row, its words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from engines.base import SamplingParams
from studio.errors import Damaged
from studio.services.performance_plans import PerformancePlan
from studio.services.performance_values import MODE, PerformOrder, Unknown
from studio.services.takes import AUTO_LANGUAGE, Loudness, TakeRecord, TakeState
from studio.text.tagged import Say, parse


def to_settings(order: PerformOrder) -> dict[str, Any]:
    """Everything of `order` but its text, as JSON can hold it."""
    return {
        "mode": MODE,
        "personality": order.personality,
        "engine": order.engine,
        "model": order.model,
        "language": order.language,
        "speed": order.speed,
        "seed": order.seed,
        "unknown": order.unknown.value,
        "loudness": order.loudness.value,
        "sampling": asdict(order.sampling),
        "options": dict(order.options),
        "gap_s": order.gap_s,
    }


def from_settings(settings: Mapping[str, Any], text: str = "") -> PerformOrder:
    """The order that `to_settings` was made from. Fields that an older studio did not know get their
    defaults; Damaged where the settings make no sense."""
    try:
        return PerformOrder(
            personality=str(settings["personality"]),
            text=text,
            engine=str(settings.get("engine", "")),
            model=str(settings.get("model", "")),
            language=str(settings.get("language", AUTO_LANGUAGE)),
            speed=float(settings.get("speed", 1.0)),
            seed=settings.get("seed"),
            unknown=Unknown(settings.get("unknown", Unknown.REPORT.value)),
            loudness=Loudness(settings.get("loudness", Loudness.STANDARD.value)),
            sampling=SamplingParams(**settings.get("sampling", {})),
            options={key: float(value) for key, value in settings.get("options", {}).items()},
            gap_s=settings.get("gap_s"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged(f"These settings cannot be read: {error}.", "Make them anew.") from error


def record_of(
    id: str, created: float, owner: str, plan: PerformancePlan, state: TakeState, seconds: float
) -> TakeRecord:
    """The row of the history, as yet without a file and a length."""
    return TakeRecord(
        id=id,
        created=created,
        owner=owner,
        mode=MODE,
        engine=plan.engine.id,
        voice=plan.personality.name,
        language=plan.language,
        text=plan.order.text,
        settings=to_settings(plan.order) | {"performance": id},
        seed=plan.seed,
        duration=0.0,
        seconds=seconds,
        sample_rate=plan.engine.sample_rate,
        file="",
        status=state.value,
    )


def transcript_of(record: TakeRecord) -> str:
    """The words of a take: its text, without the tags where it is a performance."""
    if record.mode != MODE:
        return record.text
    return " ".join(piece.text for piece in parse(record.text).pieces if isinstance(piece, Say))
