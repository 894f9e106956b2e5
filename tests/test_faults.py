"""What happens when the disk is full, a process dies, or a recording lies."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

import app
from engines.base import Capability
from studio.audio.reading import Limits
from studio.control import Control
from studio.errors import BadInput, StorageFailed, StudioError
from studio.services.references import ReferenceStore
from studio.services.studio import Studio
from studio.services.takes import Reference, SpeechOrder, TakeState
from studio.settings import load_settings
from tests.audio_files import claim_flac_frames, surround, tone, wav
from tests.running import begin, command_line, environment, spooled, until
from tests.small_disk import limit_file_size, tiny_disk

SHORT = "A short text."


def long_text(sentences: int = 5_000) -> str:
    return " ".join(f"Sentence number {number} is here." for number in range(sentences))


def preset(text: str = SHORT) -> SpeechOrder:
    return SpeechOrder(Capability.PRESET, text, "espeak", "en-us", seed=7)


def left_unfinished(home: Path) -> list[Path]:
    return [*home.rglob("*.partial"), *(home / ".cache/spool").rglob("*.wav")]


def whole(home: Path) -> bool:
    """Whether the database is sound and every row's file is there and as long as it says."""
    connection = sqlite3.connect(home / "timbre.db")
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute("SELECT file, duration FROM takes").fetchall()
    finally:
        connection.close()
    return all(
        soundfile.info(home / "outputs" / file).duration == pytest.approx(duration, abs=0.01)
        for file, duration in rows
    )


def test_a_full_disk_fails_the_take_with_the_remedy_and_the_next_one_works() -> None:
    with tiny_disk("4m") as disk:
        home = disk / "home"
        with Studio(load_settings(home=home)) as studio:
            first = studio.speech.speak(preset())
            ballast = disk / "ballast"
            ballast.write_bytes(bytes(2_000_000))
            with pytest.raises(StorageFailed, match="Free some space"):
                studio.speech.speak(preset(long_text(300)))
            ballast.unlink()
            kept = [record for record in studio.history.list("") if record.id != first.id]
            assert all(record.status == "failed" for record in kept)
            assert not list(home.rglob("*.partial"))
            assert studio.speech.speak(preset()).status == "done"
        assert left_unfinished(home) == []
        assert whole(home)


def test_a_file_too_large_for_the_account_is_refused_in_words(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("Windows limits no files")
    home, text = tmp_path / "home", tmp_path / "long.txt"
    text.write_text(long_text(300))
    with Studio(load_settings(home=home)) as studio:
        studio.speech.speak(preset())
    result = subprocess.run(
        command_line(home, "speak", "--file", str(text), "--json"), preexec_fn=limit_file_size,
        capture_output=True, text=True, timeout=60, env=environment(), check=False,
    )  # fmt: skip
    answer = json.loads(result.stdout)
    assert result.returncode == 4
    assert (answer["ok"], answer["error"]) == (False, "storage_failed")
    assert "Free some space" in answer["hint"]
    assert "Traceback" not in result.stderr
    assert left_unfinished(home) == []
    assert whole(home)


def kill_engines() -> None:
    for child in psutil.Process().children():
        try:
            if "espeak" in " ".join(child.cmdline()):
                child.kill()
        except psutil.NoSuchProcess:
            continue


def test_an_engine_that_keeps_dying_keeps_what_was_spoken(studio: Studio) -> None:
    take = studio.speech.start(preset(long_text()))
    until(lambda: studio.speech.status(take).audio_seconds > 20)
    while not studio.speech.status(take).state.finished:  # one death between two parts goes unheard
        kill_engines()
    last = studio.speech.status(take)
    assert last.state is TakeState.FAILED
    assert "eSpeak" in last.error
    assert last.hint
    assert last.record is not None
    assert last.record.status == "failed"
    assert last.record.duration > 20
    assert studio.speech.speak(preset()).status == "done"
    assert whole(studio.settings.home)


def test_an_engine_that_dies_once_between_takes_is_not_noticed(studio: Studio) -> None:
    for _ in range(3):
        assert studio.speech.speak(preset()).status == "done"
        kill_engines()


def test_after_sigkill_the_next_start_sweeps_and_the_history_is_intact(tmp_path: Path) -> None:
    home, text = tmp_path / "home", tmp_path / "long.txt"
    text.write_text(long_text())
    with Studio(load_settings(home=home)) as studio:
        studio.speech.speak(preset())
    process = begin(home, "speak", "--file", str(text))
    until(lambda: spooled(home) > 1_000_000)
    children = psutil.Process(process.pid).children()
    process.kill()
    process.communicate(timeout=10)
    assert left_unfinished(home) != []
    half = home / "outputs" / f"half.wav.{process.pid}.abcd.partial"
    half.write_bytes(b"RIFF")
    with Studio(load_settings(home=home)) as studio:
        assert left_unfinished(home) == []
        assert [record.text for record in studio.history.list("")] == [SHORT]
        assert whole(home)
        assert studio.speech.speak(preset()).status == "done"
    psutil.wait_procs(children, timeout=5)
    assert not any(child.is_running() for child in children), "the engine outlived its studio"


def test_two_processes_on_one_home_leave_each_other_alone(studio: Studio, tmp_path: Path) -> None:
    home, text = studio.settings.home, tmp_path / "long.txt"
    text.write_text(long_text(60))
    running = studio.speech.start(preset(long_text(300)))
    until(lambda: studio.speech.status(running).audio_seconds > 1)
    process = begin(home, "speak", "--file", str(text), "--json")  # its start sweeps
    until(lambda: len(list((home / ".cache/spool").iterdir())) == 2)
    with Studio(studio.settings) as another:  # and so does this one's
        third = another.speech.speak(preset()).id
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    (second,) = json.loads(out)["takes"]
    assert list(studio.speech.follow(running))[-1].state is TakeState.DONE
    assert {record.id for record in studio.history.list("")} == {running, second["id"], third}
    assert whole(home)


def twelve_hours(path: Path) -> Path:
    """34 MB of FLAC whose header claims twelve hours of two channels."""
    noise = np.random.default_rng(0).normal(0, 0.2, (48_000, 2)).clip(-1, 1).astype(np.float32)
    with soundfile.SoundFile(path, "w", 48_000, 2, format="FLAC", compression_level=0.0) as file:
        for _ in range(194):
            file.write(noise)
    claim_flac_frames(path, 12 * 3600 * 48_000)
    return path


def test_a_recording_that_claims_hours_is_refused_at_once(studio: Studio, tmp_path: Path) -> None:
    path = twelve_hours(tmp_path / "long.flac")
    assert path.stat().st_size > 34_000_000
    started, before = time.process_time(), psutil.Process().memory_info().rss
    with pytest.raises(BadInput) as caught:
        studio.speech.speak(clone(path))
    assert time.process_time() - started < 1
    assert psutil.Process().memory_info().rss - before < 100_000_000
    assert caught.value.hint
    nothing_kept(studio)


def clone(path: Path, **region: float) -> SpeechOrder:
    return SpeechOrder(
        Capability.CLONE, SHORT, "espeak", "en-us", reference=Reference(path, **region)  # type: ignore[arg-type]
    )  # fmt: skip


def nothing_kept(studio: Studio) -> None:
    assert studio.history.list("") == []
    assert list(studio.workspace.references.iterdir()) == []
    assert left_unfinished(studio.settings.home) == []


@pytest.mark.parametrize(
    ("case", "word"),
    [("a tenth of a second", "0.1 s"), ("silence", "silent"), ("no numbers", "numbers"), ("empty", "empty"),
     ("cut off", "0.0 s"), ("a region outside", "5.0 s"), ("a region turned round", "end")],
)  # fmt: skip
def test_a_useless_reference_is_refused_in_words(
    studio: Studio, tmp_path: Path, case: str, word: str
) -> None:
    path, region = tmp_path / "reference.wav", {}
    if case == "a tenth of a second":
        wav(path, tone(0.1))
    elif case == "silence":
        wav(path, np.zeros(5 * 24_000, np.float32))
    elif case == "no numbers":
        wav(path, np.full(5 * 24_000, np.nan, np.float32), subtype="FLOAT")
    elif case == "empty":
        path.write_bytes(b"")
    elif case == "cut off":
        path.write_bytes(wav(path, tone(5)).read_bytes()[:60])
    else:
        wav(path, tone(5))
        region = {"start": 9.0, "end": 12.0} if "outside" in case else {"start": 4.0, "end": 1.0}
    with pytest.raises(StudioError, match=word) as caught:
        studio.speech.speak(clone(path, **region))
    assert caught.value.exit_code == 3
    assert caught.value.hint
    nothing_kept(studio)


def test_eight_channels_are_kept_as_one(tmp_path: Path) -> None:
    path = surround(tmp_path / "surround.mka", "flac", "matroska")
    store = ReferenceStore(tmp_path / "references", Limits())
    kept, rate = soundfile.read(store.keep(Reference(path), Control()).audio)
    assert kept.shape == (2 * rate,)
    assert np.abs(kept).max() == pytest.approx(0.3, abs=0.05)


def test_a_file_name_that_is_no_text_is_kept_as_text(studio: Studio) -> None:
    """Linux allows any bytes; SQLite and JSON do not."""
    voice = studio.speech.plan(clone(Path(os.fsdecode(b"m\xffrz.wav")))).voice
    assert voice == "like m?rz"
    designed = SpeechOrder(Capability.DESIGN, SHORT, "espeak", description="an old \udcff man")
    assert studio.speech.plan(designed).voice.isascii()


def test_a_home_that_may_not_be_written_is_said_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux has a folder where even root may not write")
    if os.geteuid() == 0:
        home = Path("/sys/timbre")
    else:
        home = tmp_path / "home"
        home.mkdir(mode=0o500)
    assert app.main(["--home", str(home), "speak", "--text", SHORT]) == 4
    said = capfd.readouterr().err
    assert f"{home} cannot be written" in said
    assert "--home" in said


def test_what_a_predecessor_with_our_pid_left_is_swept(studio: Studio) -> None:
    """In a container the studio has the same pid at every start."""
    places = [studio.workspace.spool / "take.wav", studio.workspace.outputs / "a.wav"]
    places[1] = places[1].with_name(f"a.wav.{os.getpid()}.abcd.partial")
    for path in places:
        path.write_bytes(b"RIFF")
    with Studio(studio.settings):
        assert all(path.exists() for path in places)  # of this very process
    for path in places:
        os.utime(path, (0, 0))
    with Studio(studio.settings):
        assert not any(path.exists() for path in places)
        assert studio.workspace.spool.exists()


def test_a_second_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    home, text = tmp_path / "home", tmp_path / "long.txt"
    text.write_text(long_text())
    process = begin(home, "speak", "--file", str(text))
    until(lambda: spooled(home) > 1_000_000)
    # By processor time, for others may keep the processor busy; that of a child counts once it has ended.
    before = sum(os.times()[2:4]) + sum(psutil.Process(process.pid).cpu_times()[:2])
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    _, err = process.communicate(timeout=60)
    assert sum(os.times()[2:4]) - before < 5
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert whole(home)
