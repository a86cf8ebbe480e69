"""The order of the queue, whichever way its facts arrive."""

import random
from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from studio_kernel.domain.queue import MODEL_STAY, Queue, QueueEntry
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin, RunRecord, RunStatus


def entry(number, sweep=None, model="m", priority=0):
    request = GenerationRequest(model, parameters={"prompt": "a boat"})
    origin = Origin(sweep_id=sweep)
    record = RunRecord(f"{number:08d}", request, "e", RunStatus.QUEUED, datetime.now(UTC), origin=origin)
    return QueueEntry(record, priority=priority)


def queue_of(*entries):
    queue = Queue()
    for each in entries:
        queue.add(each)
    return queue


def ids(entries):
    return [int(each.run_id) for each in entries]


def drained(queue):
    """Return the ids in the order in which one lane does them."""
    done = []
    while (best := queue.next(lambda each: not each.owner)) is not None:
        queue.took(best)
        queue.change(len(done), "claimed", best.run_id, owner="lane", attempt=1)
        done.append(int(best.run_id))
    return done


def test_single_runs_are_done_in_the_order_in_which_they_came():
    assert drained(queue_of(entry(3), entry(1), entry(2))) == [1, 2, 3]


def test_a_single_run_waits_for_one_cell_of_a_sweep_at_most():
    queue = queue_of(*(entry(n, sweep="s") for n in range(400)))
    for _ in range(10):
        queue.took(queue.next(lambda each: not each.owner))
    queue.add(entry(900))
    assert ids([queue.next(lambda each: not each.owner)]) == [900]


def test_many_single_runs_do_not_starve_a_sweep():
    queue = queue_of(*(entry(n) for n in range(10)), *(entry(100 + n, sweep="s") for n in range(10)))
    first = drained(queue)[:10]
    assert sum(number >= 100 for number in first) == 5


def test_two_sweeps_of_one_model_take_turns():
    queue = queue_of(*(entry(n, sweep="a") for n in range(3)), *(entry(10 + n, sweep="b") for n in range(3)))
    assert drained(queue) == [0, 10, 1, 11, 2, 12]


def test_a_sweep_with_another_model_waits_a_few_turns_so_that_models_are_not_loaded_for_every_cell():
    a = [entry(n, sweep="a", model="m1") for n in range(20)]
    b = [entry(100 + n, sweep="b", model="m2") for n in range(20)]
    order = drained(queue_of(*a, *b))
    changes = sum((x < 100) != (y < 100) for x, y in pairwise(order))
    assert changes <= 2 * 20 / MODEL_STAY + 1
    assert order[MODEL_STAY] >= 100


def test_a_higher_priority_goes_first_and_what_people_put_first_before_that():
    queue = queue_of(entry(1), entry(2, priority=5), entry(3), entry(4))
    queue.change(1, "priority", "00000004", priority=9)
    queue.put_first(1, ["00000003"])
    assert ids(queue.order()) == [3, 4, 2, 1]
    assert drained(queue) == [3, 4, 2, 1]


def test_looking_at_the_order_changes_nothing():
    queue = queue_of(*(entry(n, sweep="ab"[n % 2]) for n in range(6)), entry(10))
    order = ids(queue.order())
    assert ids(queue.order()) == order
    assert drained(queue) == order


def test_what_is_claimed_does_not_wait():
    queue = queue_of(entry(1), entry(2))
    queue.change(1, "claimed", "00000001", owner="lane", attempt=1)
    assert ids(queue.order()) == [2]
    queue.change(2, "claimed", "00000001", owner="", attempt=1)
    assert ids(queue.order()) == [1, 2]
    assert queue.get("00000001").attempt == 1


def test_a_run_that_has_ended_does_not_come_back():
    queue = queue_of(entry(1))
    queue.end("00000001")
    queue.add(entry(1))
    queue.change(9, "priority", "00000001", priority=1)
    assert len(queue) == 0


def test_the_latest_word_counts_for_pausing_and_for_who_goes_first():
    queue = queue_of(entry(1), entry(2))
    queue.pause(5, True)
    queue.pause(4, False)
    queue.put_first(5, ["00000002"])
    queue.put_first(4, ["00000001"])
    assert queue.is_paused
    assert ids(queue.order()) == [2, 1]


FACTS = st.lists(
    st.tuples(
        st.sampled_from(["add", "claimed", "priority", "cancel", "end"]),
        st.integers(0, 3),
        st.integers(-2, 2),
    ),
    max_size=25,
)


def told(queue, ts, fact):
    kind, number, value = fact
    run_id = f"{number:08d}"
    match kind:
        case "add":
            queue.add(entry(number, sweep="s" if number % 2 else None))
        case "end":
            queue.end(run_id)
        case "claimed":
            queue.change(ts, kind, run_id, owner="lane" if value > 0 else "", attempt=value)
        case "priority":
            queue.change(ts, kind, run_id, priority=value)
        case "cancel":
            queue.change(ts, kind, run_id, is_cancelled=True)


@given(FACTS, st.randoms(use_true_random=False))
def test_facts_give_the_same_queue_in_any_order(facts, chance: random.Random):
    stamped = list(enumerate(facts))
    shuffled = chance.sample(stamped, len(stamped))
    one, other = Queue(), Queue()
    for ts, fact in stamped:
        told(one, ts, fact)
    for ts, fact in shuffled:
        told(other, ts, fact)
    assert _plain(one) == _plain(other)
    assert ids(one.order()) == ids(other.order())


def _plain(queue):
    return {each.run_id: (each.owner, each.attempt, each.priority, each.is_cancelled) for each in queue}
