"""Joining a stretch of one recording to a stretch of another so that the joint is not heard."""

from __future__ import annotations

from dataclasses import dataclass

from studio.audio.types import Audio


@dataclass(frozen=True)
class JoinSettings:
    """Which stretches are taken, and how they are joined. All in seconds unless it says otherwise."""

    own_s: float = 5.0  # of the person's own recording; less where it is shorter
    own_start: float | None = None  # None: the middle of what is spoken
    expressive_s: float = 5.0
    expressive_start: float = 0.0
    crossfade_ms: float = 100.0  # 50 to 200
    settle_s: float = 0.4  # how far an edge may move into a pause; 0: exactly as given
    sample_rate: int | None = None  # Hz; None: the higher of both, 24 to 48 kHz


@dataclass(frozen=True, eq=False)
class Joined:
    """The result. Its length is that of both stretches less the crossfade, to the sample."""

    audio: Audio
    own: tuple[float, float]  # s, in the own recording
    expressive: tuple[float, float]  # s, in the expressive one
    joint: tuple[float, float]  # s, in the result: the crossfade
    own_gain_db: float
    expressive_gain_db: float
