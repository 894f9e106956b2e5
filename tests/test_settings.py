"""Promises of the settings: each stands once, the nearest wins, and a slip is refused in words."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from studio.errors import BadInput
from studio.settings import CHECKOUT, Settings, load_settings

DOCS = CHECKOUT / "docs" / "settings.md"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("TIMBRE_"):
            monkeypatch.delenv(name)


def test_command_line_beats_environment_beats_toml_beats_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings(home=tmp_path).port == 7860
    (tmp_path / "timbre.toml").write_text("port = 7001\npart_chars = 111\n")
    assert load_settings(home=tmp_path).port == 7001
    monkeypatch.setenv("TIMBRE_PORT", "7002")
    assert load_settings(home=tmp_path).port == 7002
    assert load_settings(home=tmp_path, port=7003).port == 7003
    assert load_settings(home=tmp_path, port=None).port == 7002, "None: not given"
    assert load_settings(home=tmp_path, port=7003).part_chars == 111, "the others still count"


def test_the_toml_is_that_of_the_home_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, port in (("a", 7001), ("b", 7002)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "timbre.toml").write_text(f"port = {port}\n")
    monkeypatch.setenv("TIMBRE_HOME", str(tmp_path / "a"))
    assert load_settings().port == 7001
    assert load_settings(home=tmp_path / "b").port == 7002


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ("prot = 7001", "prot"),
        ('port = "many"', "port"),
        ("port = 70000", "port"),
        ("[server]\nport = 1", "server"),
        ("job_grace_s = -1", "job_grace_s"),
        ("loudness_lufs = 3", "loudness_lufs"),
        ("port = ", "timbre.toml"),
    ],
)
def test_a_slip_in_the_toml_is_refused_by_name(toml: str, named: str, tmp_path: Path) -> None:
    (tmp_path / "timbre.toml").write_text(toml)
    with pytest.raises(BadInput) as caught:
        load_settings(home=tmp_path)
    assert named in caught.value.message
    assert "toml" in str(caught.value)
    assert caught.value.exit_code == 3


def test_a_slip_in_the_environment_or_on_the_line_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BadInput, match="port"):
        load_settings(home=tmp_path, port=0)
    with pytest.raises(BadInput, match="prot"):
        load_settings(home=tmp_path, prot=7001)
    monkeypatch.setenv("TIMBRE_PORT", "x")
    with pytest.raises(BadInput, match="port"):
        load_settings(home=tmp_path)


def test_paths_are_absolute_wherever_it_is_started_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load_settings(home=Path("here"), models_dir=Path("~/models"))
    assert settings.home == (tmp_path / "here").resolve()
    assert settings.models_dir == (Path.home() / "models").resolve()


def test_settings_cannot_be_changed_while_running(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings(home=tmp_path).port = 1


def test_credentials_are_pairs_and_half_of_one_is_refused(tmp_path: Path) -> None:
    assert load_settings(home=tmp_path).credentials == []
    both = load_settings(home=tmp_path, auth="ada:x:y,bob:z").credentials
    assert both == [("ada", "x:y"), ("bob", "z")]
    for wrong in ("ada", "ada:", ":x", "ada:x,bob"):
        with pytest.raises(BadInput, match="--auth"):
            load_settings(home=tmp_path, auth=wrong).credentials  # noqa: B018 - read for its error


def test_every_setting_is_documented_as_it_is() -> None:
    """docs/settings.md holds one row for each field; when this fails, it shows the rows to have."""
    rows = re.findall(
        r"^\| `(\w+)` \| `(\w+)` \| (.+) \| (.+) \|$", DOCS.read_text("utf-8"), re.MULTILINE
    )
    expected = [
        (name, f"TIMBRE_{name.upper()}", shown_default(name), field.description)
        for name, field in Settings.model_fields.items()
    ]
    table = "\n".join(f"| `{n}` | `{env}` | {default} | {text} |" for n, env, default, text in expected)
    assert rows == expected, f"docs/settings.md should read:\n{table}"


def shown_default(name: str) -> str:
    if name == "home":
        return "the checkout"
    if name == "models_dir":
        return "the user's data folder"
    default = Settings.model_fields[name].default
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default}`" if default != "" else "none"


def test_passwords_and_keys_are_not_shown_with_the_others() -> None:
    shown = repr(load_settings(auth="ann:bluebird", llm_api_key="sk-bluebird"))
    assert "bluebird" not in shown
