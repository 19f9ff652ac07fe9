#!/usr/bin/env python3
"""Runs every test: what ``make test`` calls. Engine and cluster are made while the tests that need neither run.

Ends with one line: how many passed, how many failed, how many did not run and why. What did not run is a failure in
CI (where the environment has CI=true), and is only told elsewhere: not every machine can have a Docker Engine.
"""

import os
import re
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import click

from aicontainer import environment, places, syllabus
from aicontainer.errors import AicontainerError, means_no_engine
from aicontainer.show.terminal import Terminal

NBVAL = ("--nbval", "--nbval-current-env", "--nbval-sanitize-with", "tests/nbval.cfg", "--nbval-cell-timeout", "1800")

PHASE_LIMIT = 45 * 60  # seconds: a test that hangs must not hang CI


@dataclass(frozen=True)
class Counts:
    """Of one phase or of all: tests passed and failed, and for each reason how many did not run."""

    passed: int = 0
    failed: int = 0
    not_run: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.passed + other.passed, self.failed + other.failed, self.not_run + other.not_run)

    def exit_code(self, in_ci: bool) -> int:
        """0 when something passed and nothing failed; in CI nothing may be left out either."""
        missed = in_ci and self.not_run.total() > 0
        return int(self.failed > 0 or missed or self.passed == 0)

    @property
    def line(self) -> str:
        """One line for all of it."""
        why = "; ".join(f"{count}: {reason}" for reason, count in self.not_run.items())
        told = f"{self.passed} passed, {self.failed} failed, {self.not_run.total()} did not run"
        return f"{told} ({why})" if why else told


class Phase:
    """One run of pytest as a program of its own; its lines wait until ``show`` is called."""

    def __init__(self, name: str, *words: str) -> None:
        self.name = name
        self.closing = ""
        self._report = places.logs() / f"test-{name}.xml"
        self._report.parent.mkdir(parents=True, exist_ok=True)
        self._report.unlink(missing_ok=True)
        self._held: list[str] = []
        self._shown = False
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [*_pytest(*words), f"--junitxml={self._report}"],
            cwd=places.clone(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def show(self) -> None:
        """Print what was held back, and from now on each line as it comes."""
        with self._lock:
            self._shown = True
            for line in self._held:
                click.echo(line)

    def end(self) -> None:
        """End it where it still runs."""
        self._process.terminate()

    def counts(self) -> Counts:
        """Wait for its end and count; a run that broke off, or found no test, counts as one failure more."""
        try:
            code = self._process.wait(PHASE_LIMIT)
        except subprocess.TimeoutExpired:
            click.echo(f"{self.name}: no end within {PHASE_LIMIT} s, ended here", err=True)
            self._process.kill()
            code = self._process.wait()
        self._reader.join()
        counted = _counts(ET.parse(self._report)) if self._report.exists() else Counts()  # noqa: S314 -- our own file
        broke = code != 0 and counted.failed == 0
        return counted + Counts(failed=int(broke))

    def _read(self) -> None:
        for raw in self._process.stdout or ():
            line = raw.rstrip("\n")
            with self._lock:
                self._held.append(line)
                if re.match(r"=+ .* in [\d.]+", line):
                    self.closing = line.strip("= ")
                if self._shown:
                    click.echo(line)


def _pytest(*words: str) -> list[str]:
    # loading the plugin costs some seconds each time
    plugin = () if "--nbval" in words else ("-p", "no:nbval")
    return [sys.executable, "-m", "pytest", *plugin, *words]


def _counts(report: "ET.ElementTree[ET.Element]") -> Counts:
    passed, failed, not_run = 0, 0, Counter[str]()
    for case in report.iter("testcase"):
        kinds = {child.tag: child for child in case if child.tag in ("failure", "error", "skipped")}
        if "failure" in kinds or "error" in kinds:
            failed += 1
        elif "skipped" in kinds:
            not_run[kinds["skipped"].get("message", "no reason given")] += 1
        else:
            passed += 1
    return Counts(passed, failed, not_run)


def _not_here(reason: str, *words: str) -> Counts:
    """Count the tests of a phase that cannot run on this machine; not to find them is a failure."""
    listed = subprocess.run(
        _pytest("--collect-only", "-q", *words), cwd=places.clone(), capture_output=True, text=True, check=False
    )
    tests = sum("::" in line for line in listed.stdout.splitlines())
    if listed.returncode != 0:
        click.echo(f"{listed.stdout}{listed.stderr}", err=True)
    return Counts(failed=int(listed.returncode != 0), not_run=Counter({reason: tests} if tests else {}))


def _notebooks(able: bool) -> tuple[list[str], list[str]]:
    """The stored notebooks, both forms: those that can run here, and the others.

    The solved form runs backwards, so that every notebook meets what later ones leave behind.
    """
    root = places.clone()
    every = [*syllabus.listing(root / "notebooks"), *reversed(syllabus.solutions())]
    paths = [(notebook.needs == "none" or able, str(notebook.path.relative_to(root))) for notebook in every]
    return [path for can, path in paths if can], [path for can, path in paths if not can]


def _bring_up() -> AicontainerError | None:
    with Terminal() as terminal:
        try:
            environment.up(terminal)
        except AicontainerError as error:
            return error
    return None


def _run(name: str, words: Sequence[str], closings: list[str]) -> Counts:
    phase = Phase(name, *words)
    try:
        phase.show()
        counted = phase.counts()
    finally:
        phase.end()
    closings.append(f"{name}: {phase.closing}")
    return counted


def run_all() -> tuple[Counts, list[str]]:
    """Run all but the long tests; returns the counts, and the closing line of each run of pytest."""
    closings: list[str] = []
    for notes in ("faults", "hints"):  # what tools/faults.py prints is of this run
        (places.logs() / f"{notes}.jsonl").unlink(missing_ok=True)
    unit = Phase("unit", "tests", "--ignore=tests/cluster")
    try:
        trouble = _bring_up()
        unit.show()
        total = unit.counts()
    finally:
        unit.end()
    closings.append(f"unit: {unit.closing}")
    here, elsewhere = _notebooks(able=trouble is None)
    if not here and not elsewhere:
        click.echo("no notebook was found", err=True)
        total += Counts(failed=1)
    if trouble is None:
        total += _run("cluster", ["tests/cluster"], closings)
    else:
        click.echo(str(trouble), err=True)
        total += Counts(failed=int(not means_no_engine(trouble)))
        total += _not_here(trouble.what, "tests/cluster")
        total += _not_here(trouble.what, *NBVAL, *elsewhere) if elsewhere else Counts()
    if here:
        total += _run("notebooks", [*NBVAL, *here], closings)
    return total, closings


def run_long() -> tuple[Counts, list[str]]:
    """Run only the tests that are marked as long."""
    closings: list[str] = []
    return _run("long", ["tests", "--long"], closings), closings


@click.command()
@click.option("--long", "only_long", is_flag=True, help="Run the long tests, and only these.")
def main(only_long: bool) -> None:
    """Run every test; ends with 0 only when none failed."""
    places.work_in("test")
    total, closings = run_long() if only_long else run_all()
    for closing in closings:
        click.echo(closing)
    click.echo(total.line)
    in_ci = os.environ.get("CI") == "true"
    if in_ci and total.not_run:
        click.echo("in CI a test that did not run counts as a failure")
    sys.exit(total.exit_code(in_ci))


if __name__ == "__main__":
    main()
