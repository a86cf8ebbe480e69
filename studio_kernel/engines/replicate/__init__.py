"""Models at Replicate, through its HTTP interface.

Its client package loses predictions that outlive the first wait and sends its token to whatever host an output names
(replicate 1.0.7), so this talks to the five addresses it needs itself. ``service`` is a prediction from body to files,
``inputs`` what it is given, ``outputs`` what comes back, ``refusals`` what its errors mean, ``listing`` how a lost one
is found again; ``engine`` joins them.
"""

from studio_kernel.engines.replicate.engine import ReplicateEngine

__all__ = ["ReplicateEngine"]
