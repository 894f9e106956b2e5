"""How a clip stands before the talker of Qwen3-TTS: two channels, text and codes, added up by position.

It is what `generate` of the official package builds for the same text, with the clip's own frames where
that would draw them:

    role  think ... language  voice  pad | text and end over pads, begin | frames      the text before
    role  think ... language  voice  pad | begin, frames, each with a piece of text     the text beside

A voice that is cloned is given its text beside the frames, one of a custom_voice model before them. What
is trained here is spoken in both ways, so it learns both. The fine-tuning script of the package knows
only the second and no language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engines.qwen.facts import language_name

#: In the channel of codes: nothing here, as at the role and the voice.
NOTHING = -1
#: Of a position behind which nothing is asked, as torch's cross-entropy takes it.
NOT_ASKED = -100

#: "<|im_start|>assistant\n"
_ROLE = 3
#: Of the longest form, besides text and frames: role, think and language, voice, pad, end and begin.
_AROUND = _ROLE + 4 + 1 + 1 + 2


@dataclass(frozen=True)
class Tokens:
    """The control tokens of a model."""

    text_pad: int
    text_begin: int
    text_end: int
    pad: int
    begin: int
    end: int  # of speech
    think: int
    no_think: int
    think_begin: int
    think_end: int
    languages: Mapping[str, int]  # as the model calls them, lower case
    vocabulary: int  # of first codes and control tokens

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Tokens:
        """From a model's config.json; raises KeyError where that lacks one."""
        talker = config["talker_config"]
        return cls(
            text_pad=config["tts_pad_token_id"],
            text_begin=config["tts_bos_token_id"],
            text_end=config["tts_eos_token_id"],
            pad=talker["codec_pad_id"],
            begin=talker["codec_bos_id"],
            end=talker["codec_eos_token_id"],
            think=talker["codec_think_id"],
            no_think=talker["codec_nothink_id"],
            think_begin=talker["codec_think_bos_id"],
            think_end=talker["codec_think_eos_id"],
            languages=dict(talker["codec_language_id"]),
            vocabulary=talker["vocab_size"],
        )

    def language(self, code: str) -> int | None:
        """The token of a language (BCP 47); None for "": the model is left to tell.

        Raises NotFound for one that Qwen3-TTS does not speak, KeyError for one that this model lacks.
        """
        return self.languages[language_name(code).lower()] if code else None


@dataclass(frozen=True)
class Clip:
    """What of a clip is laid out."""

    text: Tensor  # [3 + n] int64: the role, then what is said
    codes: Tensor  # [T, 16] int64, T at least 1
    language: int | None

    @property
    def steps(self) -> int:
        """Positions of the longer form."""
        return steps(len(self.text), len(self.codes))

    @property
    def fits_beside(self) -> bool:
        """Whether there is a frame for each piece of text and its end."""
        return len(self.text) - _ROLE + 1 <= len(self.codes) + 1


def steps(text: int, frames: int) -> int:
    """Positions of a clip with so many text tokens, the role among them, and frames, at most."""
    return text - _ROLE + frames + _AROUND


@dataclass(frozen=True)
class LaidOut:
    """L positions."""

    text: Tensor  # [L] int64
    codec: Tensor  # [L] int64: control tokens and first codes; NOTHING
    codes: Tensor  # [L, 16] int64; NOTHING where there is no frame
    targets: Tensor  # [L] int64: the first code, or the end, that follows; NOT_ASKED
    voice: int  # the position of the x-vector


def lay_out(clip: Clip, tokens: Tokens, beside: bool) -> LaidOut:
    """`clip` as the talker reads it; with `beside`, which takes a clip that `fits_beside`, each piece of
    its text beside a frame, else all of the text before the frames."""
    role, words = clip.text[:_ROLE].tolist(), clip.text[_ROLE:].tolist()
    first, count = clip.codes[:, 0].tolist(), len(clip.codes)
    thought = [tokens.no_think, tokens.think_begin, tokens.think_end]
    if clip.language is not None:
        thought = [tokens.think, tokens.think_begin, clip.language, tokens.think_end]
    voice = _ROLE + len(thought)
    text = [*role, *[tokens.text_pad] * (len(thought) + 1), tokens.text_begin]
    codec = [*[NOTHING] * _ROLE, *thought, NOTHING, tokens.pad]
    said = [*words, tokens.text_end]
    if beside:
        text += said + [tokens.text_pad] * (count + 1 - len(said))
        codec.append(tokens.begin)
    else:
        text += said + [tokens.text_pad] * (count + 1)
        codec += [tokens.pad] * len(said) + [tokens.begin]
    before = len(codec)
    codec += first
    return LaidOut(
        torch.tensor(text),
        torch.tensor(codec),
        torch.cat((torch.full((before, clip.codes.shape[1]), NOTHING), clip.codes)),
        torch.tensor([NOT_ASKED] * (before - 1) + first + [tokens.end]),
        voice,
    )
