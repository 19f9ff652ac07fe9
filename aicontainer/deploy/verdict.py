"""What one look at pods that are not ready comes to: wait on, or give up with the cluster's reason and what helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aicontainer.deploy import objects
from aicontainer.deploy.diagnosis import Patience, Trouble
from aicontainer.waiting import Seen, failed, pending

if TYPE_CHECKING:
    from aicontainer.deploy.cluster import Cluster


def judged(cluster: Cluster, namespace: str, looks: Patience, troubles: list[Trouble], text: str) -> Seen:
    """Pending with ``text`` while no trouble is final; else failed, with the end of the log where a program crashed.

    Raises
    ------
    ClusterError
        When the cluster does not answer.
    """
    trouble = looks.worst(troubles)
    if trouble is None:
        return pending(text)
    if not looks.exhausted(trouble):
        return pending(f"{text}; {trouble}")
    return failed(_explained(cluster, namespace, trouble), trouble.next_step)


def _explained(cluster: Cluster, namespace: str, trouble: Trouble) -> str:
    if not trouble.crashed:
        return str(trouble)
    logs = (objects.log_end(cluster, trouble.subject, namespace, previous=one) for one in (True, False))
    log = next((each for each in logs if each), "")  # the node may have cleared away the one before already
    return f"{trouble}; its log ends:\n{log}" if log else f"{trouble}; it wrote no log"
