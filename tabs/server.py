"""Starts the server: settings, safety, page, routes, and an orderly end."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

from studio import __version__, log
from studio.cli.main import report
from studio.errors import BadInput, StudioError
from studio.heap import settle, share_heap
from studio.hosting import is_loopback, on_a_space
from studio.services.studio import Studio
from studio.settings import CHECKOUT, Settings, load_settings
from tabs.ending import Ending, finish

if TYPE_CHECKING:
    from studio.api.access import Access
    from studio.api.asgi import ASGIApp, Receive, Scope, Send

logger = logging.getLogger(__name__)

#: Page events that may wait in Gradio's own queue, and threads that serve them.
_QUEUE_SIZE = 256
_THREADS = 80
_TURN_S = 0.0005
#: On the page of the sign-in, which itself shows nothing of an answer that says to wait.
_SIGN_IN = "After ten wrong passwords, wait a minute before the next try."


def serve(given: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code."""
    try:
        settings = settings_from(given)
        log.configure(settings.log_level, settings.log_json)
        share_heap()
        log.hide(*(password for _, password in settings.credentials))
        refuse_open_doors(settings)
        refuse_taken_port(settings)
        with Studio(settings) as studio:
            refuse_an_open_api(settings, has_keys=studio.api_keys.any())
            return _run(studio)
    except StudioError as error:
        return report(error, as_json=False)


def settings_from(given: argparse.Namespace) -> Settings:
    """The settings in force for the server's options."""
    host = given.host
    if host is None and on_a_space() and "TIMBRE_HOST" not in os.environ:
        host = "0.0.0.0"  # noqa: S104 - a Space is reached through its own door only
    return load_settings(
        home=given.home,
        host=host,
        port=given.port,
        share=given.share,
        auth=given.auth,
        api=False if given.no_api else None,
        log_level=given.log_level,
        log_json=given.log_json,
    )


def refuse_open_doors(settings: Settings) -> None:
    """Raise BadInput where strangers could reach a studio without signing in.

    A Hugging Face Space is public by its owner's choice and has its own door, so it may.
    """
    credentials = settings.credentials
    if credentials or on_a_space():
        return
    if settings.share:
        raise BadInput(
            "A public link without a sign-in would let everybody in.", "Add --auth user:password."
        )
    if not is_loopback(settings.host):
        raise BadInput(
            f"Listening on {settings.host} without a sign-in would let everybody on the network in.",
            "Add --auth user:password, or leave --host out.",
        )


def refuse_an_open_api(settings: Settings, has_keys: bool) -> None:
    """Raise BadInput where programs are answered from elsewhere, and there is no key for them.

    A Space without keys answers no programs, as nobody is signed in there.
    """
    if not settings.api or has_keys or on_a_space():
        return
    if settings.share or not is_loopback(settings.host):
        raise BadInput(
            "Programs elsewhere would need a key to use this studio, and there is none.",
            "Make one: python app.py keys create NAME. Or leave programs out: --no-api.",
        )


def refuse_taken_port(settings: Settings) -> None:
    """Raise BadInput when something else listens there, before anything slow is started."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        if os.name != "nt":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise BadInput(
                f"Port {settings.port} on {settings.host} cannot be used: {error.strerror}.",
                f"Choose another one, such as --port {settings.port % 65535 + 1}.",
            ) from error


def launch(studio: Studio) -> tuple[Any, Access]:
    """Start the page with its routes in the background; returns the Blocks, to be closed, and who is let
    in."""
    # Gradio reads these when it is imported.
    os.environ["GRADIO_TEMP_DIR"] = str(studio.workspace.gradio_temp)
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HOME", str(studio.workspace.cache / "huggingface"))

    # Gradio 6.17 names a constant that this Starlette has renamed, at every event.
    warnings.filterwarnings("ignore", message="'HTTP_422_UNPROCESSABLE_ENTITY' is deprecated")
    # uvicorn calls it an error of ours when a WebSocket was refused, though an answer said why.
    logging.getLogger("uvicorn.error").addFilter(
        lambda record: "without completing handshake" not in record.getMessage()
    )

    from gradio import routes as gradio_routes

    from studio.api import errors
    from studio.api.access import Access
    from studio.api.documented import include
    from studio.api.routes import page_routers, routers
    from tabs.gradio_app import none_is_made
    from tabs.gradio_log import log_events
    from tabs.gradio_script import corrected, serve_corrected
    from tabs.page import build_demo
    from tabs.session import owner_of
    from tabs.theme import theme

    # Gradio 6.17 lets every website read the answers to those who are signed in, wherever a studio is
    # reached by another name than localhost.
    gradio_routes.CustomCORSMiddleware = _WithoutCors  # type: ignore[assignment,attr-defined]

    log_events()
    settings = studio.settings
    access = Access(studio, owner_of)
    assets = CHECKOUT / "assets"
    with none_is_made():
        demo = build_demo(studio)
        demo.queue(max_size=_QUEUE_SIZE, default_concurrency_limit=8, api_open=False)
    # Made before, since the page answers from the launch on.
    ours = [*page_routers(studio, access), *(routers(studio, access) if settings.api else [])]
    script = corrected()
    app, _, _ = demo.launch(
        server_name=settings.host,
        server_port=settings.port,
        share=settings.share,
        auth=settings.credentials or None,
        auth_message=_SIGN_IN,
        max_file_size=settings.max_upload_mb * 1_000_000,
        max_threads=_THREADS,
        theme=theme(),
        css_paths=[
            assets / name
            for name in (
                *("timbre.css", "personalities.css", "datasets.css"),
                *("training.css", "samples.css", "avatar.css"),
            )
        ],
        head="".join(
            f"<script>{(assets / name).read_text('utf-8')}</script>"
            for name in (
                *("timbre.js", "transcribe.js", "waveform.js"),
                *("personalities.js", "datasets.js", "samples.js", "avatar.js"),
            )
        ),
        footer_links=[],
        enable_monitoring=False,
        favicon_path=assets / "favicon.svg",
        prevent_thread_lock=True,
        show_error=True,
        quiet=True,
        ssr_mode=False,
        # It would ask itself for the page, and end the start where a busy machine takes more than 3 s for it.
        _frontend=False,
        app_kwargs={
            "title": "Timbre",
            "version": __version__,
            "exception_handlers": errors.handlers(studio.metrics),
            "middleware": _middleware(studio, access),
        },
    )
    serve_corrected(app, script)
    include(app, ours)
    return demo, access


def _middleware(studio: Studio, access: Access) -> list[Any]:
    """What stands before the routes, the outermost first."""
    from starlette.middleware import Middleware
    from starlette.middleware.cors import CORSMiddleware

    from studio.api.caching import Caching
    from studio.api.door import Door
    from studio.api.guard import Guard
    from studio.api.sign_in import SignInLimit

    settings = studio.settings
    origins = settings.allowed_origins
    cors = Middleware(
        CORSMiddleware,
        allow_origins=sorted(origins),
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Timeout"],
        expose_headers=["*"],
    )
    guard = Middleware(Guard, hosts=_own_names(settings), visitors=on_a_space(), origins=origins)
    door = Middleware(
        Door, access=access, max_upload_mb=settings.max_upload_mb, spool=studio.workspace.gradio_temp
    )
    sign_in = Middleware(SignInLimit, metrics=access.metrics)
    return [*([cors] if origins else []), guard, Middleware(Caching), door, sign_in]


class _WithoutCors:
    """Stands in the place of Gradio's middleware, and does nothing."""

    def __init__(self, app: ASGIApp, strict_cors: bool = True) -> None:
        del strict_cors
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


def _run(studio: Studio) -> int:
    settings = studio.settings
    # Whoever computes lets others have their turn as soon as they ask: a request takes several turns, and beside
    # an engine at work waits at each of them, by Python's own measure 5 ms.
    sys.setswitchinterval(_TURN_S)
    ending = Ending()
    studio.jobs.recover()
    studio.jobs.watch()
    studio.expiry.begin()
    demo, access = launch(studio)
    threading.Thread(target=_warm_up, args=(studio,), name="warm-up", daemon=True).start()
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(f"Timbre is open at http://{host}:{settings.port}", flush=True)
    if demo.share_url:
        print(f"Public link: {demo.share_url}", flush=True)
    try:
        ending.wait()
        finish(studio, access, settings.shutdown_grace_s)
    finally:
        demo.close()
    return 0


def _warm_up(studio: Studio) -> None:
    studio.warm_up()
    settle()


def _own_names(settings: Settings) -> frozenset[str] | None:
    """The names a studio without a sign-in answers to; None where a sign-in, or a Space's own door,
    stands before it, and any proxy's name will do."""
    if settings.credentials or on_a_space():
        return None
    return frozenset({"localhost", "127.0.0.1", "[::1]", settings.host, f"[{settings.host}]"})
