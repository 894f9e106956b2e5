"""The embedded recognizer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from engines.base import EngineFolders, ModelChoice, Placement
from engines.recognition import (
    AUTO_LANGUAGE,
    RECOGNITION_RATE,
    Recognition,
    RecognitionRequest,
    RecognizerInfo,
    Segment,
    Task,
    Word,
)
from engines.sphinx.decoder import FRAME_S, NO_WORD, RATE, cepstral_means, make_decoder, pcm
from studio.control import Control
from studio.errors import BadInput, EngineFailed
from studio.text.language import closest

LANGUAGES = {"en": "English"}

#: Fed at once, samples: a tenth of a second of work, in which nothing else of Python runs.
_BLOCK = RATE // 4

#: The mark of a second pronunciation.
_VARIANT = re.compile(r"\(\d+\)$")


class SphinxRecognizer:
    """pocketsphinx behind engines.recognition.Recognizer. A prompt changes nothing."""

    def __init__(self, folders: EngineFolders) -> None:
        self._decoder: Any = None
        self._search = ""

    @property
    def info(self) -> RecognizerInfo:
        return RecognizerInfo(
            id="pocketsphinx",
            label="pocketsphinx (draft, English)",
            license="BSD-2-Clause",
            description=(
                "Writes down English at once and without a model; about every fourth word is wrong, and "
                "it knows no commas. A draft to be corrected."
            ),
            languages=LANGUAGES,
            tasks=frozenset({Task.TRANSCRIBE}),
            detects_language=False,
            draft=True,
            embedded=True,
        )

    @property
    def is_loaded(self) -> bool:
        return self._decoder is not None

    @property
    def loaded_model(self) -> str:
        return ""

    def models(self) -> tuple[ModelChoice, ...]:
        return ()

    def load(self, placement: Placement, model: str) -> None:
        """Read the model from the wheel; about 0.3 s and 360 MB. The placement does not matter."""
        try:
            self._decoder = make_decoder()
        except (ImportError, RuntimeError) as error:
            raise EngineFailed(
                f"pocketsphinx cannot be loaded: {error}.",
                "Install what requirements.txt names: pip install -r requirements.txt",
            ) from error
        self._search = self._decoder.current_search()

    def unload(self) -> None:
        self._decoder = None

    def recognize(self, request: RecognitionRequest, control: Control) -> Recognition:
        """One segment with its words, in small letters and without punctuation."""
        assert request.audio.sample_rate == RECOGNITION_RATE
        _check(request)
        decoder, sound = self._decoder, pcm(request.audio.samples)
        means = cepstral_means(decoder, sound, self._search)
        decoder.reinit_feat()  # so that the same sound gives the same words, whatever came before
        decoder.set_cmn(means)
        decoder.start_utt()
        try:
            for start in range(0, len(sound), 2 * _BLOCK):
                control.check()
                decoder.process_raw(sound[start : start + 2 * _BLOCK], full_utt=False)
        finally:
            decoder.end_utt()
        control.check()
        hypothesis = decoder.hyp()
        words = tuple(_words(decoder, request.audio.duration)) if hypothesis is not None else ()
        if not words:
            return Recognition((), "en")
        known = [word.probability for word in words if word.probability is not None]
        segment = Segment(
            text=" ".join(word.text for word in words),
            start=words[0].start,
            end=words[-1].end,
            words=words if request.word_times else (),
            probability=sum(known) / len(known),
            language="en",
        )
        return Recognition((segment,), "en")


def _check(request: RecognitionRequest) -> None:
    if request.task is not Task.TRANSCRIBE:
        raise BadInput("pocketsphinx does not translate.", "Choose a Whisper model.")
    if request.language != AUTO_LANGUAGE and closest(request.language, LANGUAGES) is None:
        raise BadInput(
            f"pocketsphinx knows English only, not “{request.language}”.", "Choose a Whisper model."
        )


def _words(decoder: Any, duration: float) -> Iterator[Word]:
    """What was recognised, within the sound's `duration` seconds."""
    for found in decoder.seg():
        if NO_WORD.match(found.word):
            continue
        start, end = found.start_frame * FRAME_S, (found.end_frame + 1) * FRAME_S
        yield Word(
            _VARIANT.sub("", found.word),
            min(start, duration),
            min(end, duration),
            min(max(float(found.prob), 0.0), 1.0),  # it comes from logarithms, and a little above 1
        )
