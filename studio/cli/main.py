"""Runs a command and turns its errors into words and exit codes."""

from __future__ import annotations

import argparse
import json
import sys

from studio import log
from studio.cli import commands
from studio.errors import StudioError
from studio.services.studio import Studio
from studio.settings import load_settings

_COMMANDS = {
    "speak": commands.speak,
    "voices": commands.voices,
    "engines": commands.engines,
}


def run(given: argparse.Namespace) -> int:
    """Run the command that was parsed; returns the exit code."""
    try:
        settings = load_settings(home=given.home, log_level=given.log_level or "warning")
        log.configure(settings.log_level, settings.log_json)
        with Studio(settings) as studio:
            _COMMANDS[given.command](studio, given)
    except StudioError as error:
        return report(error, getattr(given, "json", False))
    return 0


def report(error: StudioError, as_json: bool) -> int:
    """Say what went wrong, for people or for scripts; returns the exit code."""
    if as_json:
        print(
            json.dumps({"ok": False, "error": error.kind, "detail": error.message, "hint": error.hint})
        )
    else:
        print(f"{error.message}\n{error.hint}".strip(), file=sys.stderr)
    return error.exit_code
