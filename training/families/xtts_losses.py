"""XTTS's language model in training: from a batch to its losses.

It learns on what it is spoken with: the voice's 32 states, the text between its start and stop, the codes.
coqui-tts's own forward masks the text's stop, which its generation attends to, asks for the end of speech
four times, and pads texts and codes each for themselves. Here the parts of a clip stand one right
after another, so that only the ends of shorter clips are padding; nothing before can attend to it, so
attention needs no mask.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from training.families.xtts_clips import EncodedClip, spectrogram

#: States that a voice takes (the perceiver of XTTS v2).
VOICE_STATES = 32
#: Besides voice, text and codes a clip has the start and stop of its text and the start of its codes.
_MARKS = 3

#: What the text counts beside the codes (Coqui's recipe: gpt_loss_text_ce_weight).
_TEXT_SHARE = 0.01


class XttsLosses(nn.Module):
    """`gpt` is the TTS.tts.layers.xtts.gpt.GPT of a model, with adapters or without; its weights are
    named as in a published model.pth. `mel_norms` [80] as the model has them."""

    def __init__(self, gpt: Any, mel_norms: Tensor, dtype: torch.dtype) -> None:
        super().__init__()
        self.gpt = gpt
        self._dtype = dtype
        self._spectrogram = spectrogram(mel_norms, filter_length=2048)

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The losses of a batch of `batch_of`: "text" and "mel" are the mean cross-entropies of text tokens
        and of codes, the stop of each included; "loss" is the total."""
        with self.precision():
            states, text_ids, code_ids = self.states(batch)
            text, mel = [], []
            for row, ids, codes in zip(states, text_ids, code_ids, strict=True):
                first = VOICE_STATES
                text.append(row[first : first + len(ids) - 1])  # each is asked for what follows it
                first += len(ids)
                mel.append(row[first : first + len(codes) - 1])
            text_logits = self.gpt.text_head(torch.cat(text)).float()
            mel_logits = self.gpt.mel_head(torch.cat(mel)).float()
        text_loss = functional.cross_entropy(text_logits, torch.cat([ids[1:] for ids in text_ids]))
        mel_loss = functional.cross_entropy(mel_logits, torch.cat([ids[1:] for ids in code_ids]))
        return {
            "loss": _TEXT_SHARE * text_loss + mel_loss,
            "text": text_loss.detach(),
            "mel": mel_loss.detach(),
        }

    def states(self, batch: Mapping[str, Tensor]) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """The states [B, L, dim] of voice, text and codes, and of each clip the text's tokens and the codes,
        both between their start and stop. The last stop is only asked for."""
        gpt = self.gpt
        text_ids = [
            _between(gpt.start_text_token, ids, gpt.stop_text_token)
            for ids in _unpadded(batch["text"], batch["text_lengths"])
        ]
        code_ids = [
            _between(gpt.start_audio_token, ids, gpt.stop_audio_token)
            for ids in _unpadded(batch["codes"], batch["code_lengths"])
        ]
        voices = self._voices(batch["voices"])
        joined = []
        for voice, text, codes in zip(voices, text_ids, code_ids, strict=True):
            text, codes = text[None], codes[None, :-1]
            read = gpt.text_embedding(text) + gpt.text_pos_embedding(text)
            spoken = gpt.mel_embedding(codes) + gpt.mel_pos_embedding(codes)
            joined.append(torch.cat((voice, read[0], spoken[0])))
        embeds = pad_sequence(joined, batch_first=True)
        hidden = gpt.gpt(inputs_embeds=embeds, use_cache=False).last_hidden_state
        return gpt.final_norm(hidden), text_ids, code_ids

    def precision(self) -> AbstractContextManager[Any]:
        """What to calculate in where frozen weights have 16 bits."""
        if self._dtype == torch.float32:
            return nullcontext()
        return torch.autocast(next(self.parameters()).device.type, self._dtype)

    def _voices(self, sounds: Tensor) -> Tensor:
        """[B, 32, dim]: what the model hears of sounds [B, n] at 22,050 Hz."""
        with torch.autocast(sounds.device.type, enabled=False):
            mels = self._spectrogram(sounds)
        voices: Tensor = self.gpt.get_style_emb(mels).transpose(1, 2)
        return voices


def batch_of(clips: Sequence[EncodedClip], sounds: Sequence[Tensor]) -> dict[str, Tensor]:
    """What `XttsLosses` takes: text [B, n] and codes [B, m], padded, with their lengths [B], all int64, and
    voices [B, samples] float32, which all have one length."""
    return {
        "text": pad_sequence([clip.text for clip in clips], batch_first=True),
        "text_lengths": torch.tensor([len(clip.text) for clip in clips]),
        "codes": pad_sequence([clip.codes for clip in clips], batch_first=True),
        "code_lengths": torch.tensor([len(clip.codes) for clip in clips]),
        "voices": torch.stack(list(sounds)),
    }


def padding(batch: Mapping[str, Tensor]) -> float:
    """The share of the steps of a batch of `batch_of` that is padding, in [0, 1]."""
    lengths = batch["text_lengths"] + batch["code_lengths"] + VOICE_STATES + _MARKS
    return 1 - float(lengths.sum()) / (len(lengths) * int(lengths.max()))


def _unpadded(padded: Tensor, lengths: Tensor) -> list[Tensor]:
    return [row[:length] for row, length in zip(padded, lengths.tolist(), strict=True)]


def _between(start: int, ids: Tensor, stop: int) -> Tensor:
    return functional.pad(functional.pad(ids, (1, 0), value=start), (0, 1), value=stop)
