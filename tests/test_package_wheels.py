from collections.abc import Callable
from pathlib import Path

import pytest

from aicontainer import places
from aicontainer.errors import InputError, MachineError
from aicontainer.events import Event
from aicontainer.package import wheels

KeptWheels = Callable[[tuple[str, ...]], Path]


def test_the_image_gets_the_models_numpy_and_this_environments_server() -> None:
    wanted = wheels.requirements("2.3.4")
    assert "numpy==2.3.4" in wanted
    assert {each.split("==")[0] for each in wanted} == {
        "numpy",
        "httptools",
        "msgspec",
        "prometheus-client",
        "pysimdjson",
        "uvloop",
    }


def test_each_wheel_is_pinned_by_version_and_checksum(tmp_path: Path) -> None:
    (tmp_path / "Some_Thing-1.2-py3-none-any.whl").write_bytes(b"abc")
    # the SHA-256 of "abc" as FIPS 180-2 gives it
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert wheels.pinned(tmp_path) == f"some-thing==1.2 --hash=sha256:{digest}\n"


def test_no_wheels_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        wheels.pinned(tmp_path)


def test_what_was_downloaded_once_is_found_again(kept_wheels: KeptWheels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")  # a look at the network would fail
    folder = kept_wheels(("a==1", "b==2"))
    told: list[Event] = []
    assert wheels.resolve(("b==2", "a==1"), tell=told.append) == folder
    assert [event.kind for event in told] == ["found"]


def test_a_download_that_fails_leaves_nothing_and_names_its_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(MachineError) as caught:
        wheels.resolve(("numpy==2.4.6",))
    assert "wheels.log" in caught.value.next_step
    assert list((places.cache() / "wheels").iterdir()) == []


def test_another_python_is_another_set_of_wheels() -> None:
    assert wheels._key(["a==1"], "3.13") != wheels._key(["a==1"], "3.12")
    assert wheels._key(["a==1"], "3.13") != wheels._key(["a==2"], "3.13")
