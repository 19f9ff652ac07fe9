"""The helper container of notebook 04 on the real engine: what it can do, and that it never stays behind."""

import gc
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from aicontainer.errors import EngineError, Gone, ImageNotFound, TimedOut
from aicontainer.package import overhead, workshop
from aicontainer.package.engine import containers
from aicontainer.package.engine import engine as connection
from aicontainer.waiting import Seen, pending, ready, wait

PRIVILEGED = {"privileged": True}


@pytest.fixture(scope="module")
def shop(engine: Any) -> Iterator[workshop.Workshop]:
    """One for the tests that leave it as it was."""
    with workshop.start(engine.base_image) as opened:
        yield opened


def of_image(name: str) -> set[str]:
    with connection() as client:
        return {each.id for each in containers(client) if each.attrs["Config"]["Image"] == name}


def gone(identity: str) -> Seen:
    with connection() as client:
        left = [each for each in containers(client) if each.id == identity]
    return pending(f"it is {left[0].status}") if left else ready()


def await_end(identity: str) -> None:
    wait("the helper to be removed", lambda: gone(identity), limit=60, pause=0.2)


def test_a_program_says_what_it_prints(shop: workshop.Workshop) -> None:
    assert shop.run("hostname") == "helper"
    assert shop.shell("echo one; echo two") == "one\ntwo"


def test_a_failure_has_its_words_and_stops_a_shell(shop: workshop.Workshop) -> None:
    with pytest.raises(EngineError, match="ended with 3") as caught:
        shop.shell("echo the words >&2; (exit 3); echo went on >&2")
    assert caught.value.seen == "the words"
    with pytest.raises(EngineError) as unknown:
        shop.run("no-such-program")
    assert "no-such-program" in unknown.value.seen


@pytest.mark.parametrize("argv", [("sleep", "1000"), ("unshare", "--pid", "--fork", "sleep", "1000")])
def test_a_program_that_does_not_end_is_ended(shop: workshop.Workshop, argv: tuple[str, ...]) -> None:
    with pytest.raises(TimedOut):
        shop.run(*argv, limit=1)
    assert "1000" not in shop.shell("cat /proc/[0-9]*/cmdline | tr '\\0' ' '").split()


def test_each_namespace_can_be_made_and_leaves_the_helper_alone(shop: workshop.Workshop) -> None:
    kinds = ("pid", "mnt", "uts", "ipc", "net")
    asked = ["readlink", *(f"/proc/self/ns/{kind}" for kind in kinds)]
    views = ("--pid", "--fork", "--mount-proc", "--uts", "--ipc", "--net")
    mine, own = shop.run(*asked).split(), shop.run("unshare", *views, *asked).split()
    assert len(mine) == len(own) == len(kinds)
    assert all(one != other for one, other in zip(mine, own, strict=True))
    assert shop.run("unshare", "--uts", "sh", "-c", "hostname box; hostname") == "box"
    assert shop.run("hostname") == "helper"


def test_a_group_of_processes_has_a_limit_that_holds(shop: workshop.Workshop) -> None:
    shop.shell("mkdir -p /cgroup/small; echo 3 > /cgroup/small/pids.max")
    forks = "for i in 1 2 3 4 5; do sleep 1 & done; wait"
    with pytest.raises(EngineError) as caught:
        shop.shell(f"echo $$ > /cgroup/small/cgroup.procs; {forks}")
    assert "fork" in caught.value.seen.lower()
    shop.shell(forks)  # outside of the group there is room


def test_it_has_the_least_rights_that_are_enough(engine: Any) -> None:
    with workshop.start(engine.base_image, ({}, PRIVILEGED)) as opened:
        assert opened.inspect()["HostConfig"]["Privileged"]
        assert opened.run("ls", "/cgroup")
    with pytest.raises(EngineError, match="no container make namespaces") as caught:
        workshop.start(engine.base_image, ({},))
    assert caught.value.seen


def test_what_is_tried_and_not_enough_does_not_stay(engine: Any) -> None:
    before = of_image(engine.base_image)
    with pytest.raises(EngineError):
        workshop.start(engine.base_image, ({"cap_drop": ["ALL"]},))
    with pytest.raises(EngineError, match="start a helper") as never_started:
        workshop.start(engine.base_image, ({"devices": ["/no/such/device"]},))
    assert "/no/such/device" in never_started.value.seen
    with pytest.raises(ImageNotFound):
        workshop.start("aicontainer/no-such-image:1")
    assert of_image(engine.base_image) <= before


def test_its_end_takes_everything_along_and_is_told(engine: Any) -> None:
    with pytest.raises(ZeroDivisionError), workshop.start(engine.base_image) as opened:
        raise ZeroDivisionError
    await_end(opened.id)
    opened.close()
    with pytest.raises(Gone, match="closed"):
        opened.run("true")


def test_one_that_nobody_holds_any_more_goes(engine: Any) -> None:
    identity = workshop.start(engine.base_image).id
    gc.collect()
    await_end(identity)


def test_it_goes_with_a_python_that_is_killed(engine: Any) -> None:
    code = "import sys, time; from aicontainer.package import workshop; shop = workshop.start(sys.argv[1]); "
    argv = [sys.executable, "-c", code + "print(shop.id, flush=True); time.sleep(600)", engine.base_image]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as python:
        assert python.stdout is not None
        identity = python.stdout.readline().strip()
        assert gone(identity).state == "pending"
        python.kill()
    await_end(identity)


def test_the_cost_of_a_start_is_measured_in_each_way(shop: workshop.Workshop, engine: Any) -> None:
    before = of_image(engine.base_image)
    seconds = overhead.starts(shop, engine.base_image)
    assert set(seconds) == {"a process", "by hand", "docker run"}
    assert all(0 < value < 60 for value in seconds.values())
    assert of_image(engine.base_image) <= before
