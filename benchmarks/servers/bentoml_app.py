"""The same model behind BentoML."""

import json
import os
from pathlib import Path

import bentoml
import numpy as np

CONTENT = json.loads(Path(os.environ["MODEL_FILE"]).read_text(encoding="utf-8"))
MEAN, DEVIATION, WEIGHTS = (np.array(CONTENT[name]) for name in ("mean", "deviation", "weights"))


@bentoml.service(workers=1)
class Linear:
    @bentoml.api(route="/infer")
    def infer(self, rows: list[list[float]]) -> dict:
        X = np.array(rows)
        score = (np.einsum("ij,j->i", (X - MEAN) / DEVIATION, WEIGHTS) + CONTENT["bias"]).tolist()
        return {"predict": score, "score": score, "version": CONTENT["version"]}
