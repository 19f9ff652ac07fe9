from pathlib import Path

from aicontainer.deploy.cluster import Cluster
from aicontainer.deploy.release import Release
from aicontainer.exercises import deploy

CLUSTER = Cluster("here", Path("nowhere"), "localhost:1", {})


def test_nothing_yet_and_something_else_are_told_apart() -> None:
    assert deploy.check_second_release(None).state == "not done yet"
    assert deploy.check_second_release("done").state == "wrong"


def test_the_first_release_does_not_pass_for_the_second() -> None:
    check = deploy.check_second_release(Release(CLUSTER, "aicontainer"))
    assert check.state == "wrong"
    assert deploy.NAMESPACE in check.text


def test_without_a_cluster_the_check_says_so_and_does_not_raise() -> None:
    check = deploy.check_second_release(Release(CLUSTER, deploy.NAMESPACE))
    assert check.state == "wrong"
    assert "no cluster" in check.text
