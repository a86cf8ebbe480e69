"""Whatever happens in a home, in whichever order: what a run or a sweep refers to is there, with the right bytes."""

import os
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import studio_kernel as sk
from pictures import aged, png
from runlog_tools import write_journal
from soaking import length
from strategies import marks
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin, RunProgress, RunStatus
from studio_kernel.domain.sweep import AxisGroup, Sweep
from studio_kernel.errors import InvalidInputError
from studio_kernel.gc import collect
from studio_kernel.live import LiveBoard
from studio_kernel.repair import mend
from studio_kernel.runlog import RunLog, new_run_id

numbers = st.integers(0, 11)
several = st.lists(numbers, max_size=3, unique=True)
graces = st.sampled_from([timedelta(0), timedelta(hours=1)])
databases = st.sampled_from([("live.duckdb",), ("runs.duckdb",), ("live.duckdb", "runs.duckdb")])
DAMAGES = ("remove", "empty", "shorten", "overwrite")


class Home(RuleBasedStateMachine):
    """A home at work, and what its log was told to keep."""

    def __init__(self):
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="studio-upkeep-"))
        self.studio = sk.open(self.root)
        self.log = RunLog(self.root)
        self.store = self.studio.assets
        self.bytes = {}
        self.acknowledged = set()
        self.runs = []
        self.journals = 0

    def put(self, number):
        asset = self.store.put(png(number))
        self.bytes[asset.sha256] = png(number)
        return asset

    def queued(self, parameters, refs, origin=None):
        run_id = new_run_id()
        request = GenerationRequest("procedural", parameters=parameters)
        self.log.queued(run_id, request, engine="procedural", origin=origin or Origin())
        self.acknowledged |= {ref.sha256 for ref in refs}
        self.runs.append(run_id)
        return run_id

    def finished(self, run_id, status, outputs):
        assets = [self.put(number) for number in outputs]
        self.log.finished(run_id, status, assets=assets)
        self.acknowledged |= {asset.sha256 for asset in assets}

    def journal(self, line):
        """Leave a line in a journal of a process that is gone."""
        self.journals += 1
        write_journal(self.root, [line], name=f"{self.journals:013d}-test")

    @rule(number=numbers, small=st.booleans())
    def store_a_file_that_nobody_uses(self, number, small):
        asset = self.put(number)
        if small:
            self.store.thumbnail(asset)

    @rule(inputs=several, outputs=several, status=st.sampled_from([*RunStatus]))
    def log_a_run(self, inputs, outputs, status):
        refs = tuple(self.put(number).ref for number in inputs)
        run_id = self.queued({"prompt": "a boat", "image": refs[:1], "control": {"deep": [refs[1:]]}}, refs)
        if status is not RunStatus.QUEUED:
            self.log.started(run_id, provenance={"reference": refs})
        if status.is_final:
            self.finished(run_id, status, outputs)

    @rule(number=numbers, outputs=several, grace=graces)
    def collect_while_a_run_is_at_work(self, number, outputs, grace):
        ref = self.put(number).ref
        run_id = self.queued({"image": ref}, [ref])
        self.log.started(run_id, provenance={})
        made = [self.put(output) for output in outputs]
        collect(self.studio, grace=grace)
        assert all(self.store.path(asset).exists() for asset in made)
        self.finished(run_id, RunStatus.SUCCEEDED, outputs)

    @rule(number=numbers, grace=graces)
    def use_a_file_that_may_be_gone(self, number, grace):
        ref = self.put(number).ref
        aged(self.store.root)
        collect(self.studio, grace=grace)
        try:
            self.store.hold([ref])
        except InvalidInputError:
            assert ref.sha256 not in self.acknowledged
            return
        collect(self.studio, grace=timedelta(hours=1))
        self.queued({"mask_image": ref}, [ref], Origin(cell={"mask_image": ref}))

    @rule(base=numbers, values=st.lists(numbers, min_size=1, max_size=3, unique=True))
    def plan_a_sweep(self, base, values):
        axis = AxisGroup.of("image", tuple(self.put(number).ref for number in values))
        sweep = Sweep(GenerationRequest("procedural", parameters={"mask_image": self.put(base).ref}), (axis,))
        self.studio.log_sweep(new_run_id(), sweep, None)
        self.acknowledged |= {ref.sha256 for ref in sweep.references}

    @precondition(lambda self: self.runs)
    @rule(mark=marks, data=st.data())
    def mark_a_run(self, mark, data):
        self.log.mark(data.draw(st.sampled_from(self.runs)), mark)

    @precondition(lambda self: self.runs)
    @rule(data=st.data(), number=numbers)
    def be_killed(self, data, number):
        run_id = data.draw(st.sampled_from(self.runs))
        LiveBoard(self.studio.home.live).write(run_id, RunProgress(RunStatus.RUNNING, preview=b"webp"))
        (self.store.path(self.put(number)).parent / ".new-left").write_bytes(b"half")
        self.journal(b'{"v":1,"ts":1790000000000000,"event":"finished","id":"')

    @rule(names=databases, damage=st.sampled_from(DAMAGES))
    def harm_the_databases(self, names, damage):
        for path in (self.root / name for name in names):
            if not path.exists():
                continue
            if damage == "remove":
                path.unlink()
            elif damage == "overwrite":
                path.write_bytes(b"not a database" * 1000)
            else:
                os.truncate(path, 8192 if damage == "shorten" else 0)

    @rule(line=st.sampled_from([b"garbage\n", b'{"v":1,"ts":1,"event":"finished"}\n']))
    def spoil_a_journal(self, line):
        self.journal(line)
        aged(self.store.root)
        before = set(self.store.digests())
        assert collect(self.studio).refusal
        assert set(self.store.digests()) == before

    @rule()
    def clear_what_could_not_be_read(self):
        shutil.rmtree(self.root / "journal" / "bad", ignore_errors=True)

    @rule()
    def close_and_open_again(self):
        self.log.close()
        self.log = RunLog(self.root)

    @rule()
    def let_years_pass(self):
        aged(self.store.root)
        aged(self.studio.home.live)

    @rule(grace=graces, dry_run=st.booleans())
    def collect_garbage(self, grace, dry_run):
        before = set(self.store.digests())
        collected = collect(self.studio, grace=grace, dry_run=dry_run)
        gone = before - set(self.store.digests())
        planned = {path.name.split(".")[0] for path in collected.removed["asset"]}
        assert gone == (set() if dry_run else planned)
        assert not planned & self.acknowledged

    @rule()
    def repair(self):
        checks = mend(self.studio)
        assert not [check for check in checks if check.state == "broken"]
        again = [check.finding for check in mend(self.studio) if check.name != "unreadable line"]
        count = len(self.acknowledged)
        whole = "read as a whole and sound" if self.runs or self.acknowledged else again[0]
        assert again[2:] == [f"{count} of {count} are there with the right bytes", "none missing", "none"]
        assert again[:2] == [whole, whole], again

    @invariant()
    def everything_that_is_referred_to_is_there(self):
        for digest in self.acknowledged:
            path = self.store.root / digest[:2] / f"{digest}.png"
            assert path.read_bytes() == self.bytes[digest]

    def teardown(self):
        mend(self.studio)  # a database that is built anew puts the same lines aside again
        self.clear_what_could_not_be_read()
        self.let_years_pass()
        collected = collect(self.studio)
        if not collected.refusal:
            assert set(self.store.digests()) == self.acknowledged
        else:
            assert not self.runs, collected.refusal
        self.log.close()
        self.studio.close()
        shutil.rmtree(self.root)


TestHome = pytest.mark.slow(Home.TestCase)
TestHome.settings = settings(max_examples=length(8, 40), stateful_step_count=25)
