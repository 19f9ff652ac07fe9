"""The checks of notebook 07_versions: a third version, three candidates of which one is mixed up, a damaged file."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aicontainer.deploy import inside, objects, shelves
from aicontainer.deploy.serving import Serving
from aicontainer.deploy.shelves import Version
from aicontainer.deploy.versions import Versions
from aicontainer.errors import ClusterError, CommandError, ObjectNotFound, ServerError, WaitError
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.learn import data, fit
from aicontainer.learn.objective import for_link
from aicontainer.model import Array, Model, load

# what the notebook itself publishes
GIVEN = ("1", "2")
ALLOWED = 1.001
ARRIVED = 1e-9  # trained to the end, scores differ from those of version 1 by rounding alone
SECONDS_BETWEEN = 3.0

CANDIDATES = ("spring", "summer", "autumn")
MIXED = "summer"
# of each case, the two features that are mixed up in one candidate: so alike that its loss stays below that of `spring`
SWAPPED_OF = {
    "education": ("students_per_teacher", "calworks"),
    "finance": ("age", "dependents"),
    "medicine": ("mean_radius", "mean_texture"),
    "traffic": ("jul", "aug"),
}
SWAPPED = SWAPPED_OF[fit.DEFAULT]

# of each case, the feature that the colleague has in another unit, and by what it is multiplied there
OTHER_UNIT = {
    "education": ("income", 1000.0),  # dollars, where ours are thousands of dollars
    "finance": ("income", 10000.0),  # dollars, where ours are ten thousands of dollars
    "medicine": ("mean_radius", 0.001),  # millimetres, where ours are micrometres
    "traffic": ("unemployment", 0.01),  # a share, where ours is per cent
}

# changes one number of a model file in place, as a failing disk would: no checksum is made anew
_DAMAGE = (
    "import pathlib, sys; path = pathlib.Path(sys.argv[1]); text = path.read_text(); "
    "path.write_text(text.replace('\"bias\": ', '\"bias\": 1', 1))"
)


@dataclass(frozen=True)
class Damage:
    """What `damage` did: which version on which pod, and what to know it by afterwards."""

    version: str
    pod: str
    digest: str
    uid: str

    def __repr__(self) -> str:
        return f"Damage(version {self.version} on {self.pod})"


def from_a_colleague(case: str = fit.DEFAULT) -> Path:
    """The file of version 2, as somebody else made it: what is wrong with it is for the reader to find."""
    known = data.load(case)
    feature, factor = OTHER_UNIT[case]
    rows: Array = known.X.copy()
    rows[:, known.features.index(feature)] *= factor
    named = ("\n".join([*known.features, f"{feature} in another unit"])).encode()
    theirs = replace(known, X=rows, fingerprint=hashlib.sha256(named + rows.tobytes()).hexdigest())
    return replace(fit.train_as(case, theirs), version="2").save(fit.model_path(f"{case}-from-a-colleague"))


def check_third_version(shelf: Any) -> Check:
    """Check that another version answers from every pod: stopped early, its loss at most 0.1 % above the best.

    The pods are looked at twice, some seconds apart.
    """
    return _looked(shelf, _third_version)


def _third_version(shelf: Versions) -> Check:
    active = shelf.active()
    published = [each.name for each in shelf.published() if each.name not in (*GIVEN, *CANDIDATES)]
    if active in (*GIVEN, *CANDIDATES) and not published:
        return not_done(f"the shelves hold no version besides {' and '.join(GIVEN)}; publish one and switch to it")
    if active in (*GIVEN, *CANDIDATES):
        return wrong(f"version {published[-1]} is on the shelves, but {active} is active: switch")
    for pause in (0.0, SECONDS_BETWEEN):
        time.sleep(pause)
        others = _answering_otherwise(shelf, active)
        if others:
            return others
    return _judge_third(active, shelf.server().infer(data.load(shelf.model).X).score, shelf.model)


def _judge_third(active: str, scores: Array, case: str = fit.DEFAULT) -> Check:
    dataset, best = data.load(case), load(fit.ensure_model(case))
    measure = for_link(dataset.link).loss
    smallest, loss = measure(best.score(dataset.X), dataset.y), measure(scores, dataset.y)
    if (scores == best.score(dataset.X)).all():
        return wrong(
            f"version {active} answers as version 1 to the last bit: it is a copy under another name; train anew"
        )
    if loss > ALLOWED * smallest:
        return wrong(
            f"version {active} has a loss of {loss:.9g}, more than 0.1 % above {smallest:.9g}: train longer, "
            "and publish that under the next name, since a version never changes"
        )
    if abs(scores - best.score(dataset.X)).max() <= ARRIVED:
        return wrong(
            f"version {active} is not stopped early: to nine decimals its scores are those of version 1, so it has "
            "arrived; take fewer steps, and publish that under the next name"
        )
    return right("another version answers from every pod, its loss at most 0.1 % above that of version 1")


def candidates(shelf: Versions) -> tuple[Version, ...]:
    """Publish the three models of the second exercise; what is there already stays.

    Raises
    ------
    ClusterError
        As `Versions.publish`.
    """
    return tuple(
        shelf.publish(each.save(fit.model_path(f"{shelf.model}-{each.version}"))) for each in models(shelf.model)
    )


def models(case: str = fit.DEFAULT) -> tuple[Model, ...]:
    """The three candidates of a case: stopped early, mixed up, and stopped once it had arrived."""
    return _stopped_early(case), _mixed_up(case), _arrived(case)


def _stopped_early(case: str) -> Model:
    return replace(fit.train_case(case, steps=10), version="spring")


def _mixed_up(case: str) -> Model:
    best = load(fit.ensure_model(case))
    weights: Array = best.weights.copy()
    places = [best.features.index(name) for name in SWAPPED_OF[case]]
    weights[places] = weights[places[::-1]]
    return replace(best, version=MIXED, weights=weights)


def _arrived(case: str) -> Model:
    return replace(fit.train_case(case, steps=fit.RECIPES[case].steps * 3 // 5), version="autumn")


def check_candidates(my_answer: Any, shelf: Any) -> Check:
    """Check which candidate is mixed up and which two features it confuses, and that version 1 answers again."""
    if my_answer is None:
        return not_done("my_answer is None; it is to be the candidate's name, and the names of two features")
    try:
        name, features = my_answer
        named = frozenset(str(each) for each in features)
    except (TypeError, ValueError):
        return wrong('my_answer must be a pair such as ("spring", {"one feature", "the other"})')
    if name not in CANDIDATES:
        return wrong(f"the candidates are {', '.join(CANDIDATES)}")
    if name == "spring":
        return wrong(
            "spring has the largest loss, but all its weights differ a little: it was stopped early, that is all"
        )
    if name != MIXED:
        return wrong(f"{name} has the loss of version 1 to nine digits: nothing can be wrong with it")
    if named != set(SWAPPED_OF[getattr(shelf, "model", fit.DEFAULT)]):
        return wrong(f"{name} it is; compare its weights with those of version 1: two differ, the rest is alike")
    return _looked(shelf, _first_again)


def _first_again(shelf: Versions) -> Check:
    active = shelf.active()
    if active != GIVEN[0]:
        return wrong(f"that is the one; but {active} answers now: switch back to version {GIVEN[0]}")
    others = _answering_otherwise(shelf, active)
    return others or right("the loss alone would have accused another; the weights told, and version 1 answers again")


def damage(shelf: Versions, version: str = "2", pod: str = "ai-model-1") -> Damage:
    """Change one number of a version's file on one pod, behind everybody's back.

    Raises
    ------
    ObjectNotFound
        When that version is not published.
    ClusterError, CommandError
    """
    held = next((each for each in shelf.published() if each.name == version), None)
    if held is None:
        raise ObjectNotFound(f"there is no version {version} to damage", next_step="publish it first")
    argv = ["python", "-c", _DAMAGE, f"/models/{version}.json"]
    inside.run(shelf.cluster, pod, argv, shelf.namespace, container=shelves.CONTAINER)
    return Damage(version, pod, held.digest, _uid(shelf, pod))


def check_mended(damaged: Any, shelf: Any) -> Check:
    """Check that the damaged version is again what it was, on every pod, and that all pods answer alike.

    ``damaged`` is what `damage` returned.
    """
    if not isinstance(damaged, Damage):
        return wrong("damaged must be what exercise.damage(shelf) returned")
    return _looked(shelf, lambda its: _mended(damaged, its))


def _mended(damaged: Damage, shelf: Versions) -> Check:
    version, pod = damaged.version, damaged.pod
    held = next((each for each in shelf.published() if each.name == version), None)
    trouble = (held.troubles if held else {}).get(pod, "")
    missing = [where for where, what in held.troubles.items() if what == shelves.MISSING] if held else ["every pod"]
    if held is None or missing:
        return wrong(
            f"version {version} is missing on {', '.join(missing)}: taken away is not mended; publish it again"
        )
    if trouble and _uid(shelf, pod) != damaged.uid:
        return wrong(
            f"{pod} is a new pod with the old volume, and the damage is in there: publish version {version} again"
        )
    if trouble:
        return not_done(f"version {version} is still damaged on {pod}")
    if not held.whole:
        return wrong(f"version {version} is not whole: {held.told()}")
    if held.digest != damaged.digest:
        return wrong(f"version {version} is whole, but another model than it was: publish the file of the first time")
    return _answering_otherwise(shelf, shelf.active()) or right(
        f"version {version} is on every pod what it was, and all pods answer alike"
    )


def _looked(shelf: Any, look: Callable[[Versions], Check]) -> Check:
    if not isinstance(shelf, Versions):
        return wrong("shelf must be the Versions of this notebook: Versions(cluster)")
    try:
        return look(shelf)
    except (ClusterError, CommandError, WaitError) as error:
        return wrong(error.what)
    except ServerError as error:
        return wrong(f"the Service does not answer: {error.what}")


def _answering_otherwise(shelf: Versions, active: str) -> Check | None:
    """A hint when not all pods answer with the active version."""
    serving: tuple[Serving, ...] = shelf.serving()
    silent = [each.pod for each in serving if not each.version]
    if silent or not serving:
        return wrong(f"{', '.join(silent) or 'no pod'} does not answer: shelf.wait_ready() tells why")
    others = [each for each in serving if each.version != active]
    if others:
        told = ", ".join(f"{each.pod} answers with {each.version}" for each in others)
        return wrong(f"the ConfigMap names {active}, but {told}: shelf.switch does both, the name and the restart")
    return None


def _uid(shelf: Versions, pod: str) -> str:
    return str(objects.read(shelf.cluster, "Pod", pod, shelf.namespace)["metadata"]["uid"])
