"""What a window shows of the making and of the videos."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """The timer changes it once, when a video is done; all else is pressed."""

    task: str = ""  # the making that is followed, or was last
    over: bool = True  # whether it has ended and that is shown
    video: str = ""  # id of the one below
    offset: int = 0  # of the list
