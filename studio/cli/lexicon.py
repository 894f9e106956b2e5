"""`lexicon`: how words are to be said, and what will be said for a text."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from engines.base import Capability
from studio.cli.ordering import text_from
from studio.cli.output import print_json
from studio.errors import BadInput
from studio.services.studio import Studio
from studio.services.takes import SpeechOrder
from studio.text.pronunciation import Entry


def lexicon(studio: Studio, given: argparse.Namespace) -> int:
    """`app.py lexicon ...`; returns the exit code."""
    return _ACTIONS[given.action](studio, given)


def _list(studio: Studio, given: argparse.Namespace) -> int:
    entries = studio.lexicon.search(given.query, given.language)
    if given.json:
        print_json({"ok": True, "entries": [asdict(entry) for entry in entries]})
        return 0
    rows = [("word", "language", "said as", "IPA", "note")]
    rows += [
        (
            entry.word + (" (case counts)" if entry.case_sensitive else ""),
            entry.language or "all",
            entry.respelling,
            entry.ipa,
            entry.note,
        )
        for entry in entries
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows if entries else []:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _add(studio: Studio, given: argparse.Namespace) -> int:
    entry = studio.lexicon.add(
        Entry(given.word, given.language, given.say, given.ipa, given.case_sensitive, given.note)
    )
    if given.json:
        print_json({"ok": True, "entry": asdict(entry)})
    else:
        print(f"{entry.word}: {entry.respelling or entry.ipa}")
    return 0


def _delete(studio: Studio, given: argparse.Namespace) -> int:
    count = studio.lexicon.delete_word(given.word, given.language)
    if given.json:
        print_json({"ok": True, "deleted": count})
    else:
        print(f"{count} deleted")
    return 0


def _import(studio: Studio, given: argparse.Namespace) -> int:
    """Exit code 4 where something of the file was refused."""
    report = studio.lexicon.import_file(Path(given.file))
    if given.json:
        print_json({"ok": not report.refused, **asdict(report)})
    else:
        print(f"{report.added} added, {report.replaced} replaced, {report.unchanged} unchanged")
        for refusal in report.refused:
            print(f"    line {refusal.line}: {refusal.word}: {refusal.reason}")
    return 4 if report.refused else 0


def _export(studio: Studio, given: argparse.Namespace) -> int:
    path = Path(given.file)
    studio.lexicon.export_file(path, given.language)
    count = len(studio.lexicon.entries(given.language))
    if given.json:
        print_json({"ok": True, "file": str(path), "entries": count})
    else:
        print(f"{count} entries in {path}")
    return 0


def _preview(studio: Studio, given: argparse.Namespace) -> int:
    engine = given.engine or studio.settings.default_engine
    modes = studio.engines.registry.get(engine).info.capabilities
    if Capability.PRESET not in modes:
        raise BadInput(f"{engine} has no voices of its own to preview.", "Choose another engine.")
    order = SpeechOrder(
        Capability.PRESET, text_from(given), engine, language=given.language, speaker=given.voice
    )
    preview = studio.speech.preview(order)
    if given.json:
        print_json({"ok": True, **asdict(preview)})
        return 0
    print(preview.spoken)
    for each in preview.replacements:
        print(f"    {each.original} -> {each.spoken} ({each.how})")
    for notice in preview.notices:
        print(f"    {notice}")
    return 0


_ACTIONS = {
    "list": _list,
    "add": _add,
    "delete": _delete,
    "import": _import,
    "export": _export,
    "preview": _preview,
}
