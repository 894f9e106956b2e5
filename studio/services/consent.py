"""Whose voice a recording is, and that it may be used."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from studio.errors import BadInput
from studio.hosting import is_loopback, on_a_space
from studio.names import clean_name
from studio.services.voice_values import Basis, Consent
from studio.settings import Settings

#: Shown where nobody has to say whose voice it is.
REMINDER = (
    "Use a voice only with the consent of the person it belongs to. "
    "Saying here whose it is keeps that on record."
)
_DAY_S = 86_400


def required(settings: Settings) -> bool:
    """Whether voices need a consent here: as `require_consent` says; "auto" means where others than
    the person at this machine may come in."""
    if settings.require_consent != "auto":
        return settings.require_consent == "always"
    return settings.share or not is_loopback(settings.host) or on_a_space()


def check(consent: Consent | None, required: bool) -> None:
    """Raise BadInput where a consent is missing that is required, or says too little. Whose voice
    it is need not be said of a synthetic one."""
    if consent is None:
        if required:
            raise BadInput(
                "It is not said whose voice this is.",
                "This studio is shared: say who speaks, on what basis, and since when.",
            )
        return
    if not consent.person.strip() and consent.basis is not Basis.SYNTHETIC:
        raise BadInput(
            "Who speaks is not said.", "Write the person's name beside the basis of the consent."
        )
    if not math.isfinite(consent.given) or not 0 < consent.given < time.time() + _DAY_S:
        raise BadInput(
            "The day of the consent lies in the future or cannot be read.",
            "Give the day on which it was given.",
        )


def of_audio(consent: Consent | None, sha256: str, required: bool) -> Consent | None:
    """`consent`, checked, for the recording with that hash."""
    check(consent, required)
    if consent is None:
        return None
    person = clean_name(consent.person) if consent.person.strip() else ""
    return replace(consent, person=person, audio_sha256=sha256)


def synthetic(given: float) -> Consent:
    """For a voice that no person has; `given` in Unix time, s."""
    return Consent("", Basis.SYNTHETIC, given)


def to_config(consent: Consent | None) -> dict[str, Any] | None:
    """As JSON can hold it."""
    return asdict(consent) | {"basis": consent.basis.value} if consent is not None else None


def from_config(value: Mapping[str, Any] | None) -> Consent | None:
    """What `to_config` was given. Raises KeyError, TypeError or ValueError where it is no consent."""
    if value is None:
        return None
    return Consent(
        person=str(value["person"]),
        basis=Basis(value["basis"]),
        given=float(value["given"]),
        audio_sha256=str(value.get("audio_sha256", "")),
    )
