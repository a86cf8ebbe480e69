"""Running what was recorded again and comparing what comes out; `Studio.replay` is the way to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from studio_kernel.assets.media import identify
from studio_kernel.domain.conditions import changes, conditions
from studio_kernel.domain.runs import RunRecord, RunStatus
from studio_kernel.domain.values import AssetRef, asset_refs
from studio_kernel.errors import InvalidInputError, ReplayRefusedError, RunFailedError
from studio_kernel.metrics.sameness import Sameness, sameness, worst
from studio_kernel.replaying import source
from studio_kernel.replaying.report import ReplayReport, Tolerance, Verdict

if TYPE_CHECKING:
    from studio_kernel.domain.model import ModelCard
    from studio_kernel.replaying.source import Original, Replayable
    from studio_kernel.studio import Studio


@dataclass(frozen=True, slots=True)
class Consent:
    """What the caller agrees to.

    Attributes
    ----------
    accept : bool
        Ask a service although it chooses at random, so that what it charges may prove nothing.
    accept_unknown_price : bool
        Ask a service although nobody knows what it charges.
    """

    accept: bool = False
    accept_unknown_price: bool = False


def replay(
    studio: Studio,
    what: Replayable,
    *,
    tolerance: Tolerance,
    batch_size: int | None,
    consent: Consent,
    progress: bool,
) -> ReplayReport:
    """Run `what` again, wait for it, and return how it compares; see `Studio.replay`."""
    original = source.found(studio, what)
    _require_possible(studio, original, consent)
    origin = original.origin if batch_size is None else replace(original.origin, batch_size=batch_size)
    run = studio.submit_request(
        original.request,
        origin,
        private=original.is_private,
        accept_unknown_price=consent.accept_unknown_price,
    )
    try:
        record = run.wait(progress_bar=progress).record
    except KeyboardInterrupt:
        run.cancel()
        raise
    if record.status is not RunStatus.SUCCEEDED:
        raise RunFailedError(f"{original.name} was run again as {run.id}, which {record.status}: {record.error or ''}")
    return _report(studio, original, record, tolerance)


def _require_possible(studio: Studio, original: Original, consent: Consent) -> None:
    """Refuse, before anything is begun, what cannot come out as it did."""
    card = _card_of(studio, original)
    _require_inputs(studio, original)
    problems = card.problems(original.request.task, original.request.parameters)
    if problems:
        told = "; ".join(map(str, problems))
        raise ReplayRefusedError(f"{original.name}: the model {card.id!r} does not take its settings any more: {told}")
    if studio.works_elsewhere(card.id) and original.request.seed is None and not consent.accept:
        cost = studio.estimate(original.request).cost_usd
        price = f"about {cost:.4g} US$" if cost is not None else "nobody knows how much"
        raise ReplayRefusedError(
            f"{original.name}: the service of {card.id!r} takes no seed and chooses at random, so it will make "
            f"something else and charge for it ({price}); accept=True (--accept) asks it all the same"
        )


def _card_of(studio: Studio, original: Original) -> ModelCard:
    model = original.request.model
    if model not in studio.models:
        raise ReplayRefusedError(
            f"{original.name} was made with the model {model!r}, which the catalog does not have; add it to "
            f"{str(studio.home.catalog)!r} or open the home that has it"
        )
    card = studio.models[model]
    status = studio.models.status(card)
    if not status.selectable:
        raise ReplayRefusedError(f"{original.name}: the model {model!r} cannot be used here: {status.reason}")
    return card


def _require_inputs(studio: Studio, original: Original) -> None:
    missing = [name for name, refs in _inputs(original) if any(not studio.has_file(ref) for ref in refs)]
    if missing:
        raise ReplayRefusedError(
            f"{original.name} was made from files that this home does not have, given as {', '.join(missing)}; "
            "bring them in first, unchanged: studio.import_files([…]) or studio import FILE"
        )


def _inputs(original: Original) -> Iterator[tuple[str, list[AssetRef]]]:
    for name, value in original.request.parameters.items():
        yield name, list(asset_refs(value))


def _report(studio: Studio, original: Original, record: RunRecord, tolerance: Tolerance) -> ReplayReport:
    recorded = conditions(original.engine, original.environment)
    now = conditions(record.engine, source.environment_of(studio, record))
    pairs = _pairs(original, source.files_of(studio, record))
    copies = [_is_copy(one, other) for one, other in pairs]
    found = [_apart(one, other) for one, other in pairs]
    numbers = worst(found) if found else None
    return ReplayReport(
        original.name,
        original.run_id,
        record.id,
        _verdict(found, copies, tolerance, is_complete=_is_complete(original, record)),
        changes(recorded, now),
        numbers,
        tolerance,
        tuple(_notes(studio, original, record, is_copy=any(copies))),
        any(copies),
    )


def _pairs(original: Original, made: dict[int, bytes]) -> list[tuple[bytes, bytes]]:
    return [(data, made[index]) for index, data in original.files.items() if index in made]


def _is_complete(original: Original, record: RunRecord) -> bool:
    return original.files.keys() <= {asset.index for asset in record.assets}


def _is_copy(one: bytes, other: bytes) -> bool:
    """Whether a file is of another kind or size than what is made: somebody has converted it."""
    first, second = identify(one), identify(other)
    sizes = (first.width, first.height), (second.width, second.height)
    return first.media_type != second.media_type or sizes[0] != sizes[1]


def _apart(one: bytes, other: bytes) -> Sameness:
    kinds = [identify(each).media_type for each in (one, other)]
    try:
        if kinds[0].partition("/")[0] == kinds[1].partition("/")[0]:
            return sameness(one, other, kinds[0])
    except InvalidInputError as error:
        return Sameness(same_bytes=False, psnr_db=0.0, share=1.0, note=str(error))
    return Sameness(same_bytes=False, psnr_db=0.0, share=1.0, note=f"one is {kinds[0]}, the other {kinds[1]}")


def _verdict(found: list[Sameness], copies: list[bool], tolerance: Tolerance, *, is_complete: bool) -> Verdict:
    if not found and is_complete:
        return "not compared"
    if is_complete and all(each.is_same for each in found):
        return "identical"
    near = all(tolerance.covers(each, is_copy=copy) for each, copy in zip(found, copies, strict=True))
    return "within tolerance" if is_complete and near else "different"


def _notes(studio: Studio, original: Original, record: RunRecord, *, is_copy: bool) -> Iterator[str]:
    if not _is_complete(original, record):
        yield f"The original has {len(original.files)} files, the new run {len(record.assets)}."
    if is_copy:
        yield (
            "The file is a copy in another format or size than the model makes, so it is compared with "
            "the tolerance for copies; keep the file as it was made to compare it exactly."
        )
    if not original.environment:
        yield "Nothing was recorded but the request, so what differs cannot be told."
    if studio.works_elsewhere(record.request.model):
        yield "A service made it: what it computes with is not known here, and it decides whether a seed repeats."
