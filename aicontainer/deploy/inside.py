"""Run a program inside a pod, as ``kubectl exec`` does: with an input, an output and an exit code."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aicontainer.deploy.connection import READ_SECONDS, connect, mapped
from aicontainer.errors import ClusterError, CommandError, ObjectNotFound, TimedOut

if TYPE_CHECKING:
    from aicontainer.deploy.cluster import Cluster

LIMIT = 60.0
# what one message of the connection carries
PIECE = 64 * 1024


def run(
    cluster: Cluster,
    pod: str,
    argv: Sequence[str],
    namespace: str | None = None,
    *,
    container: str | None = None,
    stdin: bytes = b"",
    limit: float = LIMIT,
) -> str:
    """Run ``argv`` in a container of a pod and return what it writes on its standard output.

    The input is not closed at its end, since not every cluster can: a program has to know how much to read.

    Parameters
    ----------
    container
        The container's name; may be left out where the pod has just one.

    Raises
    ------
    CommandError
        When the program ends with a failure: with its exit code and what it wrote on its standard error.
    ObjectNotFound
        When there is no such pod.
    ClusterError
        When the cluster does not answer, or the container does not run.
    TimedOut
        When the program does not end within ``limit`` seconds, its input and the way to it included.
    """
    doing, begun = f"run {argv[0]} in the pod {pod}", time.monotonic()
    with _session(cluster, pod, argv, namespace, container, doing, bool(stdin)) as session:
        for begin in range(0, len(stdin), PIECE):
            _left(begun, doing, limit)
            session.write_stdin(stdin[begin : begin + PIECE])
        _await_end(session, begun, doing, limit)
        output, words = session.read_stdout(timeout=0).decode(), session.read_stderr(timeout=0).decode()
        code = _exit_code(session, doing)
    if code != 0:
        raise CommandError(argv, code, output=words or output)
    return str(output)


@contextmanager
def _session(
    cluster: Cluster,
    pod: str,
    argv: Sequence[str],
    namespace: str | None,
    container: str | None,
    doing: str,
    takes_input: bool,
) -> Iterator[Any]:
    import websocket
    from kubernetes import client as api
    from kubernetes.stream import stream, ws_client

    choice = {"container": container} if container else {}
    # the client takes no limit for the way to the pod, and would wait for a silent cluster for ever
    ws_client.WebSocket = _limited
    # a client of its own: `stream` changes the one that it is given for the time of the call
    own = api.ApiClient(configuration=connect(cluster).client.configuration)
    session = None
    try:
        with mapped(doing), own:
            session = stream(
                api.CoreV1Api(own).connect_get_namespaced_pod_exec,
                pod,
                namespace or cluster.namespace,
                command=list(argv),
                stdin=takes_input,
                stdout=True,
                stderr=True,
                tty=False,
                binary=True,
                _preload_content=False,
                **choice,
            )
        yield session
    except (websocket.WebSocketException, OSError) as error:
        raise ClusterError(f"could not {doing}: the connection broke", seen=str(error)) from error
    except ClusterError as error:
        raise _explained(error, doing) from error
    finally:
        if session is not None:
            session.close()


def _limited(**options: Any) -> Any:
    import websocket

    made = websocket.WebSocket(**options)
    made.settimeout(READ_SECONDS)  # of each step: to connect, each answer of the handshake, each piece sent
    return made


def _explained(error: ClusterError, doing: str) -> ClusterError:
    # the cluster's answer to the handshake arrives as a text: "Handshake status 404 Not Found -+-+- {headers} ..."
    text = str(getattr(error.__cause__, "reason", ""))
    status = re.search(r"Handshake status (\d+)", text)
    message = re.search(r'"message":\s*"((?:[^"\\]|\\.)*)"', text)
    if not text:
        return error
    if not status:
        return ClusterError("the cluster does not answer", seen=text, next_step="aicontainer up")
    seen = message[1].replace('\\"', '"') if message else f"HTTP status {status[1]}"
    kind = ObjectNotFound if status[1] == "404" else ClusterError
    return kind(f"could not {doing}", seen=seen, status=int(status[1]))


def _await_end(session: Any, begun: float, doing: str, limit: float) -> None:
    # not waiting.wait: the connection itself waits, and wakes up when something arrives
    while session.is_open():
        session.update(timeout=min(_left(begun, doing, limit), 5.0))


def _left(begun: float, doing: str, limit: float) -> float:
    left = limit - (time.monotonic() - begun)
    if left <= 0:
        raise TimedOut(f"could not {doing}: it did not end within {limit:.0f} s", waited=limit)
    return left


def _exit_code(session: Any, doing: str) -> int:
    import yaml

    status = yaml.safe_load(session.read_channel(3).decode() or "{}") or {}
    if status.get("status") == "Success":
        return 0
    causes = (status.get("details") or {}).get("causes") or []
    code = next((each["message"] for each in causes if each.get("reason") == "ExitCode"), "")
    if not code.isdigit():
        raise ClusterError(f"could not {doing}", seen=str(status.get("message") or "the connection ended early"))
    return int(code)
