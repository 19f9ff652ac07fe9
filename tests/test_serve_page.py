"""The page: what it shows of the model, that it runs nothing foreign, and that each field has a label."""

import base64
import hashlib
import json
import re
import shlex
from html.parser import HTMLParser

import numpy as np

from aicontainer.model import Model, Scaling
from aicontainer.serve.app import Application
from aicontainer.serve.request import Reply, Request
from aicontainer.training import Training

NASTY = "<script>alert('x')</script> & \"q\" it's"
TRAINING = Training(420, 800, 0.1, 0, 0.123456789012, np.array([0.5, -3.0]), np.array([9.5, 8.0]))


def a_model(features: tuple[str, ...] = ("income", NASTY), training: Training | None = TRAINING) -> Model:
    width = len(features)
    scaling = Scaling(np.full(width, 2.0), np.ones(width))
    return Model(
        "m", "7", np.ones(width), 0.0, "identity", scaling, features, "price", "x", unit="k$", training=training
    )


def get(model: Model, path: str = "/", body: bytes = b"") -> Reply:
    return Application(model).answer([Request("POST" if body else "GET", path, "", {}, body)])[0]


class Page(HTMLParser):
    """The tags with their attributes, and the texts by tag."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open = ""
        self.feed(reply.body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open, data))

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def text(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]


def test_the_page_shows_the_model_with_ranges_loss_and_version() -> None:
    reply = get(a_model())
    page = Page(reply)
    assert reply.content_type == "text/html; charset=utf-8"
    assert "m, version 7" in page.text("title")
    assert {"7", "identity", "0.123456789", "420"} <= set(page.text("dd"))
    assert [text for text in page.text("td") if text.strip()] == ["0.5", "2", "9.5", "-3", "2", "8"]
    assert "(k$)" in reply.body.decode()


def test_a_model_whose_training_was_not_written_down_is_shown_with_usual_values() -> None:
    page = Page(get(a_model(training=None)))
    assert "Loss in training" not in page.text("dt")
    assert [text for text in page.text("td") if text.strip()][:3] == ["0", "2", "4"]  # two deviations around the mean


def test_names_are_text_and_never_markup() -> None:
    page = Page(get(a_model()))
    assert len(page.all("script")) == 1
    assert [field["name"] for field in page.all("input")] == ["income", NASTY]


def test_each_field_has_a_label_and_a_hint() -> None:
    page = Page(get(a_model()))
    ids = {attributes.get("id") for _, attributes in page.tags}
    fields = page.all("input")
    assert [label["for"] for label in page.all("label")] == [field["id"] for field in fields]
    assert {field["aria-describedby"] for field in fields} <= ids
    assert page.all("html")[0]["lang"] == "en"


def test_the_page_loads_nothing_and_may_run_only_its_own_script() -> None:
    reply = get(a_model())
    page = Page(reply)
    policy = dict(reply.headers)["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    for tag in ("script", "style"):
        (content,) = page.text(tag)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    for tag, attributes in page.tags:
        assert tag == "a" or not re.match(r"(https?:)?//", attributes.get("href") or attributes.get("src") or "")
        assert not any(name.startswith("on") or name == "style" for name in attributes)


def test_the_examples_are_right_requests() -> None:
    model = a_model()
    curl, python, infer = (text for text in Page(get(model)).text("code"))
    for line, path in ((curl, "/predict"), (infer, "/v2/models/m/infer")):
        program, address, option, body = shlex.split(line)
        assert (program, address, option) == ("curl", f"http://localhost:8080{path}", "-d")
        assert get(model, path, body.encode()).status == 200
    compile(python, "example", "exec")
    rows = eval(re.search(r"rows = (.*)", python)[1])  # type: ignore[index]  # noqa: S307  our own text
    assert get(model, "/predict", json.dumps({"rows": rows}).encode()).status == 200


def test_a_model_of_very_many_features_has_a_page_without_a_form() -> None:
    page = Page(get(a_model(tuple(f"f{number}" for number in range(3000)), training=None)))
    assert not page.all("form")
    assert "And 2900 more." in page.text("p")
