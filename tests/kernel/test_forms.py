"""Data is read by several threads at once, also for the first time."""

import ast
import subprocess
import sys
from pathlib import Path

import studio_kernel
from studio_kernel import forms

READ_BY_FOUR_THREADS = """
import sys, threading
import msgspec
from studio_kernel.forms import ready

sys.setswitchinterval(1e-6)
fields = [(f"f{number}", "int | None", None) for number in range(20)]
data = b'{"inner": {"inner": {"f1": 3}}, "f9": 1}'


def read(barrier, form):
    barrier.wait()
    assert msgspec.json.decode(data, type=ready(form)).inner.inner.f1 == 3


for _ in range(100):
    form = msgspec.defstruct("Innermost", fields)
    for name in ("Inner", "Outer"):
        form = msgspec.defstruct(name, [*fields, ("inner", form | None, None)])
    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=read, args=(barrier, form)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


def test_threads_that_read_the_same_for_the_first_time_do_not_crash():
    subprocess.run([sys.executable, "-c", READ_BY_FOUR_THREADS], check=True, timeout=120)


def test_every_form_is_made_ready():
    """What is no class, such as ``dict[str, object]``, needs nothing."""
    plain = {"dict[str, object]", "dict[str, float]", "Id"}
    for path in set(Path(studio_kernel.__file__).parent.rglob("*.py")) - {Path(forms.__file__)}:
        for call in ast.walk(ast.parse(path.read_text())):
            for form in forms_of(call):
                assert form in plain or form.startswith("ready("), f"{path.name}:{call.lineno}: {form}"


def forms_of(node):
    """Return what msgspec is given to read by in a call."""
    match node:
        case ast.Call(func=ast.Attribute(attr="decode"), keywords=keywords):
            return [ast.unparse(keyword.value) for keyword in keywords if keyword.arg == "type"]
        case ast.Call(func=ast.Attribute(value=ast.Name("msgspec"), attr="convert"), args=[_, form]):
            return [ast.unparse(form)]
        case ast.Call(func=ast.Attribute(attr="Decoder"), args=[form]) if "msgspec" in ast.unparse(node.func):
            return [ast.unparse(form)]
    return []
