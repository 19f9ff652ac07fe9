"""The same model behind FastAPI, as a user would write it: Pydantic checks the request."""

import json
import os
from pathlib import Path
from typing import Annotated

import numpy as np
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

CONTENT = json.loads(Path(os.environ["MODEL_FILE"]).read_text(encoding="utf-8"))
MEAN, DEVIATION, WEIGHTS = (np.array(CONTENT[name]) for name in ("mean", "deviation", "weights"))
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Input(BaseModel):
    name: str
    shape: list[int]
    datatype: str
    data: list[Finite]


class Asked(BaseModel):
    inputs: list[Input]
    id: str | None = None


app = FastAPI()


@app.get("/v2/health/ready")
def ready() -> dict[str, bool]:
    return {"ready": True}


@app.post("/v2/models/{name}/infer")
async def infer(name: str, asked: Asked) -> dict[str, object]:
    given = asked.inputs[0]
    rows, width = given.shape
    if width != len(WEIGHTS) or rows * width != len(given.data):
        raise HTTPException(400, "the shape does not fit")
    X = np.array(given.data).reshape(rows, width)
    score = (np.einsum("ij,j->i", (X - MEAN) / DEVIATION, WEIGHTS) + CONTENT["bias"]).tolist()
    outputs = [{"name": each, "shape": [rows], "datatype": "FP64", "data": score} for each in ("predict", "score")]
    return {"model_name": name, "model_version": CONTENT["version"], "id": asked.id, "outputs": outputs}
