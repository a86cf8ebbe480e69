import subprocess
import sys
from pathlib import Path


def test_finding_making_and_asking_an_engine_loads_no_torch(tiny_random: Path) -> None:
    script = f"""
import sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
from studio_kernel.engines.registry import EngineRegistry
import engine_subjects
subject = engine_subjects.diffusers(Path({str(tiny_random)!r}), Path())
subject.engine = EngineRegistry().get("diffusers")
assert subject.engine.unavailable(subject.card) is None
subject.engine.check(subject.request(scheduler="euler"), subject.context())
assert subject.engine.batch_key(subject.request(), subject.card) is not None
assert subject.engine.appetite(subject.request(), subject.engine.batch_limit(subject.request())) == 8
print(*{{"torch", "diffusers", "transformers", "duckdb", "ipywidgets"}} & sys.modules.keys())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""
