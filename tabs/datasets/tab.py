"""The components of the Data sets tab, as handlers read and fill them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tabs.datasets.settings_form import SettingsForm

ID = "datasets"


@dataclass
class DatasetsTab:
    """The components that handlers read and fill; Any, for each kind has its own events."""

    # the list
    entries: Any = field(init=False)
    damaged: Any = field(init=False)
    new: dict[str, Any] = field(default_factory=dict)  # by the names of `making.on_create`
    new_settings: SettingsForm = field(init=False)
    create: Any = field(init=False)
    # the chosen set
    head: Any = field(init=False)
    build: Any = field(init=False)
    stop: Any = field(init=False)
    status: Any = field(init=False)
    # its overview
    limits: dict[str, Any] = field(default_factory=dict)  # by the names of `limits_form`
    outlook: Any = field(init=False)
    charts: Any = field(init=False)
    apply: Any = field(init=False)
    reset: Any = field(init=False)
    # its segments
    filters: dict[str, Any] = field(default_factory=dict)  # by the names of `reviewing.query_of`
    clips: Any = field(init=False)
    pages: Any = field(init=False)
    previous: Any = field(init=False)
    next: Any = field(init=False)
    scope: Any = field(init=False)
    bulk: dict[str, Any] = field(default_factory=dict)  # by the names of `reviewing.DECISIONS`
    question: Any = field(init=False)  # what is asked before many are decided of
    # its coverage
    cover: Any = field(init=False)
    coverage: Any = field(init=False)
    # its recordings and settings
    inputs: Any = field(init=False)
    more_files: Any = field(init=False)
    more_paths: Any = field(init=False)
    add: Any = field(init=False)
    name: Any = field(init=False)
    note: Any = field(init=False)
    settings: SettingsForm = field(init=False)
    buttons: dict[str, Any] = field(default_factory=dict)
    delete_question: Any = field(init=False)
    copy_name: Any = field(init=False)
    format: Any = field(init=False)
    exported: Any = field(init=False)
    # what the page keeps, and what it tells
    body: Any = field(init=False)
    refresh: Any = field(init=False)  # pressed by assets/timbre.js whenever the tab is shown
    picked: Any = field(init=False)  # the set that was pressed in the list
    wanted: Any = field(init=False)  # the reason that was pressed in the chart
    pressed: Any = field(init=False)  # what was pressed in the list of recordings
    acts: Any = field(init=False)  # what was done to segments: JSON, see assets/datasets.js
    receipt: Any = field(init=False)  # what became of it
    selected: Any = field(init=False)  # ids of the segments that are ticked, as JSON
    remembered: Any = field(init=False)  # the set that the window was showing
    chosen: Any = field(init=False)  # id of the set
    offset: Any = field(init=False)  # of the page of segments
    seen: Any = field(init=False)  # how the work stood when the page was last drawn
    ended: Any = field(init=False)  # counts the work that has ended since the page was loaded
    asked: dict[str, tuple[Any, Any]] = field(default_factory=dict)  # question -> column, about what
    timer: Any = field(init=False)

    @property
    def page(self) -> list[Any]:
        """What follows every change to the chosen set, in the order of `showing.page`."""
        return [self.chosen, self.entries, self.damaged, self.head, self.inputs, *self.work]

    @property
    def work(self) -> list[Any]:
        """What shows how the build and the export stand, in the order of `working.now`."""
        return [
            self.seen,
            self.timer,
            self.status,
            self.build,
            self.stop,
            self.exported,
            self.buttons["export"],
            self.buttons["stop-export"],
        ]

    @property
    def prospect(self) -> list[Any]:
        """What shows what the limits would keep, in the order of `overview.prospect`."""
        return [self.outlook, self.charts, self.apply, self.reset]

    @property
    def table(self) -> list[Any]:
        """What shows a page of the segments, in the order of `reviewing.table`."""
        return [self.clips, self.pages, self.previous, self.next, self.offset]

    @property
    def forms(self) -> list[Any]:
        """What is filled when another set is chosen, in the order of `choosing.forms`."""
        return [
            *self.limits.values(),
            *self.filters.values(),
            self.coverage,
            self.name,
            self.note,
            *self.settings.all,
            self.copy_name,
        ]

    @property
    def shown(self) -> list[Any]:
        """What is filtered and tried, in the order of `choosing.again`."""
        return [*self.filters.values(), self.offset, *self.limits.values()]

    @property
    def everything(self) -> list[Any]:
        """In the order of `choosing.everything`."""
        return [*self.page, *self.prospect, *self.table, *self.forms]
