"""The metadata of a set: no cell is a formula, others read it, and damage is told."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from studio.dataset.csv_cells import one_line, plain, safe
from studio.dataset.metadata import Row, metadata_files, read_metadata
from studio.dataset.splitting import EVAL
from studio.dataset.values import PrepareSettings
from studio.dataset.writing import settle
from studio.errors import Damaged, NotFound
from tests.training_sets import ONE, TWO, build, segment

SETTINGS = PrepareSettings()


class TestMetadata:
    @pytest.mark.parametrize(
        "cell", ["=1+1", "+1", "-1", "@a", "'=1", "''=1", "\ta", "'quoted'", "", "a=b", "'"]
    )
    def test_no_cell_is_a_formula_and_all_come_back(self, cell: str) -> None:
        assert not safe(cell).startswith(("=", "+", "-", "@", "\t", "\r"))
        assert plain(safe(cell)) == cell

    def test_a_cell_is_one_line_without_bars(self) -> None:
        assert one_line(" a|b\nc\r\n\td\0\u2028e \ud800") == "a b c d e"

    @pytest.mark.parametrize(
        "text", ['"Yes," she said.', '"', "=SUM(A1)", "שלום, עולם", "None", "a, b; c"]
    )
    def test_texts_come_back_as_they_were(self, tmp_path: Path, text: str) -> None:
        rows = [Row("wavs/a.wav", text, "@Ada", "en", EVAL, "wavs/b.wav"), Row("wavs/b.wav", "B.", "1")]
        for name, content in metadata_files(rows).items():
            (tmp_path / name).write_bytes(content)
        assert read_metadata(tmp_path) == rows

    def test_coqui_and_pandas_read_it(self, tmp_path: Path) -> None:
        import pandas

        kept = [
            segment(ONE, 1, text='"Well" — she said.'),
            segment(ONE, 2, text="=2|2"),
            segment(TWO, 1),
        ]
        folder = build(tmp_path, kept, [ONE, TWO])
        settle(folder, "Set", SETTINGS)
        table = pandas.read_csv(tmp_path / "metadata.csv", sep="|")
        assert list(table.columns) == ["audio_file", "text", "speaker_name"]
        assert list(table.text) == ['"Well" — she said.', "'=2 2", kept[2].text]
        items = coqui_formatter()(str(tmp_path), "metadata_train.csv")
        assert [item["text"] for item in items] == list(table.text[:2])
        assert all(Path(item["audio_file"]).exists() for item in items)
        assert {item["speaker_name"] for item in items} == {"Ada"}

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "a|b\n1|2\n",
            "audio_file|text\n../x.wav|a\n",
            "audio_file|text\nwavs/a.wav\n",
            'audio_file|text\n"',
        ],
    )
    def test_a_damaged_file_is_said(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "metadata.csv").write_text(content, "utf-8")
        if content:
            with pytest.raises(Damaged):
                read_metadata(tmp_path)
        else:
            assert read_metadata(tmp_path) == []

    def test_damaged_lines_and_a_set_that_was_not_built_are_said(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound):
            read_metadata(tmp_path)
        (tmp_path / "metadata.csv").write_text("audio_file|text\nwavs/a.wav|A.\n", "utf-8")
        assert read_metadata(tmp_path) == [Row("wavs/a.wav", "A.", "")]
        (tmp_path / "metadata.jsonl").write_text("{", "utf-8")
        with pytest.raises(Damaged):
            read_metadata(tmp_path)


def coqui_formatter() -> Callable[..., list[dict[str, str]]]:
    """coqui-tts's own, without the rest of its package, which needs torch and takes seconds."""
    package = find_spec("TTS")
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).parent / "tts" / "datasets" / "formatters.py"
    spec = spec_from_file_location("formatters", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.coqui
