"""What a run is to be before it starts: settings that suit its data set, and what it would take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from studio.dataset.metadata import Row, read_metadata
from studio.dataset.splitting import TRAIN
from studio.errors import BadInput, Damaged, NotFound, StudioError
from studio.files import free_bytes
from studio.library_config import Config
from studio.runs import config as configs
from studio.runs import memory
from studio.runs.presets import Preset, Proposal
from studio.runs.presets import propose as propose_for
from studio.runs.shapes import Shape, shape_of
from studio.runs.values import Family, Method, Precision, RunSettings
from studio.services import run_checks as checks
from studio.services.dataset_values import Dataset, SegmentQuery
from studio.services.datasets import DatasetService
from studio.services.models import ModelService
from studio.services.run_bases import bases
from studio.services.run_device import Device, device_of
from studio.services.run_records import seconds_a_clip
from studio.services.run_shelf import RunShelf
from studio.services.run_values import Base, Estimate
from studio.settings import Settings
from studio.workspace import Workspace

_MB = 2**20
#: Of a test sentence and of a cached second of sound, bytes: 5 s at 24 kHz, 22 kHz of 16 bits.
_SENTENCE = 5 * 24_000 * 2
_SOUND = 22_050 * 2
_SENTENCES = 6  # an epoch's files, all in one among them
#: Checkpoints beyond those that are kept: the sentinel's best, and the one that is being written.
_MORE_CHECKPOINTS = 2


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
        clips = len(_of_training(self._rows(found)))
        seconds = found.kept_s * clips / found.kept if found.kept else 0.0
        chosen = self._base(family, base, owner).key
        return propose_for(family, method, preset, chosen, found.id, clips, seconds)

    def resolved(self, settings: RunSettings, owner: str) -> RunSettings:
        """With ids in place of names. Raises NotFound for a data set or a base that there is not."""
        dataset = self._datasets.get(settings.dataset, owner).id
        base = self._base(settings.family, settings.base, owner).key
        return replace(settings, dataset=dataset, base=base)

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
        """See RunService.estimate()."""
        problems: list[str] = []
        advice: list[str] = []
        device = self._device(settings, problems, advice)
        dataset, rows = self._data(settings, owner, problems)
        if dataset is not None:
            problems += checks.dataset_problems(
                dataset, rows, settings, self._workspace.datasets / dataset.id
            )
            advice += checks.dataset_advice(dataset, rows, settings)
        shape = self._shape(settings, owner, problems)
        train = len(_of_training(rows))
        clips = min(train, settings.max_train_samples or train)
        seconds = dataset.kept_s * clips / dataset.kept if dataset and dataset.kept else 0.0
        rounds = -(-clips // settings.batch_size)
        steps = -(-rounds // settings.accumulation) * settings.epochs
        longest = self._longest(dataset, owner)
        memory_mb = self._memory(shape, settings, longest, device)
        if shape is not None and memory_mb > device.available_mb:
            advice += self._smaller(shape, settings, longest, device, memory_mb)
        disk_mb = _disk(shape, settings, seconds) / _MB
        disk_free_mb = free_bytes(self._workspace.checkpoints) / _MB
        if disk_mb > disk_free_mb:
            advice.append(
                f"The disk has {disk_free_mb / 1024:.1f} GB free, and this run may take {disk_mb / 1024:.1f}: "
                "keep fewer checkpoints, or free some."
            )
        speed = self._speed(settings, owner)
        return Estimate(
            memory_mb,
            device.available_mb,
            device.label,
            speed * clips * settings.epochs if speed else None,
            disk_mb,
            disk_free_mb,
            clips,
            seconds,
            steps,
            tuple(advice),
            tuple(problems),
        )

    def _device(self, settings: RunSettings, problems: list[str], advice: list[str]) -> Device:
        try:
            device = device_of(self._settings.device)
        except BadInput as error:
            problems.append(str(error))
            return Device("cpu", self._settings.device, 0.0, bfloat16=False)
        if settings.precision is Precision.FLOAT16 and device.kind != "cuda":
            problems.append(
                f"float16 is for CUDA cards, and this run would be on {device.label}. Set precision to auto."
            )
        if device.kind == "cpu" and settings.precision is Precision.BFLOAT16:
            advice.append("bfloat16 is slow on most processors: auto is faster.")
        return device

    def _data(
        self, settings: RunSettings, owner: str, problems: list[str]
    ) -> tuple[Dataset | None, list[Row]]:
        try:
            dataset = self._datasets.get(settings.dataset, owner)
            return dataset, self._rows(dataset)
        except StudioError as error:
            problems.append(str(error))
            return None, []

    def _rows(self, dataset: Dataset) -> list[Row]:
        try:
            return read_metadata(self._workspace.datasets / dataset.id)
        except NotFound:  # never built
            return []

    def _shape(self, settings: RunSettings, owner: str, problems: list[str]) -> Shape | None:
        """Of the model that the base is or was trained on; None where it is not here."""
        try:
            base = self._base(settings.family, settings.base, owner)
            key = settings.base
            if ":" in base.key:
                checkpoint = self._shelf.checkpoint(base.key, owner).checkpoint
                if checkpoint.method is not settings.method:
                    problems.append(
                        f"{base.label} was trained with {checkpoint.method}, and this run is to train with "
                        f"{settings.method}. Choose method {checkpoint.method}, or another base."
                    )
                key = checkpoint.base
            if base.problem:
                problems.append(base.problem)
            folder = self._models.status(key or base.key).report.folder
            return shape_of(folder, settings.family) if folder is not None else None
        except Damaged as error:
            if not problems:  # what is wrong with the base has been said
                problems.append(str(error))
        except StudioError as error:
            problems.append(str(error))
        return None

    def _longest(self, dataset: Dataset | None, owner: str) -> memory.Longest:
        if dataset is None or not dataset.kept:
            return memory.Longest(0.0, 0)
        query = SegmentQuery(limit=1, order="duration", descending=True, kept=True)
        try:
            rows = self._datasets.segments(dataset.id, owner, query).rows
        except StudioError:  # the data set's own problem says it
            return memory.Longest(0.0, 0)
        return (
            memory.Longest(rows[0].segment.duration, len(rows[0].text)) if rows else memory.Longest(0, 0)
        )

    def _memory(
        self, shape: Shape | None, settings: RunSettings, longest: memory.Longest, device: Device
    ) -> float:
        if shape is None:
            return 0.0
        half = memory.is_half(settings, device.kind, device.bfloat16)
        return memory.need(shape, settings, longest, device.kind, half).total

    def _smaller(
        self,
        shape: Shape,
        settings: RunSettings,
        longest: memory.Longest,
        device: Device,
        memory_mb: float,
    ) -> list[str]:
        """What to change so that it fits: the smallest change that does, or what comes nearest."""
        words = (
            f"It needs about {memory_mb / 1024:.1f} GB of memory, and {device.label} has "
            f"{device.available_mb / 1024:.1f} free."
        )
        for other, change in memory.less_hungry(settings):
            less = self._memory(shape, other, longest, device)
            if less <= device.available_mb:
                return [f"{words} With {change} it would take {less / 1024:.1f} GB."]
        return [f"{words} Choose a smaller base, shorter clips, or a machine with more memory."]

    def _speed(self, settings: RunSettings, owner: str) -> float | None:
        """Seconds a clip of the last run like this one on this machine."""
        for run in self._shelf.all(owner):
            same = (run.family, run.method) == (settings.family, settings.method)
            alike = run.settings.gradient_checkpointing == settings.gradient_checkpointing
            if same and alike and run.base == settings.base:
                speed = seconds_a_clip(self._shelf.folder(run.id, owner))
                if speed:
                    return speed
        return None

    def _base(self, family: Family, key: str, owner: str) -> Base:
        """By its key, or as "RUN:EPOCH" with the run's name; "": the first. Raises NotFound, BadInput."""
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


def _of_training(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.split == TRAIN]


def _disk(shape: Shape | None, settings: RunSettings, seconds: float) -> float:
    """Bytes at most: checkpoints, the state while it is being replaced, samples, and encoded clips."""
    if shape is None:
        return 0.0
    trained = memory.trained_parameters(shape, settings)
    saved = -(-settings.epochs // settings.save_every)
    checkpoints = min(saved, settings.keep_last + settings.keep_best + _MORE_CHECKPOINTS)
    size = 4 * trained if settings.method is Method.LORA else 4 * (shape.trainable + shape.rest)
    listened = settings.epochs // settings.sample_every + 1 if settings.sample_every else 0
    samples = listened * _SENTENCES * _SENTENCE
    return checkpoints * size + 2 * 12 * trained + samples + seconds * _SOUND
