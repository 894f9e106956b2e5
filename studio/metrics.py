"""What the studio counts of itself, in the words of Prometheus: `GET /metrics`.

Labels are few and fixed (engines, states, kinds of errors): nothing of a person's, and no series that grow.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

#: Upper edges of the histograms: s, s, s, and seconds of work for a second of sound.
_WAIT_S = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_FIRST_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LOAD_S = (0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_RTF = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 5, 10)


@dataclass(frozen=True)
class Now:
    """What is read when somebody asks, and not counted as it happens."""

    ready: bool
    waiting: int  # requests that wait for a device
    in_flight: int  # requests to the API that were admitted and have not ended
    in_use: frozenset[str]  # engines that work
    loaded: frozenset[str]  # engines that are loaded
    engines: tuple[str, ...]  # all there are


class Metrics:
    """Thread-safe. One a studio, with a registry of its own: two studios in a process do not mix. Whoever
    counts nothing, as most commands do, does not load prometheus_client."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def waited(self, engine: str, seconds: float) -> None:
        """A request had its turn after `seconds`."""
        self._all.wait.labels(engine).observe(seconds)

    def loaded(self, engine: str, seconds: float) -> None:
        """An engine, or a model of it, was loaded."""
        self._all.load.labels(engine).observe(seconds)

    def take(
        self, engine: str, state: str, sound_s: float, first_audio: float | None, rtf: float | None
    ) -> None:
        """A take has ended: seconds of sound, seconds from the order to the first of it, and seconds of work
        for a second of it; None where it never got there."""
        self._all.takes.labels(engine, state).inc()
        self._all.sound.labels(engine).inc(sound_s)
        if first_audio is not None:
            self._all.first.labels(engine).observe(first_audio)
        if rtf is not None:
            self._all.rtf.labels(engine).observe(rtf)

    def rejected(self, reason: str) -> None:
        """A request was turned away at once; `reason` is one of a few words, such as "queue" or "rate"."""
        self._all.rejects.labels(reason).inc()

    def failed(self, where: str, kind: str) -> None:
        """Something ended as an error of `kind` (studio/errors.py), `where`: "take" or "api"."""
        self._all.errors.labels(where, kind).inc()

    def page(self, now: Now) -> tuple[bytes, str]:
        """All of it in Prometheus' text format, and its media type."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        with self._lock:  # one scrape's figures belong together
            instruments = self._made
            instruments.ready.set(now.ready)
            instruments.depth.set(now.waiting)
            instruments.in_flight.set(now.in_flight)
            for engine in now.engines:
                instruments.engine_loaded.labels(engine).set(engine in now.loaded)
                instruments.engine_in_use.labels(engine).set(engine in now.in_use)
            return generate_latest(instruments.registry), CONTENT_TYPE_LATEST

    @property
    def _all(self) -> _Instruments:
        with self._lock:
            return self._made

    @cached_property
    def _made(self) -> _Instruments:
        from prometheus_client import CollectorRegistry

        return _Instruments(CollectorRegistry())


class _Instruments:
    def __init__(self, registry: CollectorRegistry) -> None:
        from prometheus_client import Counter, Gauge, Histogram, ProcessCollector

        self.registry = registry
        ProcessCollector(registry=registry)  # memory, file descriptors and processor time; on Linux
        self.ready = Gauge("timbre_ready", "1 while requests are accepted.", registry=registry)
        self.depth = Gauge("timbre_queue_depth", "Requests that wait for the device.", registry=registry)
        self.in_flight = Gauge(
            "timbre_api_in_flight", "Requests to the API that are in the works.", registry=registry
        )
        self.engine_loaded = Gauge(
            "timbre_engine_loaded", "1 while the engine is loaded.", ["engine"], registry=registry
        )
        self.engine_in_use = Gauge(
            "timbre_engine_in_use", "1 while the engine works.", ["engine"], registry=registry
        )
        self.wait = Histogram(
            "timbre_queue_wait_seconds",
            "From wanting a device to having it.",
            ["engine"],
            buckets=_WAIT_S,
            registry=registry,
        )
        self.first = Histogram(
            "timbre_first_audio_seconds",
            "From the order to the first sound, waiting and loading included.",
            ["engine"],
            buckets=_FIRST_S,
            registry=registry,
        )
        self.rtf = Histogram(
            "timbre_real_time_factor",
            "Seconds of work for a second of sound; less is faster.",
            ["engine"],
            buckets=_RTF,
            registry=registry,
        )
        self.load = Histogram(
            "timbre_engine_load_seconds",
            "Loading an engine or a model of it.",
            ["engine"],
            buckets=_LOAD_S,
            registry=registry,
        )
        self.takes = Counter(
            "timbre_takes", "Takes that have ended.", ["engine", "state"], registry=registry
        )
        self.sound = Counter(
            "timbre_sound_seconds", "Seconds of sound that were spoken.", ["engine"], registry=registry
        )
        self.rejects = Counter(
            "timbre_rejects", "Requests that were turned away at once.", ["reason"], registry=registry
        )
        self.errors = Counter(
            "timbre_errors", "What ended as an error, by its kind.", ["where", "kind"], registry=registry
        )
