"""Giving a running Prometheus other rules: written into its ConfigMap, taken up at once, or refused and put back.

The ConfigMap is a folder in Prometheus' pod. A pod that starts again would forget what it has recorded, so it goes on
running and is told to read that folder anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from aicontainer import places
from aicontainer.deploy import manifests, objects
from aicontainer.deploy.manifests import Manifest
from aicontainer.deploy.release import Release
from aicontainer.errors import MonitorError, QueryRefused
from aicontainer.operate import rules
from aicontainer.operate.api import Prometheus
from aicontainer.waiting import Seen, pending, ready, wait

RULES = "prometheus-rules"
MARK = "aicontainer.io/read"

# The node looks into a changed ConfigMap at the latest after a minute and its cache's time.
LIMIT = 150


def course_manifests() -> list[Manifest]:
    """What ``manifests/monitor`` holds."""
    return manifests.load_manifests(places.clone() / "manifests" / "monitor")


def use(prometheus: Prometheus, release: Release, text: str, limit: float = LIMIT) -> None:
    """Put a rules file beside the course's own, in the place of one that was given before: see `Monitor.use_rules`.

    ``release`` is the Deployment of that Prometheus.
    """
    for rule in rules.read(text):
        _understands(prometheus, rule)
    before = _own(release)
    try:
        _put(prometheus, release, {rules.file_name(text): text}, limit)
    except QueryRefused:
        _put(prometheus, release, before, limit)
        raise


def drop(prometheus: Prometheus, release: Release, limit: float = LIMIT) -> None:
    """Take away what `use` put there; the course's own rules stay."""
    _put(prometheus, release, {}, limit)


def _understands(prometheus: Prometheus, rule: rules.Rule) -> None:
    try:
        prometheus.understands(rule.expression)
    except QueryRefused as error:
        raise QueryRefused(
            f"Prometheus does not understand the expression of {rule.name}", seen=error.seen, status=error.status
        ) from error


def _own(release: Release) -> dict[str, str]:
    held = objects.read(release.cluster, "ConfigMap", RULES, release.namespace)["data"]
    return {name: text for name, text in held.items() if name.startswith(rules.OWN)}


def _put(prometheus: Prometheus, release: Release, own: Mapping[str, str], limit: float) -> None:
    wanted = next(each for each in course_manifests() if each["metadata"]["name"] == RULES)
    wanted["data"] = {**wanted["data"], **own}
    objects.apply(release.cluster, [wanted], release.namespace)
    names = frozenset(wanted["data"])
    _hurry(release, names)

    def look() -> Seen:
        refusal = _reload(prometheus, release, names)
        if refusal:
            return pending(refusal)
        found = prometheus.rule_files()
        return ready() if found == names else pending(f"it has {', '.join(sorted(found)) or 'no rules'}")

    next_step = f"kubectl logs -n {release.namespace} deployment/{release.name} tells more"
    wait("Prometheus to take up the rules", look, limit=limit, pause=0.3, next_step=next_step)


def _hurry(release: Release, names: frozenset[str]) -> None:
    # A change of the pod's annotations lets the node renew its volumes now, not within the next minute: Kubernetes'
    # documentation, "Configure a Pod to Use a ConfigMap", on mounted ConfigMaps.
    digest = hashlib.sha256(repr(sorted(names)).encode()).hexdigest()[:12]
    for pod in release.pods():
        change = {"metadata": {"annotations": {MARK: digest}}}
        objects.patch(release.cluster, "Pod", pod.name, change, release.namespace)


def _reload(prometheus: Prometheus, release: Release, names: frozenset[str]) -> str:
    """Let Prometheus read its files again; what it says against one that is on its way out, else an empty text."""
    try:
        prometheus.reload()
    except MonitorError as error:
        if error.status != 500:
            raise
        words = _refusal(release) or error.seen
        blamed = rules.blamed(words)
        if blamed and blamed not in names:
            return words
        raise QueryRefused("Prometheus refuses the rules", seen=words, status=error.status) from error
    return ""


def _refusal(release: Release) -> str:
    """Its words stand in its log alone: the answer says only that there was an error."""
    logs = [objects.log_end(release.cluster, pod.name, release.namespace) for pod in release.pods()]
    return rules.refusal("\n".join(logs))
