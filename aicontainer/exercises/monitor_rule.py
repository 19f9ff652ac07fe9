"""The check of notebook 06_monitor's alert: a rule of the learner's, under traffic with a known share of refusals.

The pace is the same all the time; one request of ten is refused, then five of ten, then one again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from aicontainer.errors import InputError, MonitorError, QueryRefused, TimedOut
from aicontainer.exercises import promql
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.learn import data
from aicontainer.operate import rules, traffic
from aicontainer.operate.monitor import Monitor
from aicontainer.operate.rules import Rule
from aicontainer.serve.client import Server
from aicontainer.waiting import Seen, pending, ready, wait

PACE = 20.0  # requests a second
FEW, MANY = 1, 5  # of ten
BOUND = 0.2
LONGEST_FOR = 5.0  # seconds

# The left side with FEW of 10 refused and with a fifth, where it is a share of the refused or of the others, each also
# in per cent. Sides of another kind, such as refused / others, are judged by what the alert does alone.
ROUTES = ((0.1, 0.2), (0.9, 0.8), (10.0, 20.0), (90.0, 80.0))

# seconds
QUIET = 16.0
FIRES_WITHIN = 30.0
ENDS_WITHIN = 40.0
WINDOW = 10


@dataclass(frozen=True)
class Look:
    """What was seen of one alert at the end of a phase: its state, and the values of its condition's left side."""

    state: str
    values: tuple[float, ...] = ()

    @property
    def value(self) -> float | None:
        """The one value; None where there is none, or more than one."""
        return self.values[0] if len(self.values) == 1 else None


@dataclass(frozen=True)
class Observed:
    """One alert in the three phases; a later one is None where an earlier one has shown what there is to see."""

    few: Look
    many: Look | None = None
    few_again: Look | None = None


def check_refusal_alert(monitor: Monitor, server: Server, my_rules: Any) -> Check:
    """Check an alert for "more than a fifth of the predictions asked for are refused (4xx)".

    Takes up to a minute and a half: Prometheus gets the rule, the check sends the traffic and looks at the alert.
    """
    if my_rules is None:
        return not_done("my_rules is None; write a rules file with one alert")
    early = _early(my_rules)
    if isinstance(early, Check):
        return early
    try:
        observed = observe(monitor, server, my_rules, [early])
    except QueryRefused as error:
        return wrong(f"Prometheus: {error.seen}")
    except MonitorError as error:
        return wrong(error.what)
    return judge(early, observed[early.name])


def _early(text: Any) -> Rule | Check:
    """The one alert, or what can be said before anything is sent."""
    if not isinstance(text, str):
        return wrong("my_rules must be a text: a rules file in YAML")
    try:
        found = rules.read(text)
    except InputError as error:
        return wrong(f"{error.what}; the course's own rules.yml shows the form")
    alerts = [rule for rule in found if rule.is_alert]
    if len(alerts) != 1:
        return wrong(f"one alert is wanted, and there are {len(alerts)}")
    if not any(promql.sees_change(rule.expression) for rule in found):
        return wrong("it compares counters, which hold all that ever was and never go down; rate(...[10s]) forgets")
    return alerts[0]


def observe(monitor: Monitor, server: Server, text: str, alerts: Sequence[Rule]) -> dict[str, Observed]:
    """Give Prometheus the rules, send the traffic, and look at every alert; the rules are taken away again.

    A phase ends when every alert that is still of interest did what a right one does, or at its limit.
    """
    X = data.load(server.model).X
    monitor.use_rules(text)
    try:
        with traffic.sending(server, [X[i : i + 1] for i in range(50)], PACE, FEW) as sent:
            time.sleep(QUIET)
            seen = {rule.name: Observed(_look(monitor, rule)) for rule in alerts}
            left = [rule for rule in alerts if seen[rule.name].few.state == "inactive"]
            sent.refuse(MANY)
            _wait_all(monitor, left, "firing", FIRES_WITHIN)
            for rule in left:
                seen[rule.name] = replace(seen[rule.name], many=_look(monitor, rule))
            left = [rule for rule in left if _look_at(seen[rule.name].many).state == "firing"]
            sent.refuse(FEW)
            _wait_all(monitor, left, "inactive", ENDS_WITHIN)
            for rule in left:
                seen[rule.name] = replace(seen[rule.name], few_again=_look(monitor, rule))
    finally:
        monitor.drop_rules()
    return seen


def _wait_all(monitor: Monitor, alerts: Iterable[Rule], state: str, limit: float) -> None:
    left = {rule.name for rule in alerts}
    if not left:
        return

    def look() -> Seen:
        # one that was there once has done it: it need not stay until the last one follows
        left.difference_update([name for name in left if monitor.state(name) == state])
        return pending(", ".join(sorted(left))) if left else ready()

    with suppress(TimedOut):
        wait(f"all alerts to be {state}", look, limit=limit)


def _look(monitor: Monitor, rule: Rule) -> Look:
    compared = promql.comparison(rule.expression)
    values: tuple[float, ...] = ()
    if compared is not None:
        with suppress(MonitorError):
            values = tuple(sample.value for sample in monitor.query(compared.left))
    return Look(monitor.state(rule.name), values)


def _look_at(look: Look | None) -> Look:
    assert look is not None
    return look


def judge(rule: Rule, observed: Observed) -> Check:
    """What an alert's behaviour says about its rule."""
    if observed.few.state != "inactive":
        return wrong(_too_loud(rule, observed.few))
    if observed.many is None or observed.many.state != "firing":
        return wrong(_too_quiet(rule, observed.many or Look("inactive")))
    if observed.few_again is None or observed.few_again.state != "inactive":
        return wrong(_too_long(rule))
    fault = _untested(rule, observed.few)
    if fault:
        return wrong(fault)
    return right("silent with 1 of 10 refused, firing with 5 of 10, and silent again")


def _untested(rule: Rule, few: Look) -> str:
    """What 1 and 5 of 10 cannot show: a bound between them that is no fifth, and a ``for:`` above the one asked."""
    compared = promql.comparison(rule.expression)
    fifth = _fifth(compared, few) if compared else None
    if compared and fifth and abs(compared.bound - fifth) > 0.05 * fifth:
        return (
            f"it tells 1 of 10 from 5 of 10, as many a bound between them would; {compared.bound:g} is not it: "
            f"a fifth is {fifth:g}"
        )
    if promql.seconds(rule.lasting) > LONGEST_FOR:
        return f"it does what it should, but late: for: {rule.lasting} is more than the {LONGEST_FOR:.0f} s asked for"
    return ""


def _fifth(compared: promql.Comparison, few: Look) -> float | None:
    """What the left side is when a fifth is refused; None where its kind cannot be told."""
    if few.value is None or "status" in promql.bare(compared.left).partition("/")[2]:
        return None
    near = (fifth for at, fifth in ROUTES if abs(few.value - at) < 0.3 * abs(fifth - at))
    return next(near, None)


def _too_loud(rule: Rule, look: Look) -> str:
    head = f"with 1 of 10 refused the alert is {look.state}"
    compared = promql.comparison(rule.expression)
    if compared is None:
        return f"{head}: a condition ends with a comparison, such as > {BOUND}; every answer without one is an alert"
    if compared.operator.startswith("<"):
        return f"{head}: it fires when the share is low; which way must the comparison point?"
    if "/" not in promql.bare(compared.left):
        return f"{head}: its left side is how many are refused in a second; a share divides that by all requests"
    if "sum" not in compared.left:
        return f"{head}: without sum() each status is divided by itself, which is 1; sum both sides of the /"
    if compared.bound < BOUND:
        return f"{head}: {compared.bound:g} is less than a fifth"
    longest = max(promql.ranges(compared.left), default=0.0)
    if longest > 1.5 * WINDOW:
        return f"{head}: over {longest:.0f} s it still holds what was refused before; take [{WINDOW}s]"
    return f"{head}: its left side is {look.values}, and 0.1 was sent"


def _too_quiet(rule: Rule, look: Look) -> str:
    head = f"with 5 of 10 refused the alert is {look.state} after {FIRES_WITHIN:.0f} s"
    if look.state == "pending":
        return f"{head}: the condition is met, and for: {rule.lasting} asks it to last longer; take 5s or less"
    compared = promql.comparison(rule.expression)
    if compared is None:
        return f"{head}: a condition ends with a comparison, such as > {BOUND}"
    if compared.operator.startswith("<"):
        return f"{head}: which way must the comparison point?"
    for explain in (_empty, _percent, _one_status, _diluted):
        text = explain(compared, look)
        if text:
            return f"{head}: {text}"
    return f"{head}: its left side is {look.values}, and 0.5 was sent"


def _empty(compared: promql.Comparison, look: Look) -> str:
    if look.values and not all(value != value for value in look.values):  # NaN: nothing divided by nothing
        return ""
    if min(promql.ranges(compared.left), default=WINDOW) < 2:
        return "its left side is empty: a rate needs two samples, and there is one each second"
    return "its left side has no answer: both sides of the / need the same labels, which sum() makes sure of"


def _percent(compared: promql.Comparison, look: Look) -> str:
    if compared.bound <= 1:
        return ""
    return f"a share goes from 0 to 1, and is never above {compared.bound:g}; a fifth is {BOUND}"


def _one_status(compared: promql.Comparison, look: Look) -> str:
    if 'status="4' not in compared.left.replace(" ", ""):
        return ""
    return 'one status is not all of them: refused are 400, 404, 413 and more; status=~"4.." fits them all'


def _diluted(compared: promql.Comparison, look: Look) -> str:
    longest = max(promql.ranges(compared.left), default=0.0)
    if longest <= 1.5 * WINDOW:
        return ""
    return f"over {longest:.0f} s the good requests of before are still in it; take [{WINDOW}s]"


def _too_long(rule: Rule) -> str:
    head = f"{ENDS_WITHIN:.0f} s after the refusals became few, the alert has not ended"
    longest = max(promql.ranges(rule.expression), default=0.0)
    if longest > 1.5 * WINDOW:
        return f"{head}: its range of {longest:.0f} s still holds them; take [{WINDOW}s]"
    return f"{head}: its condition has to follow what is sent now"
