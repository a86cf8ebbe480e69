"""A model as the catalog describes it: who made it, what it can do, which parameters it takes, what it costs.

`ModelCard.check` is the one place where a request is held against its model; forms, the command line and the sweep
planner all use it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from studio_kernel.domain.offers import Offer
from studio_kernel.domain.parameters import Parameter
from studio_kernel.domain.price import Price
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import Scalar, Value
from studio_kernel.errors import InvalidRequestError, Problem, closest


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model's weights or service are; exactly one of the first four is set.

    Attributes
    ----------
    path : str
        A diffusers directory, relative to the studio's data directory or absolute.
    file : str
        A single-file checkpoint (``.safetensors``).
    hub : str
        A model hub repository, ``owner/name``.
    endpoint : str
        The address of a remote model at its service.
    revision : str
        Commit or tag of a hub repository.
    variant : str
        Weight variant of a diffusers repository, such as ``fp16``.
    """

    path: str = ""
    file: str = ""
    hub: str = ""
    endpoint: str = ""
    revision: str = ""
    variant: str = ""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One entry of the model catalog.

    Attributes
    ----------
    id : str
        Unique in the catalog, such as ``studio-tiny`` or ``fal/flux_1_dev``.
    engine : str
        Name of the engine that runs it.
    tasks : tuple of Task
        What it can be asked to do; the first is the default.
    parameters : tuple of Parameter
        What it takes, in the order a form shows it.
    as_of : str
        Year, month and day (as far as known) for which the card is true.
    read_from : tuple of str
        Where its facts were read.
    recommended : tuple of Task
        Tasks for which it is a good first choice.
    retired_on : datetime.date or None
        The service ends or ended it on that day.
    tips : str
        Catalog id of the tips that hold for it; empty = there are none.
    hidden : bool
        Left out of lists unless asked for.
    offers : tuple of Offer
        The services that have it, where there are several; the others have a source.
    """

    id: str
    name: str
    creator: str
    engine: str
    tasks: tuple[Task, ...]
    parameters: tuple[Parameter, ...]
    source: ModelSource = ModelSource()
    description: str = ""
    licence: str = ""
    family: str = ""
    homepage: str = ""
    as_of: str = ""
    read_from: tuple[str, ...] = ()
    price: Price | None = None
    recommended: tuple[Task, ...] = ()
    retired_on: date | None = None
    availability: str = ""
    note: str = ""
    output: Mapping[str, Value] | None = None
    tips: str = ""
    hidden: bool = False
    offers: tuple[Offer, ...] = ()

    @property
    def digest(self) -> str:
        """What changes when this card would have the same request done in another way: 16 hexadecimal digits.

        Texts, prices and parameters do not count, for a request is complete; nor do paths, for weights have digests.
        """
        source = self.source
        said = (self.engine, source.hub, source.endpoint, source.revision, source.variant, self.output, self.offers)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]

    @property
    def default_task(self) -> Task:
        """The task meant when none is named."""
        return self.tasks[0]

    def parameters_for(self, task: Task) -> tuple[Parameter, ...]:
        """Return the parameters a request of `task` knows, in form order."""
        return tuple(parameter for parameter in self.parameters if parameter.serves(task))

    def parameter(self, name: str) -> Parameter:
        """Return the parameter called `name`.

        Raises
        ------
        KeyError
            When the model has none of that name.
        """
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)

    def problems(self, task: Task, values: Mapping[str, object]) -> list[Problem]:
        """Return everything that is wrong with `values` for a request of `task`; empty = valid."""
        return Checker(self, task).read(values)[1]

    def check(self, task: Task, values: Mapping[str, object]) -> dict[str, Value]:
        """Return the complete, canonical parameters of a request: defaults filled in, numbers in their type.

        Parameters that are left out and have no default stay out.

        Raises
        ------
        InvalidRequestError
            With every problem, not the first only.
        """
        return Checker(self, task).check(values)


_SCALARS = frozenset({str, int, float, bool, type(None)})


class Checker:
    """Checks requests of one model and task, and remembers every value it has checked: the cells of a sweep share most.

    Parameters
    ----------
    card : ModelCard
        The model.
    task : Task
        What it is asked to do.
    """

    def __init__(self, card: ModelCard, task: Task) -> None:
        self._card, self._task = card, task
        self._known = {parameter.name: parameter for parameter in card.parameters_for(task)}
        self._seen: dict[tuple[str, type, object], Value | Problem] = {}

    @property
    def parameters(self) -> Iterable[Parameter]:
        """What a request of that task knows."""
        return self._known.values()

    def check(self, values: Mapping[str, object]) -> dict[str, Value]:
        """Return the complete, canonical parameters of a request, as `ModelCard.check` does.

        Raises
        ------
        InvalidRequestError
            With every problem, not the first only.
        """
        checked, problems = self.read(values)
        if problems:
            raise InvalidRequestError(problems, f"model {self._card.id!r} ({self._task})")
        return checked

    def read(self, values: Mapping[str, object]) -> tuple[dict[str, Value], list[Problem]]:
        """Return the complete, canonical parameters, and everything that is wrong with them."""
        if self._task not in self._card.tasks:
            offered = ", ".join(repr(str(known)) for known in self._card.tasks)
            return {}, [Problem("task", f"{str(self._task)!r} is not one of this model's tasks: {offered}")]
        problems = [Problem(name, self._unknown(name)) for name in values if name not in self._known]
        checked: dict[str, Value] = {}
        for name, parameter in self._known.items():
            result = self._read(name, parameter, values.get(name))
            if isinstance(result, Problem):
                problems.append(result)
            elif result is not None:
                checked[name] = result
        return checked, problems

    def _read(self, name: str, parameter: Parameter, value: object) -> Value | Problem:
        if type(value) not in _SCALARS:
            return _checked(name, parameter, value)
        key = (name, type(value), value)  # 1, 1.0 and True are equal, and not the same value
        if key not in self._seen:
            self._seen[key] = _checked(name, parameter, value)
        return self._seen[key]

    def _unknown(self, name: str) -> str:
        card = self._card
        elsewhere = [str(other) for other in card.tasks for p in card.parameters_for(other) if p.name == name]
        if elsewhere:
            return f"not a parameter of {self._task}; it belongs to {', '.join(elsewhere)}"
        close = closest(name, self._known)
        hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"it takes {', '.join(self._known)}"
        return f"not a parameter of this model; {hint}"


def _checked(name: str, parameter: Parameter, value: object) -> Value | Problem:
    try:
        return parameter.check(parameter.default if value is None else value)
    except (ValueError, TypeError) as error:
        return Problem(name, str(error))


@dataclass(frozen=True, slots=True)
class SchedulerCard:
    """One entry of the scheduler catalog.

    Attributes
    ----------
    id : str
        What a request says, such as ``dpmpp_2m_karras``.
    class_name : str
        The diffusers class.
    options : mapping
        Keyword arguments over the pipeline's own scheduler configuration.
    aliases : tuple of str
        Names other programs use, for search.
    """

    id: str
    name: str
    class_name: str
    options: Mapping[str, Scalar]
    description: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoraCard:
    """One entry of the LoRA catalog.

    Attributes
    ----------
    file : str
        A ``.safetensors`` file, relative to the data directory or absolute.
    family : str
        The model family it was trained for; empty = not known.
    triggers : tuple of str
        Words that call it up in a prompt.
    """

    id: str
    name: str
    file: str
    family: str = ""
    triggers: tuple[str, ...] = ()
    description: str = ""
    licence: str = ""
