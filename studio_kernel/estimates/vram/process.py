"""``python -m studio_kernel.estimates.vram.process [SECONDS]``: answer questions about memory.

A child of a kernel, which must not load torch itself. It ends with the pipe to its parent, so that it outlives nobody,
and after so many seconds without a question. It computes with one thread and gives way to everything else, and what
libraries print never gets between its answers.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

import msgspec
import psutil  # type: ignore[import-untyped]  # its stubs are a package of their own

from studio_kernel.errors import StudioError
from studio_kernel.estimates.vram import devices, messages, weights
from studio_kernel.estimates.vram.messages import (
    Answer,
    AskDevices,
    AskSpeed,
    AskTrace,
    Failed,
    Found,
    Question,
    Refused,
    Speed,
    Traced,
)
from studio_kernel.estimates.vram.trace import Trace
from studio_kernel.forms import ready

IDLE_S = 600.0
_NICENESS = 10


def main(idle_s: float = IDLE_S, answer: Callable[[Question], Answer] | None = None) -> int:
    """Answer what is asked on standard input, with `answer` if given; return the exit status."""
    answers, answer = _own_output(), answer or answer_to
    _give_way()
    waiting: queue.SimpleQueue[Question | Failed] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(waiting,), daemon=True).start()
    while True:
        try:
            question = waiting.get(timeout=idle_s)
        except queue.Empty:
            return 0
        answers.write(messages.line(question if isinstance(question, Failed) else answer(question)))
        answers.flush()


def answer_to(question: Question) -> Answer:
    """Return the answer to one question; whatever goes wrong is one too."""
    try:
        return _answer(question)
    except StudioError as error:  # says what is wrong with the files, which may be mended meanwhile
        return Failed(question.id, str(error))
    except MemoryError:
        return Failed(question.id, "the main memory did not suffice")
    except Exception as error:  # noqa: BLE001 - the boundary of the process: it is shown to whoever asked
        return Failed(question.id, f"{type(error).__name__}: {error}")


def _answer(question: Question) -> Answer:
    match question:
        case AskTrace():
            return _trace(question)
        case AskDevices():
            return Found(question.id, devices.read(question.pids))
        case AskSpeed():
            from studio_kernel.estimates.vram.speed import measure

            return Speed(question.id, measure(question.device, question.dtype))


def _trace(question: AskTrace) -> Answer:
    held = weights.component_bytes(question.subject)
    import torch

    from studio_kernel.estimates.vram.dry_run import trace

    torch.set_num_threads(1)
    found = trace(question.subject, dict(held.components), held.transient_bytes, reserved=question.reserved)
    if not isinstance(found, Trace):
        return Refused(question.id, str(found.reason))
    return Traced(question.id, msgspec.structs.replace(found, flags=(*found.flags, *held.assumed)))


def _own_output() -> BinaryIO:
    """Keep standard output for answers: whatever else is written to it goes where errors go, also from C."""
    sys.stdout.flush()
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return own


def _give_way() -> None:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with suppress(psutil.Error, OSError):
        lowest = getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", _NICENESS)  # the name exists on Windows only
        psutil.Process().nice(lowest)


def _listen(waiting: queue.SimpleQueue[Question | Failed]) -> None:
    for text in sys.stdin.buffer:
        try:
            waiting.put(messages.questions.decode(text))
        except msgspec.DecodeError as error:  # of a kernel with another version of the studio
            with suppress(msgspec.DecodeError):
                number = msgspec.json.decode(text, type=ready(messages.Numbered)).id
                waiting.put(Failed(number, f"the question is not understood ({error}); restart the kernel"))
    os._exit(0)  # nobody is there any more; whatever is being traced is of no use


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if sys.argv[1:] else IDLE_S))
