"""The options that say who speaks and how, for every command that speaks a text."""

from __future__ import annotations

import argparse

_SAMPLING = (
    ("temperature", float, "how freely; 0: always the likeliest"),
    ("top-p", float, "draw from the likeliest that make up this share"),
    ("top-k", int, "draw from this many likeliest"),
    ("repetition-penalty", float, "above 1: repeat less"),
    ("sub-temperature", float, "temperature of the second sampler"),
    ("sub-top-p", float, "top-p of the second sampler"),
    ("sub-top-k", int, "top-k of the second sampler"),
    ("max-new-tokens", int, "longest part, in codec frames"),
)


def voice(command: argparse.ArgumentParser) -> None:
    """The voice: one of the engine's, a saved one, a recording, or words."""
    command.add_argument(
        "--checkpoint",
        default="",
        metavar="RUN[:EPOCH]",
        help="what was trained, see `checkpoints list`",
    )
    voice = command.add_argument_group("voice: preset, clone or design")
    voice.add_argument(
        "--mode", choices=["preset", "clone", "design"], help="default: by the options below"
    )
    voice.add_argument("--voice", help="one of the engine's, see `speakers`, or a saved one")
    voice.add_argument("--instruct", default="", help="how to speak, where the engine follows it")
    voice.add_argument("--ref-audio", help="clone: a recording to speak like")
    voice.add_argument("--ref-text", default="", help="clone: what the recording says")
    voice.add_argument("--ref-start", type=float, help="clone: use the recording from here, seconds")
    voice.add_argument("--ref-end", type=float, help="clone: use the recording up to here, seconds")
    voice.add_argument(
        "--ref-more", action="append", default=[], metavar="FILE",
        help="clone: a further recording of the same voice; may be repeated",
    )  # fmt: skip
    voice.add_argument("--timbre-only", action="store_true", help="clone: only the speaker's timbre")
    voice.add_argument("--design", help='design: the voice in words, "an old man, slow"')


def tagged(command: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """A personality that speaks a text with tags."""
    tagged = command.add_argument_group("personality: a text with tags, [happy] Hello! [pause 0.5]")
    tagged.add_argument("--personality", metavar="NAME", help="see `personalities list`")
    tagged.add_argument(
        "--unknown", choices=["report", "read"], help="tags that it has not (default report)"
    )
    tagged.add_argument("--gap", type=float, help="silence between parts, seconds (default: natural)")
    return tagged


def delivery(how: argparse._ArgumentGroup) -> None:
    """How fast, and which of the many ways it can come out."""
    how.add_argument("--speed", type=float, default=1.0, help="0.5 to 2 (default 1)")
    how.add_argument("--seed", type=int, help="repeat a take exactly, where the engine can")


def sampling(command: argparse.ArgumentParser) -> None:
    """Every field of engines.base.SamplingParams but the seed, which stands with the others."""
    group = command.add_argument_group("sampling, for engines that draw by chance (see `engines`)")
    group.add_argument("--sampling", default="", metavar="NAME", help="named settings of the engine")
    for name, kind, text in _SAMPLING:
        group.add_argument(f"--{name}", type=kind, help=f"{text} (default: the model's own)")
