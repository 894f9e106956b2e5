"""What the Voices tab shows, as HTML. Whatever people typed is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape
from pathlib import Path

from studio.services.consent import REMINDER
from studio.services.voice_values import Consent, Voice, VoiceUses
from tabs.speech.view import clock, line
from tabs.waveform import file_url

ANY_TAG = ("All tags", "")

IMPORT_CONSENT = line("Leave these empty where the file itself says whose voice it is.")
NO_RECORDING = line("No recording yet. Upload one, or record with the microphone.")

#: Of a transcript in the list, characters.
_SNIPPET = 70

_ORIGINS = {
    "upload": "uploaded",
    "microphone": "recorded here",
    "take": "made here",
    "import": "imported",
    "copy": "a copy",
}

#: Said to hear a voice, by the first part of its language. "" is for the others.
_SENTENCES = {
    "": "Good morning. This is how I sound in a sentence of my own.",
    "de": "Guten Morgen. So klinge ich in einem eigenen Satz.",
    "fr": "Bonjour. Voici comment je parle dans une phrase à moi.",
    "es": "Buenos días. Así sueno en una frase propia.",
    "it": "Buongiorno. Ecco come suono in una frase tutta mia.",
    "pt": "Bom dia. É assim que eu falo numa frase minha.",
    "nl": "Goedemorgen. Zo klink ik in een eigen zin.",
    "pl": "Dzień dobry. Tak brzmię w moim własnym zdaniu.",
    "ru": "Доброе утро. Так я звучу в своём предложении.",
    "zh": "早上好。这是我说一句话的声音。",
    "ja": "おはようございます。これが私の声です。",
    "ko": "안녕하세요. 이것이 제 목소리입니다.",
}


def sentence(language: str) -> str:
    """Something to say in `language` (BCP 47)."""
    return _SENTENCES.get(language.partition("-")[0].lower(), _SENTENCES[""])


def is_own_sentence(text: str) -> bool:
    """Whether a person wrote it."""
    return bool(text.strip()) and text not in _SENTENCES.values()


def voices(page: Sequence[Voice], chosen: str, offset: int, total: int, filtered: bool) -> str:
    """The voices of a page, one of them to be chosen (assets/transcribe.js)."""
    if not page:
        empty = "No voice matches. Clear the search and the filters to see all."
        return line(empty if filtered else "No voices yet. Give a recording on this page, and save it.")
    here = chosen if chosen in {voice.id for voice in page} else page[0].id
    rows = "".join(_row(voice, voice.id == chosen, voice.id == here) for voice in page)
    shown = f"{offset + 1:,} to {offset + len(page):,} of {total:,}. " if total > len(page) else ""
    return (
        f'<div class="timbre-segments timbre-voices" role="group" aria-label="Voices">{rows}</div>'
        f"{line(f'{shown}Arrow keys move, Enter chooses.')}"
    )


def caption(voice: Voice | None) -> str:
    """What the form is about."""
    if voice is None:
        return (
            '<h3>A new voice</h3><p class="timbre-line">Give a recording, look at it, and save it.</p>'
        )
    made = datetime.fromtimestamp(voice.created).strftime("%Y-%m-%d")
    facts = [clock(voice.duration), f"{_ORIGINS.get(voice.origin, voice.origin)} on {made}"]
    return f"<h3>{escape(voice.name)}</h3>{line(' · '.join(facts))}{_consent(voice.consent)}"


def question(voice: Voice, uses: VoiceUses) -> str:
    """Whether to delete it, and what that leaves behind."""
    made = []
    if uses.takes:
        made.append(f"{uses.takes} take{'s' if uses.takes != 1 else ''} in the history")
    if uses.personalities:
        names = ", ".join(f"“{escape(name)}”" for name in uses.personalities)
        made.append(f"the personalit{'ies' if len(uses.personalities) > 1 else 'y'} {names}")
    said = f"Made from it: {' and '.join(made)}. They stay." if made else "Nothing was made from it."
    return (
        f'<p class="timbre-line" role="alert"><b>Delete “{escape(voice.name)}” for good?</b> {said}</p>'
    )


def consent_reminder(required: bool) -> str:
    """Above the fields that ask whose voice it is."""
    if required:
        return line("This studio is shared, so say whose voice it is before you save it.")
    return line(REMINDER)


def damaged(messages: Sequence[str]) -> str:
    """Voices that cannot be read and were set aside."""
    return "".join(f'<p class="timbre-bad">{escape(message)}</p>' for message in messages)


def export_link(zip_file: Path, name: str) -> str:
    """A link to a voice's zip; the page presses it."""
    return (
        f'<p class="timbre-downloads"><a href="{escape(file_url(zip_file))}"'
        f' download="{escape(name)}">{escape(name)}</a></p>'
    )


def kept_file(path: Path, served: str) -> str:
    """Where a deleted voice's recording was kept."""
    link = f'<a href="{escape(file_url(Path(served)))}" download="{escape(path.name)}">Download</a>'
    return f'<p class="timbre-note">Its recording is kept: {escape(str(path))}. {link}</p>'


def before_and_after(
    before: Path, after: Path, done: Sequence[str], start: float | None, end: float | None
) -> str:
    """Two players, and what was done; `start` to `end` s is the part of `before` that was cleaned up."""
    notes = "".join(f"<li>{escape(each)}</li>" for each in done)
    part = f"#t={start or 0:.2f}{'' if end is None else f',{end:.2f}'}"  # a media fragment
    sources = (("Before", file_url(before) + part), ("After", file_url(after)))
    players = "".join(
        f"<figure><figcaption>{name}</figcaption>"
        f'<audio controls preload="none" aria-label="{name} cleaning up"'
        f' src="{escape(source)}"></audio></figure>'
        for name, source in sources
    )
    return f'<div class="timbre-pair">{players}</div><ul class="timbre-list">{notes}</ul>'


def _row(voice: Voice, chosen: bool, reachable: bool) -> str:
    star = '<span aria-label="Favourite">★</span> ' if voice.favourite else ""
    tags = "".join(f'<span class="timbre-tag">{escape(tag)}</span>' for tag in voice.tags)
    said = " ".join(voice.transcript.split())
    said = said if len(said) <= _SNIPPET else f"{said[: _SNIPPET - 1]}…"
    facts = " · ".join(escape(fact) for fact in (voice.language, clock(voice.duration)) if fact)
    return (
        f'<button type="button" class="timbre-segment timbre-voice" data-into="voices-picked"'
        f' data-value="{escape(voice.id)}" tabindex="{0 if reachable else -1}"'
        f' aria-current="{"true" if chosen else "false"}">'
        f"<span>{star}<b>{escape(voice.name)}</b> {tags}</span>"
        f'<span class="timbre-when">{facts}</span>'
        f'<span class="timbre-snippet">{escape(said)}</span></button>'
    )


def _consent(consent: Consent | None) -> str:
    if consent is None:
        return '<p class="timbre-note">Nobody has said whose voice it is.</p>'
    day = datetime.fromtimestamp(consent.given).strftime("%Y-%m-%d")
    who = f"{consent.person}: " if consent.person else ""
    return line(f"Whose voice: {who}{consent.basis.value}, {day}.")
