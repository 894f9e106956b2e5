"""The job that builds a training set: training.prepare.job:run

It takes up nothing from an earlier attempt but what that has left in the cache, by content: prepared
recordings, hashes, recognised texts. So a build that was killed and one that was not end alike.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from studio.audio.reading import Limits
from studio.dataset.cache import PreparedCache
from studio.dataset.config import KIND, VERSION, as_built, settings_of
from studio.dataset.duplicates import with_duplicates_by_sound, with_duplicates_by_text
from studio.dataset.ledger import DatasetFolder, Ledger
from studio.dataset.outlook import outlook
from studio.dataset.targets import target_named
from studio.dataset.values import PrepareSettings, Segment, Source
from studio.dataset.writing import Settled, settle
from studio.errors import BadInput, Busy, StudioError
from studio.files import storage_errors
from studio.jobs import JobContext
from studio.library import Library
from studio.library_config import Config
from studio.workspace import Workspace
from training.prepare.assembling import (
    Assembled,
    Hashed,
    assemble,
    main_language,
    once_each,
    publish,
    some,
    unread,
)
from training.prepare.hashing import Hashes
from training.prepare.hearing import Hearing
from training.prepare.importing import find
from training.prepare.pool import LogSettings, work_on
from training.prepare.recording import Prepared, RecordingTask, cached, prepare
from training.prepare.reporting import Meter, said, seconds_of
from training.prepare.text_measures import with_pace
from training.prepare.tidying import sweep, tidy
from training.prepare.values import Found, RecognizerChoice
from training.prepare.versions import built_with

log = logging.getLogger(__name__)


def run(params: dict[str, Any], context: JobContext) -> dict[str, Any]:
    """Build the data set `params["dataset"]`, its texts by `params["recognizer"]` (None: none).

    Returns what came of it. Raises Busy while another build is at it, BadInput where no recording can
    be read, StorageFailed, Cancelled, and what recognizing raises.
    """
    workspace = Workspace(context.settings.home)
    library = Library(workspace.datasets, KIND, VERSION)
    folder = library.folder(params["dataset"])
    lock = FileLock(folder / ".build.lock", timeout=0)
    try:
        with storage_errors(folder), lock:
            choice = params.get("recognizer")
            recognizer = RecognizerChoice(**choice) if choice else None
            return _Build(workspace, library, folder.name, recognizer, context).run()
    except Timeout as error:
        raise Busy("This data set is being built already.", "Wait until that has ended.") from error


class _Build:
    """One set, as its config was when the build began."""

    def __init__(
        self,
        workspace: Workspace,
        library: Library,
        id: str,
        recognizer: RecognizerChoice | None,
        context: JobContext,
    ) -> None:
        self._id, self._library, self._context = id, library, context
        self._config = library.read(id)
        self._settings = settings_of(self._config)
        self._folder = DatasetFolder(library.folder(id))
        self._recognizer = recognizer
        self._workspace, self._cache = workspace, PreparedCache(workspace.prepared)
        self._sounds: dict[str, Path] = {}  # by source, the folder of its segments
        self._notes: list[str] = []

    def run(self) -> dict[str, Any]:
        found = self._find()
        recordings, problems = self._hashed(found)
        outcomes = self._prepared(recordings)
        speaker = self._settings.speaker or self._config["name"]
        assembled = assemble(recordings, outcomes, problems, speaker)
        self._check(assembled.sources)
        ledger = self._ledger(assembled)
        self._context.progress(0, 0, "saving")
        self._notes += publish(self._folder, ledger, self._sound)
        return self._finished(ledger)

    def _find(self) -> Found:
        self._context.progress(0, 0, "looking for recordings")
        inputs = [self._folder.root / text for text in self._config["inputs"]]
        limits = Limits(max_seconds=self._context.settings.max_audio_s)
        found = find(inputs, self._cache, self._settings, self._context.control, limits)
        self._notes += found.notes
        return found

    def _hashed(self, found: Found) -> tuple[list[Hashed], list[Source]]:
        """Each content once, and what could not be read."""
        problems, hashed = list(found.problems), list[Hashed]()
        hashes = Hashes(self._cache.hashes(self._id))
        sizes = {each.path: each.path.stat().st_size for each in found.recordings if each.path.exists()}
        total, done = sum(sizes.values()), 0

        def count(size: int) -> None:
            nonlocal done
            done += size
            self._context.progress(min(done, total), total, "comparing with the last build")

        for recording in found.recordings:
            try:
                sha256 = hashes.of(recording.path, count)
            except BadInput as error:
                problems.append(unread(recording, error))
            else:
                hashed.append(Hashed(recording, sha256, sizes[recording.path]))
        hashes.save()
        hashed, notes = once_each(hashed)
        self._notes += notes
        return hashed, problems

    def _prepared(self, recordings: Sequence[Hashed]) -> list[Prepared | StudioError]:
        """The segments of each recording; only those that the cache does not have are worked on."""
        tasks = [
            RecordingTask(
                each.recording.path, each.sha256, each.recording.given, self._settings, self._cache.root
            )
            for each in recordings
        ]
        sweep(self._cache)
        outcomes: list[Prepared | StudioError | None] = []
        for task in tasks:
            self._context.control.check()
            outcomes.append(cached(task))
        missing = [index for index, outcome in enumerate(outcomes) if outcome is None]
        meter = Meter(self._context, [seconds_of(recordings[index]) for index in missing])
        made = work_on(
            prepare,
            [tasks[index] for index in missing],
            self._settings.processes,
            self._context.control,
            meter,
            LogSettings(self._context.settings.log_level, self._context.settings.log_json),
        )
        for index, outcome in zip(missing, made, strict=True):
            outcomes[index] = outcome
        ended = [each for each in outcomes if each is not None]
        self._sounds = {
            each.id: outcome.folder
            for each, outcome in zip(recordings, ended, strict=True)
            if isinstance(outcome, Prepared)
        }
        self._notes += said(recordings, ended)
        return ended

    def _check(self, sources: Sequence[Source]) -> None:
        failed = [source for source in sources if source.problem]
        for source in failed:
            log.warning("a recording cannot be used: %s", source.problem)
        if len(failed) == len(sources):
            first = failed[0]
            others = f" The same or worse goes for {len(failed) - 1} more." if len(failed) > 1 else ""
            raise BadInput(f"{first.name} cannot be used: {first.problem}{others}", first.hint)
        silent = [source.name for source in sources if not source.problem and not source.speech_s]
        if silent:
            self._notes.append(f"No speech was found in {some(silent)}.")

    def _ledger(self, assembled: Assembled) -> Ledger:
        reviews = self._folder.read_reviews(assembled.segments)
        hearing = Hearing(
            self._workspace, self._settings, self._recognizer, self._context, self._sound, self._notes
        )
        segments = with_duplicates_by_sound(assembled.segments)
        segments = hearing.texts(segments, assembled.whole, reviews)
        segments = hearing.voices(segments, reviews)
        segments = with_duplicates_by_text(with_pace(segments))
        return Ledger(
            assembled.sources,
            tuple(segments),
            main_language(segments),
            built_with(self._recognizer),
        )

    def _sound(self, segment: Segment) -> Path:
        return self._sounds[segment.source] / f"{segment.id}.wav"

    def _finished(self, ledger: Ledger) -> dict[str, Any]:
        """Settle by what people have decided meanwhile, and say what came of it."""
        name, settings = self._wanted()
        while True:
            settled = settle(self._folder, name, settings)
            notes = tuple(dict.fromkeys((*self._notes, *settled.notes)))

            def remember(config: Config, _: Path, notes: Sequence[str] = notes) -> Config:
                return config | {"built": as_built(self._config, notes)}

            self._library.change(self._id, remember)
            if (name, settings) == (now := self._wanted()):
                break
            name, settings = now
        tidy(self._cache)
        return self._result(ledger, settings, settled, notes)

    def _wanted(self) -> tuple[str, PrepareSettings]:
        """The set's name and limits as they are now, with the settings that this build began with."""
        config = self._library.read(self._id)
        now = settings_of(config)
        return config["name"], replace(self._settings, limits=now.limits, eval_share=now.eval_share)

    def _result(
        self, ledger: Ledger, settings: PrepareSettings, settled: Settled, notes: Sequence[str]
    ) -> dict[str, Any]:
        target = target_named(settings.target)
        reviews = self._folder.read_reviews()
        words = outlook(ledger, reviews, settings.limits, target).words
        problems = [
            {"name": source.name, "problem": source.problem, "hint": source.hint}
            for source in ledger.sources
            if source.problem
        ]
        return asdict(settled) | {
            "sources": len(ledger.sources) - len(problems),
            "problems": problems,
            "notes": list(notes),
            "words": words,
        }
