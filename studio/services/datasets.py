"""Training sets: made from recordings by a job, reviewed by a person, kept in a library on the disk."""

from __future__ import annotations

import builtins
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from engines.manager import EngineManager
from studio.control import Control
from studio.dataset import config as configs
from studio.dataset.cache import PreparedCache
from studio.dataset.ledger import DatasetFolder, Ledger, check_ids
from studio.dataset.targets import target_named
from studio.dataset.values import Limits, PrepareSettings, Review
from studio.errors import Damaged, StudioError
from studio.files import PARTIAL_SUFFIX, storage_errors
from studio.jobs import Job, Supervisor
from studio.library import Damage
from studio.library_config import Config
from studio.names import clean_name
from studio.services import dataset_records as records
from studio.services.coverage import Coverage, CoverageService
from studio.services.dataset_builds import Builds
from studio.services.dataset_segments import page
from studio.services.dataset_shelf import Shelf
from studio.services.dataset_values import (
    Dataset,
    DatasetSummary,
    SegmentPage,
    SegmentQuery,
    SegmentRow,
)
from studio.text.given import clean_text

if TYPE_CHECKING:
    from studio.dataset.outlook import Outlook

log = logging.getLogger(__name__)

MAX_NOTE = 4_000
MAX_TEXT = 2_000

#: What becomes of a review by what a person says.
Said: TypeAlias = Callable[[Review], Review]

#: Ends of the names of a set's files that its copy does not take over.
_OWN_FILES = ("config.json", ".lock", PARTIAL_SUFFIX)


class DatasetService:
    """Thread-safe, and safe beside other processes. What is not the owner's is not found."""

    def __init__(self, folder: Path, prepared: Path, jobs: Supervisor, engines: EngineManager) -> None:
        """`folder` is that of all sets, `prepared` where builds keep what they have made."""
        self._builds = Builds(jobs, engines.registry)
        self._prepared = PreparedCache(prepared)
        self._shelf = Shelf(folder, self._builds)
        self._coach = CoverageService(engines)

    def list(self, owner: str) -> tuple[DatasetSummary, ...]:
        """The owner's by name."""
        return tuple(self._shelf.all(owner))

    def damaged(self) -> tuple[Damage, ...]:
        """Those that cannot be read; they stay where they are and the others load."""
        return self._shelf.damaged()

    def get(self, id_or_name: str, owner: str) -> Dataset:
        """By its id, or by its name whatever the case. Raises NotFound naming those there are."""
        return self._shelf.read(id_or_name, owner)

    def create(
        self,
        name: str,
        owner: str,
        settings: PrepareSettings | None = None,
        inputs: Sequence[Path] = (),
        copy: bool = False,
    ) -> Dataset:
        """A new set, not built yet. `inputs` stay where they are; with `copy` they are files that are
        copied into the set. Raises BadInput: a name that is taken, an input that is not there."""
        found, config = records.existing(inputs), configs.new_config(settings or PrepareSettings())

        def make(folder: Path) -> Config:
            if not copy:
                return records.with_paths(config, found)
            with self._shelf.library.scratch() as scratch:
                copies = records.copy_in(found, scratch)
                return records.with_uploads(config, DatasetFolder(folder), copies)

        return self._shelf.create(name, owner, make)

    def add(self, id: str, owner: str, inputs: Sequence[Path], copy: bool = False) -> Dataset:
        """More recordings, for the next build. Raises as `create` does."""
        found = records.existing(inputs)
        if not copy:
            return self._shelf.change(id, owner, lambda config, _: records.with_paths(config, found))
        with self._shelf.library.scratch() as scratch:
            copies = records.copy_in(found, scratch)
            return self._shelf.change(
                id, owner, lambda config, folder: records.with_uploads(config, folder, copies)
            )

    def remove_input(self, id: str, owner: str, input: str) -> Dataset:
        """Build without an input, named by its path, from now on. What was uploaded is removed; what
        lies elsewhere stays there. Raises NotFound."""
        leaving: builtins.list[Path] = []

        def update(config: Config, folder: DatasetFolder) -> Config:
            config, path = records.without_input(config, folder, input)
            leaving.extend([path] if path else [])
            return config

        changed = self._shelf.change(id, owner, update)
        for path in leaving:
            with storage_errors(path):
                path.unlink(missing_ok=True)
        return self._shelf.read(changed.id, owner) if leaving else changed

    def change(
        self,
        id: str,
        owner: str,
        *,
        name: str | None = None,
        settings: PrepareSettings | None = None,
        note: str | None = None,
    ) -> Dataset:
        """What is None stays. Limits count at once; other settings with the next build, as the
        summary then says. Raises NotFound, and BadInput for a name that is taken."""

        def update(config: Config, folder: DatasetFolder) -> Config:
            new = dict(config)
            if name is not None:
                new["name"] = clean_name(name)
            if settings is not None:
                new["settings"] = asdict(settings)
            if note is not None:
                new["note"] = clean_text(note, "note", MAX_NOTE)
            return new

        changed = self._shelf.change(id, owner, update)
        if name is not None or settings is not None:
            return self._shelf.settle(changed.id, owner)
        return changed

    def build(self, id: str, owner: str) -> Job:
        """Begin to build, or go on where the last build was stopped or went away.

        Raises Busy while a build is at it, BadInput where there is nothing to build from, ModelMissing
        where the recognizer that was asked for is not there.
        """
        started: builtins.list[Job] = []

        def update(config: Config, folder: DatasetFolder) -> Config:
            settings = configs.settings_of(config)
            started.append(self._builds.start(folder.root.name, config, settings))
            return config | {"job": started[0].id}

        try:
            self._shelf.change(id, owner, update)
        except StudioError:
            for job in started:  # nobody would know of it
                self._builds.cancel(job)
            raise
        return started[0]

    def job(self, id: str, owner: str) -> Job | None:
        """The last build, while it runs and afterwards; None where there was none."""
        return self._builds.of(self._shelf.config(id, owner))

    def stop(self, id: str, owner: str) -> Job:
        """Stop the build; what is done stays for the next one. Raises BadInput where there is none."""
        return self._builds.stop(self._shelf.config(id, owner))

    def ledger(self, id: str, owner: str) -> Ledger:
        """What the last build has found; empty before the first one. Raises Damaged."""
        return self._shelf.sets.ledger(self._shelf.folder(id, owner))

    def segments(self, id: str, owner: str, query: SegmentQuery) -> SegmentPage:
        """A page of them. Raises NotFound, Damaged."""
        limits = self._shelf.in_force(id, owner).limits
        return page(self._shelf.judged(id, owner), query, limits)

    def rows(self, id: str, owner: str, segment_ids: Iterable[str]) -> tuple[SegmentRow, ...]:
        """Some of them, in the set's order. Raises NotFound, Damaged."""
        wanted = frozenset(segment_ids)
        judged = self._shelf.judged(id, owner)
        return tuple(row for row in judged.rows if row.segment.id in wanted)

    def audio(self, id: str, owner: str, segment_id: str) -> Path:
        """A segment's sound, kept or not. Raises NotFound, BadInput."""
        folder = self._shelf.folder(id, owner)
        check_ids([segment_id], self._shelf.sets.ledger(folder))
        return folder.audio(segment_id)

    def decide(
        self, id: str, owner: str, segment_ids: Iterable[str], kept: bool | None
    ) -> DatasetSummary:
        """Keep or drop segments whatever the limits say; None: as these say. Saved at once."""
        return self.review(id, owner, [(each, decided(kept)) for each in segment_ids])

    def edit_text(self, id: str, owner: str, segment_id: str, text: str | None) -> DatasetSummary:
        """What a segment says, in place of what was recognised or given; None: that again."""
        return self.review(id, owner, [(segment_id, written(text))])

    def review(self, id: str, owner: str, said: Iterable[tuple[str, Said]]) -> DatasetSummary:
        """All that was said of segments, in its order, saved together or not at all. Raises BadInput for
        a segment that is not there."""
        changes: dict[str, Said] = {}
        for segment_id, change in said:
            before = changes.get(segment_id)
            changes[segment_id] = change if before is None else _both(before, change)
        folder = self._shelf.folder(id, owner)
        check_ids(changes, self._shelf.sets.ledger(folder))
        folder.change_reviews(changes)
        return self._shelf.settle(id, owner)

    def outlook(self, id: str, owner: str, limits: Limits | None = None) -> Outlook:
        """What would be kept with `limits`, by default those of the set. Nothing is changed."""
        from studio.dataset.outlook import outlook

        folder, settings = self._shelf.folder(id, owner), self._shelf.in_force(id, owner)
        target = target_named(settings.target)
        ledger, reviews = self._shelf.sets.ledger(folder), folder.read_reviews()
        return outlook(ledger, reviews, limits or settings.limits, target)

    def apply(self, id: str, owner: str, limits: Limits) -> Dataset:
        """Keep what these limits keep, from now on."""

        def update(config: Config, folder: DatasetFolder) -> Config:
            return config | {"settings": asdict(replace(configs.settings_of(config), limits=limits))}

        return self._shelf.settle(self._shelf.change(id, owner, update).id, owner)

    def duplicate(self, id: str, owner: str, name: str) -> Dataset:
        """A copy with all that was decided. Raises BadInput where the name is taken, Busy while the
        set is being built."""
        self._shelf.not_while_built(id, owner)
        config, folder = self._shelf.config(id, owner), self._shelf.folder(id, owner)

        def make(copy: Path) -> Config:
            records.copy_tree(folder.root, copy, lambda path: path.name.endswith(_OWN_FILES))
            return config | {"job": ""}

        return self._shelf.settle(self._shelf.create(name, owner, make).id, owner)

    def delete(self, id: str, owner: str) -> None:
        """Remove a set with all that was made for it and uploaded to it, and what builds have kept of
        recordings that are in no other set. Raises Busy while it is being built."""
        self._shelf.not_while_built(id, owner)
        config, folder = self._shelf.config(id, owner), self._shelf.folder(id, owner)
        if not self._builds.any_active():  # else it goes when nobody has used it for long
            self._forget_prepared(folder)
        self._shelf.library.delete(folder.root.name)
        self._builds.forget(config)
        self._shelf.sets.forget(folder)

    def size(self, id: str, owner: str) -> int:
        """Bytes that it takes on the disk."""
        return records.bytes_in(self._shelf.folder(id, owner).root)

    def export(
        self, id: str, owner: str, format: str, target: Path, control: Control | None = None
    ) -> Path:
        """What is kept, in a form that others read ("hf", "ljspeech", "qwen" or "zip"), at `target`.

        Raises NotFound for another form, BadInput where nothing is kept or `target` is taken, Busy
        while the set is being built, StorageFailed, Cancelled.
        """
        from studio.dataset.exporting import export

        dataset = self.get(id, owner)
        self._shelf.not_while_built(id, owner)
        folder = self._shelf.folder(id, owner)
        settings = self._shelf.in_force(id, owner)
        return export(folder, dataset.name, settings, format, target, control or Control())

    def coverage(self, id: str, owner: str, control: Control | None = None) -> Coverage:
        """Which sounds and sentences of the language the kept texts have, and what to record next."""
        judged = self._shelf.judged(id, owner)
        texts = [row.text for row in judged.rows if row.verdict.kept]
        return self._coach.report(texts, judged.language, control or Control())

    def _forget_prepared(self, folder: DatasetFolder) -> None:
        try:
            sources = {source.id for source in folder.read_ledger().sources}
        except Damaged as error:
            log.warning("what was prepared for %s stays for now: %s", folder.root.name, error.message)
            return
        others = self._shelf.sources_of_others(folder.root.name)
        archives = (path for path in folder.uploads.rglob("*") if path.is_file())
        self._prepared.forget(
            folder.root.name, sources - others, [path for path in archives if records.is_packed(path)]
        )


def decided(kept: bool | None) -> Said:
    """What `decide` says of a segment."""
    return lambda review: replace(review, kept=kept)


def written(text: str | None) -> Said:
    """What `edit_text` says of one. Raises BadInput for a text that is too long."""
    said = None if text is None else " ".join(clean_text(text, "text", MAX_TEXT).split())
    return lambda review: replace(review, text=said)


def _both(first: Said, then: Said) -> Said:
    return lambda review: then(first(review))
