"""How this engine says that a request cannot be done as written."""

from __future__ import annotations

from studio_kernel.domain.request import GenerationRequest
from studio_kernel.errors import InvalidRequestError, Problem


def refusal(request: GenerationRequest, field: str, message: str) -> InvalidRequestError:
    """Return the error that says what is wrong with `field` of `request`."""
    return InvalidRequestError([Problem(field, message)], f"model {request.model!r} ({request.task})")
