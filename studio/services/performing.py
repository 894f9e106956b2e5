"""Tagged texts spoken by personalities: each part by its emotion's recording, joined to one take of the
history, with parts that can be spoken again and chosen from."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from engines.base import Capability, SpeechEngine
from engines.choosing import of_owner
from engines.manager import EngineManager
from studio.control import Control
from studio.errors import BadInput, Cancelled, NotFound, unknown
from studio.services.history import History
from studio.services.part_cache import PartCache
from studio.services.performance_orders import record_of
from studio.services.performance_plans import PerformancePlan, make_performance_plan
from studio.services.performance_scripts import Script, ScriptPart, ScriptTake, performance_of
from studio.services.performance_speaking import (
    Blend,
    PerformanceSpeaker,
    ReadyPart,
    SpokenPart,
    Tools,
)
from studio.services.performance_store import PerformanceStore
from studio.services.performance_values import (
    MODE,
    TASK_KIND,
    Performance,
    PerformedPart,
    Performing,
    PerformOrder,
)
from studio.services.personality_values import Personality
from studio.services.phoneme_rows import packed
from studio.services.takes import MAX_SEED, TakeState
from studio.services.tasks import Task, Tasks, TaskStatus
from studio.services.wording import Wording
from studio.settings import Settings
from studio.workspace import Workspace

log = logging.getLogger(__name__)


class Personalities(Protocol):
    """Where personalities are looked up."""

    def get(self, id_or_name: str, owner: str) -> Personality:
        """Raises NotFound."""


class PerformanceService:
    """Thread-safe. Performances run as tasks, those of one owner one after the other; between two
    sentences others get the engine. Their ids are those of takes."""

    def __init__(
        self,
        settings: Settings,
        workspace: Workspace,
        engines: EngineManager,
        history: History,
        tasks: Tasks,
        wording: Wording,
        personalities: Personalities,
        blend: Blend,
    ) -> None:
        self._settings, self._engines, self._history = settings, engines, history
        self._tasks, self._personalities = tasks, personalities
        self._cache = PartCache(workspace.parts)
        self._store = PerformanceStore(settings, workspace, history, self._cache)
        self._tools = Tools(settings, engines, wording, self._cache, blend, workspace.spool)
        self._changing = threading.Lock()

    def plan(self, order: PerformOrder, owner: str = "") -> PerformancePlan:
        """Check the order. Raises BadInput naming tags that are not known and those that are, a
        recording that is gone, an engine that cannot clone; NotFound for the personality."""
        personality = self._personalities.get(order.personality, owner)
        engine = self.engine_for(personality, owner, order.engine)
        order = replace(order, engine=engine.info.id)
        return make_performance_plan(order, personality, engine, self._settings, owner)

    def engine_for(self, personality: Personality, owner: str = "", wanted: str = "") -> SpeechEngine:
        """The engine `wanted`, where one is; else the one that spoke for this personality last, where
        it still can; else the default. Raises NotFound."""
        registry = self._engines.registry
        if wanted:
            return registry.get(wanted)
        for last in self._history.made_by(owner, MODE, "personality", personality.id, 1):
            try:
                engine = registry.get(last.engine)
            except NotFound:  # of an older studio
                continue
            models = of_owner(engine.models(Capability.CLONE), owner)
            if not models or any(model.installed for model in models):
                return engine
        return registry.get(self._settings.default_engine)

    def start(self, order: PerformOrder, owner: str = "") -> str:
        """Begin to speak and return the task's id at once; bad orders raise before that. The task's
        detail is Performing, its result a Performance."""
        plan = self.plan(order, owner)
        title = f"{plan.personality.name}: {plan.order.text[:60]}"
        return self._start(title, lambda task: self._perform(task, plan, owner), owner)

    def perform(
        self,
        order: PerformOrder,
        owner: str = "",
        on_status: Callable[[TaskStatus], None] | None = None,
        control: Control | None = None,
    ) -> Performance:
        """Speak and wait; raises what went wrong. With `control` cancelled, keeps the parts that are
        finished and raises Cancelled, which says where."""
        task_id = self.start(order, owner)
        try:
            performance: Performance = self._tasks.wait(task_id, on_status, control)
        except Cancelled as error:
            kept = self._tasks.status(task_id).detail
            if not isinstance(kept, Performing) or kept.performance is None:
                raise
            path = self._history.path(kept.performance.record)
            raise Cancelled("Stopped.", f"What was spoken is kept in {path}.") from error
        return performance

    def status(self, task_id: str, owner: str | None = None) -> TaskStatus:
        return self._tasks.status(task_id, owner)

    def follow(self, task_id: str, owner: str | None = None) -> Iterator[TaskStatus]:
        """The task's status as it changes, the last one finished."""
        return self._tasks.follow(task_id, owner)

    def stop(self, task_id: str, owner: str | None = None) -> None:
        """Ask it to stop; the parts that are finished are kept."""
        self._tasks.stop(task_id, owner)

    def get(self, id: str, owner: str) -> Performance:
        """Raises NotFound, Damaged."""
        return self._store.read(self._history.get(id, owner))[0]

    def list(self, owner: str, personality: str = "", limit: int = 20) -> list[Performance]:
        """The newest first, of one personality (its id) or of all; those whose files somebody removed
        are left out."""
        found = []
        for record in self._history.made_by(owner, MODE, "personality", personality, limit):
            try:
                found.append(self._store.read(record)[0])
            except NotFound as error:
                log.info("a performance without its file", extra={"take": record.id, "why": str(error)})
        return found

    def regenerate(self, id: str, index: int, owner: str, seed: int | None = None) -> str:
        """Speak one part again with another seed (None: draw one) and put it into the whole; the takes
        there were are kept to choose from. Returns the task's id; its result is the Performance.

        Raises NotFound for the performance, its part or its personality, and BadInput where the
        personality has changed so that the text would be spoken in other parts.
        """
        performance = self.get(id, owner)
        part = _part(performance, index)
        if seed is not None and not 0 <= seed <= MAX_SEED:
            raise BadInput(f"Seed {seed} is out of range.", f"Use 0 to {MAX_SEED}.")
        plan = self.plan(performance.order, owner)
        spoken = [(each.tag, each.text) for each in performance.parts]  # may have been stopped
        if [(each.emotion.tag, each.text) for each in plan.parts[: len(spoken)]] != spoken:
            raise BadInput(
                f"{plan.personality.name} has changed since this was spoken.", "Speak the text anew."
            )
        chosen = seed if seed is not None else _other_seed(part)
        title = f"{plan.personality.name}: part {index + 1}"
        return self._start(title, lambda task: self._again(task, id, owner, plan, index, chosen), owner)

    def choose(self, id: str, index: int, seed: int, owner: str) -> Performance:
        """Put the take with `seed` of a part into the whole. It is taken again when the same words are
        spoken without a seed. Raises NotFound."""
        _part(self.get(id, owner), index)
        with self._store.working(id):
            return self._choose(id, index, seed, owner, None)[0]

    def _start(self, title: str, work: Callable[[Task], Performance], owner: str) -> str:
        return self._tasks.start(TASK_KIND, title, work, owner, lane=f"{TASK_KIND} of {owner}")

    def _perform(self, task: Task, plan: PerformancePlan, owner: str) -> Performance:
        """The work of a task: what is finished when it stops or breaks off is kept."""
        id, created = secrets.token_hex(16), time.time()
        task.note(*plan.notes)
        done: list[ScriptPart] = []
        state = TakeState.FAILED
        with self._store.working(id) as folder, PerformanceSpeaker(self._tools, plan, task) as speaker:
            total = len(plan.parts)
            draft = record_of(id, created, owner, plan, TakeState.DONE, 0.0)
            try:
                for ready in speaker.prepare(plan.parts, plan.order.seed):
                    path = self._store.part_file(id, ready.of.index, ready.voice.name, ready.seed)
                    spoken = speaker.speak(ready, path)
                    done.append(_script_part(ready, spoken, path.name))
                    shown = performance_of(draft, _script(plan, done, ()), folder)
                    task.tell(Performing(total, shown.parts))
                state = TakeState.DONE
            except Cancelled:
                state = TakeState.STOPPED
                raise
            finally:
                if done:
                    script = _script(plan, done, tuple(dict.fromkeys((*plan.notes, *speaker.notes))))
                    record = record_of(id, created, owner, plan, state, speaker.seconds)
                    performance = self._store.add(record, script)
                    task.tell(Performing(total, performance.parts, performance))
        self._cache.trim()
        return performance

    def _again(
        self, task: Task, id: str, owner: str, plan: PerformancePlan, index: int, seed: int
    ) -> Performance:
        with self._store.working(id), PerformanceSpeaker(self._tools, plan, task) as speaker:
            (ready,) = speaker.prepare([plan.parts[index]], seed)
            path = self._store.part_file(id, index, ready.voice.name, seed)
            before = {take.seed: take for take in _part(self.get(id, owner), index).takes}
            take = None
            if seed not in before:
                spoken = speaker.speak(ready, path)
                take = _script_take(spoken, path.name)
                if any(_alike(path, other.file) for other in before.values()):
                    task.note("It came out the same: this voice does not depend on the seed.")
            performance, whole = self._choose(id, index, seed, owner, take)
            task.tell(Performing(len(whole.parts), performance.parts, performance))
            return performance

    def _choose(
        self, id: str, index: int, seed: int, owner: str, new: ScriptTake | None
    ) -> tuple[Performance, Script]:
        """The whole with another take of a part, which may be a `new` one."""
        with self._changing:
            record = self._history.get(id, owner)
            performance, script = self._store.read(record)
            _part(performance, index)
            part = script.parts[index]
            takes = part.takes if new is None else (*part.takes, new)
            seeds = [take.seed for take in takes]
            if seed not in seeds:
                raise unknown(f"take of part {index + 1} with the seed", str(seed), map(str, seeds))
            part = replace(part, seed=seed, takes=takes)
            script = replace(script, parts=(*script.parts[:index], part, *script.parts[index + 1 :]))
            performance = self._store.change(record, script)
        for key in part.chosen.keys:
            self._cache.prefer(key, seed)
        return performance, script


def _script(plan: PerformancePlan, done: list[ScriptPart], notes: tuple[str, ...]) -> Script:
    whole = len(done) == len(plan.parts)
    return Script(plan.engine.sample_rate, tuple(done), plan.end_gap_s if whole else 0.0, notes)


def _script_part(ready: ReadyPart, spoken: SpokenPart, file: str) -> ScriptPart:
    return ScriptPart(
        index=ready.of.index,
        tag=ready.of.emotion.tag,
        strength=ready.of.strength,
        text=ready.of.text,
        gap_s=ready.of.gap_s,
        seed=spoken.seed,
        cached=spoken.cached,
        takes=(_script_take(spoken, file),),
    )


def _script_take(spoken: SpokenPart, file: str) -> ScriptTake:
    return ScriptTake(
        spoken.seed, file, spoken.samples, spoken.words, spoken.keys, packed(spoken.phonemes)
    )


def _part(performance: Performance, index: int) -> PerformedPart:
    if not 0 <= index < len(performance.parts):
        count = len(performance.parts)
        raise NotFound(f"There is no part {index + 1}.", f"It has {count} part{'s' * (count != 1)}.")
    return performance.parts[index]


def _alike(one: Path, other: Path) -> bool:
    return other.exists() and one.read_bytes() == other.read_bytes()


def _other_seed(part: PerformedPart) -> int:
    taken = {take.seed for take in part.takes}
    while (seed := secrets.randbelow(MAX_SEED)) in taken:
        pass
    return seed
