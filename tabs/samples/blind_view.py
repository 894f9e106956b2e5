"""The blind test as HTML; assets/samples.js brings it to life. Nothing here tells which sound is which
before it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from studio.services.listening_values import Tally, Trial, epoch_name
from tabs.frame import anew
from tabs.samples.place import Blind
from tabs.samples.spoken import Epoch
from tabs.samples.tab import ID
from tabs.speech.view import line

TOO_FEW = line("There is one epoch to hear so far. A blind test needs two; the base counts.")

#: Each press tells which epochs are chosen in the page.
_INTO = f'data-into="{ID}-pressed" data-with="{ID}-pair"'
_VOTES = (("a", "A is better", "1"), ("b", "B is better", "2"), ("none", "No difference", "0"))
_KEYS = (
    ("A", "plays A"),
    ("B", "plays B"),
    ("1", "A is better"),
    ("2", "B is better"),
    ("0", "no difference"),
)


def pair(epochs: Sequence[Epoch], blind: Blind) -> str:
    """Which epochs are compared."""
    chosen = (
        ("Compare", f"{ID}-first", blind.first),
        ("with", f"{ID}-second", blind.second),
    )
    fields = "".join(
        f'<label class="timbre-field">{label} <select id="{id}">{_options(epochs, number)}</select></label>'
        for label, id, number in chosen
    )
    return anew(
        f"{line('Two sounds of one sentence, equally loud, in an order that nobody knows.')}"
        f'<div class="timbre-remember timbre-pair-choice" data-key="{ID}-pair"'
        f' data-value="{blind.first} {blind.second}">{fields}'
        f'<button type="button" id="{ID}-next" class="timbre-small" {_INTO}'
        ' data-value="next">Next pair</button></div>'
    )


def trial(shown: Trial, address: str) -> str:
    """A pair to be heard and judged. `address`: what "a.wav" and "b.wav" follow."""
    sides = "".join(
        f'<div class="timbre-side"><button type="button" class="timbre-wave-play" data-side="{side}"'
        f' aria-keyshortcuts="{side}" disabled>Play {side.upper()}</button>'
        f'<progress max="1" value="0" aria-label="{side.upper()} as far as it is heard"></progress></div>'
        for side in ("a", "b")
    )
    votes = "".join(
        f'<button type="button" class="timbre-small" {_INTO}'
        f' data-value="vote {choice} {escape(shown.id)}" aria-keyshortcuts="{key}" disabled>{label}</button>'
        for choice, label, key in _VOTES
    )
    keys = "".join(f"<span><kbd>{key}</kbd> {does}</span>" for key, does in _KEYS)
    return anew(
        f'<div class="timbre-remember timbre-trial" data-key="{ID}-trial" data-value="{escape(shown.id)}"'
        f' data-address="{escape(address)}" role="group" tabindex="0" aria-label="Which is better?">'
        f'<p class="timbre-sentence-text">{escape(shown.text or f"Sentence {shown.sentence}")}</p>'
        f'<div class="timbre-sides">{sides}</div><div class="timbre-votes">{votes}</div>'
        f'<p class="timbre-line" role="status">Hear both, then choose.</p>'
        f'<p class="timbre-line timbre-keys">{keys}</p></div>'
    )


def count(found: Tally) -> str:
    """How many pairs were judged, and nothing more."""
    if not found.judged:
        return line("No pair of these two has been judged yet.")
    return (
        f"{line(f'{_pairs(found.judged)} judged.')}"
        f'<div class="timbre-votes"><button type="button" class="timbre-small" {_INTO}'
        f' data-value="show {_two(found)}">Show which is which</button>{_forget(found)}</div>'
    )


def tally(found: Tally, order: tuple[int, int] | None) -> str:
    """What was preferred, and, where a pair has just been judged, the epochs of its A and B."""
    last = (
        f"In the last pair A was {epoch_name(order[0])} and B {epoch_name(order[1])}." if order else ""
    )
    return (
        f'<p class="timbre-verdict-words" role="status">{escape(found.words)}</p>{line(last)}'
        f'<div class="timbre-votes">{_forget(found)}</div>'
    )


def problem(error: Exception) -> str:
    return f'<p class="timbre-bad" role="alert">{escape(str(error))}</p>'


def _two(found: Tally) -> str:
    return f"{found.first} {found.second}"


def _forget(found: Tally) -> str:
    question = f"Forget {'this vote' if found.judged == 1 else f'all {found.judged} votes'} for good?"
    return (
        '<button type="button" class="timbre-small" data-ask aria-expanded="false">Begin anew</button>'
        f'<span class="timbre-sure" role="alert" hidden><b>{question}</b> '
        f'<button type="button" class="timbre-small" {_INTO} data-value="forget {_two(found)}">'
        'Yes, forget them</button> <button type="button" class="timbre-small" data-no>No</button></span>'
    )


def _options(epochs: Sequence[Epoch], chosen: int | None) -> str:
    return "".join(
        f'<option value="{each.number}"{" selected" if each.number == chosen else ""}>{each.label}'
        f"{', the best' if each.best else ''}</option>"
        for each in epochs
    )


def _pairs(number: int) -> str:
    return f"{number:,} {'pair' if number == 1 else 'pairs'}"
