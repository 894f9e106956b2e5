"""Whether a data set can be trained on, and what is to be said of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from studio.dataset.metadata import Row
from studio.dataset.splitting import TRAIN
from studio.dataset.targets import target_named
from studio.runs.values import Method, RunSettings
from studio.services.dataset_values import Dataset
from studio.text.language import closest

#: A voice is heard in another clip than the one that is learned, so two are the least.
_FEWEST_CLIPS = 2
_SHORTEST_S = 3.0

#: Below these, seconds, a voice is hardly learned; XTTS and Qwen want minutes for LoRA, more in full.
_THIN_S = {Method.LORA: 120.0, Method.FULL: 1800.0}


def dataset_problems(
    dataset: Dataset, rows: Sequence[Row], settings: RunSettings, root: Path
) -> list[str]:
    """Why a run cannot start with this data set at `root`; a sentence each, with its remedy."""
    if dataset.state == "building":
        return [f"“{dataset.name}” is being built. Wait until that has ended."]
    if dataset.problem:
        return [dataset.problem]
    train = [row for row in rows if row.split == TRAIN]
    if not train:
        return [f"“{dataset.name}” has no clips to train on. Add recordings and build it."]
    target = target_named(settings.family.value)
    rate = _rate(root, train)
    if rate is not None and rate != target.sample_rate:
        return [
            f"“{dataset.name}” has {rate:,} Hz, and {target.label} learns from {target.sample_rate:,} Hz. "
            f"Build it (or a duplicate) with the target {target.id}."
        ]
    spoken = [row for row in train if _speaks(row.language or dataset.language, settings)]
    if not spoken:
        code = train[0].language or dataset.language
        return [
            f"“{dataset.name}” is in {code}, which {target.label} does not speak. It speaks: "
            + ", ".join(sorted(target.max_characters))
            + "."
        ]
    seconds = dataset.kept_s * len(spoken) / dataset.kept if dataset.kept else 0.0
    if len(spoken) < _FEWEST_CLIPS or seconds < _SHORTEST_S:
        clips = f"{len(spoken)} clip{'s' if len(spoken) != 1 else ''}"
        return [
            f"“{dataset.name}” is too small: {clips} of {seconds:.1f} s to train on. Add recordings; a "
            "few minutes are the least for a voice."
        ]
    return []


def dataset_advice(dataset: Dataset, rows: Sequence[Row], settings: RunSettings) -> list[str]:
    """What is worth knowing before the start; a sentence each."""
    said = [dataset.stale] if dataset.stale else []
    train = [row for row in rows if row.split == TRAIN]
    unknown = Counter(
        row.language or dataset.language
        for row in train
        if not _speaks(row.language or dataset.language, settings)
    )
    if unknown and sum(unknown.values()) < len(train):
        codes = ", ".join(sorted(filter(None, unknown))) or "an unknown language"
        said.append(f"{sum(unknown.values())} clips in {codes} are left out: it is not spoken.")
    thin = _THIN_S[settings.method]
    if train and 0 < dataset.kept_s < thin:
        least = "two minutes" if settings.method is Method.LORA else "half an hour; LoRA wants less"
        said.append(
            f"{dataset.kept_s / 60:.1f} min are little to learn a voice from: aim at more than {least}."
        )
    return said


def _speaks(code: str, settings: RunSettings) -> bool:
    """Whether the family speaks the language; of "" nobody knows."""
    return bool(code) and closest(code, target_named(settings.family.value).max_characters) is not None


def _rate(root: Path, rows: Sequence[Row]) -> int | None:
    """Hz of the first clip; None where it cannot be read, which training tells of each clip."""
    import soundfile

    try:
        return int(soundfile.info(root / rows[0].audio).samplerate)
    except (OSError, RuntimeError):
        return None
