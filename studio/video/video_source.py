"""An open video in PyAV: its header, and its frames turned and scaled as they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from studio.audio.opening import Tolerant
from studio.errors import BadInput
from studio.video.pictures import fitted, is_heif
from studio.video.types import Picture

if TYPE_CHECKING:
    import av

#: What PyAV may open and decode. No hls, concat, dash or image lists: those name other files.
_CONTAINERS = "mov,matroska,webm,avi,mpegts,mpeg,flv,asf,ogg,mjpeg"
_CODECS = (
    "h264,hevc,av1,libdav1d,vp8,libvpx,vp9,libvpx-vp9,mpeg4,mpeg1video,mpeg2video,mjpeg,h263,h263i,flv,"
    "msmpeg4,msmpeg4v2,wmv1,wmv2,wmv3,vc1,theora,prores,dvvideo,ffv1,huffyuv,rawvideo"
)
#: A frame that is shown for no known time is shown for this one, seconds.
_FRAME_S = 1 / 25


class VideoSource:
    """The picture track of an open container; made by `open_video`."""

    def __init__(self, container: av.container.InputContainer, name: str) -> None:
        self._container = container
        self._name = name
        self._stream = stream = _picture_streams(container)[0]
        self._first: float | None = None  # seconds, on the container's clock
        self._last = 0.0
        #: As the header has it: not turned yet, and not to be trusted.
        self.coded_pixels = stream.codec_context.width * stream.codec_context.height
        self.tags = {key.lower(): value for key, value in container.metadata.items()}
        self.has_sound = bool(container.streams.audio)
        self.frames: int | None = stream.frames or None
        #: What the header tells of the frames a second, 0.0 where nothing.
        self.rate = float(stream.average_rate or stream.guessed_rate or 0)
        #: Of the pictures alone, None where the header tells only that of the whole.
        self.track_seconds = float(stream.duration * stream.time_base) if stream.duration else None
        self.seconds = self.track_seconds or (container.duration or 0) / 1e6

    def shown_size(self) -> tuple[int, int]:
        """Width and height as it is shown, by its first frame, which this decodes."""
        for frame in self._frames():
            size = self._display(frame)
            return size[::-1] if _orientation(frame)[0] else size
        raise BadInput(
            f"No picture in {self._name} can be decoded.", "Export it again as MP4 (H.264) and try that."
        )

    def count_seconds(self, longest: float) -> None:
        """Measure by its packets, without decoding, a video whose header tells no duration; stops past
        `longest`."""
        for _ in self._packets():
            if self._last - (self._first or 0.0) > longest:
                break
        self.seconds = self._last - (self._first or 0.0)

    def pictures(self, max_height: int | None) -> Iterator[tuple[Picture, float, float]]:
        """Each frame with the time from which and until which it is shown, seconds from the first one's.
        Every one has the size of the first."""
        from av.video.reformatter import Interpolation, VideoReformatter

        convert = VideoReformatter().reformat
        # Without these two, colours come out some steps too dark, and hard-edged.
        exact = Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
        first: float | None = None
        begins, ends = -1.0, 0.0
        size: tuple[int, int] | None = None
        for frame in self._frames():
            transposed, mirrored, upturned = _orientation(frame)
            if size is None:
                size = self._display(frame)
                shown = size[0] if transposed else size[1]
                if max_height is not None and shown > max_height:
                    scale = max_height / shown
                    size = _even(size[0] * scale), _even(size[1] * scale)
            whole = size == (frame.width, frame.height)
            scaling = (Interpolation.BILINEAR if whole else Interpolation.AREA) | exact
            picture: Any = convert(frame, *size, "rgb24", interpolation=scaling).to_ndarray()
            if transposed:
                picture = picture.transpose(1, 0, 2)
            if mirrored:
                picture = picture[:, ::-1]
            if upturned:
                picture = picture[::-1]
            time = frame.time if frame.pts is not None else None
            first = time if first is None else first
            # Times that run backwards come from broken files: such a frame follows the one before.
            begun = ends if time is None or first is None or time - first <= begins else time - first
            begins = begun
            lasts = float(frame.duration * frame.time_base) if frame.duration else 0.0
            ends = begins + (lasts or (1 / self.rate if self.rate else _FRAME_S))
            yield np.ascontiguousarray(fitted(picture, picture.shape[0])), begins, ends

    def _display(self, frame: Any) -> tuple[int, int]:
        """Width and height with square pixels, before the turn."""
        ratio = float(self._stream.sample_aspect_ratio or 1)
        if 0.25 <= ratio <= 4.0:
            return max(2, round(frame.width * ratio)), frame.height
        return frame.width, frame.height

    def _packets(self) -> Iterator[Any]:
        from studio.audio.pyav import av

        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                raise damaged(self._name, self._last - (self._first or 0.0)) from error
            if packet is None:
                return
            if packet.pts is not None:
                begin = float(packet.pts * packet.time_base)
                self._first = begin if self._first is None else min(self._first, begin)
                self._last = max(self._last, begin + float((packet.duration or 0) * packet.time_base))
            yield packet

    def _frames(self) -> Iterator[Any]:
        """The decoded frames. A few broken packets are passed over, as every player does; more mean
        damage."""
        from studio.audio.pyav import av

        broken = whole = 0
        for packet in self._packets():
            try:
                frames = packet.decode()
            except av.FFmpegError as error:
                broken += 1
                if broken > 2 + whole // 20:
                    raise damaged(self._name, self._last - (self._first or 0.0)) from error
                continue
            whole += 1
            yield from frames


@contextmanager
def open_video(file: BinaryIO, name: str, max_pixels: int) -> Iterator[VideoSource]:
    """The video in `file`, its header read, with nothing allowed that leads out of it; no frame of more
    than `max_pixels` is decoded. `name` is for messages. Raises BadInput where there are no pictures."""
    from studio.audio.pyav import av

    if is_heif(file):
        raise BadInput(f"{name} is a picture, not a video.", "Use an MP4, MOV, WebM, MKV or AVI file.")
    options = {
        "format_whitelist": _CONTAINERS,
        "protocol_whitelist": "none",
        "max_pixels": str(max_pixels),
    }
    try:
        container: Any = av.open(
            Tolerant(file), options=options, io_open=_refuse, metadata_errors="replace"
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise BadInput(
            f"{name} is not a video that can be read, or it is incomplete.",
            "Use an MP4, MOV, WebM, MKV or AVI file.",
        ) from error
    with container:
        streams = _picture_streams(container)
        if not streams:
            raise BadInput(f"There are no pictures in {name}.", "Choose a video, not a sound file.")
        context = streams[0].codec_context  # None where no decoder knows it
        if context is None or context.name not in _CODECS.split(","):
            raise BadInput(
                f"{name} holds pictures in a form that cannot be read.",
                "Export it again as MP4 (H.264).",
            )
        context.options = {"max_pixels": str(max_pixels)}
        context.thread_type = "AUTO"
        yield VideoSource(container, name)


def damaged(name: str, seconds: float) -> BadInput:
    """The error for a video that cannot be decoded to its end."""
    return BadInput(
        f"{name} is damaged or breaks off after {seconds:.1f} s.",
        "Export it again, for example as MP4 (H.264), and try that file.",
    )


def _picture_streams(container: Any) -> list[Any]:
    """The video streams that are no cover pictures."""
    from av.stream import Disposition

    return [
        stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic
    ]


def _orientation(frame: Any) -> tuple[bool, bool, bool]:
    """Whether a frame is to be transposed, then mirrored, then turned upside down, by its display matrix."""
    from av.sidedata.sidedata import Type

    data = frame.side_data.get(Type.DISPLAYMATRIX)
    if data is None:
        return False, False, False
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
    if abs(b) + abs(c) > abs(a) + abs(d):
        return True, c < 0, b < 0
    return False, a < 0, d < 0


def _even(length: float) -> int:
    return max(2, round(length / 2) * 2)


def _refuse(url: str, flags: int, options: dict[str, str]) -> Any:
    raise PermissionError("A video may not open other files.")
