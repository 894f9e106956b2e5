"""The options of `datasets`, and the settings that they stand for."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from studio.dataset.exporting import FORMS
from studio.dataset.judging import REASONS
from studio.dataset.targets import TARGETS
from studio.dataset.values import AUTO, SNR_METHODS, Limits, PrepareSettings
from studio.services.dataset_values import ORDERS
from studio.text.given import clean_language

_OFF = "off"


class _Option(NamedTuple):
    """An option and the field it sets. Those that are not given leave the field as it is."""

    flag: str
    field: str
    kind: Callable[[str], Any]
    help: str
    choices: Iterable[Any] | None = None


class _Switch(NamedTuple):
    """--flag and --no-flag."""

    flag: str
    field: str
    help: str


def _or_off(text: str) -> float | str:
    if text.strip().lower() == _OFF:
        return _OFF
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


_or_off.__name__ = "number or off"  # as argparse names it

_SETTINGS: tuple[_Option | _Switch, ...] = (
    _Option("target", "target", str, "what is to be trained", TARGETS),
    _Option("language", "language", str, "code such as en or de, or auto"),
    _Option(
        "recognizer", "recognizer", str, "an engine such as whisper, auto, or none: given texts only"
    ),
    _Option("model", "recognizer_model", str, "a model of it, see `models list`"),
    _Switch("check-given", "check_given", "recognise what has a given text as well, and compare"),
    _Option("speaker", "speaker", str, "who speaks (default: the set's name)"),
    _Switch("speaker-by-folder", "speaker_by_folder", "each folder of recordings is a speaker"),
    _Option("loudness", "loudness_lufs", _or_off, "LUFS of each recording, or off: as it came"),
    _Switch("denoise", "denoise", "take steady noise out"),
    _Option("denoise-strength", "denoise_strength", float, "0 to 1"),
    _Option(
        "aggressiveness", "aggressiveness", int, "how strictly speech is told from pauses", range(4)
    ),
    _Option("frame-ms", "frame_ms", int, "frames of the voice detector, ms", (10, 20, 30)),
    _Option("padding", "padding_s", float, "pause left around speech, seconds"),
    _Option("snr-method", "snr_method", str, "how noise is estimated", SNR_METHODS),
    _Option("eval-share", "eval_share", float, "share set aside for evaluation, whole recordings"),
    _Option("processes", "processes", int, "how many recordings are worked on at once"),
)

#: Of segments: how they are cut and, at once, which are kept.
_LENGTHS = (
    _Option("min-seconds", "min_s", float, "the shortest segment"),
    _Option("max-seconds", "max_s", float, "the longest segment"),
)

_LIMITS: tuple[_Option | _Switch, ...] = (
    _Option("min-snr", "min_snr_db", _or_off, "signal-to-noise ratio, dB"),
    _Option("max-clipped", "max_clipped", _or_off, "share of clipped samples"),
    _Option("min-loudness", "min_loudness_lufs", _or_off, "LUFS, as it came"),
    _Option("min-speech", "min_speech_share", _or_off, "share of speech, 0 to 1"),
    _Option("min-bandwidth", "min_bandwidth_hz", _or_off, "highest frequency, Hz"),
    _Option("min-confidence", "min_confidence", _or_off, "of the recognition, 0 to 1"),
    _Option("max-given-error", "max_given_error", _or_off, "of a given text, share heard otherwise"),
    _Option("min-words", "min_words_per_s", _or_off, "words a second"),
    _Option("max-words", "max_words_per_s", _or_off, "words a second"),
    _Option("max-pace-deviation", "max_pace_deviation", _or_off, "from the usual pace, deviations"),
    _Option("min-similarity", "min_speaker_similarity", _or_off, "to the speaker's voice, -1 to 1"),
    _Switch("duplicate-texts", "duplicate_texts", "keep what says the same as an earlier segment"),
    _Switch("duplicate-sounds", "duplicate_audio", "keep what sounds the same as an earlier segment"),
    _Switch("cut-in-speech", "cut_in_speech", "keep what begins or ends within speech"),
    _Switch("other-languages", "other_languages", "keep what is in another language than most"),
)


def datasets(
    command: argparse.ArgumentParser, common: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Lay out `datasets` and its actions; `common` adds what every command has."""
    actions = command.add_subparsers(dest="action", metavar="action", required=True)

    def action(name: str, help: str, named: bool = True) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=help, epilog=command.epilog)
        common(made)
        if named:
            made.add_argument("name", help="its name or id")
        return made

    _build(action("build", "make a data set from recordings, or add to one", named=False))
    action("list", "the data sets", named=False)
    action("show", "what one consists of, and what was left out why")
    _segments(action("segments", "its segments with their measures, kept and dropped"))
    _limits(action("limits", "keep by other limits, at once and without a new build"))
    for name, help in (
        ("keep", "keep segments whatever the limits say"),
        ("drop", "drop segments whatever the limits say"),
        ("reset", "take such decisions back"),
    ):
        action(name, help).add_argument("id", nargs="+", help="of a segment, see `datasets segments`")
    action("coverage", "which sounds of the language are rare, and what to record next")
    export = action("export", "write what is kept for other programs")
    export.add_argument("--format", required=True, choices=list(FORMS))
    export.add_argument("--output", help="new folder, or .zip (default: the set's name, in this folder)")
    export.add_argument("--quiet", action="store_true", help="no progress on standard error")
    action("remove", "leave an input out from the next build on").add_argument(
        "source", help="as it was given, see `datasets show --json`"
    )
    action("duplicate", "copy a set with all decisions").add_argument(
        "--name", dest="new_name", required=True, help="what the copy is to be called"
    )
    action("delete", "delete a set; recordings that lie elsewhere stay").add_argument(
        "--yes", action="store_true", help="do it"
    )


def _build(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "sources", nargs="*", metavar="SOURCE",
        help="recordings, folders, zips, Hugging Face data sets; none: build again or go on",
    )  # fmt: skip
    command.add_argument("--name", required=True, help="what it is called; one of that name is added to")
    _add(command.add_argument_group("how (an existing set keeps what is not given)"), _SETTINGS)
    _add(command.add_argument_group("segments"), _LENGTHS)
    _add(command.add_argument_group("limits, each a number or off"), _LIMITS)
    command.add_argument("--quiet", action="store_true", help="no progress on standard error")


def _limits(command: argparse.ArgumentParser) -> None:
    lengths = [option._replace(kind=_or_off) for option in _LENGTHS]
    _add(command.add_argument_group("limits, each a number or off"), (*lengths, *_LIMITS))
    command.add_argument("--try", dest="only_try", action="store_true", help="say what would be kept")


def _segments(command: argparse.ArgumentParser) -> None:
    which = command.add_mutually_exclusive_group()
    which.add_argument("--kept", action="store_true", help="only those that are kept")
    which.add_argument("--dropped", action="store_true", help="only those that are dropped")
    command.add_argument(
        "--reason", default="", choices=list(REASONS), help="only those it speaks against"
    )
    command.add_argument("--text", default="", help="only those with these words")
    command.add_argument("--source", default="", help="only those of this recording, its name or id")
    command.add_argument("--speaker", default="", help="only those of this speaker")
    command.add_argument("--order", default="time", choices=list(ORDERS), help="default time")
    command.add_argument("--descending", action="store_true", help="the other way round")
    command.add_argument("--limit", type=int, help="at most so many")


def settings_from(given: argparse.Namespace, base: PrepareSettings) -> PrepareSettings:
    """`base` with what was given. Raises BadInput for values out of range."""
    chosen, lengths = _given(given, _SETTINGS), _given(given, _LENGTHS)
    if "language" in chosen:
        chosen["language"] = clean_language(chosen["language"]) or AUTO
    limits = replace(base.limits, **lengths, **_given(given, _LIMITS))
    return replace(base, **lengths, **chosen, limits=limits)


def limits_from(given: argparse.Namespace, base: Limits) -> Limits:
    """The same for limits alone."""
    return replace(base, **_given(given, (*_LENGTHS, *_LIMITS)))


def _add(group: Any, options: Iterable[_Option | _Switch]) -> None:
    for option in options:
        if isinstance(option, _Switch):
            action = argparse.BooleanOptionalAction
            group.add_argument(f"--{option.flag}", dest=option.field, action=action, help=option.help)
            continue
        choices = list(option.choices) if option.choices is not None else None
        group.add_argument(
            f"--{option.flag}", dest=option.field, type=option.kind, choices=choices,
            metavar=None if choices else option.flag.rpartition("-")[2].upper(), help=option.help,
        )  # fmt: skip


def _given(given: argparse.Namespace, options: Iterable[_Option | _Switch]) -> dict[str, Any]:
    found = {}
    for option in options:
        value = getattr(given, option.field)
        if value is not None:
            found[option.field] = None if value == _OFF else value
    return found
