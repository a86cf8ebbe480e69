"""Parameters whose value is what an earlier run reported, such as the id of a clip to remix.

Joins the log, which knows what services reported, with the catalog, which says whose word counts. Only what a run of
this home reported is taken: a service refuses anything else, and says so only after the job was sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

from studio_kernel.assets.facts import file_facts
from studio_kernel.domain.quantities import FileFacts, said_length
from studio_kernel.domain.reported import Reported, ReportedChoices
from studio_kernel.domain.values import describe
from studio_kernel.errors import InvalidInputError

if TYPE_CHECKING:
    from studio_kernel.domain.parameters import Parameter
    from studio_kernel.domain.request import GenerationRequest
    from studio_kernel.domain.runs import RunRecord
    from studio_kernel.runlog import RunLog
    from studio_kernel.workshop import Workshop

_LISTED = 5
_LONGEST_CHAIN = 100  # remixes of remixes


class ReportedValues:
    """What runs of a home reported; remembers what it was asked for.

    Parameters
    ----------
    workshop : Workshop
        Knows models and files.
    log : RunLog
        Knows the runs.
    """

    def __init__(self, workshop: Workshop, log: RunLog) -> None:
        self._workshop, self._log = workshop, log
        self._sources: dict[tuple[Parameter, str], RunRecord] = {}

    def offer(self, parameter: Parameter, limit: int | None = 50) -> ReportedChoices:
        """Return what a parameter can be given, newest first."""
        every = self._log.reported(parameter.from_run, parameter.from_models, limit=None)
        usable = [record for record in every if not _lacks(parameter, record)][:limit]
        if not usable:
            return ReportedChoices(advice=self._advice(parameter, every))
        return ReportedChoices(tuple(self._told(parameter, record) for record in usable))

    def of_run(self, parameter: Parameter, run_id: str) -> str:
        """Return what a run reported.

        Raises
        ------
        ValueError
            When it reported nothing that the parameter takes; says why.
        """
        record = self._log.run(run_id)
        if record is None or record.request.model not in parameter.from_models:
            other = f" of {record.request.model!r}" if record is not None else ""
            raise ValueError(f"run {run_id}{other} made no {self._noun(parameter)}; {self._known(parameter)}")
        value = record.provenance.get(parameter.from_run)
        if not isinstance(value, str):
            raise ValueError(
                f"run {run_id} ({record.status}) reported no {parameter.from_run!r}; {self._known(parameter)}"
            )
        self.require(parameter, value)
        return value

    def resolved(self, parameter: Parameter, text: str) -> str:
        """Return what is meant by a text: what the run of that id reported, else the text itself."""
        return self.of_run(parameter, text) if self._log.run(text) is not None else text

    def require(self, parameter: Parameter, value: str) -> None:
        """Refuse what no run of this home reported.

        Raises
        ------
        ValueError
            As one sentence without the parameter's name.
        """
        record = self._source(parameter, value)
        if record is None:
            raise ValueError(f"{value!r} was reported by no run of this home; {self._known(parameter)}")
        if lacking := _lacks(parameter, record):
            raise ValueError(
                f"{value!r} cannot be used: its run {record.id} was made with {_said(record.request, lacking)}, "
                f"and the service keeps it only with {_wanted(lacking)}"
            )

    def missing(self, parameter: Parameter) -> str:
        """Return what to say where the parameter is left out."""
        return f"is required; {self._known(parameter)}"

    def files_of(self, request: GenerationRequest) -> dict[str, FileFacts]:
        """Return what is known of the clips that a request names by what was reported: parameter → its length."""
        card = self._workshop.models.get(request.model)
        found = {}
        for parameter in card.parameters if card is not None else ():
            value = request.parameters.get(parameter.name) if parameter.from_run else None
            if isinstance(value, str) and (record := self._source(parameter, value)) is not None:
                found[parameter.name] = FileFacts(seconds=self._seconds(record))
        return found

    def _source(self, parameter: Parameter, value: str) -> RunRecord | None:
        key = parameter, value
        if key not in self._sources:
            found = self._log.reported(parameter.from_run, parameter.from_models, value=value, limit=1)
            if not found:
                return None  # asked again the next time: it may be reported meanwhile
            self._sources[key] = found[0]
        return self._sources[key]

    def _told(self, parameter: Parameter, record: RunRecord) -> Reported:
        value = str(record.provenance[parameter.from_run])
        request = record.request
        return Reported(value, record.id, request.model, request.prompt, record.created_at, self._seconds(record))

    def _seconds(self, record: RunRecord, depth: int = 0) -> float | None:
        """Return how long the clip of a run is: as asked for, as long as what it was made from, else as it plays."""
        said = said_length(record.request.parameters)
        if said is not None:
            return float(said)
        card = self._workshop.models.get(record.request.model)
        for parameter in card.parameters if card is not None and depth < _LONGEST_CHAIN else ():
            value = record.request.parameters.get(parameter.name) if parameter.from_run else None
            source = self._source(parameter, value) if isinstance(value, str) else None
            if source is not None:
                return self._seconds(source, depth + 1)
        return self._played(record)

    def _played(self, record: RunRecord) -> float | None:
        for asset in record.assets:
            if asset.role == "output":
                try:
                    return file_facts(self._workshop.assets.path(asset.ref), asset.media_type).seconds
                except InvalidInputError:
                    return None  # its file was deleted
        return None

    def _known(self, parameter: Parameter) -> str:
        """Return what there is to choose from, in words."""
        offer = self.offer(parameter)
        listed = ", ".join(f"{each.value!r} ({each.label})" for each in offer[:_LISTED])
        more = f" and {len(offer) - _LISTED} more" if len(offer) > _LISTED else ""
        return offer.advice or f"there is {listed}{more}"

    def _advice(self, parameter: Parameter, unusable: Sequence[RunRecord]) -> str:
        """Return why there is nothing to choose from, and how to change that."""
        noun = f"{self._noun(parameter)}s"
        wanted = f" with {_wanted(parameter.from_where)}" if parameter.from_where else ""
        if unusable:
            return f"the service has kept none of the {len(unusable)} {noun} of this home; make one{wanted}"
        first = next((model for model in parameter.from_models if model in self._workshop.models), "")
        return f"no {noun} yet; make one with {first!r}{wanted.replace(' with', ' and', 1)} first"

    def _noun(self, parameter: Parameter) -> str:
        """Return what runs of the models make, such as ``Sora video``: the words that their names begin with."""
        known = [card for model in parameter.from_models if (card := self._workshop.models.get(model)) is not None]
        together = zip(*(card.name.split() for card in known), strict=False)
        words = [each[0] for each in takewhile(lambda each: len(set(each)) == 1, together)]
        made = known[0].default_task.makes if known else "result"
        return " ".join([*(word for word in words if not word[0].isdigit()), made])


def _lacks(parameter: Parameter, record: RunRecord) -> Mapping[str, object]:
    """Return what a run should have been asked for and was not."""
    asked = record.request.parameters
    return {name: wanted for name, wanted in parameter.from_where.items() if asked.get(name) != wanted}


def _wanted(values: Mapping[str, object]) -> str:
    return " and ".join(f"{name}={describe(value)}" for name, value in values.items())  # type: ignore[arg-type]  # scalars


def _said(request: GenerationRequest, names: Mapping[str, object]) -> str:
    return _wanted({name: request.parameters.get(name) for name in names})
