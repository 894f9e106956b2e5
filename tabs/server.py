"""Starts the server: settings, safety, page, routes, and an orderly end."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import threading
import warnings
from typing import Any

from studio import __version__, log
from studio.cli.main import report
from studio.errors import BadInput, StudioError
from studio.hosting import is_loopback, on_a_space
from studio.services.studio import Studio
from studio.settings import CHECKOUT, Settings, load_settings

logger = logging.getLogger(__name__)

#: Page events that may wait in Gradio's own queue, and threads that serve them.
_QUEUE_SIZE = 256
_THREADS = 80


def serve(given: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code."""
    try:
        settings = settings_from(given)
        log.configure(settings.log_level, settings.log_json)
        log.hide(*(password for _, password in settings.credentials))
        refuse_open_doors(settings)
        refuse_taken_port(settings)
        with Studio(settings) as studio:
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


def launch(studio: Studio) -> Any:
    """Start the page with its routes in the background; returns the Blocks, to be closed."""
    # Gradio reads these when it is imported.
    os.environ["GRADIO_TEMP_DIR"] = str(studio.workspace.gradio_temp)
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HOME", str(studio.workspace.cache / "huggingface"))

    # Gradio 6.17 names a constant that this Starlette has renamed, at every event.
    warnings.filterwarnings("ignore", message="'HTTP_422_UNPROCESSABLE_ENTITY' is deprecated")

    from starlette.middleware import Middleware

    from studio.api import datasets, lexicon, runs, takes, transcripts
    from studio.api.guard import Guard
    from tabs.page import build_demo
    from tabs.session import owner_from
    from tabs.theme import theme

    settings = studio.settings
    assets = CHECKOUT / "assets"
    demo = build_demo(studio)
    demo.queue(max_size=_QUEUE_SIZE, default_concurrency_limit=8, api_open=False)
    app, _, _ = demo.launch(
        server_name=settings.host,
        server_port=settings.port,
        share=settings.share,
        auth=settings.credentials or None,
        max_file_size=settings.max_upload_mb * 1_000_000,
        max_threads=_THREADS,
        theme=theme(),
        css_paths=[
            assets / name
            for name in (
                *("timbre.css", "personalities.css", "datasets.css"),
                *("training.css", "samples.css"),
            )
        ],
        head="".join(
            f"<script>{(assets / name).read_text('utf-8')}</script>"
            for name in (
                *("timbre.js", "transcribe.js", "waveform.js"),
                *("personalities.js", "datasets.js", "samples.js"),
            )
        ),
        footer_links=[],
        enable_monitoring=False,
        favicon_path=assets / "favicon.svg",
        prevent_thread_lock=True,
        show_error=True,
        quiet=True,
        ssr_mode=False,
        app_kwargs={
            "title": "Timbre",
            "version": __version__,
            "docs_url": "/docs",
            "middleware": [Middleware(Guard, hosts=_own_names(settings), visitors=on_a_space())],
        },
    )
    for routes in (takes, transcripts, lexicon, datasets, runs):
        app.include_router(routes.router(studio, owner_from(app)))
    return demo


def _run(studio: Studio) -> int:
    settings = studio.settings
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    studio.jobs.recover()
    studio.jobs.watch()
    demo = launch(studio)
    threading.Thread(target=studio.warm_up, name="warm-up", daemon=True).start()
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    print(f"Timbre is open at http://{host}:{settings.port}", flush=True)
    if demo.share_url:
        print(f"Public link: {demo.share_url}", flush=True)
    try:
        while not stop.wait(1.0):  # a bare wait would hold back the signal on Windows
            pass
    finally:
        demo.close()
    return 0


def _own_names(settings: Settings) -> frozenset[str] | None:
    """The names a studio without a sign-in answers to; None where a sign-in, or a Space's own door,
    stands before it, and any proxy's name will do."""
    if settings.credentials or on_a_space():
        return None
    return frozenset({"localhost", "127.0.0.1", "[::1]", settings.host, f"[{settings.host}]"})
