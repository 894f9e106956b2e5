"""Who is signed in to the page, for routes that stand beside it."""

from __future__ import annotations

from typing import Any

from fastapi import HTTPException, Request

from studio.api.errors import OwnerOf
from studio.hosting import on_a_space


def owner_from(app: Any) -> OwnerOf:
    """A dependency for routes of Gradio's `app`: its `auth=` protects only its own routes."""

    def owner(request: Request) -> str | None:
        if app.auth is None:
            # A Space shows its page in a frame, where browsers may withhold the visitor's cookie.
            # There an id, 128 random bits that only its owner's page has seen, is the key.
            return None if on_a_space() else ""
        cookies = request.cookies
        token = cookies.get(f"access-token-{app.cookie_id}") or cookies.get(
            f"access-token-unsecure-{app.cookie_id}"
        )
        user = app.tokens.get(token) if token else None
        if user is None:
            raise HTTPException(
                401, detail={"detail": "Sign in first.", "hint": "Open the page and sign in."}
            )
        return str(user)

    return owner
