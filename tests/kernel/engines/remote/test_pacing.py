"""How often a service is asked, and how many jobs it is given."""

import pytest

from studio_kernel.engines.remote.polling import Backoff, Polling
from studio_kernel.engines.remote.throttle import Throttle


@pytest.mark.parametrize(("kind", "length_s", "most"), [("image", 4, 30), ("image", 60, 60), ("video", 180, 70)])
def test_a_job_is_asked_for_seldom_and_its_end_is_seen_soon(kind, length_s, most):
    elapsed, asked = 0.0, 0
    while elapsed < length_s:
        elapsed += Polling(kind).wait_s(elapsed)
        asked += 1

    assert asked <= most
    assert elapsed - length_s <= max(0.1 * length_s, 0.2)


def test_attempts_come_less_and_less_often_and_never_before_the_service_says():
    waits = Backoff(0.5, 8.0)

    first = [waits.next_s() for _ in range(8)]

    assert 0.5 <= first[0] <= 0.75
    assert 8.0 <= first[-1] <= 12.0
    assert waits.next_s(60) == 60


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_no_more_turns_are_given_than_settled():
    throttle = Throttle(2)

    assert [throttle.take() > 0 for _ in range(3)] == [False, False, True]
    throttle.give()
    assert throttle.take() == 0


def test_a_refusal_halves_the_turns_and_success_brings_them_back():
    clock = Clock()
    throttle = Throttle(8, clock)

    throttle.was_refused(5)
    throttle.was_refused(5)  # of the same moment
    assert throttle.allowed == 4
    assert throttle.take() == 5

    clock.now = 6.0
    for _ in range(40):
        throttle.went_well()
    assert throttle.allowed == 8


def test_one_turn_is_always_left():
    clock = Clock()
    throttle = Throttle(2, clock)
    for clock.now in range(0, 50, 10):
        throttle.was_refused(1)

    clock.now = 100.0
    assert throttle.allowed == 1
    assert throttle.take() == 0
