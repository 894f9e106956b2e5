"""Runs a command and turns its errors into words and exit codes."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable

from studio import log
from studio.cli import (
    avatar,
    checkpoints,
    commands,
    datasets,
    keys,
    lexicon,
    models,
    personalities,
    speaking,
    training,
    transcribing,
    voices,
)
from studio.errors import Cancelled, StorageFailed, StudioError
from studio.services.studio import Studio
from studio.settings import load_settings

#: Each prints, raises StudioError, and may return an exit code other than 0.
_COMMANDS: dict[str, Callable[[Studio, argparse.Namespace], int | None]] = {
    "speak": speaking.speak,
    "batch": speaking.batch,
    "avatar": avatar.avatar,
    "transcribe": transcribing.transcribe,
    "speakers": commands.speakers,
    "voices": voices.voices,
    "personalities": personalities.personalities,
    "datasets": datasets.datasets,
    "train": training.train,
    "checkpoints": checkpoints.checkpoints,
    "engines": commands.engines,
    "keys": keys.keys,
    "lexicon": lexicon.lexicon,
    "models": models.models,
}


def run(given: argparse.Namespace) -> int:
    """Run the command that was parsed; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal cannot show is no fault
            stream.reconfigure(errors="backslashreplace")
    try:
        settings = load_settings(home=given.home, log_level=given.log_level or "warning")
        log.configure(settings.log_level, settings.log_json)
        with Studio(settings) as studio:
            code = _COMMANDS[given.command](studio, given)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has seen enough, as `head` does. What is left must not be flushed at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return report(Cancelled(), given.json)
    except StudioError as error:
        return report(error, given.json)
    except OSError as error:
        return report(_in_words(error), given.json)
    return code or 0


def _in_words(error: OSError) -> StudioError:
    """For what the system refuses in a way that nothing nearer has words for."""
    place = f"{error.filename}: " if error.filename else ""
    return StorageFailed(
        f"{place}{error.strerror or error}.", "Check the names that were given and the disk."
    )


def report(error: StudioError, as_json: bool) -> int:
    """Say what went wrong, for people or for scripts; returns the exit code."""
    if as_json:
        print(
            json.dumps({"ok": False, "error": error.kind, "detail": error.message, "hint": error.hint})
        )
    else:
        print(f"{error.message}\n{error.hint}".strip(), file=sys.stderr)
    return error.exit_code
