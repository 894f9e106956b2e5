"""The page: the tabs of the registry, tied together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from engines.base import Capability
from studio.errors import BadInput
from studio.services import orders
from studio.services.performance_values import MODE as PERFORMED
from studio.services.studio import Studio
from tabs import client_api
from tabs.checkpoints import using
from tabs.checkpoints.tab import CheckpointsTab
from tabs.edge import bind, for_the_page, owner_of
from tabs.frame import panel, showing, tab_row
from tabs.history import HistoryTab
from tabs.personalities import new_layout as personalities
from tabs.personalities import reusing
from tabs.personalities.tab import PersonalitiesTab
from tabs.registry import FIRST, TABS
from tabs.speech import choices, events, form
from tabs.speech.layout import SpeechTab
from tabs.transcripts import sending
from tabs.transcripts.layout import TranscribeTab

#: How long Gradio's copies of files stay, seconds: looked at each hour, gone after a day.
_DELETE_CACHE = (3600, 24 * 3600)

_HIDDEN: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def build_demo(studio: Studio) -> gr.Blocks:
    """The whole page over `studio`."""
    with gr.Blocks(
        title="Timbre", fill_width=True, analytics_enabled=False, delete_cache=_DELETE_CACHE
    ) as blocks:
        title = gr.Markdown("# Timbre\nA local, open voice studio.", elem_id="timbre-title")
        tab_row({tab_id: module.LABEL for tab_id, module in TABS.items()}, FIRST)
        handles = {}
        for tab_id, module in TABS.items():
            with panel(tab_id, late=getattr(module, "LATE", False)):
                handles[tab_id] = module.build(studio)
        speech = {id_: handle for id_, handle in handles.items() if isinstance(handle, SpeechTab)}
        for tab in speech.values():
            events.wire(studio, tab)
            _wire_send_to(studio, tab, speech)
        performed = next((tab for tab in handles.values() if isinstance(tab, PersonalitiesTab)), None)
        for handle in handles.values():
            if isinstance(handle, HistoryTab):
                _wire_reuse(studio, handle, speech, performed)
            if isinstance(handle, TranscribeTab):
                sending.wire(studio, handle, speech)
            if isinstance(handle, CheckpointsTab):
                using.wire(studio, handle, speech)
        client_api.build(studio)
    _quieten(blocks, title)
    return blocks


def _quieten(blocks: gr.Blocks, title: gr.Markdown) -> None:
    """Events that show no progress show none of it on the title, instead of none on each of their outputs.

    Gradio 6.17 tells every component that was ever an output of each change in the state of any event,
    and looks each of them up in the whole page: some thousand searches while a fresh page is filled.
    """
    for event in blocks.fns.values():
        if event.show_progress == "hidden":
            event.show_progress_on = [title]


def on_send_reference(
    studio: Studio, request: gr.Request, take_ids: Sequence[str]
) -> tuple[str, str, str]:
    """The last take becomes the reference of the Clone tab, with its text as the transcript."""
    record = studio.history.get(take_ids[-1], owner_of(request))
    path = for_the_page(studio, studio.history.path(record))
    return path, record.text, ""  # no saved voice


def on_reuse(
    studio: Studio,
    names: Mapping[str, Sequence[str]],
    others: int,
    request: gr.Request,
    take_id: str | None,
) -> list[Any]:
    """The id of the take's tab, then its settings and text for that tab's form; the other forms
    stay as they are. After the speech forms come the `others` components of the Personalities tab."""
    if not take_id:
        raise BadInput("No take is chosen.", "Choose one in the list first.")
    owner = owner_of(request)
    record = studio.history.get(take_id, owner)
    if record.mode == PERFORMED:
        untouched = [gr.skip() for fields in names.values() for _ in fields]
        return [personalities.ID, *untouched, *reusing.values(studio, request, record)]
    order = orders.from_settings(record.settings, record.text)
    values = form.from_order(order, studio.engines.registry.get(order.engine).info)
    if order.reference is not None:
        values["ref_audio"] = for_the_page(studio, order.reference.audio)
        values["ref_more"] = [for_the_page(studio, other.audio) for other in order.reference.more]
    values = choices.consistent(studio, order.mode, values, owner)
    updates: list[Any] = [record.mode]
    for mode, fields in names.items():
        updates += choices.fill(fields, values if mode == record.mode else {})
    return [*updates, *[gr.skip()] * others]


def _wire_send_to(studio: Studio, tab: SpeechTab, speech: Mapping[str, SpeechTab]) -> None:
    with tab.send_to, gr.Row():
        clone = speech.get(str(Capability.CLONE))
        if clone is not None:
            button = gr.Button("Send to Clone as reference", size="sm", elem_id=f"{tab.id}-to-ref")
            button.click(
                bind(on_send_reference, studio),
                [tab.takes],
                [clone.fields[name] for name in ("ref_audio", "ref_text", "ref_voice")],
                js=showing(clone.id),
                **_HIDDEN,
            )
        for target in speech.values():
            if target is not tab:
                button = gr.Button(
                    f"Send text to {target.label}", size="sm", elem_id=f"{tab.id}-to-{target.id}"
                )
                button.click(
                    lambda text: text,
                    [tab.fields["text"]],
                    [target.fields["text"]],
                    js=showing(target.id),
                    **_HIDDEN,
                )


def _wire_reuse(
    studio: Studio,
    history: HistoryTab,
    speech: Mapping[str, SpeechTab],
    performed: PersonalitiesTab | None,
) -> None:
    names = {id_: list(tab.fields) for id_, tab in speech.items()}
    fields = [field for tab in speech.values() for field in tab.fields.values()]
    others = reusing.filled(performed) if performed is not None else []
    target = gr.Textbox("", visible=False, label="Tab of the reused settings")
    reused = history.reuse.click(
        bind(on_reuse, studio, names, len(others)),
        [history.chosen],
        [target, *fields, *others],
        **_HIDDEN,
    )
    shown = "(tab) => { window.timbreShow(tab); window.timbreView('speak'); }"
    reused.success(None, [target], None, js=shown, **_HIDDEN)
