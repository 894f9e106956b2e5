"""The metadata files of a training set: what trainers read of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

from studio.dataset.csv_cells import plain, safe
from studio.dataset.splitting import EVAL, TRAIN
from studio.errors import BadInput, Damaged, NotFound
from studio.names import inside

METADATA, TRAIN_METADATA, EVAL_METADATA = "metadata.csv", "metadata_train.csv", "metadata_eval.csv"
LINES = "metadata.jsonl"

#: Coqui's form, which its formatter "coqui" reads.
_COLUMNS = ("audio_file", "text", "speaker_name")


@dataclass(frozen=True)
class Row:
    """One utterance. Audio files are named relative to the set's folder, with "/"."""

    audio: str
    text: str
    speaker: str
    language: str = ""  # BCP 47, lower case; "": not known
    split: str = TRAIN
    ref_audio: str = ""  # another utterance of the speaker, to clone the voice from


def metadata_files(rows: Sequence[Row]) -> dict[str, bytes]:
    """The metadata files by name, in the order in which they are to be written."""
    lines = [_coqui_line(row) for row in rows]
    sides = [row.split for row in rows]
    return {
        METADATA: _coqui_csv(lines),
        TRAIN_METADATA: _coqui_csv(compress(lines, (side == TRAIN for side in sides))),
        EVAL_METADATA: _coqui_csv(compress(lines, (side == EVAL for side in sides))),
        LINES: json_lines(rows),
    }


def _coqui_line(row: Row) -> str:
    """A spreadsheet must not run any of it."""
    out = io.StringIO()
    cells = [safe(cell) for cell in (row.audio, row.text, row.speaker)]
    csv.writer(out, delimiter="|", lineterminator="\n").writerow(cells)
    return out.getvalue()


def _coqui_csv(lines: Iterable[str]) -> bytes:
    return "".join(["|".join(_COLUMNS) + "\n", *lines]).encode()


def json_lines(rows: Iterable[Row]) -> bytes:
    """Qwen's form, with language, speaker and split besides."""
    lines = (
        {
            "audio": row.audio,
            "text": row.text,
            "ref_audio": row.ref_audio,
            "language": row.language,
            "speaker": row.speaker,
            "split": row.split,
        }
        for row in rows
    )
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()


def read_metadata(root: Path) -> list[Row]:
    """The utterances of the training set at `root`, in order, with the texts as they were written.

    metadata.csv says what there is; language, split and reference come from metadata.jsonl where that
    knows the utterance. Any other set in Coqui's form can be read as well. Raises NotFound without a
    metadata.csv, Damaged for one that is not in that form or names files outside of `root`.
    """
    path = root / METADATA
    if not path.is_file():
        raise NotFound(f"{root} has no {METADATA}.", "Build the data set first.")
    known = _known(root / LINES)
    rows = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter="|", strict=True)
            for cells in reader:
                audio, text = plain(cells["audio_file"]), plain(cells["text"])
                inside(root, audio)
                speaker = plain(cells.get("speaker_name") or "")
                more = known.get(audio, {})
                rows.append(Row(audio, text, speaker, **more))
    except (csv.Error, KeyError, TypeError, AttributeError, UnicodeDecodeError, BadInput) as error:
        raise Damaged(f"{path} is damaged ({str(error)[:80]}).", "Build the data set again.") from error
    return rows


def _known(path: Path) -> dict[str, Mapping[str, str]]:
    """What metadata.jsonl says beyond metadata.csv, by audio file."""
    if not path.is_file():
        return {}
    try:
        lines = [json.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
        return {
            str(line["audio"]): {
                "language": str(line.get("language", "")),
                "split": EVAL if line.get("split") == EVAL else TRAIN,
                "ref_audio": str(line.get("ref_audio", "")),
            }
            for line in lines
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Damaged(f"{path} is damaged ({str(error)[:80]}).", "Build the data set again.") from error
