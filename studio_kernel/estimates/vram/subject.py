"""What is traced: a model, the call of its pipeline, and how it is held; all that decides a `Trace`."""

from __future__ import annotations

import hashlib

import msgspec

from studio_kernel.domain.estimate import Attention, DeviceKind
from studio_kernel.domain.tasks import Task


class Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call of a pipeline.

    Offloading is not part of it: one trace tells the peaks of every placement.

    Attributes
    ----------
    directory : str
        A diffusers directory: ``model_index.json`` and a ``config.json`` for each component. Weights may be missing,
        then those of the configuration are counted in `dtype`.
    architecture : str
        Name of an architecture that ships (`architectures`); instead of `directory`.
    weights : tuple of str
        Weights files (``.safetensors``, ``.gguf``) by component, ``name=path``, when they are not in `directory`; a
        name of ``*`` is a single-file checkpoint.
    loras : tuple of str
        Paths of adapters that are in force.
    width, height, num_frames : int or None
        `None` = the pipeline's own default.
    num_images : int
        Pictures in one call, whichever runs they belong to.
    is_guided : bool
        Whether classifier-free guidance is on, which doubles the batch with most pipelines.
    device : {"cuda", "mps", "cpu"}
        For whose kernels scratch memory is counted.
    dtype : str
        ``float16``, ``bfloat16`` or ``float32``.
    dtypes : tuple of str
        Components with a precision of their own, ``name=dtype``: some autoencoders are loaded in ``float32``.
    quantisation : str
        As in `domain.estimate.Setup`.
    vae_tiling, vae_slicing, attention
        As in `domain.estimate.Setup`.
    """

    directory: str = ""
    architecture: str = ""
    variant: str = ""
    weights: tuple[str, ...] = ()
    loras: tuple[str, ...] = ()
    task: Task = Task.TEXT_TO_IMAGE
    width: int | None = None
    height: int | None = None
    num_frames: int | None = None
    num_images: int = 1
    is_guided: bool = True
    device: DeviceKind = "cuda"
    dtype: str = "float16"
    dtypes: tuple[str, ...] = ()
    quantisation: str = ""
    vae_tiling: bool = False
    vae_slicing: bool = False
    attention: Attention = "fused"

    @property
    def digest(self) -> str:
        """SHA-256 of all of it, 64 hexadecimal characters; says nothing about the contents of files."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()
