"""Keeping the libraries from talking into a notebook or a log."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_KNOWN_WARNINGS = (
    # NumPy 2 about NumPy functions called with tensors in many schedulers; until diffusers calls tensor.numpy()
    ("__array__ implementation doesn't accept a copy keyword", DeprecationWarning, r"diffusers\."),
    ("__array_wrap__ must accept context and return_scalar", DeprecationWarning, r"(diffusers|numpy)\."),
    # the SDXL pipelines of diffusers 0.42 about a function of their own, with every picture in half precision
    ("`upcast_vae` is deprecated", FutureWarning, r"diffusers\."),
    # several LoRAs on one model, which is what was asked for
    ("Already found a `peft_config` attribute in the model", UserWarning, r"peft\."),
)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the progress bars and remarks of diffusers and transformers; their errors are exceptions anyway."""
    for message, category, module in _KNOWN_WARNINGS:  # not catch_warnings: that is not safe beside other threads
        warnings.filterwarnings("ignore", message, category, module)
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    loggers = (diffusers_logging, transformers_logging)
    before = [(logger, logger.get_verbosity(), logger.is_progress_bar_enabled()) for logger in loggers]
    for logger in loggers:
        logger.set_verbosity_error()
        logger.disable_progress_bar()
    try:
        yield
    finally:
        for logger, verbosity, bar in before:
            logger.set_verbosity(verbosity)
            if bar:
                logger.enable_progress_bar()
