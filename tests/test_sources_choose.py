"""Which source is used: the order, the reasons, and the error where none can be."""

import pytest

from aicontainer.errors import InputError, SourceUnavailable
from aicontainer.sources import choose as choosing
from aicontainer.sources.choose import choose


class _Source:
    def __init__(self, name: str, reason: str, built: bool = False) -> None:
        self.name, self.reason, self.built = name, reason, built

    def reason_against(self) -> str:
        return self.reason

    def is_built(self) -> bool:
        return self.built


def _offer(monkeypatch: pytest.MonkeyPatch, official: _Source, packages: _Source) -> None:
    monkeypatch.delenv(choosing.VARIABLE, raising=False)
    monkeypatch.setattr(choosing, "OfficialImages", lambda: official)
    monkeypatch.setattr(choosing, "Packages", lambda: packages)


def test_official_images_come_first_where_they_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, _Source("registry", ""), _Source("packages", ""))
    assert choose().source.name == "registry"


def test_the_reason_against_the_first_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, _Source("registry", "blocked here"), _Source("packages", ""))
    choice = choose()
    assert choice.source.name == "packages"
    assert choice.passed_over == (("registry", "blocked here"),)


def test_what_was_built_before_is_used_without_asking_a_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, _Source("registry", ""), _Source("packages", "", built=True))
    assert choose().source.name == "packages"


def test_no_source_at_all_names_every_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, _Source("registry", "blocked here"), _Source("packages", "needs root"))
    with pytest.raises(SourceUnavailable) as error:
        choose()
    assert "blocked here" in error.value.seen
    assert "needs root" in error.value.seen
    assert error.value.next_step


def test_a_forced_source_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(monkeypatch, _Source("registry", ""), _Source("packages", "", built=True))
    monkeypatch.setenv(choosing.VARIABLE, "registry")
    assert choose().source.name == "registry"
    _offer(monkeypatch, _Source("registry", "blocked here"), _Source("packages", ""))
    monkeypatch.setenv(choosing.VARIABLE, "registry")
    with pytest.raises(SourceUnavailable) as error:
        choose()
    assert "blocked here" in error.value.seen
    assert choosing.VARIABLE in error.value.next_step


def test_a_source_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(choosing.VARIABLE, "floppy")
    with pytest.raises(InputError) as error:
        choose()
    assert "registry, packages" in error.value.what
