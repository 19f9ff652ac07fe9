#!/usr/bin/env python3
"""Talks to the course's server with a client of the field, unmodified: ``.venv/bin/python tools/standard_clients.py``.

Triton's Python client comes from PyPI into an environment of its own in the user's cache. It knows nothing of this
server: what it asks, and how it reads the answers, is the Open Inference Protocol as NVIDIA understands it. What it is
told is printed, and its scores are compared with the model's own, to the last bit.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from aicontainer.learn import data, fit
from aicontainer.serve import process

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "aicontainer" / "standard-clients"
PACKAGES = ("tritonclient[http]",)
ROWS = 5

# runs in the other environment: what a user of the client would write, and nothing of ours
TALK = """
import sys
import numpy as np
import tritonclient.http as triton
from importlib.metadata import version
from tritonclient.utils import InferenceServerException

address, model, rows, scores = sys.argv[1:]
X, expected = np.load(rows), np.load(scores)
client = triton.InferenceServerClient(address)
print("tritonclient", version("tritonclient"))
print("live", client.is_server_live(), "ready", client.is_server_ready(), "model ready", client.is_model_ready(model))
print("server", client.get_server_metadata()["extensions"])
about = client.get_model_metadata(model)
print("model", about["name"], about["versions"], about["inputs"], about["outputs"])
wrong = 0
for kind, dtype in (("FP64", "f8"), ("FP32", "f4")):
    for way in ("JSON", "binary"):
        for number in ("", about["versions"][0]):
            given = triton.InferInput("rows", list(X.shape), kind)
            given.set_data_from_numpy(X.astype(dtype), binary_data=way == "binary")
            wanted = [triton.InferRequestedOutput("score", binary_data=way == "binary")]
            answer = client.infer(model, [given], model_version=number, outputs=wanted, request_id="7")
            score = answer.as_numpy("score")
            same = score.tobytes() == expected[int(dtype == "f4")].tobytes()
            wrong += not same
            print(f"{kind} {way:6} version {number or '-'} score {score[0].hex()} same to the last bit: {same}")
given = triton.InferInput("rows", [1, 1], "FP64")
given.set_data_from_numpy(X[:1, :1])
try:
    client.infer(model, [given])
except InferenceServerException as error:
    print("too few features:", error)
sys.exit(wrong)
"""


def python() -> Path:
    """The interpreter that has the client; its environment is made at the first use and kept."""
    found = CACHE / "bin" / "python"
    if not (CACHE / "ready").exists():
        print("making the environment of the client", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", CACHE], check=True)
        pip = [found, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PACKAGES], check=True, stdout=sys.stderr)
        (CACHE / "ready").touch()
    return found


def main() -> int:
    """Train, serve, let the client talk; 0 when each of its scores had the model's bits."""

    client = python()
    X = data.load("education").X[:ROWS]
    model = fit.train(data.load("education"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "rows.npy", X)
        np.save(folder / "scores.npy", [model.score(X), model.score(X.astype("f4").astype("f8"))])
        with process.serving(model.save(folder / "education.json")) as server:
            address = server.address.removeprefix("http://")
            said = [address, model.name, str(folder / "rows.npy"), str(folder / "scores.npy")]
            return subprocess.run([client, "-c", TALK, *said]).returncode


if __name__ == "__main__":
    sys.exit(main())
