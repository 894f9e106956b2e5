"""Text in the cells of CSV files that spreadsheets, trainers and we ourselves read."""

from __future__ import annotations

import re
import unicodedata

#: A spreadsheet takes a cell that begins like this for a formula. Those with apostrophes before it are
#: marked as well, so that taking one off always gives back what was written.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_MARKED = re.compile(r"'+[=+\-@\t\r]")


def safe(cell: str) -> str:
    """`cell` with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def plain(cell: str) -> str:
    """A cell without the apostrophe that `safe`, or another program's export, has put before it."""
    return cell[1:] if _MARKED.match(cell) else cell


def one_line(text: str) -> str:
    """`text` for a cell of the files that trainers split at line ends and at "|": both become spaces,
    as do runs of white space; control characters and halves of surrogate pairs go."""
    spaced = " ".join(text.replace("|", " ").split())
    if spaced.isprintable():  # nearly always, and a large set is written anew at every decision
        return spaced
    kept = (char for char in spaced if unicodedata.category(char) not in ("Cc", "Cs"))
    return "".join(kept).strip()
