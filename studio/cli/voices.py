"""`voices`: the library of saved voices."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from studio.audio import quality
from studio.audio.reference_report import report_lines
from studio.cli.output import print_json
from studio.cli.voice_options import consent_from
from studio.errors import BadInput
from studio.names import readable
from studio.services import consent
from studio.services.studio import Studio
from studio.services.voice_values import NewVoice, Voice, VoiceChange, VoiceUses

#: The command line is the owner of the machine, who has no name.
_OWNER = ""


def voices(studio: Studio, given: argparse.Namespace) -> int:
    """`app.py voices ...`; returns the exit code."""
    return _ACTIONS[given.action](studio, given)


def _list(studio: Studio, given: argparse.Namespace) -> int:
    found = studio.voices.list(_OWNER, given.query, given.favourites, given.tag)
    damaged = studio.voices.damaged()
    if given.json:
        print_json(
            {
                "ok": True,
                "voices": [_row(voice) for voice in found],
                "damaged": [asdict(each) for each in damaged],
            }
        )
        return 0
    for damage in damaged:
        print(damage.message, file=sys.stderr)
    width = max((len(voice.name) for voice in found), default=0)
    for voice in found:
        mark = "*" if voice.favourite else " "
        tags = f"  [{', '.join(voice.tags)}]" if voice.tags else ""
        print(f"{mark} {voice.name:{width}}  {voice.duration:5.1f} s  {voice.language or '-':6}{tags}")
    return 0


def _add(studio: Studio, given: argparse.Namespace) -> int:
    said = consent_from(given)
    if given.take is not None:
        if given.start is not None or given.end is not None:
            raise BadInput("A take is saved whole.", "Leave --start and --end out, or give --audio.")
        voice = studio.voices.from_take(given.take, _OWNER, given.name, said, _on_top(given))
    else:
        new = NewVoice(
            name=given.name,
            audio=Path(given.audio),
            start=given.start,
            end=given.end,
            transcript=given.transcript,
            language=given.language,
            tags=tuple(given.tag),
            note=given.note,
            consent=said,
        )
        voice = studio.voices.create(new, _OWNER)
    return _saved(voice, given)


def _on_top(given: argparse.Namespace) -> VoiceChange:
    """What the options say beyond what a take says of itself."""
    return VoiceChange(
        transcript=given.transcript or None,
        language=given.language or None,
        tags=tuple(given.tag) or None,
        note=given.note or None,
    )


def _import(studio: Studio, given: argparse.Namespace) -> int:
    return _saved(studio.voices.import_zip(Path(given.file), _OWNER, consent_from(given)), given)


def _saved(voice: Voice, given: argparse.Namespace) -> int:
    if given.json:
        print_json({"ok": True, "voice": _row(voice)})
        return 0
    print(f"{voice.name} is saved, {voice.duration:.1f} s.")
    if voice.consent is None:
        print(consent.REMINDER, file=sys.stderr)
    return 0


def _show(studio: Studio, given: argparse.Namespace) -> int:
    voice = studio.voices.get(given.name, _OWNER)
    uses = studio.voices.uses(voice.id, _OWNER)
    report = (
        quality.measure(voice.audio, None, None, voice.transcript, voice.language)
        if given.check
        else None
    )
    if given.json:
        words = [asdict(word) for word in voice.words]
        judged = {} if report is None else {"report": asdict(report)}
        print_json({"ok": True, "voice": _row(voice) | {"words": words, "uses": asdict(uses)} | judged})
        return 0
    rows = [
        ("Name", voice.name),
        ("Recording", f"{voice.audio} ({voice.duration:.1f} s, {voice.origin})"),
        ("Says", voice.transcript),
        ("Language", voice.language),
        ("Tags", ", ".join(voice.tags)),
        ("Note", voice.note),
        ("Consent", _consent(voice)),
        ("Made from it", _made(uses)),
        ("Saved", f"{datetime.fromtimestamp(voice.created):%Y-%m-%d %H:%M}"),
        ("Id", voice.id),
    ]
    for label, value in rows:
        if value:
            print(f"{label + ':':14}{value}")
    if report is not None:
        print("\n".join(["", *report_lines(report)]))
    return 0


def _export(studio: Studio, given: argparse.Namespace) -> int:
    voice = studio.voices.get(given.name, _OWNER)
    target = Path(given.file or f"{readable(voice.name)}.zip")
    studio.voices.export(voice.id, _OWNER, target)
    if given.json:
        print_json({"ok": True, "file": str(target)})
    else:
        print(target)
    return 0


def _delete(studio: Studio, given: argparse.Namespace) -> int:
    voice = studio.voices.get(given.name, _OWNER)
    uses = studio.voices.uses(voice.id, _OWNER)
    made = _made(uses)
    if not given.yes:
        said = f" Made from it, and kept: {made}." if made else ""
        raise BadInput(
            f"This would delete the voice {voice.name} and its recording.{said}",
            "Add --yes if that is meant; --keep-as FILE keeps the recording.",
        )
    keep_as = Path(given.keep_as) if given.keep_as else None
    studio.voices.delete(voice.id, _OWNER, keep_as)
    if given.json:
        kept = str(keep_as) if keep_as else None
        print_json({"ok": True, "deleted": voice.id, "kept_as": kept, "uses": asdict(uses)})
    else:
        print(f"{voice.name} is deleted." + (f" Made from it, and kept: {made}." if made else ""))
    return 0


def _row(voice: Voice) -> dict[str, Any]:
    """A voice for scripts."""
    row = asdict(replace(voice, words=()))
    for key in ("words", "owner", "audio"):
        del row[key]
    said = voice.consent
    return row | {
        "audio": str(voice.audio),
        "consent": asdict(said) | {"basis": said.basis.value} if said else None,
    }


def _consent(voice: Voice) -> str:
    said = voice.consent
    if said is None:
        return "not said"
    who = f"{said.person}, " if said.person else ""
    return f"{who}{said.basis.value}, {datetime.fromtimestamp(said.given):%Y-%m-%d}"


def _made(uses: VoiceUses) -> str:
    """What was made from a voice, as people say it; "" for nothing."""
    parts = [f"{uses.takes} take{'s' if uses.takes != 1 else ''}"] if uses.takes else []
    if uses.personalities:
        word = "personalities" if len(uses.personalities) > 1 else "personality"
        parts.append(f"the {word} {', '.join(uses.personalities)}")
    return " and ".join(parts)


_ACTIONS = {
    "list": _list,
    "add": _add,
    "show": _show,
    "export": _export,
    "import": _import,
    "delete": _delete,
}
