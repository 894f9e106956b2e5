"""How soon the embedded engine is heard through the services, and how fast it speaks."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import samples
from benchmarks.raw_espeak import RawEspeak
from benchmarks.report import Goal, Options, Report, Table, figure, figures
from benchmarks.takes import Heard, hear, matched, preset, studio_in
from studio.services.studio import Studio

GOAL_DELAY_MS = 50.0
GOAL_RTF_PRESET, GOAL_RTF_MATCHED = 0.02, 0.30

_SENTENCE = "The ferry leaves the northern harbour at seven and returns before dusk."


@dataclass(frozen=True)
class _Size:
    rounds: int  # of the first sound
    takes: int
    preset_chars: int
    matched_chars: int
    speakers: int


_FULL = _Size(rounds=15, takes=5, preset_chars=6_000, matched_chars=800, speakers=5)
_QUICK = _Size(rounds=1, takes=1, preset_chars=300, matched_chars=60, speakers=1)


def run(options: Options) -> Report:
    size = _QUICK if options.quick else _FULL
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        speakers = samples.speakers(options.recordings, folder)[: size.speakers]
        with studio_in(folder, options.measured) as studio:
            espeak = RawEspeak()
            delays = _first_audio(studio, espeak, size.rounds)
            text = samples.text_of(size.preset_chars)
            takes = [hear(studio, preset(text)) for _ in range(size.takes)]
            raw = espeak.speak(text, samples.PLAIN)
            matches = dict(_matched_speed(studio, speakers, size.matched_chars))
    delay = _delay_ms(delays)
    rtf = statistics.median(take.rtf for take in takes)
    rtf_matched = max(take.rtf for _, take in matches.values())
    return Report(
        (
            _delay_table(delays),
            Table(
                ("speed", "sound, s", "work, s", "real-time factor"),
                (
                    ("eSpeak NG itself", *figures((raw.audio_s, raw.all_s), 2), figure(raw.all_s / raw.audio_s, 4)),
                    _speed_row("preset voice, median", _middle(takes)),
                    *(_speed_row(f"voice match, {name}", take) for name, (_, take) in matches.items()),
                ),
            ),
            Table(
                ("voice match, first sound", "new recording, s", "known recording, s"),
                tuple((name, *figures((new, take.first_s), 2)) for name, (new, take) in matches.items()),
            ),
        ),
        (
            Goal("first sound after eSpeak NG's own, warm", delay, GOAL_DELAY_MS, "ms", 1),
            Goal("real-time factor, preset voice", rtf, GOAL_RTF_PRESET, digits=4),
            Goal("real-time factor, voice match, slowest", rtf_matched, GOAL_RTF_MATCHED, digits=3),
        ),
        (
            f"First sound: {size.rounds} takes each, in turn, in one process; eSpeak NG's own is the "
            "first callback that brings sound, the service's the first bytes that a listener can read. "
            f"Speed: takes of {size.preset_chars:,} characters (voice match: {size.matched_chars:,}), "
            "from the order to the finished files: levelled sound, sidecar, row in the history. "
            f"{samples.source_of(options.recordings)}",
        ),
    )  # fmt: skip


def _first_audio(studio: Studio, espeak: RawEspeak, rounds: int) -> list[tuple[float, float]]:
    """Seconds to the first sound, by eSpeak NG and by the service."""
    espeak.speak(_SENTENCE, samples.PLAIN)
    hear(studio, preset(_SENTENCE))
    return [
        (espeak.speak(_SENTENCE, samples.PLAIN).first_s, hear(studio, preset(_SENTENCE)).first_s)
        for _ in range(rounds)
    ]


def _matched_speed(
    studio: Studio, speakers: list[samples.Speaker], characters: int
) -> Iterator[tuple[str, tuple[float, Heard]]]:
    """For each speaker the seconds to the first sound with a new recording, and a take after that."""
    text = samples.text_of(characters)
    for speaker in speakers:
        new = hear(studio, matched(_SENTENCE, speaker)).first_s
        yield speaker.name, (new, hear(studio, matched(text, speaker)))


def _delay_ms(delays: list[tuple[float, float]]) -> float:
    return statistics.median(service - raw for raw, service in delays) * 1000


def _delay_table(delays: list[tuple[float, float]]) -> Table:
    columns = ("first sound", "median, ms", "fastest, ms", "slowest, ms")
    rows = []
    for what, seconds in zip(
        ("eSpeak NG itself", "through the services"), zip(*delays, strict=True), strict=True
    ):
        middle, fastest, slowest = statistics.median(seconds), min(seconds), max(seconds)
        rows.append((what, *figures((middle * 1000, fastest * 1000, slowest * 1000), 1)))
    return Table(columns, tuple(rows))


def _middle(takes: list[Heard]) -> Heard:
    return sorted(takes, key=lambda take: take.rtf)[len(takes) // 2]


def _speed_row(what: str, take: Heard) -> tuple[str, ...]:
    return (what, *figures((take.audio_s, take.all_s), 2), figure(take.rtf, 4))
