"""One recording made into segments: standardised, cut, measured; kept by content, so that nothing is done
twice.

    <cache>/<key>/prepared.json, <segment id>.wav ...

A result is made beside its place and shown by a rename, so what is there is whole. The key is that of
everything that shapes the sound, and of nothing else.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from studio.audio.types import Samples
from studio.audio.wav import pcm16, wav_header
from studio.control import Control
from studio.dataset.ledger import from_row
from studio.dataset.targets import target_named
from studio.dataset.values import PrepareSettings, Segment
from studio.errors import Damaged
from studio.files import (
    PARTIAL_SUFFIX,
    flush_folder,
    make_folder,
    read_json,
    storage_errors,
    write_bytes,
)
from training.prepare.cues import cue_stretches
from training.prepare.levelling import Finish, finish_for
from training.prepare.listening import Heard, listen
from training.prepare.measuring import Measuring
from training.prepare.segmenting import Stretch, as_one, stretches
from training.prepare.standardising import Standardised, standardise
from training.prepare.tidying import used
from training.prepare.values import GivenText

log = logging.getLogger(__name__)

#: Of what is made; a change of any stage's result needs a new one.
VERSION = 2

_FACTS = "prepared.json"
_READ, _HEARD = 0.5, 0.75  # of the progress


@dataclass(frozen=True)
class RecordingTask:
    """What is to be made, of which recording."""

    path: Path
    sha256: str  # of its content
    given: tuple[GivenText, ...]
    settings: PrepareSettings
    cache: Path  # folder of all results


@dataclass(frozen=True)
class Prepared:
    """A recording's segments; the sound of each is `folder`/<its id>.wav."""

    folder: Path
    segments: tuple[Segment, ...]  # in order, without a speaker
    duration: float  # s
    speech_s: float  # of it is speech
    notes: tuple[str, ...] = ()  # what could not be done, as sentences


def cached(task: RecordingTask) -> Prepared | None:
    """The result where it was made before, whole; else None."""
    folder = task.cache / _key(task)
    try:
        facts = read_json(folder / _FACTS)
        sizes = {entry.name: entry.stat().st_size for entry in os.scandir(folder)}
        if any(sizes.get(f"{row['id']}.wav") != row["bytes"] for row in facts["segments"]):
            raise Damaged(f"{folder} is not whole.", "It is made again.")
        segments = tuple(_segment(row, task.given) for row in facts["segments"])
        used(folder)
        return Prepared(folder, segments, facts["duration"], facts["speech_s"], tuple(facts["notes"]))
    except FileNotFoundError:
        return None
    except (Damaged, KeyError, TypeError, IndexError) as error:
        log.warning("A result is made again (%s)", error)
        return None


def prepare(task: RecordingTask, control: Control) -> Prepared:
    """The recording's segments, made or kept from before. Progress is the fraction of this recording.

    Memory does not grow with its length. Raises BadInput for what cannot be read to its end,
    StorageFailed, Cancelled; nothing half-made is left.
    """
    before = cached(task)
    if before is not None:
        return before
    with _new_folder(task.cache / _key(task)) as folder:
        _make(task, folder, control)
    made = cached(task)
    if made is None:
        raise Damaged(f"{task.cache} lost what was written to it.", "Check its disk, then try again.")
    return made


def _make(task: RecordingTask, folder: Path, control: Control) -> None:
    settings = task.settings
    sound = folder / "sound"
    rate = target_named(settings.target).sample_rate
    recording = standardise(task.path, rate, sound, control.between(0.0, _READ))
    heard = listen(recording, settings.aggressiveness, settings.frame_ms, control.between(_READ, _HEARD))
    found = _stretches(task, recording, heard)
    rows, notes = _write(task, folder, recording, heard, found, control.between(_HEARD, 1.0))
    sound.unlink()
    facts = {
        "duration": round(recording.duration, 3),
        "speech_s": round(heard.frames.speech_s, 3),
        "notes": notes,
        "segments": rows,
    }
    # Not indented: the encoder that does that is written in Python.
    write_bytes(folder / _FACTS, json.dumps(facts).encode())


def _stretches(task: RecordingTask, recording: Standardised, heard: Heard) -> list[Stretch]:
    """Where it is cut: by the given times, as one where its text is that of the whole, else in pauses."""
    settings = task.settings
    if any(not _of_whole(each) for each in task.given):
        return cue_stretches(heard.frames, task.given, settings)
    if len(task.given) == 1:
        one = as_one(heard.frames, recording.duration, settings)
        if one:
            return [replace(one[0], given=(0,))]
    return stretches(heard.frames, settings)


def _write(
    task: RecordingTask, folder: Path, recording: Standardised, heard: Heard,
    found: Sequence[Stretch], control: Control,
) -> tuple[list[dict[str, object]], list[str]]:  # fmt: skip
    source, rate = task.sha256[:12], recording.sample_rate
    finish = finish_for(recording, heard, found, task.settings)
    measuring = Measuring(recording, heard, task.settings.snr_method)
    rows: list[dict[str, object]] = []
    for number, stretch in enumerate(found, 1):
        control.progress("Measuring", number / len(found))
        first, last = round(stretch.start * rate), min(round(stretch.end * rate), recording.size)
        samples = recording.read(first, last)
        end = min(stretch.end, round(last / rate, 3))
        segment = Segment(
            id=f"{source}-{number:04}", source=source, start=stretch.start, end=end, speaker="",
            cut_in_speech=stretch.cut_in_speech,
            **vars(measuring.measure(samples, stretch.start, end)),
        )  # fmt: skip
        size = _save(folder / f"{segment.id}.wav", finish, samples, rate)
        rows.append({**vars(segment), "given": stretch.given, "bytes": size})
    return rows, list(finish.notes)


def _save(path: Path, finish: Finish, samples: Samples, rate: int) -> int:
    """The finished sound of a segment in a file; how many bytes it has."""
    pcm = pcm16(finish.apply(samples, rate)).astype("<i2", copy=False)
    return path.write_bytes(wav_header(rate, pcm.nbytes) + pcm.tobytes())


def _segment(row: dict[str, object], given: Sequence[GivenText]) -> Segment:
    indices = row["given"]
    assert isinstance(indices, list)
    text = " ".join(given[index].text.strip() for index in indices)
    return from_row(Segment, {**row, "given": text})


def _of_whole(given: GivenText) -> bool:
    return given.start is None and given.end is None


def _key(task: RecordingTask) -> str:
    settings = task.settings
    shaping = {
        "version": VERSION,
        "content": task.sha256,
        "rate": target_named(settings.target).sample_rate,
        "loudness": settings.loudness_lufs,
        "denoise": settings.denoise_strength if settings.denoise else None,
        "detector": [settings.aggressiveness, settings.frame_ms],
        "lengths": [settings.padding_s, settings.min_s, settings.max_s],
        "snr": settings.snr_method,
        "given": [[each.start, each.end] for each in task.given],
    }
    return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()[:40]


@contextmanager
def _new_folder(path: Path) -> Iterator[Path]:
    """A folder that becomes `path` when the block ends well."""
    making = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}{PARTIAL_SUFFIX}")
    try:
        make_folder(making)
        with storage_errors(path):
            yield making
            if path.exists():  # damaged, or another process was quicker
                shutil.rmtree(path, ignore_errors=True)
            making.rename(path)
            flush_folder(path.parent)
    finally:
        shutil.rmtree(making, ignore_errors=True)
