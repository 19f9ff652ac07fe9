"""Waiting until a node port says what the cluster holds: each node hears of a change a moment after the API server."""

from collections.abc import Callable

import httpx

from aicontainer.deploy import endpoints
from aicontainer.deploy.release import Release
from aicontainer.waiting import Seen, pending, ready, wait

LIMIT = 60.0
ASKED_SECONDS = 10.0
IN_A_ROW = 20  # a node picks a pod by chance: as long as it still knows one that is gone, some of these find nobody


def wait_answered(release: Release) -> None:
    """Wait until the Service leads to its pods, and new connections through its node port are answered, 20 in a row."""
    _wait(release, "every answer", _all_answered)


def wait_silent(release: Release) -> None:
    """Wait until the Service leads to its pods, and a new connection through its node port gets no answer."""
    _wait(release, "silence", _refused)


def _wait(release: Release, what: str, look: Callable[[str], Seen]) -> None:
    endpoints.settled(release.cluster, release.service, release.namespace)
    address = f"{release.address()}/v2/health/live"
    wait(f"{what} at the node port of {release.service}", lambda: look(address), limit=LIMIT, pause=0.1)


def _all_answered(address: str) -> Seen:
    for number in range(IN_A_ROW):
        try:
            httpx.get(address, timeout=ASKED_SECONDS, trust_env=False).raise_for_status()
        except httpx.HTTPError as error:
            return pending(f"{number} answers, then {type(error).__name__}: {error}")
    return ready()


def _refused(address: str) -> Seen:
    try:
        status = httpx.get(address, timeout=ASKED_SECONDS, trust_env=False).status_code
    except httpx.TimeoutException:  # a busy machine is late, which is no refusal
        return pending(f"no answer within {ASKED_SECONDS:.0f} s")
    except httpx.TransportError as error:
        return ready(text=type(error).__name__)
    return pending(f"it is answered with {status}")
