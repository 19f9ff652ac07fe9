"""Thousands of malformed requests to a real server: no 5xx, nothing hangs, and it is as it was, alive and no larger.

2,000 of them in the normal run, always the same; ``--long`` throws 20,000 new ones. ``-s`` shows what was answered.
"""

from collections.abc import Iterator

import fuzz_corpus
import fuzz_requests
import fuzz_target
import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from aicontainer.serve import process

TIMES = [pytest.param(1, id="short"), pytest.param(10, id="long", marks=pytest.mark.long)]
RAW, HTTP, JSON, BINARY, DESCRIBED = 300, 500, 800, 300, 100
CORPUS = fuzz_corpus.FOUND | fuzz_corpus.NEAR


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[fuzz_target.Target]:
    file = fuzz_target.MODEL.save(tmp_path_factory.mktemp("fuzz") / "m.json")
    running = process.start(file)
    attacked = fuzz_target.Target(running, int(running.server.address.rsplit(":", 1)[1]))
    _warm_up(attacked)
    yield attacked
    answered = dict(sorted(attacked.statuses.items()))
    print(f"\n{attacked.sent} connections, answers by status {answered}, {attacked.growth() / 1e6:.1f} MB more memory")
    assert running.stop() == 0


def _warm_up(target: fuzz_target.Target) -> None:
    """Let it load what it loads late, and let its heap reach its size."""
    for content in [*fuzz_requests.WHOLE, *fuzz_corpus.NEAR.values()] * 5:
        target.send(content)
    target.running.server.metrics()
    target.warmed_up()


@pytest.mark.parametrize("case", CORPUS)
def test_what_was_found_once_is_answered_with_its_fault(target: fuzz_target.Target, case: str) -> None:
    with target.unharmed():
        assert fuzz_target.STATUS.match(target.send(CORPUS[case]))


@pytest.mark.long
def test_the_corpus_is_asked_in_the_long_run_too(target: fuzz_target.Target) -> None:
    with target.unharmed():
        for content in CORPUS.values():
            assert fuzz_target.STATUS.match(target.send(content))


@pytest.mark.parametrize("times", TIMES)
def test_bytes_of_any_kind_get_an_answer_and_do_no_harm(target: fuzz_target.Target, times: int) -> None:
    @settings(max_examples=RAW * times)
    @given(st.binary(max_size=300))
    def throw(content: bytes) -> None:
        answer = target.send(content)
        # empty lines before a request are none
        assert fuzz_target.STATUS.match(answer) or not content.strip(b"\r\n")

    with target.unharmed():
        throw()


@pytest.mark.parametrize("times", TIMES)
def test_spoilt_http_gets_an_answer_and_does_no_harm(target: fuzz_target.Target, times: int) -> None:
    @settings(max_examples=HTTP * times)
    @given(fuzz_requests.spoilt_http())
    def throw(content: bytes) -> None:
        # all but empty lines may have been cut away
        assert fuzz_target.STATUS.match(target.send(content)) or not content.strip(b"\r\n")

    with target.unharmed():
        throw()


@pytest.mark.parametrize("times", TIMES)
def test_a_body_that_is_no_strict_json_is_refused(target: fuzz_target.Target, times: int) -> None:
    @settings(max_examples=JSON * times)
    @given(fuzz_requests.spoilt_json())
    def throw(asked: tuple[str, bytes]) -> None:
        path, body = asked
        status, answer = target.ask(fuzz_requests.post(path, body))
        if status == 200:
            assert fuzz_requests.is_strict_json(body)
            assert fuzz_requests.is_strict_json(answer)
        else:
            assert status in (400, 413)

    with target.unharmed():
        throw()


@pytest.mark.parametrize("times", TIMES)
def test_bytes_for_numbers_are_refused_or_give_finite_scores(target: fuzz_target.Target, times: int) -> None:
    @settings(max_examples=BINARY * times)
    @given(fuzz_requests.binary_tensors())
    def throw(content: bytes) -> None:
        status, answer = target.ask(content)
        if status == 200:
            scores = fuzz_requests.numbers(answer)
            assert len(scores) and np.isfinite(scores).all()

    with target.unharmed():
        throw()


@pytest.mark.parametrize("times", TIMES)
def test_every_described_address_answers_as_described(target: fuzz_target.Target, times: int) -> None:
    schema = schemathesis.openapi.from_url(f"{target.running.server.address}/openapi.json")
    described = [operation.ok() for operation in schema.get_all_operations()]
    right = [operation.as_strategy(GenerationMode.POSITIVE) for operation in described]
    wrong = [operation.as_strategy(GenerationMode.NEGATIVE) for operation in described if operation.body]
    assert len(right) > len(wrong) > 0

    @settings(max_examples=DESCRIBED * times, suppress_health_check=list(HealthCheck))
    @given(st.one_of(right + wrong))
    def throw(case: schemathesis.Case) -> None:
        # numbers that fit the schema may still overflow, or be more or fewer than the shape says
        answer = case.call_and_validate(excluded_checks=[positive_data_acceptance], timeout=fuzz_target.HANGING_SECONDS)
        target.count(answer.status_code)

    with target.unharmed():
        throw()
