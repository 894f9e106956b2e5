"""The components of the Personalities tab, as handlers read and fill them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tabs import consent
from tabs.personalities.new_layout import NewView


@dataclass
class PersonalitiesTab:
    """The components that handlers read and fill; Any, for each kind has its own events."""

    body: Any = field(init=False)  # everything, hidden until the tab is shown
    body_shown: Any = field(init=False)
    # the list
    search: Any = field(init=False)
    entries: Any = field(init=False)
    damaged: Any = field(init=False)
    zip: Any = field(init=False)
    import_consent: consent.ConsentFields = field(init=False)
    import_: Any = field(init=False)
    head: Any = field(init=False)
    # speaking
    player: dict[str, Any] = field(default_factory=dict)  # by the names of `performing.on_speak`
    tags: Any = field(init=False)
    speak: Any = field(init=False)
    stop: Any = field(init=False)
    status: Any = field(init=False)
    parts: Any = field(init=False)
    pack: Any = field(init=False)
    archive: Any = field(init=False)
    # emotions
    emotions: Any = field(init=False)
    compare: Any = field(init=False)
    audit: Any = field(init=False)
    caption: Any = field(init=False)
    joint: Any = field(init=False)
    emotion: dict[str, Any] = field(default_factory=dict)  # by the names of `emotions.on_save`
    buttons: dict[str, Any] = field(default_factory=dict)
    report: Any = field(init=False)
    facts: dict[str, Any] = field(default_factory=dict)  # by the names of `keeping.on_change`
    exported: Any = field(init=False)
    copy_name: Any = field(init=False)
    new: NewView = field(init=False)
    # what the page keeps, and what it tells
    refresh: Any = field(init=False)  # pressed by assets/timbre.js whenever the tab is shown
    picked: Any = field(init=False)  # the personality that was pressed in the list
    picked_emotion: Any = field(init=False)
    acted: Any = field(init=False)  # what was pressed in the table of parts
    remembered: Any = field(init=False)  # the personality and the performance the window was showing
    chosen: Any = field(init=False)  # id of the personality
    tag: Any = field(init=False)  # of the emotion in the form; "": a new one
    performance: Any = field(init=False)  # id of the one below the text
    building: Any = field(init=False)  # id of the task that this page has started
    seen: Any = field(init=False)  # how the tasks stood when the page was last drawn
    asked: dict[str, tuple[Any, Any]] = field(
        default_factory=dict
    )  # question -> column, what is asked about
    timer: Any = field(init=False)

    @property
    def page(self) -> list[Any]:
        """What shows the chosen personality, in the order of `showing.page`."""
        return [self.chosen, self.entries, self.damaged, self.head, self.tags, self.emotions]

    @property
    def forms(self) -> list[Any]:
        """What is filled when another one is chosen, in the order of `showing.forms`."""
        return [*self.emotion_form, self.audit, *self.facts.values(), self.copy_name, self.exported]

    @property
    def shown(self) -> list[Any]:
        """Everything, in the order of `showing.on_show`."""
        return [*self.page, *self.forms, *self.work, self.building]

    @property
    def emotion_form(self) -> list[Any]:
        """In the order of `emotions.form`."""
        return [
            self.tag,
            self.caption,
            self.joint,
            *self.emotion.values(),
            self.report,
            self.buttons["save"],
            self.buttons["remove"],
        ]

    @property
    def work(self) -> list[Any]:
        """What shows how the tasks stand, in the order of `working.now`."""
        return [
            self.seen,
            self.timer,
            self.new.status,
            self.new.build,
            self.new.stop,
            self.status,
            self.parts,
            self.speak,
            self.stop,
            self.pack,
            self.performance,
        ]
