"""The checks of notebook 06 against a real Prometheus: the usual wrong answers, each with its own hint.

One round of traffic serves many answers: the check judges what was seen of each.
"""

from typing import Any

import pytest

from aicontainer.exercises import monitor as exercise
from aicontainer.exercises import monitor_rule
from aicontainer.operate.rules import Rule

INFER = 'route="/v2/models/{name}/infer"'
COUNT = "http_request_duration_seconds_count"
BUCKET = "http_request_duration_seconds_bucket"


def share(refused: str = 'status=~"4.."', within: str = "10s") -> str:
    few, every = f"{COUNT}{{{INFER},{refused}}}[{within}]", f"{COUNT}{{{INFER}}}[{within}]"
    return f"sum(rate({few})) / sum(rate({every}))"


def judged(watched: Any, check: Any, queries: dict[str, str], monkeypatch: pytest.MonkeyPatch, judge: str) -> Any:
    """What the check would say to each query, from one round of traffic."""
    said: dict[str, Any] = {}
    original = getattr(exercise, judge)

    def every(query: str, found: Any, truth: Any, others: Any) -> Any:
        at = found[0].time if found else None
        for name, text in queries.items():
            seen = watched.monitor.query(text, at)
            times = exercise._other_times(f"[{exercise._range_text(text)}]")
            compared = exercise._values(watched.monitor, times, at) if judge == "judge_slowest" else others
            said[name] = original(text, seen, truth, compared)
        return original(query, found, truth, others)

    monkeypatch.setattr(exercise, judge, every)
    said["right"] = check(watched.monitor, watched.server, queries["right"])
    return said


def test_a_query_for_rows_in_a_second(watched: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    queries = {
        "right": "sum(rate(predicted_rows_total[10s]))",
        "also right": "sum(increase(predicted_rows_total[10s])) / 10",
        "for each version": "sum by (version) (rate(predicted_rows_total[10s]))",
        "not summed": "rate(predicted_rows_total[10s])",
        "too short": "sum(rate(predicted_rows_total[1s]))",
        "too long": "sum(rate(predicted_rows_total[10m]))",
        "increase": "sum(increase(predicted_rows_total[10s]))",
        "requests": f"sum(rate({COUNT}{{{INFER}}}[10s]))",
        "nothing": "sum(rate(predicted_rows[10s]))",
    }
    said = judged(watched, exercise.check_rows_per_second, queries, monkeypatch, "judge_rows")
    for name in ("right", "also right", "for each version"):
        assert said[name].state == "right", said[name]
    hints = {
        "not summed": "2 series",
        "too short": "two samples",
        "too long": "averages in the time before",
        "increase": "increase over the whole range",
        "requests": "counts requests",
        "nothing": "compare names",
    }
    for name, hint in hints.items():
        assert said[name].state == "wrong", (name, said[name])
        assert hint in said[name].text


@pytest.mark.parametrize("check", [exercise.check_rows_per_second, exercise.check_slowest])
def test_what_is_told_before_anything_is_sent(watched: Any, check: Any) -> None:
    answers = {
        "not done yet": check(watched.monitor, watched.server, None),
        "a text": check(watched.monitor, watched.server, 3),
        "parse error": check(watched.monitor, watched.server, "sum(rate(predicted_rows_total[10s])"),
        "result is a matrix": check(watched.monitor, watched.server, "predicted_rows_total[10s]"),
        "since its pod began": check(watched.monitor, watched.server, "sum(predicted_rows_total)"),
    }
    for hint, answer in answers.items():
        assert hint in repr(answer)


def test_a_query_for_the_slowest_answers(watched: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = f'{BUCKET}{{{INFER},status="200"}}'
    queries = {
        "right": f"histogram_quantile(0.95, sum by (le) (rate({answered}[10s])))",
        "also right": f"histogram_quantile(0.95, sum by (le, version) (increase({answered}[10s])))",
        "not summed": f"histogram_quantile(0.95, rate({answered}[10s]))",
        "without le": f"histogram_quantile(0.95, sum(rate({answered}[10s])))",
        "95": f"histogram_quantile(95, sum by (le) (rate({answered}[10s])))",
        "median": f"histogram_quantile(0.5, sum by (le) (rate({answered}[10s])))",
        "mean": f"sum(rate(http_request_duration_seconds_sum{{{INFER},status='200'}}[10s]))"
        f"/ sum(rate({COUNT}{{{INFER},status='200'}}[10s]))",
        "all routes": f"histogram_quantile(0.95, sum by (le) (rate({BUCKET}[10s])))",
        "refused too": f"histogram_quantile(0.95, sum by (le) (rate({BUCKET}{{{INFER}}}[10s])))",
        "milliseconds": f"1000 * histogram_quantile(0.95, sum by (le) (rate({answered}[10s])))",
    }
    said = judged(watched, exercise.check_slowest, queries, monkeypatch, "judge_slowest")
    for name in ("right", "also right"):
        assert said[name].state == "right", said[name]
    hints = {
        "not summed": "one for each pod",
        "without le": "drops it",
        "95": "share from 0 to 1",
        "median": "median",
        "mean": "the mean",
        "all routes": "hide the slow ones",
        "refused too": "refused requests are in it",
        "milliseconds": "milliseconds",
    }
    for name, hint in hints.items():
        assert said[name].state == "wrong", (name, said[name])
        assert hint in said[name].text, (name, said[name])


def test_an_alert_for_a_fifth_refused(watched: Any) -> None:
    conditions = {
        "right": (f"{share()} > 0.2", "3s"),
        "also right": (f"0.2 < {share()}", "0s"),
        "with probes": (f'sum(rate({COUNT}{{status=~"4.."}}[10s])) / sum(rate({COUNT}[10s])) > 0.2', "2s"),
        "inverted": (f"{share()} < 0.2", "0s"),
        "not divided": (f'sum(rate({COUNT}{{status=~"4.."}}[10s])) > 0.2', "0s"),
        "not summed": (f'rate({COUNT}{{status=~"4.."}}[10s]) / rate({COUNT}[10s]) > 0.2', "0s"),
        "no comparison": (share(), "0s"),
        "too low": (f"{share()} > 0.02", "0s"),
        "percent": (f"{share()} > 20", "0s"),
        "one status": (f"""{share('status="400"')} > 0.2""", "0s"),
        "too short": (f"{share(within='1s')} > 0.2", "0s"),
        "one side summed": (f'rate({COUNT}{{status=~"4.."}}[10s]) / sum(rate({COUNT}[10s])) > 0.2', "0s"),
        "too patient": (f"{share()} > 0.2", "10m"),
        "no fifth": (f"{share()} > 0.3", "0s"),
        "late": (f"{share()} > 0.2", "8s"),
        "remembers": (f"{share(within='2m')} > 0.2", "0s"),
    }
    written = {name: name.title().replace(" ", "") for name in conditions}
    rules = [Rule(written[name], expression, True, lasting) for name, (expression, lasting) in conditions.items()]
    lines = [
        f"      - alert: {rule.name}\n        expr: |\n          {rule.expression}\n        for: {rule.lasting}"
        for rule in rules
    ]
    text = "groups:\n  - name: mine\n    rules:\n" + "\n".join(lines) + "\n"
    observed = monitor_rule.observe(watched.monitor, watched.server, text, rules)
    said = {name: monitor_rule.judge(rule, observed[rule.name]) for name, rule in zip(conditions, rules, strict=True)}
    for name in ("right", "also right", "with probes"):
        assert said[name].state == "right", (name, said[name], observed[written[name]])
    hints = {
        "inverted": "which way",
        "not divided": "divides that by all",
        "not summed": "divided by itself",
        "no comparison": "ends with a comparison",
        "too low": "less than a fifth",
        "percent": "never above 20",
        "one status": "one status",
        "too short": "two samples",
        "one side summed": "the same labels",
        "too patient": "last longer",
        "no fifth": "a fifth is 0.2",
        "late": "for: 8s is more than",
        "remembers": "120 s",
    }
    for name, hint in hints.items():
        assert said[name].state == "wrong", (name, said[name])
        assert hint in said[name].text, (name, said[name], observed[written[name]])
    assert watched.monitor.prometheus.rule_files() == {"rules.yml"}


def test_the_check_of_the_alert_as_a_learner_calls_it(watched: Any) -> None:
    refused = "groups: [{name: mine, rules: [{alert: A, expr: 'rate(x[10s]) >'}]}]"
    assert "parse error" in monitor_rule.check_refusal_alert(watched.monitor, watched.server, refused).text
