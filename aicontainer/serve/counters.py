"""Where a worker counts: float64 numbers at fixed places of a piece of memory that all workers of a server can read.

A worker adds to its own piece only, so nothing has to be locked, and an addition costs a tenth of a microsecond. What
the server has counted is the sum over the pieces, whichever worker is asked. A worker that takes the place of a dead
one goes on where that one ended: a counter never falls. Each piece holds

- for each route and status a histogram of the time that an answer took;
- a few single numbers (``IN_FLIGHT`` and those after it);
- for each version that was served a block: its name, its rows, how its predictions and its inputs are distributed.
"""

import os
from bisect import bisect_left
from dataclasses import dataclass

from aicontainer.model import Model

UNKNOWN_ROUTE = "unknown"
ROUTES = (
    "/",
    "/metrics",
    "/openapi.json",
    "/predict",
    "/v2",
    "/v2/health/live",
    "/v2/health/ready",
    "/v2/models/{name}",
    "/v2/models/{name}/infer",
    "/v2/models/{name}/ready",
    "/v2/models/{name}/versions/{version}",
    "/v2/models/{name}/versions/{version}/infer",
    "/v2/models/{name}/versions/{version}/ready",
    UNKNOWN_ROUTE,
)
STATUSES = (200, 400, 404, 405, 408, 413, 414, 415, 417, 431, 500, 501, 503, 505)

# in seconds: one row takes some 10 microseconds, a full body some tens of milliseconds
LATENCIES = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_CELL = len(LATENCIES) + 2  # one more for what takes longer, and the sum

_SINGLES = len(ROUTES) * len(STATUSES) * _CELL
IN_FLIGHT, RELOADS, REFUSED_RELOADS, REFUSED_NOW, PROCESS, SINCE = range(_SINGLES, _SINGLES + 6)

_BLOCKS = SINCE + 1
VERSIONS = 16  # served one after the other; of more, the oldest place is taken
_NAME = 28  # numbers' worth of bytes: a model's name and version have 100 each at most, the digest 12 here
PREDICTIONS, DISTANCES = 13, 10  # bounds of the two histograms
_ROWS = _NAME
_PREDICTED = _ROWS + 1
_DISTANT = _PREDICTED + PREDICTIONS + 2
_BLOCK = _DISTANT + DISTANCES + 2
SIZE = 8 * (_BLOCKS + VERSIONS * _BLOCK)  # bytes


@dataclass(frozen=True)
class Distribution:
    """Counts between bounds, the last one beyond all bounds, and the sum of what was counted."""

    counts: tuple[float, ...]
    total: float

    def __add__(self, other: "Distribution") -> "Distribution":
        return Distribution(
            tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)), self.total + other.total
        )


@dataclass(frozen=True)
class Served:
    """What one version has done: rows, the distribution of its predictions and of its inputs' distances."""

    rows: float
    predictions: Distribution
    distances: Distribution

    def __add__(self, other: "Served") -> "Served":
        return Served(self.rows + other.rows, self.predictions + other.predictions, self.distances + other.distances)


Key = tuple[str, str, str]


def key(model: Model) -> Key:
    """What tells one model from another: name, version, and the beginning of its digest."""
    return model.name, model.version, model.digest[:12]


class Counters:
    """The numbers of one worker.

    Parameters
    ----------
    memory
        ``SIZE`` bytes at least, zero at first.
    """

    def __init__(self, memory: memoryview) -> None:
        self._bytes = memory[:SIZE]
        self._numbers = self._bytes.cast("d")
        self._cells = {
            (route, status): _CELL * (row * len(STATUSES) + column)
            for row, route in enumerate(ROUTES)
            for column, status in enumerate(STATUSES)
        }

    def __repr__(self) -> str:
        return f"Counters({self._numbers[PROCESS]:.0f})"

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        cell = self._cells.get((route, status)) or self._cells[route, status // 100 * 100]
        self._numbers[cell + bisect_left(LATENCIES, seconds)] += 1.0
        self._numbers[cell + _CELL - 1] += seconds

    def latencies(self) -> dict[tuple[str, int], Distribution]:
        """How long answers took, for each route and status that there were."""
        found = {key: self._distribution(cell, len(LATENCIES)) for key, cell in self._cells.items()}
        return {key: distribution for key, distribution in found.items() if any(distribution.counts)}

    def add(self, single: int, amount: float = 1.0) -> None:
        """Add to one of the single numbers."""
        self._numbers[single] += amount

    def put(self, single: int, value: float) -> None:
        """Set one of the single numbers."""
        self._numbers[single] = value

    def get(self, single: int) -> float:
        """One of the single numbers."""
        return float(self._numbers[single])

    def begin(self) -> None:
        """A process begins to count here: whatever its forerunner had in hand is gone with it."""
        self.put(IN_FLIGHT, 0.0)
        self.put(PROCESS, os.getpid())

    def block(self, model: Model) -> int:
        """The block of a model: the one that it has, else a free one, else the one after the last that was begun."""
        name = "\0".join(key(model)).encode()
        places = [_BLOCKS + number * _BLOCK for number in range(VERSIONS)]
        free = [place for place in places if self._name(place) in (name, b"")]
        taken = free[0] if free else places[int(self.get(SINCE)) % VERSIONS]
        if self._name(taken) != name:
            self._numbers[taken : taken + _BLOCK] = memoryview(bytes(8 * _BLOCK)).cast("d")
            self._bytes[8 * taken : 8 * taken + 8] = len(name).to_bytes(8, "little")
            self._bytes[8 * taken + 8 : 8 * taken + 8 + len(name)] = name
            self.add(SINCE)
        return taken

    def predicted(self, block: int, rows: int) -> None:
        """Count rows of a version."""
        self._numbers[block + _ROWS] += rows

    def distributed(self, block: int, predictions: Distribution, distances: Distribution) -> None:
        """Add to the two distributions of a version."""
        for at, more in ((_PREDICTED, predictions), (_DISTANT, distances)):
            for offset, count in enumerate((*more.counts, more.total)):
                self._numbers[block + at + offset] += count

    def served(self) -> dict[Key, Served]:
        """What each model has done."""
        found = {}
        for number in range(VERSIONS):
            place = _BLOCKS + number * _BLOCK
            name = self._name(place)
            if name:
                found[_key(name)] = Served(
                    float(self._numbers[place + _ROWS]),
                    self._distribution(place + _PREDICTED, PREDICTIONS),
                    self._distribution(place + _DISTANT, DISTANCES),
                )
        return found

    def _name(self, place: int) -> bytes:
        length = int.from_bytes(self._bytes[8 * place : 8 * place + 8], "little")
        return bytes(self._bytes[8 * place + 8 : 8 * place + 8 + length])

    def _distribution(self, at: int, bounds: int) -> Distribution:
        *counts, total = self._numbers[at : at + bounds + 2].tolist()
        return Distribution(tuple(counts), total)


def alone() -> list[Counters]:
    """The counters of a server with one worker, in memory of its own."""
    return [Counters(memoryview(bytearray(SIZE)))]


def _key(name: bytes) -> Key:
    model, version, digest = name.decode().split("\0")
    return model, version, digest
