"""Rules files: read, checked for their form, and named by their content. Pure: nothing is sent or changed here.

The form is Prometheus' own: ``groups``, each with a name and rules; a rule has ``alert`` or ``record``, and ``expr``.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

import yaml

from aicontainer.errors import InputError

# what a rules file of the learner's begins with, beside the course's own
OWN = "own-"


@dataclass(frozen=True)
class Rule:
    """One rule: ``alert`` or ``record`` is its name, ``lasting`` is ``for:`` as it is written."""

    name: str
    expression: str
    is_alert: bool
    lasting: str = ""


def read(text: str) -> tuple[Rule, ...]:
    """The rules of a rules file, in its order.

    Raises
    ------
    InputError
        When the text is no YAML, or has not the form of a rules file, with the place of the fault.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError("the rules are no YAML", seen=str(error)) from error
    groups = content.get("groups") if isinstance(content, dict) else None
    if not isinstance(groups, list) or not groups:
        raise InputError("a rules file begins with groups:, a list", seen=text[:80])
    return tuple(rule for number, group in enumerate(groups) for rule in _rules_of(group, f"groups[{number}]"))


def _rules_of(group: Any, place: str) -> list[Rule]:
    if not isinstance(group, dict) or not group.get("name"):
        raise InputError(f"{place} has no name")
    rules = group.get("rules")
    if not isinstance(rules, list) or not rules:
        raise InputError(f"{place} has no rules: a list is wanted")
    return [_rule(each, f"{place}.rules[{number}]") for number, each in enumerate(rules)]


def _rule(content: Any, place: str) -> Rule:
    if not isinstance(content, dict) or ("alert" in content) == ("record" in content):
        raise InputError(f"{place} needs alert: or record:, the name of the rule")
    name = content.get("alert") or content.get("record")
    if not name or not content.get("expr"):
        raise InputError(f"{place} needs a name and expr:, the question to ask")
    return Rule(str(name), str(content["expr"]), "alert" in content, str(content.get("for", "")))


def file_name(text: str) -> str:
    """A name that tells the content: when Prometheus says that it has loaded this file, it has loaded this text."""
    return f"{OWN}{hashlib.sha256(text.encode()).hexdigest()[:12]}.yml"


def refusal(log: str) -> str:
    """Why Prometheus refused the rules, from the end of its log; empty where that does not tell."""
    found = re.findall(r'msg="loading groups failed" err="((?:[^"\\]|\\.)*)"', log)
    return found[-1].replace('\\"', '"').replace("\\n", "\n") if found else ""


def blamed(words: str) -> str:
    """The rules file, without its folder, that Prometheus' words are about; empty where they name none."""
    found = re.match(r"\S*?([^/\s]+\.yml): ", words)
    return found[1] if found else ""
