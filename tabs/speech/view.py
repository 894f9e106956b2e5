"""What the speech tabs show, as HTML. Everything that people typed is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from studio.audio.writing import FORMATS
from studio.services.history import Estimate
from studio.services.takes import TakeState, TakeStatus

#: Of many notes these many stay in sight: where it runs and how, then what happened last.
_NOTES_FIRST, _NOTES_LAST = 5, 3


def clock(seconds: float) -> str:
    """Seconds for people: "0.4 s", "12 s", "3:05", "1:02:03"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def line(sentence: str) -> str:
    """`sentence` in small print; nothing for nothing."""
    return f'<p class="timbre-line">{escape(sentence)}</p>' if sentence else ""


def counter(characters: int, limit: int, estimate: Estimate | None) -> str:
    """The line below the text box."""
    if characters > limit:
        return f'<p class="timbre-line timbre-bad">{characters:,} characters: at most {limit:,} at once.</p>'
    if estimate is None:
        return '<p class="timbre-line">Type or paste a text.</p>'
    line = f"{characters:,} characters, about {clock(estimate.audio_seconds)} of speech"
    if estimate.seconds is not None:
        soon = estimate.seconds < 0.5
        line += ", ready at once" if soon else f", ready in about {clock(estimate.seconds)}"
    return f'<p class="timbre-line">{line}.</p>'


def player(take_ids: Sequence[str], sample_rate: int, tab: str, autoplay: bool) -> str:
    """The live player; assets/timbre.js brings it to life when it appears in the page."""
    return (
        f'<div class="timbre-player" data-takes="{escape(",".join(take_ids))}"'
        f' data-rate="{sample_rate}" data-tab="{escape(tab)}" data-autoplay="{int(autoplay)}">'
        '<button type="button" class="timbre-play" aria-label="Pause live playback">Pause</button>'
        '<span class="timbre-time" role="timer">0:00</span>'
        '<span class="timbre-line">live</span></div>'
    )


def status(statuses: Sequence[TakeStatus]) -> str:
    """Stage, progress bar, remaining time and real-time factor, or how it ended."""
    return '<div class="timbre-status">' + "".join(_one(entry) for entry in statuses) + "</div>"


def _one(take: TakeStatus) -> str:
    notes = _notes(take)
    if take.state is TakeState.FAILED:
        kept = " What was spoken until then is in the history." if take.record else ""
        return (
            f'<p class="timbre-bad" role="alert"><b>{escape(take.error)}</b>'
            f" {escape(take.hint)}{kept}</p>{notes}"
        )
    facts = [f"{clock(take.audio_seconds)} of sound"]
    if take.rtf is not None:
        facts.append(f"real-time factor {take.rtf:.3f}")
    if take.state.finished:
        facts.insert(0, "Done" if take.state is TakeState.DONE else "Stopped; kept what was spoken")
        facts.append(f"in {clock(take.elapsed)}")
        if take.first_audio is not None:
            first = take.first_audio
            facts.append(f"first sound after {f'{first * 1000:.0f} ms' if first < 1 else clock(first)}")
        facts.append(f"seed {take.seed}")
        return f'<p class="timbre-line" role="status">{" · ".join(facts)}</p>{notes}'
    if take.eta is not None:
        facts.append(f"{clock(take.eta)} left")
    return (
        f'<p class="timbre-line" role="status">{escape(take.stage)} · {" · ".join(facts)}</p>'
        f'<progress max="1" value="{take.fraction:.4f}" aria-label="Progress">'
        f"{take.fraction:.0%}</progress>{notes}"
    )


def _notes(take: TakeStatus) -> str:
    """The notes of a take. A long text can have one for every part that was spoken again, so the
    latest are shown; the others are counted, and open to a click once nothing changes any more."""
    lines = [f'<p class="timbre-note">{escape(note)}</p>' for note in take.notes]
    hidden = lines[_NOTES_FIRST : -_NOTES_LAST or None]
    if len(hidden) < 2:
        return "".join(lines)
    more = f"{len(hidden)} more notes"
    if take.state.finished:
        folded = f'<details class="timbre-more"><summary>{more}</summary>{"".join(hidden)}</details>'
    else:
        folded = f'<p class="timbre-line">{more}</p>'
    return "".join([*lines[:_NOTES_FIRST], folded, *lines[-_NOTES_LAST:]])


def downloads(takes: Sequence[TakeStatus]) -> str:
    """Links to the finished takes in every format, with subtitles where words have times."""
    rows = []
    for number, take in enumerate(takes, 1):
        if take.record is None:
            continue
        rows.append(download_row(take.record.id, f"Take {number}" if len(takes) > 1 else "Download"))
    return "".join(rows)


def download_row(take_id: str, title: str) -> str:
    links = [
        f'<a href="takes/{escape(take_id)}/audio?format={key}" download>{key.upper()}</a>'
        for key in FORMATS
    ]
    links += [
        f'<a href="takes/{escape(take_id)}/subtitles?format={key}" download>{key.upper()}</a>'
        for key in ("srt", "vtt")
    ]
    return f'<p class="timbre-downloads"><span>{escape(title)}:</span> {" ".join(links)}</p>'
