"""The checks of notebook 07 in the real cluster: each usual wrong state, and the hint that it gets."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aicontainer import model
from aicontainer.deploy import cluster as clusters
from aicontainer.deploy import inside, objects
from aicontainer.deploy.versions import CONFIG_MAP, SERVICE, STATEFUL_SET, Versions
from aicontainer.exercises import versions as exercise
from aicontainer.learn import data, fit
from aicontainer.package import image, registry

POD = "ai-model-0"


@pytest.fixture(scope="module")
def shelf(cluster: Any, free_node_ports: Callable[[], list[int]]) -> Iterator[Versions]:
    found, first = clusters.find(), fit.ensure_model()
    reference = registry.push(image.build(first, cluster.base_image), found.registry)
    made = Versions(found, f"aicontainer-test-{secrets.token_hex(4)}", free_node_ports()[0])
    made.ensure(reference, first)
    # one pod is enough here, and half the time
    objects.patch(found, "StatefulSet", STATEFUL_SET, {"spec": {"replicas": 1}}, made.namespace)
    made.wait_ready()
    made.publish(exercise.from_a_colleague())
    yield made
    objects.ask_to_delete(found, "Service", SERVICE, made.namespace)
    objects.ask_to_delete(found, "Namespace", made.namespace)


def trained(version: str, folder: Path, **how: Any) -> Path:
    return replace(fit.train(data.load("education"), **how), version=version).save(folder / f"{version}.json")


def test_each_usual_wrong_third_version_has_its_hint(shelf: Versions, tmp_path: Path) -> None:
    assert exercise.check_third_version(shelf).state == "not done yet"
    shelf.publish(trained("3", tmp_path, steps=5))
    assert "but 1 is active" in exercise.check_third_version(shelf).text
    objects.patch(shelf.cluster, "ConfigMap", CONFIG_MAP, {"data": {"version": "3"}}, shelf.namespace)
    assert f"the ConfigMap names 3, but {POD} answers with 1" in exercise.check_third_version(shelf).text
    shelf.switch("3")
    assert "train longer" in exercise.check_third_version(shelf).text
    shelf.publish(replace(model.load(fit.ensure_model()), version="4").save(tmp_path / "copy.json"))
    shelf.switch("4")
    assert "a copy under another name" in exercise.check_third_version(shelf).text
    shelf.publish(trained("5", tmp_path, rate=0.2, steps=500))
    shelf.switch("5")
    assert "not stopped early" in exercise.check_third_version(shelf).text
    shelf.publish(trained("6", tmp_path, steps=40))
    shelf.switch("6")
    assert exercise.check_third_version(shelf).state == "right"


def test_the_right_candidate_counts_when_version_1_answers_again(shelf: Versions) -> None:
    assert [each.name for each in exercise.candidates(shelf)] == list(exercise.CANDIDATES)
    answer = (exercise.MIXED, exercise.SWAPPED)
    if shelf.active() == "1":
        objects.patch(shelf.cluster, "ConfigMap", CONFIG_MAP, {"data": {"version": "2"}}, shelf.namespace)
    assert "switch back to version 1" in exercise.check_candidates(answer, shelf).text
    shelf.switch("1")
    assert exercise.check_candidates(answer, shelf).state == "right"


def test_each_usual_way_not_to_mend_a_damaged_file_has_its_hint(shelf: Versions, tmp_path: Path) -> None:
    colleagues = exercise.from_a_colleague()
    damaged = exercise.damage(shelf, pod=POD)
    assert exercise.check_mended(damaged, shelf).state == "not done yet"
    objects.ask_to_delete(shelf.cluster, "Pod", POD, shelf.namespace)
    shelf.wait_ready()
    assert "a new pod with the old volume" in exercise.check_mended(damaged, shelf).text
    inside.run(shelf.cluster, POD, ["rm", "/models/2.json"], shelf.namespace, container="shelf")
    assert "taken away is not mended" in exercise.check_mended(damaged, shelf).text
    shelf.publish(trained("2", tmp_path, steps=5))
    assert "another model than it was" in exercise.check_mended(damaged, shelf).text
    inside.run(shelf.cluster, POD, ["rm", "/models/2.json"], shelf.namespace, container="shelf")
    shelf.publish(colleagues)
    assert exercise.check_mended(damaged, shelf).state == "right"
