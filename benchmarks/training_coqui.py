"""Coqui's own trainer on the same model and data, as its recipe for XTTS sets it up."""

from __future__ import annotations

import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.training_run import Left, Pace, Round, Task, settle
from studio.runs.values import Family

#: A number of steps that no run has.
_NEVER = 10**9

#: Samples of a code, and what a clip takes besides text and codes: the voice, start and stop of both.
_CODE_SAMPLES, _AROUND = 1024, 36


def train_coqui(connection: Connection, log: Path, task: Task) -> None:
    settle(log, task)
    recipe = _package()
    import torch
    from trainer import Trainer, TrainerArgs
    from TTS.tts.datasets import load_tts_samples

    torch.set_num_threads(1)
    config = _config(recipe, task)
    samples, _ = load_tts_samples(config, eval_split=False)
    pacing = _Pacing(Pace(connection))
    trainer = pacing.timed(Trainer)(
        TrainerArgs(),
        config,
        output_path=config.output_path,
        model=pacing.watched(recipe.GPTTrainer)(config),
        train_samples=samples,
        eval_samples=[],
        parse_command_line_args=False,
        callbacks={
            "on_train_epoch_start": pacing.begin,
            "on_train_step_end": pacing.step,
            "on_epoch_end": pacing.end,
        },
    )
    trainer.fit()
    trainer.save_checkpoint()
    [checkpoint] = Path(config.output_path).rglob("checkpoint_*.pth")
    pacing.pace.end(Left(checkpoint.stat().st_size, pacing.padding))


class _Pacing:
    """Makes a round of each of its epochs."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._began = self._last = 0.0
        self._steps = 0
        self._alone = 0.0
        self._taken = self._padded = 0  # positions

    @property
    def padding(self) -> float:
        return 1 - self._taken / self._padded

    def watched(self, model: Any) -> Any:
        """The class `model`, which also tells how long the clips of its batches are."""
        pacing = self

        class Watched(model):
            def format_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
                pacing._count(batch["text_lengths"], batch["wav_lengths"])
                formatted: dict[str, Any] = super().format_batch(batch)
                return formatted

        return Watched

    def timed(self, trainer: Any) -> Any:
        """The class `trainer`, which also tells how long its batches take once they are encoded."""
        pacing = self

        class Timed(trainer):
            def optimize(self, *arguments: Any, **more: Any) -> Any:
                began = time.perf_counter()
                result = super().optimize(*arguments, **more)
                pacing._alone += time.perf_counter() - began
                return result

        return Timed

    def _count(self, text: Any, samples: Any) -> None:
        """Texts and codes are padded each for themselves."""
        codes = -(-samples // _CODE_SAMPLES)
        around = len(text) * _AROUND
        self._taken += int(text.sum() + codes.sum()) + around
        self._padded += len(text) * int(text.max() + codes.max()) + around

    def begin(self, trainer: Any) -> None:
        self._steps, self._alone = 0, 0.0
        self._began = self.pace.begin()

    def step(self, trainer: Any) -> None:
        self._last = time.perf_counter()
        self._steps += 1

    def end(self, trainer: Any) -> None:
        clips = len(trainer.train_samples)
        self.pace.end(Round(self._last - self._began, clips, self._steps, self._alone))


def _package() -> Any:
    """The module of its recipe. What reads sound in it wants torchcodec, in whose place libsndfile reads."""
    import soundfile
    import torch

    from engines.xtts.package import coqui

    recipe = coqui("TTS.tts.layers.xtts.trainer.gpt_trainer")

    def load(path: str) -> tuple[torch.Tensor, int]:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        return torch.from_numpy(samples.T.copy()), rate

    coqui().torchaudio.load = load
    return recipe


def _config(recipe: Any, task: Task) -> Any:
    """As recipes/ljspeech/xtts_v2/train_gpt_xtts.py of coqui-tts, but for the batches, and nothing that is
    saved or tried in the middle."""
    from TTS.config.shared_configs import BaseDatasetConfig
    from TTS.tts.configs.xtts_config import XttsConfig

    base = task.base(Family.XTTS)
    published = XttsConfig()
    published.load_json(str(base / "config.json"))
    files = {
        "tokenizer_file": "vocab.json",
        "mel_norm_file": "mel_stats.pth",
        "dvae_checkpoint": "dvae.pth",
        "xtts_checkpoint": "model.pth",
    }
    places = {name: str(base / file) for name, file in files.items()}
    data = BaseDatasetConfig(
        formatter="coqui", path=str(task.data), meta_file_train="metadata.csv", language="en"
    )
    return recipe.GPTTrainerConfig(
        model_args=recipe.GPTArgs(**published.model_args.to_dict() | places),
        audio=published.audio,
        datasets=[data],
        output_path=str(task.folder / "coqui"),
        epochs=task.rounds,
        batch_size=task.batch_size,
        num_loader_workers=0,
        run_eval=False,
        print_step=50,
        plot_step=100,
        save_step=_NEVER,
        save_best_after=_NEVER,
        optimizer="AdamW",
        optimizer_wd_only_on_weights=True,
        optimizer_params={"betas": [0.9, 0.96], "eps": 1e-8, "weight_decay": 1e-2},
        lr=5e-6,
        lr_scheduler="MultiStepLR",
        lr_scheduler_params={"milestones": [_NEVER], "gamma": 0.5, "last_epoch": -1},
    )
