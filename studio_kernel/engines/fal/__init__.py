"""The engine of fal.ai: every endpoint of the catalog, and any other whose description is given, from data alone.

``engine`` is the engine, ``service`` what fal does for `engines.remote.job`, ``client`` the fal-client package on our
wire, ``wire`` the form of parameters in a request, ``refusals`` what fal's errors mean, ``platform`` its platform API
(prices, requests of the past). The protocol as a whole is fal's documentation (https://fal.ai/docs, read 2026-11).
"""

from studio_kernel.engines.fal.engine import FalEngine

__all__ = ["FalEngine"]
