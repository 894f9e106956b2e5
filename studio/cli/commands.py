"""`speakers` and `engines`: what there is to speak with."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from engines.base import EngineInfo, Sampling, Speaker
from engines.choosing import of_owner
from studio.cli.dataset_words import OWNER
from studio.cli.output import print_json
from studio.errors import unknown
from studio.services.studio import Studio
from studio.services.takes import MODES
from studio.text.language import closest


def speakers(studio: Studio, given: argparse.Namespace) -> None:
    """`app.py speakers`: the recommended ones and one for each language, or all."""
    engine = studio.engines.registry.get(given.engine or studio.settings.default_engine)
    found = list(of_owner(engine.speakers(), OWNER))
    if given.language:
        known = {speaker.language for speaker in found}
        if any(speaker.multilingual for speaker in found):
            known |= set(engine.info.languages)
        code = closest(given.language.lower(), known)
        if code is None:
            raise unknown("language", given.language, known)
        found = [each for each in found if each.multilingual or each.language == code]
    elif not given.all:
        found = _one_a_language(found)
    if given.json:
        rows = [
            {
                "id": speaker.id,
                "label": speaker.label,
                "language": speaker.language,
                "gender": speaker.gender,
                "description": speaker.description,
                "recommended": speaker.recommended,
            }
            for speaker in found
        ]
        print_json({"ok": True, "engine": engine.info.id, "speakers": rows})
        return
    width = max(len(speaker.id) for speaker in found)
    for speaker in found:
        description = f": {speaker.description}" if speaker.description else ""
        print(f"{speaker.id:{width}}  {speaker.language:10}  {speaker.label}{description}")


def engines(studio: Studio, given: argparse.Namespace) -> None:
    """`app.py engines`: what each engine is and can do."""
    infos = studio.engines.registry.infos()
    if given.json:
        rows: list[dict[str, Any]] = [
            {
                "id": info.id,
                "label": info.label,
                "description": info.description,
                "license": info.license,
                "capabilities": sorted(str(capability) for capability in info.capabilities),
                "languages": sorted(info.languages),
                "sample_rate": info.sample_rate,
                "options": [
                    {
                        "key": option.key,
                        "minimum": option.minimum,
                        "maximum": option.maximum,
                        "default": option.default,
                        "modes": sorted(str(mode) for mode in option.modes),
                        "help": option.help,
                    }
                    for option in info.options
                ],
                "models": _models(studio, info),
                "sampling": _sampling(info.sampling),
            }
            for info in infos
        ]
        print_json({"ok": True, "engines": rows})
        return
    for info in infos:
        capabilities = ", ".join(sorted(str(capability) for capability in info.capabilities))
        print(f"{info.id}: {info.label} ({info.license})\n    {info.description}\n    {capabilities}")


def _models(studio: Studio, info: EngineInfo) -> list[dict[str, Any]]:
    engine = studio.engines.registry.get(info.id)
    return [
        {"mode": str(mode), **asdict(choice)}
        for mode in MODES
        if mode in info.capabilities
        for choice in of_owner(engine.models(mode), OWNER)
    ]


def _sampling(sampling: Sampling | None) -> dict[str, Any]:
    if sampling is None:
        return {}
    return {
        "parameters": [asdict(field) for field in sampling.fields],
        "named": {name: asdict(params) for name, params in sampling.presets.items()},
    }


def _one_a_language(speakers: list[Speaker]) -> list[Speaker]:
    seen: set[str] = set()
    kept = []
    for speaker in speakers:
        if speaker.recommended or speaker.language not in seen:
            seen.add(speaker.language)
            kept.append(speaker)
    return kept
