"""What the own loop and codec of Qwen3-TTS bring over the official package, on one processor thread.

Models of the published 0.6B size with random weights, so nothing is downloaded: speed does not depend
on what the weights are. All ways are measured in turn in one process, and compared round by round.
"""

from __future__ import annotations

import copy
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.qwen_models import (
    one_thread,
    practice_models,
    prompt_of,
    random_codes,
    real_size_models,
)
from benchmarks.report import Goal, Options, Report, Table, figure, figures

FRAMES = 125  # 10 s of speech
FIRST_CHUNK, CHUNK = 3, 8  # frames that the codec decodes at once, as the engine does
FRAME_MS = 80


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    rounds: int
    frames: int  # of each way in a round
    whole: int  # frames that stock speaks before its first sound
    deviation: int  # frames whose deviation is measured
    warm_up: bool = True


SIZE = Size(rounds=6, frames=FIRST_CHUNK + CHUNK, whole=FRAMES, deviation=8)
QUICK = Size(rounds=1, frames=FIRST_CHUNK, whole=2, deviation=2, warm_up=False)


@dataclass(frozen=True)
class Measured:
    """One round of one way, ms a frame."""

    language: float
    codec: float
    first_s: float  # from the prompt to the first sound, s

    @property
    def together(self) -> float:
        return self.language + self.codec


@dataclass
class Way:
    """A way of speaking. `measure` speaks so many frames."""

    name: str
    measure: Callable[[int], Measured]
    rounds: list[Measured] = field(default_factory=list)

    def best(self, of: Callable[[Measured], float]) -> float:
        """Of the fastest round: what slows a round down is the rest of the machine, never the way."""
        return min(of(each) for each in self.rounds)

    def share(self, yardstick: Way) -> float:
        """Of the yardstick's time a frame, each at its best."""
        return self.best(together) / yardstick.best(together)


def run(options: Options) -> Report:
    size = QUICK if options.quick else SIZE
    with one_thread(), tempfile.TemporaryDirectory() as temporary:
        models = practice_models(Path(temporary)) if options.quick else real_size_models()
        return _measure(*models, size)


def _measure(talker: Any, codec: Any, size: Size) -> Report:
    import torch

    from engines.qwen.codec import StreamingCodec
    from engines.qwen.quantization import quantise

    half, int8 = copy.deepcopy(talker).to(torch.bfloat16), copy.deepcopy(talker)
    quantise(int8)
    half_codec = copy.deepcopy(codec).to(torch.bfloat16)
    holder = SimpleNamespace(model=codec)
    whole, fast = StreamingCodec(holder), StreamingCodec(holder, torch.bfloat16)
    stock = Way("official, float32", _official(talker, codec))
    own = Way("own, float32", _own(talker, whole))
    stock_half = Way("official, bfloat16", _official(half, half_codec))
    default = Way("own, bfloat16, codec float32 (default)", _own(half, whole))
    faster = Way("own, bfloat16, codec bfloat16", _own(half, fast))
    smallest = Way("own, int8, codec bfloat16 (option)", _own(int8, fast))
    ways = (stock, own, stock_half, default, faster, smallest)
    if size.warm_up:
        for way in ways:
            way.measure(FIRST_CHUNK)  # so that everything is in place
    for _ in range(size.rounds):
        for way in ways:
            way.rounds.append(way.measure(size.frames))
    firsts = {way.name: way.best(lambda each: each.first_s) for way in ways}
    # Of the official package nothing is heard before the last frame.
    firsts[stock.name] = stock.measure(size.whole).first_s
    firsts[stock_half.name] = size.whole * stock_half.best(together) / 1000
    speed = Table(
        (
            *("a frame of 80 ms", "language model, ms", "codec, ms", "together, ms"),
            *("of official float32", "real-time factor", "first sound, s"),
        ),
        tuple(
            (
                way.name,
                *figures((way.best(language), way.best(codec_part), way.best(together)), 1),
                *figures((way.share(stock), way.best(together) / FRAME_MS, firsts[way.name]), 2),
            )
            for way in ways
        ),
    )
    goals = (
        Goal("default, of the official package's time a frame", default.share(stock), 0.60),
        Goal("int8, of the official package's time a frame", smallest.share(stock), 0.25),
        Goal("default's first sound, of the official one's time", firsts[default.name] / firsts[stock.name], 0.1, digits=3),
    )  # fmt: skip
    notes = (
        f"One thread; the fastest of {size.rounds} rounds of {size.frames} frames each, the ways in turn. "
        f"The codec decodes {FIRST_CHUNK} frames, then {CHUNK} at once, as the engine has it do; the "
        "official one a whole utterance. The first sound is that of an utterance of "
        f"{size.whole} frames, which the official package returns whole; in bfloat16 its time is "
        "reckoned from the time a frame. Random weights: the text's embeddings, which a frame never "
        "reads, are left out.",
    )
    return Report((speed, _errors(talker, half, int8, whole, fast, size)), goals, notes)


def language(measured: Measured) -> float:
    return measured.language


def codec_part(measured: Measured) -> float:
    return measured.codec


def together(measured: Measured) -> float:
    return measured.together


def _errors(talker: Any, half: Any, int8: Any, whole: Any, fast: Any, size: Size) -> Table:
    """How far bfloat16 and int8 are from float32 on the same inputs."""
    from engines.qwen.deviation import deviation, outputs, signal_to_error

    prompt, codes = prompt_of(talker), random_codes(max(size.deviation, CHUNK))
    reference = outputs(talker, prompt, codes[: size.deviation])
    error = signal_to_error(_decoded(whole, codes), _decoded(fast, codes))
    rows = []
    for name, other in (("bfloat16", half), ("int8", int8)):
        found = deviation(reference, outputs(other, prompt, codes[: size.deviation]))
        relative = (found.hidden, found.first, found.residual)
        cells = figures((100 * each for each in relative), 2)
        rows.append((name, *cells, figure(100 * found.same, 1), figure(error, 1)))
    columns = (
        *("error against float32", "hidden states, %", "first code's logits, %"),
        *("others' logits, %", "same likeliest code, %", "codec bfloat16, dB"),
    )
    return Table(columns, tuple(rows))


def _official(talker: Any, codec: Any) -> Callable[[int], Measured]:
    """As Qwen3TTSForConditionalGeneration.generate calls the talker, then the codec."""
    import torch

    eos, size = talker.config.codec_eos_token_id, talker.config.vocab_size

    @torch.inference_mode()
    def measure(frames: int) -> Measured:
        prompt, times, codes = prompt_of(talker), [time.perf_counter()], []

        def keep(_module: Any, _given: Any, output: Any) -> None:
            times.append(time.perf_counter())
            if output.hidden_states[-1] is not None:
                codes.append(output.hidden_states[-1])

        hook = talker.register_forward_hook(keep)
        try:
            talker.generate(
                inputs_embeds=prompt.embeds,
                attention_mask=torch.ones(prompt.embeds.shape[:2], dtype=torch.int64),
                trailing_text_hidden=prompt.trailing,
                tts_pad_embed=prompt.pad,
                min_new_tokens=frames + 1,
                max_new_tokens=frames + 1,
                suppress_tokens=[code for code in range(size - 1024, size) if code != eos],
                **_OFFICIAL_SAMPLING,
                eos_token_id=eos,
                pad_token_id=eos,
                output_hidden_states=True,
                return_dict_in_generate=True,
            )
        finally:
            hook.remove()
        spoken = time.perf_counter()
        codec.decode(torch.cat(codes)[None])
        done = time.perf_counter()
        # The first interval is the prompt, the rest a frame each.
        frame = statistics.median(np.diff(times)[1:])
        return Measured(1000 * frame, 1000 * (done - spoken) / len(codes), done - times[0])

    return measure


#: What the released generation_config.json says.
_OFFICIAL_SAMPLING: dict[str, Any] = {
    "do_sample": True,
    "temperature": 0.9,
    "top_k": 50,
    "top_p": 1.0,
    "repetition_penalty": 1.05,
    "subtalker_dosample": True,
    "subtalker_temperature": 0.9,
    "subtalker_top_k": 50,
    "subtalker_top_p": 1.0,
}


def _own(talker: Any, codec: Any) -> Callable[[int], Measured]:
    import torch

    from engines.qwen.cuda_graphs import make_loop
    from engines.qwen.sampling import TalkerSampling

    loop = make_loop(talker)

    def measure(frames: int) -> Measured:
        prompt = prompt_of(talker)
        # Weights that know nothing may end at any time; here they may not.
        sampling = TalkerSampling(max_frames=frames, min_frames=frames + 1)
        codec.reset()
        chunk: list[Any] = []
        language, decoding, first = [], 0.0, 0.0
        start = last = time.perf_counter()
        for frame in loop.frames(prompt, sampling):
            language.append(time.perf_counter() - last)
            chunk.append(frame)
            if len(chunk) == (CHUNK if first else FIRST_CHUNK):
                begun = time.perf_counter()
                codec.push(torch.stack(chunk))
                decoding = (time.perf_counter() - begun) / len(chunk)
                first = first or time.perf_counter() - start
                chunk = []
            last = time.perf_counter()
        # The first frame's time holds the prompt's.
        return Measured(1000 * statistics.median(language[1:]), 1000 * decoding, first)

    return measure


def _decoded(codec: Any, codes: Any) -> NDArray[np.float32]:
    codec.reset()
    return np.concatenate([codec.push(chunk) for chunk in codes.split(CHUNK)])
