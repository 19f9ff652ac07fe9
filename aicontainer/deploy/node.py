"""The cluster's node as a container: started again when it was stopped."""

from aicontainer.deploy import kind
from aicontainer.deploy.containers import NODE
from aicontainer.errors import AicontainerError
from aicontainer.package import engine as docker_engine
from aicontainer.sources.base import Supply
from aicontainer.waiting import pending, ready, wait

START_SECONDS = 150


def restart(supply: Supply) -> bool:
    """Start the stopped node; whether its API answers after that."""
    try:
        with docker_engine.engine() as client:
            node = client.containers.get(NODE)
            if node.status == "paused":
                node.unpause()
            node.start()
        wait(
            "the cluster's API to answer",
            lambda: ready() if kind.api_answers(supply) else pending("it does not answer yet"),
            limit=START_SECONDS,
        )
    except AicontainerError:
        return False  # whatever it is, a new cluster takes half a minute and is certain
    return True
