"""The options of `avatar`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from studio.cli import speech_options
from studio.services.avatar_values import (
    DEFAULT_ENGINE,
    DEFAULT_HEIGHT,
    FPS,
    MAX_HEIGHT,
    MIN_HEIGHT,
    Subtitles,
)


def avatar(command: argparse.ArgumentParser, common: Callable[[argparse.ArgumentParser], None]) -> None:
    """Lay out the command; `common` adds what every command has."""
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", help="what to speak")
    source.add_argument("--file", help="a UTF-8 text file to speak; - for standard input")
    source.add_argument("stdin", nargs="?", choices=["-"], help="read the text from standard input")
    source.add_argument("--audio", help="a recording to be spoken by the face")
    source.add_argument("--list-faces", action="store_true", help="list the built-in avatars")
    command.add_argument("--transcript", default="", help="with --audio: what the recording says")
    command.add_argument("--language", default="auto", help="code such as en-us or de (default auto)")
    face = command.add_argument_group("face")
    face.add_argument("--face", help="a picture, a video, or a built-in avatar (default: the first)")
    face.add_argument(
        "--face-number", type=int, metavar="N", help="which one, where there are several: 1 is leftmost"
    )
    face.add_argument(
        "--eyes", metavar="X,Y,X,Y", help="where the eyes are, pixels, where no face is found"
    )
    face.add_argument("--mouth", metavar="X,Y,X,Y", help="and the corners of the mouth")
    lips = command.add_argument_group("lips and picture")
    lips.add_argument(
        "--engine", default=DEFAULT_ENGINE, help=f"animator or wav2lip (default {DEFAULT_ENGINE})"
    )
    lips.add_argument("--model", default="", help="a model of wav2lip, see `models list`")
    lips.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE",
        help="of the engine, see `avatar --list-faces --json`",
    )  # fmt: skip
    lips.add_argument(
        "--fps", type=int, choices=FPS, default=FPS[0], help=f"frames a second (default {FPS[0]})"
    )
    lips.add_argument(
        "--max-height", type=int, default=DEFAULT_HEIGHT, metavar="PIXELS",
        help=f"{MIN_HEIGHT} to {MAX_HEIGHT}; larger faces are scaled down (default {DEFAULT_HEIGHT})",
    )  # fmt: skip
    lips.add_argument(
        "--subtitles", choices=[each.value for each in Subtitles], default=Subtitles.NONE.value,
        help="burnt: in the picture; file: .srt and .vtt beside it (default none)",
    )  # fmt: skip
    lips.add_argument("--no-label", action="store_true", help="leave “AI-generated” out of the picture")
    speech = command.add_argument_group("speech, with a text")
    speech.add_argument("--speech-engine", metavar="ENGINE", help="who speaks, see `engines`")
    speech.add_argument("--speech-model", default="", metavar="MODEL", help="a model of that engine")
    speech.add_argument(
        "--speech-option", action="append", default=[], metavar="KEY=VALUE", help="see `engines --json`"
    )
    speech_options.delivery(speech)
    speech_options.voice(command)
    speech_options.tagged(command)
    speech_options.sampling(command)
    command.add_argument("--output", help="the .mp4 to write (default: outputs/)")
    command.add_argument("--quiet", action="store_true", help="no progress on standard error")
    common(command)
