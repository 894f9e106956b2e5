"""The built-in avatars and the chosen face, as HTML; assets/avatar.js lets points be set on it. Names of
files are escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from studio.services.face_values import BuiltInAvatar
from studio.video.types import Face
from tabs.avatar.portrait import Portrait
from tabs.avatar.tab import ID
from tabs.frame import anew
from tabs.speech.view import clock, line

#: What is set by hand, in the order of `portrait.pressed`; left and right are those of the picture.
POINTS = (
    "the left eye",
    "the right eye",
    "the left corner of the mouth",
    "the right corner of the mouth",
)
_BOX = f"{ID}-picked"


def face(portrait: Portrait) -> str:
    """The chosen face, and what can be changed about it."""
    return anew(f'<div class="timbre-portrait">{_stage(portrait)}{_facts(portrait)}</div>')


def gallery(portrait: Portrait, known: Sequence[BuiltInAvatar]) -> str:
    """The built-in avatars to choose from."""
    cards = "".join(
        f'<button type="button" class="timbre-avatar" data-into="{_BOX}" data-value="avatar {escape(each.id)}"'
        f' aria-pressed="{"true" if each.id == portrait.avatar else "false"}"'
        f' title="{escape(each.description)}"><img src="api/avatar/pictures/{escape(each.id)}" alt=""'
        f' decoding="async"><span>{escape(each.label)}</span></button>'
        for each in known
    )
    return f'<div class="timbre-avatars" role="group" aria-label="Built-in avatars">{cards}</div>'


def _stage(portrait: Portrait) -> str:
    """The picture with what was found drawn on it."""
    if portrait.problem is not None:
        what, remedy = portrait.problem
        return (
            f'<p class="timbre-bad" role="alert"><b>{escape(what)}</b> {escape(remedy)}</p>'
            f"{line(f'“{portrait.name}” is not used. Give another file, or take a built-in avatar.')}"
        )
    width, height = portrait.size
    asks = f' data-asks="{escape(" | ".join(POINTS))}"' if portrait.asking else ""
    shown = () if portrait.asking else portrait.faces
    drawn = "".join(
        _drawn(each, number == portrait.chosen, _dot(portrait)) for number, each in enumerate(shown)
    )
    several = len(shown) > 1
    return (
        f'<div class="timbre-face" style="--ratio:{width / height:.4f}" data-dot="{_dot(portrait):.2f}"'
        f' data-width="{width}" data-height="{height}"{asks}>'
        f'<img src="{escape(portrait.address)}" alt="{escape(_described(portrait))}" draggable="false">'
        f'<svg viewBox="0 0 {width} {height}" aria-hidden="true">{drawn}</svg>'
        + "".join(_area(each, number, portrait) for number, each in enumerate(shown) if several)
        + "</div>"
    )


def _drawn(found: Face, chosen: bool, dot: float) -> str:
    """The box, and of the chosen face the points as well. Drawn twice, dark below light, to be seen on any
    picture."""
    at = f'x="{found.left:.1f}" y="{found.top:.1f}"'
    box = (
        f'{at} width="{max(0.0, found.right - found.left):.1f}"'
        f' height="{max(0.0, found.bottom - found.top):.1f}"'
    )
    radius = min(found.right - found.left, found.bottom - found.top) / 16
    marks = f'<rect class="timbre-under" {box} rx="{radius:.1f}"/><rect {box} rx="{radius:.1f}"/>'
    points = found.landmarks
    five = (
        points.left_eye,
        points.right_eye,
        points.nose,
        points.mouth_left,
        points.mouth_right,
    )
    dots = (
        "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{dot:.2f}"/>' for x, y in five) if chosen else ""
    )
    return f'<g class="{"timbre-chosen-face" if chosen else "timbre-other-face"}">{marks}{dots}</g>'


def _dot(portrait: Portrait) -> float:
    """How large a point is drawn: radius, px of the picture."""
    return max(portrait.size) / 110


def _area(found: Face, number: int, portrait: Portrait) -> str:
    """What can be clicked on the picture; for the keyboard there are the buttons below it."""
    width, height = portrait.size
    left, top = 100 * found.left / width, 100 * found.top / height
    wide, high = 100 * (found.right - found.left) / width, 100 * (found.bottom - found.top) / height
    return (
        f'<button type="button" tabindex="-1" class="timbre-face-area" title="Face {number + 1}"'
        f' aria-label="Face {number + 1} on the picture" data-into="{_BOX}" data-value="area {number}"'
        f' style="left:{left:.2f}%;top:{top:.2f}%;width:{wide:.2f}%;height:{high:.2f}%">'
        f"<span>{number + 1}</span></button>"
    )


def _facts(portrait: Portrait) -> str:
    if portrait.problem is not None:
        return ""
    name, (width, height) = escape(portrait.name), portrait.whole
    if portrait.file is None:
        return f'<p class="timbre-line"><b>{name}</b>, a built-in avatar</p>'
    size = f"{width} × {height}"
    facts = [f"video of {clock(portrait.seconds)}", size] if portrait.seconds else [size]
    if not portrait.asking:
        facts.append(_found(portrait))
    told = [f'<p class="timbre-line"><b>{name}</b> · {" · ".join(facts)}</p>']
    told += [f'<p class="timbre-note">{escape(note)}</p>' for note in portrait.notes]
    if portrait.seconds:
        told.append(
            line(
                "It keeps its own motion, is played again where it is too short, and cut where it is too long."
            )
        )
    if portrait.asking:
        return "".join(told) + _setting(portrait)
    if len(portrait.faces) > 1:
        told.append(_faces(portrait))
    by_hand = "Set the points again" if portrait.by_hand else "Set the points by hand"
    told.append(
        f'<p class="timbre-points-foot">{_button(by_hand, "ask")}'
        f"{_button('Look for faces again', 'found') if portrait.by_hand else ''}</p>"
    )
    return "".join(told)


def _faces(portrait: Portrait) -> str:
    """Which of several faces speaks."""
    buttons = "".join(
        f'<button type="button" class="timbre-tag" data-into="{_BOX}" data-value="face {number}"'
        f' aria-pressed="{"true" if number == portrait.chosen else "false"}">Face {number + 1}</button>'
        for number in range(len(portrait.faces))
    )
    return (
        f'<div class="timbre-tags" role="group" aria-label="Which face speaks">'
        f'<span class="timbre-line">Which one speaks?</span>{buttons}</div>'
    )


def _setting(portrait: Portrait) -> str:
    """How the points are set, by clicks or as numbers."""
    width, height = portrait.size
    rows = "".join(
        f"<fieldset><legend>{escape(name[4:].capitalize())}</legend>"
        + "".join(
            f'<label>{axis} <input type="number" inputmode="decimal" min="0" max="{most}" step="any"'
            f' data-point="{number}" data-axis="{axis}" aria-label="{escape(name[4:].capitalize())}, {axis}">'
            "</label>"
            for axis, most in (("x", width), ("y", height))
        )
        + "</fieldset>"
        for number, name in enumerate(POINTS)
    )
    back = _button("Leave it as it was", "found") if portrait.faces else ""
    return (
        f'<div class="timbre-points" role="group" aria-label="Points of the face">'
        f'<p class="timbre-note" role="status" data-says>Click {POINTS[0]} on the picture.</p>'
        f'<p class="timbre-points-foot"><button type="button" class="timbre-small" data-points-done'
        f' data-box="{_BOX}" disabled>Use these points</button>'
        f'<button type="button" class="timbre-small" data-points-clear>Start again</button>{back}</p>'
        f'<details class="timbre-more"><summary>As numbers: pixels from the top left corner of'
        f" {width} × {height}</summary>"
        f'<div class="timbre-numbers">{rows}</div></details></div>'
    )


def _found(portrait: Portrait) -> str:
    if portrait.by_hand:
        return "set by you"
    count = len(portrait.faces)
    return "one face" if count == 1 else f"{count} faces"


def _described(portrait: Portrait) -> str:
    return f"{portrait.name}, the face that speaks" if portrait.file is None else "The chosen picture"


def _button(label: str, value: str) -> str:
    return f'<button type="button" class="timbre-small" data-into="{_BOX}" data-value="{value}">{label}</button>'
