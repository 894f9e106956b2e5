"""Writing an MP4 from pictures in memory and a sound file: streaming, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from studio.audio import reading
from studio.audio.types import Samples
from studio.audio.writing import folded_tags, format_named
from studio.files import publishing, storage_errors
from studio.video.types import Picture

SYNTHETIC_VIDEO_MARK = "AI-generated video made with Timbre"
#: What machines read, from the vocabulary of the IPTC.
_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"

_CRF = 20  # x264's constant quality: 18 is hardly told from the original, 23 the default
_PRESET = "veryfast"
_KEY_FRAME_S = 2  # how far apart players find places to jump to
_BT709 = 1  # AVCOL_SPC_BT709


class VideoWriter:
    """An MP4 in the making: H.264 (4:2:0) and AAC, playable while it is still loading; a context manager.

    `write` takes the pictures in order and adds the sound that belongs to each, so that memory does not
    grow with the length. The sound is cut or filled with silence to the length of the pictures. `close`
    publishes the file; where the block around it raises, or `close` is not reached, nothing is left behind.
    A side with an odd number of pixels gets one more, a repetition of its edge.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        fps: int,
        sound: Path,
        metadata: Mapping[str, str] | None = None,
        crf: int = _CRF,
    ) -> None:
        """`size` is width and height in pixels. `metadata` holds title, artist, ..., other names become
        lines of the comment, which always begins by saying that the video is AI-generated. Raises BadInput
        where the sound cannot be read, StorageFailed."""
        from studio.audio.pyav import av

        self.path = path
        self.size = size
        self.fps = fps
        self.frames = 0  # written
        self._convert = av.video.reformatter.VideoReformatter().reformat
        facts = reading.probe(sound)
        self._rate = format_named("m4a").nearest_rate(facts.sample_rate)
        self._sound = _Sound(reading.blocks(sound, self._rate))
        self._sound_at = 0  # samples given to the encoder
        with ExitStack() as stack:
            partial = stack.enter_context(publishing(path))
            with storage_errors(path):
                # faststart puts the index first, so that a browser can play before it has everything.
                self._container = av.open(
                    str(partial.resolve()), "w", format="mp4", options={"movflags": "+faststart"}
                )
            stack.callback(self._let_go)
            self._container.metadata.update(_marked(metadata or {}))
            self._video = self._video_stream(crf)
            self._audio: Any = self._container.add_stream("aac", rate=self._rate, layout="mono")
            self._audio.bit_rate = 64_000 if self._rate <= 24_000 else 96_000
            stack.callback(self._sound.close)
            self._open = stack.pop_all()

    def write(self, picture: Picture) -> None:
        """Add the next picture, uint8 [height, width, 3] of the writer's size, and its sound; it is not
        kept. Raises StorageFailed, and BadInput where the sound is damaged."""
        from av.video.reformatter import ColorRange, Colorspace

        from studio.audio.pyav import av

        width, height = self.size
        if picture.shape != (height, width, 3) or picture.dtype != np.uint8:
            raise ValueError(
                f"a picture of {picture.shape} {picture.dtype} in a video of {width} x {height}"
            )
        if width % 2 or height % 2:
            picture = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        frame = self._convert(
            frame,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )
        frame.pts, frame.time_base = self.frames, Fraction(1, self.fps)
        with storage_errors(self.path):
            self._container.mux(self._video.encode(frame))
            self.frames += 1
            self._add_sound(round(self.frames * self._rate / self.fps))

    def close(self) -> None:
        """Finish the file and publish it; once. Raises StorageFailed, and ValueError where there were no
        pictures."""
        with self._open, storage_errors(self.path):
            if not self.frames:
                raise ValueError("a video without pictures")
            self._container.mux(self._video.encode(None))
            self._container.mux(self._audio.encode(None))
            self._container.close()

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._open.__exit__(kind, error, trace)

    def _video_stream(self, crf: int) -> Any:
        from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc

        width, height = self.size
        options = {"crf": str(crf), "preset": _PRESET}
        stream: Any = self._container.add_stream("libx264", rate=self.fps, options=options)
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.gop_size = _KEY_FRAME_S * self.fps
        context.thread_count = 0  # as many as x264 thinks best
        # Said in the file, for players take what is unsaid for one thing or another by its height.
        context.colorspace, context.color_range = _BT709, ColorRange.MPEG
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        return stream

    def _add_sound(self, until: int) -> None:
        """Encode the sound up to sample `until`."""
        from studio.audio.pyav import av

        frame = av.AudioFrame.from_ndarray(
            self._sound.take(until - self._sound_at)[np.newaxis], format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = self._rate, self._sound_at
        self._sound_at = until
        self._container.mux(self._audio.encode(frame))

    def _let_go(self) -> None:
        """Close the container whatever has happened: what is left unfinished is about to be removed."""
        from studio.audio.pyav import av

        with suppress(av.FFmpegError, OSError, ValueError):
            self._container.close()


class _Sound:
    """Sound that comes in blocks, taken in other ones; after its end silence."""

    def __init__(self, blocks: Iterator[Samples]) -> None:
        self._blocks = blocks
        self._held: Samples = np.zeros(0, np.float32)

    def take(self, count: int) -> Samples:
        """The next `count` samples, float32."""
        while len(self._held) < count:
            block = next(self._blocks, None)
            if block is None:
                block = np.zeros(count, np.float32)
            self._held = np.concatenate([self._held, block])
        taken, self._held = self._held[:count], self._held[count:]
        return taken

    def close(self) -> None:
        """Let go of the file."""
        self._blocks = iter(())


def _marked(metadata: Mapping[str, str]) -> dict[str, str]:
    """The tags, with the mark before their comment."""
    comment = metadata.get("comment", "")
    mark = f"{SYNTHETIC_VIDEO_MARK}. {comment}".rstrip()
    return folded_tags({**metadata, "comment": mark, "digitalSourceType": _SOURCE_TYPE})
