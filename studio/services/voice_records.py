"""A saved voice as its config.json keeps it, and as it travels in a zip."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from studio.errors import BadInput
from studio.library import Library
from studio.library_config import Config
from studio.names import clean_name
from studio.services import consent as consents
from studio.services.recordings import Recording, words_from_config, words_to_config
from studio.services.voice_values import NewVoice, Voice, VoiceChange
from studio.text.given import clean_language, clean_text

KIND = "voice"
VERSION = 1

MAX_TRANSCRIPT = 20_000  # characters
MAX_NOTE = 4_000
MAX_TAGS = 20
MAX_TAG = 40

#: The recording's name in a zip.
_SOUND = "voice.wav"
#: What of a config goes with a zip; whose it is and the favourites stay at home.
_TRAVELS = ("name", "transcript", "language", "tags", "note", "words", "consent")


def config_of(new: NewVoice) -> Config:
    """What is kept of `new` besides its name and its sound. Raises BadInput for a text that is too
    long and for what is no language."""
    return {
        "transcript": clean_text(new.transcript, "transcript", MAX_TRANSCRIPT),
        "language": clean_language(new.language),
        "tags": list(clean_tags(new.tags)),
        "note": clean_text(new.note, "note", MAX_NOTE),
        "favourite": False,
        "origin": new.origin,
        "words": words_to_config(new.words),
    }


def changed(config: Config, change: VoiceChange) -> Config:
    """`config` with what `change` says, but for the consent. Another transcript drops the times of
    the words, for they are those of the old one."""
    new = dict(config)
    if change.name is not None:
        new["name"] = clean_name(change.name)
    if change.transcript is not None:
        new["transcript"] = clean_text(change.transcript, "transcript", MAX_TRANSCRIPT)
        if new["transcript"] != config.get("transcript", ""):
            new["words"] = []
    if change.language is not None:
        new["language"] = clean_language(change.language)
    if change.tags is not None:
        new["tags"] = list(clean_tags(change.tags))
    if change.note is not None:
        new["note"] = clean_text(change.note, "note", MAX_NOTE)
    if change.favourite is not None:
        new["favourite"] = change.favourite
    return new


def sound_config(recording: Recording) -> Config:
    """What is kept of a voice's sound."""
    return {
        "audio": recording.file,
        "duration": round(recording.duration, 3),
        "audio_sha256": recording.sha256,
    }


def voice_of(library: Library, id: str, config: Config) -> Voice:
    """The value of a config. Raises Damaged where the sound is gone, KeyError, TypeError or
    ValueError where something makes no sense."""
    return Voice(
        id=id,
        name=config["name"],
        created=config["created"],
        changed=config["changed"],
        owner=config["owner"],
        audio=library.file(id, config["audio"]),
        duration=float(config["duration"]),
        transcript=str(config.get("transcript", "")),
        language=str(config.get("language", "")),
        tags=_strings(config.get("tags", [])),
        note=str(config.get("note", "")),
        favourite=bool(config.get("favourite", False)),
        origin=str(config.get("origin", "upload")),
        words=words_from_config(config.get("words", [])),
        consent=consents.from_config(config.get("consent")),
    )


def to_archive(voice: Voice, config: Config) -> tuple[dict[str, Path], dict[str, Any]]:
    """The files and the `about` of a voice's zip."""
    about = {key: config[key] for key in _TRAVELS if key in config}
    return {_SOUND: voice.audio}, about | {"audio": _SOUND}


def from_archive(about: Mapping[str, Any], folder: Path) -> NewVoice:
    """What a zip holds that was unpacked into `folder`. Raises BadInput where it makes no sense."""
    try:
        if about["audio"] != _SOUND:
            raise ValueError
        return NewVoice(
            name=_text(about["name"]),
            audio=folder / _SOUND,
            transcript=_text(about.get("transcript", "")),
            language=_text(about.get("language", "")),
            tags=_strings(about.get("tags", [])),
            note=_text(about.get("note", "")),
            origin="import",
            words=words_from_config(about.get("words", [])),
            consent=consents.from_config(about.get("consent")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(
            "That zip does not describe a voice as Timbre does.", "Export it from Timbre again."
        ) from error


def mentions(voice: Voice, search: str) -> bool:
    """Whether each word of `search` is in what the voice says of itself, whatever the case."""
    person = voice.consent.person if voice.consent else ""
    about = folded("\n".join((voice.name, voice.note, voice.transcript, person, *voice.tags)))
    return all(word in about for word in folded(search).split())


def clean_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Each tag once, whatever its case. Raises BadInput for too many or too long ones."""
    kept: dict[str, str] = {}
    for tag in tags:
        if tag.strip():
            word = clean_name(tag)
            if len(word) > MAX_TAG:
                raise BadInput(
                    f"The tag “{word[:20]}…” is too long.", f"Use at most {MAX_TAG} characters."
                )
            kept.setdefault(folded(word), word)
    if len(kept) > MAX_TAGS:
        raise BadInput(f"There are {len(kept)} tags.", f"Use at most {MAX_TAGS}.")
    return tuple(kept.values())


def folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is no text")
    return value


def _strings(values: object) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError("the tags are no list")
    return tuple(_text(value) for value in values)
