"""The command line: ``aicontainer``. Everything it does is a call that a notebook can make too.

Rooms are imported inside the commands, so that ``--help`` answers at once.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from aicontainer import __version__
from aicontainer.errors import AicontainerError, EngineUnavailable

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="aicontainer")
@click.option("--debug", is_flag=True, help="Show the traceback of an error, for a bug report.")
def cli(debug: bool) -> None:
    """From a loss to a pod: the course's Docker Engine, its Kubernetes cluster, and its notebooks.

    \b
    The usual way:
      aicontainer doctor     what this machine has and lacks
      aicontainer up         make what the course needs, or mend it
      aicontainer lab        open the notebooks
      aicontainer down       remove it all again

    Each command looks first and does what is missing; you can run it twice, or run it again after a Ctrl-C.
    """


@cli.command()
def up() -> None:
    """Make engine and cluster, or mend them.

    The first time takes some minutes; it says beforehand about how many, and what it will install. What was built is
    kept in your cache, so the next time takes a minute or two. Your own containers, images, networks and
    ~/.kube/config stay untouched: the course has a cluster, a network and a kubeconfig file of its own.
    """
    from aicontainer import environment
    from aicontainer.show.terminal import Terminal

    with Terminal() as terminal:
        environment.up(terminal)
    click.echo("engine and cluster are there. Next: make lab")


@cli.command()
@click.option("--all", "everything", is_flag=True, help="Also remove the images and what was built into your cache.")
def down(everything: bool) -> None:
    """Remove what `up` made.

    That is the cluster, the registry beside it, their network. Only what carries the course's label is removed. Images
    and the cache stay, so that the next `up` is quick; with --all they go too. Your working copy (work/) always stays.
    """
    from aicontainer import environment
    from aicontainer.show.terminal import Terminal

    with Terminal() as terminal:
        (environment.clear if everything else environment.down)(terminal)
    if not everything:
        click.echo("images and cache stay; aicontainer down --all removes them too")


@cli.command()
def status() -> None:
    """Say what is there now.

    Engine, cluster, registry, images, containers of the course, and the size of its cache. Changes nothing.
    """
    from aicontainer import environment

    click.echo(environment.status())


@cli.command()
def doctor() -> None:
    """Say what this machine has and lacks, and how to mend it.

    Ends with 3 when something is missing without which no notebook runs on a cluster.
    """
    from aicontainer.doctor.looks import examine

    findings = examine()
    wide = max((len(finding.name) for finding in findings), default=0)
    for finding in findings:
        click.echo(f"{finding.state:13}  {finding.name:{wide}}  {finding.found}")
        if finding.state != "fine":
            click.echo(f"{'':13}  {'':{wide}}  -> {finding.mend}")
    if not all(finding.enough for finding in findings):
        sys.exit(EngineUnavailable.exit_code)


@cli.command()
@click.argument("notebooks", nargs=-1)
def run(notebooks: tuple[str, ...]) -> None:
    """Run notebooks in order, without a browser.

    All of them, or those named (01_loss, or just 01). Runs the form with the exercises solved, against the real engine
    and cluster, which it makes if they are missing. What needs no Docker runs while they are made.

    Ends with the loss that was measured at each stage: the same number from the training to the pod, to the last bit.
    The executed notebooks, and the files that they wrote, are in work/course. Your own working copy stays as it is.
    """
    from aicontainer import environment, places, runner, syllabus, thread
    from aicontainer.show.terminal import Terminal

    folder = places.work_in("course").relative_to(places.clone())
    chosen = syllabus.choose(syllabus.solutions(), notebooks)
    with Terminal() as terminal:
        course = runner.run(chosen, terminal, bring_up=environment.up)
    if course.trouble is not None:
        click.echo(str(course.trouble), err=True)
    table = thread.table()
    click.echo(f"\n{table}\n")
    click.echo(f"the executed notebooks: {folder / 'executed'}/")
    click.echo("open the course by hand: make lab")
    click.echo(course.closing)
    broken = table.broken({ran.name for ran in course.notebooks if ran.state == "passed"})
    if broken:
        click.echo(f"the thread is broken: another loss, or none, at {', '.join(broken)}", err=True)
    sys.exit(course.exit_code or int(bool(broken)))


@cli.command()
@click.option("--no-open", is_flag=True, help="Only copy the notebooks; start no JupyterLab.")
def lab(no_open: bool) -> None:
    """Open the notebooks in JupyterLab.

    They open as a working copy of your own, in work/notebooks. A notebook that you have changed is never overwritten:
    its new version then lies beside it as NAME.new.ipynb.
    """
    from aicontainer import places, workspace

    course, mine = places.clone() / "notebooks", places.work() / "notebooks"
    for copied in (*workspace.hand_out(course, mine), *workspace.hand_out(course / "solutions", mine / "solutions")):
        if copied.line:
            click.echo(copied.line)
    workspace.lay_glossary(places.clone(), places.work())
    if not no_open:
        _open_lab(places.work(), workspace.first(mine))


def _open_lab(root: Path, notebook: Path) -> None:
    words = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}", "--ServerApp.ip=127.0.0.1"]
    words.append(f"--LabApp.default_url=/lab/tree/{notebook.relative_to(root).as_posix()}")
    if os.geteuid() == 0:
        words.append("--allow-root")
    os.execv(words[0], words)  # noqa: S606 -- an argument list; JupyterLab takes this process's place


def _of_the_system(error: OSError) -> AicontainerError:
    return AicontainerError(
        "the operating system refused something that the course needs",
        seen=str(error),
        next_step="see that the disk is not full (aicontainer doctor) and that you may write there; then run it again",
    )


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def main(argv: Sequence[str] | None = None, command: Callable[..., Any] = cli) -> None:
    """Run the command line; an error is told in three lines, and its kind gives the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        command(words, prog_name="aicontainer", standalone_mode=False)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("\ninterrupted; run the same command again, and it goes on from here", err=True)
        sys.exit(INTERRUPTED)
    except (AicontainerError, OSError) as error:
        if "--debug" in words:
            raise
        ours = error if isinstance(error, AicontainerError) else _of_the_system(error)
        click.echo(str(ours), err=True)
        sys.exit(ours.exit_code)


if __name__ == "__main__":
    main()
