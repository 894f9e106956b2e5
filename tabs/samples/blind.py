"""The blind test: two epochs are chosen, pairs of sounds come one after another, and are judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from studio.api.runs import run_address, trial_place
from studio.errors import BadInput, NotFound, StudioError
from studio.services.listening import NO_DIFFERENCE, SIDES
from studio.services.listening_values import Trial
from studio.services.run_values import Run
from studio.services.studio import Studio
from tabs.samples import blind_view
from tabs.samples.place import Blind, Place
from tabs.samples.spoken import Epoch


def acted(studio: Studio, owner: str, place: Place, pressed: str) -> Blind:
    """What follows from a press: a word of `_DOES`, what it is about, the two epochs that are chosen in
    the page, and a number that makes each press another one. A choice of its own ("compare") may arrive
    after what was pressed later, or never, so none is relied upon. Raises BadInput for anything else, and
    what the service raises."""
    word, *about = (pressed or "").split(" ")[:-1] or [""]
    if word not in _DOES or len(about) < 2:
        raise _nonsense()
    chosen = _chosen(place.blind, about[-2:])
    return _DOES[word](studio, owner, replace(place, blind=chosen), about[:-2])


def is_shown(pressed: str, blind: Blind) -> bool:
    """Whether what is compared in `blind` is what is chosen in the page, which shows it already."""
    return (pressed or "").split(" ")[-3:-1] == [str(blind.first), str(blind.second)]


def settled(blind: Blind, epochs: Sequence[Epoch]) -> Blind:
    """With epochs that there are: at first the best one, or the newest, against the base."""
    known = {each.number for each in epochs}
    if blind.first in known and blind.second in known and blind.first != blind.second:
        return blind
    if len(known) < 2:
        return Blind()
    second = min(known)
    best = next((each.number for each in epochs if each.best), second)
    return Blind(best if best != second else max(known), second)


def told(studio: Studio, run: Run, epochs: Sequence[Epoch], blind: Blind) -> tuple[str, str, str]:
    """What is compared, the open pair, and what came of it so far."""
    if blind.first is None or blind.second is None:
        return blind_view.TOO_FEW, "", ""
    pair = blind_view.pair(epochs, blind)
    trial = _open(studio, run, blind.trial)
    address = run_address(run.id, run.owner)
    heard = blind_view.trial(trial, address + trial_place(trial.id)) if trial else ""
    try:
        tally = studio.listening.tally(run.id, run.owner, blind.first, blind.second)
    except StudioError as error:
        return pair, heard, blind_view.problem(error)
    order = _order(studio, run, blind.judged)
    return pair, heard, blind_view.tally(tally, order) if blind.shown else blind_view.count(tally)


def _open(studio: Studio, run: Run, trial: str) -> Trial | None:
    """None where it has been judged, or is of another studio that has ended since."""
    try:
        found = studio.listening.trial(run.id, run.owner, trial)
    except NotFound:
        return None
    return None if found.judged else found


def _order(studio: Studio, run: Run, trial: str) -> tuple[int, int] | None:
    """Which epochs were A and B; None where no pair was judged."""
    try:
        return studio.listening.reveal(run.id, run.owner, trial) if trial else None
    except NotFound:
        return None


def _chosen(before: Blind, epochs: Sequence[str]) -> Blind:
    """Two epochs are compared; the one that was chosen for both leaves the other."""
    first, second = _numbers(epochs)
    if (first, second) == (before.first, before.second):
        return before
    if first != second:
        return Blind(first, second)
    return Blind(first, before.first) if first != before.first else Blind(before.second, second)


def _numbers(epochs: Sequence[str]) -> tuple[int, int]:
    if len(epochs) != 2 or not all(each.isdecimal() and len(each) < 7 for each in epochs):
        raise _nonsense()
    return int(epochs[0]), int(epochs[1])


def _compare(studio: Studio, owner: str, place: Place, about: list[str]) -> Blind:
    """Other epochs were chosen."""
    return place.blind


def _next(studio: Studio, owner: str, place: Place, about: list[str]) -> Blind:
    """Another pair; that which is open is left unjudged."""
    blind = place.blind
    if blind.first is None or blind.second is None:
        raise _nonsense()
    trial = studio.listening.next(place.run, owner, blind.first, blind.second)
    return replace(blind, trial=trial.id, shown=False)


def _vote(studio: Studio, owner: str, place: Place, about: list[str]) -> Blind:
    """The pair is judged, and the next one comes."""
    if len(about) != 2 or about[0] not in (*SIDES, NO_DIFFERENCE):
        raise _nonsense()
    choice, trial = about
    studio.listening.vote(place.run, owner, trial, choice)
    if trial != place.blind.trial:  # told twice
        return place.blind
    return replace(_next(studio, owner, place, []), judged=trial)


def _show(studio: Studio, owner: str, place: Place, about: list[str]) -> Blind:
    """What came of two epochs is told, unless others have been chosen since."""
    blind = place.blind
    return replace(blind, shown=True) if {*_numbers(about)} == {blind.first, blind.second} else blind


def _forget(studio: Studio, owner: str, place: Place, about: list[str]) -> Blind:
    """The votes between two epochs are, which may not be those that are compared by now."""
    first, second = _numbers(about)
    studio.listening.forget(place.run, owner, first, second)
    blind = place.blind
    return Blind(blind.first, blind.second) if {first, second} == {blind.first, blind.second} else blind


def _nonsense() -> BadInput:
    return BadInput("That is nothing this page can do.", "Reload the page.")


_Does = Callable[[Studio, str, Place, list[str]], Blind]

#: compare; next; vote a|b|none TRIAL; show FIRST SECOND; forget FIRST SECOND; and what is chosen after each
_DOES: Mapping[str, _Does] = {
    "compare": _compare,
    "next": _next,
    "vote": _vote,
    "show": _show,
    "forget": _forget,
}
