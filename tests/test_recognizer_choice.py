"""Which recognizer is taken, and what is said where none will do."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.recognition import Task
from studio.errors import BadInput, ModelMissing, NotFound
from studio.services.studio import Studio
from studio.services.transcripts import TranscribeOrder
from tests.model_folders import checkpoint
from tests.spoken import saved, spoken


@pytest.fixture
def sentence(tmp_path: Path) -> Path:
    return saved(tmp_path / "sentence.wav", spoken())


def test_what_cannot_be_recognised_is_refused_with_the_remedy(studio: Studio, sentence: Path) -> None:
    def plan(**more: object) -> object:
        return studio.transcripts.plan(TranscribeOrder(sentence, **more))  # type: ignore[arg-type]

    with pytest.raises(NotFound, match="klingon"):
        plan(language="klingon")
    with pytest.raises(ModelMissing, match=r"German.*\n?.*models download whisper-turbo"):
        plan(language="de")
    with pytest.raises(ModelMissing, match="models download whisper-medium"):
        plan(task=Task.TRANSLATE)
    with pytest.raises(BadInput, match="does not know de"):
        plan(engine="pocketsphinx", language="de")
    with pytest.raises(ModelMissing, match="models download whisper-base"):
        plan(model="whisper-base")
    with pytest.raises(NotFound, match=r"whisper-base\.en"):
        plan(model="whisper-bas")
    with pytest.raises(NotFound, match="pocketsphinx"):
        plan(engine="sphinx")
    with pytest.raises(BadInput, match="too long"):
        plan(prompt="x" * 3000)


def test_auto_takes_the_best_that_is_installed_for_the_language(studio: Studio, sentence: Path) -> None:
    def chosen(**more: object) -> str:
        choice = studio.transcripts.plan(TranscribeOrder(sentence, **more)).choice  # type: ignore[arg-type]
        assert choice.reason.endswith(".")
        return choice.model or choice.info.id

    def install(size: str, file: str = "") -> None:
        path = studio.settings.models_dir / "Whisper" / f"whisper-{size}" / f"{file or size}.pt"
        path.parent.mkdir(parents=True)
        path.write_bytes(checkpoint())

    install("tiny.en")
    assert chosen(language="en-GB") == chosen() == "whisper-tiny.en"
    install("tiny")
    assert (chosen(), chosen(language="de"), chosen(language="en")) == (
        *("whisper-tiny", "whisper-tiny"),
        "whisper-tiny.en",
    )
    install("turbo", "large-v3-turbo")
    assert chosen(language="de") == chosen() == "whisper-turbo"
    assert chosen(task=Task.TRANSLATE) == "whisper-tiny"
    with pytest.raises(BadInput, match="does not translate"):
        chosen(task=Task.TRANSLATE, model="whisper-turbo")
    with pytest.raises(BadInput, match="English only"):
        chosen(language="de", model="whisper-tiny.en")
