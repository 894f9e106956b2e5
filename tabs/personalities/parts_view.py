"""What the player shows of a spoken text, as HTML: how it comes along, and its parts."""

from __future__ import annotations

from html import escape

from studio.services.performance_values import Performance, PerformedPart, Performing
from studio.services.tasks import TaskState, TaskStatus
from tabs import task_view
from tabs.personalities.view import Served, clipped, player
from tabs.speech.view import clock, download_row, line


def status(task: TaskStatus | None, performance: Performance | None) -> str:
    """How it stands: parts and remaining time, or how it ended."""
    remember = (
        f'<div class="timbre-remember" data-key="performance" data-value="{escape(performance.id)}">'
        if performance is not None
        else "<div>"
    )
    ended = task is None or task.state in (TaskState.DONE, TaskState.STOPPED)
    if performance is not None and ended:
        return f"{remember}{_summary(performance)}</div>"
    said = task_view.status(task) if task is not None else ""
    if task is not None and isinstance(task.detail, Performing) and not task.state.finished:
        said += line(f"{len(task.detail.parts)} of {task.detail.total} parts are spoken.")
    return f"{remember}{said}</div>"


def parts(performance: Performance, served: Served, whole: str) -> str:
    """The whole to be heard, and a row for each part; `whole` is the address of the former."""
    rows = "".join(_row(part, served) for part in performance.parts)
    heads = "".join(
        f'<th scope="col">{name}</th>' for name in ("Part", "Sound", "Says", "When", "Seeds")
    )
    notes = "".join(f'<p class="timbre-note">{escape(note)}</p>' for note in performance.notes)
    return (
        f"<h3>{escape(performance.personality)}</h3>{player(whole, 'The whole')}"
        f"{download_row(performance.record.id, 'Download')}{notes}"
        '<p><button type="button" class="timbre-tag" data-play-all="personalities-part-list">'
        "Play the parts one by one</button></p>"
        f'<table class="timbre-table timbre-cards" id="personalities-part-list"><thead><tr>{heads}</tr>'
        f"</thead><tbody>{rows}</tbody></table>"
    )


def _summary(performance: Performance) -> str:
    anew = sum(not part.cached for part in performance.parts)
    count = len(performance.parts)
    record = performance.record
    facts = [
        "Done" if record.status == "done" else record.status.capitalize(),
        f"{count} parts, {anew} spoken anew" if count != 1 else "1 part",
        f"{clock(record.duration)} of sound",
        f"in {clock(record.seconds)}",
    ]
    return f'<p class="timbre-line" role="status">{escape(" · ".join(facts))}</p>'


def _row(part: PerformedPart, served: Served) -> str:
    number = part.index + 1
    strength = "" if part.strength == 1 else f" {part.strength:.0%}"
    mark = "as before" if part.cached else "new"
    return (
        f'<tr data-part="{part.index}" data-cached="{int(part.cached)}">'
        f'<th scope="row">{number}. {escape(part.tag)}{strength}</th>'
        f'<td data-head="Sound">{player(served(part.file), f"Part {number}")}</td>'
        f'<td data-head="Says">{escape(clipped(part.text))}</td>'
        f'<td data-head="When"><span class="timbre-when">{clock(part.start)}</span>'
        f" for {clock(part.duration)}, {mark}</td>"
        f'<td data-head="Seeds">{_seeds(part)}</td></tr>'
    )


def _seeds(part: PerformedPart) -> str:
    """A button for every take there is, the one in the whole pressed, and one for another."""
    number = part.index + 1
    kept = "".join(
        f'<button type="button" class="timbre-tag" data-into="personalities-acted"'
        f' data-value="choose {part.index} {take.seed}"'
        f' aria-pressed="{"true" if take.seed == part.seed else "false"}"'
        f' aria-label="Take seed {take.seed} for part {number}">{take.seed}</button>'
        for take in part.takes
    )
    again = (
        f'<button type="button" class="timbre-tag" data-into="personalities-acted"'
        f' data-value="again {part.index}" aria-label="Speak part {number} with another seed">'
        "Another</button>"
    )
    return f'<div class="timbre-tags">{kept}{again}</div>'
