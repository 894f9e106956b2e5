"""Texts corrected by a language model: transcripts after recognition, texts before speech.

Off until `llm_url` is set. Whatever the server does wrong, the text comes back as it was, with a
notice for people: a model is a help, never a condition.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from urllib.parse import urlsplit

from studio import log as safe_log
from studio.control import Control
from studio.services import llm_prompts
from studio.services.llm_answers import Unusable, longest_answer, usable
from studio.services.llm_client import NoAnswer, Question, ask
from studio.services.llm_prompts import Prompt
from studio.settings import Settings
from studio.text.parts import parts

log = logging.getLogger(__name__)

STAGE = "language model"
#: JSON may need this many bytes for a character.
_BYTES_PER_CHAR = 6


@dataclass(frozen=True)
class Processed:
    """A text as the language model left it."""

    text: str
    raw: str  # as it was given
    changed: bool
    notices: tuple[str, ...] = ()  # sentences for people: what went wrong, and what to do


class LanguageModel:
    """Thread-safe; keeps nothing between two texts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        safe_log.hide(settings.llm_api_key)

    @property
    def available(self) -> bool:
        """Whether a server is set; it may be down all the same."""
        return bool(self._settings.llm_url)

    @property
    def host(self) -> str:
        """Where texts go, with the port where one is set; "" where no server is."""
        return urlsplit(self._settings.llm_url).netloc

    def enabled(self, mode: str) -> bool:
        """Whether texts of `mode` ("stt", "tts") are to be processed without being asked for."""
        wanted = {"stt": self._settings.use_llm_stt, "tts": self._settings.use_llm_tts}
        return self.available and wanted.get(mode, False)

    def prompts(self, mode: str) -> list[Prompt]:
        """The prompts to choose from. Raises BadInput naming a file that cannot be used."""
        return llm_prompts.available(self._settings.home, mode)

    def process(
        self,
        text: str,
        mode: str,
        language: str = "",
        context: str = "",
        control: Control | None = None,
        prompt: str = "",
    ) -> Processed:
        """`text` as the model corrects it, in pieces of at most llm_max_chars that end with a
        sentence; pieces without a usable answer stay as they are, with a notice.

        `language` is BCP 47 or "" where unknown; `prompt` the key of a prompt, "" for the mode's
        usual one. Never raises for the server's faults. Raises BadInput or NotFound for a prompt
        that cannot be used, and Cancelled at once when `control` says so.
        """
        control = control or Control()
        asked = llm_prompts.load(self._settings.home, mode, prompt)
        if not self.available or not text.strip():
            return Processed(text, text, changed=False)
        pieces = _pieces(text, language or "en", self._settings.llm_max_chars)
        made: list[str] = []
        faults: dict[str, None] = {}  # what went wrong, each kind once, in order
        left = position = 0
        down = False
        for index, (start, end) in enumerate(pieces):
            control.progress(STAGE, index / len(pieces))
            piece = text[start:end]
            answer = None
            try:
                answer = None if down else self._processed(piece, asked, language, context, control)
            except NoAnswer as fault:
                faults[f"{fault.what} {fault.remedy}"] = None
                down = fault.lasting  # waiting for it once is enough
            except Unusable as fault:
                faults[f"The language model's answer was not used: {fault}. Try another model."] = None
            left += answer is None
            made += (text[position:start], piece if answer is None else answer)
            position = end
        result = "".join((*made, text[position:]))
        if left:
            safe_log.event(log, "language model of no use", logging.WARNING, pieces=left, mode=mode)
        return Processed(result, text, result != text, _notices(list(faults), left, len(pieces)))

    def _processed(
        self, piece: str, prompt: Prompt, language: str, context: str, control: Control
    ) -> str:
        question = Question(
            prompt.messages(piece, language or "unknown", context),
            prompt.temperature,
            longest_answer(piece, prompt.mode) * _BYTES_PER_CHAR,
        )
        return usable(ask(self._settings, question, control), piece, prompt.mode)


def _notices(faults: list[str], left: int, pieces: int) -> tuple[str, ...]:
    if not faults:
        return ()
    if left == pieces:
        return (*faults, "The text stays as it was.")
    return (*faults, f"{left} of {pieces} pieces of the text stay as they were.")


def _pieces(text: str, language: str, limit: int) -> list[tuple[int, int]]:
    """Stretches to be sent, each at most `limit` characters, cut where sentences end if they fit;
    what lies between them holds nothing to speak."""
    merged: list[tuple[int, int]] = []
    whole = text.encode("utf-8", "replace").decode()  # the same length, without halves of characters
    for part in parts(whole, language, limit):
        if merged and part.end - merged[-1][0] <= limit:
            merged[-1] = (merged[-1][0], part.end)
        else:
            merged.append((part.start, part.end))
    return merged
