"""One text spoken by a loaded model: prompt, frames, sound."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from engines.base import SamplingParams, SpeechChunk, SpeechRequest
from engines.drawing import Draw
from engines.memory import memory_limit
from engines.qwen.facts import SAMPLE_RATE, language_name
from engines.qwen.sampling import TalkerSampling
from engines.qwen.talker import Ending, TalkerInput, capture
from engines.qwen.texts import most_frames, speakable, without_control
from studio.audio.types import Audio
from studio.control import Control
from studio.errors import BadInput, unknown

if TYPE_CHECKING:
    from torch import Tensor

    from engines.qwen.loading import LoadedModel
    from engines.qwen.prompts import ClonePrompt

#: Frames in the first chunks; the last number holds for the rest. The first chunk is small, for a
#: soon start; the others stay so small that a stop is felt while the codec works on one.
_CHUNK_FRAMES = (3, 4, 6, 8)
#: At least so long between two reports of progress, seconds.
_REPORT_S = 0.25

#: A voice prompt of generate_voice_clone without x-vector and without example.
_NO_VOICE: Mapping[str, Any] = {
    "ref_code": None,
    "ref_spk_embedding": [],
    "x_vector_only_mode": [False],
    "icl_mode": [False],
}


def check(request: SpeechRequest, model: LoadedModel) -> None:
    """Raise BadInput, or NotFound naming what there is, when `model` cannot speak `request`."""
    speakable(request.text)
    language = language_name(request.language)
    languages = model.wrapper.model.get_supported_languages()
    if language.lower() not in languages:  # a model of somebody's own training
        raise unknown(f"language in {model.entry.label}", request.language, languages)
    label, variant = model.entry.label, model.entry.variant
    if request.speaker is not None and variant != "custom_voice":
        _check_trained(request.speaker, model)
    if request.voice_prompt is not None and variant != "base":
        raise BadInput(f"{label} cannot speak like a recording.", "Choose a Base model.")
    if variant == "custom_voice":
        speakers = list(model.wrapper.model.get_supported_speakers())
        if request.speaker is None:
            raise BadInput(f"{label} needs to know which voice.", "Choose one: " + ", ".join(speakers))
        if request.speaker.lower() not in speakers:
            raise unknown(f"voice in {label}", request.speaker, speakers)
    elif variant == "voice_design" and not without_control(request.instruct):
        raise BadInput(
            "There is no description of the voice.", "Write a few words, such as “an old man, slow”."
        )
    elif variant == "base" and request.instruct.strip():
        raise BadInput(
            f"{label} does not follow instructions.", "Leave them out, or choose a CustomVoice model."
        )


def _check_trained(speaker: str, model: LoadedModel) -> None:
    """A base model has the voice that it was trained on, if any."""
    label = model.entry.label
    if model.voice is None:
        raise BadInput(f"{label} has no voices of its own.", "Choose a CustomVoice model.")
    if speaker != model.entry.key:
        raise BadInput(
            f"{label} has one voice of its own, and not “{speaker[:80]}”.",
            f"Choose the voice “{label}”, or another model.",
        )


def speak(
    request: SpeechRequest, voice: ClonePrompt | None, model: LoadedModel, control: Control
) -> Iterator[SpeechChunk]:
    """Speak a request that `check` let through; `voice` is what its prompt holds.

    A base model without a voice speaks in one of its choosing. Raises Cancelled within a frame of
    the control's cancel; OutOfMemory, after which the model speaks on; BadInput for a prompt that
    is longer than the model's memory.
    """
    with memory_limit(
        f"There was not enough memory on {model.placement.device} for this text.",
        "Speak shorter parts, choose the 0.6B model, or set device to cpu.",
    ):
        prompt = capture(model.wrapper, _official_call(request, voice, model))
        sampling = sampling_of(request.sampling, model.generation, most_frames(request.text))
        room = model.positions - prompt.embeds.shape[1]
        if room < 1:
            raise BadInput("The text is too long to be spoken at once.", "Speak it in shorter parts.")
        sampling = replace(sampling, max_frames=min(sampling.max_frames, room))
        if voice is not None and voice.codes is not None:
            model.codec.prime(voice.codes)
        else:
            model.codec.reset()
        yield from _chunks(prompt, sampling, model, control)


def _chunks(
    prompt: TalkerInput, sampling: TalkerSampling, model: LoadedModel, control: Control
) -> Iterator[SpeechChunk]:
    sizes = iter(_CHUNK_FRAMES)
    size = next(sizes)
    waiting: list[Tensor] = []
    reported = float("-inf")
    for number, frame in enumerate(model.loop.frames(prompt, sampling, lambda: control.cancelled), 1):
        waiting.append(frame)
        if time.monotonic() - reported >= _REPORT_S:
            control.progress(f"speaking, frame {number}")
            reported = time.monotonic()
        # The last frame that is allowed waits for the ending, which goes with its chunk.
        if len(waiting) >= size and number < sampling.max_frames:
            yield SpeechChunk(_sound(waiting, model))
            waiting, size = [], next(sizes, size)
    control.check()
    if waiting:
        yield SpeechChunk(_sound(waiting, model), cut_off=model.loop.ending is Ending.LIMIT)


def _sound(frames: list[Tensor], model: LoadedModel) -> Audio:
    import torch

    return Audio(model.codec.push(torch.stack(frames)), SAMPLE_RATE)


def _official_call(
    request: SpeechRequest, voice: ClonePrompt | None, model: LoadedModel
) -> Callable[[], object]:
    """The official package's call for `request`."""
    text, language = speakable(request.text), language_name(request.language)
    instruct = without_control(request.instruct)
    wrapper = model.wrapper
    if model.entry.variant == "custom_voice":
        return partial(wrapper.generate_custom_voice, text, request.speaker, language, instruct)
    if model.entry.variant == "voice_design":
        return partial(wrapper.generate_voice_design, text, instruct, language)
    items: Any = voice.items() if voice is not None else _NO_VOICE
    return partial(wrapper.generate_voice_clone, text, language, voice_clone_prompt=items)


def sampling_of(given: SamplingParams, generation: Mapping[str, Any], most: int) -> TalkerSampling:
    """How a part is drawn: what is `given`, else what the model's `generation` configuration says,
    else as published; for at most `most` frames."""
    published = TalkerSampling()

    def value(own: Any, key: str, otherwise: Any) -> Any:
        return own if own is not None else generation.get(key, otherwise)

    def draw(temperature: float | None, top_k: int | None, top_p: float | None, sub: str) -> Draw:
        if temperature is None and not generation.get(f"{sub}dosample" if sub else "do_sample", True):
            temperature = 0.0
        return Draw(
            temperature=float(value(temperature, f"{sub}temperature", published.talker.temperature)),
            top_k=int(value(top_k, f"{sub}top_k", published.talker.top_k)),
            top_p=float(value(top_p, f"{sub}top_p", published.talker.top_p)),
        )

    longest = int(value(given.max_new_tokens, "max_new_tokens", published.max_frames))
    penalty = value(given.repetition_penalty, "repetition_penalty", published.repetition_penalty)
    return TalkerSampling(
        talker=draw(given.temperature, given.top_k, given.top_p, ""),
        predictor=draw(given.sub_temperature, given.sub_top_k, given.sub_top_p, "subtalker_"),
        repetition_penalty=float(penalty),
        max_frames=min(most, longest),
        seed=given.seed,
    )
