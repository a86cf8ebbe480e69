"""Log lines are read for how far a job is."""

import pytest

from studio_kernel.engines.remote.speech import Listener, progress_of

LINES = {
    " 25%|██▌       | 7/28 [00:01<00:03,  9.1it/s]": (7, 28),
    "  0%|          | 0/50 [00:00<?, ?it/s]": (0, 50),
    "100%|##########| 28/28 [00:03<00:00,  9.1it/s]": (28, 28),
    "Denoising:  11%|#1        | 3/28": (3, 28),
    " 25%|##5 | 7/28 [00:01]\r 29%|##8 | 8/28 [00:01]": (8, 28),
    "step 3/28": (3, 28),
    "Step: 3 of 28": (3, 28),
    "3/28 steps": (3, 28),
    "7 of 28 inference steps done": (7, 28),
    "progress 45%": (45, 100),
    "45.5 % done": (45, 100),
}


@pytest.mark.parametrize("line", LINES)
def test_a_line_tells_how_far_a_job_is(line):
    assert progress_of([line]) == LINES[line]


@pytest.mark.parametrize(
    "line",
    [
        "", "loading weights", "2026/11/20 12:00", "step 30/28", "step 1/0", "request 3/28", "250%", "guidance 7.5",
        "1/2", "step " + "9" * 400 + "/" + "9" * 400,
    ],
)  # fmt: skip
def test_a_line_that_tells_nothing_is_left_alone(line):
    assert progress_of([line]) is None


def test_the_last_line_counts():
    assert progress_of(["step 1/28", "step 9/28", "saving"]) == (9, 28)


def test_only_new_lines_are_read_and_what_was_heard_stays():
    listener = Listener()
    assert listener.hear([]) == (0, 0)
    assert listener.hear(["step 1/28"]) == (1, 28)
    assert listener.hear(["step 20/28", "still at it"]) == (1, 28)
    assert listener.hear(["step 20/28", "still at it", "step 2/28"]) == (2, 28)


def test_a_log_that_begins_anew_is_read_anew():
    listener = Listener()
    listener.hear(["step 5/28", "step 6/28"])

    assert listener.hear(["step 1/28"]) == (1, 28)
