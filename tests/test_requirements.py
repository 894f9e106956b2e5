"""The set of packages: complete, pinned, and fit for every system."""

from __future__ import annotations

import importlib.metadata
import re

import pytest
from packaging.requirements import Requirement

from studio.settings import CHECKOUT


def lines(name: str) -> list[str]:
    text = (CHECKOUT / name).read_text("utf-8")
    return [line.split("#")[0].strip() for line in text.splitlines() if line.split("#")[0].strip()]


DIRECT = [Requirement(line) for line in lines("requirements.in")]
PINS = [Requirement(line) for line in lines("requirements.txt")]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_direct_need_has_its_reason() -> None:
    for line in (CHECKOUT / "requirements.in").read_text("utf-8").splitlines():
        if line and not line.startswith("#") and "pocketsphinx" not in line:
            assert "#" in line, f"{line}: say why"


def test_every_direct_need_is_pinned_and_installed_as_pinned() -> None:
    pinned = {normal(pin.name): str(pin.specifier) for pin in PINS if _applies(pin)}
    for need in filter(_applies, DIRECT):
        version = importlib.metadata.version(need.name)
        assert pinned[normal(need.name)].removeprefix("==") == version.split("+")[0]
        assert need.specifier.contains(version.split("+")[0])


def test_all_pins_are_exact_and_name_no_place() -> None:
    for pin in PINS:
        assert str(pin.specifier).startswith("=="), pin
        assert pin.url is None
    for name in ("requirements.in", "requirements.txt", "requirements-dev.in", "requirements-dev.txt"):
        text = "\n".join(lines(name))
        assert not re.search(r"nvidia-|://|--index|--find-links|--extra|/opt/|\.whl", text), name


def test_what_is_installed_fits_together() -> None:
    """Every installed package's own needs are met, as `pip check` has it."""
    broken = []
    for pin in filter(_applies, PINS):
        for text in importlib.metadata.requires(pin.name) or []:
            need = Requirement(text)
            if need.marker and not need.marker.evaluate({"extra": ""}):
                continue
            try:
                version = importlib.metadata.version(need.name)
            except importlib.metadata.PackageNotFoundError:
                broken.append(f"{pin.name} needs {text}, which is missing")
                continue
            if not need.specifier.contains(version, prereleases=True):
                broken.append(f"{pin.name} needs {text}, found {version}")
    assert broken == []


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_every_system_gets_the_direct_needs(system: str) -> None:
    reached = {
        normal(pin.name)
        for pin in PINS
        if pin.marker is None
        or pin.marker.evaluate({"sys_platform": system, "python_full_version": "3.11.7"})
    }
    for need in DIRECT:
        environment = {"sys_platform": system, "python_version": "3.11"}
        if need.marker is None or need.marker.evaluate(environment):
            assert normal(need.name) in reached, need


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate()
