"""Reads what is pinned: images by digest, programs by checksum; from images.toml or the file AICONTAINER_PINS names."""

import os
import platform
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aicontainer.errors import InputError

VARIABLE = "AICONTAINER_PINS"
OURS = Path(__file__).with_name("images.toml")
ROLES = ("base", "registry", "prometheus", "alertmanager")
PROGRAMS = ("kind", "kubectl")
# the names of the course: no official name is ever given to anything, and three parts cannot exist on Docker Hub
PREFIX = "aicontainer/official"
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}

_REFERENCE = re.compile(
    r"(?P<repository>[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*):(?P<tag>[\w][\w.-]{0,127})(@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class Pin:
    """An image as it is pinned; ``digest`` is empty where it is used by its tag."""

    repository: str
    tag: str
    digest: str = ""

    @property
    def asked(self) -> str:
        """The name under which the engine asks a registry for it: by digest where there is one."""
        return f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{self.tag}"

    @property
    def local(self) -> str:
        """The name that the course gives it in the engine."""
        return f"{PREFIX}/{self.repository.rpartition('/')[2]}:{self.tag}"

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}" + ("" if self.digest else " (by tag)")


@dataclass(frozen=True)
class Program:
    """A program that can be downloaded: its version, its address for this machine, and the SHA-256 of the file."""

    name: str
    version: str
    address: str
    sha256: str


@dataclass(frozen=True)
class Pins:
    """All that is pinned; ``nodes`` by the version of kind, ``programs`` those that this machine can have."""

    images: dict[str, Pin]
    nodes: dict[str, Pin]
    programs: dict[str, Program]


def read() -> Pins:
    """What is pinned for this machine.

    Raises
    ------
    InputError
        When the file is not of this form: with the file, the line and what stands there.
    """
    given = os.environ.get(VARIABLE)
    ours = _File(OURS)
    if not given:
        return ours.pins()
    theirs = _File(Path(given)).pins()
    kept = ours.pins()
    return Pins({**kept.images, **theirs.images}, {**kept.nodes, **theirs.nodes}, {**kept.programs, **theirs.programs})


def reference(text: str) -> Pin | None:
    """An image's name taken apart; None when it is no name with a tag."""
    found = _REFERENCE.fullmatch(text)
    return Pin(found["repository"], found["tag"], found["digest"] or "") if found else None


def machine() -> str:
    """This machine as the checksums name it, such as ``linux-amd64``."""
    return f"{sys.platform}-{MACHINES.get(platform.machine().lower(), platform.machine())}"


class _File:
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.text = path.read_text(encoding="utf-8")
            self.table: dict[str, Any] = tomllib.loads(self.text)
        except OSError as error:
            raise InputError(
                f"the file of pinned images {path} cannot be read",
                seen=str(error),
                next_step=f"unset {VARIABLE}, or let it name a file of the form of {OURS.name}",
            ) from error
        except ValueError as error:  # tomllib's own names the line
            raise self._wrong(str(error)) from error

    def pins(self) -> Pins:
        known = {"images": ROLES, "nodes": None, "programs": PROGRAMS}
        for section in self.table:
            if section not in known:
                raise self._wrong(f"there is no [{section}] in such a file", section)
        images = self._images("images", ROLES)
        return Pins(images, self._images("nodes", None), self._programs())

    def _images(self, section: str, roles: tuple[str, ...] | None) -> dict[str, Pin]:
        pins = {}
        for name, text in self._section(section).items():
            if roles is not None and name not in roles:
                raise self._wrong(f"{name} is none of {', '.join(roles)}", name)
            pin = reference(text) if isinstance(text, str) else None
            if pin is None:
                raise self._wrong(f"{name} = {text!r} is no name:tag@sha256:<64 digits> or name:tag", name)
            pins[name] = pin
        return pins

    def _programs(self) -> dict[str, Program]:
        programs = {}
        for name, about in self._section("programs").items():
            if name not in PROGRAMS or not isinstance(about, dict):
                raise self._wrong(f"{name} is none of {', '.join(PROGRAMS)}", name)
            fields = [about.get("version"), about.get("address"), about.get("sha256")]
            if not (isinstance(fields[0], str) and isinstance(fields[1], str) and isinstance(fields[2], dict)):
                raise self._wrong(f"{name} needs version, address and a table sha256", f"programs.{name}]")
            for platform_name, checksum in about["sha256"].items():
                if not re.fullmatch("[0-9a-f]{64}", str(checksum)):
                    raise self._wrong(f"{platform_name} = {checksum!r} is no SHA-256", str(checksum))
            checksum = about["sha256"].get(machine())
            if checksum:
                system, _, cpu = machine().partition("-")
                address = about["address"].format_map({"version": about["version"], "system": system, "machine": cpu})
                programs[name] = Program(name, about["version"], address, checksum)
        return programs

    def _section(self, name: str) -> dict[str, Any]:
        section = self.table.get(name, {})
        if not isinstance(section, dict):
            raise self._wrong(f"{name} has to be a table: [{name}]", name)
        return section

    def _wrong(self, why: str, word: str = "") -> InputError:
        lines = self.text.splitlines()
        at = next((number for number, line in enumerate(lines, 1) if word and word in line.partition("#")[0]), 0)
        where = f", line {at}" if at else ""
        return InputError(
            f"{self.path}{where}: {why}",
            seen=lines[at - 1].strip() if at else "",
            next_step=f"compare it with {OURS}",
        )
