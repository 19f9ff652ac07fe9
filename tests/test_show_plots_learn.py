"""The figures on learning: greys only, labelled, and a text that holds the numbers that the picture shows."""

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from aicontainer.errors import DataError
from aicontainer.learn.descent import Fit
from aicontainer.show import plots_learn

BOTH = ([1, 10, 100], [0.5, 0.2, 0.1], [0.6, 0.3, 0.4])
FULL = Fit(np.zeros(1), 0.0, (9.0, 5.0, 4.5), (8.0, 2.0, 0.5), 0.1, 2, "gradient norm")
BATCHES = Fit(np.zeros(1), 0.0, (9.0, 4.25), (8.0, 0.25), 0.1, 14, every=14)
FITS = {"all rows": FULL, "batches of 30": BATCHES}
PLOTS = {
    "the probability over the score": lambda: plots_learn.probability_over_score(),
    "the loss of one row over its score": lambda: plots_learn.losses_over_score(),
    "the loss on both parts": lambda: plots_learn.loss_on_both(*BOTH, unit="nats"),
    "the learning curve": lambda: plots_learn.learning_curve(FITS, unit="points²", floor=4.0),
    "the length of the gradient": lambda: plots_learn.gradient_curve(FITS, unit="points²"),
}


@pytest.mark.parametrize("title", PLOTS)
def test_each_figure_has_labelled_axes_distinct_lines_without_colour_and_can_be_drawn(title):
    plot = PLOTS[title]()
    assert repr(plot) == f"Plot({title})"
    (axes,) = plot.figure.axes
    assert "(" in axes.get_ylabel()
    assert axes.get_xlabel()
    lines = [line for line in axes.get_lines() if not line.get_label().startswith("_")]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == len(lines)
    assert {line.get_color() for line in axes.get_lines()} <= {"black", "0.45", "0.75"}
    assert plot._repr_png_().startswith(b"\x89PNG")


def test_the_text_of_the_losses_tells_where_each_is_large_and_where_level():
    alt = plots_learn.losses_over_score().alt
    assert "0.995 at -6" in alt  # (1 - p)² of a row that is as wrong as can be: nearly 1, and level
    assert "risen to 25" in alt


def test_the_text_of_the_two_parts_tells_where_each_is_least():
    alt = plots_learn.loss_on_both(*BOTH, unit="nats").alt
    assert "learned from it goes from 0.5 to 0.1, least after 100 steps" in alt
    assert "held out it goes from 0.6 to 0.4, least after 10 steps with 0.3" in alt


@pytest.mark.parametrize("lengths", [(2, 3, 3), (3, 2, 3), (0, 0, 0)])
def test_losses_that_are_missing_are_refused(lengths):
    with pytest.raises(DataError, match="on both parts"):
        plots_learn.loss_on_both(*(part[:n] for part, n in zip(BOTH, lengths, strict=True)), unit="nats")


def test_the_text_of_a_learning_curve_tells_where_each_descent_began_ended_and_why():
    alt = plots_learn.learning_curve(FITS, unit="points²", floor=4.0).alt
    assert "all rows goes from 5 to 0.5 in 2 passes (2 steps), stopped by its gradient norm" in alt
    assert "batches of 30 goes from 5 to 0.25 in 1 passes (14 steps), stopped by its budget" in alt


def test_a_step_over_all_rows_and_a_round_of_batches_are_one_pass_each():
    (axes,) = plots_learn.learning_curve(FITS, unit="points²").figure.axes
    assert [line.get_xdata().tolist() for line in axes.get_lines()] == [[0, 1, 2], [0, 1]]
    assert [line.get_ydata().tolist() for line in axes.get_lines()] == [[9.0, 5.0, 4.5], [9.0, 4.25]]


@pytest.mark.parametrize("count", [0, 5])
def test_more_lines_than_can_be_told_apart_are_refused(count):
    with pytest.raises(DataError, match="told apart"):
        plots_learn.learning_curve({str(i): FULL for i in range(count)}, unit="nats")


def test_a_fit_in_a_notebook_shows_its_curve_beside_its_text():
    shell = InteractiveShell.instance()
    try:
        plots_learn._let_fits_draw_themselves()
        shown, about = shell.display_formatter.format(FULL)
    finally:
        InteractiveShell.clear_instance()
    assert shown["image/png"].startswith(b"\x89PNG") or shown["image/png"].startswith("iVBOR")
    assert shown["text/plain"] == repr(FULL)
    assert "from 9 to 4.5" in about["image/png"]["alt"]
