"""Keys that stand for people's things in the addresses of the page."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass

from studio.errors import NotFound

#: More things than people have open at once.
_MOST = 10_000


@dataclass(frozen=True)
class _Thing:
    kind: str  # "dataset", "run"
    id: str
    owner: str


class Tickets:
    """Ids are made of names, which others can guess. A ticket is 128 random bits that only the owner's
    page sees, and is good for one thing while the studio runs. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: OrderedDict[str, _Thing] = OrderedDict()
        self._known: dict[_Thing, str] = {}

    def issue(self, kind: str, id: str, owner: str) -> str:
        """The owner's ticket for the thing of that kind, the same at every asking."""
        thing = _Thing(kind, id, owner)
        with self._lock:
            ticket = self._known.get(thing) or secrets.token_hex(16)
            self._known[thing] = ticket
            self._of[ticket] = thing
            self._of.move_to_end(ticket)
            if len(self._of) > _MOST:
                del self._known[self._of.popitem(last=False)[1]]
            return ticket

    def redeem(self, kind: str, ticket: str, owner: str | None) -> tuple[str, str]:
        """Id and owner. `owner`: who asks, None where that cannot be told. Raises NotFound, also for a
        ticket of another kind."""
        with self._lock:
            found = self._of.get(ticket)
        if found is None or found.kind != kind or owner not in (None, found.owner):
            raise NotFound("There is nothing at this address.", "Reload the page.")
        return found.id, found.owner


#: One for the process, as the page and the routes are two ways into one studio.
TICKETS = Tickets()
