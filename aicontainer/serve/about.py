"""What the server tells of its model: to people on the page, to programs as metadata.

What a model remembers of its training may be absent; this is the only place that has to think of that.
"""

from dataclasses import dataclass
from typing import Any

from aicontainer import __version__
from aicontainer.model import Model
from aicontainer.serve.protocol import DATATYPE, OUTPUTS
from aicontainer.serve.tensors import ROWS

# where nobody wrote down the smallest and the largest value: nearly all values lie this near to the mean
DEVIATIONS = 2


@dataclass(frozen=True)
class Feature:
    """A feature: its name, its mean in the training, and the range of its usual values."""

    name: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class About:
    """A model in words and numbers. ``loss`` and ``rows`` are None where its training was not written down."""

    name: str
    version: str
    target: str
    unit: str
    link: str
    features: tuple[Feature, ...]
    measured: bool
    loss: float | None
    rows: int | None


def describe(model: Model) -> About:
    """What is known of a model; its features' ranges come from its training, else from its scaling."""
    training = model.training
    mean, deviation = model.scaling.mean, model.scaling.deviation
    low = training.low if training else mean - DEVIATIONS * deviation
    high = training.high if training else mean + DEVIATIONS * deviation
    return About(
        model.name,
        model.version,
        model.target,
        model.unit or ("probability" if model.link == "logistic" else ""),
        model.link,
        tuple(map(Feature, model.features, mean.tolist(), low.tolist(), high.tolist())),
        training is not None,
        training.loss if training else None,
        training.rows if training else None,
    )


def server_metadata() -> dict[str, Any]:
    """What this server is, in the protocol's form."""
    return {"name": "aicontainer", "version": __version__, "extensions": ["binary_tensor_data"]}


def model_metadata(model: Model) -> dict[str, Any]:
    """What the model takes and gives, in the protocol's form; -1 stands for any number of rows."""
    about = describe(model)
    return {
        "name": model.name,
        "versions": [model.version],
        "platform": "aicontainer_linear",
        "inputs": [{"name": ROWS, "datatype": DATATYPE, "shape": [-1, len(model.features)]}],
        "outputs": [{"name": name, "datatype": DATATYPE, "shape": [-1]} for name in OUTPUTS],
        "parameters": {
            "features": list(model.features),
            "target": model.target,
            "unit": about.unit,
            "link": model.link,
            "sha256": model.digest,
            "numpy": model.numpy,
            **({} if about.loss is None else {"loss": about.loss, "trained_rows": about.rows}),
        },
    }
