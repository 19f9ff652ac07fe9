"""The figures on learning: greys only, labelled, and a text that holds the numbers that the picture shows."""

import pytest

from aicontainer.errors import DataError
from aicontainer.show import plots_learn

BOTH = ([1, 10, 100], [0.5, 0.2, 0.1], [0.6, 0.3, 0.4])
PLOTS = {
    "the probability over the score": lambda: plots_learn.probability_over_score(),
    "the loss of one row over its score": lambda: plots_learn.losses_over_score(),
    "the loss on both parts": lambda: plots_learn.loss_on_both(*BOTH, unit="nats"),
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
