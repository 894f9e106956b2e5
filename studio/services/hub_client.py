"""The hubs' own clients, in a process of their own: python -m studio.services.hub_client

A client that hangs, ignores a wish to stop or floods its log can so be ended at any time. A request
is one line of JSON on standard input, its answers are such lines on standard output; when standard
input ends, or a request fails, so does the process. All requests are of one provider. Which clients
are spoken to stands in `PROVIDERS`.
"""

from __future__ import annotations

import errno
import importlib
import importlib.util
import json
import logging
import os
import queue
import re
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from studio import log as logs
from studio.models.manifest import RemoteFile

log = logging.getLogger("studio.services.hub_client")  # __name__ is "__main__" here

#: Of a file, fetched at once, in bytes. The client's own 10 MB would let progress stand still for
#: minutes on a slow line, and lose as much with each cut.
_CHUNK_BYTES = 256 * 1024

#: How long the hub may take to answer a question, in seconds.
_ANSWER_S = 30.0

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_SHA1 = re.compile(r"[0-9a-fA-F]{40}")
_REVISION = re.compile(r"[\w.-]{1,80}", re.ASCII)


class Failure(str, Enum):
    """Why a hub did not give what was asked for."""

    NETWORK = "network"  # not reached, cut off, overloaded: worth another try
    SILENT = "silent"  # sends nothing: also worth another try
    REFUSED = "refused"  # needs an account that may
    MISSING = "missing"  # no such repository or file
    INCONSISTENT = "inconsistent"  # what came is not as long as was said
    FULL = "full"  # our disk
    DENIED = "denied"  # our disk as well
    UNINSTALLED = "uninstalled"
    OTHER = "other"


@dataclass(frozen=True)
class Request:
    """`revision` "" lists; any other fetches `names` of it into `folder`."""

    provider: str
    repository: str
    names: tuple[str, ...]  # of the files that are wanted; all others are ignored
    revision: str = ""
    folder: str = ""


def main() -> int:
    """Answer requests until one fails."""
    logs.configure("warning")
    logs.hide(os.environ.get("HF_TOKEN", ""), os.environ.get("MODELSCOPE_API_TOKEN", ""))
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_hear, args=(lines,), daemon=True).start()
    request = Request(**json.loads(lines.get()))
    provider = PROVIDERS[request.provider]
    try:
        client = provider.load()
        _say(ready=True)
        while True:
            if request.revision:
                provider.fetch(client, request)
                _say(done=True)
            else:
                revision, files = provider.list(client, request)
                wanted = [asdict(file) for file in files if file.name in request.names]
                _say(revision=revision, files=wanted)
            request = Request(**json.loads(lines.get()))
    except Exception as error:  # the parent puts it into words
        kind = provider.judge(error)
        log.warning("the hub's client: %s", kind.value, exc_info=True)
        _say(failed=kind.value, detail=logs.scrubbed(f"{type(error).__name__}: {error}")[:600])
        return 1


def _say(**answer: Any) -> None:
    print(json.dumps(answer), flush=True)


def _hear(lines: queue.SimpleQueue[str]) -> None:
    """Take up what the parent asks, and end with it."""
    for line in sys.stdin:
        lines.put(line)
    os._exit(1)


# Hugging Face


def _load_hugging_face() -> Any:
    import huggingface_hub
    from huggingface_hub import constants

    own = logging.getLogger("huggingface_hub")
    own.handlers.clear()  # through ours, which leaves out secrets
    own.propagate = True
    constants.DOWNLOAD_CHUNK_SIZE = _CHUNK_BYTES
    return huggingface_hub


def _list_hugging_face(client: Any, request: Request) -> tuple[str, Iterable[RemoteFile]]:
    info = client.HfApi().model_info(request.repository, files_metadata=True, timeout=_ANSWER_S)
    files = (
        RemoteFile(
            sibling.rfilename,
            _size(sibling.lfs.size if sibling.lfs else sibling.size),
            _matching(_SHA256, sibling.lfs.sha256 if sibling.lfs else ""),
            "" if sibling.lfs else _matching(_SHA1, sibling.blob_id),
        )
        for sibling in info.siblings or ()
    )
    return _matching(_REVISION, info.sha) or "main", files


def _fetch_hugging_face(client: Any, request: Request) -> None:
    client.snapshot_download(
        request.repository,
        revision=request.revision,
        local_dir=request.folder,
        allow_patterns=list(request.names),
        max_workers=4,
    )


def _judge_hugging_face(error: Exception) -> Failure:
    from huggingface_hub import errors

    cause = error.__cause__
    if isinstance(error, errors.LocalEntryNotFoundError):  # its word for any failed question
        return _judge_hugging_face(cause) if isinstance(cause, Exception) else Failure.NETWORK
    if isinstance(error, errors.GatedRepoError):
        return Failure.REFUSED
    if isinstance(error, errors.RepositoryNotFoundError):  # answered with 401, to everyone alike
        return Failure.MISSING
    return _judge_http(error)


# ModelScope


def _load_modelscope() -> Any:
    # By name: the package is an optional extra that most machines do not have.
    api = importlib.import_module("modelscope.hub.api")
    snapshot = importlib.import_module("modelscope.hub.snapshot_download")
    return api.HubApi, snapshot.snapshot_download


def _list_modelscope(client: Any, request: Request) -> tuple[str, Iterable[RemoteFile]]:
    if importlib.util.find_spec("modelscope_hub") is not None:  # the newer client's lower half
        hub = importlib.import_module("modelscope_hub").HubApi()
        found = hub.list_repo_files(request.repository, "model", revision="master", recursive=True)
        listed = [(file.path, file.size, file.sha256) for file in found]
    else:
        found = client[0]().get_model_files(request.repository, revision="master", recursive=True)
        listed = [(file.get("Path"), file.get("Size"), file.get("Sha256")) for file in found]
    files = (
        RemoteFile(str(name), _size(size), _matching(_SHA256, sha256)) for name, size, sha256 in listed
    )
    return "master", files


def _fetch_modelscope(client: Any, request: Request) -> None:
    client[1](
        request.repository,
        revision=request.revision,
        local_dir=request.folder,
        allow_patterns=list(request.names),
    )


#: Its client has errors of its own, which older ones lack; so by their names.
_MODELSCOPE_ERRORS = {
    "NetworkError": Failure.NETWORK,
    "ServerError": Failure.NETWORK,
    "RateLimitError": Failure.NETWORK,
    "NotExistError": Failure.MISSING,
    "AuthenticationError": Failure.REFUSED,
    "PermissionDeniedError": Failure.REFUSED,
    "FileIntegrityError": Failure.INCONSISTENT,
}


def _judge_modelscope(error: Exception) -> Failure:
    names = [each.__name__ for each in type(error).__mro__ if each.__module__.startswith("modelscope")]
    known = [_MODELSCOPE_ERRORS[name] for name in names if name in _MODELSCOPE_ERRORS]
    return known[0] if known else _judge_http(error)


def _judge_http(error: Exception) -> Failure:
    import requests

    if isinstance(error, ImportError):
        return Failure.UNINSTALLED
    if isinstance(error, requests.HTTPError) and error.response is not None:
        status = error.response.status_code
        if status in (401, 403):
            return Failure.REFUSED
        if status == 404:
            return Failure.MISSING
        if status == 416:
            return Failure.INCONSISTENT
        return Failure.NETWORK if status >= 500 or status in (408, 429) else Failure.OTHER
    if isinstance(error, requests.exceptions.InvalidJSONError):
        return Failure.OTHER
    if isinstance(error, requests.RequestException):
        return Failure.NETWORK
    if isinstance(error, OSError):
        return _judge_system(error)
    return Failure.OTHER


def _judge_system(error: OSError) -> Failure:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Failure.FULL
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Failure.DENIED
    if isinstance(error, (ConnectionError, TimeoutError)):
        return Failure.NETWORK
    # huggingface_hub raises a bare OSError when a file has another size than was announced.
    return Failure.INCONSISTENT if error.errno is None else Failure.OTHER


def _size(value: Any) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _matching(pattern: re.Pattern[str], value: Any) -> str:
    return value if isinstance(value, str) and pattern.fullmatch(value) else ""


@dataclass(frozen=True)
class Provider:
    """How one hub's client is used."""

    load: Callable[[], Any]
    list: Callable[[Any, Request], tuple[str, Iterable[RemoteFile]]]
    fetch: Callable[[Any, Request], None]
    judge: Callable[[Exception], Failure]


PROVIDERS = {
    "huggingface": Provider(
        _load_hugging_face, _list_hugging_face, _fetch_hugging_face, _judge_hugging_face
    ),
    "modelscope": Provider(_load_modelscope, _list_modelscope, _fetch_modelscope, _judge_modelscope),
}


if __name__ == "__main__":
    sys.exit(main())
