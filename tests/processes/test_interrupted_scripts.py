"""Programs that work inline and are killed: the next one says what became of their runs."""

import studio_kernel as sk
from waiting import until
from worker_tools import ENDLESS, QUICK, program

ASK = f"""
import sys
import studio_kernel as sk
run = sk.open(sys.argv[1], runner="inline").submit("a boat", **{ENDLESS})
while run.progress.step < 2:
    pass
print(run.id, flush=True)
sys.stdin.read()
"""


def test_a_run_whose_program_was_killed_ends_as_interrupted_when_the_next_program_works(home):
    with program(ASK, home) as asking:
        run_id = asking.stdout.readline().strip()
        asking.kill()
    with sk.open(home, runner="inline") as studio:
        assert studio.record(run_id).status == "running", "nobody has looked yet"
        studio.generate("a fish", **QUICK)
        until(lambda: studio.record(run_id).status == "failed")
        assert "the program that asked for it ended" in studio.record(run_id).error
        assert studio.run(run_id).status == "failed"


def test_a_program_that_is_alive_keeps_its_run(home):
    with program(ASK, home) as asking, sk.open(home, runner="inline") as studio:
        run_id = asking.stdout.readline().strip()
        studio.generate("a fish", **QUICK)
        studio._log.sync()
        run = studio.run(run_id)
        until(lambda: run.progress.step >= 4)
        assert run.status == "running"
        asking.kill()
