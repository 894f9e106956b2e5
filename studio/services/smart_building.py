"""Smart building: a personality from one recording and a description of its voice.

The recording is the neutral emotion. For each other one an engine that makes voices from words speaks
an expressive clip, and a chimera of both is its reference. The personality is in the library from the
beginning and grows by one emotion at a time, so that a stop, or a power cut, loses one at most.
"""

from __future__ import annotations

import threading
from dataclasses import replace

from engines.base import EngineInfo
from studio.audio.joining import check as check_join
from studio.errors import BadInput, Busy, NotFound
from studio.services.personality_records import Words, spelled
from studio.services.personality_rules import check_distinct, clean_tag
from studio.services.personality_values import NEUTRAL, NewEmotion, NewPersonality, Personality
from studio.services.smart_records import Building, filled, from_build, to_build
from studio.services.smart_values import BuildStep, Extension, SmartEmotion, SmartOrder
from studio.services.smart_work import Workshop, build
from studio.services.tasks import Tasks
from studio.text.given import clean_language

TASK_KIND = "smart"
MAX_EMOTIONS = 40


class SmartBuilder:
    """Thread-safe. Builds run as tasks, one after another; a task's detail is a SmartProgress, its
    result the Personality."""

    def __init__(self, tasks: Tasks, workshop: Workshop) -> None:
        self._tasks, self._workshop = tasks, workshop
        self._personalities = workshop.personalities
        self._running: dict[str, str] = {}  # personality -> its task
        self._lock = threading.Lock()

    def engines(self) -> tuple[EngineInfo, ...]:
        """Those that can speak the expressive clips, the usual one first."""
        return self._workshop.clips.engines()

    def start(self, order: SmartOrder, owner: str = "") -> str:
        """Begin to build and return the task's id; the personality is in the library then.

        Raises BadInput for a name that is taken, a recording that is silent or none, no description,
        no emotions or one twice, and whatever the engine cannot do; Busy.
        """
        building = self._planned(order)
        neutral = NewEmotion(
            NEUTRAL, order.audio, order.start, order.end, order.transcript, made={"how": "recording"}
        )
        new = NewPersonality(
            name=order.name,
            emotions=(neutral,),
            language=order.language,
            description=order.description,
            note=order.note,
            voice=order.voice,
            consent=order.consent,
        )
        personality = self._personalities.create(new, owner, to_build(building))
        try:
            return self._begin(personality, owner)
        except Busy:
            self._personalities.delete(personality.id, owner)
            raise

    def resume(self, personality: str, owner: str = "") -> str:
        """Go on with an unfinished build, given by id or name: what is not there yet is made. The
        task's id; that of the running one where it is being built already.

        Raises NotFound, and BadInput where nothing is unfinished.
        """
        found = self._personalities.get(personality, owner)
        if found.build is None:
            raise BadInput(f"“{found.name}” is complete.", "There is nothing to go on with.")
        from_build(found.build)
        return self._begin(found, owner)

    def extend(self, personality: str, wanted: Extension, owner: str = "") -> str:
        """Make further emotions of a personality, given by id or name, and make anew those of
        `wanted` that it has. The task's id; resumed like a build.

        Raises as `start`, NotFound, and BadInput for one that is unfinished.
        """
        found = self._personalities.get(personality, owner)
        if found.build is not None:
            raise BadInput(
                f"“{found.name}” is not finished.", "Resume it, or take what is there for all, first."
            )
        neutral = found.emotions[0]
        order = SmartOrder(
            name=found.name,
            audio=neutral.audio,
            description=wanted.description or found.description,
            language=found.language,
            emotions=wanted.emotions,
            engine=wanted.engine,
            model=wanted.model,
            join=wanted.join,
            temperature=wanted.temperature,
            seed=wanted.seed,
        )
        building = replace(self._planned(order), ready=bool(neutral.words), replaces=True)
        there = [
            Words(each.tag, each.aliases)
            for each in found.emotions
            if spelled((step.emotion.tag for step in building.steps), each.tag) is None
        ]
        check_distinct([*there, *(Words(step.emotion.tag, ()) for step in building.steps)])
        found = self._personalities.save_build(
            found.id, owner, lambda unfinished: unfinished or to_build(building)
        )
        return self._begin(found, owner)

    def settle(self, personality: str, owner: str = "") -> Personality:
        """Take what is there of an unfinished build for all that is wanted."""
        return self._personalities.save_build(personality, owner, lambda unfinished: None)

    def _planned(self, order: SmartOrder) -> Building:
        """The build of an order, checked as far as that goes before the recording was heard."""
        language = clean_language(order.language)
        named = [
            replace(each, tag=clean_tag(each.tag), language=clean_language(each.language))
            for each in order.emotions
        ]
        emotions = [each for each in named if each.tag != NEUTRAL]  # that is the recording
        if not 1 <= len(emotions) <= MAX_EMOTIONS:
            raise BadInput(
                f"{len(emotions)} emotions cannot be built.",
                f"Name 1 to {MAX_EMOTIONS} besides the neutral one, such as happy and sad.",
            )
        check_distinct([Words(each.tag, ()) for each in (SmartEmotion(NEUTRAL), *emotions)])
        check_join(order.join)
        plans = [self._workshop.clips.plan(order, filled(each, language)) for each in emotions]
        return Building(
            description=order.description.strip(),
            language=language,
            engine=plans[0].engine.id,
            model=plans[0].model,
            join=order.join,
            temperature=order.temperature,
            seed=plans[0].seed,
            steps=tuple(BuildStep(each) for each in emotions),
        )

    def _begin(self, personality: Personality, owner: str) -> str:
        with self._lock:
            running = self._running.get(personality.id)
            if running is not None and self._is_running(running):
                return running
            task_id = self._tasks.start(
                TASK_KIND,
                f"Build “{personality.name}”",
                lambda task: build(self._workshop, task, personality.id, owner),
                owner,
            )
            self._running[personality.id] = task_id
            return task_id

    def _is_running(self, task_id: str) -> bool:
        try:
            return not self._tasks.status(task_id).state.finished
        except NotFound:  # it ended long ago
            return False
