"""Budgets with several processes at once, and across a kill: never passed, nothing lost, nothing paid for twice."""

import json
import subprocess
import sys

import pytest

import studio_kernel as sk
import worker_tools
from studio_kernel.errors import BudgetExceededError
from waiting import until
from worker_tools import kill_worker


def settle(home, budget):
    (home / "settings.toml").write_text(f"[worker]\nexit_after_s = 120.0\n[budget]\nwarn_at = 1.0\n{budget}\n")


SUBMIT = """
import sys
import studio_kernel as sk
from studio_kernel.errors import BudgetExceededError
home, runner, word = sys.argv[1:]
with sk.open(home, runner=runner) as studio:
    print("ready", flush=True)
    sys.stdin.readline()
    runs = []
    for n in range(6):
        try:
            runs.append(studio.submit(f"{word} {n}", model="loopback"))
        except BudgetExceededError:
            print("refused", flush=True)
    for run in runs:
        print(run.wait(60, progress_bar=False).status, flush=True)
"""


def at_once(home, *runners):
    """Let several programs submit six runs each at the same moment; return what became of each run."""
    programs = [worker_tools.program(SUBMIT, home, runner, f"boat-{n}") for n, runner in enumerate(runners)]
    for program in programs:
        assert program.stdout.readline() == "ready\n"
    for program in programs:
        program.stdin.write("go\n")
        program.stdin.flush()
    return [line for program in programs for line in program.communicate(timeout=120)[0].split()]


@pytest.mark.parametrize("runners", [("worker",) * 3, ("inline",) * 3, ("worker", "inline")], ids="-".join)
def test_programs_that_submit_at_once_do_not_pass_the_budget(remote_home, service, runners):
    settle(remote_home, "day_usd = 1.0")
    became = at_once(remote_home, *runners)
    assert len(service.accepted) == 4
    assert became.count("succeeded") == 4
    assert became.count("succeeded") + became.count("failed") + became.count("refused") == 6 * len(runners)
    with sk.open(remote_home, mode="viewer") as studio:
        assert studio.sql("SELECT sum(billed_usd) AS usd FROM costs")["usd"][0] == 1.0


def test_a_sweep_that_was_killed_half_way_keeps_to_its_budget_and_goes_on_after_it_was_raised(remote_home, service):
    settle(remote_home, "day_usd = 2.0")
    asked = {"axes": {"seed": list(range(8))}, "model": "loopback"}
    service.steps = 1_000_000
    with sk.open(remote_home, runner="worker") as studio:
        sweep = studio.sweep("a boat", **asked)
        until(lambda: sum(run.progress.step > 0 for run in sweep.runs) == 4)  # as many as there are lanes
        settle(remote_home, "day_usd = 1.25")
        kill_worker(remote_home)
        service.steps = 15
        frame = sweep.wait(120, progress=False).frame()
        done = list(frame["status"]).count("succeeded")
        assert done == len(service.accepted) == 5, "five pictures of 0.25 $"
        refused = [error for error in frame["error"] if error]
        assert ["not begun: the day's budget" in error for error in refused] == [True] * 3, refused
        with pytest.raises(BudgetExceededError):
            sweep.resume()
    settle(remote_home, "day_usd = 2.0")
    with sk.open(remote_home, runner="worker") as studio:
        again = studio.sweep("a boat", resume=True, seed=None, **asked).wait(120, progress=False)
        assert set(again.frame()["status"]) == {"succeeded"}
        assert len(service.accepted) == 8, "no cell was paid for twice"
        assert studio.costs(by="sweep")["total_usd"].sum() == 2.0


def test_what_may_have_been_billed_counts_as_spent(remote_home, service):
    settle(remote_home, "day_usd = 0.4")
    service.answers.clear()
    with sk.open(remote_home, runner="worker") as studio:
        run = studio.submit("a boat", model="loopback")
        until(lambda: service.accepted)
        kill_worker(remote_home)
        service.answers.set()
        assert run.wait(60).status == "failed"
        with pytest.raises(BudgetExceededError, match=r"0.25 \$ spent"):
            studio.retry(run, may_pay_twice=True)


def test_what_is_at_work_goes_on_when_the_budget_is_taken_away(remote_home, service):
    settle(remote_home, "day_usd = 1.0")
    with sk.open(remote_home, runner="worker") as studio:
        run = studio.submit("a boat", model="loopback")
        until(lambda: run.progress.step >= 2)
        settle(remote_home, "day_usd = 0.0")
        kill_worker(remote_home)
        assert run.wait(60).status == "succeeded"
        assert len(service.accepted) == 1


def command(home, *args):
    line = [sys.executable, "-m", "studio_kernel.cli", "--home", str(home), *args]
    return subprocess.run(line, capture_output=True, text=True, timeout=120)


def test_the_command_line_asks_for_a_yes_and_shows_what_was_spent(remote_home, service):
    settle(remote_home, "day_usd = 0.3")
    refused = command(remote_home, "generate", "a boat", "--model", "priceless")
    assert refused.returncode == 1
    assert "It depends on the machine" in refused.stderr
    assert "--accept-unknown-price" in refused.stderr
    agreed = command(remote_home, "generate", "a boat", "--model", "priceless", "--accept-unknown-price")
    assert agreed.returncode == 0, agreed.stderr
    stopped = command(remote_home, "sweep", "a boat", "--model", "loopback", "--axis", "seed=1,2", "--json")
    assert json.loads(stopped.stdout)["error"]["type"] == "BudgetExceededError"
    [row] = json.loads(command(remote_home, "costs", "--by", "model", "--json").stdout)
    assert (row["what"], row["billed_usd"], row["runs"]) == ("priceless", 0.25, 1)
    assert "0.2500 $ in all" in command(remote_home, "costs").stdout
    assert command(remote_home, "costs", "--since", "2999-01-01").stdout == "nothing was spent\n"
    assert len(service.accepted) == 1
