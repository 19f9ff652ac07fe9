"""The checks of notebook 04_package: a second version in an image of its own, an order of lines, a box made by hand."""

from __future__ import annotations

import json
import re
import secrets
from typing import Any

from aicontainer.errors import EngineError, Gone, ImageNotFound, ServerError, TimedOut, WaitError
from aicontainer.exercises.check import Check, not_done, right, wrong
from aicontainer.learn import data, fit
from aicontainer.learn.objective import for_link
from aicontainer.model import load
from aicontainer.package import container, image
from aicontainer.package.workshop import Workshop

WANTED = "2"
ALLOWED = 1.01
SHIFTED = "-shifted"
# a model file has 1 kB; the wheels, or all that stands in the folder, some 20 MB
SMALL_LAYER = 100_000
WHOLE_FOLDER = re.compile(r"(COPY|ADD) (--\S+ )*(\[\")?\./?[\" ]")
BOX_SECONDS = 10


def check_second_version(my_image: Any, case: str = fit.DEFAULT) -> Check:
    """Check an image that serves version "2" of the case's model, nearly as good as version 1, and not as root.

    ``my_image`` is what `image.build` returned, or a name. The image itself is run and asked; how it came about does
    not count.
    """
    if my_image is None:
        return not_done('my_image is None; build an image of a model whose version is "2"')
    if not isinstance(my_image, str | image.Image):
        return wrong("my_image must be an image that image.build returned, or its name")
    try:
        return _runs_as_root(my_image) or _judge_version(my_image, case)
    except ImageNotFound:
        return wrong("the engine has no such image")
    except (WaitError, EngineError) as error:
        return wrong(_does_not_run("your image", error))


def _runs_as_root(my_image: image.Image | str) -> Check | None:
    if image.user(my_image).split(":")[0] in {"", "0", "root"}:
        return wrong("your image runs as root; images/model/Dockerfile has a USER")
    return None


def _does_not_run(what: str, error: WaitError | EngineError) -> str:
    if isinstance(error, WaitError):
        return f"{what} does not become ready: {error.seen.splitlines()[-1]}"
    return f"{what} cannot be started: {error.seen or error.what}"


def _judge_version(my_image: image.Image | str, case: str) -> Check:
    with container.running(my_image, model=case) as running:
        return _judge(running, len(_new_layers(my_image, case)), case)


def _new_layers(my_image: image.Image | str, case: str) -> list[image.Layer]:
    """The layers that the image does not share with the one of version 1; all of them where that is missing."""
    first = f"{image.REPOSITORY}:{load(fit.ensure_model(case)).version}"
    return _not_in(first, my_image) if image.exists(first) else [each for each in image.layers(my_image) if each.digest]


def _not_in(old: image.Image | str, new: image.Image | str) -> list[image.Layer]:
    shared = {layer.digest for layer in image.layers(old)}
    return [layer for layer in image.layers(new) if layer.digest and layer.digest not in shared]


def _judge(running: container.Running, new_layers: int, case: str) -> Check:
    dataset = data.load(case)
    try:
        answer = running.server.infer(dataset.X)
    except ServerError as error:
        return wrong(f"your image does not answer for {case}: {error.what}")
    if answer.model_version != WANTED:
        return wrong(f'your image serves version "{answer.model_version}", not "{WANTED}"')
    measure = for_link(dataset.link).loss
    loss = measure(answer.score, dataset.y)
    best = measure(load(fit.ensure_model(case)).score(dataset.X), dataset.y)
    if loss > ALLOWED * best:
        return wrong(f"version 2 has a loss of {loss:.9g}, more than 1 % above version 1: train it longer")
    if new_layers > 1:
        return wrong(f"{new_layers} layers are new; with images/model/Dockerfile only the one with the model file is")
    return right('version "2" answers, not as root, and its image adds one layer to that of version 1')


def check_order(my_images: Any, case: str = fit.DEFAULT) -> Check:
    """Check a pair of images made by one Dockerfile, of the model and of the shifted one: one small layer may differ.

    The layers' digests are compared, and both images are run and asked; the Dockerfile itself is not read.
    """
    if my_images is None:
        return not_done("my_images is None; build one image of each of the two model files with your Dockerfile")
    if not _is_pair(my_images):
        return wrong("my_images must be a pair: the image of the model, and that of the shifted model")
    first, second = my_images
    try:
        return _order(first, second, case)
    except ImageNotFound as error:
        return wrong(f"the engine has no such image: {error.what.rpartition(' ')[2]}")
    except (WaitError, EngineError) as error:
        return wrong(_does_not_run("one of your images", error))


def _is_pair(given: Any) -> bool:
    return isinstance(given, tuple | list) and len(given) == 2 and all(isinstance(x, str | image.Image) for x in given)


def _order(first: image.Image | str, second: image.Image | str, case: str) -> Check:
    for each in (first, second):
        name = each if isinstance(each, str) else each.name
        if image.split_name(name)[1] == "latest":
            return wrong(f"{name} is called latest, as every image without a tag is: which model is in it?")
    return _judge_layers(_not_in(first, second)) or _runs_as_root(first) or _judge_models(first, second, case)


def _judge_layers(new: list[image.Layer]) -> Check | None:
    if not new:
        return wrong("the second image has no layer of its own: build it of the shifted model file")
    begun = new[0].instruction
    if len(new) > 1 and WHOLE_FOLDER.match(begun):
        return wrong(f"{len(new)} layers are new, from `COPY .` on: the model comes in with the whole folder")
    if len(new) > 1 and begun.startswith(("COPY", "ADD")):
        again = new[1].instruction.split()[0]
        return wrong(f"{len(new)} layers are new: the model comes in first, and {again} below it is done again")
    if len(new) > 1:
        return wrong(f"{len(new)} layers are new, from {begun.split()[0]} on: it sees the model, and does not need it")
    if new[0].size > SMALL_LAYER:
        megabytes = new[0].size / 1e6
        return wrong(f"one layer is new, but it has {megabytes:.0f} MB: more than the model is copied there")
    return None


def _judge_models(first: image.Image | str, second: image.Image | str, case: str) -> Check:
    version = load(fit.ensure_model(case)).version
    rows = data.load(case).X[:1]
    for place, each, wanted in (("first", first, version), ("second", second, version + SHIFTED)):
        with container.running(each, model=case) as running:
            try:
                served = running.server.infer(rows).model_version
            except ServerError as error:
                return wrong(f"the {place} image does not answer for {case}: {error.what}")
        if served != wanted:
            return wrong(f'the {place} image serves version "{served}", not "{wanted}"')
    return right("both models answer, not as root, and the second image adds one small layer to the first")


# Run in the helper: start a program in the box, find it from outside by its words, and tell how it stands in /proc.
_LOOK = """
import json, os, subprocess, sys, time
box, seconds, limit = json.loads(sys.argv[1]), sys.argv[2], float(sys.argv[3])
wanted = b"sleep\\0" + seconds.encode() + b"\\0"

def find():
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if file.read() == wanted:
                    return f"/proc/{name}"
        except OSError:
            pass

def same(a, b):
    return os.path.exists(a) and os.path.samefile(a, b)

def facts(at):
    with open(f"{at}/status") as file:
        numbers = next(line.split()[1:] for line in file if line.startswith("NSpid"))
    own = os.readlink(f"{at}/ns/pid")
    try:
        children = os.readlink(f"{at}/ns/pid_for_children")
    except FileNotFoundError:  # a namespace that nobody is in yet
        children = ""
    seen = any(same(f"{at}/root{path}", path) for path in ("/etc", "/etc/passwd"))
    ours = os.readlink("/proc/self/ns/pid")
    return {"number": int(numbers[-1]), "new": own != ours, "children": children != own, "etc": seen,
            "root": same(f"{at}/root", "/")}

try:
    process = subprocess.Popen([*box, "sleep", seconds], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
except OSError as error:
    print(json.dumps({"words": f"{error.strerror}: {error.filename}"}))
    sys.exit()
begun, at = time.monotonic(), None
while at is None and process.poll() is None and time.monotonic() - begun < limit:
    time.sleep(0.02)
    at = find()
if at:
    found = facts(at)
    os.kill(int(at[6:]), 9)
else:
    found = {"words": process.communicate()[0] if process.poll() is not None else ""}
process.kill()
print(json.dumps(found))
"""


def check_box(shop: Workshop, my_box: Any) -> Check:
    """Check words that start any program in a box: number 1 in a namespace of its own, and without the helper's /etc.

    A program is started in it, and looked at from the helper: its numbers, its namespaces and its root in /proc.
    """
    if my_box is None:
        return not_done("my_box is None; make it the list of words that a program is put after")
    if not (isinstance(my_box, list | tuple) and my_box and all(isinstance(word, str) for word in my_box)):
        return wrong('my_box must be a list of words, such as ["unshare", "--uts"]; a program is put after them')
    seconds = f"{BOX_SECONDS * 10}.{secrets.randbelow(10**6):06}"  # words by which this very program is found
    try:
        told = shop.run("python", "-c", _LOOK, json.dumps(list(my_box)), seconds, str(BOX_SECONDS))
    except Gone:
        return wrong("the workshop is closed: run the cells again that open it and fill /box")
    except (EngineError, TimedOut) as error:
        return wrong(f"the workshop could not look at your box: {error.seen or error.what}")
    return _judge_box(json.loads(told))


def _judge_box(found: dict[str, Any]) -> Check:
    if "words" in found:
        words = found["words"].strip().splitlines()
        if words:
            return wrong(f"no program starts in your box: {words[-1]}")
        return wrong("the program that was put after your words was never run: let the last of them run it")
    if not found["new"] and found["children"]:
        return wrong("only children go into the new pid namespace, and your program is none: let unshare --fork")
    if not found["new"]:
        return wrong("your program is counted with all others of the helper: it has no pid namespace of its own")
    if found["number"] != 1:
        return wrong(f"your program is number {found['number']} in its namespace: what stands before it must exec it")
    if found["etc"] and found["root"]:
        return wrong("your program is number 1, but its root is that of the helper: give it /box")
    if found["etc"]:
        return wrong("your program has a root of its own, and the helper's /etc is in there")
    return right("your program is number 1 in a namespace of its own, and sees nothing of the helper's /etc")
