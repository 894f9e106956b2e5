"""Trying out a saved voice: written down where that is wanted, prepared by the engine, which keeps what it
made of the recording, and heard for the first time."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, replace

from engines.base import Capability
from engines.choosing import of_owner
from engines.manager import EngineManager
from engines.recognition import AUTO_LANGUAGE as ANY_LANGUAGE
from studio.errors import Cancelled, NotFound
from studio.runs.sentences import sentences_for
from studio.services.speech import SpeechService
from studio.services.takes import AUTO_LANGUAGE, SpeechOrder, TakeRecord, TakeStatus
from studio.services.tasks import Task, Tasks, TaskStatus
from studio.services.transcribing import TranscriptService
from studio.services.voice_values import Voice, VoiceChange
from studio.services.voices import VoiceService
from studio.settings import Settings

TASK_KIND = "clone"
_QWEN = "qwen"
#: Where in the work speaking begins, when the recording is written down before.
_SPEAKING = 0.4


@dataclass(frozen=True)
class CloneOrder:
    """What is to be tried. What is left empty is chosen."""

    voice: str  # id or name
    text: str = ""  # "": a sentence of the voice's language
    language: str = ""  # BCP 47, of the text; "": the voice's, or told from the text
    engine: str = ""  # "": Qwen3-TTS where one of its models is here, else the studio's usual one
    model: str = ""  # key of its model; "": the best that is installed
    seed: int | None = None
    transcribe: bool = False  # write down what the recording says, where nobody did, and keep that


class CloningService:
    """Thread-safe. Runs as tasks, one after another; a task's result is the TakeRecord."""

    def __init__(
        self,
        settings: Settings,
        engines: EngineManager,
        tasks: Tasks,
        voices: VoiceService,
        transcripts: TranscriptService,
        speech: SpeechService,
    ) -> None:
        self._settings, self._engines, self._tasks = settings, engines, tasks
        self._voices, self._transcripts, self._speech = voices, transcripts, speech
        self._newest: dict[str, str] = {}  # voice -> its task
        self._lock = threading.Lock()

    def start(self, order: CloneOrder, owner: str = "") -> str:
        """Begin and return the task's id; that of the running one where the voice is being tried already.

        Raises NotFound for a voice that is not the owner's, BadInput for what an engine cannot do,
        ModelMissing, Busy.
        """
        voice = self._voices.get(order.voice, owner)
        engine, notes = self._engine(order, owner)
        speech = self._order(order, voice, engine)
        self._speech.plan(speech, owner)  # refused before anything waits
        with self._lock:
            running = self._newest.get(voice.id)
            if running is not None and self._is_running(running):
                return running
            task_id = self._tasks.start(
                TASK_KIND,
                f"Clone “{voice.name}”",
                lambda task: self._work(task, order, voice, speech, notes),
                owner,
            )
            self._newest[voice.id] = task_id
        return task_id

    def status(self, voice: str, owner: str = "") -> TaskStatus | None:
        """How the last try of a voice stands; None where there was none in the last hour. Raises
        NotFound for a voice that is not the owner's."""
        found = self._voices.get(voice, owner)
        with self._lock:
            task_id = self._newest.get(found.id)
        try:
            return None if task_id is None else self._tasks.status(task_id, owner)
        except NotFound:  # it ended long ago
            return None

    def stop(self, voice: str, owner: str = "") -> TaskStatus | None:
        """Stop it; harmless when it has ended."""
        status = self.status(voice, owner)
        if status is not None:
            self._tasks.stop(status.id, owner)
        return self.status(voice, owner)

    def all(self, owner: str) -> dict[str, TaskStatus]:
        """The last try of each of the owner's voices, by the voice's id."""
        with self._lock:
            voices = {task_id: voice for voice, task_id in self._newest.items()}
        found = self._tasks.of(owner, TASK_KIND)
        return {voices[each.id]: each for each in found if each.id in voices}

    def _engine(self, order: CloneOrder, owner: str) -> tuple[str, tuple[str, ...]]:
        if order.engine:
            return order.engine, ()
        if _QWEN in self._engines.registry.ids:
            models = of_owner(self._engines.registry.get(_QWEN).models(Capability.CLONE), owner)
            if any(choice.installed and not choice.practice for choice in models):
                return _QWEN, ()
        usual = self._settings.default_engine
        return usual, (f"No model of Qwen3-TTS that clones is installed; {usual} speaks.",)

    def _order(self, order: CloneOrder, voice: Voice, engine: str) -> SpeechOrder:
        language = order.language or (voice.language if not order.text else "")
        return SpeechOrder(
            Capability.CLONE,
            order.text or sentences_for(language or "en")[0],
            engine,
            language or AUTO_LANGUAGE,
            reference=self._voices.reference(voice),
            seed=order.seed,
            model=order.model,
        )

    def _work(
        self, task: Task, order: CloneOrder, voice: Voice, speech: SpeechOrder, notes: tuple[str, ...]
    ) -> TakeRecord:
        task.note(*notes)
        control = task.control
        if order.transcribe and not voice.transcript:
            voice = self._written_down(task, voice)
            speech = replace(speech, reference=self._voices.reference(voice))
            control = task.control.between(_SPEAKING, 1.0)

        def follow(status: TakeStatus) -> None:
            task.note(*status.notes)
            if not status.state.finished:
                with suppress(Cancelled):  # `speak` stops the take, and raises it
                    control.progress(status.stage, status.fraction)

        return self._speech.speak(speech, voice.owner, follow, control)

    def _written_down(self, task: Task, voice: Voice) -> Voice:
        text = self._transcripts.transcribe_reference(
            voice.audio, voice.language or ANY_LANGUAGE, task.control.between(0.0, _SPEAKING)
        )
        if not text:
            task.note("Nothing is said in the recording that could be recognised.")
            return voice
        task.note("The recording was written down; correct its transcript where it is wrong.")
        return self._voices.change(voice.id, voice.owner, VoiceChange(transcript=text))

    def _is_running(self, task_id: str) -> bool:
        try:
            return not self._tasks.status(task_id).state.finished
        except NotFound:
            return False
