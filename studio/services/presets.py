"""Settings saved under a name, for each of the three ways to a voice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from studio.db import Database
from studio.errors import unknown
from studio.names import clean_name


class Presets:
    """Named settings; an owner sees only their own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self, owner: str, mode: str) -> list[str]:
        rows = self._database.query(
            "SELECT name FROM presets WHERE owner = ? AND mode = ? ORDER BY name COLLATE NOCASE",
            (owner, mode),
        )
        return [row[0] for row in rows]

    def save(self, owner: str, mode: str, name: str, settings: Mapping[str, Any]) -> str:
        """Save under `name`, replacing what had it; returns the name as kept."""
        name = clean_name(name)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO presets (owner, mode, name, settings) VALUES (?, ?, ?, ?)",
                (owner, mode, name, json.dumps(settings)),
            )
        return name

    def load(self, owner: str, mode: str, name: str) -> dict[str, Any]:
        name = clean_name(name)
        rows = self._database.query(
            "SELECT settings FROM presets WHERE owner = ? AND mode = ? AND name = ?",
            (owner, mode, name),
        )
        if not rows:
            raise unknown("preset", name, self.names(owner, mode))
        settings: dict[str, Any] = json.loads(rows[0]["settings"])
        return settings

    def delete(self, owner: str, mode: str, name: str) -> None:
        name = clean_name(name)
        with self._database.transaction() as connection:
            connection.execute(
                "DELETE FROM presets WHERE owner = ? AND mode = ? AND name = ?", (owner, mode, name)
            )
