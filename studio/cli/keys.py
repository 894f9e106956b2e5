"""`keys`: by which programs use the server."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict

from studio.cli.output import print_json
from studio.services.studio import Studio


def keys(studio: Studio, given: argparse.Namespace) -> None:
    """`app.py keys ...`. What changes counts for a running server at once."""
    _ACTIONS[given.action](studio, given)


def _create(studio: Studio, given: argparse.Namespace) -> None:
    key = studio.api_keys.create(given.name, given.owner)
    if given.json:
        print_json({"ok": True, "name": given.name.strip(), "owner": given.owner, "key": key})
    else:
        print(f"{key}\nKeep it: it is not shown again.")


def _list(studio: Studio, given: argparse.Namespace) -> None:
    found = studio.api_keys.all()
    if given.json:
        print_json({"ok": True, "keys": [asdict(key) for key in found]})
        return
    rows = [("name", "owner", "created", "last used")]
    rows += [(key.name, key.owner, _day(key.created), _day(key.last_used)) for key in found]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows if found else []:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _revoke(studio: Studio, given: argparse.Namespace) -> None:
    studio.api_keys.revoke(given.name)
    if given.json:
        print_json({"ok": True, "revoked": given.name})
    else:
        print(f"{given.name} revoked")


def _day(moment: float | None) -> str:
    return "never" if moment is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))


_ACTIONS = {"create": _create, "list": _list, "revoke": _revoke}
