"""Looking twice at a release: pods that crash and come back must not pass for pods that last."""

from __future__ import annotations

import time
from collections.abc import Callable

from aicontainer.deploy.release import Pod
from aicontainer.exercises.check import Check, wrong


def look_twice(look: Callable[[], tuple[Pod, ...] | Check], pause: float) -> Check | None:
    """A hint when one of two looks, ``pause`` seconds apart, has one, or when they saw different pods; else None."""
    first = look()
    if isinstance(first, Check):
        return first
    time.sleep(pause)
    second = look()
    if isinstance(second, Check):
        return second
    if first != second:
        return wrong("between two looks pods were replaced or restarted: wait until the rollout is over")
    return None
