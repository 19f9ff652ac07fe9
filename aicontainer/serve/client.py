"""Asking a model server, from the learner's machine: rows in, an answer out, every failure a ``ServerError``.

A new connection is opened for each request. Behind a Kubernetes Service a connection stays with one pod for its life;
whoever wants to see requests spread over pods, or a pod replaced, must not keep one open.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from aicontainer.errors import DataError, ServerError
from aicontainer.model import Array
from aicontainer.serve import protocol
from aicontainer.serve.tensors import ROWS

if TYPE_CHECKING:
    import httpx

# seconds
LIMIT = 30.0
PROBE_LIMIT = 2.0


class _Output(msgspec.Struct):
    name: str
    data: list[float]


class _Answered(msgspec.Struct):
    model_name: str
    model_version: str
    outputs: list[_Output]


class _Refused(msgspec.Struct):
    error: str
    path: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class Answer:
    """What a server answered: predictions and scores of shape (n,), and which model gave them."""

    predict: Array
    score: Array
    model_name: str
    model_version: str

    def __repr__(self) -> str:
        return f"Answer({self.model_name} version {self.model_version}: {len(self.score)} rows)"


@dataclass(frozen=True)
class Server:
    """A model server at an address such as ``127.0.0.1:8080`` or ``http://127.0.0.1:8080``.

    Making one asks nothing yet. Proxies that the environment names are not used: they know nothing of 127.0.0.1.

    Examples
    --------
    >>> Server("127.0.0.1:8080")
    Server(address='http://127.0.0.1:8080', model='education')
    """

    address: str
    model: str = "education"
    _http: "httpx.Client" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        import httpx

        address = self.address if "://" in self.address else f"http://{self.address}"
        object.__setattr__(self, "address", address.rstrip("/"))
        limits = httpx.Limits(max_keepalive_connections=0)
        object.__setattr__(self, "_http", httpx.Client(trust_env=False, limits=limits))

    def infer(self, rows: Any) -> Answer:
        """Ask for the predictions of raw rows of shape (n, d).

        Raises
        ------
        DataError
            When ``rows`` are no numbers or not two-dimensional. NaN is sent: the server must refuse it.
        ServerError
            When the server refuses (with the path of the fault), answers nonsense, or does not answer.
        """
        table = _as_table(rows)
        tensor = {"name": ROWS, "shape": list(table.shape), "datatype": protocol.DATATYPE}
        body = protocol.to_json({"inputs": [{**tensor, "data": table.ravel().tolist()}]})
        content = self._ask("POST", f"/v2/models/{self.model}/infer", body)
        return _read_answer(content, len(table))

    def post(self, body: bytes | str) -> bytes:
        """Send a body written by hand to the model, and return the answer's body as it came.

        Raises
        ------
        ServerError
            When the server refuses it or does not answer.
        """
        return self._ask("POST", f"/v2/models/{self.model}/infer", body.encode() if isinstance(body, str) else body)

    def live(self) -> bool:
        """Whether a server process answers."""
        return self._says_yes("/v2/health/live")

    def ready(self) -> bool:
        """Whether the server would predict now."""
        return self._says_yes("/v2/health/ready")

    def metadata(self) -> dict[str, Any]:
        """What the model takes and gives. Raises ``ServerError``."""
        content: dict[str, Any] = _decoded(self._ask("GET", f"/v2/models/{self.model}"), dict[str, Any])
        return content

    def metrics(self) -> str:
        """The metrics as Prometheus reads them. Raises ``ServerError``."""
        return self._ask("GET", "/metrics").decode()

    def count(self, name: str, **labels: str | int) -> float:
        """The sum of the samples called ``name`` with these labels; 0 where there is none. Raises ``ServerError``."""
        from prometheus_client.parser import text_string_to_metric_families

        samples = [sample for family in text_string_to_metric_families(self.metrics()) for sample in family.samples]
        wanted = {label: str(value) for label, value in labels.items()}.items()
        return sum(sample.value for sample in samples if sample.name == name and wanted <= sample.labels.items())

    def _says_yes(self, path: str) -> bool:
        try:
            self._ask("GET", path, limit=PROBE_LIMIT)
        except ServerError:
            return False
        return True

    def _ask(self, method: str, path: str, body: bytes | None = None, limit: float = LIMIT) -> bytes:
        import httpx

        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            response = self._http.request(method, self.address + path, content=body, headers=headers, timeout=limit)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServerError(
                f"no answer from {self.address}",
                seen=str(error) or type(error).__name__,
                next_step="see whether the server still runs, and whether this is its address",
            ) from error
        if response.status_code != 200:
            raise _refusal(response.status_code, response.content)
        return response.content


def _as_table(rows: Any) -> Array:
    try:
        table = np.ascontiguousarray(rows, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError("rows must be numbers, the same count in each row", seen=str(error)) from error
    if table.ndim != 2:
        raise DataError("rows must have two dimensions: one row for each prediction", seen=f"shape {table.shape}")
    return table


def _decoded(content: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ServerError("the answer is not of the protocol", seen=str(error), status=200) from error


def _read_answer(content: bytes, count: int) -> Answer:
    answered = _decoded(content, _Answered)
    values = {output.name: np.array(output.data, dtype=np.float64) for output in answered.outputs}
    lengths = {name: len(data) for name, data in values.items()}
    if lengths != dict.fromkeys(protocol.OUTPUTS, count):
        raise ServerError(f"the answer does not have {count} predictions and scores", seen=str(lengths), status=200)
    for data in values.values():
        data.setflags(write=False)
    return Answer(values["predict"], values["score"], answered.model_name, answered.model_version)


def _refusal(status: int, content: bytes) -> ServerError:
    try:
        refused = msgspec.json.decode(content, type=_Refused)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ServerError(f"the server answered {status}", seen=content.decode(errors="replace"), status=status)
    return ServerError(f"the server answered {status}: {refused.error}", status=status, path=refused.path)
