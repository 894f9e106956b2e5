"""The watched process of the recognition benchmark: a short transcript, then on a line from stdin that
of a long recording, whose figures it prints as JSON; it ends on another line.

    python -m benchmarks.recognition_run MODELS SHORT LONG
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from studio.services.studio import Studio
from studio.services.transcripts import TranscribeOrder
from studio.settings import load_settings

MODEL = "whisper-practice"


def main(models: Path, short: Path, long: Path) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        settings = load_settings(home=Path(temporary) / "home", models_dir=models, device="cpu")
        with Studio(settings) as studio:
            studio.transcripts.transcribe(TranscribeOrder(short, model=MODEL, language="en"))
            print("ready", flush=True)
            sys.stdin.readline()
            begin = time.perf_counter()
            record = studio.transcripts.transcribe(TranscribeOrder(long, model=MODEL, language="en"))
            took = time.perf_counter() - begin
            print(json.dumps({"audio_s": record.transcript.duration, "all_s": took}), flush=True)
            sys.stdin.readline()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
