"""Avatars: from an order to a video in the history, live or waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from engines.avatar import AvatarInfo
from engines.base import ModelChoice
from engines.choosing import of_owner
from engines.manager import EngineManager
from studio.control import Control
from studio.errors import Cancelled, NotFound
from studio.services.avatar_orders import from_settings
from studio.services.avatar_planning import AvatarPlan, Planner
from studio.services.avatar_sound import SoundMaker
from studio.services.avatar_values import TASK_KIND, AvatarOrder, Making, VideoRecord
from studio.services.avatar_work import Tools, VideoMaker
from studio.services.faces import FaceService
from studio.services.heard import WordFinder
from studio.services.history import History
from studio.services.performing import PerformanceService
from studio.services.phoneme_times import PhonemeFinder
from studio.services.speech import SpeechService
from studio.services.tasks import Tasks, TaskStatus
from studio.services.transcribing import TranscriptService
from studio.services.video_files import VideoFiles
from studio.services.video_history import VideoHistory
from studio.settings import Settings
from studio.workspace import Workspace


class AvatarService:
    """Thread-safe. Videos are tasks, one after the other; the engines come by lease, and within a long
    video others get their turns. Owners see only their own."""

    def __init__(
        self,
        settings: Settings,
        workspace: Workspace,
        engines: EngineManager,
        tasks: Tasks,
        history: VideoHistory,
        faces: FaceService,
        takes: History,
        speech: SpeechService,
        performances: PerformanceService,
        transcripts: TranscriptService,
        finder: WordFinder,
    ) -> None:
        self.history, self.faces = history, faces
        self._engines, self._tasks = engines, tasks
        self._planner = Planner(settings, engines.registry, speech, performances, transcripts, takes)
        self._files = VideoFiles(workspace.outputs, history)
        sounds = SoundMaker(speech, performances, takes, finder, PhonemeFinder(engines, transcripts))
        self._tools = Tools(engines, self._planner, sounds, faces, history, self._files, workspace.spool)

    def engines(self) -> tuple[AvatarInfo, ...]:
        """All there are, the default first; see `models` for whether one can be used at once."""
        return self._engines.registry.avatar_infos()

    def models(self, engine_id: str, owner: str = "") -> tuple[ModelChoice, ...]:
        """An engine's models, the best first, installed or not; empty where it needs none."""
        return of_owner(self._engines.registry.avatar(engine_id).models(), owner)

    def plan(self, order: AvatarOrder, owner: str = "") -> AvatarPlan:
        """Check the order without reading more than headers: the text, the sound, the numbers, the engine
        and its model. Raises BadInput, NotFound and ModelMissing with the remedy."""
        return self._planner.plan(order, owner)

    def start(self, order: AvatarOrder, owner: str = "") -> str:
        """Begin and return the task's id at once; bad orders raise before that. The task's detail is
        Making, its result the VideoRecord. Raises Busy."""
        plan = self.plan(order, owner)
        title = f"{plan.avatar}: {plan.text[:60]}" if plan.text else plan.avatar
        return self._tasks.start(
            TASK_KIND, title, lambda task: VideoMaker(self._tools, plan, task, owner).make(), owner
        )

    def make(
        self,
        order: AvatarOrder,
        owner: str = "",
        on_status: Callable[[TaskStatus], None] | None = None,
        control: Control | None = None,
    ) -> VideoRecord:
        """Make a video and wait for it; raises what went wrong, and Cancelled once `control` is."""
        return self.outcome(self.start(order, owner), on_status, control)

    def outcome(
        self,
        task_id: str,
        on_status: Callable[[TaskStatus], None] | None = None,
        control: Control | None = None,
    ) -> VideoRecord:
        """What a task has made, waited for; raises as `make` does."""
        try:
            record: VideoRecord = self._tasks.wait(task_id, on_status, control)
        except Cancelled as error:
            detail = self._tasks.status(task_id).detail
            if not isinstance(detail, Making) or not detail.take:
                raise
            raise Cancelled("Stopped.", "What was spoken is in the history.") from error
        return record

    def status(self, task_id: str, owner: str | None = None) -> TaskStatus:
        """Raises NotFound for a task that is not the owner's (anybody's where None), is no video, or is
        long over."""
        status = self._tasks.status(task_id, owner)
        if status.kind != TASK_KIND:
            raise NotFound("That video is not being made.", "Look for it in the history.")
        return status

    def running(self, owner: str) -> list[TaskStatus]:
        """The owner's videos in the making and those just made, the newest first; for a page that was
        loaded anew."""
        return self._tasks.of(owner, TASK_KIND)

    def follow(self, task_id: str, owner: str | None = None) -> Iterator[TaskStatus]:
        """The task's status as it changes, the last one finished."""
        return self._tasks.follow(self.status(task_id, owner).id, owner)

    def stop(self, task_id: str, owner: str | None = None) -> None:
        """Ask it to stop: no video is kept then, but what was spoken is."""
        self._tasks.stop(self.status(task_id, owner).id, owner)

    def list(
        self,
        owner: str,
        search: str = "",
        favourites: bool = False,
        limit: int = 50,
        offset: int = 0,
    ) -> list[VideoRecord]:
        """The newest first. `search` looks in text, avatar and note, ignoring case."""
        return self.history.list(owner, search, favourites, limit, offset)

    def get(self, video_id: str, owner: str | None) -> VideoRecord:
        """The owner's video; anybody's where `owner` is None. Raises NotFound."""
        return self.history.get(video_id, owner)

    def order(self, record: VideoRecord) -> AvatarOrder:
        """What the video was made from, to make it again or change something. A given sound has to be
        given again. Raises NotFound where the face is gone, Damaged."""
        return from_settings(record.settings, record.text, self.history.face(record))

    def path(self, record: VideoRecord) -> Path:
        """The MP4. Raises NotFound when somebody has removed it by hand."""
        return self.history.path(record)

    def subtitles(self, record: VideoRecord, format: str) -> tuple[str, str]:
        """MIME type and content of the subtitles, as "srt" or "vtt". Raises NotFound for another format,
        BadInput where none were asked for."""
        return self._files.subtitles(record, format)

    def set_favourite(self, video_id: str, owner: str, favourite: bool) -> None:
        self.history.set_favourite(video_id, owner, favourite)

    def set_note(self, video_id: str, owner: str, note: str) -> None:
        self.history.set_note(video_id, owner, note)

    def delete(self, video_id: str, owner: str) -> None:
        """Remove the video with all its files, and the face with its last video."""
        self.history.delete(video_id, owner)
