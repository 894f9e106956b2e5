"""Saved voices: named recordings to speak like, kept in a library on the disk."""

from __future__ import annotations

import builtins
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from engines.base import WordTiming
from studio import archives
from studio.audio.reading import Limits
from studio.audio.writing import encode
from studio.errors import BadInput, NotFound, unknown
from studio.files import publishing
from studio.library import Damage, Library
from studio.library_config import Config
from studio.services import consent as consents
from studio.services.history import History
from studio.services.personalities import PersonalityService
from studio.services.recordings import put_in
from studio.services.takes import Reference, TakeRecord, TakeState
from studio.services.voice_records import (
    KIND,
    VERSION,
    changed,
    config_of,
    folded,
    from_archive,
    mentions,
    sound_config,
    to_archive,
    voice_of,
)
from studio.services.voice_values import Consent, NewVoice, Voice, VoiceChange, VoiceUses


class VoiceService:
    """Thread-safe, and safe beside other processes. What is not the owner's is not found."""

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        consent_required: bool,
        history: History,
        personalities: PersonalityService,
    ) -> None:
        self._library = Library(folder, KIND, VERSION)
        self._limits, self.consent_required = limits, consent_required
        self._history, self._personalities = history, personalities

    def list(
        self, owner: str, search: str = "", favourites: bool = False, tag: str = ""
    ) -> builtins.list[Voice]:
        """The owner's by name; those with each word of `search` in their name, note, tags,
        transcript or person, and with `tag`, where these are given."""
        found, _ = self._library.values(self._value)
        mine = [
            voice
            for voice in found
            if voice.owner == owner
            and (voice.favourite or not favourites)
            and (not tag or folded(tag) in map(folded, voice.tags))
            and mentions(voice, search)
        ]
        return sorted(mine, key=lambda voice: (folded(voice.name), voice.id))

    def damaged(self) -> tuple[Damage, ...]:
        """Those that cannot be read; they stay where they are and the others load."""
        return self._library.values(self._value)[1]

    def get(self, id_or_name: str, owner: str) -> Voice:
        """By its id, or by its name whatever the case. Raises NotFound naming those there are."""
        mine, wanted = self.list(owner), folded(id_or_name.strip())
        for voice in mine:
            if voice.id == id_or_name:
                return voice
        for voice in mine:
            if folded(voice.name) == wanted:
                return voice
        raise unknown("saved voice", id_or_name, [voice.name for voice in mine])

    def create(self, new: NewVoice, owner: str, renumber: bool = False) -> Voice:
        """A new entry; with `renumber` one whose name is taken gets a number behind it. The times of
        its words count from the start of the part that is taken.

        Raises BadInput: a name that is taken, no sound, a second or less of it, silence, a consent
        that is required and missing.
        """
        consents.check(new.consent, self.consent_required)
        config = config_of(new)

        def make(folder: Path) -> Config:
            recording = put_in(folder, new.audio, self._limits, new.start, new.end)
            consent = consents.of_audio(new.consent, recording.sha256, self.consent_required)
            return config | sound_config(recording) | {"consent": consents.to_config(consent)}

        return self._read(self._library.create(new.name, owner, make, renumber))

    def change(self, id: str, owner: str, change: VoiceChange) -> Voice:
        """Raises NotFound, and BadInput as `create` does."""

        def update(config: Config, folder: Path) -> Config:
            new = changed(config, change)
            if change.consent is not None:
                consent = consents.of_audio(
                    change.consent, str(config["audio_sha256"]), self.consent_required
                )
                new["consent"] = consents.to_config(consent)
            return new

        return self._change(id, owner, update)

    def replace_audio(self, id: str, owner: str, path: Path) -> Voice:
        """Another recording of the same person saying the same, such as a cleaned one: the consent
        goes over to it, the times of the words do not. Raises NotFound, BadInput as `create`."""

        def update(config: Config, folder: Path) -> Config:
            recording = put_in(folder, path, self._limits)
            consent = consents.from_config(config.get("consent"))
            if consent is not None:
                consent = replace(consent, audio_sha256=recording.sha256)
            return config | sound_config(recording) | {
                "words": [],
                "consent": consents.to_config(consent),
            }  # fmt: skip

        return self._change(id, owner, update)

    def duplicate(self, id: str, owner: str, name: str) -> Voice:
        """A copy with a name of its own. Raises NotFound, and BadInput where the name is taken."""
        voice = self.get(id, owner)
        return self.create(
            NewVoice(
                name=name,
                audio=voice.audio,
                transcript=voice.transcript,
                language=voice.language,
                tags=voice.tags,
                note=voice.note,
                origin="copy",
                words=voice.words,
                consent=voice.consent,
            ),
            owner,
        )

    def uses(self, id: str, owner: str) -> VoiceUses:
        """What was made from a voice: takes in the history, and personalities."""
        voice = self.get(id, owner)
        return VoiceUses(
            takes=self._history.made_from(voice.id, owner),
            personalities=self._personalities.made_from(voice.id, owner),
        )

    def delete(self, id: str, owner: str, keep_as: Path | None = None) -> None:
        """Remove a voice; what was made from it stays. With `keep_as` its recording is written there
        before, in the format that the ending names. Raises NotFound."""
        voice = self.get(id, owner)
        if keep_as is not None:
            self._copy(voice.audio, keep_as)
        self._library.delete(voice.id)

    def export(self, id: str, owner: str, target: Path) -> Path:
        """Write a voice into a zip file, whole or not at all; returns `target`."""
        voice = self.get(id, owner)
        files, about = to_archive(voice, self._library.read(voice.id))
        archives.write_archive(target, KIND, VERSION, files, about)
        return target

    def import_zip(self, path: Path, owner: str, consent: Consent | None = None) -> Voice:
        """The voice of a zip file, under its own name or with a number behind it. `consent` counts
        more than the one in the file.

        Raises BadInput for what is no voice, damaged, hostile or from a newer Timbre, and where the
        consent in the file is that for another recording.
        """
        with self._library.scratch() as folder:
            new = from_archive(archives.read_archive(path, KIND, VERSION, folder), folder)
            if consent is None and new.consent is not None:
                kept = put_in(folder, new.audio, self._limits)
                if kept.sha256 != new.consent.audio_sha256:
                    raise BadInput(
                        "The consent in that zip was given for another recording.",
                        "Say whose voice it is when you import it.",
                    )
            return self.create(replace(new, consent=consent or new.consent), owner, renumber=True)

    def from_take(
        self,
        take_id: str,
        owner: str,
        name: str,
        consent: Consent | None = None,
        change: VoiceChange | None = None,
    ) -> Voice:
        """A voice that speaks like a take of the history.

        One that was designed, or is an engine's own, is nobody's and says so by itself; a cloned
        one has the consent of the voice or the personality it was made from. `consent` counts more
        than either, and what `change` says of the rest more than what the take says of itself.
        Raises NotFound, and BadInput as `create` does.
        """
        take = self._history.get(take_id, owner)
        words = self._history.words(take)
        new = NewVoice(
            name=name,
            audio=self._history.path(take),
            transcript=self._heard(take, words),
            language=take.language,
            origin="take",
            words=words,
            consent=consent or self._consent_of(take),
        )
        return self.create(_with(new, change) if change is not None else new, owner)

    def reference(self, voice: Voice) -> Reference:
        """What an engine speaks like."""
        return Reference(voice.audio, voice.transcript, voice=voice.id, name=voice.name)

    def _heard(self, take: TakeRecord, words: Iterable[WordTiming]) -> str:
        """What a take says: the text of one that broke off says more, and tags are not spoken."""
        if take.mode == "personality":
            parts = self._history.sidecar(take).get("parts", ())
            return " ".join(str(part["text"]).strip() for part in parts)
        if take.status != TakeState.DONE.value:
            return " ".join(word.text for word in words)
        return take.text

    def _consent_of(self, take: TakeRecord) -> Consent | None:
        """That of whoever is heard in a take; None where it is not known."""
        if take.mode in ("preset", "design"):
            return consents.synthetic(time.time())
        reference, personality = take.settings.get("reference"), take.settings.get("personality")
        try:
            if isinstance(reference, dict) and reference.get("voice"):
                return self.get(str(reference["voice"]), take.owner).consent
            if personality:
                return self._personalities.get(str(personality), take.owner).consent
        except NotFound:  # it was deleted
            return None
        return None

    def _copy(self, source: Path, target: Path) -> None:
        if target.suffix.lower() == ".wav":
            with publishing(target) as partial:
                shutil.copyfile(source, partial)
        else:
            encode(source, target, target.suffix)

    def _value(self, id: str, config: Config) -> Voice:
        return voice_of(self._library, id, config)

    def _read(self, id: str) -> Voice:
        return self._library.value(id, self._value)

    def _change(self, id: str, owner: str, update: Callable[[Config, Path], Config]) -> Voice:
        id = self.get(id, owner).id
        self._library.change(id, update)
        return self._read(id)


def _with(new: NewVoice, change: VoiceChange) -> NewVoice:
    """`new` with the texts of `change`; the times of the words are those of its own transcript."""
    own = change.transcript in (None, new.transcript)
    return replace(
        new,
        transcript=new.transcript if change.transcript is None else change.transcript,
        language=new.language if change.language is None else change.language,
        tags=new.tags if change.tags is None else change.tags,
        note=new.note if change.note is None else change.note,
        words=new.words if own else (),
    )
