"""What mends each thing: there for every system, and no command of one system on another."""

import pytest

from aicontainer.doctor import advice, looks
from aicontainer.doctor.findings import Advice

FAMILIES = ("debian", "fedora", "macos", "windows", "other")
ADVICE = {name: value for name, value in vars(advice).items() if isinstance(value, Advice)}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", ADVICE)
def test_there_is_a_mend_for_each_thing_on_each_system(name: str, family: str) -> None:
    text = ADVICE[name].on(family)  # type: ignore[arg-type]
    assert len(text.split()) >= 3
    assert text[0].islower() or text.startswith("Docker")


def test_every_look_has_a_mend_that_is_listed_as_one() -> None:
    assert [look.name for look in looks.LOOKS if look.advice not in ADVICE.values()] == []


def test_a_command_of_one_system_is_not_given_on_another() -> None:
    for name, text in ADVICE.items():
        for family, foreign in (
            ("debian", ("dnf", "brew", "wsl --", "grubby", "update-ca-trust")),
            ("fedora", ("apt-get", "brew", "wsl --", "update-grub", "update-ca-certificates")),
            ("macos", ("apt-get", "dnf", "wsl --", "systemctl", "sysctl", "/proc")),
            ("windows", ("dnf", "brew", "systemctl")),
        ):
            found = [word for word in foreign if word in text.on(family)]  # type: ignore[arg-type]
            assert not found, f"{name} on {family}: {found}"
