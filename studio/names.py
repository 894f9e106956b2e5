"""Names that people give are data; folders and files get names of our own making from them."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from pathlib import Path

from anyascii import anyascii

from studio.errors import BadInput

MAX_NAME = 200
_MAX_SLUG = 48


def clean_name(name: str) -> str:
    """The name as it is kept and shown: NFC, no control or direction-changing characters.

    Raises BadInput when nothing visible is left or it is longer than MAX_NAME characters.
    """
    text = unicodedata.normalize("NFC", name)
    # Cc, Cf: control characters and invisible ones such as right-to-left overrides; the joiner of
    # emoji sequences (U+200D) is the one that belongs in names.
    kept = "".join(
        char for char in text if unicodedata.category(char) not in ("Cc", "Cf", "Cs") or char == "\u200d"
    )
    kept = " ".join(kept.split())
    if not kept.strip("\u200d"):
        raise BadInput("The name is empty.", "Type a name with at least one visible character.")
    if len(kept) > MAX_NAME:
        raise BadInput(
            f"The name is {len(kept)} characters long.", f"Use at most {MAX_NAME} characters."
        )
    return kept


def slug(name: str) -> str:
    """A folder or file name for `name`: [a-z0-9-], never reserved, unlike names never alike.

    The readable part is followed by a hash of the exact name, so that "Zoë" and "Zoe", or two
    names in a script that transliterates alike, never fall on one folder.
    """
    name = clean_name(name)
    return f"{readable(name)}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def readable(text: str, limit: int = _MAX_SLUG) -> str:
    """`text` reduced to [a-z0-9-] for reading in a file's name; not unique by itself."""
    words = re.sub(r"[^a-z0-9]+", "-", anyascii(text).lower()).strip("-")
    return words[:limit].rstrip("-") or "unnamed"


def inside(root: Path, *parts: str) -> Path:
    """`root` joined with `parts`, proven to lie below `root` once links and dots are resolved."""
    root = root.resolve()
    try:
        path = root.joinpath(*parts).resolve()
    except (ValueError, OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
        raise BadInput("That name cannot be used.", "Choose another name.") from error
    if path == root or not path.is_relative_to(root):
        raise BadInput(
            "That name leads out of its folder.", "Choose a plain name without slashes or dots."
        )
    return path
