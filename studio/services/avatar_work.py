"""The making of a video: the face, the sound, the times in it, then picture by picture into the file."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engines.avatar import AnimationRequest, AvatarEngine
from engines.manager import EngineManager, Lease
from studio.control import Control
from studio.files import make_folder
from studio.services import avatar_orders
from studio.services.avatar_planning import AvatarPlan, Planner
from studio.services.avatar_sound import Sound, SoundMaker, Times
from studio.services.avatar_stages import Stages
from studio.services.avatar_values import (
    STAGE_DRAWING,
    STAGE_FACE,
    STAGE_SPEECH,
    STAGE_TIMINGS,
    GivenSound,
    Making,
    Says,
    Subtitles,
    VideoRecord,
)
from studio.services.face_values import FaceChoice
from studio.services.faces import FaceService
from studio.services.kept import Copy
from studio.services.tasks import Task
from studio.services.video_files import VideoFiles
from studio.services.video_history import VideoHistory
from studio.video.types import Scene

#: What a million pixels take to be drawn and encoded before a video has shown it, seconds.
_PACE = 0.1
#: A video of a face is looked at somewhat further than its sound is guessed to last.
_RESERVE = 1.25


@dataclass(frozen=True)
class Tools:
    """What making a video needs of the studio."""

    engines: EngineManager
    planner: Planner
    sounds: SoundMaker
    faces: FaceService
    videos: VideoHistory
    files: VideoFiles
    spool: Path  # a folder


class VideoMaker:
    """Makes one video in the thread of its task."""

    def __init__(self, tools: Tools, plan: AvatarPlan, task: Task, owner: str) -> None:
        self._tools, self._plan, self._task, self._owner = tools, plan, task, owner
        self._order = plan.order
        self._id = secrets.token_hex(16)
        self._began = time.monotonic()
        self._stages = Stages(task.control, self._guesses())
        self._told = Making(STAGE_FACE)
        task.note(*plan.notes)

    def make(self) -> VideoRecord:
        """The video, in the history. A face that will not do is refused before anything is spoken; what
        was spoken stays in the history whatever becomes of the video."""
        expected = self._plan.expected.sound
        if not isinstance(self._order.says, GivenSound):
            expected *= _RESERVE
        with _folder(self._tools.spool / self._id) as folder:
            control = self._begin(STAGE_FACE)
            kept, choice = self._face(folder, control.between(0.0, 0.1))
            scene = self._scene(choice, expected, control.between(0.1, 1.0))
            sound = self._sound(folder, self._begin(STAGE_SPEECH))
            try:
                self._tools.planner.check_length(sound.seconds)
                control = self._begin(STAGE_TIMINGS)
                times = self._times(sound, control)
                if not scene.still and sound.seconds > expected:
                    scene = self._scene(choice, sound.seconds, control)
                return self._drawn(scene, sound, times, kept)
            except Exception:
                if sound.take is not None:
                    self._task.note("What was spoken is in the history.")
                raise

    def _face(self, folder: Path, control: Control) -> tuple[Copy | None, FaceChoice]:
        """The studio's own copy of the face, since uploads do not last."""
        face = self._order.face
        if face.file is None:
            return None, face
        control.progress("reading the face")
        name = face.name or face.file.name
        kept = self._tools.videos.take_in(face.file, name, folder, control)
        return kept, replace(face, file=kept.path)

    def _scene(self, choice: FaceChoice, seconds: float, control: Control) -> Scene:
        order = self._order
        scene = self._tools.faces.scene(choice, order.max_height, order.fps, seconds, control)
        self._task.note(*scene.notes)
        return scene

    def _sound(self, folder: Path, control: Control) -> Sound:
        note = self._task.note
        sound = self._tools.sounds.make(self._order.says, folder, self._owner, control, note)
        note(*sound.notes)
        self._tell(take=sound.take.id if sound.take is not None else "")
        return sound

    def _times(self, sound: Sound, control: Control) -> Times:
        wanted = self._order.subtitles is not Subtitles.NONE
        times = self._tools.sounds.times(sound, wanted, self._plan.engine.uses_phonemes, control)
        self._task.note(*times.notes)
        if wanted and not times.words:
            self._task.note("There are no subtitles: no words were found in the sound.")
        return times

    def _drawn(self, scene: Scene, sound: Sound, times: Times, kept: Copy | None) -> VideoRecord:
        """Draw the video and put it into the history."""
        from studio.services.avatar_drawing import Drawing, draw
        from studio.video.captions import LABEL, Overlay, captions_of

        order, tools = self._order, self._tools
        created = time.time()
        path = tools.files.place(
            self._id, created, self._plan.avatar, sound.text or _recording(order.says)
        )
        burnt = order.subtitles is Subtitles.BURNT
        captions = captions_of(times.words) if burnt else ()
        request = AnimationRequest(
            scene=scene,
            sound=sound.path,
            seconds=sound.seconds,
            phonemes=times.phonemes,
            fps=order.fps,
            options=order.options,
            model=order.model,
        )
        drawing = Drawing(
            request,
            Overlay(scene.size, order.fps, captions, LABEL if self._plan.label else ""),
            path,
            self._metadata(sound),
        )
        width, height = scene.size
        known = {STAGE_DRAWING: self._pace() * drawing.frames * width * height / 1e6}
        control = self._begin(STAGE_DRAWING, known)
        self._tell(frames=drawing.frames)
        with tools.engines.lease_avatar(order.engine, control, order.model) as lease:
            self._task.note(*_placement(lease))
            began = time.monotonic()
            draw(lease, drawing, control, lambda frame, jpeg: self._tell(frame=frame, preview=jpeg))
            drawing_seconds = time.monotonic() - began
        record = VideoRecord(
            id=self._id,
            created=created,
            owner=self._owner,
            engine=order.engine,
            model=order.model,
            text=sound.text,
            avatar=self._plan.avatar,
            settings=avatar_orders.to_settings(avatar_orders.as_spoken(order, sound.take)),
            duration=drawing.frames / order.fps,
            seconds=time.monotonic() - self._began,
            drawing_seconds=drawing_seconds,
            width=width + width % 2,
            height=height + height % 2,
            fps=order.fps,
            file=tools.files.name(path),
            face=kept.name if kept is not None else "",
            take=sound.take.id if sound.take is not None else "",
            notes=self._task.status.notes,
        )
        self._keep(record, times, kept)
        return record

    def _keep(self, record: VideoRecord, times: Times, kept: Copy | None) -> None:
        """What belongs beside the video, and its row; where that cannot be, nothing of it stays."""
        files = self._tools.files
        about: dict[str, Any] = {
            "engine_label": self._plan.engine.label,
            "license": self._plan.engine.license,
            "labelled": self._plan.label,
        }
        try:
            files.write(record, times.words, self._order.subtitles, about)
            self._tools.videos.add(record, kept)
        except Exception:
            files.remove(files.path(record))
            raise

    def _metadata(self, sound: Sound) -> dict[str, str]:
        """What the file says of itself, besides that it is synthetic."""
        voice = sound.take.voice if sound.take is not None else "a given recording"
        said = f"Face: {self._plan.avatar}. Lips: {self._plan.engine.label}. Voice: {voice}."
        return {"title": sound.text[:80], "comment": said}

    def _begin(self, stage: str, known: dict[str, float] | None = None) -> Control:
        self._tell(stage=stage)
        return self._stages.begin(stage, known)

    def _tell(self, **changes: Any) -> None:
        self._told = replace(self._told, **changes)
        self._task.tell(self._told)

    def _pace(self) -> float:
        return self._tools.videos.pace(self._order.engine, self._order.model) or _PACE

    def _guesses(self) -> dict[str, float]:
        """Seconds that each stage may take."""
        expected = self._plan.expected
        pixels = self._order.max_height**2
        return {
            STAGE_FACE: 1.0,
            STAGE_SPEECH: expected.speaking + 0.2,
            STAGE_TIMINGS: expected.timing + 0.1,
            STAGE_DRAWING: self._pace() * expected.sound * self._order.fps * pixels / 1e6,
        }


def _recording(says: Says) -> str:
    """What a given sound is called; "" where a text is spoken."""
    return Path(says.name or says.audio.name).stem if isinstance(says, GivenSound) else ""


def _placement(lease: Lease[AvatarEngine]) -> tuple[str, ...]:
    """Where the engine runs, for people; empty for an embedded one."""
    placed = lease.placement
    return () if placed is None else (f"{lease.engine.info.label} runs on {placed.reason}.",)


@contextmanager
def _folder(path: Path) -> Iterator[Path]:
    """A folder for what a video is made of, gone when the block ends."""
    make_folder(path)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
