"""What the tests of the protocol ask with: right requests to change, the model that is asked, and the two ways."""

import json
from typing import Any

import numpy as np
import pytest

from aicontainer.errors import RequestError
from aicontainer.model import Model, Scaling
from aicontainer.serve import protocol
from aicontainer.serve.protocol import Asked

FEATURES = ("a", "b", "c")
LIMIT = 1000
MODEL = Model("m", "7", np.ones(3), 0.0, "identity", Scaling(np.zeros(3), np.ones(3)), FEATURES, "t", "rows")


def decode(content: bytes) -> Asked:
    return protocol.decode({}, content, FEATURES, LIMIT)


def encode(asked: Asked, predict: Any, score: Any) -> Any:
    return json.loads(protocol.Encoder(MODEL).reply(asked, np.array(predict), np.array(score)).body)


def body(**changed: Any) -> bytes:
    """A right request of two rows, with some fields of its input changed; None leaves a field out."""
    tensor = {"name": "rows", "shape": [2, 3], "datatype": "FP64", "data": [1, 2, 3, 4, 5, 6], **changed}
    return json.dumps({"inputs": [{key: value for key, value in tensor.items() if value is not None}]}).encode()


def single(name: str, data: Any, datatype: str = "FP64", **changed: Any) -> dict[str, Any]:
    """An input of one feature."""
    return {"name": name, "shape": [len(data)], "datatype": datatype, "data": data, **changed}


def several(*inputs: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"inputs": inputs, **more}).encode()


def fault(content: bytes) -> RequestError:
    with pytest.raises(RequestError) as caught:
        decode(content)
    return caught.value
