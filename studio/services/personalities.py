"""Personalities: named voices with several ways to speak, kept in a library on the disk."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio import archives
from studio.audio.reading import Limits
from studio.errors import BadInput, Damaged, unknown
from studio.library import Damage, Library
from studio.library_config import Config
from studio.services import consent as consents
from studio.services.personality_records import (
    KIND,
    TRAVELS,
    VERSION,
    Words,
    changed_entry,
    check_consent,
    existing,
    files_of,
    from_archive,
    in_order,
    personality_of,
    spelled,
    take_in,
    words_of,
)
from studio.services.personality_rules import (
    MAX_NOTE,
    check_distinct,
    check_neutral,
    clean_tag,
    only_one_neutral,
)
from studio.services.personality_values import (
    NEUTRAL,
    Emotion,
    EmotionChange,
    NewEmotion,
    NewPersonality,
    Personality,
    PersonalityChange,
)
from studio.services.takes import Reference
from studio.services.voice_values import Consent
from studio.text.given import clean_language, clean_text

#: An unfinished build, as JSON holds it.
Build = Mapping[str, Any]


class PersonalityService:
    """Thread-safe, and safe beside other processes. What is not the owner's is not found."""

    def __init__(self, folder: Path, limits: Limits, consent_required: bool) -> None:
        self._library = Library(folder, KIND, VERSION)
        self._limits, self.consent_required = limits, consent_required

    def list(self, owner: str, search: str = "") -> list[Personality]:
        """The owner's by name; where `search` is given, those that have each of its words in their
        name, description, note or emotions."""
        words = search.casefold().split()
        found, _ = self._library.values(self._value)
        mine = [each for each in found if each.owner == owner and _mentions(each, words)]
        return sorted(mine, key=lambda each: (each.name.casefold(), each.id))

    def damaged(self) -> tuple[Damage, ...]:
        """Those that cannot be read; they stay where they are and the others load."""
        return self._library.values(self._value)[1]

    def get(self, id_or_name: str, owner: str) -> Personality:
        """By its id, or by its name whatever the case. Raises NotFound naming those there are, and
        Damaged for one that is set aside."""
        mine = self.list(owner)
        wanted = id_or_name.strip().casefold()
        for each in mine:
            if id_or_name == each.id:
                return each
        for each in mine:
            if wanted == each.name.casefold():
                return each
        self._refuse_damaged(id_or_name, owner)
        raise unknown("personality", id_or_name, [each.name for each in mine])

    def _refuse_damaged(self, id_or_name: str, owner: str) -> None:
        """Say what is wrong with it where it is there and cannot be read."""
        for damage in self.damaged():
            try:
                config = self._library.read(damage.id)
            except Damaged:  # whose it is cannot be told
                config = {}
            names = (damage.id, str(config.get("name", damage.id)))
            if config.get("owner", owner) == owner and id_or_name.strip() in names:
                raise Damaged(
                    f"The personality “{names[1]}” cannot be used: {damage.message}",
                    f"Restore the file from a copy, or remove the folder {damage.id}.",
                )

    def create(
        self, new: NewPersonality, owner: str, build: Build | None = None, renumber: bool = False
    ) -> Personality:
        """A new entry. With `renumber`, one whose name is taken gets a number behind it.

        Raises BadInput: no neutral emotion, a word that means two emotions, a recording that is
        silent or none, a name that is taken, consent that is required and missing.
        """
        consents.check(new.consent, self.consent_required)
        check_neutral([Words(clean_tag(each.tag), ()) for each in new.emotions])
        config: Config = {
            "language": clean_language(new.language),
            "description": clean_text(new.description, "description", MAX_NOTE),
            "note": clean_text(new.note, "note", MAX_NOTE),
            "voice": new.voice,
            "build": build,
        }

        def make(folder: Path) -> Config:
            emotions = [take_in(emotion, self._limits, folder) for emotion in new.emotions]
            check_distinct(emotions)
            neutral = next(each for each in emotions if each.tag == NEUTRAL)
            consent = consents.of_audio(new.consent, neutral.sha256, self.consent_required)
            return config | {
                "consent": consents.to_config(consent),
                "emotions": in_order({each.tag: each.entry for each in emotions}),
            }

        return self._read(self._library.create(new.name, owner, make, renumber))

    def change(self, id: str, owner: str, change: PersonalityChange) -> Personality:
        """Raises NotFound, and BadInput for a name that is taken."""
        consent = change.consent
        if consent is not None:
            neutral = self.get(id, owner).emotions[0].audio
            consent = consents.of_audio(
                consent, hashlib.sha256(neutral.read_bytes()).hexdigest(), self.consent_required
            )
        wanted = {
            "name": change.name,
            "language": None if change.language is None else clean_language(change.language),
            "description": _text(change.description, "description"),
            "note": _text(change.note, "note"),
            "consent": consents.to_config(consent),
        }
        given = {key: value for key, value in wanted.items() if value is not None}
        return self._change(id, owner, lambda config, folder: config | given)

    def add_emotion(
        self, id: str, owner: str, emotion: NewEmotion, replace: bool = False
    ) -> Personality:
        """Add an emotion; with `replace`, in place of the one with that tag, which for the neutral
        one means a recording of the same person: the consent goes over to it. Raises BadInput where
        it has no usable recording, or its tag or an alias means one that is there."""
        with self._library.scratch() as scratch:
            taken = take_in(emotion, self._limits, scratch)

            def update(config: Config, folder: Path) -> Config:
                old = spelled(config["emotions"], taken.tag) if replace else None
                entries = {tag: entry for tag, entry in config["emotions"].items() if tag != old}
                check_distinct([*words_of(entries), taken])
                entries[taken.tag] = taken.move_to(folder)
                if taken.tag == NEUTRAL and config.get("consent"):  # of the same person
                    config["consent"]["audio_sha256"] = taken.sha256
                return config | {"emotions": in_order(entries)}

            return self._change(id, owner, update)

    def change_emotion(self, id: str, owner: str, tag: str, change: EmotionChange) -> Personality:
        """Raises NotFound for a tag that is not there, BadInput for a new one that cannot be."""

        def update(config: Config, folder: Path) -> Config:
            entries = config["emotions"]
            old = existing(entries, tag)
            new = old if change.tag is None else clean_tag(change.tag)
            if (old == NEUTRAL) != (new == NEUTRAL):
                raise only_one_neutral(old)
            changed = {each: entry for each, entry in entries.items() if each != old}
            check_distinct([*words_of(changed), Words(new, ())])
            changed[new] = changed_entry(entries[old], new, change)
            check_distinct(words_of(changed))
            order = [new if each == old else each for each in entries]
            return config | {"emotions": in_order({each: changed[each] for each in order})}

        return self._change(id, owner, update)

    def remove_emotion(self, id: str, owner: str, tag: str) -> Personality:
        """Raises NotFound for a tag that is not there, BadInput for the neutral one."""

        def update(config: Config, folder: Path) -> Config:
            old = existing(config["emotions"], tag)
            if old == NEUTRAL:
                raise BadInput(
                    "The neutral emotion cannot be removed.", "Replace its recording instead."
                )
            left = {each: entry for each, entry in config["emotions"].items() if each != old}
            return config | {"emotions": left}

        return self._change(id, owner, update)

    def save_build(
        self,
        id: str,
        owner: str,
        update_build: Callable[[Build | None], Build | None],
        emotion: NewEmotion | None = None,
        replaces: bool = False,
    ) -> Personality:
        """Keep how far a build has come and, in the same step, what it has made. Where there is an
        emotion of that tag, it stays and the built one is dropped; with `replaces` the built one
        takes its place and its aliases."""
        with self._library.scratch() as scratch:
            taken = take_in(emotion, self._limits, scratch) if emotion is not None else None

            def update(config: Config, folder: Path) -> Config:
                entries = config["emotions"]
                old = spelled(entries, taken.tag) if taken is not None else None
                if taken is not None and old is None:
                    check_distinct([*words_of(entries), taken])
                    entries[taken.tag] = taken.move_to(folder)
                elif taken is not None and old is not None and replaces:
                    entries[old] = taken.move_to(folder) | {"aliases": entries[old]["aliases"]}
                return config | {"build": update_build(config.get("build"))}

            return self._change(id, owner, update)

    def duplicate(self, id: str, owner: str, name: str) -> Personality:
        """A copy under another name. Raises BadInput where that is taken."""
        original = self.get(id, owner)

        def make(folder: Path) -> Config:
            for name, file in files_of(original).items():
                shutil.copyfile(file, folder / name)
            return self._library.read(original.id)

        return self._read(self._library.create(name, owner, make))

    def delete(self, id: str, owner: str) -> None:
        """Remove it with its recordings. What was spoken with it stays in the history."""
        self._library.delete(self.get(id, owner).id)

    def export(self, id: str, owner: str, target: Path) -> Path:
        """Write it to a zip file and return that. An unfinished build and the link to a saved voice
        stay behind: neither means anything elsewhere."""
        personality = self.get(id, owner)
        config = self._library.read(personality.id)
        about = {key: config.get(key) for key in TRAVELS}
        archives.write_archive(target, KIND, VERSION, files_of(personality), about)
        return target

    def import_zip(self, path: Path, owner: str, consent: Consent | None = None) -> Personality:
        """The personality of a zip file, under its own name or with a number behind it. `consent`
        counts more than the one in the file.

        Raises BadInput for what is no personality, damaged, hostile or from a newer Timbre, and where
        the consent in the file is that for another recording.
        """
        with self._library.scratch() as folder:
            new = from_archive(archives.read_archive(path, KIND, VERSION, folder), folder)
            if consent is None:
                check_consent(new, self._limits, folder)
            return self.create(replace(new, consent=consent or new.consent), owner, renumber=True)

    def made_from(self, voice: str, owner: str) -> tuple[str, ...]:
        """The names of those that were made from the saved voice with this id."""
        return tuple(each.name for each in self.list(owner) if each.voice == voice)

    def reference(self, emotion: Emotion) -> Reference:
        """What an engine speaks like for this emotion."""
        return Reference(emotion.audio, emotion.transcript)

    def _value(self, id: str, config: Config) -> Personality:
        return personality_of(self._library, id, config)

    def _read(self, id: str) -> Personality:
        return self._library.value(id, self._value)

    def _change(self, id: str, owner: str, update: Callable[[Config, Path], Config]) -> Personality:
        id = self.get(id, owner).id
        self._library.change(id, update)
        return self._read(id)


def _text(text: str | None, what: str) -> str | None:
    return None if text is None else clean_text(text, what, MAX_NOTE)


def _mentions(personality: Personality, words: Iterable[str]) -> bool:
    about = [personality.name, personality.description, personality.note]
    about += [word for each in personality.emotions for word in (each.tag, *each.aliases)]
    text = "\n".join(about).casefold()
    return all(word in text for word in words)
