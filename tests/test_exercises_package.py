from aicontainer.exercises import package


def test_nothing_yet_and_something_else_are_told_apart() -> None:
    assert package.check_second_version(None).state == "not done yet"
    assert package.check_second_version(2).state == "wrong"
