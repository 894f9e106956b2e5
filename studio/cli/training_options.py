"""The options of `train` and `checkpoints`, and the settings that they stand for."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from studio.errors import BadInput
from studio.runs.presets import Preset
from studio.runs.values import Family, LoraOptions, Method, Precision, RunSettings, Schedule


class _Option(NamedTuple):
    """An option and the field it sets. Those that are not given stay as the preset has them."""

    flag: str
    field: str
    kind: Callable[[str], Any]
    help: str
    choices: Iterable[Any] | None = None


_SETTINGS = (
    _Option("epochs", "epochs", int, "how often every clip is heard"),
    _Option("max-train-samples", "max_train_samples", int, "train on so many clips only"),
    _Option("batch-size", "batch_size", int, "clips at once"),
    _Option("accumulation", "accumulation", int, "batches a step"),
    _Option("precision", "precision", Precision, "numbers to calculate with", Precision),
    _Option("learning-rate", "learning_rate", float, "at its highest"),
    _Option("warmup", "warmup_share", float, "share of the steps in which the rate rises"),
    _Option("schedule", "schedule", Schedule, "how the rate goes on", Schedule),
    _Option("weight-decay", "weight_decay", float, "of AdamW"),
    _Option("clip-norm", "clip_norm", float, "longest gradient"),
    _Option("seed", "seed", int, "the same seed and data give the same weights"),
    _Option("save-every", "save_every", int, "epochs from one checkpoint to the next"),
    _Option("sample-every", "sample_every", int, "epochs from one listening to the next; 0: never"),
    _Option("keep-last", "keep_last", int, "newest checkpoints to keep"),
    _Option("keep-best", "keep_best", int, "best checkpoints to keep"),
    _Option("early-stop", "early_stop", int, "end after so many epochs without gain; 0: never"),
)
_LORA = (
    _Option("rank", "rank", int, "of the adapters"),
    _Option("alpha", "alpha", int, "an adapter counts alpha / rank"),
    _Option("dropout", "dropout", float, "before the adapters, 0 to 1"),
)

METHOD, PRESET = Method.LORA, Preset.BALANCED  # where none is named

#: Options of a new run, by their fields, and what these are where it is not given and not None.
_OF_NEW_RUNS = {
    **{name: f"--{name}" for name in ("name", "family", "base", "method", "preset")},
    **{option.field: f"--{option.flag}" for option in (*_SETTINGS, *_LORA)},
    **{name: f"--{name}" for name in ("sentence", "target", "head")},
    "gradient_checkpointing": "--gradient-checkpointing",
    "stop_when_worse": "--stop-when-worse",
    "estimate": "--estimate",
}
_NOT_GIVEN = {"base": "", "sentence": [], "target": [], "head": [], "estimate": False}

#: Environment variables that stand for options which are not given; an empty one for nothing.
VARIABLES: Mapping[str, str] = {"NUM_EPOCHS": "epochs", "MAX_TRAIN_SAMPLES": "max_train_samples"}


def train(command: argparse.ArgumentParser, common: Callable[[argparse.ArgumentParser], None]) -> None:
    """Lay out `train`; `common` adds what every command has."""
    which = command.add_mutually_exclusive_group()
    which.add_argument("--dataset", metavar="NAME", help="see `datasets list`")
    which.add_argument("--resume", metavar="RUN", help="go on with a run, or follow one that trains")
    which.add_argument("--stop", metavar="RUN", help="stop a run; what is trained is kept")
    command.add_argument("--name", help="what the run is to be called (default: after the data set)")
    command.add_argument("--family", choices=[str(each) for each in Family], help="xtts or qwen")
    command.add_argument(
        "--base",
        default="",
        help="a model, see `models list`, or RUN:EPOCH (default: the best one here)",
    )
    command.add_argument("--method", choices=[str(each) for each in Method], help=f"default: {METHOD}")
    command.add_argument("--preset", choices=[str(each) for each in Preset], help=f"default: {PRESET}")
    how = command.add_argument_group("how (default: as the preset suits the data set)")
    _add(how, _SETTINGS)
    how.add_argument(
        "--gradient-checkpointing", action=argparse.BooleanOptionalAction,
        help="less memory, a third slower",
    )  # fmt: skip
    how.add_argument(
        "--stop-when-worse", action=argparse.BooleanOptionalAction,
        help="end when the samples get worse",
    )  # fmt: skip
    how.add_argument(
        "--sentence", action="append", default=[], metavar="TEXT",
        help="spoken at each epoch's end; may be repeated",
    )  # fmt: skip
    lora = command.add_argument_group("LoRA")
    _add(lora, _LORA)
    for name in ("target", "head"):
        lora.add_argument(
            f"--{name}", action="append", default=[], metavar="NAME",
            help="a layer to adapt; may be repeated" if name == "target" else
            "a head to train in full beside them; may be repeated",
        )  # fmt: skip
    only = command.add_mutually_exclusive_group()
    only.add_argument("--estimate", action="store_true", help="only say what it would take")
    only.add_argument(
        "--launch", action="store_true", help="do not train here, print the command for several cards"
    )
    only.add_argument("--detach", action="store_true", help="start it and do not wait")
    command.add_argument("--quiet", action="store_true", help="no progress on standard error")
    common(command)


def checkpoints(
    command: argparse.ArgumentParser, common: Callable[[argparse.ArgumentParser], None]
) -> None:
    """Lay out `checkpoints` and its actions."""
    actions = command.add_subparsers(dest="action", metavar="action", required=True)

    def action(name: str, help: str, spec: str = "") -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=help, epilog=command.epilog)
        common(made)
        if spec:
            made.add_argument("spec", metavar=spec, help="a run by name or id; :EPOCH, :best or :last")
        return made

    action("list", "the runs and their checkpoints")
    action("show", "a run's settings, its checkpoints and their losses", "RUN")
    merge = action("merge", "make a full checkpoint of an adapter and its base", "RUN[:EPOCH]")
    merge.add_argument("--name", help="what the new run is to be called")
    export = action("export", "write a folder that the family's own package loads", "RUN[:EPOCH]")
    export.add_argument(
        "--output", help="new folder, or zip of it (default: run and epoch, in this folder)"
    )
    delete = action("delete", "delete a checkpoint, or a run with all of them", "RUN[:EPOCH]")
    delete.add_argument("--yes", action="store_true", help="do it")
    action("rename", "call a run otherwise", "RUN").add_argument("name", help="its new name")
    action("note", "keep a note with a run", "RUN").add_argument("text", help='"" for none')
    bring = action("import", "take over a checkpoint from elsewhere")
    bring.add_argument("path", help="a .pt, .pth or .safetensors file, or a folder")
    bring.add_argument("--name", required=True, help="what the new run is to be called")
    bring.add_argument("--base", default="", help="of an adapter: the model it belongs to")
    for made in (merge, export, bring):
        made.add_argument("--quiet", action="store_true", help="no progress on standard error")


def refuse_settings(given: argparse.Namespace) -> None:
    """Raise BadInput where something of a new run is given for one that there is, which goes on as it was
    begun."""
    for field, flag in _OF_NEW_RUNS.items():
        if getattr(given, field) != _NOT_GIVEN.get(field):
            raise BadInput(
                f"{flag} is for a new run: one that there is goes on as it was begun.",
                "Leave it out, or begin a new run with --base RUN:EPOCH.",
            )


def settings_from(given: argparse.Namespace, base: RunSettings) -> RunSettings:
    """`base` with what was given, or what the environment says. Raises BadInput for values out of
    range."""
    chosen = {**_from_environment(), **_given(given, _SETTINGS)}
    for name in ("gradient_checkpointing", "stop_when_worse"):
        if getattr(given, name) is not None:
            chosen[name] = getattr(given, name)
    if given.sentence:
        chosen["sentences"] = tuple(given.sentence)
    lora: dict[str, Any] = _given(given, _LORA)
    lora |= {"targets": tuple(given.target)} if given.target else {}
    lora |= {"heads": tuple(given.head)} if given.head else {}
    if lora and base.method is not Method.LORA:
        raise BadInput("Options of LoRA do not go with --method full.", "Leave them out.")
    adapters: LoraOptions = replace(base.lora, **lora)
    return replace(base, **chosen, lora=adapters)


def _from_environment() -> dict[str, int]:
    found = {}
    for variable, field in VARIABLES.items():
        text = os.environ.get(variable, "").strip()
        if text:
            try:
                found[field] = int(text)
            except ValueError as error:
                raise BadInput(
                    f"{variable} is “{text[:40]}”, which is no whole number.", "Correct or unset it."
                ) from error
    return found


def _add(group: Any, options: Iterable[_Option]) -> None:
    for option in options:
        choices = list(option.choices) if option.choices is not None else None
        group.add_argument(
            f"--{option.flag}", dest=option.field, type=option.kind, choices=choices,
            metavar="{" + ",".join(map(str, choices)) + "}" if choices else
            option.flag.rpartition("-")[2].upper(),
            help=option.help,
        )  # fmt: skip


def _given(given: argparse.Namespace, options: Iterable[_Option]) -> dict[str, Any]:
    return {
        option.field: getattr(given, option.field)
        for option in options
        if getattr(given, option.field) is not None
    }
