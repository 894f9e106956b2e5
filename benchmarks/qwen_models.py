"""Models of Qwen3-TTS to measure, and what is put into them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_PROMPT, _TRAILING = 40, 30  # positions of a prompt, and of the text after it


def prompt_of(talker: Any) -> Any:
    """A prompt of the talker's own embeddings, in its dtype."""
    import torch

    from engines.qwen.talker import TalkerInput

    embed = talker.model.codec_embedding
    codes = torch.arange(_PROMPT + _TRAILING + 1) * 7
    with torch.inference_mode():
        embeds = embed(codes)[None]
    return TalkerInput(*embeds.split((_PROMPT, _TRAILING, 1), dim=1))


def random_codes(frames: int) -> Any:
    import torch

    return torch.randint(0, 2048, (frames, 16), generator=torch.Generator().manual_seed(0))


def real_size_models() -> tuple[Any, Any]:
    """A talker and a codec as the published 0.6B model has them, with random weights."""
    import torch
    from transformers.modeling_utils import no_init_weights

    from engines.qwen.configurations import real_codec_config, real_config
    from engines.qwen.package import qwen_tts_package
    from engines.qwen.practice_weights import make_codec

    qwen_tts_package()
    from qwen_tts.core.models import Qwen3TTSConfig
    from qwen_tts.core.models.modeling_qwen3_tts import Qwen3TTSTalkerForConditionalGeneration

    config = real_config("0b6", "base")
    config["talker_config"]["text_vocab_size"] = 64  # no frame reads it
    with no_init_weights():
        talker = Qwen3TTSTalkerForConditionalGeneration(Qwen3TTSConfig(**config).talker_config)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in talker.named_parameters():
            if weight.dim() > 1:
                deviation = 0.3 if "embed" in name else weight.shape[-1] ** -0.5
                weight.normal_(0, deviation, generator=generator)
            else:
                weight.fill_(0.0 if name.endswith("bias") else 1.0)
    return talker.eval(), make_codec(real_codec_config(), seed=0)


def practice_models(folder: Path) -> tuple[Any, Any]:
    """The same of a practice model, which is tiny."""
    from engines.qwen.package import qwen_tts_package
    from engines.qwen.practice import make_practice

    make_practice(folder / "practice", "base")
    model = qwen_tts_package().Qwen3TTSModel.from_pretrained(str(folder / "practice")).model.float()
    return model.talker, model.speech_tokenizer.model.float()


@contextmanager
def one_thread() -> Iterator[None]:
    from engines.devices import torch_module

    torch = torch_module()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
