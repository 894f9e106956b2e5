"""The page: the tabs of the registry, tied together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from engines.base import Capability
from studio.errors import BadInput
from studio.services import orders
from studio.services.studio import Studio
from tabs.edge import bind, for_the_page, owner_of
from tabs.history import HistoryTab
from tabs.registry import FIRST, TABS
from tabs.speech import events, form
from tabs.speech.layout import SpeechTab

#: How long Gradio's copies of files stay, seconds: looked at each hour, gone after a day.
_DELETE_CACHE = (3600, 24 * 3600)

_HIDDEN: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def build_demo(studio: Studio) -> gr.Blocks:
    """The whole page over `studio`."""
    with gr.Blocks(
        title="Timbre", fill_width=True, analytics_enabled=False, delete_cache=_DELETE_CACHE
    ) as blocks:
        gr.Markdown("# Timbre\nA local, open voice studio.", elem_id="timbre-title")
        with gr.Tabs(selected=FIRST, elem_id="timbre-tabs") as tabs:
            handles = {tab_id: build(studio, blocks) for tab_id, build in TABS.items()}
        speech = {id_: handle for id_, handle in handles.items() if isinstance(handle, SpeechTab)}
        for panel in speech.values():
            events.wire(studio, panel, blocks)
            _wire_send_to(studio, panel, speech, tabs)
        for handle in handles.values():
            if isinstance(handle, HistoryTab):
                _wire_reuse(studio, handle, speech, tabs)
        _wire_deep_links(blocks, tabs)
    return blocks


def on_open(wanted: str) -> Any:
    """The tab that the address names: ?tab=history."""
    return gr.Tabs(selected=wanted if wanted in TABS else FIRST)


def on_send_text(target: str, text: str) -> tuple[Any, str]:
    return gr.Tabs(selected=target), text


def on_send_reference(
    studio: Studio, request: gr.Request, take_ids: Sequence[str]
) -> tuple[Any, str, str]:
    """The last take becomes the reference of the Clone tab, with its text as the transcript."""
    record = studio.history.get(take_ids[-1], owner_of(request))
    path = for_the_page(studio, studio.history.path(record))
    return gr.Tabs(selected=str(Capability.CLONE)), path, record.text


def on_reuse(studio: Studio, request: gr.Request, take_id: str | None) -> dict[str, Any]:
    """A take's settings and text as values for the form of its tab, which "mode" names."""
    if not take_id:
        raise BadInput("No take is chosen.", "Choose one in the list first.")
    record = studio.history.get(take_id, owner_of(request))
    order = orders.from_settings(record.settings, record.text)
    values = form.from_order(order)
    if order.reference is not None:
        values["ref_audio"] = for_the_page(studio, order.reference.audio)
    return {"mode": record.mode, "values": values}


def on_fill(mode: str, names: Sequence[str], reused: dict[str, Any]) -> list[Any]:
    """The values into the form of `mode`; the other forms stay as they are."""
    return events.fill(names, reused["values"] if reused.get("mode") == mode else {})


def on_show(reused: dict[str, Any]) -> Any:
    return gr.Tabs(selected=reused.get("mode", FIRST))


def _wire_send_to(
    studio: Studio, panel: SpeechTab, speech: Mapping[str, SpeechTab], tabs: gr.Tabs
) -> None:
    with panel.send_to, gr.Row():
        clone = speech.get(str(Capability.CLONE))
        if clone is not None:
            button = gr.Button("Send to Clone as reference", size="sm", elem_id=f"{panel.id}-to-ref")
            button.click(
                bind(on_send_reference, studio),
                [panel.takes],
                [tabs, clone.fields["ref_audio"], clone.fields["ref_text"]],
                **_HIDDEN,
            )
        for target in speech.values():
            if target is not panel:
                button = gr.Button(
                    f"Send text to {target.tab.label}", size="sm", elem_id=f"{panel.id}-to-{target.id}"
                )
                button.click(
                    bind(on_send_text, target.id),
                    [panel.fields["text"]],
                    [tabs, target.fields["text"]],
                    **_HIDDEN,
                )


def _wire_reuse(
    studio: Studio, history: HistoryTab, speech: Mapping[str, SpeechTab], tabs: gr.Tabs
) -> None:
    # One step a form: Gradio 6.17 freezes the browser when one event writes to all tabs at once.
    reused = gr.State({})
    step = history.reuse.click(bind(on_reuse, studio), [history.chosen], [reused], **_HIDDEN)
    for id_, panel in speech.items():
        names, fields = list(panel.fields), list(panel.fields.values())
        step = step.success(bind(on_fill, id_, names), [reused], fields, **_HIDDEN)
    step.success(bind(on_show), [reused], tabs, **_HIDDEN)


def _wire_deep_links(blocks: gr.Blocks, tabs: gr.Tabs) -> None:
    wanted = gr.Textbox("", visible=False, label="Tab of the address")
    blocks.load(bind(on_open), wanted, tabs, js="() => window.timbreTabWanted()", queue=False, **_HIDDEN)
    for tab in tabs.children:
        if not isinstance(tab, gr.Tab):
            continue
        script = f"() => window.timbreTabShown({json.dumps(tab.id)})"
        tab.select(None, None, None, js=script, **_HIDDEN)
