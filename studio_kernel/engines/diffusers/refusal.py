"""How this engine says that a request cannot be done: as it is written, or with the memory there is."""

from __future__ import annotations

from collections.abc import Sequence

from studio_kernel.domain.request import GenerationRequest
from studio_kernel.errors import EngineError, InvalidRequestError, OutOfMemoryError, Problem, StudioError


def refusal(request: GenerationRequest, field: str, message: str) -> InvalidRequestError:
    """Return the error that says what is wrong with `field` of `request`."""
    return InvalidRequestError([Problem(field, message)], subject(request))


def no_memory(request: GenerationRequest, tried: Sequence[str] = ()) -> OutOfMemoryError:
    """Return the error that says that memory did not suffice, and what was `tried`, in words."""
    even = f", even {', then '.join(tried)}" if tried else ""
    advice = "make it smaller, make fewer pictures at once, or choose a smaller model"
    return OutOfMemoryError(f"{subject(request)}: the device's memory did not suffice{even}; {advice}")


def translated(error: Exception, request: GenerationRequest) -> StudioError:
    """Return what the studio says of `error`, which some library raised while `request` was made."""
    if isinstance(error, StudioError):
        return error
    said = EngineError(f"{subject(request)}: {type(error).__name__}: {error}")
    said.__cause__ = error
    return said


def subject(request: GenerationRequest) -> str:
    """Return what messages about `request` begin with."""
    return f"model {request.model!r} ({request.task})"
