"""A new model file under a running server: taken at once, whole or not at all, and without a dropped request."""

import http.client
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from numbered import ROW, version

from aicontainer import waiting
from aicontainer.serve import process, reload


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return version(1).save(tmp_path / "m.json")


@pytest.fixture
def running(path: Path) -> Iterator[process.Running]:
    started = process.start(path)
    yield started
    assert "Traceback" not in started.log()
    assert started.stop() == 0


def becomes(running: process.Running, number: int) -> None:
    def look() -> waiting.Seen:
        answer = running.server.infer(ROW)
        # never one model's name with the other's numbers
        assert answer.score.tolist() == version(int(answer.model_version)).score(ROW).tolist()
        return waiting.ready() if answer.model_version == str(number) else waiting.pending(answer.model_version)

    waiting.wait(f"version {number}", look, limit=30, pause=0.05)


def says(running: process.Running, text: str) -> None:
    def look() -> waiting.Seen:
        said = readiness(running)
        assert said["ready"]
        return waiting.ready() if text in json.dumps(said) else waiting.pending(json.dumps(said))

    waiting.wait(text, look, limit=30, pause=0.05)


def readiness(running: process.Running) -> dict[str, object]:
    link = http.client.HTTPConnection(running.server.address.removeprefix("http://"), timeout=30)
    link.request("GET", "/v2/health/ready")
    said: dict[str, object] = json.loads(link.getresponse().read())
    link.close()
    return said


def test_a_file_put_in_the_place_of_the_old_one_is_taken(running: process.Running, path: Path) -> None:
    version(2).save(path)
    becomes(running, 2)


def test_a_file_written_into_the_old_one_is_taken_when_it_is_whole(running: process.Running, path: Path) -> None:
    text = version(2).save(path.with_name("other")).read_text()
    with path.open("w") as file:
        for place in range(0, len(text), 40):
            file.write(text[place : place + 40])
            file.flush()
            assert running.server.infer(ROW).model_version == "1"
            assert "refused" not in readiness(running)
    becomes(running, 2)


def test_the_swap_of_a_configmap_is_seen(tmp_path: Path) -> None:
    # as the kubelet does it: m.json -> ..data/m.json, ..data -> ..1, and `..data` is renamed over
    for number in (1, 2):
        (tmp_path / f"..{number}").mkdir()
        version(number).save(tmp_path / f"..{number}" / "m.json")
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "m.json").symlink_to("..data/m.json")
    with_link = process.start(tmp_path / "m.json")
    try:
        (tmp_path / "..new").symlink_to("..2")
        (tmp_path / "..new").rename(tmp_path / "..data")
        becomes(with_link, 2)
    finally:
        with_link.stop()


def damage(path: Path) -> None:
    path.write_text(path.read_text()[:-30])


@pytest.mark.parametrize("harm", [damage, Path.unlink, lambda path: path.write_bytes(b"\x00" * 1000)])
def test_a_bad_file_leaves_the_old_model_serving_and_a_good_one_mends_it(
    running: process.Running, path: Path, harm: Callable[[Path], None]
) -> None:
    harm(path)
    says(running, "m.json")
    assert running.server.infer(ROW).model_version == "1"
    version(3).save(path)
    becomes(running, 3)
    assert "m.json" not in json.dumps(readiness(running))


def test_a_signal_has_the_file_read_again(running: process.Running, path: Path) -> None:
    damage(path)
    os.kill(running.pid, signal.SIGHUP)
    says(running, "m.json")


def test_no_request_is_lost_while_models_change(running: process.Running, path: Path) -> None:
    seen: set[int] = set()
    failed: list[BaseException] = []
    over = threading.Event()
    body = json.dumps({"inputs": [{"name": "rows", "shape": [1, 2], "datatype": "FP64", "data": ROW[0]}]})

    def load() -> None:
        link = http.client.HTTPConnection(running.server.address.removeprefix("http://"), timeout=30)
        try:
            while not over.is_set():
                link.request("POST", "/v2/models/m/infer", body=body)
                answer = json.loads(link.getresponse().read())
                number = int(answer["model_version"])
                assert answer["outputs"][1]["data"] == version(number).score(ROW).tolist()
                seen.add(number)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(2, 6):
            version(number).save(path)
            os.kill(running.pid, signal.SIGHUP)
            becomes(running, number)
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
    assert failed == []
    assert seen >= {5}


def test_the_mark_changes_with_the_file_and_only_then(path: Path) -> None:
    before = reload.mark(path)
    assert reload.mark(path) == before
    replace(version(1), version="9").save(path)
    assert reload.mark(path) != before
    path.unlink()
    assert reload.mark(path) == ()
