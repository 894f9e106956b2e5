"""The studio: every service, wired once, the same for the page, the command line and the API."""

from __future__ import annotations

import logging

from engines.base import EngineFolders
from engines.manager import EngineManager
from engines.registry import Registry
from studio.audio.reading import Limits
from studio.control import Control
from studio.db import Database
from studio.errors import StudioError
from studio.jobs import Supervisor
from studio.metrics import Metrics
from studio.models.folders import ModelFolders
from studio.services import consent
from studio.services.api_keys import ApiKeys
from studio.services.avatars import AvatarService
from studio.services.chimera import ChimeraService
from studio.services.cloning import CloningService
from studio.services.datasets import DatasetService
from studio.services.expiry import Expiry
from studio.services.expressive import ClipSpeaker
from studio.services.faces import FaceService
from studio.services.heard import WordFinder
from studio.services.history import History
from studio.services.language_model import LanguageModel, Processed
from studio.services.lexicon import Lexicon
from studio.services.listening import ListeningService
from studio.services.models import ModelService
from studio.services.neutral_text import NeutralText
from studio.services.performing import PerformanceService
from studio.services.personalities import PersonalityService
from studio.services.preparing import PreparingService
from studio.services.presets import Presets
from studio.services.references import ReferenceStore
from studio.services.runs import RunService
from studio.services.smart_building import SmartBuilder
from studio.services.smart_work import Workshop
from studio.services.speech import SpeechService
from studio.services.tasks import Tasks
from studio.services.transcribing import TranscriptService
from studio.services.transcript_history import TranscriptHistory
from studio.services.video_history import VideoHistory
from studio.services.voices import VoiceService
from studio.services.wording import Wording
from studio.settings import Settings
from studio.workspace import Workspace

log = logging.getLogger(__name__)


class Studio:
    """Opens the home of `settings`; use as a context manager, or call `close()`.

    Raises StorageFailed where the home cannot be written.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.workspace = Workspace(settings.home)
        self.workspace.prepare()
        self.database = Database(self.workspace.database)
        self.model_folders = ModelFolders(
            settings.models_dir, settings.qwen_dir, checkpoints=self.workspace.checkpoints
        )
        folders = EngineFolders(self.workspace.voice_prompts, self.model_folders)
        self.metrics = Metrics()
        self.engines = EngineManager(
            Registry(folders),
            settings.engine_idle_s,
            settings.max_waiting,
            device=settings.device,
            dtype=settings.dtype,
            metrics=self.metrics,
        )
        self.history = History(
            self.database,
            self.workspace.outputs,
            self.workspace.references,
            copies=(self.workspace.encoded, self.workspace.gradio_temp),
        )
        self.api_keys = ApiKeys(self.database)
        self.tasks = Tasks(settings.max_waiting)
        self.presets = Presets(self.database)
        self.lexicon = Lexicon(self.database)
        self.language_model = LanguageModel(settings)
        reference_limits = Limits(
            max_seconds=settings.max_reference_s, max_bytes=settings.max_upload_mb * 1_000_000
        )
        references = ReferenceStore(self.workspace.references, reference_limits)
        self.personalities = PersonalityService(
            self.workspace.personalities, reference_limits, consent.required(settings)
        )
        self.voices = VoiceService(
            self.workspace.voices,
            reference_limits,
            consent.required(settings),
            self.history,
            self.personalities,
        )
        self.jobs = Supervisor(self.database, settings)
        self.models = ModelService(settings, self.model_folders, self.engines, self.jobs, self.database)
        self.datasets = DatasetService(
            self.workspace.datasets, self.workspace.prepared, self.jobs, self.engines
        )
        self.runs = RunService(settings, self.workspace, self.jobs, self.models, self.datasets)
        self.listening = ListeningService(self.workspace.checkpoints, self.runs)
        wording = Wording(settings, self.lexicon, self.language_model)
        self.speech = SpeechService(
            settings, self.workspace, self.engines, self.history, references, wording, self.metrics
        )

        self.transcripts = TranscriptService(
            settings,
            self.workspace,
            self.engines,
            TranscriptHistory(self.database, self.workspace.outputs, self.workspace.recordings),
            self._corrected,
        )
        self.cloning = CloningService(
            settings, self.engines, self.tasks, self.voices, self.transcripts, self.speech
        )
        self.preparing = PreparingService(
            self.workspace, self.tasks, self.transcripts, reference_limits, settings.loudness_lufs
        )
        self.chimera = ChimeraService(self.workspace, self.engines, self.transcripts, reference_limits)
        self.performances = PerformanceService(
            settings,
            self.workspace,
            self.engines,
            self.history,
            self.tasks,
            wording,
            self.personalities,
            self.chimera.blend,
        )
        finder = WordFinder(self.engines, self.transcripts)
        self.faces = FaceService(self.workspace.looked_at)
        videos = VideoHistory(
            self.database,
            self.workspace.outputs,
            self.workspace.faces,
            copies=(self.workspace.gradio_temp,),
        )
        self.expiry = Expiry(self.history, videos, self.transcripts.history, settings.keep_outputs_days)
        self.avatars = AvatarService(
            settings,
            self.workspace,
            self.engines,
            self.tasks,
            videos,
            self.faces,
            self.history,
            self.speech,
            self.performances,
            self.transcripts,
            finder,
        )
        self.smart = SmartBuilder(
            self.tasks,
            Workshop(
                self.personalities,
                ClipSpeaker(settings, self.workspace.spool, self.engines, self.speech),
                self.chimera,
                NeutralText(self.transcripts, finder, settings.default_language),
                self.workspace.spool,
            ),
        )

    def _corrected(self, text: str, language: str, context: str, control: Control) -> Processed:
        """A transcript as the language model corrects it, where one is set and wanted."""
        if not self.language_model.enabled("stt"):
            return Processed(text, text, changed=False)
        return self.language_model.process(text, "stt", language, context, control)

    def warm_up(self) -> None:
        """Get the default engine ready if that costs nothing, so that the first take starts at
        once. Whatever fails here fails again, with words, when somebody speaks."""
        try:
            engine = self.engines.registry.get(self.settings.default_engine)
            if engine.info.embedded:
                with self.engines.lease(engine.info.id, Control()):
                    pass  # it stays loaded
        except StudioError as error:
            log.warning("warm-up failed", extra={"kind": error.kind})

    @property
    def working(self) -> int:
        """How many takes, transcripts and tasks have not ended."""
        return self.tasks.running + self.speech.running + self.transcripts.running

    def stop_work(self) -> None:
        """Stop what speaks, listens or is at work, and keep what was made."""
        self.tasks.close()
        self.speech.close()
        self.transcripts.close()

    def close(self) -> None:
        """Stop what is at work and unload the engines. Jobs run on by themselves."""
        self.expiry.close()
        self.stop_work()
        self.jobs.close()
        self.engines.close()
        self.database.close()

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
