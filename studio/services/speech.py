"""Speech: from an order to a take in the history, live or waited for."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from engines.manager import EngineManager
from studio.control import Control
from studio.errors import BadInput, Cancelled, EngineFailed, NotFound, StudioError
from studio.metrics import Metrics
from studio.services.history import Estimate, History
from studio.services.live import LiveTake
from studio.services.planning import Plan, make_plan
from studio.services.references import ReferenceStore
from studio.services.rendering import Rendering, render
from studio.services.take_files import TakeFiles
from studio.services.takes import SpeechOrder, TakeRecord, TakeState, TakeStatus
from studio.services.wording import Preview, Wording, preview_of
from studio.settings import Settings
from studio.workspace import Workspace

log = logging.getLogger(__name__)

#: Less than this is not worth keeping when a take is stopped or breaks off, seconds.
_WORTH_KEEPING_S = 0.2
#: How long a finished take can still be followed and streamed, seconds; where there are more than so many, at
#: least.
_LINGER_S = 600
_MOST_LINGERING = 100
_LEAST_LINGER_S = 30
#: How often followers hear of progress, seconds.
FOLLOW_INTERVAL_S = 0.15


class SpeechService:
    """Thread-safe. Each take is spoken by a thread of its own; engines come by lease, so takes wait
    for one another fairly."""

    def __init__(
        self,
        settings: Settings,
        workspace: Workspace,
        engines: EngineManager,
        history: History,
        references: ReferenceStore,
        wording: Wording | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._settings = settings
        self._engines, self._history, self._references = engines, history, references
        self._wording = wording
        self._metrics = metrics or Metrics()
        self._files = TakeFiles(settings, workspace.outputs, history)
        self._spool = workspace.spool
        self._live: dict[str, LiveTake] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()

    def plan(self, order: SpeechOrder, owner: str = "") -> Plan:
        """Check the order; raises BadInput or NotFound with the remedy. What somebody else has trained
        is not found."""
        plan = make_plan(order, self._engines.registry.get(order.engine), self._settings, owner)
        return self._wording.quick(plan) if self._wording is not None else plan

    def preview(self, order: SpeechOrder, control: Control | None = None) -> Preview:
        """What will be said for the order's text, which may ask the language model and take as long
        as that. Raises BadInput or NotFound as `plan` does, and Cancelled."""
        plan = self.plan(order)
        if self._wording is not None:
            plan = self._wording.full(plan, control or Control())
        return preview_of(plan)

    def estimate(self, order: SpeechOrder) -> Estimate:
        """How long the sound and the work will be, judged by past runs."""
        return self._history.estimate(order.mode, order.engine, len(order.text), order.speed)

    def start(self, order: SpeechOrder, owner: str = "") -> str:
        """Begin to speak and return the take's id at once; bad orders raise before that."""
        plan = self.plan(order, owner)
        live = self._open(plan, owner)
        thread = threading.Thread(
            target=self._run, args=(live, plan, owner), name=f"take-{live.id[:6]}", daemon=True
        )
        with self._lock:
            self._threads[live.id] = thread
        thread.start()
        return live.id

    def speak(
        self,
        order: SpeechOrder,
        owner: str = "",
        on_status: Callable[[TakeStatus], None] | None = None,
        control: Control | None = None,
    ) -> TakeRecord:
        """Speak and wait for the finished take; raises what went wrong. With `control` cancelled,
        keeps what was spoken so far and raises Cancelled."""
        take_id = self.start(order, owner)
        for status in self.follow(take_id):
            if control is not None and control.cancelled:
                self.stop(take_id)
            if on_status is not None:
                on_status(status)
        if status.state is TakeState.STOPPED:
            kept = status.record
            raise Cancelled(
                "Stopped.", f"What was spoken is kept in {self._history.path(kept)}." if kept else ""
            )
        failure = self.live(take_id).failure
        if failure is not None:
            raise failure
        assert status.record is not None
        return status.record

    def speak_batch(
        self,
        batch: Sequence[SpeechOrder],
        owner: str = "",
        on_status: Callable[[int, TakeStatus], None] | None = None,
        control: Control | None = None,
    ) -> list[TakeRecord | StudioError]:
        """Speak several orders and wait; returns for each, in order, its take or why there is none.

        They are grouped by engine and model, so that each model is loaded once however they are
        mixed. All are checked before the first sound: BadInput names the number of the bad one.
        Cancelled when `control` says so; what was finished until then stays in the history.
        """
        plans = [self._plan_line(number, order, owner) for number, order in enumerate(batch, 1)]
        groups: dict[tuple[str, str], list[int]] = {}
        for index, plan in enumerate(plans):
            groups.setdefault((plan.engine.id, plan.model), []).append(index)
        results: dict[int, TakeRecord | StudioError] = {}
        for index in (index for group in groups.values() for index in group):
            follow = functools.partial(on_status, index) if on_status is not None else None
            try:
                results[index] = self.speak(plans[index].order, owner, follow, control)
            except Cancelled:
                raise
            except StudioError as error:
                results[index] = error
        return [results[index] for index in range(len(batch))]

    def _plan_line(self, number: int, order: SpeechOrder, owner: str) -> Plan:
        try:
            return self.plan(order, owner)
        except BadInput as error:
            raise BadInput(f"Line {number}: {error.message}", error.hint) from error

    def status(self, take_id: str) -> TakeStatus:
        return self.live(take_id).status

    def follow(self, take_id: str) -> Iterator[TakeStatus]:
        """The take's status as it changes, the last one finished."""
        return self.live(take_id).follow(FOLLOW_INTERVAL_S)

    def live(self, take_id: str) -> LiveTake:
        """A take that runs or ended a few minutes ago. Raises NotFound."""
        with self._lock:
            live = self._live.get(take_id)
        if live is None:
            raise NotFound("That take is not running.", "Look for it in the history.")
        return live

    def is_live(self, take_id: str, owner: str) -> bool:
        """Whether `take_id` is the owner's and runs or ended a few minutes ago."""
        with self._lock:
            live = self._live.get(take_id)
        return live is not None and live.owner == owner

    @property
    def running(self) -> int:
        """How many takes have not ended."""
        with self._lock:
            return sum(live.finished_at is None for live in self._live.values())

    def stop(self, take_id: str) -> None:
        """Ask the take to stop; what was spoken so far is kept. Harmless when it has ended."""
        with self._lock:
            live = self._live.get(take_id)
        if live is not None:
            live.control.cancel()

    def forget(self, take_id: str) -> None:
        """Drop what is still here of a finished take that was deleted."""
        with self._lock:
            live = self._live.get(take_id)
            if live is None or not live.status.state.finished:
                return
            del self._live[take_id]
        live.spool.unlink(missing_ok=True)

    def close(self) -> None:
        """Stop every take and wait for its thread."""
        with self._lock:
            lives, threads = list(self._live.values()), list(self._threads.values())
        for live in lives:
            live.control.cancel()
        for thread in threads:
            thread.join()
        for live in lives:
            live.spool.unlink(missing_ok=True)

    def _open(self, plan: Plan, owner: str) -> LiveTake:
        live = LiveTake(self._spool, plan.engine.sample_rate, plan.seed, plan.notes, owner)
        with self._lock:
            for old in self._left():
                old.spool.unlink(missing_ok=True)
                del self._live[old.id]
            self._live[live.id] = live
        return live

    def _left(self) -> list[LiveTake]:
        """Finished takes that need not stay. One that somebody listens to does, however slowly."""
        now = time.monotonic()
        ended = [
            (now - take.finished_at, take)
            for take in self._live.values()
            if take.finished_at is not None and not take.listened
        ]
        many = len(ended) > _MOST_LINGERING
        limit = _LEAST_LINGER_S if many else _LINGER_S
        return [take for age, take in ended if age > limit]

    def _run(self, live: LiveTake, plan: Plan, owner: str) -> None:
        """The thread of a take: whatever goes wrong ends up in its status, and what was spoken
        until then in the history."""
        rendering = Rendering(plan.engine.sample_rate)
        state, failure = TakeState.DONE, None
        try:
            plan = self._worded(self._with_kept_reference(plan, live), live)
            live.running()
            render(plan, self._engines, self._settings, live, rendering)
        except Cancelled:
            state = TakeState.STOPPED
        except Exception as error:  # noqa: BLE001 - the last line of defence of a thread
            state, failure = TakeState.FAILED, _in_words(error, live.id)
        record = None
        if state is TakeState.DONE or rendering.audio_seconds >= _WORTH_KEEPING_S:
            live.saving()
            try:
                record = self._files.publish(live, plan, owner, rendering, state)
            except Exception as error:  # noqa: BLE001
                state, failure = TakeState.FAILED, failure or _in_words(error, live.id)
        self._count(plan.engine.id, state, live.status, failure)
        live.finish(state, record, failure)
        with self._lock:
            del self._threads[live.id]

    def _count(
        self, engine_id: str, state: TakeState, last: TakeStatus, failure: StudioError | None
    ) -> None:
        self._metrics.take(engine_id, state.value, last.audio_seconds, last.first_audio, last.rtf)
        if failure is not None:
            self._metrics.failed("take", failure.kind)

    def _with_kept_reference(self, plan: Plan, live: LiveTake) -> Plan:
        if plan.order.reference is None:
            return plan
        kept = self._references.keep(plan.order.reference, live.control)
        return replace(plan, order=replace(plan.order, reference=kept))

    def _worded(self, plan: Plan, live: LiveTake) -> Plan:
        """The plan with what takes too long for `start`: the language model and the stress."""
        if self._wording is None:
            return plan
        worded = self._wording.full(plan, live.control)
        live.note(*(note for note in worded.notes if note not in plan.notes))
        return worded


def _in_words(error: Exception, take_id: str) -> StudioError:
    """The error itself where it is in words already, else one that says where to look."""
    if isinstance(error, StudioError):
        log.warning("take broke off", extra={"take": take_id, "kind": error.kind})
        return error
    log.error("take failed", exc_info=error, extra={"take": take_id})
    return EngineFailed("Something unexpected went wrong.", f"The log names it {take_id[:8]}.")
