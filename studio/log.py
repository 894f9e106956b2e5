"""The studio's log: standard logging with fields, and nothing in it that is private.

    log = logging.getLogger(__name__)
    log.info("voice saved", extra={"voice": slug, "seconds": 1.2})
    event(log, "take finished", text=text, name=voice)   # any field name; `text` is hashed

What people say, type or record, and every key, token and password, must not be found in a log
file. So each line is built from parts that have passed `_scrub`, whoever wrote them.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.errors import unknown
from studio.files import make_folder, storage_errors

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
REDACTED = "[redacted]"

#: Packages whose logs follow `level`; libraries are heard from warnings on.
_OURS = ("app", "benchmarks", "engines", "studio", "tabs", "training")

_SENSITIVE = (
    r"(?:auth(?:orization)?|credentials?|cookie|passw(?:or)?d|passphrase|secret"
    r"|(?:api|access|private|signing)[_-]?key|(?:[a-z]+[_-])?token)"
)
_SENSITIVE_FIELD = re.compile(rf"(?:^|[_\-. ]){_SENSITIVE}s?$|^keys?$", re.IGNORECASE)
#: max_new_tokens=400 is a number of codec frames, not a secret.
_COUNT_FIELD = re.compile(r"^(?:max|min|n|num|new|total)_.*tokens$", re.IGNORECASE)

#: Fields that hold what people say or record.
_PRIVATE_FIELDS = frozenset(
    ("text", "ref_text", "instruct", "transcript", "prompt", "audio", "samples", "ref_audio", "body")
)

_PATTERNS = (
    # Authorization: Bearer abc, Basic abc
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w\-.~+/]{6,}=*"), rf"\1 {REDACTED}"),
    # token=abc, "api_key": "abc", password: abc, also inside a URL's query
    (
        re.compile(
            rf"""(?ix) (?<![a-z0-9]) ( {_SENSITIVE} ["']? \s* [=:] \s* )
            (?! (?:bearer|basic)\s ) ( "[^"]*" | '[^']*' | [^\s,;&"'}}\])]+ )"""
        ),
        rf"\1{REDACTED}",
    ),
    # https://user:password@host
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@:]+:[^\s/@]+@"), rf"\1{REDACTED}@"),
    # Tokens that are known by their look: Hugging Face, our own, OpenAI, GitHub, AWS, JSON Web Tokens
    (
        re.compile(
            r"\b(?:hf_[A-Za-z0-9]{8,}|tk_[\w-]{16,}|sk-[\w-]{8,}|gh[pousr]_[A-Za-z0-9]{8,}|AKIA[A-Z0-9]{12,}"
            r"|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*)"
        ),
        REDACTED,
    ),
)

#: What `hide` was told: exact values that are replaced wherever they turn up.
_hidden: set[str] = set()


def hide(*secrets: str) -> None:
    """Never show these exact values in the log; for keys and passwords once they are known."""
    _hidden.update(secret for secret in secrets if secret)


def scrubbed(text: str) -> str:
    """`text` without the secrets that are known, or known by their look; for what is shown elsewhere."""
    return _scrub(text)


def hashed(content: str | bytes) -> str:
    """A short name for private content: the first 12 hex digits of its SHA-256, and its length in
    characters or bytes. The same content has the same name, so that lines can be matched."""
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return f"sha256:{hashlib.sha256(raw).hexdigest()[:12]}/{len(content)}"


def event(logger: logging.Logger, message: str, level: int = logging.INFO, /, **fields: Any) -> None:
    """Log `message` with fields of any name (`extra=` alone refuses "name" or "module")."""
    logger.log(level, message, extra={"fields": fields}, stacklevel=2)


def configure(level: str = "info", json_lines: bool = False, file: Path | None = None) -> None:
    """Log to stderr and, where given, to `file`; calling it again replaces what it set up before.

    Raises NotFound for a level that does not exist, StorageFailed when `file` cannot be written.
    """
    if level.lower() not in LEVELS:
        raise unknown("log level", level, LEVELS)
    threshold = LEVELS[level.lower()]

    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if file is not None:
        make_folder(file.parent)
        with storage_errors(file):
            handlers.append(logging.FileHandler(file, encoding="utf-8", errors="backslashreplace"))

    root = logging.getLogger()
    for old in [handler for handler in root.handlers if isinstance(handler.formatter, _SafeFormatter)]:
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        handler.setFormatter(_JsonLines() if json_lines else _Human())
        root.addHandler(handler)
    root.setLevel(max(threshold, logging.WARNING))
    for name in _OURS:
        logging.getLogger(name).setLevel(threshold)


@dataclass(frozen=True)
class _Line:
    """One event, scrubbed."""

    time: float  # seconds since 1970
    level: str
    logger: str
    message: str
    fields: dict[str, Any]
    trace: str


class _SafeFormatter(logging.Formatter):
    """Builds every line from scrubbed parts, so that no formatter can forget to."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        named = fields.pop("fields", {})
        trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        return self.line(
            _Line(
                time=record.created,
                level=record.levelname.lower(),
                logger=record.name,
                message=_scrub(_message(record)),
                fields={key: _scrub_field(key, value) for key, value in {**fields, **named}.items()},
                trace=_scrub(trace.rstrip()),
            )
        )

    def line(self, line: _Line) -> str:
        raise NotImplementedError


class _Human(_SafeFormatter):
    def line(self, line: _Line) -> str:
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(line.time))
        # A name with a line break in it must not be able to forge a line.
        message = line.message.replace("\n", "\\n").replace("\r", "\\r")
        fields = "".join(f" {key}={_quoted(value)}" for key, value in line.fields.items())
        trace = f"\n{line.trace}" if line.trace else ""
        return f"{stamp} {line.level:<7} {line.logger}: {message}{fields}{trace}"


class _JsonLines(_SafeFormatter):
    def line(self, line: _Line) -> str:
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(line.time))
            + f".{int(line.time % 1 * 1000):03d}Z",
            "level": line.level,
            "logger": line.logger,
            "event": line.message,
            **({"trace": line.trace} if line.trace else {}),
        }
        extra = {key if key not in entry else f"{key}_": value for key, value in line.fields.items()}
        return json.dumps(entry | extra, ensure_ascii=False)


#: What every record has; anything else came in through `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def _message(record: logging.LogRecord) -> str:
    """The message with its arguments; arguments are scrubbed first, as their keys tell more."""
    if isinstance(record.args, dict):
        safe = {key: _scrub_field(str(key), value) for key, value in record.args.items()}
        return str(record.msg) % safe
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # logging would print the arguments as they are
        return f"{record.msg} (its arguments do not fit)"


def _scrub(text: str) -> str:
    # The longest first: a secret that begins with another one is replaced whole.
    for secret in sorted(_hidden, key=len, reverse=True):
        text = text.replace(secret, REDACTED)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _scrub_field(key: str, value: Any) -> Any:
    """A field's value as plain JSON, with what is secret or private taken out."""
    if _SENSITIVE_FIELD.search(key) and not _COUNT_FIELD.match(key) and value not in (None, ""):
        return REDACTED
    if isinstance(value, (bytes, bytearray, memoryview)):
        return hashed(bytes(value))
    if hasattr(value, "tobytes"):  # an array of samples
        return hashed(value.tobytes())
    if isinstance(value, str):
        return hashed(value) if key.lower() in _PRIVATE_FIELDS else _scrub(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, dict):
        return {_scrub(str(name)): _scrub_field(str(name), item) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_scrub_field(key, item) for item in value]
    # Anything else is shown by its repr, which for a request would hold the text spoken.
    return hashed(repr(value)) if key.lower() in _PRIVATE_FIELDS else _scrub(repr(value))


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if re.fullmatch(r"[^\s\"=]+", text) else json.dumps(text, ensure_ascii=False)
