"""What the Personalities tab shows of personalities and their emotions, as HTML. Whatever was typed
is escaped here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from html import escape
from pathlib import Path

from studio.errors import StudioError
from studio.library import Damage
from studio.services.personality_values import NEUTRAL, Emotion, Personality
from studio.services.smart_values import EmotionState, SmartProgress
from studio.services.tasks import TaskState, TaskStatus
from tabs import task_view
from tabs.frame import view_row
from tabs.speech.view import clock, line

NOTHING_CHOSEN = line("Choose a personality in the list, or make one under “New”.")
NOTHING_SPOKEN = line("Nothing spoken yet. Type a text with tags, then press Speak.")
NOTHING_BUILT = line("Nothing built yet. Give a recording, choose emotions, then press Build.")

NO_VOICE = ("None: the recording below", "")
AUTO_MODEL = ("Auto", "")

_VIEWS = {"speak": "Speak", "emotions": "Emotions", "new": "New"}

#: Where the page finds a file.
Served = Callable[[Path], str]

#: Of texts in tables these many characters are shown.
_LONGEST = 160

_STEPS = {EmotionState.PENDING: "to come", EmotionState.MADE: "made", EmotionState.FAILED: "failed."}
_ENDED = {
    TaskState.DONE: "done",
    TaskState.STOPPED: "stopped; what was made is kept",
    TaskState.FAILED: "broken off; what was made is kept",
}
_MADE = {"upload": "uploaded", "smart": "built", "recording": "your recording", "voice": "a saved voice"}


def views(id_: str) -> str:
    """The row that chooses what is done with the personality (assets/personalities.js)."""
    return view_row(id_, _VIEWS)


def listed(found: Sequence[Personality], chosen: str, search: str) -> str:
    """The personalities as a list to choose from (data-into: assets/transcribe.js)."""
    if not found:
        return line(
            "No personality matches. Clear the search to see all." if search else "No personalities yet."
        ) + (
            ""
            if search
            else '<button type="button" class="timbre-tag" data-view="new">Make the first one</button>'
        )
    rows = "".join(
        f'<li><button type="button" class="timbre-entry" data-into="personalities-picked"'
        f' data-value="{escape(each.id)}" aria-current="{"true" if each.id == chosen else "false"}">'
        f"<b>{escape(each.name)}</b><span>{escape(_in_short(each))}</span></button></li>"
        for each in found
    )
    return f'<ul class="timbre-entries" aria-label="Personalities">{rows}</ul>'


def damaged(found: Sequence[Damage]) -> str:
    """Those that cannot be read; the others are unharmed."""
    return "".join(
        f'<p class="timbre-bad" role="alert">A personality is set aside: {escape(each.message)}'
        " Import it from a zip again, or remove its folder.</p>"
        for each in found
    )


def head(personality: Personality, building: bool = False) -> str:
    """Which personality is chosen, and the facts of it; `building`: it is being built right now."""
    facts = [
        f"{len(personality.emotions)} emotion{'' if len(personality.emotions) == 1 else 's'}",
        personality.language,
        f"made {datetime.fromtimestamp(personality.created):%Y-%m-%d %H:%M}",
    ]
    if personality.consent is not None:
        facts.append(f"{personality.consent.person}: {personality.consent.basis.value}")
    about = "".join(
        f'<p class="timbre-line timbre-lines">{escape(text)}</p>'
        for text in (personality.description, personality.note)
        if text
    )
    unfinished = ""
    if building:
        unfinished = line("It is being built.")
    elif personality.build:
        unfinished = (
            '<p class="timbre-note">Its building was not finished. What is there can be used.'
            ' <button type="button" class="timbre-tag" data-into="personalities-acted"'
            ' data-value="resume" data-view="new">Resume: make the rest</button>'
            ' <button type="button" class="timbre-tag" data-into="personalities-acted"'
            ' data-value="settle">It is enough</button></p>'
        )
    return (
        f'<div class="timbre-remember" data-key="personality" data-value="{escape(personality.id)}">'
        f"<h3>{escape(personality.name)}</h3>{line(' · '.join(fact for fact in facts if fact))}"
        f"{about}{unfinished}</div>"
    )


def emotions(personality: Personality, chosen: str, served: Served) -> str:
    """The emotions as a table; a tag in it opens that emotion in the form."""
    rows = []
    for number, emotion in enumerate(personality.emotions):
        mark = ' class="timbre-chosen" aria-current="true"' if emotion.tag == chosen else ""
        also = ", ".join(emotion.aliases)
        cells = {
            "Says": clipped(emotion.transcript) or "no transcript",
            "Also called": also,
            "Made": _MADE.get(str(emotion.made.get("how")), "given"),
        }
        rows.append(
            f'<tr{mark}><th scope="row"><button type="button" class="timbre-pick"'
            f' data-into="personalities-emotion" data-value="{number}">{escape(emotion.tag)}</button></th>'
            f'<td data-head="Sound">{player(served(emotion.audio), emotion.tag)}'
            f'<span class="timbre-when">{clock(emotion.duration)}</span></td>'
            + "".join(f'<td data-head="{name}">{escape(value)}</td>' for name, value in cells.items())
            + "</tr>"
        )
    heads = "".join(
        f'<th scope="col">{name}</th>' for name in ("Emotion", "Sound", "Says", "Also called", "Made")
    )
    return (
        '<table class="timbre-table timbre-cards"><thead><tr>'
        f"{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        '<p><button type="button" class="timbre-tag" id="personalities-play-all"'
        ' data-play-all="personalities-emotions">Play them all</button></p>'
    )


def tags(personality: Personality | None, box: str = "personalities-text") -> str:
    """Buttons that put the personality's tags, and pauses, where the cursor is in the text of `box`;
    nothing where none is chosen."""
    if personality is None:
        return ""
    inserted = [(emotion.tag, f"[{emotion.tag}] ") for emotion in personality.emotions]
    inserted += [(f"pause {seconds:g} s", f"[pause {seconds:g}] ") for seconds in (0.3, 0.5, 1.0)]
    buttons = "".join(
        f'<button type="button" class="timbre-tag" data-insert="{escape(text)}"'
        f' data-at="{box}">{escape(name)}</button>'
        for name, text in inserted
    )
    return (
        f'<div class="timbre-tags" role="group" aria-label="Put into the text">'
        f'<span class="timbre-line">Speak as <b>{escape(personality.name)}</b>:</span>{buttons}</div>'
    )


def emotion_caption(personality: Personality | None, emotion: Emotion | None) -> str:
    """Above the form: what it is for."""
    if personality is None:
        return NOTHING_CHOSEN
    if emotion is None:
        return f"<h3>A new emotion for “{escape(personality.name)}”</h3>"
    kept = " Every personality keeps its neutral one." if emotion.tag.casefold() == NEUTRAL else ""
    return f"<h3>“{escape(emotion.tag)}”</h3>" + line(
        f"Change what is said of it, or give another recording to replace this one.{kept}"
    )


def refused(error: StudioError) -> str:
    """Why something cannot be shown, in its place."""
    return f'<p class="timbre-bad" role="alert"><b>{escape(error.message)}</b> {escape(error.hint)}</p>'


def player(address: str, name: str) -> str:
    """A player that fetches nothing before it is played."""
    return f'<audio controls preload="none" aria-label="{escape(name)}" src="{escape(address)}"></audio>'


def _in_short(personality: Personality) -> str:
    names = ", ".join(emotion.tag for emotion in personality.emotions)
    unfinished = " · unfinished" if personality.build else ""
    return clipped(f"{names}{f' · {personality.language}' if personality.language else ''}{unfinished}")


def clipped(text: str) -> str:
    said = " ".join(text.split())
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"


def build_status(task: TaskStatus | None) -> str:
    """How a build comes along: its stage, and what became of each emotion."""
    if task is None:
        return NOTHING_BUILT
    said = task_view.status(task)
    done = task.detail if isinstance(task.detail, SmartProgress) else None
    if done is None:
        return said
    rows = "".join(
        f'<li data-state="{step.state.value}"><b>{escape(step.emotion.tag)}</b>: {_STEPS[step.state]}'
        f"{escape(f' {step.error}' if step.error else '')}</li>"
        for step in done.steps
    )
    finished = ""
    if task.state.finished:
        finished = (
            f'<p class="timbre-line" role="status">{escape(task.title)}: {_ENDED[task.state]}.'
            ' <button type="button" class="timbre-tag" data-view="emotions"'
            f' data-into="personalities-picked" data-value="{escape(done.personality)}">Hear its emotions'
            "</button></p>"
        )
    return f'{said}<ul class="timbre-list" aria-label="Emotions">{rows}</ul>{finished}'
