"""The interface of a speech engine: what it is asked, what it gives back, what it says of itself.

Requests and results are frozen dataclasses that pickle, so that an engine can live in a process
of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol, runtime_checkable

from studio.audio.types import Audio
from studio.control import Control
from studio.models.folders import ModelFolders


class Capability(str, Enum):
    """What an engine can do."""

    CLONE = "clone"  # speak like a recording
    PRESET = "preset"  # speak in a voice of its own
    DESIGN = "design"  # speak in a voice described in words
    INSTRUCT = "instruct"  # follow instructions on how to speak
    STREAM = "stream"  # give audio before the part is finished
    TIMING = "timing"  # tell when each word is spoken
    SEEDED = "seeded"  # the seed changes how it sounds
    SPEED = "speed"  # speak faster or slower as asked
    SAMPLED = "sampled"  # draws its sound by chance, so that a take can go wrong and another be right

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True)
class Speaker:
    """A voice that an engine brings."""

    id: str  # stable; what requests and the command line name
    label: str  # for people
    language: str  # BCP 47, lower case: "en-us"
    gender: str = ""  # "female", "male" or "" where unknown
    description: str = ""
    recommended: bool = False  # shown first
    multilingual: bool = False  # speaks every language of its engine; `language` is its native one
    model: str = ""  # the key of the only model that has it; "": each that brings voices
    owner: str = ""  # whose it is; "": everybody's


@dataclass(frozen=True)
class Option:
    """A number that an engine lets people set; the table of them drives page, command line, API."""

    key: str
    label: str
    minimum: float
    maximum: float
    default: float
    step: float
    help: str  # with the unit
    modes: frozenset[Capability]  # CLONE, PRESET, DESIGN: where it applies


@dataclass(frozen=True)
class SamplingParams:
    """How a generative engine draws its tokens. None means the default of the model that speaks, as
    its generation_config.json says. A temperature of 0 takes the likeliest token always (greedy).

    The fields with `sub` belong to the second sampler of engines that have two: Qwen3-TTS draws the
    first code of each frame with the talker, the other fifteen with its code predictor.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    repetition_penalty: float | None = None
    sub_temperature: float | None = None
    sub_top_p: float | None = None
    sub_top_k: int | None = None
    max_new_tokens: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class SamplingField:
    """One of SamplingParams as an engine lets people set it."""

    key: str  # a field of SamplingParams
    label: str
    minimum: float
    maximum: float
    default: float  # the published default, shown until the model's own is known
    step: float
    help: str


@dataclass(frozen=True)
class Sampling:
    """What of SamplingParams an engine follows, and named settings of them.

    No preset chosen means the model's own defaults.
    """

    fields: tuple[SamplingField, ...]
    presets: Mapping[str, SamplingParams]  # name for people -> values


@dataclass(frozen=True)
class ModelChoice:
    """One of the models that can serve a mode of an engine."""

    key: str  # of studio.models.registry
    label: str
    installed: bool
    practice: bool = False  # random weights, for trying the pipeline
    note: str = ""  # what the person should know before choosing it
    owner: str = ""  # whose it is; "": everybody's


@dataclass(frozen=True)
class VoicePrompt:
    """A prepared reference that an engine speaks like; cached on disk by its content."""

    engine: str
    ref_audio: Path  # the recording it was made from
    ref_text: str  # its transcript, or "" where none was given
    language: str
    x_vector_only: bool = False  # only the speaker's timbre, not the recording as an example
    cache: Path | None = None  # what the engine keeps, written by the engine itself
    notes: tuple[str, ...] = ()  # what the person should know of how it was made
    more: tuple[Path, ...] = ()  # further recordings of the same voice


@dataclass(frozen=True)
class SpeechRequest:
    """One part of a text to be spoken. Give a speaker, a voice prompt or an instruct alone for
    preset, clone or design."""

    text: str
    language: str  # BCP 47, lower case; never "auto": the service has decided
    speaker: str | None = None
    voice_prompt: VoicePrompt | None = None
    instruct: str = ""  # how to speak; for design, the description of the voice
    speed: float = 1.0  # 2.0 is twice as fast
    sampling: SamplingParams = SamplingParams()
    options: Mapping[str, float] = field(default_factory=dict)  # keys of EngineInfo.options
    model: str = ""  # the key that is loaded, for engines that have models


@dataclass(frozen=True)
class WordTiming:
    """A word as it stands in the text; `start` and `end` in seconds from the request's start."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class PhonemeTiming:
    """A phoneme (IPA); `start` and `end` in seconds from the request's start."""

    symbol: str
    start: float
    end: float


@dataclass(frozen=True)
class SpeechChunk:
    """A piece of the sound, in order, with the timings that became known with it."""

    audio: Audio
    words: tuple[WordTiming, ...] = ()
    phonemes: tuple[PhonemeTiming, ...] = ()
    cut_off: bool = False  # on the last chunk: the engine ran into its limit instead of ending


@dataclass(frozen=True)
class EngineInfo:
    """What an engine says of itself without being loaded."""

    id: str
    label: str
    license: str  # SPDX where it has one
    description: str  # one honest sentence, shown wherever the engine is chosen
    capabilities: frozenset[Capability]
    languages: Mapping[str, str]  # BCP 47 code -> name in English
    sample_rate: int  # Hz
    options: tuple[Option, ...] = ()
    sampling: Sampling | None = None
    model_keys: tuple[str, ...] = ()  # of studio.models.registry; empty: needs no download
    phonemes: str = ""  # how it takes phonemes within a text: "espeak" for [[...]]; "": not at all
    stress_marks: bool = True  # False: an acute on the stressed vowel spoils its speech
    embedded: bool = False  # small and always there: stays loaded beside other engines
    #: Characters that it speaks well at once, by language; texts are divided accordingly.
    part_characters: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class EngineFolders:
    """Where an engine finds and keeps things; every engine is made with one of these."""

    cache: Path  # what it can make again, such as prepared voices
    models: ModelFolders  # downloaded weights


@dataclass(frozen=True)
class Placement:
    """Where and how a neural engine runs; `engines.devices.choose` makes it."""

    device: str  # for torch: "cpu", "cuda:0", "mps"
    dtype: str  # "float32", "bfloat16", "float16", or "int8" for weights quantised to 8 bits
    attention: str = "sdpa"  # or "flash_attention_2", "eager"
    reason: str = ""  # why these, in a sentence for people
    warning: str = ""  # what the person should know of it, such as a slow device


@runtime_checkable
class Phonemizer(Protocol):
    """What a speech engine can do besides, where it knows how words are spoken."""

    def phonemes(
        self, texts: Sequence[str], language: str, control: Control
    ) -> tuple[tuple[str, ...] | None, ...]:
        """The IPA phonemes of each text, without stress; "" between clauses. None for a text that it
        cannot read. Raises NotFound for a language there is not, EngineFailed, Cancelled."""


class SpeechEngine(Protocol):
    """A speech engine. Only `engines.manager` calls it; the calls that need it loaded come one at a
    time, `info`, `speakers` and `design` from any thread."""

    @property
    def info(self) -> EngineInfo: ...

    @property
    def is_loaded(self) -> bool: ...

    @property
    def loaded_model(self) -> str:
        """The key of the model that is loaded; "" when none is, or the engine has no models."""

    def models(self, mode: Capability) -> tuple[ModelChoice, ...]:
        """The models that can serve `mode`, the best first, installed or not; empty for an engine
        that needs none. Works without being loaded."""

    def load(self, placement: Placement, model: str) -> None:
        """Get `model` (of `models`; "" where there are none) ready to speak, in place of what was
        loaded; what both need may stay in memory. Raises EngineFailed with a remedy when it cannot."""

    def unload(self) -> None:
        """Give the memory back; harmless when not loaded."""

    def speakers(self) -> tuple[Speaker, ...]:
        """The voices of its own, the recommended ones first. Works without being loaded."""

    def create_voice_prompt(
        self,
        ref_audio: Path,
        ref_text: str,
        language: str,
        x_vector_only: bool,
        control: Control,
        more: tuple[Path, ...] = (),
    ) -> VoicePrompt:
        """Prepare a recording (any file the audio layer reads) for cloning; `more` are further
        recordings of the same voice. What an engine does not use of it stands in the prompt's
        notes. Engines without Capability.CLONE raise BadInput."""

    def design(self, description: str) -> Mapping[str, float]:
        """The options that `description` stands for, to be shown and adjusted; empty where the
        engine understands the words itself. Engines without Capability.DESIGN raise BadInput."""

    def understood(self, description: str) -> tuple[str, ...]:
        """The words of `description` that `design` made something of, as they were written."""

    def stream(self, request: SpeechRequest, control: Control) -> Iterator[SpeechChunk]:
        """Speak one part, chunk by chunk. Closing the iterator stops it; so does the control,
        with Cancelled."""
