"""The way to a cluster: a connection by its own kubeconfig, and the client's errors turned into ours."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aicontainer.errors import ClusterError, ClusterMissing, KubeconfigDamaged, ObjectNotFound, ObjectRefused, plainly

if TYPE_CHECKING:
    from kubernetes.client import ApiClient
    from kubernetes.dynamic import DynamicClient

    from aicontainer.deploy.cluster import Cluster

CONNECT_SECONDS, READ_SECONDS = 5, 30


def connect(cluster: Cluster) -> DynamicClient:
    """A connection to the cluster, by its own kubeconfig and context; kept for the process while that file is the same.

    Raises
    ------
    ClusterMissing, KubeconfigDamaged
        When there is no kubeconfig, or it cannot be used.
    ClusterError
        When the cluster does not answer.
    """
    with mapped("reach the cluster"):
        try:
            changed = cluster.kubeconfig.stat().st_mtime_ns
        except OSError as error:
            raise ClusterMissing("there is no cluster", seen=str(error), next_step="aicontainer up") from error
        return _connection(str(cluster.kubeconfig), cluster.context, changed)


@lru_cache(maxsize=4)
def _connection(kubeconfig: str, context: str, changed: int) -> DynamicClient:
    from kubernetes.dynamic import DynamicClient

    client = _read(kubeconfig, context)
    _limit(client)
    # Discovery is kept in memory: a file of it can be half-written by another kernel, or of an earlier cluster at
    # the same address. No file can be made at this path, and then the client goes on without.
    return DynamicClient(client, cache_file=str(Path(os.devnull) / "none"))


def _read(kubeconfig: str, context: str) -> ApiClient:
    from kubernetes import config

    try:
        client = config.new_client_from_config(config_file=kubeconfig, context=context, persist_config=False)
    except Exception as error:  # whatever the loader trips over, it is the file
        raise _damaged(str(error)) from error
    if not str(client.configuration.host).startswith(("https://", "http://")):
        raise _damaged(f"it names no server: {client.configuration.host}")
    return client


def _limit(client: ApiClient) -> None:
    # discovery asks without a limit, in `DynamicClient` and again in the first look for each group of kinds
    asked = client.rest_client.request

    def request(*args: Any, _request_timeout: Any = None, **options: Any) -> Any:
        limits = _request_timeout or (CONNECT_SECONDS, READ_SECONDS)
        return asked(*args, _request_timeout=limits, **options)

    client.rest_client.request = request


def _damaged(seen: str, status: int = 0) -> KubeconfigDamaged:
    next_step = "aicontainer up writes it anew"
    return KubeconfigDamaged("the kubeconfig cannot be used", seen=seen, next_step=next_step, status=status)


@contextmanager
def mapped(doing: str) -> Iterator[None]:
    """Turn every error of the Kubernetes client and of urllib3 into one of ours.

    ``doing`` completes the sentence "could not ...".
    """
    import kubernetes.dynamic.exceptions as dynamic
    import pydantic
    import urllib3.exceptions
    from kubernetes.client.exceptions import OpenApiException
    from kubernetes.config.config_exception import ConfigException

    foreign = (
        OpenApiException,
        dynamic.ResourceNotFoundError,
        dynamic.ResourceNotUniqueError,
        dynamic.KubernetesValidateMissing,
        ConfigException,
        pydantic.ValidationError,
        urllib3.exceptions.HTTPError,
    )
    try:
        yield
    except foreign as error:
        raise _ours(error, f"could not {doing}") from error


_REFUSALS = {400, 403, 405, 409, 413, 415, 422}
# a field of the wrong type is a refusal too, which server-side apply reports as 500
_NOT_OF_THE_SCHEMA = "failed to create typed patch object"


def _ours(error: Exception, what: str) -> ClusterError:
    import kubernetes.dynamic.exceptions as dynamic
    import urllib3.exceptions
    from kubernetes.client.exceptions import ApiException
    from kubernetes.config.config_exception import ConfigException

    match error:
        case ApiException():
            status, seen = int(error.status or 0), _message(error)
            if status == 404:
                return ObjectNotFound(what, seen=seen, status=status)
            if status in _REFUSALS or _NOT_OF_THE_SCHEMA in seen:
                return ObjectRefused(what, seen=seen, status=status)
            if status == 401:
                return _damaged(seen, status)
            return ClusterError(what, seen=seen, status=status)
        case dynamic.ResourceNotFoundError():
            return ObjectRefused(f"{what}: the cluster does not know this kind of object", seen=str(error))
        case urllib3.exceptions.HTTPError() if "SSLError(" in str(error):
            other = "CERTIFICATE_VERIFY_FAILED" in str(error)
            what = "it is of another cluster" if other else "its certificate or key is damaged"
            return _damaged(f"{what}: {plainly(str(error))}")
        case urllib3.exceptions.HTTPError():
            return ClusterError("the cluster does not answer", seen=plainly(str(error)), next_step="aicontainer up")
        case ConfigException():
            return _damaged(str(error))
    return ObjectRefused(what, seen=str(error))


def _message(error: Any) -> str:
    # the client's own text lists all HTTP headers; the cluster's sentence is in the body
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.body or error.reason or error.status)
