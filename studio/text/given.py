"""Texts and language codes that people give with what they save, as they are kept."""

from __future__ import annotations

import re

from studio.errors import BadInput
from studio.text.sentences import clean

_LANGUAGE = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8})*")


def clean_language(language: str) -> str:
    """The code (BCP 47) in lower case, or "" where it is not known. Raises BadInput for what is no
    code."""
    code = language.strip().lower().replace("_", "-")
    if code in ("", "auto"):
        return ""
    if not _LANGUAGE.fullmatch(code):
        raise BadInput(f"“{language[:40]}” is no language code.", "Write it as in en, de or pt-br.")
    return code


def clean_text(text: str, what: str, longest: int) -> str:
    """`text` without what surrounds it or cannot be kept; `what` names it to people. Raises BadInput
    where it has more than `longest` characters."""
    kept = clean(text).strip()
    if len(kept) > longest:
        raise BadInput(f"The {what} has {len(kept):,} characters.", f"Use at most {longest:,}.")
    return kept
