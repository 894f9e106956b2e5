"""Who is signed in to the page, for routes that stand beside it."""

from __future__ import annotations

from fastapi import HTTPException
from starlette.requests import HTTPConnection

from studio.hosting import on_a_space


def owner_of(connection: HTTPConnection) -> str | None:
    """A dependency for routes of Gradio's app: its `auth=` protects only its own routes."""
    app = connection.scope["app"]
    if app.auth is None:
        # A Space shows its page in a frame, where browsers may withhold the visitor's cookie.
        # There an id, 128 random bits that only its owner's page has seen, is the key.
        return None if on_a_space() else ""
    cookies = connection.cookies
    token = cookies.get(f"access-token-{app.cookie_id}") or cookies.get(
        f"access-token-unsecure-{app.cookie_id}"
    )
    user = app.tokens.get(token) if token else None
    if user is None:
        raise HTTPException(
            401,
            detail={
                "detail": "Sign in first.",
                "hint": "Open the page and sign in, or give a key: “Authorization: Bearer tk_...”.",
            },
            headers={"WWW-Authenticate": "Bearer"},
        )
    return str(user)
