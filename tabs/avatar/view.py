"""The making of a video, the video, and the list of them, as HTML. Texts and names are escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

from engines.avatar import AvatarInfo
from studio.services.avatar_values import (
    STAGE_DRAWING,
    STAGES,
    Making,
    Subtitles,
    VideoRecord,
)
from studio.services.tasks import TaskState, TaskStatus
from tabs.avatar.tab import ID
from tabs.frame import anew
from tabs.speech.view import clock, line

NOTHING = (
    '<div class="timbre-preview timbre-nothing"><p class="timbre-line">No video yet. Choose a face, type a text,'
    " then press Make.</p></div>"
)

_NAMES = {STAGE_DRAWING: "lips and file"}
_BOX = f"{ID}-pressed"
#: Of a text in a list these many characters are shown.
_SNIPPET = 70


def status(task: TaskStatus) -> str:
    """Stage, progress, remaining time and the newest picture, or why there is no video."""
    notes = "".join(f'<p class="timbre-note">{escape(note)}</p>' for note in task.notes)
    if task.state is TaskState.FAILED:
        return f'<p class="timbre-bad" role="alert"><b>{escape(task.error)}</b> {escape(task.hint)}</p>{notes}'
    if task.state is TaskState.STOPPED:
        return line(f"Stopped.{_spoken(task)}")
    if task.state is TaskState.DONE:
        return ""
    making = task.detail if isinstance(task.detail, Making) else Making("")
    facts = [f"{clock(task.eta)} left"] if task.eta is not None else []
    if making.stage == STAGE_DRAWING and making.frames:
        facts.insert(0, f"frame {making.frame:,} of {making.frames:,}")
    told = " · ".join(facts) or _waiting(task)
    fraction = f' value="{task.fraction:.4f}"' if task.fraction is not None else ""
    return (
        f'<div class="timbre-status timbre-making timbre-remember" data-key="{ID}-video"'
        f' data-value="{escape(task.id)}">{_stages(making.stage)}'
        f'<p class="timbre-line" role="status">{escape(told)}</p>'
        f'<progress max="1"{fraction} aria-label="Progress"></progress>{_preview(task, making)}'
        f"{notes}</div>"
    )


def _spoken(task: TaskStatus) -> str:
    making = task.detail
    kept = isinstance(making, Making) and making.take
    return " What was spoken is in the history." if kept else ""


def _waiting(task: TaskStatus) -> str:
    return "Waiting for its turn." if task.state is TaskState.QUEUED else task.stage


def _stages(stage: str) -> str:
    """All stages, the present one marked."""
    reached = STAGES.index(stage) if stage in STAGES else -1
    steps = "".join(
        f"<li{_mark(number, reached)}>{escape(_NAMES.get(name, name))}</li>"
        for number, name in enumerate(STAGES)
    )
    return f'<ol class="timbre-stages" aria-label="Stages">{steps}</ol>'


def _mark(number: int, reached: int) -> str:
    if number == reached:
        return ' aria-current="step"'
    return ' class="timbre-past"' if number < reached else ""


def _preview(task: TaskStatus, making: Making) -> str:
    if not making.preview:
        return '<div class="timbre-preview"></div>'
    return (
        f'<div class="timbre-preview"><img src="api/avatar/jobs/{escape(task.id)}/preview.jpg'
        f'?frame={making.frame}" alt="The newest frame"></div>'
    )


def video(record: VideoRecord, poster: str, autoplay: bool = False) -> str:
    """The player with what can be done with the video. `poster`: address of its first picture."""
    address = f"api/avatar/videos/{escape(record.id)}"
    said = _snippet(record)
    track = ""
    if _has_files(record):
        track = f'<track kind="captions" label="Subtitles" src="{address}/subtitles.vtt" default>'
    shape = "timbre-upright" if record.height > record.width else "timbre-wide"
    player = (
        f'<video class="{shape}" controls playsinline preload="metadata"{" autoplay" if autoplay else ""}'
        f' width="{record.width}" height="{record.height}" src="{address}"'
        + (f' poster="{escape(poster)}"' if poster else "")
        + f' aria-label="{escape(record.avatar)}: {escape(said)}">{track}</video>'
    )
    facts = [
        record.avatar,
        clock(record.duration),
        f"{record.width} × {record.height}",
        f"{record.fps} fps",
        f"made in {clock(record.seconds)}",
    ]
    notes = "".join(f'<p class="timbre-note">{escape(note)}</p>' for note in record.notes)
    how = (
        f'<details class="timbre-more"><summary>How it was made</summary>{line(_engine(record))}{notes}'
        "</details>"
    )
    text = (
        f'<p class="timbre-sentence-text">{escape(_clipped(record.text, 240))}</p>'
        if record.text
        else ""
    )
    return anew(
        f'<div class="timbre-remember timbre-video" data-key="{ID}-video" data-value="{escape(record.id)}">'
        f"{player}{line(' · '.join(facts))}{text}{_links(record, address)}{_buttons(record)}{how}</div>"
    )


def _engine(record: VideoRecord) -> str:
    made = f"Lips: {record.engine}" + (f", {record.model}" if record.model else "")
    return f"{made}. {record.rtf:.2f} s of work for a second of video, speech included."


def _links(record: VideoRecord, address: str) -> str:
    links = [f'<a href="{address}?download=true" download>MP4</a>']
    if _has_files(record):
        links += [
            f'<a href="{address}/subtitles.{format}" download>{format.upper()}</a>'
            for format in ("srt", "vtt")
        ]
    if record.take:
        links.append(f'<a href="takes/{escape(record.take)}/audio?format=wav" download>WAV</a>')
    return f'<p class="timbre-downloads"><span>Download:</span> {" ".join(links)}</p>'


def _has_files(record: VideoRecord) -> bool:
    return record.settings.get("subtitles") == Subtitles.FILE.value


def _buttons(record: VideoRecord) -> str:
    id_ = escape(record.id)
    star = "★ Remove from favourites" if record.favourite else "☆ Favourite"
    return (
        '<div class="timbre-votes">'
        f'<button type="button" class="timbre-small" data-into="{ID}-reuse" data-value="{id_}">'
        "Use these settings</button>"
        f'<button type="button" class="timbre-small" data-into="{_BOX}" data-value="favourite {id_}"'
        f' aria-pressed="{"true" if record.favourite else "false"}">{star}</button>'
        # assets/samples.js asks
        '<button type="button" class="timbre-small" data-ask>Delete</button>'
        '<span class="timbre-sure" role="alert" hidden><b>Delete this video and its files for good?</b>'
        f' <button type="button" class="timbre-small" data-into="{_BOX}" data-value="delete {id_}">'
        'Yes, delete it</button> <button type="button" class="timbre-small" data-no>No, keep it</button>'
        "</span></div>"
    )


def entries(
    page: Sequence[tuple[VideoRecord, str]],
    chosen: str,
    newer: int | None,
    older: int | None,
    filtered: bool,
) -> str:
    """The videos of a page with the addresses of their first frames, to be shown again. `newer`, `older`:
    where those pages begin, None where there is none; `filtered`: others may be left out."""
    turns = ""
    if newer is not None or older is not None:
        turns = f'<div class="timbre-votes">{_turn("Newer", newer)}{_turn("Older", older)}</div>'
    if not page:
        empty = "No video matches. Clear the search to see all." if filtered else "No videos yet."
        return line(empty) + turns
    cards = "".join(_card(record, poster, record.id == chosen) for record, poster in page)
    return f'<ul class="timbre-videos" aria-label="Videos, the newest first">{cards}</ul>{turns}'


def _card(record: VideoRecord, poster: str, chosen: bool) -> str:
    when = datetime.fromtimestamp(record.created).strftime("%d %b %H:%M")
    star = '<b aria-label="favourite">★</b> ' if record.favourite else ""
    picture = f'<img src="{escape(poster)}" alt="" loading="lazy" decoding="async">' if poster else ""
    note = f"<i>{escape(_clipped(record.note, 50))}</i>" if record.note else ""
    return (
        f'<li><button type="button" class="timbre-card" data-into="{_BOX}"'
        f' data-value="show {escape(record.id)}" aria-current="{"true" if chosen else "false"}">'
        f'<span class="timbre-thumb">{picture}<span>{clock(record.duration)}</span></span>'
        f"<strong>{star}{escape(_snippet(record))}</strong>"
        f"<span>{escape(record.avatar)} · {when}</span>{note}</button></li>"
    )


def _turn(label: str, offset: int | None) -> str:
    if offset is None:
        return f'<button type="button" class="timbre-small" disabled>{label}</button>'
    return (
        f'<button type="button" class="timbre-small" data-into="{_BOX}" data-value="page {offset}">'
        f"{label}</button>"
    )


def lips(info: AvatarInfo) -> str:
    """What an avatar engine says of itself, and what may not be done with what it makes."""
    notice = f'<p class="timbre-note"><b>{escape(info.notice)}</b></p>' if info.notice else ""
    return f"{line(f'{info.description} Licence: {info.license}.')}{notice}"


def _snippet(record: VideoRecord) -> str:
    if record.text:
        return _clipped(record.text, _SNIPPET)
    says = record.settings.get("says")
    name = says.get("name") if isinstance(says, dict) else None
    return _clipped(str(name), _SNIPPET) if name else "a recording"


def _clipped(text: str, longest: int) -> str:
    short = " ".join(text.split())
    return short if len(short) <= longest else f"{short[: longest - 1]}…"
