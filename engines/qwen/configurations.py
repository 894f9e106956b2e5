"""How the published models are built: what their config.json files say.

From the model cards at https://huggingface.co/Qwen and qwen-tts 0.1.1. Tests and benchmarks make
models of these sizes without weights; practice models are the same with smaller numbers.
"""

from __future__ import annotations

from typing import Any

#: Numbers in the published weights, which their files' sizes confirm. The speaker encoder, which
#: only the base models have, comes on top; the codec's include the buffers of its codebooks.
PARAMETERS = {"0b6": 905_788_672, "1b7": 1_916_676_352}
SPEAKER_ENCODER_PARAMETERS = {"0b6": 8_854_336, "1b7": 12_001_088}
CODEC_PARAMETERS = 170_557_441

#: Speaker -> id of its embedding, in a custom_voice model.
SPEAKER_IDS = {
    "serena": 3066,
    "vivian": 3065,
    "uncle_fu": 3010,
    "ryan": 3061,
    "aiden": 2861,
    "ono_anna": 2873,
    "sohee": 2864,
    "eric": 2875,
    "dylan": 2878,
}
_DIALECTS = {"eric": "sichuan_dialect", "dylan": "beijing_dialect"}

_LANGUAGE_IDS = {
    "chinese": 2055,
    "english": 2050,
    "german": 2053,
    "italian": 2070,
    "portuguese": 2071,
    "spanish": 2054,
    "japanese": 2058,
    "korean": 2064,
    "french": 2061,
    "russian": 2069,
    "beijing_dialect": 2074,
    "sichuan_dialect": 2062,
}

#: size -> (hidden size, MLP size) of the talker.
_TALKER_SIZES = {"0b6": (1024, 3072), "1b7": (2048, 6144)}

#: The same in generation_config.json of every published model.
GENERATION: dict[str, Any] = {
    "do_sample": True,
    "repetition_penalty": 1.05,
    "temperature": 0.9,
    "top_p": 1.0,
    "top_k": 50,
    "subtalker_dosample": True,
    "subtalker_temperature": 0.9,
    "subtalker_top_p": 1.0,
    "subtalker_top_k": 50,
    "max_new_tokens": 8192,
}

PREPROCESSOR: dict[str, Any] = {
    "padding_side": "left",
    "padding_value": 0.0,
    "processor_class": "Qwen3TTSProcessor",
    "return_attention_mask": True,
}

CODEC_PREPROCESSOR: dict[str, Any] = {
    "chunk_length_s": None,
    "feature_extractor_type": "EncodecFeatureExtractor",
    "feature_size": 1,
    "overlap": None,
    "padding_side": "right",
    "padding_value": 0.0,
    "return_attention_mask": True,
    "sampling_rate": 24000,
}


def real_config(size: str, variant: str) -> dict[str, Any]:
    """config.json of the model `size` ("0b6", "1b7") and `variant` ("base", "custom_voice",
    "voice_design"), as a new dictionary for Qwen3TTSConfig."""
    hidden, mlp = _TALKER_SIZES[size]
    speakers = SPEAKER_IDS if variant == "custom_voice" else {}
    config: dict[str, Any] = {
        "architectures": ["Qwen3TTSForConditionalGeneration"],
        "model_type": "qwen3_tts",
        "transformers_version": "4.57.3",
        "tokenizer_type": "qwen3_tts_tokenizer_12hz",
        "tts_model_size": size,
        "tts_model_type": variant,
        "assistant_token_id": 77091,
        "im_start_token_id": 151644,
        "im_end_token_id": 151645,
        "tts_pad_token_id": 151671,
        "tts_bos_token_id": 151672,
        "tts_eos_token_id": 151673,
        "talker_config": {
            "model_type": "qwen3_tts_talker",
            "codec_bos_id": 2149,
            "codec_eos_token_id": 2150,
            "codec_pad_id": 2148,
            "codec_think_id": 2154,
            "codec_nothink_id": 2155,
            "codec_think_bos_id": 2156,
            "codec_think_eos_id": 2157,
            "codec_language_id": dict(_LANGUAGE_IDS),
            "spk_id": dict(speakers),
            "spk_is_dialect": {name: _DIALECTS.get(name, False) for name in speakers},
            "vocab_size": 3072,
            "text_vocab_size": 151936,
            "text_hidden_size": 2048,
            "hidden_size": hidden,
            "intermediate_size": mlp,
            "num_hidden_layers": 28,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "rope_scaling": {
                "interleaved": True,
                "mrope_section": [24, 20, 20],
                "rope_type": "default",
                "type": "default",
            },
            "position_id_per_seconds": 13,
            **_transformer(32768),
            "code_predictor_config": {
                "model_type": "qwen3_tts_talker_code_predictor",
                "vocab_size": 2048,
                "hidden_size": 1024,
                "intermediate_size": 3072,
                "num_hidden_layers": 5,
                "num_attention_heads": 16,
                "num_key_value_heads": 8,
                "head_dim": 128,
                "rope_scaling": None,
                **_transformer(65536),
            },
        },
    }
    if variant == "base":
        config["speaker_encoder_config"] = {"enc_dim": hidden, "sample_rate": 24000}
    return config


def _transformer(positions: int) -> dict[str, Any]:
    """What talker and code predictor have in common."""
    return {
        "num_code_groups": 16,
        "max_position_embeddings": positions,
        "rope_theta": 1_000_000,
        "rms_norm_eps": 1e-6,
        "initializer_range": 0.02,
        "hidden_act": "silu",
        "attention_bias": False,
        "attention_dropout": 0,
        "use_cache": True,
        "use_sliding_window": False,
        "sliding_window": None,
    }


def real_codec_config() -> dict[str, Any]:
    """speech_tokenizer/config.json, as a new dictionary for Qwen3TTSTokenizerV2Config."""
    return {
        "architectures": ["Qwen3TTSTokenizerV2Model"],
        "model_type": "qwen3_tts_tokenizer_12hz",
        "transformers_version": "4.57.3",
        "dtype": "float32",
        "encoder_valid_num_quantizers": 16,
        "input_sample_rate": 24000,
        "output_sample_rate": 24000,
        "decode_upsample_rate": 1920,
        "encode_downsample_rate": 1920,
        "encoder_config": {  # a MimiConfig; 8 * 6 * 5 * 4 * 2 = 1920 samples a frame
            "_frame_rate": 12.5,
            "sampling_rate": 24000,
            "audio_channels": 1,
            "hidden_size": 512,
            "num_filters": 64,
            "num_residual_layers": 1,
            "upsampling_ratios": [8, 6, 5, 4],
            "kernel_size": 7,
            "last_kernel_size": 3,
            "residual_kernel_size": 3,
            "compress": 2,
            "codebook_size": 2048,
            "codebook_dim": 256,
            "vector_quantization_hidden_dimension": 256,
            "num_quantizers": 32,
            "num_semantic_quantizers": 1,
            "upsample_groups": 512,
            "num_hidden_layers": 8,
            "intermediate_size": 2048,
            "num_attention_heads": 8,
            "num_key_value_heads": 8,
            "head_dim": 64,
            "max_position_embeddings": 8000,
            "sliding_window": 250,
            "use_causal_conv": True,
            "pad_mode": "constant",
        },
        "decoder_config": {  # 8 * 5 * 4 * 3 * 2 * 2 = 1920
            "codebook_size": 2048,
            "codebook_dim": 512,
            "semantic_codebook_size": 4096,
            "vector_quantization_hidden_dimension": 512,
            "num_quantizers": 16,
            "num_semantic_quantizers": 1,
            "hidden_size": 512,
            "latent_dim": 1024,
            "intermediate_size": 1024,
            "num_hidden_layers": 8,
            "num_attention_heads": 16,
            "num_key_value_heads": 16,
            "head_dim": 64,
            "max_position_embeddings": 8000,
            "sliding_window": 72,
            "decoder_dim": 1536,
            "upsample_rates": [8, 5, 4, 3],
            "upsampling_ratios": [2, 2],
            "rope_theta": 10000,
            "rms_norm_eps": 1e-5,
            "layer_scale_initial_scale": 0.01,
            "hidden_act": "silu",
            "attention_bias": False,
            "attention_dropout": 0.0,
        },
    }
