"""The prompts of a language model: files that people can copy and change.

Ours lie in the checkout's configs/llm; a file of the same name in <home>/configs/llm wins.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from studio.errors import BadInput, unknown
from studio.settings import CHECKOUT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MODES = ("stt", "tts")

SHIPPED = CHECKOUT / "configs" / "llm"
_ENDINGS = (".toml", ".yaml", ".yml")
_FIELD = re.compile(r"\{(text|language|context)\}")
_MAX_BYTES = 100_000


class _Fields(BaseModel):
    """What a prompt's file holds."""

    model_config = ConfigDict(extra="forbid")

    mode: str
    name: str = Field(min_length=1, max_length=100)
    system: str = ""
    user: str
    temperature: float = Field(0.0, ge=0, le=2)


@dataclass(frozen=True)
class Prompt:
    """How a model is asked."""

    key: str  # the file's name without its ending
    mode: str  # "stt": after recognition; "tts": before speech
    name: str  # for people
    system: str
    user: str  # with {text}, and if wanted {language} and {context}
    temperature: float
    path: Path

    def messages(self, text: str, language: str, context: str) -> list[dict[str, str]]:
        """What is sent; braces within `text` itself stay as they are."""
        given = {"text": text, "language": language, "context": context}
        filled = [
            (role, _FIELD.sub(lambda match: given[match[1]], template).strip())
            for role, template in (("system", self.system), ("user", self.user))
        ]
        # Halves of characters cannot be sent.
        plain = [(role, content.encode("utf-8", "ignore").decode()) for role, content in filled]
        return [{"role": role, "content": content} for role, content in plain if content]


def load(home: Path, mode: str, key: str = "") -> Prompt:
    """The prompt for `mode`: the file named `key`, by default the one named like the mode; that of
    the home wins. Raises NotFound, and BadInput naming the file that cannot be used."""
    if mode not in MODES:
        raise unknown("mode of the language model", mode, MODES)
    paths = _paths(home)
    path = paths.get(key or mode)
    if path is None:
        raise unknown("prompt", key or mode, paths)
    prompt = _read(path)
    if prompt.mode != mode:
        raise BadInput(f"{path} is a prompt for {prompt.mode}, not for {mode}.", "Choose another one.")
    return prompt


def available(home: Path, mode: str) -> list[Prompt]:
    """Every prompt for `mode`, by key. Raises BadInput naming the file that cannot be used."""
    prompts = (_read(path) for _, path in sorted(_paths(home).items()))
    return [prompt for prompt in prompts if prompt.mode == mode]


def _paths(home: Path) -> dict[str, Path]:
    """The file of each key; where a folder has several, TOML comes first."""
    return {path.stem: path for folder in (SHIPPED, home / "configs" / "llm") for path in _in(folder)}


def _in(folder: Path) -> Iterator[Path]:
    for ending in reversed(_ENDINGS):
        yield from sorted(folder.glob(f"*{ending}"))


def _read(path: Path) -> Prompt:
    hint = "Correct it, or remove it; docs/language-models.md shows what it must hold."
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"it is larger than {_MAX_BYTES // 1000} kB")
        fields = _Fields.model_validate(_parsed(path))
        if "{text}" not in fields.user:
            raise ValueError("user: {text} is missing, so nothing would be sent")
        if fields.mode not in MODES:
            raise ValueError(f"mode: {fields.mode} is none of {', '.join(MODES)}")
    except ValidationError as error:
        what = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'file'}: {each['msg']}" for each in error.errors()
        )
        raise BadInput(f"The prompt {path} cannot be used: {what}.", hint) from error
    except (OSError, ValueError) as error:  # also broken TOML, YAML and UTF-8
        what = " ".join(str(error).split()).rstrip(".")
        raise BadInput(f"The prompt {path} cannot be used: {what}.", hint) from error
    return Prompt(
        path.stem, fields.mode, fields.name, fields.system, fields.user, fields.temperature, path
    )


def _parsed(path: Path) -> Any:
    text = path.read_text("utf-8-sig")
    if path.suffix == ".toml":
        return tomllib.loads(text)
    try:
        yaml = importlib.import_module("yaml")  # comes with other packages, not needed by ours
    except ImportError as error:
        raise ValueError("reading YAML needs PyYAML: pip install pyyaml, or write it as TOML") from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"it is no YAML: {error}") from error
