"""The saved voices: finding, choosing, marking, copying, giving away, taking in, deleting."""

from __future__ import annotations

import secrets
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from studio.errors import BadInput
from studio.names import MAX_NAME, readable
from studio.services.studio import Studio
from studio.services.voice_values import Voice, VoiceChange
from tabs import consent
from tabs.edge import bind, for_the_page, owner_of
from tabs.frame import reveal
from tabs.voices import recording, view
from tabs.voices.tab import ID, VoicesTab

PAGE_SIZE = 12

#: What can fail goes through the queue, which shows its errors; all may watch at once.
TOLD: dict[str, Any] = {
    "concurrency_limit": None,
    "show_progress": "hidden",
    "api_visibility": "private",
}


def wire(studio: Studio, tab: VoicesTab) -> None:
    """Bind the handlers of the list and of what is done with a voice as a whole."""
    asked, page = tab.filters, tab.page
    tab.refresh.click(on_show, [tab.body_shown], [tab.body, tab.body_shown], **TOLD)
    # One event for all that starts the list anew: the last one wins, however fast people type.
    gr.on(
        [
            tab.refresh.click,
            tab.search.change,
            tab.tag.input,
            tab.favourites.change,
            tab.chosen.change,
        ],
        bind(on_list, studio, 0),
        asked,
        page,
        trigger_mode="always_last",
        **TOLD,
    )
    tab.next.click(bind(on_list, studio, 1), asked, page, **TOLD)
    tab.previous.click(bind(on_list, studio, -1), asked, page, **TOLD)

    came = tab.picked.change(bind(on_choose, studio), [tab.picked, tab.sentence], tab.form, **TOLD)
    came.success(None, None, None, js=f"() => window.timbreReveal('{ID}-form')", **TOLD)
    tab.new.click(bind(on_new), [tab.sentence], tab.form, **TOLD)

    actions = tab.actions
    marked = actions["favourite"].click(
        bind(on_favourite, studio), [tab.chosen], actions["favourite"], **TOLD
    )
    marked.success(bind(on_list, studio, 0), asked, page, **TOLD)
    actions["duplicate"].click(bind(on_duplicate, studio), [tab.chosen, tab.sentence], tab.form, **TOLD)
    exported = actions["export"].click(bind(on_export, studio), [tab.chosen], tab.export_link, **TOLD)
    exported.success(
        None, None, None, js=f"() => document.querySelector('#{ID}-export-link a')?.click()", **TOLD
    )
    _wire_deleting(studio, tab)
    tab.take_in.click(
        bind(on_import, studio),
        [tab.sentence, tab.archive, *tab.import_consent.all],
        [tab.archive, *tab.import_consent.all, *tab.form],
        **TOLD,
    )


def _wire_deleting(studio: Studio, tab: VoicesTab) -> None:
    asking = [tab.sure, tab.question, tab.keep_file, tab.asked]
    tab.actions["delete"].click(bind(on_ask, studio), [tab.asked, tab.chosen], asking, **TOLD)
    tab.delete_no.click(on_answered, [tab.asked], asking, **TOLD)
    tab.chosen.change(on_other, [tab.asked, tab.chosen], asking, **TOLD)
    tab.delete_yes.click(
        bind(on_delete, studio), [tab.asked, tab.keep_file, tab.sentence], tab.form, **TOLD
    )


def on_show(shown: bool) -> tuple[Any, bool]:
    """The tab is wanted, and put into the page."""
    return reveal(shown, True)


def on_list(
    studio: Studio,
    step: int,
    request: gr.Request,
    search: str,
    tag: str | None,
    favourites: bool,
    chosen: str,
    offset: int,
) -> tuple[Any, ...]:
    """A page of the voices, `step` pages on or back."""
    owner = owner_of(request)
    everything = studio.voices.list(owner)
    tags = sorted({each for voice in everything for each in voice.tags}, key=str.casefold)
    tag = tag if tag in tags else ""
    filtered = bool((search or "").strip() or tag or favourites)
    found = studio.voices.list(owner, search or "", bool(favourites), tag) if filtered else everything
    offset = max(0, offset + step * PAGE_SIZE)
    if offset >= len(found):
        offset = 0
    page = found[offset : offset + PAGE_SIZE]
    return (
        view.voices(page, chosen, offset, len(found), filtered),
        gr.Dropdown(choices=[view.ANY_TAG, *((each, each) for each in tags)], value=tag),
        view.damaged([damage.message for damage in studio.voices.damaged()]),
        gr.Button(interactive=offset > 0),
        gr.Button(interactive=offset + PAGE_SIZE < len(found)),
        offset,
    )


def on_choose(studio: Studio, request: gr.Request, picked: str, sentence: str) -> list[Any]:
    """A voice of the list into the form."""
    voice_id = (picked or "").partition(" ")[0]  # the number of presses follows
    return form(studio, studio.voices.get(voice_id, owner_of(request)), sentence)


def on_new(sentence: str) -> list[Any]:
    """The empty form."""
    return empty_form(sentence)


def form(studio: Studio, voice: Voice, sentence: str) -> list[Any]:
    """What shows `voice`, in the order of `VoicesTab.form`. `sentence`: what stands in the audition's
    box, which follows the voice's language until somebody writes one."""
    spoken = gr.skip() if view.is_own_sentence(sentence or "") else view.sentence(voice.language)
    return [
        voice.id,
        view.caption(voice),
        "",
        voice.origin,
        _favourite_button(voice),
        *(gr.Button(interactive=True) for _ in ("duplicate", "export", "delete")),
        gr.Button("Save the changes (Ctrl+Enter)"),
        gr.Button(interactive=True),
        spoken,
        voice.transcript,
        voice.name,
        voice.language,
        ", ".join(voice.tags),
        voice.note,
        *consent.values(voice.consent),
        *recording.sound(studio, Path(for_the_page(studio, voice.audio))),
    ]


def empty_form(sentence: str) -> list[Any]:
    """What begins a new voice, in the order of `VoicesTab.form`."""
    return [
        "",
        view.caption(None),
        "",
        "upload",
        gr.Button("☆ Favourite", interactive=False),
        *(gr.Button(interactive=False) for _ in ("duplicate", "export", "delete")),
        gr.Button("Save the voice (Ctrl+Enter)"),
        gr.Button(interactive=False),
        gr.skip(),
        *[""] * 5,
        *consent.values(None),
        *recording.silence(),
    ]


def on_favourite(studio: Studio, request: gr.Request, chosen: str) -> Any:
    owner = owner_of(request)
    voice = studio.voices.get(chosen, owner)
    changed = studio.voices.change(chosen, owner, VoiceChange(favourite=not voice.favourite))
    return _favourite_button(changed)


def on_duplicate(studio: Studio, request: gr.Request, chosen: str, sentence: str) -> list[Any]:
    """A copy under a free name, which is then in the form."""
    owner = owner_of(request)
    voice = studio.voices.get(chosen, owner)
    taken = {each.name.casefold() for each in studio.voices.list(owner)}
    copy = studio.voices.duplicate(chosen, owner, free_name(voice.name, taken))
    gr.Info(escape(f"Copied to “{copy.name}”."))
    return form(studio, copy, sentence)


def free_name(name: str, taken: set[str]) -> str:
    """`name` as that of a copy, unlike those in `taken`, which ignore case."""
    number = 1
    while True:
        mark = " (copy)" if number == 1 else f" (copy {number})"
        copy = name[: MAX_NAME - len(mark)] + mark
        if copy.casefold() not in taken:
            return copy
        number += 1


def on_export(studio: Studio, request: gr.Request, chosen: str) -> str:
    """The voice as a zip, as a link."""
    owner = owner_of(request)
    voice = studio.voices.get(chosen, owner)
    folder = studio.workspace.gradio_temp / "exports" / secrets.token_hex(8)
    folder.mkdir(parents=True)
    name = f"{readable(voice.name)}.zip"
    return view.export_link(studio.voices.export(chosen, owner, folder / name), name)


def on_import(
    studio: Studio,
    request: gr.Request,
    sentence: str,
    archive: str | None,
    person: str,
    basis: str,
    day: str,
) -> list[Any]:
    """Take a zip in; the voice is then in the form, and the fields of the import are free again."""
    if not archive:
        raise BadInput("There is no file.", "Choose a voice's .zip file first.")
    given = consent.consent_of(person, basis, day)
    voice = studio.voices.import_zip(Path(archive), owner_of(request), given)
    gr.Info(escape(f"Imported “{voice.name}”."))
    return [None, *consent.values(None), *form(studio, voice, sentence)]


def on_ask(studio: Studio, request: gr.Request, asked: str, chosen: str) -> list[Any]:
    """Ask whether to delete the chosen voice; `asked` is the one that is asked about already."""
    owner = owner_of(request)
    voice = studio.voices.get(chosen, owner)
    text = view.question(voice, studio.voices.uses(chosen, owner))
    return [reveal(bool(asked), True)[0], text, False, chosen]


def on_answered(asked: str) -> list[Any]:
    """The question goes away."""
    return [reveal(bool(asked), False)[0], gr.skip(), gr.skip(), ""]


def on_other(asked: str, chosen: str) -> list[Any]:
    """Another voice is chosen, and the question about the one before goes away. Whoever is quick asks
    about the new one before this is heard; then it stays. Where nothing changes nothing is written, for by
    then it may have been answered, or asked."""
    return on_answered(asked) if asked and asked != chosen else [gr.skip()] * 4


def on_delete(
    studio: Studio, request: gr.Request, asked: str, keep_file: bool, sentence: str
) -> list[Any]:
    """Delete the voice that is asked about; the form is empty again, which ends the question."""
    owner = owner_of(request)
    voice = studio.voices.get(asked, owner)
    # Named by its content too: a later voice of this name does not write over it.
    name = f"{voice.id}-{voice.audio.stem[:8]}.wav"
    kept = studio.workspace.outputs / "voices" / name if keep_file else None
    served = for_the_page(studio, voice.audio) if keep_file else ""
    studio.voices.delete(asked, owner, kept)
    gr.Info(escape(f"Deleted “{voice.name}”."))
    cleared = empty_form(sentence)
    if kept is not None:
        cleared[2] = view.kept_file(kept, served)
    return cleared


def _favourite_button(voice: Voice) -> Any:
    return gr.Button("★ Favourite" if voice.favourite else "☆ Favourite", interactive=True)
