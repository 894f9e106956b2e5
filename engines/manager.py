"""The only caller of engines: who may use a device, what is loaded there, and for how long.

A device has one inference slot. Whoever wants an engine takes a lease; the others wait in the
order in which they came. Engines load on first use and unload after an idle time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from engines.base import SpeechEngine
from engines.registry import Registry
from studio.control import Control
from studio.errors import Busy, EngineFailed, StudioError

log = logging.getLogger(__name__)

#: How soon a waiting request notices that it was cancelled, seconds.
_POLL_S = 0.05


@dataclass(frozen=True)
class EngineState:
    """For the page: whether an engine is loaded, in use, and why its last load failed."""

    id: str
    loaded: bool
    in_use: bool
    idle_s: float | None
    load_error: str


@dataclass(frozen=True)
class ManagerState:
    engines: tuple[EngineState, ...]
    waiting: int
    memory_mb: float  # resident memory of this process


@dataclass(eq=False)
class _Ticket:
    engine_id: str


@dataclass
class _Device:
    """The inference slot of one device and the queue before it; guarded by the manager's lock."""

    holder: _Ticket | None = None
    queue: deque[_Ticket] = field(default_factory=deque)


class Lease:
    """The right to use `engine`, loaded, until the `with` block ends."""

    def __init__(self, manager: EngineManager, ticket: _Ticket, control: Control) -> None:
        self._manager, self._ticket, self._control = manager, ticket, control
        self.engine = manager.registry.get(ticket.engine_id)

    def give_way(self) -> None:
        """Between two parts of a long work: let those waiting have a turn, then carry on.

        Only where that costs no change of model; a lease for a heavy engine is kept to the end
        when the next in line wants another one.
        """
        self._manager._give_way(self._ticket, self._control)


class EngineManager:
    """Leases engines out; thread-safe."""

    def __init__(self, registry: Registry, idle_s: float = 600, max_waiting: int = 16) -> None:
        self.registry = registry
        self._idle_s, self._max_waiting = idle_s, max_waiting
        self._condition = threading.Condition()
        self._devices: dict[str, _Device] = {}
        self._last_used: dict[str, float] = {}
        self._load_errors: dict[str, str] = {}
        self._closed = threading.Event()
        self._sweeper: threading.Thread | None = None

    @contextmanager
    def lease(self, engine_id: str, control: Control) -> Iterator[Lease]:
        """Wait for the engine's device, load the engine if need be, and hold both for the block.

        Raises NotFound for an unknown engine, Busy when too many wait already, Cancelled when the
        control says so, EngineFailed when the engine cannot be loaded.
        """
        engine = self.registry.get(engine_id)
        ticket = _Ticket(engine_id)
        self._enter(ticket, control)
        try:
            self._ensure_loaded(engine, control)
            yield Lease(self, ticket, control)
        finally:
            self._leave(ticket)

    def unload(self, engine_id: str) -> None:
        """Unload an engine once whoever uses it has finished."""
        engine = self.registry.get(engine_id)
        ticket = _Ticket(engine_id)
        self._enter(ticket, Control(), bounded=False)
        try:
            engine.unload()
        finally:
            self._leave(ticket)

    def state(self) -> ManagerState:
        import psutil

        now = time.monotonic()
        with self._condition:
            holders = {device.holder.engine_id for device in self._devices.values() if device.holder}
            waiting = sum(len(device.queue) for device in self._devices.values())
            used = dict(self._last_used)
            errors = dict(self._load_errors)
        engines = []
        for engine_id in self.registry.ids:
            loaded = self.registry.get(engine_id).is_loaded
            in_use = engine_id in holders
            idle = now - used[engine_id] if loaded and not in_use and engine_id in used else None
            engines.append(EngineState(engine_id, loaded, in_use, idle, errors.get(engine_id, "")))
        memory = psutil.Process().memory_info().rss / 1e6
        return ManagerState(tuple(engines), waiting, memory)

    def close(self) -> None:
        """Unload everything; waits for the engine in use."""
        self._closed.set()
        for engine_id in self.registry.ids:
            self.unload(engine_id)

    def _device(self, engine_id: str) -> _Device:
        # One device for all until an engine can use another; the queue is the device's own.
        return self._devices.setdefault("cpu", _Device())

    def _enter(self, ticket: _Ticket, control: Control, bounded: bool = True) -> None:
        with self._condition:
            device = self._device(ticket.engine_id)
            if bounded and len(device.queue) >= self._max_waiting:
                raise Busy(
                    f"{len(device.queue)} requests are waiting already.", "Try again in a moment."
                )
            device.queue.append(ticket)
            self._wait_for_turn(device, ticket, control)

    def _wait_for_turn(self, device: _Device, ticket: _Ticket, control: Control) -> None:
        try:
            while device.holder is not None or device.queue[0] is not ticket:
                ahead = device.queue.index(ticket) + 1
                control.progress(f"waiting, {ahead} ahead")
                self._condition.wait(_POLL_S)
            control.check()
        except BaseException:
            device.queue.remove(ticket)
            self._condition.notify_all()
            raise
        device.queue.popleft()
        device.holder = ticket

    def _leave(self, ticket: _Ticket) -> None:
        with self._condition:
            self._last_used[ticket.engine_id] = time.monotonic()
            device = self._device(ticket.engine_id)
            # After a cancel while giving way the slot is already somebody else's.
            if device.holder is ticket:
                device.holder = None
            self._condition.notify_all()

    def _give_way(self, ticket: _Ticket, control: Control) -> None:
        with self._condition:
            device = self._device(ticket.engine_id)
            if not device.queue or not self._cheap_change(ticket, device.queue[0]):
                return
            device.holder = None
            device.queue.append(ticket)
            self._condition.notify_all()
            self._wait_for_turn(device, ticket, control)
        # Whoever had the turn may have swapped this engine out.
        self._ensure_loaded(self.registry.get(ticket.engine_id), control)

    def _cheap_change(self, current: _Ticket, following: _Ticket) -> bool:
        return current.engine_id == following.engine_id or (
            self.registry.get(current.engine_id).info.embedded
            or self.registry.get(following.engine_id).info.embedded
        )

    def _ensure_loaded(self, engine: SpeechEngine, control: Control) -> None:
        """Load `engine`, first unloading the heavy one that has its place. The slot is held."""
        if engine.is_loaded:
            return
        control.progress("loading")
        if not engine.info.embedded:
            self._make_room(engine)
        started = time.monotonic()
        try:
            engine.load("cpu", "float32")
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
        log.info("engine loaded", extra={"engine": engine.info.id, "s": time.monotonic() - started})
        self._start_sweeper()

    def _make_room(self, engine: SpeechEngine) -> None:
        for engine_id in self.registry.ids:
            other = self.registry.get(engine_id)
            if other is not engine and other.is_loaded and not other.info.embedded:
                other.unload()

    def _start_sweeper(self) -> None:
        if self._idle_s <= 0:
            return
        with self._condition:
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
        ticket = _Ticket(engine_id)
        with self._condition:
            device = self._device(engine_id)
            if device.holder is not None or device.queue:
                return
            device.holder = ticket
        try:
            self.registry.get(engine_id).unload()
            log.info("engine unloaded after idling", extra={"engine": engine_id})
        finally:
            self._leave(ticket)
