"""A small family for tests of the loop: the loudness of 20 ms frames in eight steps, told from the text and
the frame before."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import soundfile
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional

from studio.audio.types import Audio
from studio.control import Control
from studio.dataset.metadata import Row
from studio.runs.values import Family, Method, RunSettings, StepRow
from training.clips import Clips, encoded
from training.family import Encoded, Example, Judgement, LeftOut

LEVELS = 8
PAD = -100
RATE = 16_000
FRAME = RATE // 50
#: A clip with this text has a target that is no level, so that its loss is NaN.
POISON = "poison"
#: Of a run that takes a moment.
SETTINGS = RunSettings(
    Family.XTTS, "base", "set", Method.FULL, epochs=3, batch_size=2, learning_rate=1e-2
)


class TinyModule(nn.Module):
    """Loses by the cross-entropy of the next level."""

    def __init__(self) -> None:
        super().__init__()
        self.text = nn.Embedding(128, 16)
        self.level = nn.Embedding(LEVELS + 1, 16)
        self.voice = nn.Linear(1, 16)
        self.mix = nn.GRU(16, 16, batch_first=True)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(16, LEVELS)

    def forward(self, batch: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        levels = batch["levels"]
        before = functional.pad(levels[:, :-1].clamp(0), (1, 0), value=LEVELS)
        told = self.text(batch["text"]).mean(1, keepdim=True) + self.voice(batch["voice"])[:, None]
        hidden, _ = self.mix(self.level(before) + told)
        logits = self.head(self.drop(hidden))
        level = functional.cross_entropy(logits.transpose(1, 2), levels, ignore_index=PAD)
        louder = (logits.softmax(-1)[..., -1] * batch["poison"][:, None]).mean()
        return {"loss": level + louder, "level": level}


class TinyFamily:
    last: ClassVar[TinyFamily]  # that has built a module

    def __init__(
        self, base_folder: Path, settings: RunSettings, device: str, dtype: torch.dtype
    ) -> None:
        self.settings, self.device = settings, device

    def encode(self, rows: Sequence[Row], cache: Path, control: Control) -> Encoded:
        examples, left_out = [], []
        for number, row in enumerate(rows):
            control.progress("encoding", number / len(rows))
            content = Path(row.audio).read_bytes()
            samples, _ = soundfile.read(row.audio, dtype="float32")
            if len(samples) < 10 * FRAME:
                left_out.append(LeftOut(row.audio, "It is shorter than 0.2 s."))
                continue
            key = hashlib.sha256(content + row.text.encode()).hexdigest()[:16]
            path = cache / key / "clip.safetensors"
            if not path.exists():
                path.parent.mkdir(parents=True)
                save_file(_tensors(samples, row.text), path)
            length = len(samples) // FRAME
            examples.append(
                Example(key, length, path, row.speaker, row.text, row.language, len(samples) / RATE)
            )
        return Encoded(tuple(examples), tuple(left_out))

    def build(self, examples: Sequence[Example]) -> nn.Module:
        self.module = TinyModule().to(self.device)
        TinyFamily.last = self
        return self.module

    def collate(
        self,
        examples: Sequence[Example],
        others: Mapping[str, Sequence[Example]],
        generator: random.Random,
    ) -> dict[str, Any]:
        clips = [load_file(example.path) for example in examples]
        rows = nn.utils.rnn.pad_sequence(
            [clip["levels"] for clip in clips], batch_first=True, padding_value=PAD
        )
        texts = nn.utils.rnn.pad_sequence([clip["text"] for clip in clips], batch_first=True)
        chosen = [generator.choice(others[example.speaker]) for example in examples]
        voice = torch.tensor([[float(other.seconds)] for other in chosen])
        poison = torch.tensor([float("nan") if example.text == POISON else 0.0 for example in examples])
        return {"levels": rows, "text": texts, "voice": voice, "poison": poison}

    def padding(self, batch: Mapping[str, Any]) -> float:
        return float((batch["levels"] == PAD).float().mean())

    def trainable_state(self) -> dict[str, torch.Tensor]:
        return {name: each.detach().cpu().clone() for name, each in self.module.named_parameters()}

    def load_trainable(self, folder: Path) -> None:
        self.module.load_state_dict(load_file(folder / "model.safetensors"))

    def write_checkpoint(self, folder: Path) -> None:
        save_file(self.trainable_state(), folder / "model.safetensors")

    def speak(self, text: str, language: str, seed: int, control: Control) -> Audio:
        torch.manual_seed(seed)
        levels = torch.randint(LEVELS, (len(text),)).repeat_interleave(FRAME).numpy()
        return Audio((levels / LEVELS * 0.1).astype(np.float32), RATE)


def _tensors(samples: np.ndarray[Any, Any], text: str) -> dict[str, torch.Tensor]:
    frames = torch.from_numpy(samples[: len(samples) // FRAME * FRAME]).reshape(-1, FRAME)
    loudness = 20 * frames.square().mean(1).clamp(1e-9).sqrt().log10()
    levels = ((loudness + 60) / 60 * LEVELS).long().clamp(0, LEVELS - 1)
    return {"levels": levels, "text": torch.tensor([min(ord(char), 127) for char in text or " "])}


def clips_in(root: Path, count: int = 8, poisoned: Sequence[int] = (), eval: int = 2) -> list[Row]:
    """A data set of noise whose loudness wavers, some of it set aside."""
    generator = np.random.default_rng(0)
    rows = []
    (root / "wavs").mkdir(parents=True)
    for number in range(count):
        frames = 30 + number
        wave = 0.1 * (1.1 + np.sin(np.arange(frames * FRAME) / RATE * 20 + number))
        audio = f"wavs/clip {number}.wav"
        noise = generator.normal(0, 1, len(wave))
        soundfile.write(root / audio, (wave * noise * 0.3).clip(-1, 1), RATE, "PCM_16")
        text = POISON if number in poisoned else f"sentence number {number}"
        split = "eval" if number >= count - eval else "train"
        rows.append(Row(audio, text, "Ada", "en", split))
    return rows


def clips_of(root: Path, settings: RunSettings = SETTINGS, **more: Any) -> Clips:
    rows = clips_in(root / "set", **more)
    family = TinyFamily(root, settings, "cpu", torch.float32)
    return encoded(family, rows, root / "set", settings, root / "cache", Control())


def in_one_thread() -> Iterator[None]:
    """For as long as a test runs; the next one chooses its device and precision anew."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    AcceleratorState._reset_state(True)


def listening(root: Path, settings: RunSettings, rows: Sequence[Row], studio: Any) -> Any:
    return Listener()


class Listener:
    """Says a word at each epoch's end, and draws random numbers, as sampling does."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, list[float]]] = []

    def __call__(
        self, family: Any, row: StepRow, history: Sequence[StepRow], control: Control
    ) -> Judgement:
        family.speak("Hello.", "en", 3, control)
        random.random()
        self.heard.append((row.epoch, [each.epoch for each in history]))
        return Judgement(warnings=("It speaks.",))


class Killing(TinyFamily):
    """Is killed by SIGKILL in the middle of its work: where KILL says, as "step 5" or "checkpoint 2"."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._what, _, number = os.environ.get("KILL", "none 0").partition(" ")
        self._left = int(number)

    def collate(self, *arguments: Any) -> dict[str, Any]:
        self._count("step")
        return super().collate(*arguments)

    def write_checkpoint(self, folder: Path) -> None:
        super().write_checkpoint(folder)
        self._count("checkpoint")

    def speak(self, *arguments: Any) -> Audio:
        self._count("sample")
        return super().speak(*arguments)

    def _count(self, what: str) -> None:
        if what == self._what:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class Vast(TinyFamily):
    """Wants more memory to encode a clip than there is."""

    def encode(self, *arguments: Any) -> Encoded:
        torch.empty(1 << 60)
        return super().encode(*arguments)


class Stopping(TinyFamily):
    """Asks the second of several processes to stop, as Ctrl+C does, once it has trained on three batches."""

    batches = 0

    def padding(self, batch: Mapping[str, Any]) -> float:
        self.batches += 1
        if self.batches == 3 and os.environ["RANK"] == "1":
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.2)  # it is a thread that hears of it
        return super().padding(batch)
