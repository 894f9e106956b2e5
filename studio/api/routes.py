"""Every router of the server."""

from __future__ import annotations

from fastapi import APIRouter

from studio.api import (
    avatar,
    avatar_jobs,
    basics,
    datasets,
    docs_page,
    generate_stream,
    health,
    jobs,
    lexicon,
    models,
    openai_models,
    openai_speech,
    openai_transcriptions,
    personalities,
    progress_socket,
    runs,
    speak_socket,
    takes,
    training,
    training_sets,
    transcripts,
    tts,
    voices,
)
from studio.api.access import Access
from studio.services.studio import Studio


def page_routers(studio: Studio, access: Access) -> list[APIRouter]:
    """What the page itself loads, what tells how the server is, and /docs: always there."""
    makers = (takes, transcripts, lexicon, datasets, runs, avatar)
    pages = [routes.router(studio, access.owner) for routes in makers]
    return [*pages, health.router(studio, access), docs_page.router()]


def routers(studio: Studio, access: Access) -> list[APIRouter]:
    """What programs use: left away with --no-api."""
    makers = (
        jobs,
        training,
        training_sets,
        voices,
        models,
        progress_socket,
        personalities,
        avatar_jobs,
        tts,
        speak_socket,
        generate_stream,
        basics,
        openai_speech,
        openai_transcriptions,
        openai_models,
    )
    return [routes.router(studio, access) for routes in makers]
