"""Diffusion models that run here, through the pipelines of the ``diffusers`` library.

``checkpoint`` looks at model files without loading them, ``headers`` into their headers; ``loading`` keeps loaded
pipelines, as many as ``memory`` has room for; ``schedulers``, ``adapters`` and ``call`` make of a request what a
pipeline takes; ``steps`` reports and stops; ``preview`` shows latents; ``ladder`` makes do with less memory; ``run`` is
one run from request to events, with ``meter`` for how far it is; ``engine`` joins them. Importing this package imports
no torch.
"""

from studio_kernel.engines.diffusers.engine import DiffusersEngine

__all__ = ["DiffusersEngine"]
