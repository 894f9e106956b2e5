"""The talker of Qwen3-TTS in training: from a batch to its losses.

The fine-tuning script that comes with the model shifts the labels of the talker and those of the code
predictor twice, and hands the predictor the hidden state that has heard the frame already; speech then
gets faster with each epoch. Here each position is asked for what follows it, and each frame is predicted
from the state before it, as in `generate`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.families.qwen_layout import NOT_ASKED, NOTHING, LaidOut

#: What the codes 1 to 15 count beside the first one (fine-tuning guide of Qwen3-TTS).
_PREDICTOR_SHARE = 0.3


class TrainedTalker(nn.Module):
    """`talker` is the Qwen3TTSTalkerForConditionalGeneration of a base model, with adapters or without.

    Its weights are named as in the model's file.
    """

    def __init__(self, talker: Any) -> None:
        super().__init__()
        self.talker = talker

    def forward(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The losses of a batch of `batch_of`: "talker" is the mean cross-entropy of first codes and ends,
        "predictor" that of the other codes, "loss" the total."""
        hidden = self.hidden(batch)
        talker = self._talker_loss(hidden, batch["targets"])
        predictor = self._predictor_loss(hidden, batch["codes"])
        return {
            "loss": talker + _PREDICTOR_SHARE * predictor,
            "talker": talker.detach(),
            "predictor": predictor.detach(),
        }

    def hidden(self, batch: Mapping[str, Tensor]) -> Tensor:
        """[B, L, hidden]: the talker's states. Padding stands at the end, where nothing that counts can
        attend to it, so that attention needs no mask."""
        state: Tensor = self.talker.model(
            inputs_embeds=self.embeds(batch), use_cache=False
        ).last_hidden_state
        return state

    def embeds(self, batch: Mapping[str, Tensor]) -> Tensor:
        """[B, L, hidden]: what the talker reads, the sum of text, codes and voice."""
        talker = self.talker
        codec, codes = batch["codec"], batch["codes"]
        embeds: Tensor = talker.text_projection(talker.model.text_embedding(batch["text"]))
        embeds = embeds + _looked_up(talker.model.codec_embedding, codec)
        for group, embedding in enumerate(talker.code_predictor.model.codec_embedding, 1):
            embeds = embeds + _looked_up(embedding, codes[..., group])
        places = torch.arange(codec.shape[1], device=codec.device)
        is_voice = (places == batch["voice_at"][:, None])[..., None]
        return torch.where(is_voice, embeds + batch["x_vectors"][:, None].to(embeds.dtype), embeds)

    def _talker_loss(self, hidden: Tensor, targets: Tensor) -> Tensor:
        asked = targets != NOT_ASKED
        head = self.talker.codec_head
        logits = head(hidden[asked].to(head.weight.dtype))
        return functional.cross_entropy(logits.float(), targets[asked])

    def _predictor_loss(self, hidden: Tensor, codes: Tensor) -> Tensor:
        follows = codes[:, 1:, 0] != NOTHING
        codes = codes[:, 1:][follows]  # [frames, 16]
        talker, predictor = self.talker, self.talker.code_predictor
        known = [talker.model.codec_embedding(codes[:, 0])]
        for group, embedding in enumerate(list(predictor.model.codec_embedding)[:-1], 1):
            known.append(embedding(codes[:, group]))
        embeds = torch.stack([hidden[:, :-1][follows], *known], 1)
        logits = predictor.forward_finetune(inputs_embeds=embeds, use_cache=False).logits
        return functional.cross_entropy(logits.float().flatten(0, 1), codes[:, 1:].flatten())


def _looked_up(embedding: nn.Module, codes: Tensor) -> Tensor:
    """Nought where there is no code."""
    vectors: Tensor = embedding(codes.clamp(min=0))
    return vectors * (codes != NOTHING)[..., None]


def batch_of(clips: Sequence[LaidOut], x_vectors: Sequence[Tensor], padding: int) -> dict[str, Tensor]:
    """What `TrainedTalker` takes, padded at the end with `padding` as text: text, codec, targets [B, L]
    and codes [B, L, 16], all int64, x_vectors [B, hidden], voice_at and lengths [B]."""

    def padded(parts: Sequence[Tensor], value: int) -> Tensor:
        return nn.utils.rnn.pad_sequence(list(parts), batch_first=True, padding_value=value)

    return {
        "text": padded([clip.text for clip in clips], padding),
        "codec": padded([clip.codec for clip in clips], NOTHING),
        "codes": padded([clip.codes for clip in clips], NOTHING),
        "targets": padded([clip.targets for clip in clips], NOT_ASKED),
        "voice_at": torch.tensor([clip.voice for clip in clips]),
        "x_vectors": torch.stack(list(x_vectors)),
        "lengths": torch.tensor([len(clip.text) for clip in clips]),
    }
