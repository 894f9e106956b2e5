"""What to change when a run does not fit into memory."""

from __future__ import annotations

from studio.runs.values import Method, Precision, RunSettings


def memory_advice(settings: RunSettings) -> tuple[str, str]:
    """The message and the hint for a run of these settings that ran out of memory."""
    ways = []
    if settings.batch_size > 1:
        batch = settings.batch_size // 2
        ways.append(
            f"set batch_size to {batch} and accumulation to {settings.accumulation * 2}, which trains alike"
        )
    if not settings.gradient_checkpointing:
        ways.append("switch gradient_checkpointing on, which is a third slower")
    if settings.method is Method.FULL:
        ways.append("train with LoRA, which needs a fraction")
    if settings.precision is Precision.FLOAT32:
        ways.append("set precision to auto")
    if not ways:
        ways.append("leave the longest clips out of the data set, or train on a device with more memory")
    hint = "; or ".join(ways)
    return (
        "The memory did not suffice for this run. Its checkpoints, and its last saved state, are whole.",
        f"To make it fit: {hint}. End other programs that use the card.",
    )
