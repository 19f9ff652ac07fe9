"""Which source is used on this machine, and why not the others."""

import os
from dataclasses import dataclass

from aicontainer.errors import InputError, SourceUnavailable
from aicontainer.sources.base import Source
from aicontainer.sources.official.source import OfficialImages
from aicontainer.sources.packages import Packages

VARIABLE = "AICONTAINER_SOURCE"


@dataclass(frozen=True)
class Choice:
    """The source that is used, and for each source that was asked before it the reason against it."""

    source: Source
    passed_over: tuple[tuple[str, str], ...]


def choose() -> Choice:
    """The first source that can work here: official images, then Debian and Go packages.

    What was built from packages before is used again at once, without asking a registry. AICONTAINER_SOURCE (registry
    or packages) leaves one source only.

    Raises
    ------
    SourceUnavailable
        When none can: with each one's reason.
    InputError
        When AICONTAINER_SOURCE names none.
    """
    passed_over: list[tuple[str, str]] = []
    for source in _candidates():
        reason = source.reason_against()
        if not reason:
            return Choice(source, tuple(passed_over))
        passed_over.append((source.name, reason))
    forced = os.environ.get(VARIABLE)
    raise SourceUnavailable(
        "there is no source of images on this machine",
        seen="; ".join(f"{name}: {reason}" for name, reason in passed_over),
        next_step=f"{VARIABLE}={forced} allows this one only; unset it"
        if forced
        else "install Docker and let it reach an image registry; or use Debian or Ubuntu as root or with sudo; "
        "aicontainer doctor tells more",
    )


def _candidates() -> list[Source]:
    packages = Packages()
    sources: list[Source] = [OfficialImages(), packages]
    forced = os.environ.get(VARIABLE)
    if forced:
        chosen = [source for source in sources if source.name == forced]
        if not chosen:
            names = ", ".join(source.name for source in sources)
            raise InputError(f"{VARIABLE} can be {names}", seen=forced)
        return chosen
    return [packages, sources[0]] if packages.is_built() else sources
