"""The same model behind MLServer, which speaks the Open Inference Protocol itself."""

import json
import os
from pathlib import Path

import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Linear(MLModel):
    async def load(self) -> bool:
        self.content = json.loads(Path(os.environ["MODEL_FILE"]).read_text(encoding="utf-8"))
        self.mean, self.deviation, self.weights = (
            np.array(self.content[name]) for name in ("mean", "deviation", "weights")
        )
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        X = NumpyCodec.decode_input(payload.inputs[0])
        score = np.einsum("ij,j->i", (X - self.mean) / self.deviation, self.weights) + self.content["bias"]
        outputs = [NumpyCodec.encode_output(name, score) for name in ("predict", "score")]
        return InferenceResponse(model_name=self.name, outputs=outputs)
