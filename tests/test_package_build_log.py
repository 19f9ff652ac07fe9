"""What is found in the log of a build that failed."""

from aicontainer.package import build_log

FAILED = """\
#5 [stage-0 1/3] FROM docker.io/library/base
#5 CACHED

#6 [stage-0 2/3] RUN false &&     echo never
#6 0.101 first line
#6 0.102 last line
#6 ERROR: process "/bin/sh -c false" did not complete successfully: exit code: 1
------
 > [stage-0 2/3] RUN false &&     echo never:
0.101 first line
0.102 last line
------
Dockerfile:3
--------------------
   2 |     FROM base
   3 | >>> RUN false && echo never
--------------------
ERROR: failed to solve: process "/bin/sh -c false" did not complete successfully: exit code: 1
"""


def test_the_step_that_failed_and_its_last_words_are_found_in_the_log() -> None:
    assert build_log.failing_step(FAILED) == ("[stage-0 2/3] RUN false && echo never", "first line\nlast line")


def test_a_failure_before_any_step_gives_its_summary() -> None:
    log = "#1 [internal] load build definition\nERROR: failed to solve: dockerfile parse error on line 2\n"
    assert build_log.failing_step(log) == ("", "dockerfile parse error on line 2")
    assert build_log.failing_step("") == ("", "")
