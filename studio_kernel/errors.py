"""Every error the studio raises on purpose.

One tree, so that ``except StudioError`` catches all of it; leaves also inherit the built-in a caller would expect.
A message says what was wrong, shows the value, names what is allowed and the next step. Foreign exceptions are
translated into these once, where they enter.

::

    StudioError
    ├── InvalidRequestError (ValueError)       what was asked for cannot be done as written; lists every problem
    ├── InvalidInputError (ValueError)         a file given as input cannot be read as what it should be
    │   └── ImportRefusedError                 some of the files that were to be imported; the others were
    ├── UnknownModelError (LookupError)        no such model in the catalog
    ├── UnknownRunError (LookupError)          no such run in this home
    ├── UnknownSweepError (LookupError)        no such sweep in this home
    ├── UnknownProjectError (LookupError)      no such project in this home
    ├── UnknownBoardError (LookupError)        no such board in this home
    ├── ModelUnavailableError (RuntimeError)   known, but cannot run here: weights missing, engine missing, retired
    │   └── MissingKeyError                    the key of a service is missing, or is no key
    ├── UnsafeFileError (ValueError)           a file that could run code when loaded, refused
    ├── CatalogError (ValueError)              mistakes in catalog files; lists all of them
    ├── HomeError (OSError)                    the home cannot be created, read or written
    ├── SettingsError (ValueError)             a home's settings.toml cannot be understood
    ├── WorkerError (RuntimeError)             the process that works for a home cannot be started or does not answer
    ├── RunLogError (RuntimeError)             a question the run log cannot answer now, or refuses
    ├── UnknownPriceError (ValueError)         nobody knows what a run costs, and nobody has agreed to that
    ├── BudgetExceededError (RuntimeError)     what was asked for would cost more than a budget of this home allows
    ├── ReplayRefusedError (ValueError)         what cannot be run again: nothing tells how it was made, or it is gone
    ├── ReadOnlyError (PermissionError)        a viewer asked for something only an editor may do
    ├── MissingPackageError (ImportError)      an optional package is not installed
    └── RunError (RuntimeError)                something about one run
        ├── RunFailedError                     the result of a failed run was asked for
        ├── RunNotFinishedError                the result of a run that has none yet was asked for
        ├── MayBeBilledError                   a run that may have been billed without a result was to be repeated
        └── EngineError                        an engine could not finish a request
            ├── OutOfMemoryError (MemoryError) the device's memory did not suffice
            └── ServiceError                   a remote service; each says what was paid
                ├── KeyRefusedError (PermissionError)        it does not know the key
                ├── AccountError (PermissionError)           the account may not: no balance, no access
                ├── EndpointGoneError (LookupError)          it has no such model
                ├── ParametersRefusedError (ValueError)      it refuses parameters; lists every problem
                ├── ContentRefusedError (ValueError)         it refuses what was asked for, or what came out
                ├── RateLimitError                           too many requests
                ├── ServiceDownError (ConnectionError)       it cannot be reached, or has failed
                ├── InsecureConnectionError (ConnectionError) its certificate is not what it should be
                ├── ServiceTimeoutError (TimeoutError)       it took too long
                ├── BadAnswerError (ValueError)              its answer or file is not what it should be
                ├── ResultExpiredError (LookupError)         it has deleted the result
                └── LostAnswerError (ConnectionError)        it may have accepted a job, but its answer was lost
    Cancelled                                  raised inside an engine when its cancel token is set; not an error

    BudgetWarning (UserWarning)                what was asked for brings a budget near its limit
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal


class StudioError(Exception):
    """Base of all errors raised by the studio."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one field.

    Attributes
    ----------
    field : str
        Name of the parameter or catalog field, as the user wrote it.
    message : str
        What was wrong, the value, what is allowed.
    """

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


class InvalidRequestError(StudioError, ValueError):
    """A request that does not fit its model; ``problems`` lists everything wrong with it."""

    def __init__(self, problems: Sequence[Problem], subject: str) -> None:
        self.problems = tuple(problems)
        self.subject = subject
        lines = [str(problem) for problem in self.problems]
        text = lines[0] if len(lines) == 1 else "".join(f"\n  - {line}" for line in lines)
        super().__init__(f"{subject}: {text}")


class InvalidInputError(StudioError, ValueError):
    """A file given as input is missing, unreadable, or not the kind of media it should be."""


class ImportRefusedError(InvalidInputError):
    """Some of several files were refused; ``run_ids`` are those of the others, ``reasons`` say why, a line a file."""

    def __init__(self, reasons: Sequence[str], run_ids: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        self.run_ids = tuple(run_ids)
        taken = f" ({len(run_ids)} taken)" if run_ids else ""
        text = reasons[0] if len(reasons) == 1 else "".join(f"\n  - {reason}" for reason in reasons)
        super().__init__(f"{len(reasons)} not imported{taken}: {text}")


class UnknownModelError(StudioError, LookupError):
    """No model of that id in the catalog."""

    def __init__(self, model: str, known: Iterable[str]) -> None:
        self.model = model
        close = closest(model, known)
        hint = f"did you mean {' or '.join(map(repr, close))}?" if close else "studio.models lists what there is."
        super().__init__(f"unknown model {model!r}; {hint}")


class UnknownRunError(StudioError, LookupError):
    """No run of that id in this home."""


class UnknownSweepError(StudioError, LookupError):
    """No sweep of that id in this home."""


class UnknownProjectError(StudioError, LookupError):
    """No project of that id in this home."""


class UnknownBoardError(StudioError, LookupError):
    """No board of that id or name in this home."""


class ModelUnavailableError(StudioError, RuntimeError):
    """The model is known but cannot run here and now; the message says why and what to do."""


class MissingKeyError(ModelUnavailableError):
    """The key of a service is missing, or is no key; the message says where to get one and where to put it."""


class UnsafeFileError(StudioError, ValueError):
    """A weights file in a format that can run code when it is loaded."""


class CatalogError(StudioError, ValueError):
    """Mistakes in catalog files; ``problems`` lists every one with file, entry and field."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "".join(f"\n  - {problem}" for problem in self.problems)
        super().__init__(f"{len(self.problems)} mistake(s) in the catalog:{lines}")


class HomeError(StudioError, OSError):
    """The directory that holds the studio cannot be created, read or written."""


class SettingsError(StudioError, ValueError):
    """The settings of a home cannot be understood."""


class WorkerError(StudioError, RuntimeError):
    """The process that works for a home cannot be started, or does not answer."""


class RunLogError(StudioError, RuntimeError):
    """The run log cannot answer a question now, or refuses it."""


class UnknownPriceError(StudioError, ValueError):
    """A run of a service whose price the catalog does not have; it needs a yes."""


class BudgetExceededError(StudioError, RuntimeError):
    """What was asked for would cost more than a budget allows; nothing was sent.

    Attributes
    ----------
    budget : str
        Which one, such as ``the day's budget``.
    limit_usd, spent_usd, committed_usd, asked_usd : float
        The budget; what was spent of it; what runs may cost that have not ended; what this would cost.
    """

    def __init__(
        self, message: str, *, budget: str, limit_usd: float, spent_usd: float, committed_usd: float, asked_usd: float
    ) -> None:
        self.budget, self.limit_usd = budget, limit_usd
        self.spent_usd, self.committed_usd, self.asked_usd = spent_usd, committed_usd, asked_usd
        super().__init__(message)


class BudgetWarning(UserWarning):
    """What was asked for brings a budget near its limit."""


class ReplayRefusedError(StudioError, ValueError):
    """A result that cannot be made again here; the message says why and what to do."""


class ReadOnlyError(StudioError, PermissionError):
    """A studio opened as a viewer was asked to do more than look and mark."""


class MissingPackageError(StudioError, ImportError):
    """An optional package is needed; the message names the install command."""


class RunError(StudioError, RuntimeError):
    """Something about one run."""


class RunFailedError(RunError):
    """The result of a run that failed or was cancelled was asked for."""


class RunNotFinishedError(RunError):
    """The result of a run that is still queued or running was asked for."""


class MayBeBilledError(RunError):
    """A run that may have been billed without a result was to be repeated; it needs a yes."""


class EngineError(RunError):
    """An engine could not finish a request."""


class OutOfMemoryError(EngineError, MemoryError):
    """The memory of the device did not suffice."""


Paid = Literal["no", "yes", "unclear"]
_PAID = {
    "no": "Nothing was charged.",
    "yes": "The service has done the work and charges for it.",
    "unclear": "It may have been charged; look at your account there before you run it again.",
}


class ServiceError(EngineError):
    """A remote service refused a request, failed, or answered with something else than it should.

    Parameters
    ----------
    service : str
        Its name, such as ``fal``.
    text : str
        What happened and what to do next, as one sentence without a full stop.
    paid : {"no", "yes", "unclear"}
        What is known of the charge; said at the end of the message.

    Attributes
    ----------
    problems : tuple of Problem
        The parameters that the service finds wrong, by the names of the request.
    retry_after_s : float or None
        When it may be tried again, as the service says.
    can_be_fetched : bool
        The job was accepted, and its result may be there or come yet.
    """

    def __init__(
        self,
        service: str,
        text: str,
        *,
        paid: Paid = "no",
        problems: Sequence[Problem] = (),
        retry_after_s: float | None = None,
        can_be_fetched: bool = False,
    ) -> None:
        self.service, self.text, self.paid = service, text, paid
        self.problems = tuple(problems)
        self.retry_after_s = retry_after_s
        self.can_be_fetched = can_be_fetched
        fetching = " Retry the run to fetch what is there; that is not charged again." if can_be_fetched else ""
        super().__init__(f"{service}: {text}. {_PAID[paid]}{fetching}")

    def after_acceptance(self, paid: Paid = "unclear") -> ServiceError:
        """Return the same error about a job that was accepted: it may have been charged, and may be there."""
        paid = paid if self.paid == "no" else self.paid
        return type(self)(self.service, self.text, paid=paid, problems=self.problems, can_be_fetched=True)

    def about(self, problems: Sequence[Problem]) -> ServiceError:
        """Return the same error with other `problems`."""
        fetch = self.can_be_fetched
        return type(self)(self.service, self.text, paid=self.paid, problems=problems, can_be_fetched=fetch)


class KeyRefusedError(ServiceError, PermissionError):
    """The service does not know the key."""


class AccountError(ServiceError, PermissionError):
    """The account may not do this: its balance is used up, or the model is not open to it."""


class EndpointGoneError(ServiceError, LookupError):
    """The service has no such model, or no such job."""


class ParametersRefusedError(ServiceError, ValueError):
    """The service refuses parameters; `problems` says which."""


class ContentRefusedError(ServiceError, ValueError):
    """The service refuses what was asked for, or what came out."""


class RateLimitError(ServiceError):
    """Too many requests; `retry_after_s` says when it may be tried again, where the service tells."""


class ServiceDownError(ServiceError, ConnectionError):
    """The service cannot be reached, or has failed; asking again later may help."""


class InsecureConnectionError(ServiceError, ConnectionError):
    """The certificate of the service is not what it should be; nothing was sent."""


class ServiceTimeoutError(ServiceError, TimeoutError):
    """The service took longer than is waited for."""


class BadAnswerError(ServiceError, ValueError):
    """An answer of the service, or a file it made, is not what it should be."""


class ResultExpiredError(ServiceError, LookupError):
    """The service has deleted the result."""


class LostAnswerError(ServiceError, ConnectionError):
    """The service may have accepted a job, but its answer was lost."""


class Cancelled(StudioError):  # noqa: N818 - a control signal between runner and engine, not a fault
    """Raised inside an engine when the cancel token is set."""


def closest(name: str, known: Iterable[str], count: int = 2) -> list[str]:
    """Return up to `count` known names that look like `name`, best first."""
    return get_close_matches(name, list(known), n=count, cutoff=0.5)
