"""From `python app.py` to a page that answers, against a bare Gradio app with as many tabs.

The two are started in turn, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import http.client
import importlib.metadata
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import Goal, Options, Report, Table, figure, figures
from studio.settings import CHECKOUT
from tabs.registry import TABS

GOAL_RATIO = 1.5

_ROUNDS = 7
_POLL_S = 0.01
_PATIENCE_S = 90.0

#: What must not be loaded to show a page: seconds and hundreds of megabytes each.
HEAVY = ("torch", "torchaudio", "transformers", "TTS", "whisper")

_BARE = """\
import sys
{before}
import gradio as gr

with gr.Blocks(analytics_enabled=False) as demo:
    for number in range({tabs}):
        with gr.Tab(f"Tab {{number}}"):
            text = gr.Textbox(label="Text")
            gr.Button("Run").click(str.upper, [text], [text])
demo.launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), ssr_mode=False, quiet=True)
"""

#: In the quick form also this one is spared the stubs that Gradio writes, which take seconds.
_QUICK_BEFORE = f"""\
sys.path.append({str(CHECKOUT)!r})
from tabs import gradio_import
gradio_import.prepare()
"""


@dataclass(frozen=True)
class Start:
    """Seconds from the start of the process."""

    page_s: float  # to 200 for /
    config_s: float  # to 200 for /config after that


def run(options: Options) -> Report:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        timbre = [str(CHECKOUT / "app.py"), "--home", str(folder / "home"), "--port"]
        script = folder / "bare.py"
        before = _QUICK_BEFORE if options.quick else ""
        script.write_text(_BARE.format(before=before, tabs=len(TABS)), "utf-8")
        # The warm-up of ours also tells what it imports.
        first, loaded = imported(timbre, folder)
        ours, bare = [first], [start([str(script)], folder)]
        if not options.quick:
            ours, bare = [], []
            for _ in range(_ROUNDS):
                ours.append(start(timbre, folder))
                bare.append(start([str(script)], folder))
    heavy = [name for name in HEAVY if name in loaded]
    ratio = _median(ours).page_s / _median(bare).page_s
    table = Table(
        ("start, median", "page, s", "fastest, s", "slowest, s", "then /config, s"),
        (_row("Timbre", ours), _row(f"bare Gradio, {len(TABS)} tabs", bare)),
    )
    gradio = importlib.metadata.version("gradio")
    return Report(
        (table,),
        (
            Goal("start against a bare Gradio app", ratio, GOAL_RATIO, "times"),
            Goal("heavy libraries loaded at the start", len(heavy), 0, digits=0),
        ),
        (
            f"Starts that count: {len(ours)} each, in turn, after one to warm up; Gradio {gradio}. Timbre had "
            f"imported {len(loaded)} modules by then, what it gets ready in the background included; of "
            f"the heavy ones ({', '.join(HEAVY)}): {', '.join(heavy) or 'none'}.",
        ),
    )


def start(command: Sequence[str], folder: Path) -> Start:
    """Start `python *command PORT`, time the page, and end it again."""
    port = _free_port()
    log = folder / "log"
    # For both: no calls home, and copies of files go where they are removed.
    environment = {
        **os.environ,
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
    }
    begin = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command, str(port)],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder, env=environment,
        )  # fmt: skip
    try:
        _until_answers(process, port, "/", log)
        page = time.perf_counter() - begin
        _until_answers(process, port, "/config", log)
        return Start(page, time.perf_counter() - begin)
    finally:
        _end(process)


def imported(command: Sequence[str], folder: Path) -> tuple[Start, frozenset[str]]:
    """A start, and the modules that are imported until the page has answered and the process is ended."""
    started = start(["-X", "importtime", *command], folder)
    log = (folder / "log").read_text("utf-8", "replace")
    return started, frozenset(re.findall(r"^import time:.*\|\s*([\w.]+)$", log, re.MULTILINE))


def _median(starts: Sequence[Start]) -> Start:
    return Start(
        statistics.median(each.page_s for each in starts),
        statistics.median(each.config_s for each in starts),
    )


def _row(what: str, starts: Sequence[Start]) -> tuple[str, ...]:
    median, pages = _median(starts), [each.page_s for each in starts]
    delay = figure(median.config_s - median.page_s, 3)
    return (what, *figures((median.page_s, min(pages), max(pages)), 2), delay)


def _until_answers(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    end = time.monotonic() + _PATIENCE_S
    while _status(port, path) != 200:
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"No page came:\n{log.read_text('utf-8', 'replace')[-2000:]}")
        time.sleep(_POLL_S)


def _status(port: int, path: str) -> int:
    """The answer's status, or 0 while nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return response.status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
