"""The commands: each takes the parsed arguments and the studio, prints, and raises StudioError."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from engines.base import Capability, Speaker
from studio.audio.writing import encode, format_named, synthetic_tags
from studio.control import Control
from studio.errors import BadInput, unknown
from studio.files import publishing, write_bytes
from studio.services.studio import Studio
from studio.services.takes import MAX_SEED, Loudness, Reference, SpeechOrder, TakeRecord, TakeStatus
from studio.text.language import closest
from studio.text.subtitles import cues, to_srt, to_vtt

_MAX_TAKES = 8
_SUBTITLES = {".srt": to_srt, ".vtt": to_vtt}


def speak(studio: Studio, given: argparse.Namespace) -> None:
    """`app.py speak`: speak a text, wait, and say where the file is."""
    if not 1 <= given.takes <= _MAX_TAKES:
        raise BadInput(f"{given.takes} takes cannot be made.", f"Ask for 1 to {_MAX_TAKES}.")
    _check_targets(given)
    order = _order(studio, given)
    order = replace(order, seed=studio.speech.plan(order).seed)
    results = []
    with _stopping_on_interrupt() as control:
        for number in range(given.takes):
            assert order.seed is not None
            take = replace(order, seed=(order.seed + number) % (MAX_SEED + 1))
            record = studio.speech.speak(take, on_status=_progress(given), control=control)
            results.append(_save(studio, given, record, number))
    if given.json:
        _print_json({"ok": True, "takes": results})
    else:
        for result in results:
            print(result["file"])


def voices(studio: Studio, given: argparse.Namespace) -> None:
    """`app.py voices`: the recommended ones and one for each language, or all."""
    engine = studio.engines.registry.get(given.engine or studio.settings.default_engine)
    speakers = list(engine.speakers())
    if given.language:
        code = closest(given.language.lower(), {speaker.language for speaker in speakers})
        if code is None:
            raise unknown("language", given.language, {speaker.language for speaker in speakers})
        speakers = [speaker for speaker in speakers if speaker.language == code]
    elif not given.all:
        speakers = _one_a_language(speakers)
    if given.json:
        rows = [
            {
                "id": speaker.id,
                "label": speaker.label,
                "language": speaker.language,
                "gender": speaker.gender,
                "recommended": speaker.recommended,
            }
            for speaker in speakers
        ]
        _print_json({"ok": True, "engine": engine.info.id, "voices": rows})
        return
    width = max(len(speaker.id) for speaker in speakers)
    for speaker in speakers:
        print(f"{speaker.id:{width}}  {speaker.language:10}  {speaker.label}")


def engines(studio: Studio, given: argparse.Namespace) -> None:
    """`app.py engines`: what each engine is and can do."""
    infos = studio.engines.registry.infos()
    if given.json:
        rows = [
            {
                "id": info.id,
                "label": info.label,
                "description": info.description,
                "license": info.license,
                "capabilities": sorted(str(capability) for capability in info.capabilities),
                "languages": sorted(info.languages),
                "sample_rate": info.sample_rate,
                "options": [
                    {
                        "key": option.key,
                        "minimum": option.minimum,
                        "maximum": option.maximum,
                        "default": option.default,
                        "modes": sorted(str(mode) for mode in option.modes),
                        "help": option.help,
                    }
                    for option in info.options
                ],
            }
            for info in infos
        ]
        _print_json({"ok": True, "engines": rows})
        return
    for info in infos:
        capabilities = ", ".join(sorted(str(capability) for capability in info.capabilities))
        print(f"{info.id}: {info.label} ({info.license})\n    {info.description}\n    {capabilities}")


def _one_a_language(speakers: list[Speaker]) -> list[Speaker]:
    seen: set[str] = set()
    kept = []
    for speaker in speakers:
        if speaker.recommended or speaker.language not in seen:
            seen.add(speaker.language)
            kept.append(speaker)
    return kept


def _order(studio: Studio, given: argparse.Namespace) -> SpeechOrder:
    asked = [name for name in ("voice", "ref_audio", "design") if getattr(given, name) is not None]
    if len(asked) > 1:
        raise BadInput(
            "--voice, --ref-audio and --design cannot be combined.", "Give the one that is meant."
        )
    mode, reference = Capability.PRESET, None
    if given.ref_audio is not None:
        mode = Capability.CLONE
        reference = Reference(
            Path(given.ref_audio), given.ref_text, given.ref_start, given.ref_end, given.timbre_only
        )
    elif given.design is not None:
        mode = Capability.DESIGN
    return SpeechOrder(
        mode=mode,
        text=_text(given),
        engine=given.engine or studio.settings.default_engine,
        language=given.language,
        speaker=given.voice or "",
        reference=reference,
        description=given.design if mode is Capability.DESIGN else given.instruct,
        speed=given.speed,
        seed=given.seed,
        loudness=Loudness.AS_MADE if given.as_made else Loudness.STANDARD,
        options=dict(_option(entry) for entry in given.option),
    )


def _option(entry: str) -> tuple[str, float]:
    key, _, value = entry.partition("=")
    try:
        return key, float(value)
    except ValueError as error:
        raise BadInput(f"--option {entry} cannot be read.", "Write it as pitch=60.") from error


def _text(given: argparse.Namespace) -> str:
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


def _check_targets(given: argparse.Namespace) -> None:
    """Wrong endings are refused before a long text has been spoken for nothing."""
    if given.output:
        format_named(Path(given.output).suffix)
    if given.subtitles and Path(given.subtitles).suffix.lower() not in _SUBTITLES:
        raise unknown("subtitle format", Path(given.subtitles).suffix, _SUBTITLES)


def _save(studio: Studio, given: argparse.Namespace, record: TakeRecord, number: int) -> dict[str, Any]:
    source = studio.history.path(record)
    path = source
    if given.output:
        path = _numbered(Path(given.output), number)
        if path.suffix.lower() == ".wav":
            with publishing(path) as partial:
                shutil.copyfile(source, partial)
        else:
            tags = synthetic_tags(title=record.text[:80], comment=f"Voice: {record.voice}")
            encode(source, path, path.suffix, tags=tags)
    if given.subtitles:
        target = _numbered(Path(given.subtitles), number)
        write = _SUBTITLES[target.suffix.lower()]
        write_bytes(target, write(cues(studio.history.words(record))).encode())
    return {
        "id": record.id,
        "file": str(path),
        "voice": record.voice,
        "language": record.language,
        "seed": record.seed,
        "duration": round(record.duration, 3),
        "seconds": round(record.seconds, 3),
        "rtf": round(record.rtf, 4),
        "sample_rate": record.sample_rate,
    }


def _numbered(path: Path, number: int) -> Path:
    """out.mp3, then out-2.mp3, out-3.mp3 for further takes."""
    return path if number == 0 else path.with_stem(f"{path.stem}-{number + 1}")


def _progress(given: argparse.Namespace) -> Any:
    if given.quiet or given.json or not sys.stderr.isatty():
        return None
    width = shutil.get_terminal_size().columns - 1

    def show(status: TakeStatus) -> None:
        left = f", {status.eta:.0f} s left" if status.eta else ""
        line = f"{status.stage} {status.fraction:4.0%}{left}"
        print(
            f"\r{line:{width}.{width}}", end="" if not status.state.finished else "\n", file=sys.stderr
        )
        for note in status.notes if status.state.finished else ():
            print(note, file=sys.stderr)

    return show


@contextmanager
def _stopping_on_interrupt() -> Iterator[Control]:
    """The first Ctrl+C stops the take in good order; the next one ends the program."""
    control = Control()

    def stop(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        control.cancel()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield control
    finally:
        signal.signal(signal.SIGINT, before)


def _print_json(value: Any) -> None:
    print(json.dumps(value))  # ASCII, so that it is valid in whatever encoding the output has
