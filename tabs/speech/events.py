"""What happens in a speech tab. Handlers are plain functions; `wire` binds them to the form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from html import escape
from typing import Any

import gradio as gr

from engines.base import Capability
from studio.errors import BadInput
from studio.services.studio import Studio
from studio.services.takes import MAX_SEED, SpeechOrder, TakeState, TakeStatus
from tabs.edge import bind, for_the_page, owner_of
from tabs.speech import by_engine, choices, form, view
from tabs.speech.layout import SpeechTab

#: The follower's outputs: status, result, downloads, send-to group, Generate, Stop.
_IDLE_BUTTONS = (gr.Button(interactive=True), gr.Button(interactive=False))
_BUSY_BUTTONS = (gr.Button(interactive=False), gr.Button(interactive=True))


def wire(studio: Studio, panel: SpeechTab) -> None:
    """Bind the handlers of `panel`; called inside the Blocks after all tabs are laid out."""
    names = list(panel.fields)
    inputs = list(panel.fields.values())
    # Without the queue an event is quicker, but Gradio does not show its errors.
    quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
    follow_outputs = [
        panel.status,
        panel.result,
        panel.downloads,
        panel.send_to,
        panel.generate,
        panel.stop,
    ]
    # Watching costs nothing, so everybody may; the engines are leased below.
    watch: dict[str, Any] = {
        "concurrency_limit": None,
        "show_progress": "hidden",
        "api_visibility": "private",
    }

    started = panel.generate.click(
        bind(on_generate, studio, panel.mode, names),
        inputs,
        [panel.takes, panel.player],
        **watch,
    )
    started.success(bind(on_follow, studio), [panel.takes], follow_outputs, **watch)
    panel.stop.click(bind(on_stop, studio), [panel.takes], None, **quick)
    # A reload loses nothing: the window remembers which takes it was showing.
    resumed = panel.first.click(
        bind(on_resume, studio, panel.mode),
        [panel.remembered],
        [panel.takes, panel.player],
        js=f"() => window.timbreTakes('{panel.id}')",
        **quick,
    )
    resumed.success(bind(on_follow, studio), [panel.takes], follow_outputs, **watch)

    counted = [panel.fields[name] for name in ("text", "speed", "engine", "model")]
    gr.on(
        [component.change for component in counted],
        bind(on_text, studio, panel.mode),
        counted,
        panel.counter,
        trigger_mode="always_last",
        **quick,
    )
    by_engine.wire(studio, panel, quick)
    _wire_presets(studio, panel, names, inputs, watch)


def _wire_presets(
    studio: Studio,
    panel: SpeechTab,
    names: list[str],
    inputs: list[Any],
    watch: dict[str, Any],
) -> None:
    panel.preset_save.click(
        bind(on_save_preset, studio, panel.mode, names),
        [panel.preset_name, *inputs],
        [panel.preset, panel.preset_name],
        **watch,
    )
    panel.preset.input(bind(on_use_preset, studio, panel.mode, names), [panel.preset], inputs, **watch)
    panel.preset_delete.click(
        bind(on_delete_preset, studio, panel.mode), [panel.preset], panel.preset, **watch
    )
    panel.first.click(bind(on_list_presets, studio, panel.mode), None, panel.preset, **watch)


def on_generate(
    studio: Studio, mode: Capability, names: Sequence[str], request: gr.Request, *values: Any
) -> tuple[list[str], str]:
    """Start the takes; returns their ids and the live player."""
    given = dict(zip(names, values, strict=True))
    order = form.to_order(mode, given, studio.engines.registry.get(given["engine"]).info)
    count = int(given["takes"])
    owner = owner_of(request)
    order = _named(studio, owner, order)
    first = studio.speech.plan(order, owner).seed
    ids = [
        studio.speech.start(replace(order, seed=(first + number) % (MAX_SEED + 1)), owner)
        for number in range(count)
    ]
    return ids, _player(studio, ids, mode, autoplay=True)


def _named(studio: Studio, owner: str, order: SpeechOrder) -> SpeechOrder:
    """The order with the name of the saved voice that its reference is of."""
    reference = order.reference
    if reference is None or not reference.voice:
        return order
    voices = {voice.id: voice.name for voice in studio.voices.list(owner)}
    voice = reference.voice if reference.voice in voices else ""  # it was deleted
    return replace(order, reference=replace(reference, voice=voice, name=voices.get(voice, "")))


def on_follow(studio: Studio, take_ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Show how the takes come along until the last has ended."""
    done: list[TakeStatus] = []
    if not take_ids:
        yield (gr.skip(),) * 6
        return
    for number, take_id in enumerate(take_ids):
        for status in studio.speech.follow(take_id):
            waiting = [studio.speech.status(later) for later in take_ids[number + 1 :]]
            shown = view.status([*done, status, *waiting])
            yield (shown, gr.skip(), gr.skip(), gr.skip(), *_BUSY_BUTTONS)
        done.append(status)
    kept = [status.record for status in done if status.record is not None]
    result = for_the_page(studio, studio.history.path(kept[-1])) if kept else None
    yield (
        view.status(done),
        result,
        view.downloads(done),
        gr.Group(visible=bool(kept)),
        *_IDLE_BUTTONS,
    )
    for status in done:
        if status.state is TakeState.FAILED:
            gr.Warning(escape(f"{status.error} {status.hint}"))


def on_resume(
    studio: Studio, mode: Capability, request: gr.Request, remembered: str
) -> tuple[list[str], str]:
    """After a reload: the takes that this window was showing, as far as they are still here."""
    owner = owner_of(request)
    known = [
        take_id for take_id in (remembered or "").split(",") if studio.speech.is_live(take_id, owner)
    ]
    # A browser plays nothing before the person has touched the page, so it waits for Play.
    return known, _player(studio, known, mode, autoplay=False) if known else ""


def on_stop(studio: Studio, take_ids: Sequence[str]) -> None:
    for take_id in take_ids:
        studio.speech.stop(take_id)


def on_text(
    studio: Studio, mode: Capability, text: str, speed: float, engine: str, model: str | None
) -> str:
    """The counter below the text."""
    limit = studio.settings.max_text_chars
    characters = len(text or "")
    if not (text or "").strip():
        return view.counter(0, limit, None)
    if Capability.SPEED not in studio.engines.registry.get(engine).info.capabilities:
        speed = 1.0
    estimate = studio.history.estimate(mode, engine, characters, speed, model or "")
    return view.counter(characters, limit, estimate)


def on_save_preset(
    studio: Studio,
    mode: Capability,
    names: Sequence[str],
    request: gr.Request,
    name: str,
    *values: Any,
) -> tuple[Any, str]:
    settings = dict(zip(names, values, strict=True))
    settings.pop("text")
    for upload in ("ref_audio", "ref_more"):  # gone after a while; voices are a library's job
        settings.pop(upload, None)
    owner = owner_of(request)
    kept = studio.presets.save(owner, mode, name or "", settings)
    gr.Info(escape(f"Saved as “{kept}”."))
    return gr.Dropdown(choices=studio.presets.names(owner, mode), value=kept), ""


def on_use_preset(
    studio: Studio, mode: Capability, names: Sequence[str], name: str | None, request: gr.Request
) -> list[Any]:
    """The saved values into the form; text and reference stay as they are."""
    owner = owner_of(request)
    saved = studio.presets.load(owner, mode, name) if name else {}
    return choices.fill(names, choices.consistent(studio, mode, saved, owner))


def on_delete_preset(studio: Studio, mode: Capability, name: str | None, request: gr.Request) -> Any:
    owner = owner_of(request)
    if not name:
        raise BadInput("No saved settings are chosen.", "Choose them in the list above first.")
    studio.presets.delete(owner, mode, name)
    gr.Info("Deleted.")
    return gr.Dropdown(choices=studio.presets.names(owner, mode), value=None)


def on_list_presets(studio: Studio, mode: Capability, request: gr.Request) -> Any:
    return gr.Dropdown(choices=studio.presets.names(owner_of(request), mode), value=None)


def _player(studio: Studio, ids: Sequence[str], mode: Capability, autoplay: bool) -> str:
    return view.player(ids, studio.speech.status(ids[0]).sample_rate, str(mode), autoplay)
