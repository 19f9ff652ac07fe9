"""The file in which a Linux says what it is: two places, and lines that do not keep to its rules."""

from pathlib import Path

import pytest

from aicontainer import os_release


def test_the_second_place_counts_where_the_first_is_not_there(tmp_path: Path) -> None:
    assert os_release.text(tmp_path) == ""
    for place in reversed(os_release.PLACES):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text(f"NAME={place}")
        assert os_release.parse(os_release.text(tmp_path)) == {"NAME": place}


@pytest.mark.parametrize("line", ['PRETTY_NAME="half a', "PRETTY_NAME=it's", "# ID=fedora", "", "no assignment"])
def test_a_damaged_line_does_no_harm(line: str) -> None:
    assert os_release.parse(f"{line}\nID=debian\n")["ID"] == "debian"
