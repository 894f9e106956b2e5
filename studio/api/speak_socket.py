"""Speech while a text is still being written: the WebSocket /tts/speak-streaming, and what it speaks of."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, WebSocket
from fastapi.concurrency import run_in_threadpool

from studio.api.access import Access, Caller
from studio.api.speak_session import IDLE_S, MAX_FLUSHES, SpeakSession
from studio.api.speech_requests import SpeechBody, order_of
from studio.errors import Busy
from studio.services.planning import Plan
from studio.services.studio import Studio
from studio.services.takes import AUTO_LANGUAGE, SpeechOrder

#: Connections at once, and those of one key or user: each costs little, but not nothing, and nobody may keep
#: the others out.
MAX_CONNECTIONS = 128
MAX_OF_ONE = 32
#: Spoken by nobody: every check of an order but its text's.
_PROBE = "One."


def router(studio: Studio, access: Access) -> APIRouter:
    """The socket, and GET /tts/speak-streaming/protocol."""
    routes = APIRouter(tags=["speech"])
    open_now: Counter[str] = Counter()

    @routes.websocket("/tts/speak-streaming")
    async def speak(
        socket: WebSocket,
        engine: str = "",
        model: str = "",
        voice: str = "",
        voice_description: str = "",
        instructions: str = "",
        language: str = AUTO_LANGUAGE,
        speed: Annotated[float, Query(allow_inf_nan=False)] = 1.0,
        seed: int | None = None,
        caller: Caller = Depends(access.caller),
    ) -> None:
        # What is raised before the connection is accepted refuses it, with a status and a body.
        access.deadline(connection=socket)
        whose = caller.counted_as
        if open_now.total() >= MAX_CONNECTIONS or (whose and open_now[whose] >= MAX_OF_ONE):
            raise Busy("Too many connections are open already.", "Close one, or try again.")
        body = SpeechBody(
            text=_PROBE,
            engine=engine,
            model=model,
            voice=voice,
            voice_description=voice_description,
            instructions=instructions,
            language=language,
            speed=speed,
            seed=seed,
        )
        open_now[whose] += 1
        try:
            order, plan = await run_in_threadpool(_planned, studio, body, caller.owner)
            await socket.accept()
            await SpeakSession(studio, access, socket, caller, order, plan).run()
        finally:
            open_now[whose] -= 1

    @routes.get("/tts/speak-streaming/protocol")
    def protocol() -> dict[str, Any]:
        """How to talk to the WebSocket /tts/speak-streaming."""
        return PROTOCOL

    return routes


def _planned(studio: Studio, body: SpeechBody, owner: str) -> tuple[SpeechOrder, Plan]:
    with order_of(studio, body, owner) as order:
        assert isinstance(order, SpeechOrder)  # a personality cannot be asked for
        return order, studio.speech.plan(order, owner)


PROTOCOL: dict[str, Any] = {
    "url": "/tts/speak-streaming",
    "authorization": "The header “Authorization: Bearer tk_...” or “X-API-Key: tk_...”, as everywhere.",
    "query": {
        "engine": "Who speaks; left out: the studio's default.",
        "model": "Its model; left out: the best that is installed.",
        "voice": "One of the engine's, or a saved one, by id or name.",
        "voice_description": "The voice in words, where the engine designs some.",
        "instructions": "How to speak, where the engine follows instructions.",
        "language": "BCP 47; left out: told from each text.",
        "speed": "2 is twice as fast.",
        "seed": "A number; left out: one is drawn for each Flush.",
    },
    "refusal": "What cannot be served is refused before the connection stands, by an HTTP status with the "
    "usual body {detail, hint, error_id}.",
    "client_messages": [
        {
            "message": {"type": "Speak", "text": "Good morning. "},
            "meaning": "Adds to the text. Pieces are joined as they are: send the spaces too.",
        },
        {
            "message": {"type": "Flush"},
            "meaning": "Speak the text so far. Answered by sound and one Flushed or Error. More may be sent "
            f"meanwhile: up to {MAX_FLUSHES} wait, and are spoken in order.",
        },
        {
            "message": {"type": "Clear"},
            "meaning": "Stop speaking and forget all text; answered by Cleared. Sound that was sent before "
            "it may still arrive before it, none after it.",
        },
        {
            "message": {"type": "Close"},
            "meaning": "Close the connection once all that was flushed is spoken. The rest is left out.",
        },
    ],
    "server_messages": [
        {
            "message": {
                "type": "Metadata",
                "request_id": "0f3a5c7e9b1d2f48",
                "engine": "espeak",
                "model": "",
                "voice": "Fiona, English (America)",
                "language": "en-us",
                "sample_rate": 22050,
                "channels": 1,
                "encoding": "linear16",
                "container": "wav",
                "max_text_chars": 200000,
            },
            "meaning": "Once, when the connection stands. The sample rate stays the same.",
        },
        {
            "message": {
                "type": "Flushed",
                "sequence_id": 0,
                "sample_rate": 22050,
                "elapsed_s": 0.41,
                "bytes": 88200,
            },
            "meaning": "All sound of a Flush was sent: so many bytes of PCM, so long after it was asked for. "
            "sequence_id counts the Flushes from 0.",
        },
        {
            "message": {"type": "Cleared", "sequence_ids": [1, 2]},
            "meaning": "The Flushes that Clear stopped or took back; they get no Flushed.",
        },
        {
            "message": {"type": "Warning", "code": "UNKNOWN_TYPE", "description": "..."},
            "meaning": "A message that was not understood, or left out. The connection stays open. Codes: "
            "BINARY_MESSAGE, NOT_JSON, UNKNOWN_TYPE, NO_TEXT, TEXT_TOO_LONG, TOO_MANY_FLUSHES, TEXT_LEFT.",
        },
        {
            "message": {
                "type": "Error",
                "sequence_id": 0,
                "code": "busy",
                "detail": "16 requests are waiting already.",
                "hint": "Try again in a moment.",
                "error_id": "5f0c2a9e41b7",
                "retry_after_s": 1,
            },
            "meaning": "A Flush could not be spoken, or not to its end; sound may have been sent before. "
            "The connection stays open.",
        },
    ],
    "audio": "Binary frames. The first one of the connection is the 44-byte header of a WAV file that does "
    "not say its length (0xFFFFFFFF); all others are 16-bit little-endian mono PCM at Metadata's "
    "sample_rate. All frames one after the other are a WAV file. A reader who is slow gets the sound "
    "as it reads; nothing is lost, and nobody else waits.",
    "limits": f"{MAX_CONNECTIONS} connections, {MAX_OF_ONE} of one key or user. One without a message or sound for {IDLE_S:g} s is closed.",
    "close_codes": {
        "1000": "Close was answered.",
        "1001": "Nothing happened for too long.",
        "1012": "The studio stops.",
    },
    "client": "scripts/tts_stream_client.py",
}
