"""Whether a model's folder is whole: told quickly, in words, and whatever lies in it."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from studio.errors import NotFound
from studio.models.folders import ModelFolders
from studio.models.registry import MODELS, ModelEntry, entry_of
from studio.models.validation import ModelReport, ModelState, report, validate
from studio.models.weights import MAX_HEADER_BYTES
from tests.model_folders import BASE, make_model, packed, safetensors

ENTRY = entry_of(BASE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_model(tmp_path / ENTRY.folder)


@pytest.fixture
def folders(tmp_path: Path) -> ModelFolders:
    return ModelFolders(tmp_path / "models", tmp_path / "qwen")


def test_every_entry_of_the_table_is_complete_and_unlike_the_others() -> None:
    targets = {(entry.family, entry.folder) for entry in MODELS.values()}
    assert len(targets) == len(MODELS)
    for key, entry in MODELS.items():
        assert key == entry.key
        assert entry.identity or entry.engine != "qwen", "nothing tells this model from others"
        assert entry.license
        assert entry.serves
        assert entry.practice or (bool(entry.hugging_face) != bool(entry.url) and entry.license_url)
        if entry.url:
            assert entry.url.startswith("https://")
            assert len(entry.url.rpartition("/")[2]) == 64
            assert len(entry.files) == 1
        assert all(file.why and not file.name.startswith(("/", ".")) for file in entry.files)


@pytest.mark.parametrize("key", MODELS)
def test_a_tiny_model_in_its_official_folder_is_valid(key: str, tmp_path: Path) -> None:
    found = validate(entry_of(key), make_model(tmp_path / "m", key))
    assert (found.state, found.problems) == (ModelState.VALID, ())
    assert found.size_bytes == sum(
        path.stat().st_size for path in (tmp_path / "m").rglob("*") if path.is_file()
    )


def test_no_folder_is_absent(tmp_path: Path) -> None:
    assert validate(ENTRY, None).state is ModelState.ABSENT
    assert validate(ENTRY, tmp_path / "none").folder is None


@pytest.mark.parametrize(
    "file", [file for file in ENTRY.files if file.required], ids=lambda file: file.name
)
def test_a_missing_file_is_named_with_why_it_matters(folder: Path, file: object) -> None:
    assert hasattr(file, "name")
    assert hasattr(file, "why")
    (folder / file.name).unlink()
    found = validate(ENTRY, folder)
    assert found.state is ModelState.PARTIAL
    assert [problem.file for problem in found.problems] == [file.name]
    assert file.why in found.problems[0].message


def test_optional_files_may_be_missing(folder: Path) -> None:
    for file in ENTRY.files:
        if not file.required:
            (folder / file.name).unlink()
    assert validate(ENTRY, folder).valid


HEADER = json.loads(safetensors()[8:].partition(b"}}")[0] + b"}}")


def header(**changes: object) -> bytes:
    """A file whose one tensor is described otherwise."""
    return packed(json.dumps({"w": {**HEADER["w"], **changes}})) + bytes(64)


WRONG_WEIGHTS = {
    "empty": (b"", "empty"),
    "too short": (b"\x08", "too short"),
    "a text": (b"<!doctype html><html>" * 9, "does not begin"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    "one byte less": (safetensors()[:-1], "breaks off"),
    "one byte more": (safetensors() + b"\0", "too long"),
    "half a header": (safetensors()[:30], "in its header"),
    "a huge header": (packed(b"{}", 2**63), "does not begin"),
    "a header over the limit": (packed(b"{}", MAX_HEADER_BYTES + 1), "does not begin"),
    "no JSON": (packed(b"\xff\xfe{"), "cannot be read"),
    "a list": (packed("[1]"), "no table"),
    "nested too deep": (packed("[" * 100_000), "cannot be read"),
    "no tensors": (packed('{"__metadata__": {}}'), "no weights"),
    "a tensor that is none": (packed('{"w": 7}'), "wrongly"),
    "no place": (packed('{"w": {"dtype": "F32", "shape": []}}'), "wrongly"),
    "backwards": (header(data_offsets=[64, 0]), "wrongly"),
    "negative": (header(data_offsets=[-64, 0]), "wrongly"),
    "fractions": (header(data_offsets=[0.0, 64.0]), "wrongly"),
    "truths": (header(shape=[True] * 4), "wrongly"),
    "a huge shape": (header(shape=[2**53] * 16), "wrongly"),
    "too many dimensions": (header(shape=[1] * 100_000), "wrongly"),
    "another shape": (header(shape=[15]), "wrongly"),
    "an unknown dtype": (header(dtype="F33"), "wrongly"),
    "a dtype that is none": (header(dtype=["F32"]), "wrongly"),
    "one over another": (packed(json.dumps({"v": HEADER["w"], "w": HEADER["w"]})) + bytes(64), "over"),
    "a gap": (header(data_offsets=[64, 128]) + bytes(64), "gaps"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_WEIGHTS)
def test_wrong_weights_are_invalid_in_words_and_crash_nothing(folder: Path, case: str) -> None:
    content, word = WRONG_WEIGHTS[case]
    (folder / "model.safetensors").write_bytes(content)
    found = validate(ENTRY, folder)
    assert found.state is ModelState.INVALID
    (problem,) = found.problems
    assert word in problem.message
    assert problem.message.endswith("It holds the weights.")


@pytest.mark.parametrize(
    ("content", "word"),
    [(b"", "empty"), (b"{", "no JSON"), (b"\xff", "no JSON"), (b"[" * 100_000, "no JSON"), (b"[]", "table"),
     (b'{"tts_model_type": "base", "tts_model_size": "1b7"}', "1b7 instead of 0b6"),
     (b'{"tts_model_type": ["base"]}', "another model"), (b"{}", "nothing instead of base")],
)  # fmt: skip
def test_a_wrong_configuration_is_invalid(folder: Path, content: bytes, word: str) -> None:
    (folder / "config.json").write_bytes(content)
    found = validate(ENTRY, folder)
    assert found.state is ModelState.INVALID
    assert word in found.problems[0].message


def test_what_is_wrong_weighs_more_than_what_is_missing(folder: Path) -> None:
    (folder / "vocab.json").unlink()
    (folder / "merges.txt").write_bytes(b"")
    found = validate(ENTRY, folder)
    assert found.state is ModelState.INVALID
    assert [problem.file for problem in found.problems] == ["merges.txt", "vocab.json"]


def test_a_folder_in_the_place_of_a_file_is_a_missing_file(folder: Path) -> None:
    (folder / "vocab.json").unlink()
    (folder / "vocab.json").mkdir()
    assert validate(ENTRY, folder).state is ModelState.PARTIAL


def sparse(path: Path, size: int) -> None:
    """As many bytes of weights as a real model has, which take no room on the disk."""
    count = size // 2
    tensor = {"dtype": "BF16", "shape": [count], "data_offsets": [0, 2 * count]}
    start = packed(json.dumps({"w": tensor}))
    with path.open("wb") as file:
        file.write(start)
        file.truncate(len(start) + 2 * count)


@pytest.mark.skipif(sys.platform != "linux", reason="not every file system leaves holes in files")
def test_real_sizes_are_judged_in_a_moment(folder: Path) -> None:
    sparse(folder / "model.safetensors", 3_857_413_744)
    sparse(folder / "speech_tokenizer/model.safetensors", 682_293_092)
    words = {f"token{number}": number for number in range(150_000)}  # as long as the real vocabulary
    (folder / "vocab.json").write_text(json.dumps(words))
    began = time.monotonic()
    found = validate(ENTRY, folder)
    assert time.monotonic() - began < 0.5
    assert found.valid
    assert found.size_bytes > 4_500_000_000
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(2_000_000_000)
    assert "2,000,000,000 of 3,857,4" in validate(ENTRY, folder).problems[0].message


def test_models_are_found_by_their_name_by_other_tools_names_and_by_what_they_are(
    folders: ModelFolders,
) -> None:
    def state(key: str) -> ModelReport:
        return report(folders, key)

    assert state(BASE).state is ModelState.ABSENT
    make_model(folders.qwen_dir / "my-own-name")
    assert state(BASE).folder == folders.qwen_dir / "my-own-name"
    make_model(folders.qwen_dir / "base")
    assert state(BASE).folder == folders.qwen_dir / "base"
    make_model(folders.qwen_dir / ENTRY.folder, "qwen-1.7b-base")
    assert state(BASE).state is ModelState.INVALID  # the official name, but another model
    make_model(folders.qwen_dir / "tokenizer", "qwen-tokenizer")
    assert state("qwen-tokenizer").valid
    with pytest.raises(NotFound, match=r"qwen-0\.6b-base"):
        state("qwen-0.6-base")


def test_what_is_still_being_made_is_not_found(folders: ModelFolders) -> None:
    make_model(folders.qwen_dir / f".{ENTRY.folder}.partial")
    make_model(folders.qwen_dir / "practice-base", "qwen-practice-base")
    assert folders.find(BASE) is None


def test_own_tables_serve_as_well(tmp_path: Path) -> None:
    own = ModelEntry("own", "Own", "Own", "own", "", "", ENTRY.files[:1], "MIT", "", "nothing")
    folders = ModelFolders(tmp_path, tmp_path, {"own": own})
    make_model(folders.target("own"))
    assert report(folders, "own").valid
    assert folders.target("own") == tmp_path / "Own" / "own"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_to_files_count_as_files(folder: Path, tmp_path: Path) -> None:
    weights = folder / "model.safetensors"
    weights.rename(tmp_path / "blob")
    weights.symlink_to(tmp_path / "blob")
    (folder / "dead").symlink_to(tmp_path / "nowhere")
    assert validate(ENTRY, folder).valid
