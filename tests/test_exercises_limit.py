import signal
import threading
import time
from contextlib import suppress

import pytest

from aicontainer.exercises.limit import RanTooLong, at_most


def test_what_runs_too_long_is_ended_even_when_it_catches_every_exception() -> None:
    with pytest.raises(RanTooLong), at_most(0.1):
        while True:
            with suppress(Exception):
                time.sleep(0.01)


def test_what_ends_in_time_is_left_alone_and_no_alarm_stays_behind() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with at_most(30):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_outside_the_main_thread_the_body_runs_without_a_limit() -> None:
    done = []

    def body() -> None:
        with at_most(0.001):
            time.sleep(0.05)
            done.append(True)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert done == [True]
