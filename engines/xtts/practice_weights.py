"""The random weights of the practice model, and what in them is set by hand: speech ends by itself,
after a time that grows with the text, and the sound has the loudness of speech."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engines.xtts.package import coqui

#: How much longer speech gets with each character, in tokens of 46 ms.
_TOKENS_PER_CHARACTER = 1.1
#: How far the speech must have run beyond that before its end becomes likely, in tokens.
_HEAD_START = 2.0
_RMS = 0.04  # of the practice sound in a middling voice, of full scale; others are louder

#: In the hidden states: a constant in every position and its opposite; what counts towards the end; the
#: mean of that over all positions; and nothing, against which both are read, since normalising moves
#: all of them alike.
_CONSTANT, _OPPOSITE, _COUNT, _MEAN, _ZERO = 0, 1, 2, 3, 4
_RESERVED = slice(0, 5)
_LEVEL = 24.0  # of the constant: it dominates, so that normalising hardly changes the count
_GAIN = 600.0  # from the mean of the count to the logit of the end

#: Larger tensors of the parts whose size is fixed are views of one short row of random numbers, which
#: is all that is saved of them.
_LARGE = 4_096
_SHARED = 65_537
_STRIDES = (1, 13, 5, 3)


def make_model(config: Any, vocabulary: Path, seed: int) -> tuple[Any, dict[str, Tensor]]:
    """An Xtts with random weights, and these as they are to be saved."""
    xtts = coqui()
    with _seeded(seed), torch.no_grad():
        model = xtts.Xtts(config)
        model.tokenizer = xtts.VoiceBpeTokenizer(vocab_file=str(vocabulary))
        model.init_models()
        model.train(False)
        for name, weight in model.gpt.named_parameters():
            # The published initialisation of 0.02 is too flat for so small a network.
            if weight.dim() == 2 and not name.startswith("conditioning"):
                weight.normal_(0, 0.3 if "embedding" in name else min(weight.shape) ** -0.5)
        _let_speech_end(model)
        decoder = {f"hifigan_decoder.{name}" for name, _ in model.hifigan_decoder.named_parameters()}
        weights = _compact(model.state_dict(), decoder)
        model.load_state_dict(weights)
        _set_loudness(model)
        last = "hifigan_decoder.waveform_decoder.conv_post.weight"
        weights[last] = model.state_dict()[last]
    return model, weights


def make_voices(model: Any, names: Iterable[str], seed: int) -> dict[str, dict[str, Tensor]]:
    """Random voices as in speakers_xtts.pth; the order of the two entries of each matters there."""
    made = {}
    with _seeded(seed):
        for name in names:
            manner = torch.randn(1, 1, model.args.gpt_n_model_channels)
            manner[..., _RESERVED] = 0.0
            timbre = torch.nn.functional.normalize(torch.randn(1, 512, 1), dim=1)
            # The same in all 32 places, which is saved as one.
            made[name] = {"gpt_cond_latent": manner.expand(1, 32, -1), "speaker_embedding": timbre}
    return made


def make_dvae(seed: int) -> tuple[dict[str, Tensor], Tensor]:
    """The weights of a DiscreteVAE as XTTS is trained with, and the norms [80] of its mels."""
    dvae = coqui("TTS.tts.layers.xtts.dvae")
    with _seeded(seed):
        model = dvae.DiscreteVAE(
            channels=80,
            normalization=None,
            positional_dims=1,
            num_tokens=1024,
            codebook_dim=512,
            hidden_dim=512,
            num_resnet_blocks=3,
            kernel_size=3,
            num_layers=2,
            use_transposed_convs=False,
        )
        names = {name for name, _ in model.named_parameters()} | {"codebook.embed", "codebook.embed_avg"}
        return _compact(model.state_dict(), names), torch.full((80,), -3.0)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Random numbers from `seed` inside the block, as if none had been drawn after it."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _let_speech_end(model: Any) -> None:
    """Make the end of speech likely once there are as many tokens as suit the text.

    Each position counts: an audio token +1, a character -1.1, the begin of speech -2. The first layer's
    first head takes the mean over all positions, and the head for audio turns it into the logit of the
    end. Five dimensions of the hidden states are kept free for that.
    """
    gpt, args = model.gpt, model.args
    for embedding in (gpt.text_embedding, gpt.mel_embedding):
        embedding.weight[:, _RESERVED] = 0.0
        embedding.weight[:, _CONSTANT] = _LEVEL
        embedding.weight[:, _OPPOSITE] = -_LEVEL
    for positions in (gpt.text_pos_embedding.emb, gpt.mel_pos_embedding.emb):
        positions.weight[:, _RESERVED] = 0.0
    gpt.conditioning_perceiver.norm.gamma[_RESERVED] = 0.0
    gpt.text_embedding.weight[:, _COUNT] = -_TOKENS_PER_CHARACTER
    gpt.text_embedding.weight[[args.gpt_start_text_token, args.gpt_stop_text_token], _COUNT] = 0.0
    gpt.mel_embedding.weight[:, _COUNT] = 1.0
    gpt.mel_embedding.weight[gpt.start_audio_token, _COUNT] = -_HEAD_START

    for block in gpt.gpt.h:
        for out in (block.attn.c_proj, block.mlp.c_proj):  # weights are [in, out]
            out.weight[:, _RESERVED] = 0.0
            out.bias[_RESERVED] = 0.0
    attention, width = gpt.gpt.h[0].attn, gpt.model_dim
    attention.c_attn.weight[:, : width // gpt.heads] = 0.0  # looks at all positions alike
    attention.c_attn.weight[:, 2 * width] = 0.0
    attention.c_attn.weight[_COUNT, 2 * width] = 1.0
    attention.c_attn.weight[_ZERO, 2 * width] = -1.0
    attention.c_proj.weight[0] = 0.0
    attention.c_proj.weight[0, _MEAN] = 1.0

    # The decoder hears what follows, and is not to hear the constants.
    gpt.final_norm.weight.fill_(_LEVEL / 6)
    gpt.final_norm.weight[_RESERVED] = 0.0
    gpt.final_norm.weight[[_MEAN, _ZERO]] = 1.0
    head = gpt.mel_head
    head.weight[:, _RESERVED] = 0.0
    head.weight[gpt.stop_audio_token] = 0.0
    head.weight[gpt.stop_audio_token, _MEAN] = _GAIN
    head.weight[gpt.stop_audio_token, _ZERO] = -_GAIN
    head.bias.zero_()


def _set_loudness(model: Any) -> None:
    decoder = model.hifigan_decoder
    states = torch.randn(1, 4, model.args.decoder_input_dim)
    states[..., _RESERVED] = 0.0
    voice = torch.nn.functional.normalize(torch.randn(1, 512, 1), dim=1)
    last = decoder.waveform_decoder.conv_post
    last.weight -= last.weight.mean(2, keepdim=True)  # no constant, which nobody hears
    for _ in range(4):  # the sound is bent to [-1, 1], so once is not enough
        last.weight *= _RMS / decoder(states, g=voice).square().mean().sqrt()


def _compact(weights: Mapping[str, Tensor], names: Iterable[str]) -> dict[str, Tensor]:
    """`weights` with the large ones of `names` as views of a short row of random numbers with about
    the same spread. Never mel filters and windows, which are no parameters."""
    row = torch.randn(_SHARED)
    scaled: dict[float, Tensor] = {}
    made = dict(weights)
    for name in names:
        weight = made[name]
        if weight.numel() > _LARGE:
            spread = 2.0 ** round(float(weight.std().clamp(min=1e-6).log2()))  # so that few rows do
            values = scaled.setdefault(spread, row * spread)
            made[name] = values.as_strided(tuple(weight.shape), _STRIDES[: weight.dim()])
    return made
