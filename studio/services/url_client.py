"""Plain HTTPS files as a hub of their own: python -m studio.services.url_client

For models that no hub has, such as OpenAI's Whisper. The "repository" is the address of a folder
whose last part is the SHA-256 of the one file in it; it comes from the table of models, nothing else
is ever asked for. Everything around it is studio.services.hub_client's.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from studio.models.manifest import RemoteFile
from studio.services import hub_client
from studio.services.hub_client import Request

#: How long the server may take to connect, in seconds; how long it may be silent is watched outside.
_CONNECT_S = 30.0
_SILENT_S = 3600.0

_SHA256 = re.compile(r"[0-9a-f]{64}")
_RANGE = re.compile(r"bytes (\d+)-")


def _load() -> Any:
    import requests

    return requests


def _list(client: Any, request: Request) -> tuple[str, Iterable[RemoteFile]]:
    """The file, with the hash that the address names and the length that the server tells."""
    sha256 = request.repository.rstrip("/").rpartition("/")[2]
    if len(request.names) != 1 or not _SHA256.fullmatch(sha256):
        raise ValueError("the address does not name the hash of one file")
    answer = client.head(_address(request), allow_redirects=True, timeout=_CONNECT_S)
    answer.raise_for_status()
    length = answer.headers.get("Content-Length", "")
    size = int(length) if length.isdigit() else None
    return sha256, [RemoteFile(request.names[0], size, sha256)]


def _fetch(client: Any, request: Request) -> None:
    """Append to what is there; from the beginning where the server cannot go on."""
    target = Path(request.folder) / request.names[0]
    there = target.stat().st_size if target.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={there}-"} if there else {})
    timeout = (_CONNECT_S, _SILENT_S)
    with client.get(_address(request), headers=headers, stream=True, timeout=timeout) as answer:
        if answer.status_code == 416:  # all of it is there, or more: the hash will tell
            return
        answer.raise_for_status()
        begins = _RANGE.match(answer.headers.get("Content-Range", ""))
        goes_on = answer.status_code == 206 and begins is not None and int(begins[1]) == there
        with target.open("ab" if goes_on else "wb", buffering=0) as file:
            for piece in answer.iter_content(hub_client._CHUNK_BYTES):
                file.write(piece)


def _address(request: Request) -> str:
    return f"{request.repository}/{request.names[0]}"


hub_client.PROVIDERS["url"] = hub_client.Provider(_load, _list, _fetch, hub_client._judge_http)


if __name__ == "__main__":
    sys.exit(hub_client.main())
