"""What a client is to ask, and a transcript of what it is told.

Runs in the client's own environment, beside the client's script, and therefore imports nothing of the course.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DATATYPES = ("FP64", "FP32")


@dataclass(frozen=True)
class Asked:
    """The server's address, the name of the model, and the folder with rows and scores, one file a datatype."""

    address: str
    model: str
    folder: Path

    def rows(self, datatype: str) -> np.ndarray:
        """Rows of shape (n, d), as that datatype holds them."""
        return self._kept(datatype, "rows")

    def scores(self, datatype: str) -> np.ndarray:
        """The model's own scores of these rows, shape (n,)."""
        return self._kept(datatype, "scores")

    def _kept(self, datatype: str, name: str) -> np.ndarray:
        with np.load(self.folder / f"{datatype}.npz") as file:
            kept: np.ndarray = file[name]
        return kept


def read_arguments() -> Asked:
    """What ``tools/standard_clients.py`` says on the command line."""
    address, model, folder = sys.argv[1:]
    return Asked(address, model, Path(folder))


class Transcript:
    """Prints what a client is told; ``right`` is whether all of it was as expected."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self.right = True

    def yes(self, question: str, answer: bool) -> None:
        """A question that has to be answered with True."""
        print(f"{question}: {answer}")
        self.right &= answer is True

    def scores(self, datatype: str, how: str, scores: np.ndarray) -> None:
        """Scores of the rows in that datatype, which have to have the bits of the model's own."""
        same = scores.tobytes() == self._asked.scores(datatype).tobytes()
        print(f"{datatype} {how} score {scores[0].hex()} same to the last bit: {same}")
        self.right &= same

    def refusal(self, request: str, error: Exception | None) -> None:
        """A request that has to be refused."""
        print(f"{request}: {error or 'ANSWERED'}")
        self.right &= error is not None
