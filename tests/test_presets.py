"""Presets: settings under names that people choose."""

from __future__ import annotations

import pytest

from studio.errors import BadInput, NotFound
from studio.services.studio import Studio

SETTINGS = {
    "speaker": "gmw/en-US+f2",
    "speed": 1.5,
    "option:espeak:pitch": 60,
    "seed": None,
    "text": "ß",
}


def test_a_preset_comes_back_as_it_was_saved(studio: Studio) -> None:
    assert studio.presets.save("", "preset", "My voice", SETTINGS) == "My voice"
    assert studio.presets.load("", "preset", "My voice") == SETTINGS


def test_saving_again_replaces(studio: Studio) -> None:
    for speed in (1.0, 2.0):
        studio.presets.save("", "preset", "one", {"speed": speed})
    assert studio.presets.load("", "preset", "one") == {"speed": 2.0}
    assert studio.presets.names("", "preset") == ["one"]


def test_names_are_sorted_for_people(studio: Studio) -> None:
    for name in ("beta", "Alpha", "gamma"):
        studio.presets.save("", "preset", name, {})
    assert studio.presets.names("", "preset") == ["Alpha", "beta", "gamma"]


def test_each_mode_and_each_owner_has_its_own(studio: Studio) -> None:
    studio.presets.save("ann", "preset", "one", {"speed": 1.0})
    studio.presets.save("ann", "clone", "one", {"speed": 2.0})
    studio.presets.delete("bob", "preset", "one")
    studio.presets.delete("ann", "clone", "one")
    assert studio.presets.load("ann", "preset", "one") == {"speed": 1.0}
    assert studio.presets.names("bob", "preset") == studio.presets.names("ann", "clone") == []


def test_a_deleted_preset_is_gone(studio: Studio) -> None:
    studio.presets.save("", "preset", "one", {})
    studio.presets.delete("", "preset", "one")
    with pytest.raises(NotFound):
        studio.presets.load("", "preset", "one")


def test_an_unknown_preset_lists_the_nearest(studio: Studio) -> None:
    studio.presets.save("", "preset", "narrator", {})
    with pytest.raises(NotFound, match="narrator"):
        studio.presets.load("", "preset", "narator")


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd", "CON", "a/b\\c", "'; DROP TABLE presets; --", "<img onerror=alert(1)>", "=1+1",
        "名前 🎙️", "%s %_", "a" * 200, "\u202eevil",
    ],
)  # fmt: skip
def test_any_name_with_something_to_see_is_only_a_name(studio: Studio, name: str) -> None:
    files = set(studio.settings.home.rglob("*"))
    kept = studio.presets.save("", "preset", name, SETTINGS)
    assert studio.presets.names("", "preset") == [kept]
    assert studio.presets.load("", "preset", name) == SETTINGS
    assert set(studio.settings.home.rglob("*")) - files <= {
        studio.workspace.database.with_name(f"timbre.db{suffix}") for suffix in ("-wal", "-shm")
    }
    studio.presets.delete("", "preset", name)
    assert studio.presets.names("", "preset") == []


@pytest.mark.parametrize("name", ["", "  \t", "\x00\x07", "\u200b\u202e", "\ud800", "a" * 201])
def test_a_name_with_nothing_to_see_or_without_end_is_refused(studio: Studio, name: str) -> None:
    with pytest.raises(BadInput) as caught:
        studio.presets.save("", "preset", name, SETTINGS)
    assert caught.value.hint
    assert studio.presets.names("", "preset") == []
