"""Private runs, seen by the studio that asked for them and by others of the same home."""

import pytest

import studio_kernel as sk
from studio_kernel.errors import InvalidRequestError, ReplayRefusedError
from waiting import until

QUICK = {"model": "procedural", "width": 64, "height": 64, "num_inference_steps": 1, "progress": False}


@pytest.fixture
def asking(home):
    with sk.open(home, runner="inline") as studio:
        yield studio


@pytest.fixture
def other(home, asking):
    with sk.open(home, runner="inline") as studio:
        yield studio


@pytest.mark.parametrize(
    ("wish", "refusal"),
    [
        ("retry", InvalidRequestError),
        ("fetch", InvalidRequestError),
        ("as_python", InvalidRequestError),
        ("replay", ReplayRefusedError),
    ],
)
def test_what_needs_the_request_of_a_private_run_is_refused_by_another_studio(asking, other, wish, refusal):
    private = asking.generate("a secret", private=True, **QUICK)
    until(lambda: other.count() == 1)
    with pytest.raises(refusal, match=rf"{private.id} was private.*only the studio that asked for it"):
        getattr(other, wish)(private.id)
    assert other.count() == 1


def test_the_studio_that_asked_can_do_all_of_it(asking):
    private = asking.generate("a secret", private=True, seed=1, **QUICK)
    again = asking.retry(private).wait()
    assert again.request == private.request
    assert asking.is_private(again.id)
    assert "private=True" in asking.as_python(private)
    assert asking.replay(private, progress=False).verdict == "identical"
