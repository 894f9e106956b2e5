"""What takes long to import, for the process that the trainers of the benchmark are forked from."""

from __future__ import annotations

import os

from engines.devices import torch_module
from engines.xtts.package import coqui

# Whoever looks for a card before it forks leaves its children unable to use one, and Coqui's trainer would.
os.environ["CUDA_VISIBLE_DEVICES"] = ""
torch_module()
coqui("TTS.tts.layers.xtts.trainer.gpt_trainer")

# The first optimizer and the first adapters want more of torch than `import torch` brings.
import accelerate  # noqa: E402, F401
import peft  # noqa: E402, F401

import training.families.xtts  # noqa: E402, F401
