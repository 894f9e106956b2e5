"""From the command line's options to an order of speech."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from engines.base import Capability, SamplingParams
from engines.choosing import of_owner
from studio.cli.dataset_words import OWNER
from studio.errors import BadInput, unknown
from studio.services.planning import speaker_named
from studio.services.studio import Studio
from studio.services.takes import Loudness, Reference, SpeechOrder
from studio.services.voice_records import folded
from studio.services.voice_values import Voice

#: Options of `speak` that are fields of SamplingParams.
_SAMPLED = (
    *("temperature", "top_p", "top_k", "repetition_penalty"),
    *("sub_temperature", "sub_top_p", "sub_top_k", "max_new_tokens"),
)


def order_from(
    studio: Studio, given: argparse.Namespace, saved: SavedVoices | None = None
) -> SpeechOrder:
    """The order that the parsed options of `speak` stand for. Raises BadInput where they contradict
    each other or cannot be read. `saved` serves several orders of one command."""
    given = _with_checkpoint(studio, given)
    engine = given.engine or studio.settings.default_engine
    voice = (saved or SavedVoices(studio)).meant(engine, given)
    mode = _mode(given) if voice is None else Capability.CLONE
    description = given.instruct
    if mode is Capability.DESIGN and given.design is not None:
        description = given.design
    return SpeechOrder(
        mode=mode,
        text=text_from(given),
        engine=engine,
        model=given.model,
        language=given.language,
        speaker=str(given.voice or "").strip() if voice is None else "",
        reference=_reference(studio, given, voice) if mode is Capability.CLONE else None,
        description=description,
        speed=given.speed,
        seed=given.seed,
        loudness=Loudness.AS_MADE if given.as_made else Loudness.STANDARD,
        sampling=sampling_from(studio, engine, given),
        options=options_from(given),
    )


def _with_checkpoint(studio: Studio, given: argparse.Namespace) -> argparse.Namespace:
    """`given` with the engine, the model and, where no other is asked for, the voice of --checkpoint."""
    if not given.checkpoint:
        return given
    if given.model:
        raise BadInput("--checkpoint and --model cannot be combined.", "Leave one of them out.")
    found = studio.runs.checkpoint(given.checkpoint, "")
    family = str(found.checkpoint.family)
    if given.engine not in (None, "", family):
        raise BadInput(
            f"{found.label} is a checkpoint of {family}.", f"Leave out --engine, or say {family}."
        )
    chosen = {"engine": family, "model": found.model}
    asked = (given.voice, given.ref_audio, given.design)
    if given.mode in (None, "preset") and all(each is None for each in asked):
        chosen["voice"] = found.model  # a voice of that model's own has its key
    return argparse.Namespace(**{**vars(given), **chosen})


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


class SavedVoices:
    """The saved voices as they are when a command begins, and which of them is meant by a name."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._said: set[str] = set()

    @cached_property
    def _all(self) -> list[Voice]:
        return self._studio.voices.list("")

    def meant(self, engine: str, given: argparse.Namespace) -> Voice | None:
        """The saved voice that --voice names; None where it names one of the engine's, or where the
        other options say something else. Says on standard error where it could be both.

        Raises NotFound where it is neither.
        """
        name = str(given.voice or "").strip()
        if not name or given.mode not in (None, "clone") or given.ref_audio or given.design:
            return None
        saved = next((each for each in self._all if name == each.id), None)
        saved = saved or next((each for each in self._all if folded(name) == folded(each.name)), None)
        names = [each.name for each in self._all]
        if given.mode == "clone":
            if saved is None:
                raise unknown("saved voice", name, names)
            return saved
        own = self._studio.engines.registry.get(engine)
        speaks = Capability.PRESET in own.info.capabilities
        speakers = of_owner(own.speakers(), OWNER) if speaks else ()
        speaker = speaker_named(name, speakers)
        if speaker is None and saved is None:
            raise unknown("voice", name, [*names, *(each.id for each in speakers)])
        if speaker is None or saved is None:
            return saved
        if name not in self._said and not given.quiet:
            self._said.add(name)
            print(
                f"“{name}” is taken for {own.info.label}'s own voice; --mode clone takes the saved one.",
                file=sys.stderr,
            )
        return None


def _reference(studio: Studio, given: argparse.Namespace, voice: Voice | None) -> Reference | None:
    more = tuple(Reference(Path(name)) for name in given.ref_more)
    if voice is not None:
        reference = studio.voices.reference(voice)
        return replace(
            reference,
            text=given.ref_text or reference.text,
            start=given.ref_start,
            end=given.ref_end,
            x_vector_only=given.timbre_only,
            more=more,
        )
    if given.ref_audio is None:
        return None  # planning says what is missing
    return Reference(
        Path(given.ref_audio),
        given.ref_text,
        given.ref_start,
        given.ref_end,
        given.timbre_only,
        more=more,
    )


def sampling_from(studio: Studio, engine: str, given: argparse.Namespace) -> SamplingParams:
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


def options_from(given: argparse.Namespace) -> dict[str, float]:
    """--option KEY=VALUE, each."""
    return dict(_option(entry) for entry in given.option)


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
