"""The same model behind Flask, as a user would write it."""

import json
import math
import os
from pathlib import Path

import numpy as np
from flask import Flask, request

CONTENT = json.loads(Path(os.environ["MODEL_FILE"]).read_text(encoding="utf-8"))
MEAN, DEVIATION, WEIGHTS = (np.array(CONTENT[name]) for name in ("mean", "deviation", "weights"))
app = Flask(__name__)


@app.get("/v2/health/ready")
def ready():
    return {"ready": True}


@app.post("/v2/models/<name>/infer")
def infer(name):
    given = request.get_json()["inputs"][0]
    rows, width = given["shape"]
    if width != len(WEIGHTS) or rows * width != len(given["data"]) or not all(map(math.isfinite, given["data"])):
        return {"error": "the shape does not fit, or a number is not finite"}, 400
    X = np.array(given["data"], dtype=float).reshape(rows, width)
    score = (np.einsum("ij,j->i", (X - MEAN) / DEVIATION, WEIGHTS) + CONTENT["bias"]).tolist()
    outputs = [{"name": each, "shape": [rows], "datatype": "FP64", "data": score} for each in ("predict", "score")]
    return {"model_name": name, "model_version": CONTENT["version"], "outputs": outputs}
