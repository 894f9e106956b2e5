"""With what a set was built: its documentation, and the first thing to compare where two builds differ."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from studio import __version__
from training.prepare.values import RecognizerChoice

#: Those that shape sounds, measures and texts.
_PACKAGES = ("av", "noisereduce", "num2words", "numpy", "soundfile", "soxr", "webrtcvad-wheels")
#: Those behind the recognizers, by engine.
_RECOGNIZERS = {
    "whisper": "openai-whisper",
    "faster_whisper": "faster-whisper",
    "pocketsphinx": "pocketsphinx",
}


def built_with(recognizer: RecognizerChoice | None) -> dict[str, str]:
    """Timbre and the packages by name with their versions, and the recognizer with its model; "none"
    where only given texts counted."""
    packages = list(_PACKAGES)
    heard = "none"
    if recognizer is not None:
        heard = f"{recognizer.engine} {recognizer.model}".strip()
        packages += [_RECOGNIZERS[recognizer.engine]] if recognizer.engine in _RECOGNIZERS else []
    versions = {name: _version(name) for name in packages}
    return {"recognizer": heard, "timbre": __version__} | versions


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # installed by other means than pip
        return "unknown"
