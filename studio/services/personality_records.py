"""A personality as its config.json and its zip keep it, and the recordings beside it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.audio.reading import Limits
from studio.errors import BadInput, Damaged, unknown
from studio.library import Library
from studio.services import consent as consents
from studio.services.personality_rules import (
    MAX_TRANSCRIPT,
    clean_aliases,
    clean_tag,
)
from studio.services.personality_values import (
    NEUTRAL,
    Emotion,
    EmotionChange,
    NewEmotion,
    NewPersonality,
    Personality,
)
from studio.services.recordings import put_in, words_from_config, words_to_config
from studio.text.emotions import fold
from studio.text.given import clean_language, clean_text

KIND = "personality"
VERSION = 1

#: What of a config goes into a zip file.
TRAVELS = ("name", "language", "description", "note", "consent", "emotions")

Entry = dict[str, Any]


@dataclass(frozen=True)
class TakenIn:
    """An emotion that was checked, its recording in a folder that is given up soon."""

    tag: str
    aliases: tuple[str, ...]
    sha256: str  # of the recording
    files: tuple[Path, ...]
    entry: Entry  # of the config

    def move_to(self, folder: Path) -> Entry:
        """Put what was recorded where the config is; returns the emotion's entry."""
        for file in self.files:
            file.replace(folder / file.name)
        return self.entry


def take_in(emotion: NewEmotion, limits: Limits, folder: Path) -> TakenIn:
    """Check an emotion and put its recording into `folder`.

    Raises BadInput for a tag that cannot be, and for what is no recording, too short or silent.
    """
    tag = clean_tag(emotion.tag)
    aliases = clean_aliases(emotion.aliases, tag)
    transcript = clean_text(emotion.transcript, "transcript", MAX_TRANSCRIPT)
    language = clean_language(emotion.language)
    try:
        kept = put_in(folder, emotion.audio, limits, emotion.start, emotion.end)
        clip = put_in(folder, emotion.clip, limits) if emotion.clip is not None else None
    except BadInput as error:
        raise type(error)(f"“{tag}”: {error.message}", error.hint) from error
    entry = {
        "file": kept.file,
        "duration": round(kept.duration, 3),
        "transcript": transcript,
        "language": language,
        "aliases": list(aliases),
        "made": dict(emotion.made),
        "words": words_to_config(emotion.words),
        "clip": clip.file if clip is not None else None,
    }
    files = {folder / each.file for each in (kept, clip) if each is not None}
    return TakenIn(tag, aliases, kept.sha256, tuple(files), entry)


def files_of(personality: Personality) -> dict[str, Path]:
    """Every file of it beside the config, by its name."""
    files = [file for each in personality.emotions for file in (each.audio, each.clip)]
    return {file.name: file for file in files if file is not None}


def in_order(emotions: Mapping[str, Entry]) -> dict[str, Entry]:
    """The entries by tag, the neutral one first."""
    return dict(sorted(emotions.items(), key=lambda pair: pair[0] != NEUTRAL))


def personality_of(library: Library, id: str, config: Mapping[str, Any]) -> Personality:
    """The value of a config. Raises KeyError, TypeError, ValueError or AttributeError where it makes
    no sense, Damaged where a recording is gone."""
    emotions = tuple(
        emotion_of(tag, entry, functools.partial(_recording, library, id, tag))
        for tag, entry in in_order(config["emotions"]).items()
    )
    if not emotions or emotions[0].tag != NEUTRAL:
        raise ValueError("it has no neutral emotion")
    build = config.get("build")
    if build is not None and not isinstance(build, dict):
        raise TypeError("its build is no object")
    return Personality(
        id=id,
        name=config["name"],
        created=config["created"],
        changed=config["changed"],
        owner=config["owner"],
        emotions=emotions,
        language=str(config.get("language", "")),
        description=str(config.get("description", "")),
        note=str(config.get("note", "")),
        voice=str(config.get("voice", "")),
        consent=consents.from_config(config.get("consent")),
        build=build,
    )


def _recording(library: Library, id: str, tag: str, name: object) -> Path:
    try:
        return library.file(id, name)
    except Damaged as error:
        raise Damaged(f"“{tag}” has lost its recording. {error.message}", error.hint) from error


def emotion_of(tag: str, entry: Mapping[str, Any], found: Callable[[object], Path]) -> Emotion:
    """The value of an emotion's entry, whose files `found` finds. Raises as `personality_of`."""
    aliases = entry.get("aliases", [])
    if not isinstance(aliases, list):
        raise TypeError(f"the aliases of “{tag}” are no list")
    return Emotion(
        tag=tag,
        audio=found(entry["file"]),
        duration=float(entry["duration"]),
        transcript=str(entry.get("transcript", "")),
        language=str(entry.get("language", "")),
        aliases=tuple(str(alias) for alias in aliases),
        made=dict(entry.get("made", {})),
        words=words_from_config(entry.get("words", [])),
        clip=found(entry["clip"]) if entry.get("clip") else None,
    )


def from_archive(about: Mapping[str, Any], folder: Path) -> NewPersonality:
    """What a zip file, unpacked in `folder`, says of itself. Raises BadInput where that is not what
    a personality says."""
    try:
        return NewPersonality(
            name=str(about["name"]),
            emotions=tuple(
                _as_new(emotion_of(str(tag), entry, lambda name: _inside(folder, name)))
                for tag, entry in about["emotions"].items()
            ),
            language=str(about.get("language", "")),
            description=str(about.get("description", "")),
            note=str(about.get("note", "")),
            consent=consents.from_config(about.get("consent")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise BadInput(f"The zip holds no personality: {what}.", "Export it anew.") from error


@dataclass(frozen=True)
class Words:
    """What an emotion answers to."""

    tag: str
    aliases: tuple[str, ...]


def words_of(entries: Mapping[str, Entry]) -> list[Words]:
    """What each of the emotions answers to."""
    return [Words(tag, tuple(entry.get("aliases", ()))) for tag, entry in entries.items()]


def spelled(entries: Iterable[str], tag: str) -> str | None:
    """The tag as the config has it; None where it is not there."""
    return next((each for each in entries if fold(each) == fold(tag)), None)


def existing(entries: Iterable[str], tag: str) -> str:
    """The same; raises NotFound naming those there are."""
    found = spelled(entries, tag)
    if found is None:
        raise unknown("emotion", tag, entries)
    return found


def changed_entry(entry: Entry, tag: str, change: EmotionChange) -> Entry:
    """The entry of an emotion that is now called `tag`, as `change` asks."""
    new = dict(entry)
    if change.transcript is not None:
        new["transcript"] = clean_text(change.transcript, "transcript", MAX_TRANSCRIPT)
        if new["transcript"] != entry["transcript"]:
            new["words"] = []
    if change.words is not None:
        new["words"] = words_to_config(change.words)
    if change.language is not None:
        new["language"] = clean_language(change.language)
    aliases = entry["aliases"] if change.aliases is None else change.aliases
    new["aliases"] = list(clean_aliases(aliases, tag))
    return new


def check_consent(new: NewPersonality, limits: Limits, folder: Path) -> None:
    """Raise BadInput where the consent of `new`, which came in a zip, was given for a recording that
    is not its neutral one. `folder` is to be written to."""
    neutral = next((each for each in new.emotions if each.tag == NEUTRAL), None)
    if new.consent is None or neutral is None:
        return
    if put_in(folder, neutral.audio, limits).sha256 != new.consent.audio_sha256:
        raise BadInput(
            "The consent in that zip was given for another recording.",
            "Say whose voice it is when you import it.",
        )


def _as_new(emotion: Emotion) -> NewEmotion:
    if not all(0 <= word.start <= word.end <= emotion.duration + 1 for word in emotion.words):
        raise ValueError(f"the word timings of “{emotion.tag}” make no sense")
    return NewEmotion(
        tag=emotion.tag,
        audio=emotion.audio,
        transcript=emotion.transcript,
        language=emotion.language,
        aliases=emotion.aliases,
        made=emotion.made,
        words=emotion.words,
        clip=emotion.clip,
    )


def _inside(folder: Path, name: object) -> Path:
    path = folder / str(name)
    if path.parent != folder or not path.is_file():
        raise ValueError(f"the recording “{str(name)[:40]}” is not in it")
    return path
