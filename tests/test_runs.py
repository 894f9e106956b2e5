"""Promises of the run service: what it proposes, estimates, refuses, keeps and reads."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from engines.qwen.configurations import PARAMETERS, real_config
from studio.dataset.values import Limits, PrepareSettings
from studio.errors import BadInput, Busy, Damaged, NotFound
from studio.runs import memory, shapes
from studio.runs.presets import Preset
from studio.runs.run_folder import META, RunFolder
from studio.runs.values import (
    Checkpoint,
    Family,
    LoraOptions,
    Method,
    Precision,
    RunSettings,
    StepRow,
)
from studio.services.run_checks import dataset_problems
from studio.services.run_device import container_free
from studio.services.run_values import Run
from studio.services.studio import Studio
from studio.settings import Settings, load_settings
from tests import training_sets
from tests.model_folders import make_model

XTTS = {
    "gpt_n_model_channels": 1024,
    "gpt_layers": 30,
    "gpt_num_audio_tokens": 1026,
    "gpt_number_text_tokens": 6681,
    "gpt_max_audio_tokens": 605,
    "gpt_max_text_tokens": 402,
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A machine with a model of XTTS's size, without its weights."""
    made = load_settings(home=tmp_path / "home", models_dir=tmp_path / "models", device="cpu")
    folder = make_model(tmp_path / "models" / "XTTS" / "XTTS-v2", "xtts-v2")
    (folder / "config.json").write_text(json.dumps({"model": "xtts", "model_args": XTTS}))
    return made


def a_set(studio: Studio, name: str = "Ada", rate: int = 22_050, clips: int = 6, **other: Any) -> str:
    """The id of a set of `clips` clips of 5 s."""
    made = studio.datasets.create(name, "", PrepareSettings())
    talk = training_sets.source(1, "talk.wav", speaker="Ada")
    segments = [training_sets.segment(talk, number, 5.0, **other) for number in range(clips)]
    training_sets.build(studio.workspace.datasets / made.id, segments, [talk], rate)
    studio.datasets.apply(made.id, "", Limits(other_languages=True))
    return made.id


def proposed(studio: Studio, dataset: str, **other: Any) -> RunSettings:
    proposal = studio.runs.propose(Family.XTTS, Method.LORA, Preset.BALANCED, dataset, "")
    return replace(proposal.settings, **other)


def a_run(studio: Studio, name: str = "Zoë", **other: Any) -> Run:
    dataset = other.pop("dataset", None) or a_set(studio, f"set of {name}")
    return studio.runs.create(name, "", proposed(studio, dataset, **other))


def trained(studio: Studio, run: Run, *epochs: int, best: int | None = None) -> RunFolder:
    """What training would have left of `run`."""
    folder = RunFolder(studio.workspace.checkpoints / run.id)
    rows = []
    for epoch in epochs:
        place = folder.checkpoint(epoch)
        place.mkdir()
        (place / "adapter_model.safetensors").write_bytes(bytes(1000))
        made = Checkpoint(
            run.id, epoch, run.family, run.method, run.base, 10 * epoch, 2.0, 2.5, 1.0, 0,
            best=epoch == best, language="en",
        )  # fmt: skip
        (place / META).write_text(json.dumps(asdict(made)))
        begun = 12.0 * (epoch - 1)
        steps = [
            StepRow("step", 10 * (epoch - 1) + n, epoch - 1 + n / 10, begun + n, 2.0, clips_per_s=4.0)
            for n in range(1, 11)
        ]
        rows += [*steps, StepRow("epoch", 10 * epoch, epoch, begun + 12, 2.0, eval_loss=2.5)]
    lines = [json.dumps(asdict(row)) + "\n" for row in rows]
    folder.metrics.write_text("".join(lines))
    return folder


# Proposals and estimates


def test_installed_bases_come_first_and_say_what_others_lack(studio: Studio) -> None:
    there = studio.runs.bases(Family.XTTS)
    assert (there[0].key, there[0].problem) == ("xtts-v2", "")
    assert there[-1].practice
    assert "models practice xtts" in there[-1].problem
    assert {each.key for each in studio.runs.bases(Family.QWEN)} == {
        "qwen-1.7b-base", "qwen-0.6b-base", "qwen-practice-base",
    }  # fmt: skip


def test_a_base_without_what_training_needs_says_so(studio: Studio, settings: Settings) -> None:
    (settings.models_dir / "XTTS" / "XTTS-v2" / "dvae.pth").unlink()
    problems = studio.runs.estimate(proposed(studio, a_set(studio), base="xtts-v2"), "").problems
    assert any("dvae.pth" in problem for problem in problems)


def test_a_proposal_is_for_the_set_by_its_name(studio: Studio) -> None:
    id = a_set(studio, clips=3)
    proposal = studio.runs.propose(Family.XTTS, Method.LORA, Preset.QUICK, "ada", "")
    assert (proposal.settings.dataset, proposal.settings.base) == (id, "xtts-v2")
    assert proposal.settings.batch_size <= 3
    with pytest.raises(NotFound, match="no data set"):
        studio.runs.propose(Family.XTTS, Method.LORA, Preset.QUICK, "Bob", "")


def test_an_estimate_counts_clips_steps_memory_and_disk(studio: Studio) -> None:
    settings = proposed(studio, a_set(studio), batch_size=2, accumulation=1, epochs=4)
    estimate = studio.runs.estimate(settings, "")
    assert (estimate.clips, estimate.steps, estimate.problems) == (6, 12, ())
    assert estimate.clips_s == 30.0
    assert 3_000 < estimate.memory_mb < 12_000
    assert estimate.available_mb > 0
    assert 100 < estimate.disk_mb < 1_000
    assert estimate.seconds is None
    assert any("little to learn" in each for each in estimate.advice)


def test_time_is_told_by_the_last_run_alike(studio: Studio) -> None:
    run = a_run(studio, epochs=2)
    trained(studio, run, 1, 2)
    # 10 s of 4 clips each and 2 s beside, an epoch: 0.3 s a clip, of 6 clips in 2 epochs.
    estimate = studio.runs.estimate(run.settings, "")
    assert estimate.seconds == pytest.approx(0.3 * 6 * 2, rel=0.1)


def test_what_does_not_fit_says_what_would(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.services import run_device

    monkeypatch.setattr(run_device, "_machine_mb", lambda: 5_500.0)
    settings = proposed(studio, a_set(studio), method=Method.FULL, batch_size=8)
    estimate = studio.runs.estimate(settings, "")
    assert not estimate.fits
    assert any("LoRA" in each and "would take" in each for each in estimate.advice)


@pytest.mark.parametrize(
    ("of_set", "of_run", "words"),
    [
        ({"rate": 24_000}, {}, "24,000 Hz"),
        ({"language": "sw"}, {}, "does not speak"),
        ({"clips": 1}, {}, "too small"),
        ({}, {"precision": Precision.FLOAT16}, "float16"),
        ({}, {"base": "xtts-practice"}, "models practice xtts"),
        ({}, {"base": "qwen-0.6b-base"}, "has no base"),
    ],
)
def test_what_cannot_start_is_refused(
    studio: Studio, of_set: dict[str, Any], of_run: dict[str, Any], words: str
) -> None:
    settings = proposed(studio, a_set(studio, **of_set), **of_run)
    assert any(words in each for each in studio.runs.estimate(settings, "").problems)


def test_a_set_that_is_gone_is_said(studio: Studio) -> None:
    settings = replace(proposed(studio, a_set(studio)), dataset="gone")
    assert any("no data set" in each for each in studio.runs.estimate(settings, "").problems)


def test_a_set_that_is_not_built_is_refused_at_the_start(studio: Studio) -> None:
    studio.datasets.create("empty", "")
    run = studio.runs.create("Zoë", "", proposed(studio, "empty"))
    with pytest.raises(BadInput, match="no clips"):
        studio.runs.start(run.id, "")
    assert studio.runs.get("zoë", "").state == "new"


def test_a_target_s_languages_are_known_by_their_variants(studio: Studio) -> None:
    id = a_set(studio, language="en-GB")
    root = studio.workspace.datasets / id
    from studio.dataset.metadata import read_metadata

    rows = read_metadata(root)
    settings = proposed(studio, id)
    assert dataset_problems(studio.datasets.get(id, ""), rows, settings, root) == []


def test_what_a_container_keeps_of_files_counts_as_free(tmp_path: Path) -> None:
    for name, told in (
        ("memory.max", "1000\n"), ("memory.current", "900\n"),
        ("memory.stat", "anon 300\ninactive_file 500\n"),
    ):  # fmt: skip
        (tmp_path / name).write_text(told)
    assert container_free(tmp_path) == 600
    (tmp_path / "memory.max").write_text("max\n")
    assert container_free(tmp_path) == float("inf")


# Sizes


def test_sizes_are_those_of_the_published_models() -> None:
    xtts = shapes._xtts(XTTS)
    assert xtts.trainable == pytest.approx(438e6, rel=0.01)  # counted, see xtts-facts.md
    assert xtts.adapter(LoraOptions(rank=16)) == 7_864_320
    for size, count in PARAMETERS.items():
        shape = shapes._qwen(real_config(size, "base")["talker_config"])
        assert shape.trainable == pytest.approx(count, rel=0.002)


def test_less_hungry_runs_take_less_each() -> None:
    shape, longest = shapes._xtts(XTTS), memory.Longest(11, 150)
    settings = RunSettings(Family.XTTS, "b", "d", Method.FULL, batch_size=8)
    needs = [
        memory.need(shape, each, longest, "cpu", half=False).total
        for each in (settings, *(each for each, _ in memory.less_hungry(settings)))
    ]
    assert len(needs) == 6
    assert needs == sorted(needs, reverse=True)


# Runs


def test_runs_are_their_owners_and_names_are_unique(studio: Studio) -> None:
    run = a_run(studio)
    with pytest.raises(BadInput, match="already"):
        a_run(studio, "zoë", dataset=run.dataset)
    with pytest.raises(NotFound):
        studio.runs.get(run.id, "somebody else")
    assert studio.runs.list("somebody else") == ()
    assert studio.runs.rename(run.id, "", "Ada").name == "Ada"
    assert studio.runs.note("Ada", "", "the quiet one").note == "the quiet one"


def test_a_run_tells_how_far_it_is(studio: Studio) -> None:
    run = a_run(studio)
    trained(studio, run, 1, 2, best=1)
    shown = studio.runs.get(run.id, "")
    assert (shown.epochs_saved, shown.best, shown.epoch, shown.language) == ((1, 2), 1, 2.0, "en")
    assert shown.size > 2_000


def test_metrics_are_read_on_from_where_one_was(studio: Studio) -> None:
    run = a_run(studio)
    folder = trained(studio, run, 1)
    rows, offset = studio.runs.metrics(run.id, "")
    assert len(rows) == 11
    with folder.metrics.open("a") as file:
        file.write(json.dumps(asdict(StepRow("step", 11, 1.1, 13.0))) + '\n{"kind": "st')
    more, end = studio.runs.metrics(run.id, "", offset)
    assert [row.step for row in more] == [11]
    folder.metrics.write_bytes(folder.metrics.read_bytes()[:100])  # cut, as a resumed run does
    assert studio.runs.metrics(run.id, "", end)[1] <= 100
    folder.metrics.write_text("[]\n")
    with pytest.raises(Damaged, match=r"metrics\.jsonl"):
        studio.runs.metrics(run.id, "")


def test_a_checkpoint_is_found_by_run_and_epoch(studio: Studio) -> None:
    run = a_run(studio, "Zoë: take 2")
    with pytest.raises(NotFound, match="no checkpoint yet"):
        studio.runs.checkpoint("zoë: take 2", "")
    trained(studio, run, 1, 2, 3, best=2)
    for spec, epoch in (("", 2), (":last", 3), (":best", 2), (":1", 1)):
        found = studio.runs.checkpoint(f"Zoë: take 2{spec}", "")
        assert found.checkpoint.epoch == epoch
        assert found.folder.is_dir()
    with pytest.raises(NotFound, match="9"):
        studio.runs.checkpoint(f"{run.id}:9", "")


def test_a_run_goes_on_from_a_checkpoint_of_its_own_kind(studio: Studio) -> None:
    run = a_run(studio)
    trained(studio, run, 1)
    base = next(each for each in studio.runs.bases(Family.XTTS, "") if each.key == f"{run.id}:1")
    assert base.label == "Zoë, epoch 1"
    further = replace(run.settings, base="Zoë:1")
    assert studio.runs.create("further", "", further).base == f"{run.id}:1"
    other = replace(further, method=Method.FULL)
    assert any("trained with lora" in each for each in studio.runs.estimate(other, "").problems)


def test_samples_are_told_with_what_they_say_the_newest_first(studio: Studio) -> None:
    run = a_run(studio)
    folder = trained(studio, run, 1)
    folder.samples.mkdir()
    for epoch in (0, 1):
        for sentence in (None, 1, 2):
            folder.sample(epoch, sentence).write_bytes(b"RIFF")
    (folder.samples / "note.txt").write_text("no sample")
    folder.sentences.write_text(json.dumps({"language": "en", "sentences": ["One.", "Two."]}))
    found = studio.runs.samples(run.id, "")
    assert [(each.epoch, each.sentence) for each in found[:4]] == [(1, None), (1, 1), (1, 2), (0, None)]
    assert [each.text for each in found[:3]] == ["One. Two.", "One.", "Two."]
    assert studio.runs.get(run.id, "").epochs_spoken == (0, 1)
    folder.sample(1, 1).unlink()  # a sentence that could not be spoken is not said to have been
    assert [each.text for each in studio.runs.samples(run.id, "")[:2]] == ["Two.", "Two."]
    assert studio.runs.sample(run.id, "", 1, 2) == folder.sample(1, 2)
    with pytest.raises(NotFound):
        studio.runs.sample(run.id, "", 1, 1)


def test_deleting_says_what_it_frees(studio: Studio) -> None:
    run = a_run(studio)
    folder = trained(studio, run, 1, 2)
    with FileLock(folder.lock):  # as `accelerate launch` holds it
        for delete in (studio.runs.delete, lambda *which: studio.runs.delete_checkpoint(*which, 1)):
            with pytest.raises(Busy, match="is training"):
                delete(run.id, "")
    # A file that is the base model's as well, as a whole checkpoint of Qwen has it, is not freed.
    codec = folder.checkpoint(1) / "codec.safetensors"
    codec.write_bytes(bytes(50_000))
    os.link(codec, studio.workspace.home / "of-the-base")
    assert 1_000 < studio.runs.checkpoint(f"{run.id}:1", "").checkpoint.size < 10_000
    assert 1_000 < studio.runs.delete_checkpoint(run.id, "", 1) < 10_000
    assert studio.runs.get(run.id, "").epochs_saved == (2,)
    with pytest.raises(NotFound, match="epoch 1"):
        studio.runs.delete_checkpoint(run.id, "", 1)
    assert studio.runs.delete(run.id, "") > 1_000
    assert studio.runs.list("") == ()


def test_a_damaged_checkpoint_does_not_hide_the_run(studio: Studio) -> None:
    run = a_run(studio)
    folder = trained(studio, run, 1, 2)
    (folder.checkpoint(1) / META).write_text("{")
    shown = studio.runs.get(run.id, "")
    assert shown.epochs_saved == (2,)
    assert META in shown.problem


def test_the_launch_command_names_run_and_home(studio: Studio, home: Path) -> None:
    command = studio.runs.launch_command(a_run(studio).id, "")
    assert command.startswith("accelerate launch -m training.main --run zoe-")
    assert command.endswith(str(home))
