"""What a run is to be before it starts: settings that suit its data set, and what it would take."""

from __future__ import annotations

from dataclasses import replace

from studio.dataset.metadata import read_metadata
from studio.dataset.splitting import TRAIN
from studio.errors import BadInput, NotFound
from studio.library_config import Config
from studio.runs import config as configs
from studio.runs.presets import Preset, Proposal
from studio.runs.presets import propose as propose_for
from studio.runs.values import Family, Method, RunSettings
from studio.services.dataset_values import Dataset
from studio.services.datasets import DatasetService
from studio.services.models import ModelService
from studio.services.run_bases import bases
from studio.services.run_shelf import RunShelf
from studio.services.run_values import Base, Estimate
from studio.settings import Settings
from studio.workspace import Workspace


class Planning:
    """Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        workspace: Workspace,
        models: ModelService,
        datasets: DatasetService,
        shelf: RunShelf,
    ) -> None:
        self._settings, self._workspace = settings, workspace
        self._models, self._datasets, self._shelf = models, datasets, shelf

    def propose(
        self, family: Family, method: Method, preset: Preset, dataset: str, owner: str, base: str
    ) -> Proposal:
        """Raises NotFound."""
        found = self._datasets.get(dataset, owner)
        clips = self._training_clips(found)
        seconds = found.kept_s * clips / found.kept if found.kept else 0.0
        chosen = self._base(family, base, owner).key
        return propose_for(family, method, preset, chosen, found.id, clips, seconds)

    def resolved(self, settings: RunSettings, owner: str) -> RunSettings:
        """With ids in place of names. Raises NotFound for a data set or a base that there is not."""
        dataset = self._datasets.get(settings.dataset, owner).id
        return replace(
            settings, dataset=dataset, base=self._base(settings.family, settings.base, owner).key
        )

    def config(self, settings: RunSettings, owner: str) -> Config:
        """Of a new run."""
        base = self._base(settings.family, settings.base, owner)
        name = self._datasets.get(settings.dataset, owner).name
        return configs.new_config(settings, name, base.label, base.practice)

    def check(self, settings: RunSettings, owner: str) -> None:
        """Raises BadInput for the first problem that keeps a run from starting."""
        for problem in self.estimate(settings, owner).problems:
            raise BadInput(problem)

    def estimate(self, settings: RunSettings, owner: str) -> Estimate:
        return Estimate(0, 0, "cpu", None, 0, 0, 0, 0, 0, (), ())

    def _training_clips(self, dataset: Dataset) -> int:
        try:
            rows = read_metadata(self._workspace.datasets / dataset.id)
        except NotFound:  # never built
            return 0
        return sum(row.split == TRAIN for row in rows)

    def _base(self, family: Family, key: str, owner: str) -> Base:
        """By its key, or as "RUN:EPOCH" with the run's name; "": the first. Raises NotFound."""
        there = bases(family, self._models, self._shelf.all(owner))
        for base in there:
            if not key or base.key == key:
                return base
        if ":" in key:
            found = self._shelf.checkpoint(key, owner)
            if found.checkpoint.family is not family:
                raise BadInput(
                    f"{found.label} is a checkpoint of {found.checkpoint.family}, not of {family}.",
                    "Choose another base, or the other family.",
                )
            return next(base for base in there if base.key == found.spec)
        raise NotFound(
            f"{family} has no base “{key[:80]}”.",
            "It has: " + ", ".join(base.key for base in there) + ".",
        )
