"""The random weights of practice models, and the two things in them that are set by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from engines.qwen.package import qwen_tts_package

#: How much longer speech gets with each piece of text, in frames of 80 ms. Above 1, because the
#: talker hears of one piece a frame when it clones.
_FRAMES_PER_PIECE = 1.1
#: How far the speech must have run beyond that before its end becomes likely, in frames.
_HEAD_START = 2.0
#: Of the practice codec's sound, of full scale.
_RMS = 0.1

#: Of the first codebook, the practice codec's encoder uses the lower half and the talker draws from
#: the upper half only, so that frames of a reference do not count as speech that was spoken.
_FIRST_SPOKEN = 1024
_CODES = 2048

#: In the talker's hidden states: 1 in every position, what counts towards the end, and its mean.
_CONSTANT, _COUNT, _MEAN = 0, 1, 2
_LEVEL = 24.0  # of the constant: it dominates, so that normalising hardly changes the count
_GAIN = 600.0  # from the mean of the count to the logit of the end


def make_talker(config: Mapping[str, Any], spoken: Sequence[int], seed: int) -> Any:
    """A Qwen3TTSForConditionalGeneration with random weights; `spoken` are the ids of text."""
    import torch

    qwen_tts_package()
    from qwen_tts.core.models import Qwen3TTSConfig, Qwen3TTSForConditionalGeneration

    with _seeded(seed), torch.no_grad():
        model = Qwen3TTSForConditionalGeneration(Qwen3TTSConfig(**config)).eval()
        for name, weight in model.named_parameters():
            # The published initialisation of 0.02 is too flat for so small a network.
            if weight.dim() > 1 and not name.startswith("speaker_encoder"):
                weight.normal_(0, 0.3 if "embed" in name else weight.shape[-1] ** -0.5)
        _let_speech_end(model.talker, spoken, clones=config["tts_model_type"] == "base")
        _let_voices_differ(model)
    return model


def make_codec(config: Mapping[str, Any], seed: int) -> Any:
    """A Qwen3TTSTokenizerV2Model with random weights whose sound is about as loud as speech."""
    import torch

    qwen_tts_package()
    from qwen_tts.core import Qwen3TTSTokenizerV2Config, Qwen3TTSTokenizerV2Model

    with _seeded(seed), torch.no_grad():
        codec = Qwen3TTSTokenizerV2Model(Qwen3TTSTokenizerV2Config(**config)).eval()
        for name, values in codec.state_dict().items():
            if name.endswith(("embed_sum", "embedding_sum")):
                values.normal_()  # the codebooks are empty at first
            elif name.endswith((".scale", ".gamma")):
                values.fill_(0.5)  # so that the layers behind them are heard
        first = codec.encoder.quantizer.semantic_residual_vector_quantizer.layers[0].codebook
        first.embed_sum[_FIRST_SPOKEN:] = 1e4  # too far away to be chosen
        _set_loudness(codec.decoder)
    return codec


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Random numbers from `seed` inside the block, as if none had been drawn after it."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _let_speech_end(talker: Any, spoken: Sequence[int], clones: bool) -> None:
    """Make the end of speech likely once there are as many frames as suit the text.

    Each position counts: a frame +1, a piece of text -1.1, the begin of speech -2. The first layer's
    first head takes the mean over all positions, and the head for codes turns it into the logit of
    the end. Three dimensions of the hidden states are kept free for that.

    When it clones, the talker hears the text beside the frames, so there the text itself counts; else
    the text stands before them beside padding codes, and those count: instructions have none.
    """
    reserved = slice(0, 3)
    config = talker.config
    talker.model.text_embedding.weight[:, 0] = 0.0
    talker.model.text_embedding.weight[list(spoken), 0] = 1.0
    into, out = talker.text_projection.linear_fc1, talker.text_projection.linear_fc2
    into.weight[0] = 0.0
    into.bias[0] = 0.0
    into.weight[0, 0] = 8.0  # SiLU leaves 8 as it is, nearly
    out.weight[reserved] = 0.0
    out.bias[reserved] = 0.0
    if clones:
        out.weight[_COUNT, 0] = -_FRAMES_PER_PIECE / 8.0
    out.bias[_CONSTANT] = _LEVEL  # every position has one projected text token, if only padding

    codes = talker.model.codec_embedding.weight
    codes[:, reserved] = 0.0
    codes[_FIRST_SPOKEN:_CODES, _COUNT] = 1.0
    codes[config.codec_bos_id, _COUNT] = -_HEAD_START
    if not clones:
        codes[config.codec_pad_id, _COUNT] = -_FRAMES_PER_PIECE
    for embedding in talker.code_predictor.get_input_embeddings():
        embedding.weight[:, reserved] = 0.0

    for layer in talker.model.layers:
        layer.self_attn.o_proj.weight[reserved] = 0.0
        layer.mlp.down_proj.weight[reserved] = 0.0
    attention = talker.model.layers[0].self_attn
    attention.q_proj.weight[: config.head_dim] = 0.0  # looks at all positions alike
    attention.v_proj.weight[0] = 0.0
    attention.v_proj.weight[0, _COUNT] = 1.0
    attention.o_proj.weight[_MEAN] = 0.0
    attention.o_proj.weight[_MEAN, 0] = 1.0

    head = talker.codec_head.weight
    head *= 3.0  # so that some codes are clearly likelier than others
    head[:, reserved] = 0.0
    head[:_FIRST_SPOKEN, _CONSTANT] = -20.0
    head[config.codec_eos_token_id] = 0.0
    head[config.codec_eos_token_id, _MEAN] = _GAIN


def _let_voices_differ(model: Any) -> None:
    """A voice is one position among many: it must be strong to be heard in so small a network."""
    speakers = list(model.config.talker_config.spk_id.values())
    model.talker.model.codec_embedding.weight[speakers] *= 10.0
    if model.speaker_encoder is not None:
        last = model.speaker_encoder.fc
        last.weight *= 200.0
        last.weight[:3] = 0.0  # where the speech is counted
        last.bias[:] = 0.0


def _set_loudness(decoder: Any) -> None:
    import torch

    codes = torch.randint(0, _CODES, (1, decoder.config.num_quantizers, 20))
    last = decoder.decoder[-1].conv
    last.bias -= decoder(codes).mean()
    for _ in range(4):  # the sound is clipped to [-1, 1], so once is not enough
        scale = _RMS / decoder(codes).std()
        last.weight *= scale
        last.bias *= scale
