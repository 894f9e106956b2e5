"""The page's edge: where handlers meet Gradio, and errors become words."""

from __future__ import annotations

import functools
import inspect
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from studio.errors import BadInput, Cancelled, StudioError
from studio.hosting import VISITOR_COOKIE, on_a_space
from studio.services.studio import Studio

log = logging.getLogger(__name__)

VISITORS_HINT = "Sign in, or duplicate the Space, or run Timbre on your own machine."


def bind(handler: Callable[..., Any], *bound: Any) -> Callable[..., Any]:
    """`handler` with its first arguments given and its errors in words, as Gradio wants it.

    functools.partial will not do: Gradio reads type hints to know where to put its gr.Request, and
    finds none on a partial.
    """
    signature = inspect.signature(handler)
    rest = list(signature.parameters.values())[len(bound) :]

    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def generate(*args: Any) -> Iterator[Any]:
            with _errors_in_words():
                yield from handler(*bound, *args)

        wrapper: Callable[..., Any] = generate
    else:

        @functools.wraps(handler)
        def call(*args: Any) -> Any:
            with _errors_in_words():
                return handler(*bound, *args)

        wrapper = call
    wrapper.__signature__ = signature.replace(parameters=rest)  # type: ignore[attr-defined]
    return wrapper


@contextmanager
def _errors_in_words() -> Iterator[None]:
    try:
        yield
    except Cancelled:
        gr.Info("Stopped.")
    except StudioError as error:
        # The page takes a message for HTML, and people's names stand in it.
        raise gr.Error(escape(str(error), quote=False), print_exception=False) from error
    except gr.Error:
        raise
    except Exception as error:
        error_id = secrets.token_hex(4)
        log.exception("handler failed", extra={"error_id": error_id})
        raise gr.Error(
            f"Something unexpected went wrong. The log has the details under {error_id}.",
            print_exception=False,
        ) from error


def owner_of(request: gr.Request | None) -> str:
    """Whose takes are meant: the signed-in user's; on a Space this browser's; else everybody's."""
    if request is None:
        return ""
    if request.username:
        return str(request.username)
    if on_a_space():
        # A browser that refuses cookies has a history for as long as its window is open.
        return f"visitor {request.cookies.get(VISITOR_COOKIE) or request.session_hash}"
    return ""


def may_manage(request: gr.Request | None) -> bool:
    """Whether whoever asks may change what all share, such as models: everybody who can reach a
    studio of one's own, but on a public Space only who is signed in."""
    return not on_a_space() or bool(request is not None and request.username)


def refuse_visitors(request: gr.Request | None, what: str = "the models") -> None:
    """Raise BadInput for a visitor of a public Space, who may not change `what`."""
    if not may_manage(request):
        raise BadInput(f"Visitors cannot change {what} here.", VISITORS_HINT)


def is_shared(studio: Studio) -> bool:
    """Whether others than the machine's owner reach the page."""
    return on_a_space() or bool(studio.settings.credentials)


def path_on_the_machine(studio: Studio, typed: str, hint: str) -> Path:
    """A place on the studio's machine that a person has named. Raises BadInput for what is no whole path,
    and with `hint` where several people share the studio: who may sign in may not see all that lies
    there, nor write to it."""
    path = Path(typed.strip())
    with suppress(RuntimeError):  # nobody has that home
        path = path.expanduser()
    if is_shared(studio):
        raise BadInput(
            "A studio that several people share has no business with files of its machine.", hint
        )
    if not path.is_absolute():
        raise BadInput(f"“{path}” is no whole path.", "Begin with / or a drive's letter.")
    return path


def picked_number(picked: str) -> int:
    """The number that a button with data-into tells (assets/transcribe.js); -1 where it is none."""
    number = (picked or "").partition(" ")[0]
    return int(number) if number.isdecimal() and len(number) < 10 else -1


def for_the_page(studio: Studio, path: Path) -> str:
    """A copy of `path` where Gradio may serve it from; a link where the disk allows one."""
    folder = studio.workspace.gradio_temp / "takes"
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / path.name
    if not copy.exists():
        try:
            os.link(path, copy)
        except OSError:  # another disk, or one without links
            shutil.copyfile(path, copy)
    return str(copy)
