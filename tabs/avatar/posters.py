"""The first picture of a video, for the list and before it plays."""

from __future__ import annotations

from studio.errors import StudioError
from studio.files import write_bytes
from studio.services.avatar_values import VideoRecord
from studio.services.studio import Studio
from tabs.waveform import file_url

#: The longer side, pixels.
_SIDE = 480


def poster(studio: Studio, record: VideoRecord) -> str:
    """Its address for the page; drawn once. "" for a video that cannot be read any more."""
    from studio.video.pictures import jpeg_bytes
    from studio.video.reading import video_frames

    try:
        video = studio.avatars.path(record)
        folder = studio.workspace.gradio_temp / "posters"
        # The history deletes what bears the video's name with it.
        picture = folder / f"{video.stem}.jpg"
        if not picture.exists():
            folder.mkdir(parents=True, exist_ok=True)
            frames = video_frames(video, record.fps)
            write_bytes(picture, jpeg_bytes(next(iter(frames)), _SIDE))
    except StudioError:
        return ""
    return file_url(picture)
