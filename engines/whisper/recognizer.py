"""Whisper behind engines.recognition.Recognizer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engines.base import EngineFolders, ModelChoice, Placement
from engines.choosing import whole_folder
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
from engines.whisper.languages import LANGUAGES, from_whisper, to_whisper
from engines.whisper.loading import ALIGNER, Loaded, load
from studio.control import Control
from studio.errors import BadInput, OutOfMemory
from studio.models.registry import MODELS, WHISPER, entry_of
from studio.models.validation import report

_ENTRIES = tuple(entry for entry in MODELS.values() if entry.family == WHISPER)

#: Trained to write down only; asked to translate it answers in the language that is spoken.
NO_TRANSLATION = frozenset({"whisper-turbo"})
#: Tokens that a practice model may say: its text would never end by itself.
_PRACTICE_TOKENS = 8


class WhisperRecognizer:
    """OpenAI's package with local checkpoints; it never fetches one itself."""

    def __init__(self, folders: EngineFolders) -> None:
        self._folders = folders.models
        self._loaded: Loaded | None = None

    @property
    def info(self) -> RecognizerInfo:
        return RecognizerInfo(
            id="whisper",
            label="Whisper",
            license="MIT",
            description=(
                "Writes down 100 languages with punctuation, and translates them into English. The larger "
                "the model, the fewer the errors and the slower; without a graphics card choose a small one."
            ),
            languages=LANGUAGES,
            tasks=frozenset(Task),
            detects_language=True,
            model_keys=tuple(entry.key for entry in _ENTRIES),
        )

    @property
    def is_loaded(self) -> bool:
        return self._loaded is not None

    @property
    def loaded_model(self) -> str:
        return self._loaded.key if self._loaded is not None else ""

    def models(self) -> tuple[ModelChoice, ...]:
        return tuple(
            ModelChoice(
                entry.key,
                entry.label,
                report(self._folders, entry.key).valid,
                entry.practice,
                entry.serves.removeprefix("Recognition: "),
            )
            for entry in _ENTRIES
        )

    def load(self, placement: Placement, model: str) -> None:
        """Read the checkpoint; importing torch and the package takes some 4 s the first time."""
        entry = entry_of(model)
        folder = whole_folder(self._folders, entry)
        self.unload()
        self._loaded = load(entry, folder, placement)

    def unload(self) -> None:
        on_cuda = self._loaded is not None and self._loaded.model.device.type == "cuda"
        self._loaded = None
        if on_cuda:
            import torch

            torch.cuda.empty_cache()

    def recognize(self, request: RecognitionRequest, control: Control) -> Recognition:
        """Whisper's own segments; translations without words, whose times would not be reliable. A
        language that is to be detected is told from the first 30 s."""
        assert request.audio.sample_rate == RECOGNITION_RATE
        loaded = self._loaded
        assert loaded is not None
        language = _language(request, loaded)
        word_times = request.word_times and request.task is Task.TRANSCRIBE
        if word_times:
            ALIGNER.wait(control)
        import torch

        probability = None
        try:
            model = loaded.model
            with _watched(model, control), _encoding_once(model), _same_each_time(model.device):
                if language is None:
                    language, probability = _detect(loaded, request)
                found = loaded.model.transcribe(
                    request.audio.samples,
                    word_timestamps=word_times,
                    **_options(request, loaded, language),
                )
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(
                "The memory of the graphics card does not suffice.", "Choose a smaller model."
            ) from error
        ours = from_whisper(language)
        spoken = "en" if request.task is Task.TRANSLATE else ours
        segments = (_segment(each, spoken) for each in found["segments"])
        return Recognition(tuple(each for each in segments if each.text), ours, probability)


def _language(request: RecognitionRequest, loaded: Loaded) -> str | None:
    """Whisper's code of the language, None where it is to be detected. Raises BadInput."""
    label = entry_of(loaded.key).label
    if request.task is Task.TRANSLATE and (not loaded.multilingual or loaded.key in NO_TRANSLATION):
        raise BadInput(f"{label} does not translate.", "Choose small, medium or large-v3.")
    if request.language == AUTO_LANGUAGE:
        return None if loaded.multilingual else "en"
    language = to_whisper(request.language)
    if language is None or (language == "yue" and loaded.model.num_languages < 100):
        raise BadInput(f"{label} does not know the language “{request.language}”.", "Choose another.")
    if language != "en" and not loaded.multilingual:
        raise BadInput(f"{label} knows English only.", "Choose the model of that size without “.en”.")
    return language


def _options(request: RecognitionRequest, loaded: Loaded, language: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "language": language,
        "task": str(request.task),
        "initial_prompt": request.prompt or None,
        "fp16": loaded.half,
        "verbose": None,
    }
    if loaded.practice:
        options |= {"temperature": 0.0, "sample_len": _PRACTICE_TOKENS}
    return options


def _detect(loaded: Loaded, request: RecognitionRequest) -> tuple[str, float]:
    """Whisper's code of the likeliest language, and how likely it is (0 to 1)."""
    import torch
    from whisper.audio import N_FRAMES, N_SAMPLES, log_mel_spectrogram, pad_or_trim

    # Exactly the window that transcribe() begins with, so that it is encoded once for both.
    mel = log_mel_spectrogram(request.audio.samples, loaded.model.dims.n_mels, padding=N_SAMPLES)
    content = min(mel.shape[-1] - N_FRAMES, N_FRAMES)
    window = pad_or_trim(mel[:, :content], N_FRAMES).to(loaded.model.device)
    window = window.to(torch.float16 if loaded.half else torch.float32)
    with torch.no_grad():
        _, probabilities = loaded.model.detect_language(window)
    best = max(probabilities, key=lambda code: probabilities[code])
    return best, float(probabilities[best])


def _segment(found: dict[str, Any], language: str) -> Segment:
    words = tuple(
        Word(word["word"].strip(), float(word["start"]), float(word["end"]), float(word["probability"]))
        for word in found.get("words", ())
        if word["word"].strip()
    )
    return Segment(
        text=found["text"].strip(),
        start=float(found["start"]),
        end=float(found["end"]),
        words=words,
        probability=min(math.exp(float(found["avg_logprob"])), 1.0),
        language=language,
    )


@contextmanager
def _watched(model: Any, control: Control) -> Iterator[None]:
    """Let the control stop the model between two steps: a layer of the encoder, a token.

    The pass that times words is let go on: whisper.timing would leave its hooks in the model, where
    the next decoding breaks at them. That pass decodes without a cache, and is as short as a token
    or two.
    """

    def on_layer(*_: object) -> None:
        control.check()

    def on_token(module: object, args: object, kwargs: dict[str, Any]) -> None:
        if kwargs.get("kv_cache") is not None:
            control.check()

    hooks = [block.register_forward_pre_hook(on_layer) for block in model.encoder.blocks]
    hooks.append(model.decoder.register_forward_pre_hook(on_token, with_kwargs=True))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def _same_each_time(device: Any) -> Iterator[None]:
    """What the package draws by chance, where its first attempt was not good enough, depends on the
    sound alone, and nobody else's chance on it."""
    import torch

    cards = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cards):
        torch.manual_seed(0)
        yield


@contextmanager
def _encoding_once(model: Any) -> Iterator[None]:
    """Encode each window once. The package does so anew to detect the language, for every temperature
    that it tries, and to time the words; the encoder is most of the work on short speech."""
    encoder = model.encoder
    forward = encoder.forward
    last: list[Any] = []  # the window, and what became of it

    def remembering(window: Any) -> Any:
        if not (last and last[0].shape == window.shape and last[0].equal(window)):
            last[:] = [window, forward(window)]
        return last[1]

    encoder.forward = remembering
    try:
        yield
    finally:
        del encoder.forward  # the class's own shows again
