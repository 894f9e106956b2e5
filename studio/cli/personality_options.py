"""The options of `personalities`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from studio.audio.joining import JoinSettings
from studio.cli.voice_options import consent_options

_JOIN = JoinSettings()


def personalities(
    command: argparse.ArgumentParser, common: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Lay out `personalities` and its actions; `common` adds what every command has."""
    actions = command.add_subparsers(dest="action", metavar="action", required=True)

    def action(name: str, help: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=help, epilog=command.epilog)
        common(made)
        return made

    listing = action("list", "the saved personalities")
    listing.add_argument("query", nargs="?", default="", help="only those that have these words in them")
    action("show", "all that is known of a personality").add_argument("name", help="its name or id")
    _create(action("create", "make one of a recording for each emotion"))
    _smart(action("smart", "make one of a single recording and a description of its voice"))
    export = action("export", "write a personality into a zip file")
    export.add_argument("name", help="its name or id")
    export.add_argument("file", nargs="?", help="default: the personality's name, in this folder")
    taken = action("import", "save the personality of a zip file")
    taken.add_argument("file", help="a zip that was exported from Timbre")
    consent_options(taken)
    delete = action("delete", "delete a personality; what it has spoken stays")
    delete.add_argument("name", help="its name or id")
    delete.add_argument("--yes", action="store_true", help="do it")


def _create(command: argparse.ArgumentParser) -> None:
    command.add_argument("--name", required=True, help="what it is to be called, in any script")
    command.add_argument(
        "--emotion", action="append", default=[], metavar="TAG=FILE", required=True,
        help="an emotion and its recording of 5-15 s; may be repeated, neutral has to be among them",
    )  # fmt: skip
    for option, what in (
        ("--transcript", "what an emotion's recording says"),
        ("--alias", "a further name of an emotion; the common ones are known in many languages"),
        ("--emotion-language", "the language of an emotion, where it is another"),
    ):
        command.add_argument(
            option, action="append", default=[], metavar="TAG=TEXT", help=f"{what}; may be repeated"
        )
    command.add_argument("--description", default="", help="the voice in words")
    _about(command)


def _smart(command: argparse.ArgumentParser) -> None:
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("--audio", help="a recording of the voice, 5-15 s, spoken calmly")
    source.add_argument("--voice", help="a saved voice, see `voices list`")
    source.add_argument("--extend", metavar="NAME", help="further emotions of one, or some anew")
    source.add_argument("--resume", metavar="NAME", help="go on with an unfinished one")
    command.add_argument("--name", default="", help="what it is to be called, in any script")
    command.add_argument("--describe", default="", help='the voice in words: "a young woman, warm"')
    command.add_argument("--emotions", default="", metavar="TAG,TAG", help="such as happy,sad,angry")
    command.add_argument("--start", type=float, help="use the recording from here, seconds")
    command.add_argument("--end", type=float, help="use the recording up to here, seconds")
    command.add_argument(
        "--transcript", default="", help="what the recording says (default: recognised)"
    )
    command.add_argument(
        "--text", action="append", default=[], metavar="[TAG=]TEXT",
        help="what an expressive clip says, of one emotion or of all; may be repeated",
    )  # fmt: skip
    command.add_argument(
        "--instruct", action="append", default=[], metavar="TAG=TEXT",
        help="how an emotion is spoken; may be repeated",
    )  # fmt: skip
    _about(command)
    clips = command.add_argument_group("expressive clips")
    clips.add_argument("--engine", default="", help="one that designs voices, see `engines`")
    clips.add_argument("--model", default="", help="a model of it, see `models list`")
    clips.add_argument("--temperature", type=float, help="how freely, where the engine draws by chance")
    clips.add_argument("--seed", type=int, help="repeat a build exactly, where the engine can")
    join = command.add_argument_group("how the recording and a clip are joined")
    for option, default, what in (
        ("--own-seconds", _JOIN.own_s, "of the recording"),
        ("--expressive-seconds", _JOIN.expressive_s, "of the clip"),
        ("--crossfade-ms", _JOIN.crossfade_ms, "of both, 50 to 200"),
    ):
        join.add_argument(option, type=float, default=default, help=f"{what} (default {default:g})")
    join.add_argument("--own-start", type=float, help="of the recording, seconds (default: its middle)")
    command.add_argument("--quiet", action="store_true", help="no progress on standard error")


def _about(command: argparse.ArgumentParser) -> None:
    command.add_argument("--language", default="", help="code such as en or de")
    command.add_argument("--note", default="", help="for yourself")
    consent_options(command)
