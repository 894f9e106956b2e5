"""The only caller of engines: who may use a device, what is loaded there, and for how long.

A device has one inference slot and one model. Whoever wants an engine takes a lease; the others wait in the
order in which they came. Engines load on first use and unload after an idle time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from engines import devices
from engines.avatar import AvatarEngine
from engines.base import Placement, SpeechEngine
from engines.recognition import Recognizer
from engines.registry import AnyEngine, Registry
from engines.slot import Slot, Ticket
from studio.control import Control
from studio.errors import Busy, Cancelled, EngineFailed, StudioError
from studio.metrics import Metrics

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineState:
    """For the page: whether an engine is loaded, in use, and why its last load failed."""

    id: str
    loaded: bool
    in_use: bool
    idle_s: float | None
    load_error: str
    model: str = ""  # the key of the loaded model
    placement: Placement | None = None  # where it was loaded; None for embedded engines


@dataclass(frozen=True)
class ManagerState:
    engines: tuple[EngineState, ...]
    waiting: int
    memory_mb: float  # resident memory of this process
    loads: int = 0  # how often a model was loaded, since the start


E = TypeVar("E", bound=AnyEngine)


class Lease(Generic[E]):
    """The right to use `engine`, loaded, until the `with` block ends."""

    def __init__(self, manager: EngineManager, engine: E, ticket: Ticket, control: Control) -> None:
        self._manager, self._ticket, self._control = manager, ticket, control
        self.engine = engine

    @property
    def placement(self) -> Placement | None:
        """Where the engine runs; None for an embedded one."""
        return self._manager._placed.get(self._ticket.engine_id)

    def reload(self) -> None:
        """Unload and load again, as after running out of memory."""
        self.engine.unload()
        self._manager._ensure_loaded(self.engine, self._ticket.model, self._control)

    def give_way(self) -> None:
        """Between two parts of a long work: let those waiting have a turn, then carry on.

        Only where that costs no change of model; a lease for a heavy engine is kept to the end
        when the next in line wants another one.
        """
        self._manager._give_way(self._ticket, self._control)


class EngineManager:
    """Leases engines out; thread-safe."""

    def __init__(
        self,
        registry: Registry,
        idle_s: float = 600,
        max_waiting: int = 16,
        device: str = devices.AUTO,
        dtype: str = devices.AUTO,
        metrics: Metrics | None = None,
    ) -> None:
        self.registry = registry
        self._metrics = metrics or Metrics()
        self._idle_s, self._max_waiting = idle_s, max_waiting
        self._wanted = (device, dtype)
        self._placed: dict[str, Placement] = {}
        self._loads = 0
        # One for all, until an engine can use another device than the others.
        self._slot = Slot()
        self._lock = threading.Lock()  # of the sweeper's making
        self._last_used: dict[str, float] = {}
        self._load_errors: dict[str, str] = {}
        self._closed = threading.Event()
        self._sweeper: threading.Thread | None = None

    def lease(
        self, engine_id: str, control: Control, model: str = ""
    ) -> AbstractContextManager[Lease[SpeechEngine]]:
        """Wait for the speech engine's device, load the engine with `model` if need be, and hold
        both for the block.

        Raises NotFound for an unknown engine, Busy when too many wait already, Cancelled when the
        control says so, EngineFailed when the engine cannot be loaded.
        """
        return self._lease(self.registry.get(engine_id), control, model)

    def lease_recognizer(
        self, engine_id: str, control: Control, model: str = ""
    ) -> AbstractContextManager[Lease[Recognizer]]:
        """The same for a recognizer."""
        return self._lease(self.registry.recognizer(engine_id), control, model)

    def lease_avatar(
        self, engine_id: str, control: Control, model: str = ""
    ) -> AbstractContextManager[Lease[AvatarEngine]]:
        """The same for an avatar engine."""
        return self._lease(self.registry.avatar(engine_id), control, model)

    @contextmanager
    def _lease(self, engine: E, control: Control, model: str) -> Iterator[Lease[E]]:
        ticket = Ticket(engine.info.id, model)
        asked = time.monotonic()
        self._enter(ticket, control)
        try:
            self._metrics.waited(ticket.engine_id, time.monotonic() - asked)
            self._ensure_loaded(engine, model, control)
            yield Lease(self, engine, ticket, control)
        finally:
            self._leave(ticket)

    def switch(
        self, engine_id: str, model: str, control: Control, dtype: str | None = None
    ) -> Placement | None:
        """Load `model` now, in place of what is loaded, so that the next take starts at once.
        `dtype` replaces the one of the settings from now on, for models loaded later as well.

        Raises what `lease` raises, and BadInput for a dtype that cannot be had here.
        """
        engine = self.registry.engine(engine_id)
        if dtype is not None and not engine.info.embedded:
            devices.choose(self._wanted[0], dtype)  # refuse it before anything is unloaded
            self._wanted = (self._wanted[0], dtype)
            placed = self._placed.get(engine_id)
            if engine.is_loaded and placed != devices.choose(*self._wanted):
                self.unload(engine_id)
        with self._lease(engine, control, model) as lease:
            return lease.placement

    def unload(self, engine_id: str) -> None:
        """Unload an engine once whoever uses it has finished."""
        engine = self.registry.engine(engine_id)
        ticket = Ticket(engine_id)
        self._slot.enter(ticket, Control())
        try:
            engine.unload()
        finally:
            self._leave(ticket)

    def state(self) -> ManagerState:
        import psutil

        now = time.monotonic()
        holder, used, errors = self._slot.holder, dict(self._last_used), dict(self._load_errors)
        engines = []
        for engine_id in self.registry.all_ids:
            engine = self.registry.engine(engine_id)
            loaded = engine.is_loaded
            in_use = holder is not None and holder.engine_id == engine_id
            idle = now - used[engine_id] if loaded and not in_use and engine_id in used else None
            engines.append(
                EngineState(
                    engine_id,
                    loaded,
                    in_use,
                    idle,
                    errors.get(engine_id, ""),
                    engine.loaded_model,
                    self._placed.get(engine_id) if loaded else None,
                )
            )
        memory = psutil.Process().memory_info().rss / 1e6
        return ManagerState(tuple(engines), self._slot.waiting, memory, self._loads)

    @property
    def waiting(self) -> int:
        """How many wait for a device; costs nothing."""
        return self._slot.waiting

    def close(self) -> None:
        """Unload everything; waits for the engine in use."""
        self._closed.set()
        for engine_id in self.registry.all_ids:
            self.unload(engine_id)

    def _enter(self, ticket: Ticket, control: Control) -> None:
        try:
            self._slot.enter(ticket, control, self._max_waiting)
        except Busy:
            self._metrics.rejected("queue")
            raise

    def _leave(self, ticket: Ticket) -> None:
        self._last_used[ticket.engine_id] = time.monotonic()
        self._slot.leave(ticket)

    def _give_way(self, ticket: Ticket, control: Control) -> None:
        if self._slot.give_way(ticket, control, lambda following: self._cheap_change(ticket, following)):
            # Whoever had the turn may have swapped this engine out.
            self._ensure_loaded(self.registry.engine(ticket.engine_id), ticket.model, control)

    def _cheap_change(self, current: Ticket, following: Ticket) -> bool:
        if current.engine_id == following.engine_id:
            return current.model == following.model
        return (
            self.registry.engine(current.engine_id).info.embedded
            or self.registry.engine(following.engine_id).info.embedded
        )

    def _ensure_loaded(self, engine: AnyEngine, model: str, control: Control) -> None:
        """Load `engine` with `model`, first unloading what has its place. The slot is held."""
        if engine.is_loaded and engine.loaded_model == model:
            return
        started = time.monotonic()
        try:
            placement = self._make_room(engine, control)
            control.progress("loading the model" if model else "loading")
            engine.load(placement, model)
        except Cancelled:
            raise  # which is no fault of the engine
        except StudioError as error:
            self._load_errors[engine.info.id] = str(error)
            raise
        except Exception as error:
            self._load_errors[engine.info.id] = f"{type(error).__name__}: {error}"
            raise EngineFailed(
                f"{engine.info.label} could not be loaded: {error}.",
                "The log has the details; try again, or choose another engine.",
            ) from error
        self._load_errors.pop(engine.info.id, None)
        self._loads += 1
        took = time.monotonic() - started
        self._metrics.loaded(engine.info.id, took)
        log.info("engine loaded", extra={"engine": engine.info.id, "model": model, "s": took})
        if not engine.info.embedded:
            # An engine may have found that a model needs other numbers than the machine suggests.
            placement = getattr(engine, "placement", None) or placement
            self._placed[engine.info.id] = placement
            log.info("placed on %s", placement.reason)
        self._start_sweeper()

    def _make_room(self, engine: AnyEngine, control: Control) -> Placement:
        """Where `engine` goes; what else is heavy there is unloaded. Of its own model the engine keeps what
        the next one needs."""
        if engine.info.embedded:
            return Placement("cpu", "float32")
        placement = devices.choose(*self._wanted)
        for engine_id in self.registry.all_ids:
            other = self.registry.engine(engine_id)
            if other is not engine and other.is_loaded and not other.info.embedded:
                control.progress("switching the model")
                other.unload()
        return placement

    def _start_sweeper(self) -> None:
        if self._idle_s <= 0:
            return
        with self._lock:
            if self._sweeper is None:
                self._sweeper = threading.Thread(target=self._sweep, name="engine-idle", daemon=True)
                self._sweeper.start()

    def _sweep(self) -> None:
        while not self._closed.wait(min(self._idle_s / 4, 30)):
            for state in self.state().engines:
                if state.idle_s is not None and state.idle_s > self._idle_s:
                    self._unload_if_idle(state.id)

    def _unload_if_idle(self, engine_id: str) -> None:
        """Unload without queueing: when somebody holds or wants the device, it is not idle."""
        ticket = Ticket(engine_id)
        if not self._slot.enter_if_free(ticket):
            return
        try:
            self.registry.engine(engine_id).unload()
            log.info("engine unloaded after idling", extra={"engine": engine_id})
        finally:
            self._leave(ticket)
