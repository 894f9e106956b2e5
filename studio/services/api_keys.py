"""The keys by which programs use the studio: named, each for one owner, kept as hashes only."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import sqlite3
import time
from dataclasses import dataclass

from studio.db import Database
from studio.errors import BadInput, StudioError, unknown

log = logging.getLogger(__name__)

_PREFIX = "tk_"
_BYTES = 32
_MAX_NAME = 60
#: How exact `last_used` is; a write for each request would be too many, seconds.
_USED_EVERY_S = 60.0
#: How long it is taken for granted that there are keys, or none. Beside engines at work a look at the disk takes
#: milliseconds, and who is to be told to come back has to hear so at once.
_KNOWN_S = 1.0


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key; the key itself is shown once, when it is made."""

    name: str
    owner: str  # whose takes, voices and jobs it works with; "" is the studio without a sign-in
    created: float  # seconds since 1970
    last_used: float | None  # to the minute; None: never

    @property
    def use_is_stale(self) -> bool:
        """Whether a use just now would be news."""
        return self.last_used is None or time.time() - self.last_used > _USED_EVERY_S


class ApiKeys:
    """Thread-safe. What another process creates or revokes counts from the next request on; that there are keys
    at all, a second later at the latest."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._any: tuple[float, bool] | None = None  # until when, by time.monotonic()

    def create(self, name: str, owner: str = "") -> str:
        """Make a key of 256 random bits and return it; it cannot be shown again. Raises BadInput for a
        name that is empty, too long or taken."""
        name = name.strip()
        if not name or len(name) > _MAX_NAME or not name.isprintable():
            raise BadInput(f"“{name[:80]}” is no name for a key.", f"Use 1 to {_MAX_NAME} characters.")
        key = _PREFIX + secrets.token_urlsafe(_BYTES)
        try:
            self._database.execute(
                "INSERT INTO api_keys (name, owner, hash, created) VALUES (?, ?, ?, ?)",
                (name, owner, _hash(key), time.time()),
            )
        except sqlite3.IntegrityError as error:
            raise BadInput(
                f"There is a key named “{name}” already.", "Choose another name, or revoke that key."
            ) from error
        self._any = None
        return key

    def all(self) -> list[ApiKey]:
        """Every key, the oldest first."""
        return [_key_of(row) for row in self._rows()]

    def any(self) -> bool:
        """Whether there is a key at all."""
        known, now = self._any, time.monotonic()
        if known is None or now >= known[0]:
            rows = self._database.query("SELECT 1 FROM api_keys LIMIT 1")
            self._any = known = (now + _KNOWN_S, bool(rows))
        return known[1]

    def find(self, given: str) -> ApiKey | None:
        """The key that `given` is, or None. Takes the same time however much of it is right."""
        asked, found = _hash(given), None
        for row in self._rows():
            if hmac.compare_digest(asked, row["hash"]):
                found = row
        return None if found is None else _key_of(found)

    def note_use(self, key: ApiKey) -> None:
        """Keep that the key was used just now, unless that is known to the minute; may wait for the disk."""
        if not key.use_is_stale:
            return
        try:
            self._database.execute(
                "UPDATE api_keys SET last_used = ? WHERE name = ?", (time.time(), key.name)
            )
        except StudioError as error:  # a full disk must not lock out who reads only
            log.warning("use of a key could not be noted", extra={"kind": error.kind})

    def revoke(self, name: str) -> None:
        """Delete the key; it is refused from now on. Raises NotFound."""
        if not self._database.execute("DELETE FROM api_keys WHERE name = ?", (name,)):
            raise unknown("key", name, [key.name for key in self.all()])
        self._any = None

    def _rows(self) -> list[sqlite3.Row]:
        return self._database.query("SELECT * FROM api_keys ORDER BY created, name")


def _hash(key: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _key_of(row: sqlite3.Row) -> ApiKey:
    return ApiKey(row["name"], row["owner"], row["created"], row["last_used"])
