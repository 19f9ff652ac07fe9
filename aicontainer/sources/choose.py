"""Which source is used on this machine, and why not the others."""

from dataclasses import dataclass

from aicontainer.errors import SourceUnavailable
from aicontainer.sources.base import Source
from aicontainer.sources.official import OfficialImages
from aicontainer.sources.packages import Packages


@dataclass(frozen=True)
class Choice:
    """The source that is used, and for each source that was asked before it the reason against it."""

    source: Source
    passed_over: tuple[tuple[str, str], ...]


def choose() -> Choice:
    """The first source that can work here: official images, then Debian and Go packages.

    What was built from packages before is used again at once, without asking a registry.

    Raises
    ------
    SourceUnavailable
        When none can: with each one's reason.
    """
    packages = Packages()
    sources: list[Source] = [OfficialImages(), packages]
    if packages.is_built():
        sources.reverse()
    passed_over: list[tuple[str, str]] = []
    for source in sources:
        reason = source.reason_against()
        if not reason:
            return Choice(source, tuple(passed_over))
        passed_over.append((source.name, reason))
    raise SourceUnavailable(
        "there is no source of images on this machine",
        seen="; ".join(f"{name}: {reason}" for name, reason in passed_over),
        next_step="install Docker, kind and kubectl, or use Debian 12 as root; aicontainer doctor tells more",
    )
