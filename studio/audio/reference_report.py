"""The report on a reference recording: what was measured, and what to make of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from studio.audio.snr import Snr


class Level(str, Enum):
    """How much a finding matters."""

    GOOD = "good"
    ADVICE = "advice"  # it works, and could be better
    PROBLEM = "problem"  # the voice will suffer from it

    def __str__(self) -> str:
        return self.value


#: The worst first.
LEVELS = (Level.PROBLEM, Level.ADVICE, Level.GOOD)


@dataclass(frozen=True)
class Finding:
    """One thing that was judged."""

    #: What it is about: "silence", "speech", "length", "ends", "loudness", "noise", "clipping",
    #: "sample_rate", "bandwidth", "speakers", "music", "transcript".
    code: str
    level: Level
    message: str  # a sentence with the figure
    remedy: str = ""  # what to do about it, a sentence; "" where it is good
    fixable: bool = False  # cleaning up helps


@dataclass(frozen=True)
class ReferenceReport:
    """What was measured of a recording, or of a part of it."""

    duration: float  # s
    leading_s: float  # silence before the first sound
    trailing_s: float  # silence after the last one
    lufs: float | None  # loudness; None: silent, or shorter than 0.4 s
    peak_dbfs: float | None  # the largest sample; None: nothing but zeros
    clipped_share: float  # of the samples, 0 to 1
    snr: Snr
    sample_rate: int  # Hz
    bandwidth_hz: float | None  # up to where there is sound; None: it cannot be told
    findings: tuple[Finding, ...]

    @property
    def snr_db(self) -> float | None:
        """None where it cannot be told; `snr.reason` says why."""
        return self.snr.db

    @property
    def level(self) -> Level:
        """The worst of the findings."""
        found = {finding.level for finding in self.findings}
        return next((level for level in LEVELS if level in found), Level.GOOD)

    @property
    def fixable(self) -> bool:
        """Whether cleaning up would help."""
        return any(finding.fixable for finding in self.findings)

    def finding(self, code: str) -> Finding | None:
        """The finding of that code, where there is one."""
        return next((finding for finding in self.findings if finding.code == code), None)


def report_lines(report: ReferenceReport) -> tuple[str, ...]:
    """A sentence or two for each finding, the worst first."""
    ranked = sorted(report.findings, key=lambda finding: LEVELS.index(finding.level))
    return tuple(f"{finding.message} {finding.remedy}".strip() for finding in ranked)
