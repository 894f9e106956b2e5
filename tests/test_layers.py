"""Promises of the whole: imports point downward, starting is fast, nothing unsafe is written."""

from __future__ import annotations

import ast
import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from studio.settings import CHECKOUT

#: Which of our packages each layer may import besides itself. The longest matching name counts.
CORE = "studio"
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    CORE: (),
    "studio.jobs": (CORE,),
    "engines": (CORE,),
    # What a job's function is handed, so that it can say its type.
    "training": (CORE, "engines", "studio.jobs"),
    "studio.services": (CORE, "engines", "studio.jobs"),
    "studio.api": (CORE, "engines", "studio.jobs", "studio.services"),
    "studio.cli": (CORE, "engines", "studio.jobs", "studio.services", "studio.api"),
    "tabs": (CORE, "engines", "studio.jobs", "studio.services", "studio.api", "studio.cli"),
    "app": (CORE, "engines", "studio.jobs", "studio.services", "studio.api", "studio.cli", "tabs"),
    "benchmarks": (
        *(CORE, "app", "engines", "studio.jobs", "studio.services", "studio.api", "studio.cli"),
        *("tabs", "training"),
    ),
    "tests": (
        *(CORE, "app", "benchmarks", "engines", "studio.jobs", "studio.services", "studio.api"),
        *("studio.cli", "tabs", "training"),
    ),
}
TOP = {layer.partition(".")[0] for layer in MAY_IMPORT}

#: They take seconds and hundreds of megabytes to load, so only the work that needs them does.
HEAVY = {
    "torch",
    "torchaudio",
    "transformers",
    "TTS",
    "qwen_tts",
    "whisper",
    "scipy",
    "peft",
    "accelerate",
}


#: What statements are found in.
_STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)


@dataclass(frozen=True)
class Import:
    """One import of `target` by `module`. `lazy`: inside a function, or only for the type checker."""

    module: str
    target: str
    line: int
    lazy: bool


@dataclass(frozen=True)
class Source:
    path: Path
    module: str
    tree: ast.Module


@cache
def sources() -> tuple[Source, ...]:
    files = [CHECKOUT / "app.py"] if (CHECKOUT / "app.py").exists() else []
    for top in sorted(TOP - {"app"}):
        files += sorted((CHECKOUT / top).rglob("*.py"))
    found = []
    gc.disable()  # it would go through all the trees again and again, for three quarters of the time
    try:
        for path in files:
            parts = list(path.relative_to(CHECKOUT).with_suffix("").parts)
            module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found.append(Source(path, module, ast.parse(path.read_text(encoding="utf-8"), str(path))))
    finally:
        gc.enable()
    return tuple(found)


@cache
def layer_of(module: str) -> str:
    matching = [layer for layer in MAY_IMPORT if module == layer or module.startswith(f"{layer}.")]
    return max(matching, key=len)


@cache
def nodes(source: Source) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(source.tree))


@cache
def imports(source: Source) -> tuple[Import, ...]:
    def visit(node: ast.AST, lazy: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(source.module, alias.name, node.lineno, lazy)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = source.module.split(".")
                if source.path.name != "__init__.py":
                    package = package[:-1]
                package = package[: len(package) - node.level + 1]
                base = ".".join([*package, base] if base else package)
            for alias in node.names:
                # `from studio import services` imports studio.services
                whole = f"{base}.{alias.name}"
                is_module = whole.split(".")[0] in TOP and whole in modules()
                yield Import(source.module, whole if is_module else base, node.lineno, lazy)
        inner = lazy or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        # Only such tests are spelt out: that takes longer than all the rest.
        if isinstance(node, ast.If) and isinstance(node.test, (ast.Name, ast.Attribute)):
            inner = inner or "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, _STATEMENTS):  # an expression imports nothing
                yield from visit(child, inner)

    return tuple(visit(source.tree, False))


@cache
def modules() -> frozenset[str]:
    return frozenset(source.module for source in sources())


def calls(source: Source) -> Iterator[ast.Call]:
    return (node for node in nodes(source) if isinstance(node, ast.Call))


def place(source: Source, line: int) -> str:
    return f"{source.path.relative_to(CHECKOUT).as_posix()}:{line}"


def test_there_is_something_to_look_at() -> None:
    assert {"studio.files", "studio.jobs.worker", "engines.base"} <= modules()
    assert layer_of("studio.audio.types") == CORE
    assert layer_of("studio.services.speech") == "studio.services"
    assert layer_of("studio") == CORE


def test_imports_point_downward() -> None:
    wrong = []
    for source in sources():
        layer = layer_of(source.module)
        for found in imports(source):
            if found.target.split(".")[0] not in TOP:
                continue
            target = layer_of(found.target)
            if target != layer and target not in MAY_IMPORT[layer]:
                wrong.append(f"{place(source, found.line)}: {layer} imports {found.target}")
    assert wrong == []


def test_nothing_imports_training_which_jobs_name_as_a_string() -> None:
    wrong = [
        place(source, found.line)
        for source in sources()
        if layer_of(source.module) not in ("training", "tests", "benchmarks")
        for found in imports(source)
        if found.target.split(".")[0] == "training"
    ]
    assert wrong == []


def test_training_sees_of_jobs_only_what_it_is_handed() -> None:
    wrong = [
        f"{place(source, found.line)}: {found.target}"
        for source in sources()
        if layer_of(source.module) == "training"
        for found in imports(source)
        if found.target.startswith("studio.jobs.") and found.target != "studio.jobs.context"
    ]
    assert wrong == []


def test_only_the_tabs_and_the_app_know_gradio() -> None:
    wrong = [
        f"{place(source, found.line)}: {found.target}"
        for source in sources()
        if layer_of(source.module) not in ("tabs", "app", "tests", "benchmarks")
        for found in imports(source)
        if found.target.split(".")[0] in ("gradio", "gradio_client")
    ]
    assert wrong == []


def test_the_core_and_the_page_import_nothing_heavy_at_once() -> None:
    wrong = [
        f"{place(source, found.line)}: {found.target}"
        for source in sources()
        if layer_of(source.module) in (CORE, "studio.jobs", "studio.services", "studio.api")
        or layer_of(source.module) in ("studio.cli", "tabs", "app")
        for found in imports(source)
        if not found.lazy and found.target.split(".")[0] in HEAVY
    ]
    assert wrong == []


def test_starting_loads_no_heavy_library() -> None:
    """In one process, the lightest first, so that it tells which one is to blame."""
    code = f"""
import sys
for name in ("studio.jobs.worker", "engines.registry", "app", "tabs.server"):
    __import__(name)
    print(name, *sorted({HEAVY!r} & set(sys.modules)))
"""
    out = run(code)
    assert out.stdout.split() == ["studio.jobs.worker", "engines.registry", "app", "tabs.server"]


def test_no_shell_and_no_pickles_that_run_code() -> None:
    wrong = []
    for source in sources():
        for call in calls(source):
            name = ast.unparse(call.func) if isinstance(call.func, (ast.Name, ast.Attribute)) else ""
            given = {
                keyword.arg: ast.unparse(keyword.value)
                for keyword in call.keywords
                if keyword.arg in ("shell", "weights_only")
            }
            if given.get("shell", "False") != "False":
                wrong.append(f"{place(source, call.lineno)}: shell=")
            if name == "torch.load" and given.get("weights_only") != "True":
                wrong.append(f"{place(source, call.lineno)}: torch.load without weights_only=True")
            if name in ("os.system", "os.popen", "eval", "exec", "pickle.load", "pickle.loads"):
                wrong.append(f"{place(source, call.lineno)}: {name}")
            # A default for everyone would open every other library's loading as well.
            if name == "setattr" and call.args and ast.unparse(call.args[0]) == "torch":
                wrong.append(f"{place(source, call.lineno)}: torch is patched")
        for node in nodes(source):
            if isinstance(node, ast.Assign) and "torch.load" in map(ast.unparse, node.targets):
                wrong.append(f"{place(source, node.lineno)}: torch.load is replaced")
    assert wrong == []


def test_no_fault_is_swallowed() -> None:
    wrong = []
    for source in sources():
        for node in nodes(source):
            if not isinstance(node, ast.ExceptHandler):
                continue
            broad = node.type is not None and ast.unparse(node.type) in ("Exception", "BaseException")
            silent = all(
                isinstance(line, ast.Pass)
                or (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))
                for line in node.body
            )
            if node.type is None or (broad and silent):
                wrong.append(place(source, node.lineno))
    assert wrong == []


def test_data_folders_hold_no_code() -> None:
    """A datasets/__init__.py would shadow Hugging Face's package of that name."""
    tracked = subprocess.run(
        ["git", "ls-files", "datasets", "checkpoints"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    here = [path.name for top in ("datasets", "checkpoints") for path in (CHECKOUT / top).glob("*.py")]
    assert [path for path in tracked if path.endswith(".py")] + here == []
    assert not (CHECKOUT / "trainer").exists(), "the name belongs to coqui-tts"


def test_hugging_faces_datasets_is_what_an_import_finds(tmp_path: Path) -> None:
    """Without the import itself, which takes seconds; a folder without code would have no origin."""
    code = """
import multiprocessing
from importlib.util import find_spec

def where(_):
    return find_spec("datasets").origin

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(where(0), *pool.map(where, [0]), sep="\\n")
"""
    script = tmp_path / "spawn.py"
    script.write_text(code)
    out = run(script, PYTHONPATH=str(CHECKOUT))
    found = out.stdout.split("\n")[:2]
    assert all(Path(line).parent.parent.name in ("site-packages", "dist-packages") for line in found)
    assert len(found) == 2


def run(code: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run in the checkout, with the checkout first on the path, as `python app.py` is."""
    command = [str(code)] if isinstance(code, Path) else ["-c", code]
    out = subprocess.run(
        [sys.executable, *command],
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert out.returncode == 0, out.stderr
    return out
