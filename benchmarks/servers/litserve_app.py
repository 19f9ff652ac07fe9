"""The same model behind LitServe."""

import json
import os
from pathlib import Path

import litserve
import numpy as np


class Linear(litserve.LitAPI):
    def setup(self, device):
        self.content = json.loads(Path(os.environ["MODEL_FILE"]).read_text(encoding="utf-8"))
        self.mean, self.deviation, self.weights = (
            np.array(self.content[name]) for name in ("mean", "deviation", "weights")
        )

    def decode_request(self, request):
        return np.array(request["rows"], dtype=float)

    def predict(self, X):
        scaled = (X - self.mean) / self.deviation
        return (np.einsum("ij,j->i", scaled, self.weights) + self.content["bias"]).tolist()

    def encode_response(self, score):
        return {"predict": score, "score": score, "version": self.content["version"]}


if __name__ == "__main__":
    server = litserve.LitServer(Linear(api_path="/infer"), accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=int(os.environ["PORT"]), generate_client_file=False, log_level="error")
