"""Every message of a panel reaches its page.

A kernel publishes through a queue of 1,000 messages and drops what is more (ZeroMQ's high-water mark). A large panel is
made with 800 messages in one go. On a machine that is busy, a cell with all panels never ended.
"""

from __future__ import annotations

from IPython import get_ipython


def deliver_all() -> None:
    """Let the kernel keep what it publishes until it is fetched, however much that is."""
    kernel = getattr(get_ipython(), "kernel", None)
    thread = getattr(kernel, "iopub_thread", None)
    if thread is not None:
        thread.schedule(lambda: setattr(thread.socket, "sndhwm", 0))
