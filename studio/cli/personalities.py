"""`personalities`: the library of voices that have several ways to speak."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from studio.cli.interrupt import stopping_on_interrupt
from studio.cli.output import print_json
from studio.cli.personality_orders import Progress, extension_from, new_from, order_from
from studio.cli.voice_options import consent_from
from studio.errors import BadInput, Cancelled, EngineFailed
from studio.names import readable
from studio.services import consent
from studio.services.personality_values import Emotion, Personality
from studio.services.smart_records import steps_of
from studio.services.smart_values import EmotionState
from studio.services.studio import Studio

#: The command line is the owner of the machine, who has no name.
_OWNER = ""


def personalities(studio: Studio, given: argparse.Namespace) -> int:
    """`app.py personalities ...`; returns the exit code."""
    return _ACTIONS[given.action](studio, given)


def _list(studio: Studio, given: argparse.Namespace) -> int:
    found = studio.personalities.list(_OWNER, given.query)
    damaged = studio.personalities.damaged()
    if given.json:
        rows = [_row(each) for each in found]
        damages = [dataclasses.asdict(each) for each in damaged]
        print_json({"ok": True, "personalities": rows, "damaged": damages})
        return 0
    for damage in damaged:
        print(damage.message, file=sys.stderr)
    width = max((len(each.name) for each in found), default=0)
    for each in found:
        tags = ", ".join(emotion.tag for emotion in each.emotions)
        unfinished = "  (unfinished)" if each.build is not None else ""
        print(f"{each.name:{width}}  {each.language or '-':6}  {tags}{unfinished}")
    return 0


def _show(studio: Studio, given: argparse.Namespace) -> int:
    found = studio.personalities.get(given.name, _OWNER)
    if given.json:
        print_json({"ok": True, "personality": _row(found)})
        return 0
    rows = [
        ("Name", found.name),
        ("Language", found.language),
        ("Description", found.description),
        ("Note", found.note),
        ("Consent", _consent(found)),
        ("Unfinished", ", ".join(_left(found))),
        ("Saved", f"{datetime.fromtimestamp(found.created):%Y-%m-%d %H:%M}"),
        ("Id", found.id),
    ]
    for label, value in rows:
        if value:
            print(f"{label + ':':14}{value}")
    for emotion in found.emotions:
        also = f", also {', '.join(emotion.aliases)}" if emotion.aliases else ""
        print(f"\n[{emotion.tag}]{also}  {emotion.duration:.1f} s  {emotion.audio}")
        if emotion.transcript:
            print(f"    {emotion.transcript}")
    return 0


def _create(studio: Studio, given: argparse.Namespace) -> int:
    return _saved(studio.personalities.create(new_from(given), _OWNER), given)


def _smart(studio: Studio, given: argparse.Namespace) -> int:
    """Exit code 4 where some of the emotions could not be made, 130 where it was stopped."""
    if given.resume:
        task_id = studio.smart.resume(given.resume, _OWNER)
    elif given.extend:
        task_id = studio.smart.extend(given.extend, extension_from(given), _OWNER)
    else:
        task_id = studio.smart.start(order_from(studio, given, _OWNER), _OWNER)
    show = Progress(quiet=given.quiet or given.json)
    with stopping_on_interrupt() as control:
        try:
            built: Personality = studio.tasks.wait(task_id, show, control)
        except Cancelled as error:
            name = given.resume or given.extend or given.name
            raise Cancelled(
                "Stopped. What was finished is kept.",
                f"Go on with: personalities smart --resume “{name}”",
            ) from error
    notes = studio.tasks.status(task_id).notes
    if given.json:
        row = {"ok": built.build is None, "personality": _row(built), "notes": list(notes)}
        print_json(row)
    else:
        for note in notes:
            print(note, file=sys.stderr)
        _saved(built, given)
    return EngineFailed.exit_code if built.build is not None else 0


def _export(studio: Studio, given: argparse.Namespace) -> int:
    found = studio.personalities.get(given.name, _OWNER)
    target = Path(given.file or f"{readable(found.name)}.zip")
    studio.personalities.export(found.id, _OWNER, target)
    if given.json:
        print_json({"ok": True, "file": str(target)})
    else:
        print(target)
    return 0


def _import(studio: Studio, given: argparse.Namespace) -> int:
    path = Path(given.file)
    return _saved(studio.personalities.import_zip(path, _OWNER, consent_from(given)), given)


def _delete(studio: Studio, given: argparse.Namespace) -> int:
    found = studio.personalities.get(given.name, _OWNER)
    if not given.yes:
        count = len(found.emotions)
        raise BadInput(
            f"This would delete the personality {found.name} and its {count} recordings.",
            "Add --yes if that is meant. What it has spoken stays in the history.",
        )
    studio.personalities.delete(found.id, _OWNER)
    if given.json:
        print_json({"ok": True, "deleted": found.id})
    else:
        print(f"{found.name} is deleted.")
    return 0


def _saved(found: Personality, given: argparse.Namespace) -> int:
    if given.json:
        print_json({"ok": True, "personality": _row(found)})
        return 0
    tags = ", ".join(emotion.tag for emotion in found.emotions)
    print(f"{found.name} is saved: {tags}.")
    if found.consent is None:
        print(consent.REMINDER, file=sys.stderr)
    return 0


def _row(found: Personality) -> dict[str, Any]:
    """A personality for scripts."""
    said = found.consent
    return {
        "id": found.id,
        "name": found.name,
        "created": found.created,
        "changed": found.changed,
        "language": found.language,
        "description": found.description,
        "note": found.note,
        "voice": found.voice,
        "consent": dataclasses.asdict(said) | {"basis": said.basis.value} if said else None,
        "emotions": [_emotion_row(emotion) for emotion in found.emotions],
        "unfinished": _left(found),
    }


def _emotion_row(emotion: Emotion) -> dict[str, Any]:
    return {
        "tag": emotion.tag,
        "audio": str(emotion.audio),
        "duration": emotion.duration,
        "transcript": emotion.transcript,
        "language": emotion.language,
        "aliases": list(emotion.aliases),
        "made": dict(emotion.made),
        "clip": str(emotion.clip) if emotion.clip is not None else None,
    }


def _left(found: Personality) -> list[str]:
    """The emotions that an unfinished build has still to make."""
    steps = steps_of(found)
    return [step.emotion.tag for step in steps if step.state is not EmotionState.MADE]


def _consent(found: Personality) -> str:
    said = found.consent
    if said is None:
        return "not said"
    who = f"{said.person}, " if said.person else ""
    return f"{who}{said.basis.value}, {datetime.fromtimestamp(said.given):%Y-%m-%d}"


_ACTIONS = {
    "list": _list,
    "show": _show,
    "create": _create,
    "smart": _smart,
    "export": _export,
    "import": _import,
    "delete": _delete,
}
