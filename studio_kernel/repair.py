"""Mending a home: ``studio doctor --repair``.

What can be made again is made again: the two DuckDB files from journals and archives, thumbnails from pictures. What
cannot is looked at byte by byte and named with the runs that refer to it: a damaged file is moved to
``assets/damaged/``, and nothing that a run refers to is ever deleted. A second repair finds nothing left to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from studio_kernel.assets import AssetStore, upkeep
from studio_kernel.assets.thumbnails import can_be_shown
from studio_kernel.assets.upkeep import StoredFile
from studio_kernel.doctor import Check
from studio_kernel.errors import InvalidInputError, RunLogError
from studio_kernel.gc import alone, collect_leftovers
from studio_kernel.runlog.references import Reference
from studio_kernel.runlog.upkeep import LogUpkeep, Mended
from studio_kernel.studio import Studio

_SHOWN = 20
_HAD_AGAIN = (
    "the home has no other copy; give an input again as the same file, and repeat a run for an output "
    "(bit for bit the same only on the same machine and versions)"
)


def mend(studio: Studio) -> list[Check]:
    """Mend what can be mended and return what was found and done, a check for each thing.

    Raises
    ------
    ReadOnlyError
        For a viewer.
    HomeError
        When somebody else removes or mends files of this home right now, or it cannot be written.
    """
    log = LogUpkeep(studio.home.runlog)
    with alone(studio):
        checks = [_database(mended) for mended in log.mend()]
        checks += _bad_lines(log)
        checks += _files(studio.assets, log)
        checks += [_runs(done) for done in studio.mend()]
    return [*checks, _leftovers(studio)]


def _database(mended: Mended) -> Check:
    parts = {
        "sound": ["read as a whole and sound"],
        "missing": ["was missing, built from the journals"],
        "damaged": ["was damaged, built anew; the damaged one is kept beside it as ….bad-…"],
        "unread": [],
    }[mended.was]
    if mended.folded_bytes:
        parts.append(f"{mended.folded_bytes} bytes of journals folded")
    if mended.problem:
        return Check(mended.path.name, "limited", "; ".join([*parts, mended.problem]), "repair again later")
    return Check(mended.path.name, "works", "; ".join(parts))


def _runs(done: str) -> Check:
    return Check("run of the dead", "works", done)


def _bad_lines(log: LogUpkeep) -> Iterator[Check]:
    lines = log.bad_lines()
    for line in lines[:_SHOWN]:
        advice = "look at it; delete the file once nothing in it matters"
        yield Check("unreadable line", "limited", f"{line.path}, line {line.number}: it {line.fault}", advice)
    if len(lines) > _SHOWN:
        yield Check("unreadable line", "limited", f"and {len(lines) - _SHOWN} more beside them")


def _files(store: AssetStore, log: LogUpkeep) -> Iterator[Check]:
    """Look at every file that a run or a sweep refers to."""
    try:
        wanted = log.digests()
    except RunLogError as error:
        yield Check("files", "limited", f"not looked at, since the log cannot be read: {error}")
        return
    stored = {file.digest: file for file in upkeep.listed(store) if file.kind == "asset" and file.digest in wanted}
    damaged = [file for file in _with_progress(stored.values(), "verify") if not upkeep.is_sound(file)]
    for file in damaged:
        yield from _set_aside(store, file, log)
    yield from _missing(sorted(wanted - stored.keys()), log)
    yield Check("files", "works", f"{len(stored) - len(damaged)} of {len(wanted)} are there with the right bytes")
    yield from _thumbnails(store, [file for file in stored.values() if file not in damaged])


def _set_aside(store: AssetStore, file: StoredFile, log: LogUpkeep) -> Iterator[Check]:
    place = upkeep.set_aside(store, file)
    if place is not None:
        users = _users(log.references_to([file.digest]))
        yield Check("damaged file", "broken", f"{file.digest}: moved to {place}; {users}", _HAD_AGAIN)


def _missing(digests: Sequence[str], log: LogUpkeep) -> Iterator[Check]:
    by_digest: dict[str, list[Reference]] = {digest: [] for digest in digests}
    for reference in log.references_to(digests) if digests else ():
        by_digest[reference.sha256].append(reference)
    for digest in digests[:_SHOWN]:
        yield Check("missing file", "broken", f"{digest}: {_users(by_digest[digest])}", _HAD_AGAIN)
    if len(digests) > _SHOWN:
        yield Check("missing file", "broken", f"and {len(digests) - _SHOWN} more")


def _users(references: Iterable[Reference]) -> str:
    return ", ".join(f"{'made by' if each.is_output else 'given to'} {each.owner} {each.id}" for each in references)


def _thumbnails(store: AssetStore, files: Sequence[StoredFile]) -> Iterator[Check]:
    """Make the thumbnails that are missing."""
    there = {file.digest for file in upkeep.listed(store) if file.kind == "thumbnail"}
    pictures = [file for file in files if can_be_shown(file.ref.media_type) and file.digest not in there]
    failed: list[str] = []
    for file in _with_progress(pictures, "thumbnails"):
        try:
            if store.thumbnail(file.ref) is None:
                failed.append(f"{file.digest}: it cannot be decoded")
        except (InvalidInputError, OSError) as error:
            failed.append(f"{file.digest}: {error}")
    made = len(pictures) - len(failed)
    yield Check("thumbnails", "works", f"{made} made" if made else "none missing" if not failed else "none made")
    for text in failed[:_SHOWN]:
        yield Check("thumbnails", "limited", text, "the file has the bytes that were logged, but is no picture to show")


def _leftovers(studio: Studio) -> Check:
    collected = collect_leftovers(studio)
    if collected.refusal:
        return Check("leftovers", "limited", collected.refusal)
    count = collected.count
    return Check("leftovers", "works", f"{count} file(s) of killed processes removed" if count else "none")


def _with_progress(files: Iterable[StoredFile], what: str) -> Iterable[StoredFile]:
    from tqdm.auto import tqdm

    return tqdm(list(files), desc=what, unit="file", delay=1.0)
