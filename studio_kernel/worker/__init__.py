"""The process that works for a home: jobs outlive the page, the kernel and the program that asked for them.

One worker per home and device takes runs from the queue in the journals, keeps models warm for everybody and ends when
there has been nothing to do for a while. `client` is what a kernel needs of it, `process` is the worker itself.
"""
