"""Rules files: their form, their name, and what Prometheus says against them."""

import pytest

from aicontainer.deploy import manifests
from aicontainer.errors import InputError
from aicontainer.operate import loading, rules
from aicontainer.operate.rules import Rule


def test_rules_have_name_expression_and_how_long_they_last() -> None:
    text = "groups: [{name: g, rules: [{alert: A, expr: x > 1, for: 5s}, {record: 'a:b', expr: sum(x)}]}]"
    assert rules.read(text) == (Rule("A", "x > 1", True, "5s"), Rule("a:b", "sum(x)", False))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("groups: [", "no YAML"),
        ("rules: []", "groups:"),
        ("just a text", "groups:"),
        ("groups: []", "groups:"),
        ("groups: [{rules: []}]", r"groups\[0\] has no name"),
        ("groups: [{name: g}]", "has no rules"),
        ("groups: [{name: g, rules: [{expr: x}]}]", r"groups\[0\]\.rules\[0\] needs alert"),
        ("groups: [{name: g, rules: [{alert: A, record: b, expr: x}]}]", "needs alert: or record"),
        ("groups: [{name: g, rules: [{alert: A, expr: x}, {alert: B}]}]", r"rules\[1\] needs a name and expr"),
    ],
)
def test_another_form_is_refused_with_its_place(text: str, place: str) -> None:
    with pytest.raises(InputError, match=place):
        rules.read(text)


def test_another_text_is_another_file() -> None:
    assert rules.file_name("a") == rules.file_name("a")
    assert rules.file_name("a") != rules.file_name("b")
    assert rules.file_name("a").startswith(rules.OWN)


def test_the_words_of_prometheus_are_found_at_the_end_of_its_log() -> None:
    log = "\n".join(
        [
            'ts=1 level=error component="rule manager" msg="loading groups failed" err="old"',
            'ts=2 level=info msg="something else"',
            'ts=3 level=error msg="loading groups failed" err="/etc/rules/own-1.yml: not a duration: \\"long\\""',
        ]
    )
    words = rules.refusal(log)
    assert words == '/etc/rules/own-1.yml: not a duration: "long"'
    assert rules.blamed(words) == "own-1.yml"
    assert rules.refusal("nothing of it") == ""
    assert rules.blamed("error in a group") == ""


def test_the_rules_of_the_course_are_rules_and_say_what_to_do_first() -> None:
    (found,) = (each for each in loading.course_manifests() if each["metadata"]["name"] == loading.RULES)
    (rule,) = rules.read(found["data"]["rules.yml"])
    assert rule.name == "NobodyServes"
    assert "first_step" in found["data"]["rules.yml"]


def test_what_watches_runs_with_few_rights_and_within_limits() -> None:
    for each in loading.course_manifests():
        assert each["metadata"]["labels"]["app.kubernetes.io/part-of"] == "aicontainer"
        assert "namespace" not in each["metadata"]
        assert each["kind"] != "Namespace"  # removing the watcher must not remove what it watches
        for container in manifests.containers(each):
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["resources"]["limits"]["memory"]
            assert {"readinessProbe", "livenessProbe"} <= container.keys()
            assert all(port["name"] != "http" for port in container["ports"])  # it would be taken for a model server
