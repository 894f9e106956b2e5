"""What engines hear in the segments of a build: their texts and their voices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from engines.base import EngineFolders
from engines.manager import EngineManager
from engines.registry import RECOGNIZERS, SPEECH_ENGINES, Registry
from studio.dataset.cache import PreparedCache
from studio.dataset.values import PrepareSettings, Review, Segment
from studio.jobs import JobContext
from studio.models.folders import ModelFolders
from studio.workspace import Workspace
from training.prepare.assembling import worth_a_text
from training.prepare.reporting import unrecognised
from training.prepare.speakers import ENGINE, with_speakers
from training.prepare.transcribing import write_down
from training.prepare.values import RecognizerChoice

#: Why nobody wrote a segment down; `_COPY` names the other one.
_DROPPED = "Its sound was dropped, so nobody wrote it down: keep it and build again, or type it."
_COPY = "It sounds the same as {}, so nobody wrote it down: keep it and build again, or type it."


@dataclass
class Hearing:
    """Listens to segments; `sound` is the file of one."""

    workspace: Workspace
    settings: PrepareSettings
    recognizer: RecognizerChoice | None  # None: only given texts count
    context: JobContext
    sound: Callable[[Segment], Path]
    notes: list[str] = field(default_factory=list)

    def texts(
        self, segments: Sequence[Segment], whole: Mapping[str, str], reviews: Mapping[str, Review]
    ) -> list[Segment]:
        """The segments with their texts; what is dropped by its sound has only what was given."""
        wanted = worth_a_text(segments, self.settings.limits, reviews)
        chosen = {segment.id for segment in wanted}
        written = {each.id: each for each in self._written(wanted, whole, self.recognizer)}
        given = [each for each in segments if each.given and each.id not in chosen]
        written |= {each.id: each for each in self._written(given, whole, None)}
        if self.recognizer is None:
            self.notes += unrecognised(self.settings, any(each.text for each in written.values()))
        return [written.get(each.id) or _unwritten(each) for each in segments]

    def voices(self, segments: Sequence[Segment], reviews: Mapping[str, Review]) -> list[Segment]:
        """The segments with how alike their voices are, where a limit asks for that."""
        if self.settings.limits.min_speaker_similarity is None:
            return list(segments)
        wanted = worth_a_text(segments, self.settings.limits, reviews)
        with self._engines({ENGINE: SPEECH_ENGINES[ENGINE]}, {}) as engines:
            compared = with_speakers(
                wanted,
                self.sound,
                engines,
                PreparedCache(self.workspace.prepared).voices,
                self.context.control,
            )
        self.notes.append(compared.reason)
        found = {each.id: each for each in compared.segments}
        return [found.get(each.id, each) for each in segments]

    def _written(
        self, segments: Sequence[Segment], whole: Mapping[str, str], choice: RecognizerChoice | None
    ) -> list[Segment]:
        recognizers = {choice.engine: RECOGNIZERS[choice.engine]} if choice else {}
        with self._engines({}, recognizers) as engines:
            return write_down(
                segments,
                self.sound,
                choice,
                self.settings,
                engines,
                PreparedCache(self.workspace.prepared).texts,
                self.context.control,
                whole,
            )

    @contextmanager
    def _engines(
        self, speech: Mapping[str, str], recognizers: Mapping[str, str]
    ) -> Iterator[EngineManager]:
        """Only these: a manager that closes looks at every engine there is."""
        settings = self.context.settings
        folders = EngineFolders(
            self.workspace.voice_prompts, ModelFolders(settings.models_dir, settings.qwen_dir)
        )
        manager = EngineManager(
            Registry(folders, speech, recognizers),
            settings.engine_idle_s,
            device=settings.device,
            dtype=settings.dtype,
        )
        try:
            yield manager
        finally:
            manager.close()


def _unwritten(segment: Segment) -> Segment:
    original = segment.duplicate_audio
    return replace(segment, text_note=_COPY.format(original) if original else _DROPPED)
