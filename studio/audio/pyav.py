"""PyAV, whole: `from studio.audio.pyav import av` where it is needed.

Its parts import each other in a circle: two threads of which each is the first to need it would find them half
made, and the process can break down. Whoever imports this module waits until it is all there.
"""

from __future__ import annotations

import av
import av.audio.resampler
import av.filter
import av.sidedata.sidedata
import av.stream
import av.video.reformatter

__all__ = ["av"]
