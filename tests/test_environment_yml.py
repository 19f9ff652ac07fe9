"""environment.yml names what pyproject.toml names: conda users get the same course."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parent.parent


def _split(requirement: str) -> tuple[str, str]:
    name, version = re.fullmatch(r"([A-Za-z0-9_.-]+?)\s*((?:[<>=!~].*)?)", requirement).groups()  # type: ignore[union-attr]
    return name.lower().replace("_", "-"), version


def test_both_lists_are_the_same() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    from_conda = [entry for entry in listed if isinstance(entry, str)]
    from_pip = next(entry["pip"] for entry in listed if isinstance(entry, dict))
    conda = dict(_split(entry) for entry in [*from_conda, *(e for e in from_pip if not e.startswith("-"))])
    assert conda.pop("pip") == ""
    assert conda.pop("python") == project["requires-python"]
    assert conda == dict(_split(entry) for entry in project["dependencies"])


def test_conda_installs_the_clone_itself() -> None:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert "--editable ." in next(entry["pip"] for entry in listed if isinstance(entry, dict))
