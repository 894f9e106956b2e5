"""What the Avatar tab looks like: the face, what it says, how the video is made, and the videos."""

from __future__ import annotations

from typing import Any

import gradio as gr

from studio.services.studio import Studio
from tabs.avatar import portrait, portrait_view, said_layout, settings_layout, view
from tabs.avatar.place import Place
from tabs.avatar.tab import ID, TEXT, AvatarTab
from tabs.speech import missing


def lay_out(studio: Studio) -> AvatarTab:
    """Lay the tab out in the current panel."""
    tab = AvatarTab()
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=300):
            _face(studio, tab)
            said_layout.lay_out(studio, tab)
            settings_layout.lay_out(studio, tab)
        with gr.Column(scale=5, min_width=300, elem_id=f"{ID}-making"):
            _making(tab)
    _videos(tab)
    _states(studio, tab)
    return tab


def _face(studio: Studio, tab: AvatarTab) -> None:
    first = portrait.built_in(studio)
    gr.HTML("<h3>The face</h3>", elem_id=f"{ID}-step-face", padding=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=240):
            tab.face = gr.HTML(portrait_view.face(first), elem_id=f"{ID}-face", padding=False)
        with gr.Column(scale=2, min_width=200):
            tab.gallery = gr.HTML(
                portrait_view.gallery(first, studio.faces.built_in()),
                elem_id=f"{ID}-gallery",
                padding=False,
            )
            # Not gr.Image, which opens a picture by itself, and fails without words where it cannot.
            tab.file = gr.File(
                label="Your own picture or video",
                type="filepath",
                height=150,
                elem_id=f"{ID}-file",
            )
            with gr.Accordion("Take a picture", open=False, elem_id=f"{ID}-camera"):
                tab.webcam = gr.Image(
                    label="Camera",
                    sources=["webcam"],
                    type="filepath",
                    image_mode=None,  # as it was taken
                    height=220,
                    elem_id=f"{ID}-webcam",
                )


def _making(tab: AvatarTab) -> None:
    tab.missing = missing.lay_out(ID)
    with gr.Row():
        tab.make = gr.Button(
            "Make (Ctrl+Enter)",
            variant="primary",
            scale=2,
            min_width=150,
            elem_id=f"{ID}-generate",
            elem_classes="timbre-generate",
        )
        tab.stop = gr.Button(
            "Stop", variant="stop", scale=1, min_width=80, interactive=False, elem_id=f"{ID}-stop"
        )
    tab.status = gr.HTML(view.NOTHING, elem_id=f"{ID}-status", padding=False)
    tab.video = gr.HTML("", elem_id=f"{ID}-video", padding=False)
    # assets/avatar.css hides it while there is no video.
    with gr.Row(elem_id=f"{ID}-own", equal_height=False, elem_classes="timbre-enter-scope"):
        tab.note = gr.Textbox(
            label="Note", lines=1, max_lines=4, min_width=160, scale=3, elem_id=f"{ID}-note"
        )
        tab.save_note = gr.Button(
            "Save the note", size="sm", min_width=90, scale=1, elem_id=f"{ID}-save-note",
            elem_classes="timbre-enter",
        )  # fmt: skip


def _videos(tab: AvatarTab) -> None:
    gr.HTML("<h3>Your videos</h3>", elem_id=f"{ID}-step-videos", padding=False)
    with gr.Row(equal_height=False, elem_id=f"{ID}-filters"):
        tab.search = gr.Textbox(
            label="Search", placeholder="text, faces and notes", max_lines=1, scale=3, min_width=230,
            elem_id=f"{ID}-search",
        )  # fmt: skip
        tab.favourites = gr.Checkbox(
            False, label="Favourites only", scale=1, min_width=130, elem_id=f"{ID}-favourites"
        )
    tab.entries = gr.HTML("", elem_id=f"{ID}-entries", padding=False)


def _states(studio: Studio, tab: AvatarTab) -> None:
    unseen: dict[str, Any] = {"elem_classes": "timbre-unseen"}
    tab.refresh = gr.Button("Refresh", elem_id=f"{ID}-refresh", size="sm", **unseen)
    tab.picked = gr.Textbox("", label="Picked", elem_id=f"{ID}-picked", **unseen)
    tab.pressed = gr.Textbox("", label="Pressed", elem_id=f"{ID}-pressed", **unseen)
    tab.reuse = gr.Textbox("", label="Settings of", elem_id=f"{ID}-reuse", **unseen)
    tab.view = gr.Textbox(TEXT, visible=False, label="What is said")
    tab.remembered = gr.Textbox("", visible=False, label="Remembered video")
    tab.portrait, tab.place = gr.State(portrait.built_in(studio)), gr.State(Place())
    tab.timer = gr.Timer(0.5, active=False)
