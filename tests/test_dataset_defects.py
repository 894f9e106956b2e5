"""Long recordings with planted defects become a set whose ledger names each of them.

Real speech where ../shared/data has it, else the embedded voice's.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from studio.audio.reading import read
from studio.audio.resampling import resample
from studio.audio.types import Audio, Samples
from studio.text.subtitles import Cue, to_srt
from tests.spoken import RATE as SPOKEN_RATE
from tests.spoken import REAL, spoken

_RATE = 22_050
_PAUSE_S = 0.9
_CLEAN_DB, _NOISY_DB = 30.0, 4.0

_SENTENCES = (
    "The ferry to the island leaves at seven, and the next one not before noon.",
    "She put the letters back into the drawer and locked it with a small key.",
    "Nobody had told the gardener that the well behind the house was dry.",
    "In the evening the whole street smelled of bread and of wet stones.",
    "My brother keeps his bees on the roof of the old post office.",
    "After the storm they counted the boats, and one of them was missing.",
)


@dataclass(frozen=True)
class Clip:
    text: str
    samples: Samples  # at _RATE


@pytest.fixture(scope="module")
def clips() -> tuple[Clip, ...]:
    """Six sentences of 2 to 11 s."""
    if not REAL.is_dir():
        return tuple(
            Clip(text, levelled(resample(Audio(spoken(text), SPOKEN_RATE), _RATE).samples))
            for text in _SENTENCES
        )
    rows = (REAL / "transcripts.csv").read_text("utf-8").splitlines()
    texts = dict(row.split("|", 1) for row in rows if row.startswith("LJ"))
    found = []
    for name, text in texts.items():
        audio = read(REAL / f"{name}.flac", _RATE)
        if 2 <= audio.duration <= 10.5:
            found.append(Clip(text, levelled(audio.samples)))
    return tuple(found[:6])


def levelled(samples: Samples) -> Samples:
    return (samples * (0.08 / np.sqrt(np.mean(np.square(samples))))).astype(np.float32)


def joined(clips: Sequence[Clip], db: float, seed: int) -> tuple[Samples, list[Cue]]:
    """The clips with pauses around them and white noise `db` below their level, and when they are."""
    pause = np.zeros(round(_PAUSE_S * _RATE), np.float32)
    parts, cues, at = [pause], [], _PAUSE_S
    for clip in clips:
        seconds = len(clip.samples) / _RATE
        cues.append(Cue(at, at + seconds, (clip.text,)))
        parts += [clip.samples, pause]
        at += seconds + _PAUSE_S
    speech = np.concatenate(parts)
    noise = np.random.default_rng(seed).normal(0, 0.08 * 10 ** (-db / 20), len(speech))
    return (speech + noise).astype(np.float32), cues


def long_recordings(folder: Path, clips: Sequence[Clip]) -> None:
    """One recording for each defect, with its subtitles beside it."""
    first, second = clips[:3], clips[3:]
    telephone, narrow_cues = joined(first, _CLEAN_DB, 4)
    narrow = resample(resample(Audio(telephone, _RATE), 4_000), _RATE).samples
    clean, clean_cues = joined(clips, _CLEAN_DB, 1)
    made = {
        "clean.wav": (clean, clean_cues),
        "noisy.flac": joined(first, _NOISY_DB, 2),
        "clipped.wav": over(joined(second, _CLEAN_DB, 3)),
        "telephone.wav": (narrow, narrow_cues),
    }
    for name, (samples, cues) in made.items():
        soundfile.write(folder / name, np.clip(samples, -1, 1), _RATE)
        (folder / name).with_suffix(".srt").write_text(to_srt(cues), "utf-8")
    # The same recording once more, quieter and in another format.
    soundfile.write(folder / "copy of clean.ogg", 0.5 * clean, _RATE)
    (folder / "copy of clean.srt").write_text(to_srt(clean_cues), "utf-8")
    soundfile.write(folder / "silence.wav", np.zeros(8 * _RATE, np.float32), _RATE)
    (folder / "broken.wav").write_bytes(b"RIFF, and then nothing")


def over(recorded: tuple[Samples, list[Cue]]) -> tuple[Samples, list[Cue]]:
    samples, cues = recorded
    return 9 * samples, cues


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, clips: tuple[Clip, ...]) -> Path:
    folder = tmp_path_factory.mktemp("defects")
    recordings = folder / "recordings"
    recordings.mkdir()
    long_recordings(recordings, clips)
    options = ("--recognizer", "none", "--language", "en", "--eval-share", "0.2", "--processes", "1")
    told(folder / "home", "build", str(recordings), "--name", "Planted", *options)
    return folder / "home"


def told(home: Path, *arguments: str) -> Any:
    """What `datasets ...` prints as JSON."""
    import app

    said = io.StringIO()
    with redirect_stdout(said):
        code = app.main(["--home", str(home), "datasets", *arguments, "--json"])
    assert code == 0, said.getvalue()
    return json.loads(said.getvalue())


@pytest.fixture(scope="module")
def segments(home: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = told(home, "segments", "Planted", "--limit", "1000")["segments"]
    return rows


def of(segments: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    found = [row for row in segments if row["source_name"].endswith(name)]
    assert found, name
    return found


def codes(row: dict[str, Any]) -> set[str]:
    return {reason["code"] for reason in row["reasons"]}


def test_what_is_clean_is_kept_with_its_text(
    segments: list[dict[str, Any]], clips: tuple[Clip, ...]
) -> None:
    clean = of(segments, "clean.wav")
    kept = [row for row in clean if row["kept"]]
    assert len(kept) == len(clean) == len(clips)
    # A comma before the end of a clip may go, and numbers stand in words.
    for row, clip in zip(clean, clips, strict=True):
        assert row["text"].split()[:3] == clip.text.split()[:3]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("noisy.flac", "noise"), ("clipped.wav", "clipped"), ("telephone.wav", "narrow")],
)
def test_each_defect_is_dropped_for_what_it_is(
    segments: list[dict[str, Any]], name: str, reason: str
) -> None:
    for row in of(segments, name):
        assert not row["kept"]
        assert reason in codes(row), row


def test_a_copy_is_known_by_its_sound(segments: list[dict[str, Any]]) -> None:
    """Whichever of the two comes first is kept."""
    pairs = zip(of(segments, "clean.wav"), of(segments, "copy of clean.ogg"), strict=True)
    for one, other in pairs:
        assert "duplicate_audio" in codes(one) | codes(other)


def test_the_noise_is_measured(segments: list[dict[str, Any]]) -> None:
    for name, planted in (("clean.wav", _CLEAN_DB), ("noisy.flac", _NOISY_DB)):
        # Real clips bring noise of their own, and within a clip there are pauses as well.
        measured = np.mean([row["snr_db"] for row in of(segments, name)])
        assert abs(measured - planted) < 3, name


def test_what_held_nothing_is_reported(home: Path) -> None:
    shown = told(home, "show", "Planted")["dataset"]["sources"]
    sources = {row["name"].rpartition("/")[2]: row for row in shown}
    assert sources["broken.wav"]["problem"]
    assert sources["silence.wav"]["speech_s"] < 1


def test_load_dataset_reads_the_export(
    home: Path, segments: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    target = tmp_path / "export"
    told(home, "export", "Planted", "--format", "hf", "--output", str(target))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    loaded = datasets.load_dataset(str(target), cache_dir=str(tmp_path / "cache"))
    texts = [text for side in loaded for text in loaded[side]["text"][:]]
    assert sorted(texts) == sorted(row["text"] for row in segments if row["kept"])
