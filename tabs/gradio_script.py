"""Two of Gradio's scripts, corrected while they are served. The files stay as they are, and so does what is
served where they are not the files that are known.

How the page finds a component: for each input, output and status of each event the client of Gradio 6.17 walks
its tree of all components, whose every property is watched by Svelte: half a millisecond each time, on a page like
ours, and hundreds of times for a click on a tab. Here it looks into a table, which is made anew when the tree has
changed. Measured: a click on a tab takes a quarter of the time.

How it hears of events: by one stream, which the server closes when it has told of all. An event that is taken up
just then, while the client still believes the stream open, is told to nobody: the page waits, until something else
opens the stream again. Here the client opens it at once, once for each event that it has not heard the end of.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fastapi import Request, Response

log = logging.getLogger(__name__)

_TABLE = "timbreNodes"
_LOOKUP = "_(this.root,s)"
_NAMES = "unclosed_events:t,pending_stream_messages:n,stream_status:r,"
_END = 'if(l.msg==="close_stream"){En(r,o.abort_controller);'
_KEPT = "P in He&&(He[P].forEach(Qt=>Pe(Qt)),delete He[P]),Jt[P]=Pe,"
#: Of each script what stands there, how often, and what it becomes.
_CORRECTIONS: Sequence[Sequence[tuple[str, int, str]]] = (
    # `_` walks the tree; `root` is set whenever nodes are replaced, except by a re-rendering.
    (
        ("set root(s){", 1, f"set root(s){{this.{_TABLE}=null;"),
        (_LOOKUP, 3, f"((this.{_TABLE}??=timbreTable(this.root)).get(s)??null)"),
        ("o.children=n.children}", 1, f"o.children=n.children,this.{_TABLE}=null}}"),
        (
            "function _(t,s){",
            1,
            "function timbreTable(t,m=new Map){m.has(t.id)||m.set(t.id,t);"
            "if(t.children)for(const i of t.children)timbreTable(i,m);return m}function _(t,s){",
        ),
    ),
    # `t`, or `os`, are the events that have not been completed, which Gradio writes down and never reads. `He`
    # keeps what was told of an event before the client knew of it, and may have its end: that is no longer one
    # of them, and nothing more is told of it. The server forgets no event that is new to it before it has told
    # its end, so that to open the stream once for it is enough.
    (
        (_NAMES, 1, _NAMES),
        (_END, 1, f"{_END}t.size&&(t.clear(),await o.open_stream());"),
        (
            f"{_KEPT}os.add(P),Ge.open||await this.open_stream()",
            1,
            'const timbreEnded=He[P]?.some(Qt=>Qt.msg==="process_completed");'
            f"{_KEPT}timbreEnded||(os.add(P),Ge.open||await this.open_stream())",
        ),
    ),
)
#: The scripts among which they are are named index-*.js; none of them is among the large ones.
_MOST_BYTES = 100_000


def corrected() -> dict[str, str]:
    """The scripts' names and corrected texts; fewer than two where this Gradio has other ones."""
    import gradio

    folder = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"
    found = {}
    for path in sorted(folder.glob("index-*.js")):
        if path.stat().st_size > _MOST_BYTES:
            continue
        text = path.read_text("utf-8")
        for changes in _CORRECTIONS:
            if all(text.count(before) == count for before, count, _ in changes):
                for before, _, after in changes:
                    text = text.replace(before, after)
                found[path.name] = text
    return found


def serve_corrected(app: Any, scripts: Mapping[str, str]) -> None:
    """Serve what `corrected` has found in place of Gradio's own."""
    if len(scripts) < len(_CORRECTIONS):
        log.warning("Gradio's scripts are other ones than are known; the page is slower, or waits")
    for name, text in scripts.items():
        app.add_api_route(f"/assets/{name}", _script(text), methods=["GET"], include_in_schema=False)
        # Before Gradio's own, which takes all of /assets.
        app.router.routes.insert(0, app.router.routes.pop())


def _script(text: str) -> Any:
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
    # Not kept without asking, for the name is that of Gradio's own text.
    headers = {"Cache-Control": "no-cache", "ETag": tag}

    def script(request: Request) -> Response:
        if request.headers.get("if-none-match", "").removeprefix("W/") == tag:
            return Response(status_code=304, headers=headers)
        return Response(text, media_type="text/javascript", headers=headers)

    return script
