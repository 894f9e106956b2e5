"""One text spoken by a loaded model: tokens, states, sound."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from engines.base import SamplingParams, SpeechChunk, SpeechRequest
from engines.drawing import Draw
from engines.memory import memory_limit
from engines.xtts import facts
from engines.xtts.texts import token_ids
from engines.xtts.tokens import TokenSampling
from studio.audio.types import Audio
from studio.control import Control
from studio.errors import BadInput, unknown

if TYPE_CHECKING:
    import torch

    from engines.xtts.conditioning import Latents
    from engines.xtts.loading import LoadedModel

#: Tokens in the first chunks, 46 ms each; the last number holds for the rest. The first chunk is
#: small, for a soon start; the others stay so small that a stop is felt while one is decoded.
_CHUNK_TOKENS = (10, 12, 16, 20)
#: At least so long between two reports of progress, seconds.
_REPORT_S = 0.25
#: A part may have so many times the tokens of slow reading, and these more; far beyond it the model
#: has lost its way.
_SLOWEST_CHARACTER_S, _GRACE_S = 0.35, 6.0


def check(request: SpeechRequest, model: LoadedModel) -> None:
    """Raise BadInput, or NotFound naming what there is, when `model` cannot speak `request`."""
    language = facts.language_code(request.language)
    languages = model.config.languages
    if languages and language not in languages:  # a model of somebody's own training
        raise unknown(f"language in {model.entry.label}", request.language, languages)
    token_ids(model.model, request.text, language)
    if request.voice_prompt is None:
        builtin(request.speaker, model)


def builtin(speaker: str | None, model: LoadedModel) -> Latents:
    """The voice `speaker` of the model's own. Raises BadInput, NotFound naming the voices."""
    if not model.speakers:
        raise BadInput(
            f"{model.entry.label} has no voices of its own: speakers_xtts.pth is missing.",
            "Give a recording to speak like, or download the model again.",
        )
    if speaker is None:
        raise BadInput(
            f"{model.entry.label} needs to know which voice.", "Choose a voice, or give a recording."
        )
    voices = {facts.speaker_id(name): latents for name, latents in model.speakers.items()}
    wanted = facts.speaker_id(speaker)
    if wanted not in voices:
        raise unknown(f"voice in {model.entry.label}", speaker, voices)
    return voices[wanted]


def speak(
    request: SpeechRequest, voice: Latents, model: LoadedModel, control: Control
) -> Iterator[SpeechChunk]:
    """Speak a request that `check` let through, in `voice`.

    Raises Cancelled within a token of the control's cancel; OutOfMemory, after which the model speaks
    on.
    """
    import torch

    with memory_limit(
        f"There was not enough memory on {model.placement.device} for this text.",
        "Speak shorter parts, or set device to cpu.",
    ):
        device = model.model.device
        ids = token_ids(model.model, request.text, facts.language_code(request.language))
        text = torch.tensor([ids], device=device)
        sampling = sampling_of(request.sampling, model.config, request.text)
        model.vocoder.begin(voice.timbre, request.speed)
        beams = round(request.options.get(facts.BEAMS, 1))
        how = (voice.manner.to(device), text, sampling)
        if beams > 1:
            penalty = request.options.get(facts.LENGTH_PENALTY, model.config.length_penalty)
            yield from _whole(model, how, beams, penalty, control)
        else:
            yield from _streamed(model, how, control)


def sampling_of(given: SamplingParams, config: Any, text: str) -> TokenSampling:
    """How a part is drawn: what is `given`, else what the model's `config` says; no longer than
    `text` can take."""

    def value(own: Any, key: str) -> Any:
        return own if own is not None else config[key]

    slowest = len(text) * _SLOWEST_CHARACTER_S + _GRACE_S
    most = max(1, round(slowest / facts.TOKEN_S))
    return TokenSampling(
        draw=Draw(
            temperature=float(value(given.temperature, "temperature")),
            top_k=int(value(given.top_k, "top_k")),
            top_p=float(value(given.top_p, "top_p")),
        ),
        repetition_penalty=float(value(given.repetition_penalty, "repetition_penalty")),
        max_tokens=min(most, given.max_new_tokens or most),
        seed=given.seed,
    )


_How = tuple["torch.Tensor", "torch.Tensor", TokenSampling]  # manner, text, sampling


def _streamed(model: LoadedModel, how: _How, control: Control) -> Iterator[SpeechChunk]:
    sizes = iter(_CHUNK_TOKENS)
    size = next(sizes)
    waiting: list[Any] = []
    reported = float("-inf")
    states = model.loop.latents(*how, lambda: control.cancelled)
    for number, state in enumerate(states, 1):
        waiting.append(state)
        if time.monotonic() - reported >= _REPORT_S:
            control.progress(f"speaking, {number * facts.TOKEN_S:.1f} s")
            reported = time.monotonic()
        if len(waiting) >= size:
            sound = model.vocoder.push(waiting)
            waiting, size = [], next(sizes, size)
            if len(sound):
                yield SpeechChunk(Audio(sound, facts.SAMPLE_RATE))
    control.check()
    rest = model.vocoder.push(waiting, last=True)
    yield SpeechChunk(Audio(rest, facts.SAMPLE_RATE), cut_off=model.loop.cut_off)


def _whole(
    model: LoadedModel, how: _How, beams: int, length_penalty: float, control: Control
) -> Iterator[SpeechChunk]:
    from engines.xtts.beams import latents

    states, cut_off = latents(model.model, *how, beams, length_penalty, control)
    step = _CHUNK_TOKENS[-1]
    for begin in range(0, len(states), step):
        control.check()
        last = begin + step >= len(states)
        sound = model.vocoder.push(list(states[begin : begin + step].split(1)), last)
        if len(sound):
            yield SpeechChunk(Audio(sound, facts.SAMPLE_RATE), cut_off=cut_off and last)
