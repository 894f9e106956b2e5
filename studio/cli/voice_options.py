"""The options of `voices`, and those by which commands ask whose voice it is."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import datetime

from studio.errors import BadInput
from studio.services.voice_values import Basis, Consent

#: As they are typed.
BASES = {
    "own": Basis.OWN,
    "permission": Basis.PERMISSION,
    "public-domain": Basis.PUBLIC_DOMAIN,
    "synthetic": Basis.SYNTHETIC,
}


def voices(command: argparse.ArgumentParser, common: Callable[[argparse.ArgumentParser], None]) -> None:
    """Lay out `voices` and its actions; `common` adds what every command has."""
    actions = command.add_subparsers(dest="action", metavar="action", required=True)

    def action(name: str, help: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=help, epilog=command.epilog)
        common(made)
        return made

    listing = action("list", "the saved voices")
    listing.add_argument("query", nargs="?", default="", help="only those that have these words in them")
    listing.add_argument("--tag", default="", help="only those with this tag")
    listing.add_argument("--favourites", action="store_true", help="only the favourites")
    add = action("add", "save a voice")
    add.add_argument("--name", required=True, help="what it is to be called, in any script")
    source = add.add_mutually_exclusive_group(required=True)
    source.add_argument("--audio", help="a recording of 5-15 s of clean speech")
    source.add_argument("--take", help="a take of the history: its id, as `speak --json` says")
    add.add_argument("--start", type=float, help="use the recording from here, seconds")
    add.add_argument("--end", type=float, help="use the recording up to here, seconds")
    add.add_argument("--transcript", default="", help="what the recording says")
    add.add_argument("--language", default="", help="code such as en or de")
    add.add_argument("--tag", action="append", default=[], help="may be repeated")
    add.add_argument("--note", default="", help="for yourself")
    consent_options(add)
    show = action("show", "all that is known of a voice")
    show.add_argument("name", help="its name or id")
    show.add_argument("--check", action="store_true", help="judge its recording as a reference")
    export = action("export", "write a voice into a zip file")
    export.add_argument("name", help="its name or id")
    export.add_argument("file", nargs="?", help="default: the voice's name, in this folder")
    taken = action("import", "save the voice of a zip file")
    taken.add_argument("file", help="a zip that was exported from Timbre")
    consent_options(taken)
    delete = action("delete", "delete a voice; what was made from it stays")
    delete.add_argument("name", help="its name or id")
    delete.add_argument("--yes", action="store_true", help="do it")
    delete.add_argument("--keep-as", metavar="FILE", help="keep the recording as this file")


def consent_options(command: argparse.ArgumentParser) -> None:
    """Add --person, --basis and --since, for `consent_from`."""
    consent = command.add_argument_group("consent, kept with the recording's SHA-256")
    consent.add_argument("--person", default="", help="whose voice it is")
    consent.add_argument("--basis", choices=list(BASES), help="by what right it is used")
    consent.add_argument("--since", metavar="DATE", help="2026-01-31: when it was given (default today)")


def consent_from(given: argparse.Namespace) -> Consent | None:
    """What the options of `consent_options` say; None where none is given. Raises BadInput."""
    if given.basis is None:
        if given.person or given.since:
            raise BadInput(
                "On what basis the voice may be used is not said.",
                f"Add --basis {', '.join(BASES)}: one of them.",
            )
        return None
    try:
        moment = datetime.strptime(given.since, "%Y-%m-%d").timestamp() if given.since else time.time()
    except (ValueError, OverflowError, OSError):
        raise BadInput(f"“{given.since[:20]}” is no day.", "Write it as 2026-01-31.") from None
    return Consent(given.person, BASES[given.basis], moment)
