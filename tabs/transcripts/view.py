"""What the Transcribe tab shows, as HTML. Whatever was said or typed is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from engines.recognition import RecognizerInfo, Segment
from studio.models.registry import MODELS
from studio.services.transcript_files import FORMATS
from studio.services.transcripts import TranscriptRecord, TranscriptState, TranscriptStatus
from studio.text.transcripts import timed_words
from tabs.speech.view import clock, line

IDLE = line("Nothing transcribed yet. Give a recording, then press Transcribe.")

#: Words that the recognizer is less sure of are marked.
_UNSURE = 0.5
#: Of a long recording the last part of what was recognised so far is in sight, characters.
_TAIL = 1_500

_ENDED = {
    TranscriptState.DONE: "Done",
    TranscriptState.STOPPED: "Stopped; kept what was recognised",
    TranscriptState.FAILED: "Broken off; kept what was recognised",
}
_LINKS = {
    "txt": "TXT",
    "raw": "TXT as recognised",
    "srt": "SRT",
    "vtt": "VTT",
    "tsv": "TSV",
    "json": "JSON",
}


def status(now: TranscriptStatus) -> str:
    """Stage, progress bar, remaining time, real-time factor and the text so far, or how it ended."""
    remember = f'<div class="timbre-status timbre-remember" data-key="transcript" data-value="{now.id}">'
    notes = "".join(f'<p class="timbre-note">{escape(note)}</p>' for note in now.notes)
    if now.state is TranscriptState.FAILED:
        kept = " What was recognised until then is below." if now.record else ""
        return (
            f'{remember}<p class="timbre-bad" role="alert"><b>{escape(now.error)}</b>'
            f" {escape(now.hint)}{kept}</p>{notes}</div>"
        )
    facts = [f"{clock(now.audio_seconds)} of {clock(now.duration)}"]
    if now.rtf is not None:
        facts.append(f"real-time factor {now.rtf:.3f}")
    if now.state.finished:
        facts = [_ENDED[now.state], *facts, f"in {clock(now.elapsed)}"]
        return f'{remember}<p class="timbre-line" role="status">{" · ".join(facts)}</p>{notes}</div>'
    if now.eta is not None:
        facts.append(f"{clock(now.eta)} left")
    return (
        f'{remember}<p class="timbre-line" role="status">{escape(now.stage)} · {" · ".join(facts)}</p>'
        f'<progress max="1" value="{now.fraction:.4f}" aria-label="Progress">{now.fraction:.0%}'
        f"</progress>{notes}{_partial(now.text)}</div>"
    )


def head(record: TranscriptRecord) -> str:
    """Which transcript is shown."""
    transcript = record.transcript
    facts = [clock(transcript.duration), _language(record), _made_by(record)]
    if record.status != TranscriptState.DONE.value:
        facts.append(f"{record.status} at {clock(record.recognised)}")
    notes = "".join(f'<p class="timbre-note">{escape(note)}</p>' for note in record.notes)
    more = f'<details class="timbre-more"><summary>How it was made</summary>{notes}</details>'
    return (
        f'<div class="timbre-remember" data-key="transcript" data-value="{escape(record.id)}">'
        f"<h3>{escape(record.name)}</h3>{line(' · '.join(fact for fact in facts if fact))}"
        f"{more if notes else ''}</div>"
    )


def segments(known: Sequence[Segment], chosen: int) -> str:
    """The segments as a list to choose from (assets/transcribe.js); unsure words are marked."""
    if not known:
        return line("No speech was found.")
    rows = "".join(
        f'<button type="button" class="timbre-segment" data-into="transcribe-picked"'
        f' data-value="{number}" tabindex="{0 if number == chosen else -1}"'
        f' aria-current="{"true" if number == chosen else "false"}">'
        f'<span class="timbre-when">{time_of(segment.start)}</span><span>{_words(segment)}</span></button>'
        for number, segment in enumerate(known)
    )
    unsure = "<mark" in rows
    legend = "Underlined words: less than half sure. " if unsure else ""
    return f'<div class="timbre-segments" role="group" aria-label="Segments">{rows}</div>' + line(
        f"{len(known)} {'segment' if len(known) == 1 else 'segments'}. {legend}"
        "Arrow keys move, Enter chooses."
    )


def segment(transcript_id: str, known: Sequence[Segment], chosen: int) -> str:
    """The chosen segment: its number and times, and its stretch of the recording to be heard."""
    if not known:
        return ""
    now = known[chosen]
    source = f"transcripts/{escape(transcript_id)}/audio?start={now.start:.3f}&amp;end={now.end:.3f}"
    sure = "" if now.probability is None else f" · {now.probability:.0%} sure"
    # A stretch without length, which a recognizer may give, has no sound.
    player = (
        f'<audio controls preload="none" aria-label="Segment {chosen + 1}" src="{source}"></audio>'
        if round(now.end, 3) > round(now.start, 3)
        else ""
    )
    return (
        f'<p class="timbre-line"><b>Segment {chosen + 1} of {len(known)}</b> ·'
        f" {time_of(now.start)} to {time_of(now.end)}{sure}</p>{player}"
    )


def downloads(record: TranscriptRecord) -> str:
    """Links to the transcript in every format."""
    links = "".join(
        f'<a href="transcripts/{escape(record.id)}/text?format={key}" download>{_LINKS[key]}</a>'
        for key in FORMATS
    )
    return f'<p class="timbre-downloads"><span>Download:</span> {links}</p>'


def about(info: RecognizerInfo) -> str:
    """What a recognizer says of itself."""
    bad = f'<p class="timbre-bad">{escape(info.missing)}.</p>' if info.missing else ""
    return f"{line(f'{info.description} Licence: {info.license}.')}{bad}"


def time_of(seconds: float) -> str:
    """A place in the recording: "0:03.2", "1:02:03.4"."""
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    rest = f"{tenths // 10:02}.{tenths % 10}"
    return f"{hours}:{minutes:02}:{rest}" if hours else f"{minutes}:{rest}"


def _partial(text: str) -> str:
    if not text:
        return ""
    shown = text if len(text) <= _TAIL else f"… {text[-_TAIL:]}"
    return f'<p class="timbre-lines timbre-partial" aria-label="Text so far">{escape(shown)}</p>'


def _words(segment: Segment) -> str:
    """The segment's text with the words marked that the recognizer was not sure of."""
    text = " ".join(segment.text.split())
    made, written, reached = "", 0, 0
    for word in timed_words(segment) if segment.words else ():
        begin = text.find(word.text, reached)
        if begin < 0:
            continue
        reached = begin + len(word.text)
        if word.probability is not None and word.probability < _UNSURE:
            title = f"{word.probability:.0%} sure"
            made += f'{escape(text[written:begin])}<mark title="{title}">{escape(word.text)}</mark>'
            written = reached
    return made + escape(text[written:])


def _language(record: TranscriptRecord) -> str:
    sure = record.transcript.language_probability
    told = f" ({sure:.0%} sure)" if sure is not None else ""
    return f"{record.transcript.language}{told}" if record.transcript.language else ""


def _made_by(record: TranscriptRecord) -> str:
    made = MODELS[record.model].label if record.model in MODELS else record.engine
    return f"{made}, translated" if record.task == "translate" else made
