"""What the command line understands."""

from __future__ import annotations

import argparse

from studio import __version__
from studio.cli import (
    avatar_options,
    dataset_options,
    personality_options,
    speech_options,
    training_options,
    voice_options,
)

_EPILOG = "Exit codes: 0 done, 2 wrong usage, 3 wrong input, 4 failed, 130 stopped."


def parser() -> argparse.ArgumentParser:
    """Without a command the studio's server starts."""
    top = argparse.ArgumentParser(
        prog="app.py", description="Timbre, a local voice studio.", epilog=_EPILOG
    )
    top.add_argument("--version", action="version", version=f"Timbre {__version__}")
    _home(top, default=None)
    server = top.add_argument_group("server")
    server.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    server.add_argument("--port", type=int, help="port to listen on (default 7860)")
    server.add_argument(
        "--share",
        action="store_true",
        default=None,
        help="open a public Gradio link; needs --auth and a key",
    )
    server.add_argument("--auth", help="user:password, several separated by commas")
    server.add_argument(
        "--no-api", action="store_true", help="answer no programs, only the page (docs/server.md)"
    )
    server.add_argument("--log-level", choices=["debug", "info", "warning", "error"])
    server.add_argument("--log-json", action="store_true", default=None)
    commands = top.add_subparsers(dest="command", metavar="command")
    _speak(commands.add_parser("speak", help="speak a text into a file", epilog=_EPILOG))
    _batch(commands.add_parser("batch", help="speak many lines, each model loaded once", epilog=_EPILOG))
    _transcribe(commands.add_parser("transcribe", help="write a recording down", epilog=_EPILOG))
    avatar_options.avatar(
        commands.add_parser("avatar", help="a face speaks a text or a recording", epilog=_EPILOG),
        _common,
    )
    _speakers(commands.add_parser("speakers", help="list the voices of an engine", epilog=_EPILOG))
    voice_options.voices(commands.add_parser("voices", help="saved voices", epilog=_EPILOG), _common)
    personality_options.personalities(
        commands.add_parser("personalities", help="voices with several emotions", epilog=_EPILOG),
        _common,
    )
    dataset_options.datasets(
        commands.add_parser("datasets", help="training sets from recordings", epilog=_EPILOG), _common
    )
    training_options.train(
        commands.add_parser("train", help="train a voice on a data set", epilog=_EPILOG), _common
    )
    training_options.checkpoints(
        commands.add_parser("checkpoints", help="what was trained", epilog=_EPILOG), _common
    )
    _engines(commands.add_parser("engines", help="list the engines", epilog=_EPILOG))
    _lexicon(commands.add_parser("lexicon", help="how words are to be said"))
    _keys(commands.add_parser("keys", help="keys by which programs use the server"))
    _models(commands.add_parser("models", help="list, download, check and delete models"))
    return top


def _home(command: argparse.ArgumentParser, default: str | None) -> None:
    command.add_argument("--home", default=default, help="workspace folder (default: the checkout)")


def _common(command: argparse.ArgumentParser) -> None:
    # SUPPRESS: given before the command, it must not be reset by the command's own default.
    _home(command, default=argparse.SUPPRESS)
    command.add_argument("--json", action="store_true", help="one JSON object on standard output")


def _speak(command: argparse.ArgumentParser) -> None:
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", help="what to speak")
    source.add_argument("--file", help="a UTF-8 text file to speak; - for standard input")
    source.add_argument("stdin", nargs="?", choices=["-"], help="read the text from standard input")
    command.add_argument("--engine", help="see `engines`")
    command.add_argument("--language", default="auto", help="code such as en-us or de (default auto)")
    command.add_argument("--model", default="", help="a model of the engine, see `models list`")
    speech_options.voice(command)
    tagged = speech_options.tagged(command)
    tagged.add_argument("--parts-dir", metavar="DIR", help="folder for a file of each part")
    how = command.add_argument_group("how")
    speech_options.delivery(how)
    how.add_argument("--takes", type=int, default=1, help="how many, each with the next seed")
    how.add_argument(
        "--option", action="append", default=[], metavar="KEY=VALUE", help="see `engines --json`"
    )
    how.add_argument("--as-made", action="store_true", help="leave the loudness as the engine made it")
    speech_options.sampling(command)
    command.add_argument("--output", help="file to write, format by its ending (default: outputs/)")
    command.add_argument("--subtitles", help="subtitles to write, .srt or .vtt")
    command.add_argument("--quiet", action="store_true", help="no progress on standard error")
    _common(command)


def speak_defaults() -> argparse.Namespace:
    """What `speak` assumes where no option is given."""
    command = argparse.ArgumentParser(add_help=False)
    _speak(command)
    return command.parse_args(["--text", ""])


def _batch(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "lines",
        help='a file with one JSON object a line: {"text": "...", "voice": "...", ...}, the names of '
        "`speak`'s options with _ for -; - for standard input",
    )
    command.add_argument("--engine", help="where a line names none")
    command.add_argument("--output", help="folder for the files (default: outputs/)")
    command.add_argument("--quiet", action="store_true", help="no progress on standard error")
    _common(command)


def _transcribe(command: argparse.ArgumentParser) -> None:
    command.add_argument("recording", help="a file with sound: wav, mp3, m4a, mp4, webm, ...")
    command.add_argument("--engine", default="auto", help="whisper, faster_whisper or pocketsphinx")
    command.add_argument("--model", default="", help="a model of it, see `models list`")
    command.add_argument("--language", default="auto", help="code such as en or de (default auto)")
    command.add_argument(
        "--task", choices=["transcribe", "translate"], default="transcribe",
        help="translate: into English",
    )  # fmt: skip
    command.add_argument("--prompt", default="", help="names and words that are likely to occur")
    command.add_argument("--raw", action="store_true", help="as recognised, without the language model")
    command.add_argument("--output", help="file to write: .txt, .srt, .vtt, .tsv or .json")
    command.add_argument("--srt", help="subtitles to write")
    command.add_argument("--vtt", help="subtitles to write")
    command.add_argument("--quiet", action="store_true", help="no progress on standard error")
    _common(command)


def _speakers(command: argparse.ArgumentParser) -> None:
    command.add_argument("--engine", help="see `engines`")
    command.add_argument("--language", help="only voices of this language, such as de")
    command.add_argument("--all", action="store_true", help="every variant of every language")
    _common(command)


def _engines(command: argparse.ArgumentParser) -> None:
    _common(command)


def _models(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", metavar="action", required=True)

    def action(name: str, help: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=help, epilog=_EPILOG)
        _common(made)
        return made

    action("list", "every model: state, size, licence, what it serves")
    download = action("download", "download a model, going on from what is there of it")
    download.add_argument("key", help="see `models list`")
    download.add_argument("--provider", default="auto", help="auto, huggingface or modelscope")
    download.add_argument(
        "--accept-license", action="store_true", help="accept the licence, where one has to be"
    )
    validate = action("validate", "check what is there; exit code 4 where it is not whole")
    validate.add_argument("key", nargs="?", help="only this model")
    action("path", "where a whole model lies").add_argument("key", help="see `models list`")
    delete = action("delete", "delete a model from the disk")
    delete.add_argument("key", help="see `models list`")
    delete.add_argument("--yes", action="store_true", help="do it")
    practice = action("practice", "make small models with random weights, to try everything with")
    practice.add_argument(
        "family", nargs="?", default="qwen", help="qwen (default), xtts, whisper or wav2lip"
    )


def _lexicon(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", metavar="action", required=True)

    def action(name: str, help: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=help, epilog=_EPILOG)
        _common(made)
        return made

    listing = action("list", "the entries")
    listing.add_argument("query", nargs="?", default="", help="only those that have this in them")
    listing.add_argument("--language", default="", help="only those that count for it, such as de")
    add = action("add", "add a word")
    add.add_argument("word", help="a word or phrase, as it stands in texts")
    add.add_argument("--say", default="", metavar="RESPELLING", help="how to write it to hear it right")
    add.add_argument("--ipa", default="", help="how it sounds, for engines that take phonemes")
    add.add_argument(
        "--language", default="", help="where it counts, such as en or de-at (default: all)"
    )
    add.add_argument("--case-sensitive", action="store_true", help="only as it is written here")
    add.add_argument("--note", default="", help="for yourself")
    delete = action("delete", "delete a word's entries")
    delete.add_argument("word", help="see `lexicon list`")
    delete.add_argument("--language", help='only that of this language; "" for all languages')
    action("import", "take over a file; exit code 4 where lines were refused").add_argument(
        "file", help=".csv, or .pls (W3C Pronunciation Lexicon)"
    )
    export = action("export", "write a file")
    export.add_argument("file", help=".csv or .pls")
    export.add_argument("--language", default="", help="only what counts for it, such as de")
    preview = action("preview", "what will be said for a text")
    source = preview.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", help="the text")
    source.add_argument("--file", help="a UTF-8 text file; - for standard input")
    source.add_argument("stdin", nargs="?", choices=["-"], help="read it from standard input")
    preview.add_argument("--engine", help="see `engines`")
    preview.add_argument("--voice", default="", help="see `speakers`")
    preview.add_argument("--language", default="auto", help="code such as en-us or de (default auto)")


def _keys(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", metavar="action", required=True)

    def action(name: str, help: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=help, epilog=_EPILOG)
        _common(made)
        return made

    create = action("create", "make a key and show it, this once")
    create.add_argument("name", help="what it is for, to tell keys apart")
    create.add_argument(
        "--owner", default="", help="the user of --auth whose takes and voices it works with"
    )
    action("list", "every key's name, owner and last use")
    action("revoke", "refuse a key from now on").add_argument("name", help="see `keys list`")
