"""What may be a personality: names of emotions, each said once, and a neutral one among them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from studio.errors import BadInput
from studio.names import clean_name
from studio.services.personality_values import NEUTRAL
from studio.text.emotions import canonical, fold
from studio.text.tagged import is_pause

MAX_TAG = 40
MAX_EMOTIONS = 100
MAX_ALIASES = 20
MAX_TRANSCRIPT = 20_000  # characters
MAX_NOTE = 4_000

#: They mean something in a tagged text, or separate tags on the command line.
_NOT_IN_TAGS = "[]:\\,"


class Named(Protocol):
    """What has a tag and aliases: an emotion, there or wanted."""

    @property
    def tag(self) -> str: ...
    @property
    def aliases(self) -> tuple[str, ...]: ...


def clean_tag(tag: str) -> str:
    """The tag as it is kept; whatever means neutral becomes NEUTRAL.

    Raises BadInput for one that could not stand in a text.
    """
    kept = _word(tag)
    return NEUTRAL if canonical(kept) == NEUTRAL else kept


def clean_aliases(aliases: Iterable[str], tag: str) -> tuple[str, ...]:
    """The aliases as they are kept: each once, and none that is the tag itself."""
    kept: dict[str, str] = {}
    for alias in aliases:
        if alias.strip():
            word = _word(alias)
            kept.setdefault(fold(word), word)
    kept.pop(fold(tag), None)
    if len(kept) > MAX_ALIASES:
        raise BadInput(f"“{tag}” has {len(kept)} aliases.", f"Give at most {MAX_ALIASES}.")
    return tuple(kept.values())


def check_distinct(emotions: Sequence[Named]) -> None:
    """Raises BadInput where a word would mean two of `emotions`, by tag, by alias, or because both
    are known words for the same emotion, such as “happy” and “felice”."""
    if len(emotions) > MAX_EMOTIONS:
        raise BadInput(f"There are {len(emotions)} emotions.", f"Use at most {MAX_EMOTIONS}.")
    taken: dict[str, tuple[str, Named]] = {}
    for emotion in emotions:
        for word in (emotion.tag, *emotion.aliases):
            # A known word stands for all that mean the same, whatever the language.
            known_by = canonical(word) or fold(word)
            first, owner = taken.setdefault(known_by, (word, emotion))
            if owner is not emotion:
                raise _twice(word, emotion, first, owner)


def check_neutral(emotions: Iterable[Named]) -> None:
    """Raises BadInput where none of `emotions` is the neutral one."""
    if not any(emotion.tag == NEUTRAL for emotion in emotions):
        raise BadInput(
            "There is no neutral emotion.",
            f"Give a recording for “{NEUTRAL}”: it is spoken where a text has no tag.",
        )


def only_one_neutral(old: str) -> BadInput:
    """The error for a new tag by which `old` would become or stop being the neutral emotion."""
    if old == NEUTRAL:
        return BadInput("The neutral emotion keeps its tag.", "Give it aliases instead.")
    return BadInput(
        f"“{old}” cannot become the neutral emotion.", "Replace the neutral emotion's recording."
    )


def _word(tag: str) -> str:
    if not tag.strip():
        raise BadInput("An emotion has no tag.", "Give it one, such as happy.")
    kept = clean_name(tag)
    if len(kept) > MAX_TAG:
        raise BadInput(f"The tag “{kept[:20]}…” is too long.", f"Use at most {MAX_TAG} characters.")
    wrong = sorted({char for char in kept if char in _NOT_IN_TAGS})
    if wrong:
        raise BadInput(
            f"The tag “{kept}” has {' '.join(wrong)} in it.",
            "Leave out brackets, colons, commas and backslashes: they mean something in texts.",
        )
    if is_pause(kept):
        raise BadInput(
            f"“{kept}” cannot be a tag.", "[pause 0.5] is a silence in texts; choose another word."
        )
    return kept


def _twice(word: str, emotion: Named, first: str, owner: Named) -> BadInput:
    same = fold(word) == fold(first)
    if fold(word) == fold(emotion.tag) and fold(first) == fold(owner.tag):
        if same:
            return BadInput(f"The tag “{word}” is used twice.", "Give each emotion a tag of its own.")
        return BadInput(
            f"“{word}” and “{first}” mean the same emotion.", "Leave one of them out, or rename it."
        )
    if same:
        said = f"“{word}” would mean both “{owner.tag}” and “{emotion.tag}”."
    else:
        said = f"“{word}” (of “{emotion.tag}”) means the same as “{first}” (of “{owner.tag}”)."
    return BadInput(said, "Change the tag or the alias of one of them.")
