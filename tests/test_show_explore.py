"""The widgets on a loss: they tell by text what they show, walk as a descent does, and stop when asked."""

import asyncio
import html
import re

import nbformat
import numpy as np
import pytest

from aicontainer import runner
from aicontainer.errors import DataError
from aicontainer.learn import data
from aicontainer.learn.cross_entropy import mean_cross_entropy
from aicontainer.learn.descent import descend
from aicontainer.learn.loss import mean_squared_error
from aicontainer.learn.objective import CROSS_ENTROPY
from aicontainer.show import explore

DATASET = data.load("education", features=["income"])
X, Y = DATASET.X / DATASET.X.std(), DATASET.y - DATASET.y.mean()


def walker(**more):
    return explore.walk(X[:, 0], Y, "income", "test_score", **more)


def words(widget):
    return re.fullmatch(r'<div role="status" aria-live="polite">(.*)</div>', widget.told.value)[1]


def alt(widget):
    return html.unescape(re.search(r'<img alt="([^"]*)"', widget.children[-1].value)[1])


def test_moving_a_slider_moves_the_point_and_tells_the_loss_there():
    widget = explore.loss_surface(X[:, 0], Y, "income", "test_score")
    before = alt(widget), words(widget)
    widget.weight.value, widget.bias.value = 10.3, -20.0
    loss = mean_squared_error(10.3 * X[:, 0] - 20.0, Y)
    assert words(widget).startswith(f"w = 10.3, b = -20, loss = {loss:.6g} (smallest: 178.346)")
    assert "The point is at w 10.3, b -20, where it is" in alt(widget)
    assert before != (alt(widget), words(widget))


def test_what_the_browser_sends_back_is_told_without_its_rounding_errors():
    widget = explore.loss_surface(X[:, 0], Y, "income", "test_score")
    widget.weight.value = 0.1 + 0.2
    assert words(widget).startswith("w = 0.3, ")
    widget.weight.value = -4.4e-16
    assert words(widget).startswith("w = 0, ")


def test_a_derivative_that_is_nothing_but_rounding_is_told_as_no_movement():
    widget = walker()
    widget.take()  # the targets have the mean 0, so that the bias stays where it is
    assert ", b = 0, loss" in words(widget)
    assert ", b 0, where it is" in alt(widget)


def test_every_control_has_a_name_and_sliders_move_in_round_steps():
    surface, walk = explore.loss_surface(X[:, 0], Y, "income", "test_score"), walker()
    assert [slider.description for slider in (surface.weight, surface.bias, walk.rate)] == [
        "weight w",
        "bias b",
        "rate",
    ]
    for slider in (surface.weight, surface.bias, walk.rate):
        assert 10 ** round(np.log10(slider.step)) == pytest.approx(slider.step, rel=1e-12)
        assert 100 <= (slider.max - slider.min) / slider.step <= 1100
    for button in (walk.step, walk.run, walk.reset):
        assert button.description
        assert button.tooltip


def test_each_step_of_the_walk_is_one_of_the_package_descent():
    widget = walker()
    for _ in range(7):
        widget.step.click()
    reached = descend(X, Y, widget.rate.value, 7)
    np.testing.assert_allclose(widget.path[-1], [reached.weights[0], reached.bias], rtol=1e-12)
    assert words(widget).startswith("after 7 steps: ")
    assert f"loss = {reached.losses[-1]:.6g}" in words(widget)
    assert "A path of 7 steps" in alt(widget)
    widget.reset.click()
    assert widget.path == [(0.0, 0.0)]
    assert words(widget).startswith("w = 0, b = 0")


def test_a_rate_that_is_too_large_is_told_and_the_walk_ends_before_numbers_overflow():
    widget = walker()
    widget.rate.value = widget.rate.max
    steps = 0
    while widget.take():
        steps += 1
        assert steps < 1000
    assert "the rate is too large" in words(widget)
    assert "outside the picture" in words(widget)
    assert np.isfinite(widget.path).all()


@pytest.fixture
def without_pause(monkeypatch):
    monkeypatch.setattr(explore, "PAUSE", 0.0)
    monkeypatch.setattr(explore, "STEPS_A_RUN", 8)


def test_a_run_walks_until_the_steps_are_over_and_can_be_repeated(without_pause):
    widget = walker()
    asyncio.run(widget.walk())
    assert len(widget.path) == 1 + explore.STEPS_A_RUN
    assert widget.run.description == "Run"
    asyncio.run(widget.walk())
    assert len(widget.path) == 1 + 2 * explore.STEPS_A_RUN


def test_a_run_ends_at_the_minimum(without_pause):
    widget = explore.walk(DATASET.X[:, 0] - DATASET.X.mean(), Y, "income", "test_score")
    widget.rate.value = widget.rate.max / 1.2 / 1.5
    for _ in range(4):
        asyncio.run(widget.walk())
    assert words(widget).count("178.346") == 2


@pytest.mark.parametrize("button", ["run", "reset"])
def test_a_run_stops_at_once_when_a_button_is_pressed(without_pause, button):
    widget = walker()

    async def pressed():
        widget.run.click()
        for _ in range(5):
            await asyncio.sleep(0)
        assert widget.run.description == "Stop"
        getattr(widget, button).click()
        reached = len(widget.path)
        for _ in range(5):
            await asyncio.sleep(0)
        return reached

    reached = asyncio.run(pressed())
    assert len(widget.path) == reached
    assert widget.run.description == "Run"
    assert (reached == 1) == (button == "reset")


def test_a_yes_or_no_target_is_walked_with_the_cross_entropy():
    cards = data.load("finance", features=["income"])
    widget = explore.walk(cards.X[:, 0], cards.y, "income", "card", objective=CROSS_ENTROPY, start=(-1.0, 3.0))
    told = words(widget)
    loss = mean_cross_entropy(3.0 - cards.X[:, 0], cards.y)
    assert told.startswith(f"w = -1, b = 3, loss = {loss:.6g} ")
    widget.take()
    p = 1 / (1 + np.exp(cards.X[:, 0] - 3.0))
    assert widget.path[-1][1] == pytest.approx(3.0 - widget.rate.value * np.mean(p - cards.y), rel=1e-12)


def test_names_are_shown_as_text_and_not_as_html():
    widget = explore.loss_surface(X[:, 0], Y, 'income "<b>"', "score & more")
    assert '"<b>"' in alt(widget)
    assert "<b>" not in widget.children[-1].value


@pytest.mark.parametrize("make", [explore.loss_surface, explore.walk])
def test_rows_that_cannot_be_drawn_are_refused_before_any_widget_is_shown(make):
    with pytest.raises(DataError, match="x must be one feature"):
        make(X, Y, "income", "test_score")
    with pytest.raises(DataError, match="same length"):
        make(X[:-1, 0], Y, "income", "test_score")
    with pytest.raises(DataError, match="constant"):
        make(np.ones(len(Y)), Y, "income", "test_score")


def test_a_stored_notebook_holds_a_name_that_never_changes():
    made = (
        "from aicontainer.learn import data\nfrom aicontainer.show import explore\n"
        "d = data.load('education', features=['income'])"
    )
    cells = [
        made,
        "explore.loss_surface(d.X[:, 0], d.y, 'income', 'score')",
        "explore.walk(d.X[:, 0], d.y, 'income', 'score')",
    ]
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    runner.execute(notebook, "x")
    texts = [[output.data["text/plain"] for output in cell.outputs] for cell in notebook.cells]
    assert texts == [[], ["LossSurface(score by income)"], ["Walk(score by income)"]]
