"""The fields that ask whose voice it is, on what basis it is used, and since when."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import gradio as gr

from studio.errors import BadInput
from studio.services.voice_values import Basis, Consent

_BASES = [
    ("Not said", ""),
    ("My own voice", Basis.OWN.value),
    ("With their permission", Basis.PERMISSION.value),
    ("Public domain", Basis.PUBLIC_DOMAIN.value),
    ("Synthetic: nobody's voice", Basis.SYNTHETIC.value),
]
_DAY = "%Y-%m-%d"


@dataclass(frozen=True)
class ConsentFields:
    """The components, in the order of `consent_of` and `values`."""

    person: gr.Textbox
    basis: gr.Dropdown
    day: gr.Textbox

    @property
    def all(self) -> list[Any]:
        return [self.person, self.basis, self.day]


def lay_out(id_: str, narrow: bool = False) -> ConsentFields:
    """Lay the fields out here, below one another where it is `narrow`; their elem_ids begin with
    `id_`."""
    with gr.Column(min_width=100) if narrow else gr.Row():
        person = gr.Textbox(
            label="Whose voice it is", max_lines=1, min_width=150, elem_id=f"{id_}-person"
        )
        basis = gr.Dropdown(
            _BASES, value="", label="On what basis", min_width=150, elem_id=f"{id_}-basis"
        )
        day = gr.Textbox(
            label="Given on",
            placeholder="today, or 2026-01-31",
            max_lines=1,
            min_width=130,
            elem_id=f"{id_}-day",
        )
    return ConsentFields(person, basis, day)


def consent_of(
    person: str | None, basis: str | None, day: str | None, before: Consent | None = None
) -> Consent | None:
    """What the fields say; None where nothing was filled in, or where it is what `before` says.

    Raises BadInput for a person without a basis, and for a day that is none.
    """
    who, when = (person or "").strip(), (day or "").strip()
    if before is not None and (who, basis or "", when) == values(before):
        return None
    if not (who or basis or when):
        return None
    if not basis:
        raise BadInput(
            "On what basis the voice may be used is not said.", "Choose it beside whose voice it is."
        )
    return Consent(who, Basis(basis), _moment(when))


def values(consent: Consent | None) -> tuple[str, str, str]:
    """What the fields hold for `consent`."""
    if consent is None:
        return "", "", ""
    return consent.person, consent.basis.value, datetime.fromtimestamp(consent.given).strftime(_DAY)


def _moment(day: str) -> float:
    if not day:
        return time.time()
    try:
        return datetime.strptime(day, _DAY).timestamp()
    except (ValueError, OverflowError, OSError):
        raise BadInput(
            f"“{day[:20]}” is no day.", "Write it as 2026-01-31, or leave it empty."
        ) from None
