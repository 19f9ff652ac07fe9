"""The figures that judge a model: greys only, labelled, and a text that holds the numbers that the picture shows."""

import pytest

from aicontainer.errors import DataError
from aicontainer.learn import evaluation
from aicontainer.show import plots_evaluation

BINS = evaluation.calibration([0.02, 0.04, 0.5, 0.55, 1.0, 0.96], [0, 1, 0, 1, 1, 1])
PLOTS = {
    "what was said, and what happened": lambda: plots_evaluation.calibration_plot(BINS),
    "found, against false alarms": lambda: plots_evaluation.roc_plot([3.0, 2.0, 1.0, 1.0], [1, 0, 1, 0]),
    "what was said of each row, and what happened": lambda: plots_evaluation.rows_plot(
        [2.0, 3.0], [2.5, 7.0], label="month", unit="accidents (number)"
    ),
}


@pytest.mark.parametrize("title", PLOTS)
def test_each_figure_has_labelled_axes_distinct_lines_without_colour_and_can_be_drawn(title):
    plot = PLOTS[title]()
    assert repr(plot) == f"Plot({title})"
    (axes,) = plot.figure.axes
    assert "(" in axes.get_ylabel()
    assert axes.get_xlabel()
    lines = axes.get_lines()
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == len(lines)
    assert {line.get_color() for line in lines} <= {"black", "0.45", "0.6"}
    assert plot._repr_png_().startswith(b"\x89PNG")


def test_the_text_of_the_calibration_has_each_bin():
    alt = PLOTS["what was said, and what happened"]().alt
    assert "0.50 where 0.03 was said (2 rows)" in alt
    assert "1.00 where 0.98 was said (2 rows)" in alt


def test_the_text_of_the_roc_tells_what_is_found_for_few_false_alarms():
    alt = PLOTS["found, against false alarms"]().alt
    assert "area of 0.625" in alt  # of four pairs two are won, one is lost, and a tie is a half
    assert "0.50 at 0.01, 0.50 at 0.1" in alt  # one of two is found before the first false alarm


def test_the_text_of_the_rows_tells_where_it_was_most_wrong():
    alt = PLOTS["what was said of each row, and what happened"]().alt
    assert "farthest apart at row 2: 3 was said, 7 happened" in alt


def test_one_prediction_for_each_target_is_needed():
    with pytest.raises(DataError, match="same length"):
        plots_evaluation.rows_plot([1.0], [1.0, 2.0], label="month", unit="accidents (number)")
