"""Reference recordings, kept by content so that a take can be made again with the same one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from studio.audio.fingerprint import fingerprint
from studio.audio.processing import loudness
from studio.audio.reading import Limits, read
from studio.audio.types import Audio
from studio.audio.writing import WavWriter
from studio.control import Control
from studio.errors import BadInput
from studio.files import publishing
from studio.services.takes import Reference

#: Below this there is too little to tell a voice from.
MIN_REFERENCE_S = 1.0


class ReferenceStore:
    """Mono 16-bit WAV files named by the hash of what they were made from."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits

    def keep(self, reference: Reference, control: Control) -> Reference:
        """A copy of `reference` (its region, where one is given) in the store, and of those that
        come with it.

        Raises BadInput when it is no sound, too short or silent, NotFound when it is gone.
        """
        more = tuple(self.keep(other, control) for other in reference.more)
        control.progress("reading the reference")
        known_by = fingerprint(reference.audio, reference.start, reference.end)
        path = self._folder / f"{known_by}.wav"
        text = reference.text.strip()
        kept = replace(reference, audio=path, text=text, start=None, end=None, more=more)
        if path.exists():
            return kept
        audio = read(reference.audio, limits=self._limits, start=reference.start, end=reference.end)
        require_voice(audio)
        with publishing(path) as partial, WavWriter(partial, audio.sample_rate) as writer:
            writer.append(audio.samples)
        return kept


def require_voice(audio: Audio) -> None:
    """Raise BadInput where there is too little to tell a voice from, or silence."""
    if audio.duration < MIN_REFERENCE_S:
        raise BadInput(f"The reference is {audio.duration:.1f} s long.", "Give 6-15 s of clean speech.")
    if loudness(audio) is None:
        raise BadInput("The reference is silent.", "Give 6-15 s of clean speech.")
