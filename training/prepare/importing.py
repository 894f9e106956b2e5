"""From what a person has given to the recordings in it, with the texts that came with them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from studio.audio.reading import DEFAULT_LIMITS, Limits, probe
from studio.control import Control
from studio.dataset.cache import PreparedCache
from studio.dataset.values import PrepareSettings, Source
from studio.errors import BadInput
from training.prepare.gathering import Gathered, gather, is_beside, is_table, problem_of
from training.prepare.given_texts import Words, completed, listed, words_for
from training.prepare.naming import natural, shown_name
from training.prepare.unpacking import Entry, Unpacked
from training.prepare.values import Found, Recording

#: What such a name promises to be and is not, is said to a person.
_SOUND = re.compile(
    r"(?i)\.(wave?|flac|mp[1234]|mpga|og[agv]|opus|m4[abv]|aac|aiff?|aifc|au|caf|w64|rf64|wma|wmv|asf|amr"
    r"|ac3|mka|mkv|webm|mov|avi|mpe?g|mts|m2ts|3gp|3g2)\Z"
)
#: What lies in folders of recordings and holds no sound; it is not even opened.
_OTHER = re.compile(
    r"(?i)\.(md|rst|pdf|docx?|odt|rtf|html?|xml|json|ya?ml|toml|ini|cfg|log|lock|py|ipynb|sh|bat|jpe?g"
    r"|png|gif|webp|svg|bmp|ico|textgrid|eaf|npy|npz|pt|pth|safetensors|ckpt|arrow|parquet|zip|gz|bz2"
    r"|xz|7z|rar|tar|csv|tsv|jsonl|txt|lab|srt|vtt|ass|ssa|sub|sbv|lrc|aup3?|sesx|reapeaks|asd|pkf|db"
    r"|xlsx?|ods|exe|dll|so|nfo|m3u8?|pls|cue)\Z"
)
#: Of these a person may think that what is in them counts.
_ARCHIVE = re.compile(r"(?i)\.(zip|tar|tgz|gz|bz2|xz|7z|rar)\Z")
#: Folders that hold the recordings of whatever is above them.
_PLAIN_FOLDER = re.compile(
    r"(?i)(wavs?|audio|sounds?|clips|recordings|data|train|test|validation|valid|dev|eval)"
    r"(-\d+(-of-\d+)?(-[0-9a-f]+)?)?"
)


@dataclass
class _Sounds:
    """What the files of one input turned out to be."""

    readable: list[Entry] = field(default_factory=list)
    meant: list[Entry] = field(default_factory=list)  # the readable ones and those that should be
    passed: list[Entry] = field(default_factory=list)  # others without sound
    unopened: list[Entry] = field(default_factory=list)  # archives within a folder or an archive


def find(
    inputs: Sequence[Path],
    cache: PreparedCache,
    settings: PrepareSettings,
    control: Control,
    limits: Limits = DEFAULT_LIMITS,
) -> Found:
    """The recordings in files, folders, zips and Hugging Face data sets, by name.

    Nothing is decoded. Archives are unpacked into `cache`, each once. A file that is no recording
    within `limits` is one of the problems, and a text without its recording a note. Raises BadInput
    where an input does not exist or there is no recording at all, StorageFailed, Cancelled.
    """
    control.progress("looking for recordings")
    groups = gather(inputs, Unpacked(cache, control), control)
    problems = [problem for group in groups for problem in group.problems]
    notes = [note for group in groups for note in group.notes]
    known: set[Path] = set()
    words: dict[Entry, Words] = {}
    readable: list[tuple[Gathered, Entry]] = []
    for group in groups:
        sounds = _listened(group, known, problems, limits, control)
        # A table that was chosen by itself may speak of the recordings of any other input.
        meant = [*words, *sounds.meant] if group.chosen else sounds.meant
        said, remarks = words_for(meant, group.entries, settings.language)
        words |= {entry: completed(words.get(entry, Words()), more) for entry, more in said.items()}
        notes += remarks
        if sounds.passed:
            notes.append(f"Passed over, without sound: {listed(e.name for e in sounds.passed)}.")
        if sounds.unopened:
            names = listed(entry.name for entry in sounds.unopened)
            notes.append(f"Not opened: {names}. Choose a zip itself to have the recordings in it.")
        readable += [(group, entry) for entry in sounds.readable]
    found = [(group, _recording(entry, words[entry], group, settings)) for group, entry in readable]
    if not found:
        raise _nothing(problems, notes)
    recordings = sorted(_told_apart(found), key=lambda each: (natural(each.name), str(each.path)))
    problems.sort(key=lambda problem: natural(problem.name))
    return Found(tuple(recordings), tuple(problems), tuple(notes))


def _listened(
    group: Gathered, known: set[Path], problems: list[Source], limits: Limits, control: Control
) -> _Sounds:
    """Which entries are recordings, by their headers; each file counts once over all inputs."""
    sounds = _Sounds()
    for number, entry in enumerate(group.entries):
        path = entry.path.resolve()
        if is_table(entry) or is_beside(entry) or path in known:
            continue
        promised = bool(_SOUND.search(entry.name))
        if not promised and not group.chosen and _OTHER.search(entry.name):
            sounds.unopened += [entry] if _ARCHIVE.search(entry.name) else []
            continue
        known.add(path)
        control.progress("looking for recordings", number / len(group.entries))
        try:
            probe(entry.path, limits)
        except BadInput as error:
            if promised or group.chosen:
                problems.append(problem_of(entry.name, entry.path, _named(error, entry)))
                sounds.meant.append(entry)
            else:
                sounds.passed.append(entry)
        else:
            sounds.readable.append(entry)
            sounds.meant.append(entry)
    return sounds


def _named(error: BadInput, entry: Entry) -> BadInput:
    """The same words with the name that people know where the file has one of ours."""
    name = PurePosixPath(entry.name).name
    return BadInput(
        shown_name(error.message.replace(f"“{entry.path.name}”", f"“{shown_name(name)}”")), error.hint
    )


def _recording(entry: Entry, words: Words, group: Gathered, settings: PrepareSettings) -> Recording:
    speaker = words.speaker
    if not speaker and settings.speaker_by_folder:
        speaker = _folder_of(entry, group)
    return Recording(
        entry.path,
        shown_name(entry.name),
        speaker or settings.speaker,
        words.language,
        words.given,
        words.given_from,
    )


def _folder_of(entry: Entry, group: Gathered) -> str:
    """The folder that a recording lies in, "" for a file that was chosen by itself."""
    folders = [group.label.rpartition("/")[2], *entry.name.split("/")[:-1]]
    named = [folder for folder in folders if folder and not _PLAIN_FOLDER.fullmatch(folder)]
    return shown_name(named[-1]) if named else ""


def _told_apart(found: Sequence[tuple[Gathered, Recording]]) -> list[Recording]:
    """The recordings; names that come from several inputs get the input's before them."""
    count = Counter(recording.name for _, recording in found)
    return [
        replace(recording, name=f"{shown_name(group.label)}/{recording.name}")
        if count[recording.name] > 1 and group.label
        else recording
        for group, recording in found
    ]


def _nothing(problems: Sequence[Source], notes: Sequence[str]) -> BadInput:
    hint = "Choose sound or video files, a folder or a zip of some, or a Hugging Face data set."
    why = ""
    if problems:
        others = len(problems) - 1
        why = problems[0].problem + (f" {others} more cannot be read either." if others else "")
        hint = problems[0].hint
    elif notes:
        why = notes[0]
    return BadInput(f"There is no recording in it. {why}".strip(), hint)
