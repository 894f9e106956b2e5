"""Runs that have spoken, and their epochs, as HTML. Names and texts are escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from studio.api.runs import picture_place, sample_place
from studio.audio.reading import probe
from studio.errors import StudioError
from studio.runs.values import StepRow
from studio.services.run_values import Run, RunSummary, Sample
from tabs.frame import anew, view_row
from tabs.run_view import PRACTICE, STATES, count, entries, kind
from tabs.samples.place import Section
from tabs.samples.spoken import Epoch
from tabs.samples.tab import ID
from tabs.speech.view import line
from tabs.waveform import drawn, peaks_of

EMPTY = line(
    "No samples yet. Start a training in the Train tab; samples are spoken at each epoch's end."
)

_VIEWS = {"by-epoch": "By epoch", "by-sentence": "One sentence", "blind": "Blind test"}
_LEGEND = line(
    "Below each waveform its spectrogram: 0 to 12 kHz upwards on the mel scale; the lighter, the louder."
)
#: Columns of a waveform.
_BINS = 200


def views() -> str:
    """The row that chooses how the samples are heard (assets/personalities.js)."""
    return view_row(ID, _VIEWS)


def listed(found: Sequence[RunSummary], chosen: str) -> str:
    """The runs that have samples as a list to choose from."""
    return entries((each for each in found if each.epochs_spoken), chosen, ID, _in_short) or EMPTY


def head(run: Run | None, problem: str = "") -> str:
    """Which run is chosen, and what could not be read of it."""
    if run is None:
        return ""
    facts = [kind(run), f"on {run.base_label}"]
    bad = f'<p class="timbre-bad" role="alert">{escape(problem)}</p>' if problem else ""
    return (
        f'<div class="timbre-remember" data-key="{ID}-run" data-value="{escape(run.id)}">'
        f"<h3>{escape(run.name)}</h3>"
        f'<p class="timbre-line">{escape(" · ".join(facts))} {PRACTICE if run.practice else ""}</p>'
        f"{bad}</div>"
    )


def pages(shown: Section) -> str:
    """Which of how many epochs are listed."""
    if not shown.epochs:
        return ""
    first, last = shown.start + 1, shown.start + len(shown.epochs)
    which = f"{first} to {last}" if last > first else f"{first}"
    return line(f"{which} of {count(shown.total, 'epoch')}, the newest first")


def epochs(run: Run, shown: Section, address: str) -> str:
    """The epochs of a section, each with a player a sentence."""
    if not shown.epochs:
        return ""
    spoken = sorted(
        {each.sentence or 0: each.text for all_ in shown.epochs for each in all_.sentences}.items()
    )
    blocks = "".join(_epoch(run, each, spoken, address) for each in shown.epochs)
    return anew(f'{_LEGEND}<div class="timbre-epochs">{blocks}</div>')


def _epoch(run: Run, epoch: Epoch, spoken: Sequence[tuple[int, str]], address: str) -> str:
    mine = {each.sentence: each for each in epoch.sentences}
    sentences = "".join(
        _sentence(epoch, number, text, mine.get(number), address) for number, text in spoken
    )
    best = ' <span class="timbre-tag">best</span>' if epoch.best else ""
    warned = epoch.row.warnings if epoch.row else ()
    notes = "".join(f'<p class="timbre-note">{escape(words)}</p>' for words in warned)
    return (
        f'<section class="timbre-epoch" aria-label="{epoch.label}"><h4>{epoch.label}{best}</h4>'
        f'<p class="timbre-line">{escape(" · ".join(_measures(epoch.row)))}'
        f"{_whole(run, epoch, address)}</p>{notes}"
        f'<div class="timbre-sentences">{sentences}</div></section>'
    )


def _whole(run: Run, epoch: Epoch, address: str) -> str:
    if epoch.whole is None:
        return ""
    return (
        f' <a href="{escape(address + sample_place(epoch.whole))}"'
        f' download="{escape(run.id)}-epoch-{epoch.number}.wav">Download all as one file</a>'
    )


def _measures(row: StepRow | None) -> list[str]:
    """What was measured at the epoch's end, where it was."""
    if row is None:
        return []
    heard = row.heard
    understood = heard.agreement if heard else None
    facts = [f"eval loss {row.eval_loss:.4g}" if row.eval_loss is not None else ""]
    if heard is not None and understood is not None:
        facts.append(f"{heard.recognizer} understands {understood:.0%}")
    return [fact for fact in facts if fact]


def _sentence(epoch: Epoch, number: int, text: str, sample: Sample | None, address: str) -> str:
    said = f'<p class="timbre-sentence-text">{escape(text or f"Sentence {number}")}</p>'
    if sample is None:
        ended = epoch.row is not None
        missing = "It was not spoken in this epoch." if ended else "It has not been spoken yet."
        return f'<div class="timbre-sentence">{said}{line(missing)}</div>'
    name = f"Sentence {number}, {epoch.label}"
    return f'<div class="timbre-sentence">{said}{_sound(sample, name, address)}</div>'


def _sound(sample: Sample, name: str, address: str) -> str:
    try:
        duration, peaks = probe(sample.path).duration, peaks_of(sample.path, _BINS)
    except (StudioError, OSError) as error:
        words = str(error) if isinstance(error, StudioError) else "Its sound is not there."
        return f'<p class="timbre-bad">{escape(words)}</p>'
    return (
        drawn(peaks, duration, address + sample_place(sample), name)
        + f'<img class="timbre-spectrogram" loading="lazy" src="{escape(address + picture_place(sample))}"'
        f' alt="Spectrogram of {escape(name)}">'
    )


def _in_short(each: RunSummary) -> list[str]:
    trained = [epoch for epoch in each.epochs_spoken if epoch]
    return [
        STATES[each.state],
        count(len(trained), "epoch") if trained else "the base only",
        f"best {each.best}" if each.best is not None else "",
        "practice: noise" if each.practice else "",
    ]
