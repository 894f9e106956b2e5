"""Takes spoken through the services and timed from outside, as a listener hears them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import samples
from engines.base import Capability
from studio.errors import StudioError
from studio.services.studio import Studio
from studio.services.takes import Reference, SpeechOrder
from studio.settings import load_settings

#: How often a listener looks for more sound: tightly until the first, then as a player would, seconds.
_FIRST_POLL_S, _POLL_S = 0.0005, 0.01


@dataclass(frozen=True)
class Heard:
    """A take from its order to the finished file in the history."""

    first_s: float  # from the order to the first bytes of sound
    all_s: float  # from the order until the files are written
    audio_s: float  # of sound in the history
    streamed_s: float  # of sound that came through the stream

    @property
    def rtf(self) -> float:
        """Real-time factor: seconds of work for a second of sound, with all that belongs to it."""
        return self.all_s / self.audio_s


@contextmanager
def studio_in(folder: Path, measured: Path | None = None) -> Iterator[Studio]:
    """A studio in `folder`, warm as the server's is soon after its start; for `measured` see
    samples.share_measured."""
    settings = load_settings(home=folder / "home", models_dir=folder / "models")
    with Studio(settings) as studio:
        samples.share_measured(studio.workspace.voice_prompts, measured)
        studio.warm_up()
        yield studio


def preset(text: str) -> SpeechOrder:
    return SpeechOrder(Capability.PRESET, text, "espeak", speaker=samples.PLAIN)


def matched(text: str, speaker: samples.Speaker) -> SpeechOrder:
    reference = Reference(speaker.recordings[0], speaker.text)
    return SpeechOrder(Capability.CLONE, text, "espeak", language=samples.LANGUAGE, reference=reference)


def hear(studio: Studio, order: SpeechOrder) -> Heard:
    """Speak `order` and listen to it to the end. Raises what went wrong with the take."""
    begin = time.perf_counter()
    live = studio.speech.live(studio.speech.start(order))
    first, position = 0.0, 0
    while True:
        block, finished = live.read_pcm(position)
        now = time.perf_counter()
        if block and not position:
            first = now
        position += len(block)
        if finished:
            break
        if not block:
            time.sleep(_POLL_S if position else _FIRST_POLL_S)
    status = live.status
    if live.failure is not None:
        raise live.failure
    if status.record is None:
        raise StudioError("The take was not kept.", "")
    return Heard(first - begin, now - begin, status.record.duration, position / 2 / status.sample_rate)
