"""From the options of `personalities` to what is to be made."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from studio.audio.joining import JoinSettings
from studio.cli.voice_options import consent_from
from studio.errors import BadInput, unknown
from studio.services.personality_values import NewEmotion, NewPersonality
from studio.services.smart_values import Extension, SmartEmotion, SmartOrder
from studio.services.studio import Studio
from studio.services.tasks import TaskStatus


def new_from(given: argparse.Namespace) -> NewPersonality:
    """What `create` is asked to make. Raises BadInput."""
    files = [_pair(each, "--emotion") for each in given.emotion]
    tags = [tag for tag, _ in files]
    texts = _by_tag(given.transcript, "--transcript", tags)
    aliases = _by_tag(given.alias, "--alias", tags)
    languages = _by_tag(given.emotion_language, "--emotion-language", tags)
    emotions = tuple(
        NewEmotion(
            tag=tag,
            audio=Path(file),
            transcript=" ".join(texts.get(tag, ())),
            language="".join(languages.get(tag, [])[-1:]),
            aliases=tuple(aliases.get(tag, ())),
        )
        for tag, file in files
    )
    return NewPersonality(
        name=given.name,
        emotions=emotions,
        language=given.language,
        description=given.description,
        note=given.note,
        consent=consent_from(given),
    )


def order_from(studio: Studio, given: argparse.Namespace, owner: str) -> SmartOrder:
    """What `smart` is asked to build. Raises BadInput."""
    if not given.name:
        raise BadInput("The personality has no name.", "Add --name.")
    order = SmartOrder(
        name=given.name,
        audio=Path(given.audio or ""),
        start=given.start,
        end=given.end,
        transcript=given.transcript,
        description=given.describe,
        language=given.language,
        emotions=_emotions(given),
        engine=given.engine,
        model=given.model,
        join=_join(given),
        temperature=given.temperature,
        seed=given.seed,
        note=given.note,
        consent=consent_from(given),
    )
    if not given.voice:
        return order
    voice = studio.voices.get(given.voice, owner)
    part = given.start is not None or given.end is not None
    return replace(
        order,
        audio=voice.audio,
        transcript=order.transcript or ("" if part else voice.transcript),
        language=order.language or voice.language,
        voice=voice.id,
        consent=order.consent or voice.consent,
    )


def extension_from(given: argparse.Namespace) -> Extension:
    """What `smart --extend` is asked to make. Raises BadInput."""
    return Extension(
        emotions=_emotions(given),
        description=given.describe,
        engine=given.engine,
        model=given.model,
        join=_join(given),
        temperature=given.temperature,
        seed=given.seed,
    )


def _emotions(given: argparse.Namespace) -> tuple[SmartEmotion, ...]:
    tags = [tag.strip() for tag in given.emotions.split(",") if tag.strip()]
    for_all, texts = _texts(given.text, tags)
    instructs = _by_tag(given.instruct, "--instruct", tags)
    return tuple(
        SmartEmotion(tag, texts.get(tag, for_all), " ".join(instructs.get(tag, ()))) for tag in tags
    )


def _join(given: argparse.Namespace) -> JoinSettings:
    return JoinSettings(
        own_s=given.own_seconds,
        own_start=given.own_start,
        expressive_s=given.expressive_seconds,
        crossfade_ms=given.crossfade_ms,
    )


def _pair(text: str, option: str) -> tuple[str, str]:
    tag, sign, value = text.partition("=")
    if not (sign and tag.strip() and value.strip()):
        raise BadInput(f"{option} {text[:60]} cannot be read.", "Write it as TAG=VALUE.")
    return tag.strip(), value.strip()


def _by_tag(given: Sequence[str], option: str, tags: Collection[str]) -> dict[str, list[str]]:
    """What an option says of each tag. Raises NotFound for one that is not among `tags`."""
    found: dict[str, list[str]] = {}
    for text in given:
        tag, value = _pair(text, option)
        if tag not in tags:
            raise unknown(f"emotion for {option}", tag, tags)
        found.setdefault(tag, []).append(value)
    return found


def _texts(given: Sequence[str], tags: Collection[str]) -> tuple[str, dict[str, str]]:
    """The text of --text that is for all emotions, and those that are for one."""
    for_all, by_tag = "", {}
    for text in given:
        tag, sign, value = text.partition("=")
        if sign and tag.strip() in tags:
            by_tag[tag.strip()] = value.strip()
        else:
            for_all = text
    return for_all, by_tag


class Progress:
    """Each stage on a line of standard error."""

    def __init__(self, quiet: bool) -> None:
        self._quiet, self._shown = quiet, ""

    def __call__(self, status: TaskStatus) -> None:
        if self._quiet or status.state.finished or status.stage == self._shown:
            return
        self._shown = status.stage
        share = f" ({status.fraction:.0%})" if status.fraction else ""
        print(f"{status.stage}{share}", file=sys.stderr, flush=True)
