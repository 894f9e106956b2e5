"""The training sets of a library as values, found by their owner's names for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from studio.dataset import config as configs
from studio.dataset.ledger import DatasetFolder
from studio.dataset.values import PrepareSettings
from studio.errors import Busy, Damaged
from studio.library import Damage, Library
from studio.library_config import Config
from studio.services.dataset_builds import Builds
from studio.services.dataset_records import inputs_of
from studio.services.dataset_segments import NO_FIGURES, JudgedSets
from studio.services.dataset_values import Dataset, Judged


class Shelf:
    """Thread-safe, and safe beside other processes. What is not the owner's is not found."""

    def __init__(self, folder: Path, builds: Builds) -> None:
        self.library = Library(folder, configs.KIND, configs.VERSION)
        self.sets = JudgedSets()
        self._builds = builds

    def all(self, owner: str) -> list[Dataset]:
        """The owner's by name."""
        mine = [each for each in self.library.values(self._value)[0] if each.owner == owner]
        return sorted(mine, key=lambda each: (each.name.casefold(), each.id))

    def damaged(self) -> tuple[Damage, ...]:
        """Those that cannot be read."""
        return self.library.values(self._value)[1]

    def sources_of_others(self, id: str) -> set[str]:
        """Ids of the recordings that are in any set but that one, whoever's it is."""
        sets = self.library.values(self._value)[0]
        return {source.id for each in sets if each.id != id for source in each.sources}

    def id(self, id_or_name: str, owner: str) -> str:
        """By its id, or by its name whatever the case. Raises NotFound naming those there are."""
        return self.library.named(id_or_name, owner)

    def config(self, id: str, owner: str) -> Config:
        """Raises NotFound, Damaged."""
        return self.library.read(self.id(id, owner))

    def folder(self, id: str, owner: str) -> DatasetFolder:
        """Raises NotFound."""
        return DatasetFolder(self.library.folder(self.id(id, owner)))

    def read(self, id: str, owner: str) -> Dataset:
        """Raises NotFound, Damaged."""
        return self.library.value(self.id(id, owner), self._value)

    def judged(self, id: str, owner: str) -> Judged:
        """Its segments with what is decided of them. Raises NotFound, Damaged."""
        return self.sets.judged(self.folder(id, owner), self.in_force(id, owner))

    def in_force(self, id: str, owner: str) -> PrepareSettings:
        """See `config.settings_in_force`. Raises NotFound, Damaged."""
        return configs.settings_in_force(self.config(id, owner))

    def create(self, name: str, owner: str, make: Callable[[Path], Config]) -> Dataset:
        """Raises BadInput for a name that is taken."""
        return self.read(self.library.create(name, owner, make), owner)

    def change(self, id: str, owner: str, update: Callable[[Config, DatasetFolder], Config]) -> Dataset:
        """Raises NotFound, Damaged, and BadInput for a name that is taken."""
        id = self.id(id, owner)
        self.library.change(id, lambda config, folder: update(config, DatasetFolder(folder)))
        return self.read(id, owner)

    def settle(self, id: str, owner: str) -> Dataset:
        """The set once its files are in line with what is decided; one never built has none."""
        folder, config = self.folder(id, owner), self.config(id, owner)
        if folder.ledger_file.exists():
            from studio.dataset.writing import settle

            settled = None
            while settled != (now := (config["name"], configs.settings_in_force(config))):
                settle(folder, *now)
                # Whoever changed them meanwhile may have settled by them before this was done.
                settled, config = now, self.config(id, owner)
        return self.read(id, owner)

    def not_while_built(self, id: str, owner: str) -> None:
        """Raises Busy while a build is at it."""
        config = self.config(id, owner)
        if self._builds.active(config):
            raise Busy(f"“{config['name']}” is being built.", "Wait until it has ended, or stop it.")

    def _value(self, id: str, config: Config) -> Dataset:
        """Raises Damaged for a config that makes no sense; what is wrong with the rest is told."""
        folder, settings = DatasetFolder(self.library.folder(id)), configs.settings_of(config)
        figures, problem = NO_FIGURES, ""
        try:
            figures = self.sets.figures(folder, configs.settings_in_force(config))
        except Damaged as error:
            problem = str(error)
        return Dataset(
            id=id,
            name=config["name"],
            owner=config["owner"],
            created=config["created"],
            changed=config["changed"],
            state=self._builds.state(config, built=folder.ledger_file.exists()),
            stale=configs.stale(config),
            target=settings.target,
            recordings=sum(1 for source in figures.sources if not source.problem),
            segments=figures.segments,
            kept=figures.kept,
            total_s=figures.total_s,
            kept_s=figures.kept_s,
            language=figures.language,
            speakers=figures.speakers,
            mean_snr_db=figures.mean_snr_db,
            problem=problem,
            inputs=inputs_of(config, folder),
            settings=settings,
            sources=figures.sources,
            notes=configs.notes_of(config),
            note=str(config["note"]),
            job=str(config["job"]),
        )
