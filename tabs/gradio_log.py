"""What Gradio prints where an event breaks off, in the studio's log: a line with fields, and without what was
sent. Gradio's own words repeat that, such as a text where an event got too few inputs."""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path

log = logging.getLogger(__name__)


def log_events() -> None:
    """From now on, for Gradio 6.17, which prints by the module `traceback`."""
    from gradio import queueing, routes

    for module in (queueing, routes):
        vars(module)["traceback"] = _Logged


class _Logged:
    """Stands in the place of that module. What breaks off in a handler of ours is logged where that is
    turned into words (`tabs.edge`), and does not come here."""

    @staticmethod
    def print_exc() -> None:
        error = sys.exc_info()[1]
        if error is None:
            return
        *_, last = traceback.extract_tb(error.__traceback__)
        where = f"{Path(last.filename).name}:{last.lineno}"
        log.warning("event refused", extra={"error": type(error).__name__, "where": where})
