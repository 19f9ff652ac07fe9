"""Progress in a notebook: a widget and nothing else."""

from typing import Any

import nbformat
import pytest

from aicontainer import environment, runner
from aicontainer.doctor.findings import Finding
from aicontainer.events import Event, Listener
from aicontainer.show import widgets
from aicontainer.show.widgets import Findings, Progress


def _words(progress: Progress) -> list[str]:
    return [row.children[2].value for row in progress.children]


def test_each_step_has_a_row_that_ends_with_what_became_of_it() -> None:
    progress = Progress("cluster")
    for event in (
        Event("engine", "found", "26.1.5"),
        Event("images", "started", estimate=90),
        Event("images", "progress", "2 of 4", fraction=0.5),
        Event("cluster", "mended", "the node was stopped"),
    ):
        progress(event)
    assert [row.children[0].value for row in progress.children] == ["engine", "images", "cluster"]
    assert _words(progress) == ["was there 26.1.5", "goes on 2 of 4", "mended the node was stopped"]
    assert [row.children[1].value for row in progress.children] == [1.0, 0.5, 1.0]
    assert [row.children[1].bar_style for row in progress.children] == ["success", "", "warning"]


def test_what_a_wait_sees_is_shown_in_the_last_row() -> None:
    progress = Progress("cluster")
    progress(Event("cluster", "started"))
    progress(Event("the node", "progress", "NotReady"))
    assert _words(progress) == ["the node: NotReady"]


def test_the_text_form_stays_the_same_whatever_happened() -> None:
    progress = Progress("cluster")
    before = repr(progress)
    progress(Event("engine", "made"))
    assert repr(progress) == before == "Ensured(cluster)"


def test_ensure_returns_what_was_ensured_and_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[Any] = []

    def ensured(need: str, tell: Listener) -> str:
        tell(Event("engine", "found"))
        return need

    monkeypatch.setattr(environment, "ensure", ensured)
    monkeypatch.setattr(widgets, "display", shown.append)
    assert widgets.ensure("engine") == "engine"
    assert capsys.readouterr() == ("", "")
    assert _words(shown[0]) == ["was there"]


def test_in_a_notebook_its_only_output_is_the_same_each_time() -> None:
    imports = "from aicontainer.show import widgets\nfrom aicontainer.events import Event"
    cells = [imports, "p = widgets.Progress('cluster')\nwidgets.display(p)\np(Event('engine', 'made', '12 s'))"]
    notebook = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))
    runner.execute(notebook, "x")
    assert notebook.cells[0].outputs == []
    assert [output.data["text/plain"] for output in notebook.cells[1].outputs] == ["Ensured(cluster)"]


FINDINGS = (
    Finding("disk", "9 GB free at /home/me/.cache", "fine", "never shown"),
    Finding("TLS", "signed by <Company & Sons>", "worth knowing", "restart <docker>"),
    Finding("Docker", "no engine", "not enough", "start it"),
    Finding("proxies", "no answer", "not known", "look yourself"),
)


def test_findings_are_a_table_with_the_mend_of_what_is_not_fine() -> None:
    shown = Findings(FINDINGS).value
    assert shown.count("<tr>") == len(FINDINGS)
    for finding in FINDINGS:
        assert finding.state in shown and finding.name in shown
    assert "never shown" not in shown and "start it" in shown and "look yourself" in shown
    assert "signed by &lt;Company &amp; Sons&gt;" in shown and "restart &lt;docker&gt;" in shown


def test_a_stored_notebook_tells_nothing_of_what_was_found() -> None:
    made = (
        "from aicontainer.doctor.findings import Finding\nfrom aicontainer.show import widgets\n"
        "widgets.Findings([Finding('disk', 'free at /home/me', 'not enough', 'ask the Company')])"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(made)])
    runner.execute(notebook, "x")
    (output,) = notebook.cells[0].outputs
    assert output.data["text/plain"] == "Findings(of this machine)"
    assert set(output.data) == {"text/plain", "application/vnd.jupyter.widget-view+json"}
    notebook.cells[0].source = ""
    assert "/home/me" not in nbformat.writes(notebook)
