"""The components of the Voices tab that handlers read and fill."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from tabs import consent
from tabs.waveform import Boxes

ID = "voices"
BOXES = Boxes(f"{ID}-start", f"{ID}-end")


@dataclass
class VoicesTab:
    """The components that handlers read and fill; Any, for each kind has its own events."""

    refresh: gr.Button = field(init=False)  # pressed by assets/timbre.js whenever the tab is shown
    body: gr.Column = field(init=False)  # all the rest
    body_shown: gr.State = field(init=False)
    # The library
    search: gr.Textbox = field(init=False)
    tag: gr.Dropdown = field(init=False)
    favourites: gr.Checkbox = field(init=False)
    damaged: gr.HTML = field(init=False)
    shelf: gr.HTML = field(init=False)
    previous: gr.Button = field(init=False)
    next: gr.Button = field(init=False)
    archive: gr.File = field(init=False)
    import_consent: consent.ConsentFields = field(init=False)
    take_in: gr.Button = field(init=False)
    # The voice in the form
    caption: gr.HTML = field(init=False)
    actions: dict[str, gr.Button] = field(default_factory=dict)  # for a saved voice
    new: gr.Button = field(init=False)
    export_link: gr.HTML = field(init=False)
    sure: gr.Column = field(init=False)
    question: gr.HTML = field(init=False)
    keep_file: gr.Checkbox = field(init=False)
    delete_yes: gr.Button = field(init=False)
    delete_no: gr.Button = field(init=False)
    # Its recording
    audio: gr.Audio = field(init=False)
    wave: gr.HTML = field(init=False)
    start: gr.Textbox = field(init=False)
    end: gr.Textbox = field(init=False)
    cut: gr.Button = field(init=False)
    cleaning: gr.CheckboxGroup = field(init=False)
    check: gr.Button = field(init=False)
    clean: gr.Button = field(init=False)
    use_cleaned: gr.Button = field(init=False)
    stop: gr.Button = field(init=False)
    progress: gr.HTML = field(init=False)
    report: gr.HTML = field(init=False)
    transcribe: gr.Button = field(init=False)
    transcript: gr.Textbox = field(init=False)
    # What is said of it
    name: gr.Textbox = field(init=False)
    language: gr.Textbox = field(init=False)
    tags: gr.Textbox = field(init=False)
    note: gr.Textbox = field(init=False)
    consent: consent.ConsentFields = field(init=False)
    save: gr.Button = field(init=False)
    # How it sounds
    engine: gr.Dropdown = field(init=False)
    sentence: gr.Textbox = field(init=False)
    audition: gr.Button = field(init=False)
    audition_status: gr.HTML = field(init=False)
    audition_sound: gr.Audio = field(init=False)
    # What is remembered
    picked: gr.Textbox = field(init=False)  # the voice that was clicked
    chosen: gr.State = field(init=False)  # id of the voice in the form; "": a new one
    asked: gr.State = field(init=False)  # id of the voice that is asked about
    offset: gr.State = field(init=False)
    origin: gr.State = field(init=False)  # how the recording came
    work: gr.State = field(init=False)  # recording.Work that was begun last
    done: gr.State = field(init=False)  # recording.Done, of that work
    cleaned: gr.State = field(init=False)  # recording.Cleaned, not used yet
    heard: gr.State = field(init=False)  # recording.Heard, of the recording as it is

    @property
    def filters(self) -> list[Any]:
        """What the list depends on, in the order of `library.on_list`."""
        return [self.search, self.tag, self.favourites, self.chosen, self.offset]

    @property
    def page(self) -> list[Any]:
        """What shows a page of the list, in the same order as its outputs."""
        return [self.shelf, self.tag, self.damaged, self.previous, self.next, self.offset]

    @property
    def region(self) -> list[Any]:
        """The recording and the part of it."""
        return [self.audio, self.start, self.end]

    @property
    def working(self) -> list[Any]:
        """What changes while a recording is worked on, in the order of `recording.on_follow`."""
        return [self.progress, self.done, self.check, self.clean, self.transcribe, self.stop]

    @property
    def results(self) -> list[Any]:
        """What came of it, in the order of `recording.on_results`."""
        return [
            self.report,
            self.use_cleaned,
            self.cleaned,
            self.heard,
            self.transcript,
            self.language,
        ]

    @property
    def sound(self) -> list[Any]:
        """What another recording fills, in the order of `recording.sound`."""
        return [
            self.audio,
            self.wave,
            self.start,
            self.end,
            self.progress,
            self.report,
            self.use_cleaned,
            self.cleaned,
            self.heard,
        ]

    @property
    def fields(self) -> list[Any]:
        """What is said of a voice, in the order of `keeping.on_save`."""
        return [
            self.transcript,
            self.name,
            self.language,
            self.tags,
            self.note,
            *self.consent.all,
        ]

    @property
    def form(self) -> list[Any]:
        """Everything that choosing a voice fills, in the order of `library.form`."""
        return [
            self.chosen,
            self.caption,
            self.export_link,
            self.origin,
            *self.actions.values(),
            self.save,
            self.audition,
            self.sentence,
            *self.fields,
            *self.sound,
        ]
