"""Images through the engine: found by digest, pulled by digest, each silence and each limit told as what it is.

The engine pulls, not this process: it knows the user's mirrors, proxies and logins. What was pulled gets a name of the
course (``aicontainer/official/...``), because an image without a name is swept away by the next ``docker image prune``,
and because the names that belong to others stay theirs. Both of Docker's image stores tell an image's origin in
RepoDigests; its id is the digest of its configuration in the classic one, of its index in containerd's.
"""

import queue
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from aicontainer import places
from aicontainer.errors import AicontainerError, EngineError, ImageNotFound, TimedOut
from aicontainer.events import Event, Listener
from aicontainer.package.engine import mapped
from aicontainer.package.image import build_folder
from aicontainer.sources.official.pins import PREFIX, Pin

PIN_LABEL = "io.github.aicontainer.pin"
RESOLVE_SECONDS = 60
SILENT_SECONDS = 60.0
# unpacking a layer of some hundred MB on a slow disk, of which one of the two image stores says nothing
SILENT_WHILE_UNPACKING = 300.0
LIMIT_SECONDS = 30 * 60.0
FETCHING = ("Pulling fs layer", "Waiting", "Downloading", "Verifying Checksum", "Retrying")


def is_there(client: Any, pin: Pin) -> bool:
    """Whether the engine has this very image, under the course's name."""
    image = _get(client, pin.local)
    return image is not None and _is(image, pin)


def resolve(client: Any, pin: Pin) -> None:
    """Let the engine ask the registry for what is pinned: behind a proxy, "something answered" would prove nothing.

    Raises
    ------
    EngineError, TimedOut
        When it cannot: with the engine's own words.
    """
    answer: queue.Queue[AicontainerError | None] = queue.Queue()

    def ask() -> None:
        try:
            with mapped(f"resolve {pin}"):
                client.images.get_registry_data(pin.asked)
        except AicontainerError as error:
            answer.put(error)
        else:
            answer.put(None)

    threading.Thread(target=ask, daemon=True).start()
    try:
        trouble = answer.get(timeout=RESOLVE_SECONDS)
    except queue.Empty:
        raise TimedOut(
            f"the engine cannot resolve {pin}",
            seen=f"no answer from the registry within {RESOLVE_SECONDS} s",
            waited=RESOLVE_SECONDS,
        ) from None
    if trouble is not None:
        raise trouble


def ensure(client: Any, pin: Pin, tell: Listener) -> None:
    """See to it that the engine has the image under the course's name.

    Raises
    ------
    ImageNotFound
        When the registry does not have it.
    TimedOut
        When the registry falls silent, or the whole takes too long.
    EngineError
        When the registry refuses or breaks off.
    """
    step = f"image {pin}"
    if is_there(client, pin):
        tell(Event(step, "found"))
        return
    image = _get(client, pin.asked)
    if image is None:
        tell(Event(step, "started", estimate=30))
        _remember(pin)  # before: an engine that was given up may still bring it to its end
        pull(client, pin, tell)
        image = _get(client, pin.asked)
        if image is None or not _is(image, pin):
            raise EngineError(f"the engine pulled {pin}, and does not have it now", next_step="docker images --digests")
    _name(image, pin)
    tell(Event(step, "made"))


def pull(
    client: Any, pin: Pin, tell: Listener, *, silent: float = SILENT_SECONDS, limit: float = LIMIT_SECONDS
) -> None:
    """Pull an image; raises like `ensure`. ``silent`` and ``limit`` are in seconds."""
    lines: queue.Queue[dict[str, Any] | AicontainerError | None] = queue.Queue()
    # a blocked read cannot be interrupted: this thread may outlive an error, and then ends with the process
    threading.Thread(target=_read, args=(client, pin, lines), daemon=True).start()
    layers = _Layers()
    until = time.monotonic() + limit
    while True:
        patience = max(silent, 0 if layers.fetching or not layers.states else SILENT_WHILE_UNPACKING)
        try:
            line = lines.get(timeout=max(0.0, min(patience, until - time.monotonic())))
        except queue.Empty:
            raise _too_slow(pin, layers, time.monotonic() >= until, patience, limit) from None
        if line is None:
            return
        if isinstance(line, AicontainerError):
            raise _refused(pin, line.seen or line.what, line) from line
        if "error" in line:
            raise _refused(pin, str(line["error"]), None)
        if layers.take(line):
            tell(Event(f"image {pin}", "progress", layers.text, fraction=layers.fraction))


def _read(client: Any, pin: Pin, lines: "queue.Queue[Any]") -> None:
    try:
        with mapped(f"pull {pin}"):
            for line in client.api.pull(pin.repository, tag=pin.digest or pin.tag, stream=True, decode=True):
                lines.put(line)
    except AicontainerError as error:
        lines.put(error)
    else:
        lines.put(None)


class _Layers:
    """How far the layers of one image are."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self._sizes: dict[str, tuple[int, int]] = {}
        self._told = 0.0

    def take(self, line: dict[str, Any]) -> bool:
        """Note one line of the engine; whether it is time to tell about it."""
        layer, status = str(line.get("id", "")), str(line.get("status", ""))
        if not layer or status.startswith("Pulling from"):
            return False
        self.states[layer] = status
        detail = line.get("progressDetail") or {}
        if status == "Downloading" and detail.get("total"):
            self._sizes[layer] = (int(detail.get("current", 0)), int(detail["total"]))
        elif not status.startswith(FETCHING) and layer in self._sizes:
            self._sizes[layer] = (self._sizes[layer][1], self._sizes[layer][1])
        if time.monotonic() - self._told < 0.5:
            return False
        self._told = time.monotonic()
        return True

    @property
    def fetching(self) -> bool:
        return any(status.startswith(FETCHING) for status in self.states.values())

    @property
    def fraction(self) -> float | None:
        total = sum(size for _, size in self._sizes.values())
        return sum(current for current, _ in self._sizes.values()) / total if total else None

    @property
    def text(self) -> str:
        current, total = (sum(sizes) for sizes in zip(*self._sizes.values(), strict=True)) if self._sizes else (0, 0)
        done = sum(status in ("Pull complete", "Already exists") for status in self.states.values())
        return f"{done} of {len(self.states)} layers, {current / 1e6:.0f} of {total / 1e6:.0f} MB"


def _too_slow(pin: Pin, layers: _Layers, is_over: bool, patience: float, limit: float) -> TimedOut:
    reason = f"not whole within {limit:.0f} s" if is_over else f"the registry has been silent for {patience:.0f} s"
    return TimedOut(
        f"pulling {pin}: {reason}",
        seen=layers.text if layers.states else "the registry sent nothing yet",
        next_step="run the same command again: layers that are whole are kept; "
        "AICONTAINER_PINS names a file with images of a mirror",
        waited=limit if is_over else patience,
    )


def _refused(pin: Pin, words: str, cause: AicontainerError | None) -> AicontainerError:
    low = words.lower()
    if "toomanyrequests" in low or "rate limit" in low:
        return EngineError(
            f"the registry gives {pin} to nobody from here for a while: too many have asked",
            seen=words,
            next_step="docker login with an account of your own, or wait an hour; then run the same command again",
        )
    if isinstance(cause, ImageNotFound) or any(sign in low for sign in ("manifest unknown", "not found", "denied")):
        return ImageNotFound(
            f"the registry does not have {pin.asked}",
            seen=words,
            next_step="AICONTAINER_PINS names a file with other images, of the form of "
            "aicontainer/sources/official/images.toml",
        )
    return EngineError(
        f"the registry broke off while {pin} was pulled",
        seen=words,
        next_step="run the same command again: layers that are whole are kept",
    )


def _get(client: Any, name: str) -> Any:
    try:
        with mapped(f"find the image {name}"):
            return client.images.get(name)
    except ImageNotFound:
        return None


def _is(image: Any, pin: Pin) -> bool:
    labels = image.attrs["Config"].get("Labels") or {}
    return not pin.digest or labels.get(PIN_LABEL) == pin.asked or _has_digest(image, pin.digest)


def _has_digest(image: Any, digest: str) -> bool:
    return any(name.endswith(f"@{digest}") for name in image.attrs.get("RepoDigests") or [])


def _name(image: Any, pin: Pin) -> None:
    """Give the image the course's name.

    With the containerd image store a pulled image is the index of all processors, of which only one is here: it can be
    run, but Docker before 28 cannot push it to the registry beside the cluster. An image of this processor alone,
    made of the same layers, can be.
    """
    if not _has_digest(image, image.id):
        with mapped(f"name {pin.local}"):
            image.tag(pin.local)
        return
    with tempfile.TemporaryDirectory(prefix="aicontainer-") as folder:
        Path(folder, "Dockerfile").write_text(f"FROM {pin.asked}\n", encoding="utf-8")
        build_folder(Path(folder), pin.local, labels={PIN_LABEL: pin.asked})


def _note() -> Path:
    return places.cache() / "official" / "pulled"


def _remember(pin: Pin) -> None:
    _note().parent.mkdir(parents=True, exist_ok=True)
    with _note().open("a") as note:
        note.write(f"{pin.asked}\n")


def remove(client: Any, tell: Listener) -> None:
    """Take away the course's names, and with them the images that it has pulled; what the user had before stays."""
    pulled = set(_note().read_text().split()) if _note().exists() else set()
    with mapped("list the images"):
        names = [tag for image in client.images.list() for tag in image.tags if tag.startswith(f"{PREFIX}/")]
    for name in (*names, *sorted(pulled)):
        if _get(client, name) is not None:
            tell(Event("remove", "progress", f"image {name}"))
            _remove(client, name)
    _note().unlink(missing_ok=True)


def _remove(client: Any, name: str) -> None:
    try:
        with mapped(f"remove the image {name}"):
            client.images.remove(name)
    except EngineError:
        pass  # a container or an image of the user stands on it: it is theirs as well now
