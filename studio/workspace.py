"""Where everything lies on the disk, relative to the home folder."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from studio.errors import StorageFailed
from studio.files import may_be_writing, storage_errors, sweep_partials


@dataclass(frozen=True)
class Workspace:
    """The folders of one home. `prepare()` makes them and proves that they can be written."""

    home: Path

    @property
    def outputs(self) -> Path:
        """Finished speech, video and transcripts, each with a .json beside it."""
        return self.home / "outputs"

    @property
    def database(self) -> Path:
        return self.home / "timbre.db"

    @property
    def datasets(self) -> Path:
        return self.home / "datasets"

    @property
    def checkpoints(self) -> Path:
        return self.home / "checkpoints"

    @property
    def personalities(self) -> Path:
        return self.home / "saved_personalities"

    @property
    def voices(self) -> Path:
        return self.home / "saved_voices"

    @property
    def parts(self) -> Path:
        """Spoken parts of tagged texts, by what they were made of."""
        return self.cache / "parts"

    @property
    def references(self) -> Path:
        """Recordings that takes were made from, by content hash."""
        return self.home / "references"

    @property
    def recordings(self) -> Path:
        """Recordings that transcripts were made from, by content hash."""
        return self.home / "recordings"

    @property
    def faces(self) -> Path:
        """Pictures and videos that videos were made from, by content hash."""
        return self.home / "faces"

    @property
    def looked_at(self) -> Path:
        """What was found in pictures and videos, by their content."""
        return self.cache / "faces"

    @property
    def logs(self) -> Path:
        """One log file a job."""
        return self.home / "logs"

    @property
    def cache(self) -> Path:
        """What can be made again: voice prompts by content hash, Gradio's copies."""
        return self.home / ".cache"

    @property
    def encoded(self) -> Path:
        """Takes in other formats than WAV, made when they were first asked for."""
        return self.cache / "encoded"

    @property
    def gradio_temp(self) -> Path:
        return self.cache / "gradio"

    @property
    def uploads(self) -> Path:
        """Checkpoints that were uploaded, until they are read."""
        return self.cache / "uploads"

    @property
    def spool(self) -> Path:
        """Sound that is being spoken right now, one folder a process."""
        return self.cache / "spool" / str(os.getpid())

    @property
    def voice_prompts(self) -> Path:
        return self.cache / "voice_prompts"

    @property
    def prepared(self) -> Path:
        """Recordings cut and measured for training sets, by their content and settings."""
        return self.cache / "prepare"

    def prepare(self) -> None:
        """Make the folders and sweep what a killed process left half-written.

        Raises StorageFailed where the home cannot be written.
        """
        try:
            with storage_errors(self.home):
                for folder in self._made_at_start():
                    folder.mkdir(parents=True, exist_ok=True)
                probe = self.home / f".timbre-write-{os.getpid()}"
                probe.write_bytes(b"")
                probe.unlink()
        except (FileExistsError, NotADirectoryError) as error:
            raise StorageFailed(
                f"{self.home} cannot be the home: a file is in the way.",
                "Choose another folder with --home.",
            ) from error
        sweep_partials(self.outputs)
        self._sweep_spools()

    def _made_at_start(self) -> tuple[Path, ...]:
        return (
            self.outputs,
            self.references,
            self.recordings,
            self.faces,
            self.logs,
            self.gradio_temp,
            self.voice_prompts,
            self.spool,
        )

    def _sweep_spools(self) -> None:
        """Remove the spools of processes that are gone."""
        for folder in self.spool.parent.iterdir():
            if folder == self.spool:
                for entry in folder.iterdir():
                    if may_be_writing(os.getpid(), entry):
                        continue
                    if entry.is_dir():
                        shutil.rmtree(entry, ignore_errors=True)
                    else:
                        entry.unlink(missing_ok=True)
            elif not (folder.name.isdigit() and may_be_writing(int(folder.name), folder)):
                shutil.rmtree(folder, ignore_errors=True)
