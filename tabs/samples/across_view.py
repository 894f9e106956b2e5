"""One sentence over all epochs, as HTML; assets/samples.js brings it to life."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any

from studio.api.runs import version
from studio.services.run_values import Run
from tabs.frame import anew
from tabs.samples.spoken import Epoch
from tabs.samples.tab import ID


def across(run: Run, epochs: Sequence[Epoch], address: str) -> str:
    """A choice of sentences and a slider over the epochs that have spoken it, the oldest left."""
    if not epochs:
        return ""
    told = json.dumps(_sentences(epochs), ensure_ascii=False, separators=(",", ":"))
    options = "".join(
        f'<option value="{each["number"]}">{escape(_option(each))}</option>'
        for each in _sentences(epochs)
    )
    return anew(
        f'<div class="timbre-across" data-run="{escape(run.id)}" data-address="{escape(address)}"'
        f' data-sentences="{escape(told)}">'
        f'<label class="timbre-field">Sentence <select id="{ID}-sentence">{options}</select></label>'
        f'<label class="timbre-field">Epoch <input type="range" id="{ID}-epoch" min="0" max="0" step="1">'
        f'<output for="{ID}-epoch"></output></label>'
        '<p class="timbre-sentence-text"></p>'
        '<div class="timbre-across-stage"><img class="timbre-spectrogram" loading="lazy" alt="">'
        '<i class="timbre-wave-cursor" hidden></i></div>'
        f'<div class="timbre-wave-foot"><button type="button" id="{ID}-play" class="timbre-wave-play">Play</button>'
        '<span class="timbre-line timbre-across-time"></span></div>'
        '<p class="timbre-line timbre-keys"><span><kbd>← →</kbd> on the slider change the epoch; what'
        " plays goes on at the same place</span><span><kbd>Space</kbd> plays</span></p></div>"
    )


def _sentences(epochs: Sequence[Epoch]) -> list[dict[str, Any]]:
    """By number: the text, and the epochs that have spoken it, the oldest first, each as its number, the
    version of the sound, and what it is called."""
    found: dict[int, dict[str, Any]] = {}
    for epoch in reversed(epochs):
        label = f"{epoch.label}, the best" if epoch.best else epoch.label
        for sample in epoch.sentences:
            number = sample.sentence or 0
            row = found.setdefault(number, {"number": number, "text": sample.text, "epochs": []})
            row["epochs"].append([epoch.number, version(sample), label])
    return [found[number] for number in sorted(found)]


def _option(sentence: dict[str, Any]) -> str:
    return f"{sentence['number']}: {sentence['text'] or 'its text is not known'}"
