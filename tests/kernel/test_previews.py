"""How often previews are made: the budget, with a clock that stands still until it is moved."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from studio_kernel.previews import INTERVAL_S, SHARE, PreviewBudget


class Clock:
    """Seconds that pass when told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def run(step_s: float, costs: list[float]) -> list[tuple[float, float]]:
    """Steps of `step_s`, a preview after each where one is due; the (time, cost) of those that were made."""
    clock = Clock()
    budget, made = PreviewBudget(clock), []
    for cost in costs:
        clock.now += step_s
        if budget.due():
            clock.now += cost
            budget.took(cost)
            made.append((clock.now - 100.0, cost))
    return made


def test_the_first_step_is_always_shown() -> None:
    assert run(60.0, [5.0])
    assert run(0.001, [5.0])


@given(
    step_s=st.floats(0.001, 30),
    first=st.floats(0, 10),
    cost=st.floats(0.0001, 2),
    steps=st.integers(2, 300),
)
def test_previews_after_the_first_take_at_most_their_share_of_the_steps(
    step_s: float, first: float, cost: float, steps: int
) -> None:
    made = run(step_s, [first] + [cost] * (steps - 1))

    # The second one's cost is expected to be the first one's; where it is dearer, the ones after it wait.
    later = sum(cost for _, cost in made[2:]) + (cost if len(made) > 1 and cost <= first else 0.0)
    assert later <= SHARE * step_s * steps + 1e-6


@given(step_s=st.floats(0.001, 1), costs=st.lists(st.floats(0, 0.01), min_size=2, max_size=200))
def test_previews_keep_their_distance_however_cheap_they_are(step_s: float, costs: list[float]) -> None:
    times = [at for at, _ in run(step_s, costs)]

    assert all(later - earlier >= INTERVAL_S - 1e-6 for earlier, later in pairwise(times))


def test_cheap_previews_come_at_every_interval() -> None:
    assert len(run(0.25, [0.001] * 100)) == 1 + 99 // 2


def test_dear_previews_come_as_often_as_their_share_allows() -> None:
    made = run(1.0, [0.3] * 101)

    assert len(made) == 1 + 100 * SHARE // 0.3


def test_a_dear_first_preview_delays_the_second_and_no_other() -> None:
    made = run(0.1, [0.09] + [0.001] * 200)

    assert 3.0 <= made[1][0] <= 3.3, "0.09 s are 3 % of 3 s"
    assert len(made) >= 2 + (0.1 * 200 - 3.3) // 0.5


def test_runs_have_budgets_of_their_own() -> None:
    budgets = [PreviewBudget(Clock()), PreviewBudget(Clock())]

    assert [budget.due() for budget in budgets] == [True, True]
