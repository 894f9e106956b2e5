"""The table of emotions that a smart build is to make: each with its text and instruction, which the
page edits (assets/personalities.js) and tells as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from studio.errors import BadInput
from studio.services.emotion_texts import EMOTIONS, LANGUAGES, USUAL, emotion_text
from studio.services.smart_values import SmartEmotion

TABLE = "personalities-wanted"

#: More than the library takes, so that its own words tell of too many.
_MOST = 200


@dataclass(frozen=True)
class Wanted:
    """A row: whether it is to be built, and what."""

    emotion: SmartEmotion
    chosen: bool = False


def usual(language: str) -> tuple[Wanted, ...]:
    """The well-known emotions with their texts in `language` (BCP 47; "": English)."""
    return tuple(Wanted(_default(tag, language), tag in USUAL) for tag in EMOTIONS)


def table(rows: Sequence[Wanted]) -> str:
    """The rows to be chosen and edited; what is not chosen shows only its name."""
    listed = "".join(_row(row) for row in rows)
    blank = _row(Wanted(SmartEmotion(""), chosen=True))
    return (
        f'<fieldset class="timbre-wanted"><legend class="timbre-line">Wanted emotions, each with what the AI'
        f' says in it and how</legend><div id="{TABLE}">{listed}<template>{blank}</template></div>'
        f'<button type="button" class="timbre-tag" data-add-row="{TABLE}">Another emotion</button></fieldset>'
    )


def gathered(told: str) -> tuple[Wanted, ...]:
    """The rows as the page tells them; those without a tag are left out. Raises BadInput for what the
    page would not say."""
    try:
        rows = json.loads(told or "[]")
        if not isinstance(rows, list) or len(rows) > _MOST:
            raise ValueError
        found = [Wanted(_emotion(row), row.get("wanted") is True) for row in rows]
    except (AttributeError, ValueError, RecursionError):
        raise BadInput("The wanted emotions cannot be read.", "Reload the page.") from None
    return tuple(row for row in found if row.emotion.tag)


def in_language(rows: Sequence[Wanted], language: str) -> tuple[Wanted, ...]:
    """The rows with the usual texts in another language; what was typed stays."""
    return tuple(
        Wanted(_default(row.emotion.tag, language), row.chosen) if _untouched(row.emotion) else row
        for row in rows
    )


def _default(tag: str, language: str) -> SmartEmotion:
    found = emotion_text(tag, language)
    # In a language without texts the usual one is English, which has to be said.
    spoken = found.language if language and found.language != language else ""
    return SmartEmotion(tag, found.text, found.instruct, spoken)


def _untouched(emotion: SmartEmotion) -> bool:
    texts = {emotion_text(emotion.tag, language).text for language in LANGUAGES}
    instruct = emotion_text(emotion.tag, "").instruct
    return emotion.text in {"", *texts} and emotion.instruct in ("", instruct)


def _emotion(row: dict[str, Any]) -> SmartEmotion:
    given = {}
    for name in ("tag", "text", "instruct", "language"):
        value = row.get(name, "")
        if not isinstance(value, str):
            raise ValueError(name)
        given[name] = value.strip()
    return SmartEmotion(**given)


def _row(row: Wanted) -> str:
    emotion = row.emotion
    checked = " checked" if row.chosen else ""
    name = f'<input data-field="tag" value="{escape(emotion.tag)}" aria-label="Tag" placeholder="tag">'
    return (
        '<div class="timbre-want">'
        f'<label><input type="checkbox"{checked} aria-label="Build this emotion"></label>{name}'
        '<div class="timbre-want-more">'
        f'<label>Text<textarea data-field="text" rows="3">{escape(emotion.text)}</textarea></label>'
        f'<label>How it is spoken<textarea data-field="instruct" rows="3">{escape(emotion.instruct)}'
        "</textarea></label>"
        f'<label>Language of the text<input data-field="language" value="{escape(emotion.language)}"'
        ' placeholder="as above"></label></div></div>'
    )
