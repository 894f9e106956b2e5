"""Texts as the model is given them: what its tokenizer cannot spell is spelled before, and what is
too long is refused in words."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from engines.xtts import hindi
from studio.errors import BadInput, EngineFailed

#: A longer row of digits is no number that anybody says; its digits are said one by one.
_LONGEST_NUMBER = 15
_LONG_NUMBER = re.compile(rf"[0-9]{{{_LONGEST_NUMBER + 1},}}")

#: A Czech number at the end of a sentence, which the package takes for an ordinal, and cannot spell.
_CZECH_ORDINAL = re.compile(r"(?<![0-9.,])([0-9]{1,15})\.(?=\s|$)")


def speakable(text: str, language: str) -> str:
    """`text` in one line of lower case as the tokenizer of the package can take it.

    Square brackets are left out, for in them stand its control tokens ("[en]"). `language`: one of
    `facts.LANGUAGES`. Raises BadInput when nothing is left that could be spoken.
    """
    # Cc, Cs: control characters and halves of characters.
    kept = (" " if unicodedata.category(char) in ("Cc", "Cs") else char for char in text)
    plain = "".join(" " if char in "[]" else char for char in kept)
    plain = "".join(str(unicodedata.digit(char)) if char.isdecimal() else char for char in plain)
    plain = _LONG_NUMBER.sub(lambda match: " ".join(match[0]), plain)
    if language == "hi":
        plain = hindi.spelled(plain)
    elif language == "cs":
        plain = _CZECH_ORDINAL.sub(_czech, plain)
    plain = " ".join(plain.lower().split())
    if not any(char.isalnum() for char in plain):
        raise BadInput("There is nothing to say.", "Type some text with letters or digits.")
    return plain


def token_ids(model: Any, text: str, language: str) -> list[int]:
    """The ids that an Xtts `model` is given for `text`, without its start and stop.

    Raises BadInput for a text that is too long to be spoken at once, or has a number that cannot be
    spelled; EngineFailed where a package for the language is missing.
    """
    plain = speakable(text, language)
    try:
        ids: list[int] = model.tokenizer.encode(plain, lang=language)
    except ImportError as error:
        raise EngineFailed(
            f"What XTTS needs for this language cannot be imported: {error}.",
            "Install what requirements.txt names: pip install -r requirements.txt",
        ) from error
    except (NotImplementedError, OverflowError, KeyError, IndexError, ValueError, TypeError) as error:
        raise BadInput("A number in the text cannot be put into words.", "Write it in words.") from error
    most: int = model.args.gpt_max_text_tokens
    if len(ids) >= most:
        raise BadInput(
            f"The text is too long to be spoken at once: {len(ids)} tokens, and XTTS takes {most - 1}.",
            "Speak it in shorter parts, and write long numbers in words.",
        )
    return ids


def _czech(match: re.Match[str]) -> str:
    from num2words import num2words  # type: ignore[import-untyped]

    return f"{num2words(int(match[1]), lang='cs')}."
