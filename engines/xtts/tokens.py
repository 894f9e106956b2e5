"""XTTS's language model, token by token.

This loop takes the place of the package's `generate_stream`. It draws from a generator of its own, so
that nothing global is seeded, and needs no `gpt_inference` beside the model. Under the same seed the
tokens are those of `Xtts.inference_stream`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from engines.drawing import Draw, penalised, pick

#: What the package fills the places of the prompt with; so this token counts as spoken already.
_FILLER = 1


@dataclass(frozen=True)
class TokenSampling:
    """How a part is drawn. The defaults are those of the published config.json."""

    draw: Draw = field(default_factory=lambda: Draw(temperature=0.75, top_k=50, top_p=0.85))
    repetition_penalty: float = 5.0
    max_tokens: int = 602  # 21.5 a second
    seed: int = 0


class TokenLoop:
    """Speaks one part after another with a GPT (TTS.tts.layers.xtts.gpt), or one under adapters, on
    the device where that is."""

    def __init__(self, gpt: Any) -> None:
        self._gpt = gpt
        #: Whether the last part ended because it had as many tokens as it may.
        self.cut_off = False

    @property
    def most_tokens(self) -> int:
        """How many a part can have."""
        return int(self._gpt.max_gen_mel_tokens)

    @torch.inference_mode()
    def latents(
        self,
        conditioning: Tensor,
        text: Tensor,
        sampling: TokenSampling,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Iterator[Tensor]:
        """The state [1, dim] of each token, the end included, as soon as it is drawn.

        `conditioning`: [1, 32, dim] of the voice; `text`: ids [1, n]. `should_stop` is asked before
        each token.
        """
        from transformers import DynamicCache

        gpt, cache = self._gpt, DynamicCache()
        self.cut_off = False
        device = text.device
        generator = torch.Generator(device).manual_seed(sampling.seed)
        seen = torch.zeros(gpt.num_audio_tokens, dtype=torch.bool, device=device)
        seen[[_FILLER, gpt.start_audio_token]] = True
        token = torch.tensor([[gpt.start_audio_token]], device=device)
        embedded = torch.cat((self._prompt(conditioning, text), self._embedded(token, 0)), 1)
        for position in range(1, min(sampling.max_tokens, self.most_tokens) + 1):
            if should_stop():
                return
            hidden = gpt.gpt(inputs_embeds=embedded, past_key_values=cache, use_cache=True)[0]
            state = gpt.final_norm(hidden[:, -1])
            drawn = self._draw(gpt.mel_head(state)[0].float(), seen, sampling, generator)
            yield state
            if drawn == gpt.stop_audio_token:
                return
            embedded = self._embedded(drawn.view(1, 1), position)
        self.cut_off = True

    def _prompt(self, conditioning: Tensor, text: Tensor) -> Tensor:
        """[1, 32 + n + 2, dim]: the voice, then the text between its own start and stop."""
        gpt = self._gpt
        text = torch.nn.functional.pad(text, (1, 0), value=gpt.start_text_token)
        text = torch.nn.functional.pad(text, (0, 1), value=gpt.stop_text_token)
        return torch.cat((conditioning, gpt.text_embedding(text) + gpt.text_pos_embedding(text)), 1)

    def _embedded(self, token: Tensor, position: int) -> Tensor:
        """[1, 1, dim] of an audio token [1, 1] at `position` of its part."""
        where = self._gpt.mel_pos_embedding.get_fixed_embedding(position, token.device)
        embedded: Tensor = self._gpt.mel_embedding(token) + where
        return embedded

    @staticmethod
    def _draw(
        logits: Tensor, seen: Tensor, sampling: TokenSampling, generator: torch.Generator
    ) -> Tensor:
        """One token [] int64 from `logits` [V]; `seen` [V] bool learns of it."""
        if sampling.repetition_penalty != 1.0:
            logits = penalised(logits, seen, sampling.repetition_penalty)
        noise = None
        if not sampling.draw.greedy:
            noise = torch.empty_like(logits).exponential_(generator=generator)
        drawn = pick(logits, sampling.draw, noise)
        seen[drawn] = True
        return drawn
