"""A training set in forms that others read: made beside its place and put there when it is whole."""

from __future__ import annotations

import os
import secrets
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from studio.control import Control
from studio.dataset import export_forms
from studio.dataset.export_forms import Export
from studio.dataset.ledger import DatasetFolder
from studio.dataset.metadata import read_metadata
from studio.dataset.summary import SUMMARY
from studio.dataset.values import PrepareSettings
from studio.dataset.writing import settle, settling
from studio.errors import BadInput, StorageFailed, unknown
from studio.files import (
    PARTIAL_SUFFIX,
    flush_folder,
    flush_tree,
    is_abandoned,
    make_folder,
    publishing,
    storage_errors,
)

ZIP = ".zip"


@dataclass(frozen=True)
class ExportForm:
    """What a set can be exported as."""

    id: str
    label: str
    write: Callable[[Export, Control], None]  # into `Export.out`, an empty folder
    is_zip: bool = False


FORMS: Mapping[str, ExportForm] = MappingProxyType(
    {
        form.id: form
        for form in (
            ExportForm("hf", "Hugging Face: parquet and audiofolder", export_forms.hugging_face),
            ExportForm("ljspeech", "LJSpeech: id|text|text", export_forms.ljspeech),
            ExportForm("qwen", "Qwen3-TTS: train_raw.jsonl, 24 kHz", export_forms.qwen),
            ExportForm("zip", "The whole set as a zip", export_forms.whole, is_zip=True),
        )
    }
)


def export(
    folder: DatasetFolder,
    name: str,
    settings: PrepareSettings,
    format: str,
    target: Path,
    control: Control,
) -> Path:
    """Write the set called `name` to `target` and return that.

    `target` is a folder that does not exist or is empty; a zip file that does not exist where its name
    ends so, as it must for the format "zip". Nothing is left of an export that did not end well.
    Raises NotFound for an unknown format, BadInput where nothing is kept or `target` is taken,
    StorageFailed, Cancelled.
    """
    if format not in FORMS:
        raise unknown("export format", format, FORMS)
    form, target = FORMS[format], target.absolute()
    zipped = target.suffix.lower() == ZIP
    _check_target(target, zipped, form, folder)
    export = _begun(folder, name, settings)
    with _beside(target) as out:
        made = out / "set"
        make_folder(made)
        with storage_errors(target):
            form.write(export.into(made), control.between(0.0, 0.8 if zipped else 0.95))
            if zipped:
                _zip(made, target, control.between(0.8, 1.0))
                return target
            control.progress("Saving", 0.95)
            flush_tree(made)
            if target.exists():
                target.rmdir()
            made.replace(target)
            flush_folder(target.parent)
    return target


def _begun(folder: DatasetFolder, name: str, settings: PrepareSettings) -> Export:
    """What there is to export, as it is decided now."""
    settle(folder, name, settings)
    with settling(folder):
        rows = read_metadata(folder.root)
        about = (folder.root / SUMMARY).read_bytes()
    if not rows:
        raise BadInput(
            "Nothing is kept of this data set, so there is nothing to export.",
            "Loosen its limits, or keep segments by hand.",
        )
    return Export(folder, name, tuple(rows), about)


def _check_target(target: Path, zipped: bool, form: ExportForm, folder: DatasetFolder) -> None:
    if form.is_zip and not zipped:
        raise BadInput(f"“{target.name[:80]}” is no name for a zip file.", "Let it end in .zip.")
    if target.resolve().is_relative_to(folder.root.resolve()):
        raise BadInput("A data set cannot be exported into itself.", "Choose another place.")
    if target.is_dir() and not zipped and not any(target.iterdir()):
        return
    if os.path.lexists(target):
        what = "is there already" if zipped or not target.is_dir() else "is not empty"
        raise BadInput(f"{target} {what}.", "Choose a new name, so that nothing is overwritten.")


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """An empty folder on the target's disk, removed afterwards; what killed exports left goes too."""
    _make(target.parent)
    prefix = f".{target.name}."
    for leftover in target.parent.iterdir():
        name = leftover.name
        if name.startswith(prefix) and name.endswith(PARTIAL_SUFFIX) and is_abandoned(leftover):
            shutil.rmtree(leftover, ignore_errors=True)
    scratch = target.parent / f"{prefix}{os.getpid()}.{secrets.token_hex(4)}{PARTIAL_SUFFIX}"
    _make(scratch)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _make(folder: Path) -> None:
    """Make a folder where the person wants the export, which is not the studio's home."""
    try:
        make_folder(folder)
    except StorageFailed as error:
        raise StorageFailed(
            f"Nothing can be saved in {folder.parent}.",
            "Choose another place for the export, one that you may write to and that has room.",
        ) from error


def _zip(folder: Path, target: Path, control: Control) -> None:
    """Everything below `folder`, by name. Sounds hardly pack; the date is that of no machine."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with publishing(target) as partial, zipfile.ZipFile(partial, "w") as archive:
        for path in _reported(files, "Packing", control):
            info = zipfile.ZipInfo(path.relative_to(folder).as_posix())
            packs = path.suffix not in (".wav", ".parquet")
            info.compress_type = zipfile.ZIP_DEFLATED if packs else zipfile.ZIP_STORED
            info.file_size = path.stat().st_size  # beyond 2 GiB it has to be known before
            with path.open("rb") as source, archive.open(info, "w") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)


def _reported(files: Iterable[Path], stage: str, control: Control) -> Iterator[Path]:
    files = list(files)
    for index, path in enumerate(files):
        control.progress(stage, index / len(files))
        yield path
