"""Speaks a text through a running studio's WebSocket and writes the sound to a WAV file as it comes.

python scripts/tts_stream_client.py --url ws://127.0.0.1:7860 --text "Good morning." --out morning.wav

The text is sent in small pieces, as a program would that is still writing it. Needs the package
websockets, nothing of Timbre.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import wave
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI
from websockets.sync.client import ClientConnection, connect

PATH = "/tts/speak-streaming"
_HEADER_BYTES = 44
_OPTIONS = ("engine", "model", "voice", "language", "instructions", "speed", "seed")


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    text = sys.stdin.read() if given.text == "-" else given.text
    headers = {"Authorization": f"Bearer {given.key}"} if given.key else {}
    began = time.monotonic()
    try:
        with connect(_address(given), additional_headers=headers, max_size=None) as socket:
            return _speak(socket, text, given, began)
    except InvalidStatus as refusal:
        said = (refusal.response.body or b"").decode("utf-8", "replace")
        print(f"Refused ({refusal.response.status_code}): {said}", file=sys.stderr)
    except ConnectionClosed as end:
        print(f"The connection was closed: {end}", file=sys.stderr)
    except InvalidURI:
        print(f"{given.url} is no address: write it as ws://127.0.0.1:7860", file=sys.stderr)
    except (OSError, InvalidHandshake) as error:
        print(f"{given.url} cannot be reached: {error}", file=sys.stderr)
    return 1


def _speak(socket: ClientConnection, text: str, given: argparse.Namespace, began: float) -> int:
    metadata = _message(socket.recv())
    rate = metadata["sample_rate"]
    print(f"{metadata['engine']}, {metadata['voice']}, {rate} Hz", file=sys.stderr)
    for start in range(0, len(text), given.speak_split):
        piece = text[start : start + given.speak_split]
        socket.send(json.dumps({"type": "Speak", "text": piece}))
    for kind in ("Flush", "Close"):
        socket.send(json.dumps({"type": kind}))
    failed, first = False, True
    with wave.open(str(given.out), "wb") as out:
        out.setparams((1, 2, rate, 0, "NONE", "not compressed"))
        for frame in socket:
            if isinstance(frame, bytes):
                if first:  # the header of a file without a length; ours gets one
                    frame, first = frame[_HEADER_BYTES:], False
                elif out.tell() == 0:
                    print(f"First sound after {time.monotonic() - began:.3f} s", file=sys.stderr)
                out.writeframesraw(frame)
                continue
            message = _message(frame)
            failed |= message["type"] == "Error"
            print(json.dumps(message, ensure_ascii=False), file=sys.stderr)
        seconds = out.tell() / rate
    print(f"{seconds:.2f} s of sound in {given.out}", file=sys.stderr)
    return 1 if failed or not seconds else 0


def _message(frame: str | bytes) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(frame)
    return message


def _address(given: argparse.Namespace) -> str:
    """The socket's address: that of a page will do. Options stand before what the address says."""
    parts = urlsplit(given.url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    path = parts.path if parts.path.endswith(PATH) else parts.path.rstrip("/") + PATH
    query = dict(parse_qsl(parts.query))
    query |= {name: value for name in _OPTIONS if (value := getattr(given, name)) is not None}
    return urlunsplit((scheme, parts.netloc, path, urlencode(query), ""))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Speak a text through a studio's WebSocket.", epilog=f"It talks to {PATH}."
    )
    parser.add_argument("--url", default="ws://127.0.0.1:7860", help="the studio: ws:// or http://")
    parser.add_argument("--text", required=True, help="what to speak; - reads standard input")
    parser.add_argument("--speak-split", type=_positive, default=32, help="characters a Speak message")
    parser.add_argument("--out", type=Path, default=Path("speech.wav"), help="the WAV file to write")
    parser.add_argument(
        "--key", default=os.environ.get("TIMBRE_KEY", ""), help="API key; else TIMBRE_KEY's"
    )
    for name in _OPTIONS:
        parser.add_argument(f"--{name}")
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


if __name__ == "__main__":
    sys.exit(main())
