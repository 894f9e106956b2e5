"""Timbre's look: aqua green, light and dark by the system, system fonts only."""

from __future__ import annotations

import gradio as gr

#: Aqua green; 600 on white and 300 on the dark ground both reach a contrast of 4.5.
_AQUA = gr.themes.Color(
    name="aqua",
    c50="#ecfdf8",
    c100="#d0f7ec",
    c200="#a4eedb",
    c300="#6bdfc6",
    c400="#35c7ac",
    c500="#13a78f",
    c600="#0b7f6e",
    c700="#0c6659",
    c800="#0e5148",
    c900="#0f433c",
    c950="#032621",
)


def theme() -> gr.themes.Base:
    return gr.themes.Base(
        primary_hue=_AQUA,
        secondary_hue=_AQUA,
        neutral_hue="slate",
        radius_size="md",
        # Plain names are taken as they are; a GoogleFont would be fetched from another host.
        font=["ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="white",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_300",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
        block_label_text_color="*primary_700",
        block_label_text_color_dark="*primary_300",
        block_title_text_color="*primary_800",
        block_title_text_color_dark="*primary_200",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
    )
