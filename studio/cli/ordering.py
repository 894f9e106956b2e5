"""From the command line's options to an order of speech."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from engines.base import Capability, SamplingParams
from studio.errors import BadInput, unknown
from studio.services.studio import Studio
from studio.services.takes import Loudness, Reference, SpeechOrder

#: Options of `speak` that are fields of SamplingParams.
_SAMPLED = (
    *("temperature", "top_p", "top_k", "repetition_penalty"),
    *("sub_temperature", "sub_top_p", "sub_top_k", "max_new_tokens"),
)


def order_from(studio: Studio, given: argparse.Namespace) -> SpeechOrder:
    """The order that the parsed options of `speak` stand for. Raises BadInput where they contradict
    each other or cannot be read."""
    mode = _mode(given)
    engine = given.engine or studio.settings.default_engine
    description = given.instruct
    if mode is Capability.DESIGN and given.design is not None:
        description = given.design
    return SpeechOrder(
        mode=mode,
        text=text_from(given),
        engine=engine,
        model=given.model,
        language=given.language,
        speaker=given.voice or "",
        reference=_reference(given) if mode is Capability.CLONE else None,
        description=description,
        speed=given.speed,
        seed=given.seed,
        loudness=Loudness.AS_MADE if given.as_made else Loudness.STANDARD,
        sampling=_sampling(studio, engine, given),
        options=dict(_option(entry) for entry in given.option),
    )


def _mode(given: argparse.Namespace) -> Capability:
    """--mode, or what the voice's options say."""
    asked = {
        Capability.PRESET: given.voice,
        Capability.CLONE: given.ref_audio,
        Capability.DESIGN: given.design,
    }
    meant = [mode for mode, value in asked.items() if value is not None]
    if len(meant) > 1:
        raise BadInput(
            "--voice, --ref-audio and --design cannot be combined.", "Give the one that is meant."
        )
    if given.mode is None:
        return meant[0] if meant else Capability.PRESET
    if given.mode not in list(asked):  # a batch's line; argparse has checked --mode
        raise unknown("mode", given.mode, [str(mode) for mode in asked])
    mode = Capability(given.mode)
    if meant and meant[0] is not mode:
        raise BadInput(
            f"--mode {mode} does not go with the option for {meant[0]}.", "Leave one of them out."
        )
    return mode


def _reference(given: argparse.Namespace) -> Reference | None:
    if given.ref_audio is None:
        return None  # planning says what is missing
    return Reference(
        Path(given.ref_audio),
        given.ref_text,
        given.ref_start,
        given.ref_end,
        given.timbre_only,
        more=tuple(Reference(Path(name)) for name in given.ref_more),
    )


def _sampling(studio: Studio, engine: str, given: argparse.Namespace) -> SamplingParams:
    """The named settings of the engine, and over them what is given by itself."""
    params = SamplingParams()
    if given.sampling:
        sampling = studio.engines.registry.get(engine).info.sampling
        presets = sampling.presets if sampling else {}
        named = {name.lower(): params for name, params in presets.items()}
        if given.sampling.lower() not in named:
            raise unknown("named sampling", given.sampling, presets)
        params = named[given.sampling.lower()]
    single = {name: getattr(given, name) for name in _SAMPLED}
    return replace(params, **{name: value for name, value in single.items() if value is not None})


def _option(entry: str) -> tuple[str, float]:
    key, _, value = entry.partition("=")
    try:
        return key, float(value)
    except ValueError as error:
        raise BadInput(f"--option {entry} cannot be read.", "Write it as pitch=60.") from error


def text_from(given: argparse.Namespace) -> str:
    """The text itself, of the file, or from standard input. Raises BadInput."""
    if given.text is not None:
        return str(given.text)
    try:
        if given.stdin == "-" or given.file == "-":
            if sys.stdin is None:
                raise BadInput("There is no standard input.", "Give the text with --text or --file.")
            return sys.stdin.buffer.read().decode("utf-8-sig")
        return Path(given.file).read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise BadInput(f"There is no file {given.file}.", "Check its name.") from error
    except IsADirectoryError as error:
        raise BadInput(f"{given.file} is a folder.", "Name a text file.") from error
    except PermissionError as error:
        raise BadInput(f"{given.file} cannot be read.", "Give yourself access to it.") from error
    except UnicodeDecodeError as error:
        raise BadInput("The text is not UTF-8.", "Save it as UTF-8 and try again.") from error
