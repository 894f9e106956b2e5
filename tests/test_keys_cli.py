"""Keys on the command line: shown once, listed without themselves, refused when revoked."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from studio.services.studio import Studio
from studio.settings import load_settings
from tests.running import Ended

Command = Callable[..., Ended]


def test_a_key_is_shown_once(command: Command, home: Path) -> None:
    made = command("keys", "create", "reader", "--owner", "ann")
    key, warning = made.out.splitlines()
    assert made.code == 0
    assert key.startswith("tk_")
    assert "not shown again" in warning
    listed = command("keys", "list")
    assert "reader" in listed.out
    assert "ann" in listed.out
    assert key not in listed.out + command("keys", "list", "--json").out
    with Studio(load_settings(home=home)) as studio:
        found = studio.api_keys.find(key)
        assert found is not None
        assert (found.name, found.owner) == ("reader", "ann")


def test_scripts_read_json(command: Command) -> None:
    made = command("keys", "create", "reader", "--json").json
    assert made["ok"]
    assert made["key"].startswith("tk_")
    (row,) = command("keys", "list", "--json").json["keys"]
    assert set(row) == {"name", "owner", "created", "last_used"}
    assert (row["name"], row["owner"], row["last_used"]) == ("reader", "", None)
    assert abs(row["created"] - time.time()) < 60
    assert command("keys", "revoke", "reader", "--json").json == {"ok": True, "revoked": "reader"}
    assert command("keys", "list", "--json").json["keys"] == []
    assert command("keys", "list").out == ""


def test_what_is_wrong_is_said(command: Command) -> None:
    command("keys", "create", "reader")
    again = command("keys", "create", "reader")
    assert again.code == 3
    assert "already" in again.err
    assert command("keys", "create", "").code == 3
    missing = command("keys", "revoke", "raeder")
    assert missing.code == 3
    assert "reader" in missing.err
    assert command("keys").code == 2


def test_no_door_is_open_without_a_sign_in_and_a_key(command: Command) -> None:
    for door in (["--share"], ["--host", "0.0.0.0"], ["--host", "::"]):
        without = command(*door)
        assert without.code == 3
        assert "--auth" in without.err
        no_key = command(*door, "--auth", "ann:blue")
        assert no_key.code == 3
        assert "keys create" in no_key.err
        assert "--no-api" in no_key.err
    command("keys", "create", "reader")
    key_alone = command("--host", "0.0.0.0")
    assert key_alone.code == 3
    assert "--auth" in key_alone.err
