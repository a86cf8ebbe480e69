"""Diffusion models that run here, through the pipelines of the ``diffusers`` library.

``checkpoint`` looks at model files without loading them; ``loading`` keeps loaded pipelines; ``schedulers``,
``adapters`` and ``call`` make of a request what a pipeline takes; ``steps`` reports and stops; ``preview`` shows
latents; ``run`` is one run from request to events; ``engine`` joins them. Importing this package imports no torch.
"""

from studio_kernel.engines.diffusers.engine import DiffusersEngine

__all__ = ["DiffusersEngine"]
