"""What the studio knows of a model before it is here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ModelFile:
    """A file of a model's folder."""

    name: str  # below the folder, with "/"
    why: str  # what goes wrong without it, for people
    size: int | None = None  # bytes, where the published file's is known
    required: bool = True
    sha256: str = ""  # of the only content that is fetched, where it is known, from whoever has it
    others: tuple[str, ...] = ()  # names under which its authors give the same in another form

    def path(self, folder: Path) -> Path | None:
        """Where it lies in a model's folder, under any of its names; None where it does not."""
        paths = (folder / name for name in (self.name, *self.others))
        return next((path for path in paths if path.is_file()), None)


@dataclass(frozen=True)
class ModelEntry:
    """A model as its authors publish it."""

    key: str
    label: str
    family: str  # the folder of its kind below the models folder
    folder: str  # its own folder's name, that of the repository
    hugging_face: str  # repository; "" for what is made here
    modelscope: str
    files: tuple[ModelFile, ...]
    license: str  # SPDX where it has one
    license_url: str
    serves: str  # what it is for, in a few words
    engine: str = ""  # the speech engine or recognizer that uses it
    modes: frozenset[str] = frozenset()  # of engines.base.Capability, as text, or TRANSCRIBE
    vram_gb: float | None = None  # memory it takes in bfloat16, about
    consent: str = ""  # what must be accepted before it is downloaded
    legacy: tuple[str, ...] = ()  # names of folders that other tools give it
    variant: str = ""  # tts_model_type in a Qwen config
    size: str = ""  # tts_model_size in a Qwen config
    model_type: str = ""  # in config.json, for models that are told by it
    model: str = ""  # "model" in the config.json of coqui-tts
    practice: bool = False  # random weights made here, for trying the pipeline
    base: str = ""  # of a model that was trained here, the key of the one it was trained on
    owner: str = ""  # whose it is; "": everybody's
    url: str = ""  # of a model that no hub has: an HTTPS folder whose name is its one file's SHA-256

    @property
    def published_bytes(self) -> int:
        """Bytes of the published files whose size is known: nearly all of a download; 0: not known."""
        return sum(file.size or 0 for file in self.files)

    def address(self, mirror: str = "") -> str:
        """`url`, or the same path below `mirror`; "" for a model of a hub."""
        if not (mirror and self.url):
            return self.url
        path = self.url.partition("://")[2].partition("/")[2]
        return f"{mirror.rstrip('/')}/{path}"

    @property
    def identity(self) -> Mapping[str, str]:
        """What config.json says in this model and in no other; empty where that is not known."""
        known = {
            "model": self.model,
            "model_type": self.model_type,
            "tts_model_type": self.variant,
            "tts_model_size": self.size,
        }
        return {name: value for name, value in known.items() if value}
