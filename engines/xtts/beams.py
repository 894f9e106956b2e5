"""Several readings of a text followed at once, and the likeliest taken: the package's beam search.

It gives nothing before it has finished, so such a part is not streamed.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from engines.xtts.facts import TOKEN_S
from engines.xtts.tokens import TokenSampling
from studio.control import Control


@torch.inference_mode()
def latents(
    model: Any,
    conditioning: Tensor,
    text: Tensor,
    sampling: TokenSampling,
    beams: int,
    length_penalty: float,
    control: Control,
) -> tuple[Tensor, bool]:
    """The states [n, dim] of the likeliest of `beams` readings, as `Xtts.inference` has them, and
    whether it ran into its limit. Raises Cancelled within a token."""
    gpt, draw = model.gpt, sampling.draw
    drawn: dict[str, Any] = {"do_sample": False}
    if not draw.greedy:
        drawn = {
            "do_sample": True,
            "temperature": draw.temperature,
            "top_k": draw.top_k,
            "top_p": draw.top_p,
        }
    codes = _codes(
        model,
        conditioning,
        text,
        sampling,
        control,
        num_beams=beams,
        length_penalty=length_penalty,
        repetition_penalty=sampling.repetition_penalty,
        **drawn,
    )
    states: Tensor = gpt(
        text,
        torch.tensor([text.shape[1]], device=text.device),
        codes,
        torch.tensor([codes.shape[1] * gpt.code_stride_len], device=text.device),
        cond_latents=conditioning,
        return_latent=True,
    )
    return states[0], bool((codes != gpt.stop_audio_token).all())


def _codes(
    model: Any, conditioning: Tensor, text: Tensor, sampling: TokenSampling, control: Control, **how: Any
) -> Tensor:
    """The audio tokens [1, n]. transformers draws from the global generator, which is left as it was."""
    gpt = model.gpt
    cuda = [conditioning.device] if conditioning.device.type == "cuda" else []
    gpt.init_gpt_for_inference()
    # The package names the number of positions here, and beam search counts by it.
    gpt.gpt_inference.config.vocab_size = gpt.num_audio_tokens
    try:
        with torch.random.fork_rng(devices=cuda):
            torch.manual_seed(sampling.seed)
            prompt = gpt.compute_embeddings(conditioning, text)
            most = min(sampling.max_tokens, gpt.max_gen_mel_tokens)
            drawn: Tensor = gpt.gpt_inference.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                bos_token_id=gpt.start_audio_token,
                pad_token_id=gpt.stop_audio_token,
                eos_token_id=gpt.stop_audio_token,
                max_length=prompt.shape[1] + most,
                stopping_criteria=[_Watch(control, prompt.shape[1])],
                **how,
            )
        return drawn[:, prompt.shape[1] :]
    finally:
        del gpt.gpt_inference, gpt.gpt.wte


class _Watch:
    """A stopping criterion that never stops, but hears of a cancel and tells how far it is."""

    def __init__(self, control: Control, begin: int) -> None:
        self._control, self._begin = control, begin

    def __call__(self, ids: Tensor, scores: Any, **others: Any) -> Tensor:
        seconds = (ids.shape[1] - self._begin) * TOKEN_S
        self._control.progress(f"following the readings, {seconds:.0f} s")
        return torch.zeros(ids.shape[0], dtype=torch.bool, device=ids.device)
