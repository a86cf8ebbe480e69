"""The projects of a home: making and changing them, and what is in each.

A project is a name that runs carry. One that nobody has made, but that runs name, is a project all the same: it is
listed, and becomes one with a title when it is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from immutabledict import immutabledict

from studio_kernel.domain.marks import PROJECT_SETTINGS, Project, ProjectCard
from studio_kernel.domain.values import Value
from studio_kernel.errors import InvalidRequestError, Problem, UnknownProjectError
from studio_kernel.runlog import RunFilter, RunLog

_MAX_TITLE_LENGTH = 200
_MAX_DESCRIPTION_LENGTH = 4000
_MAX_SETTING_LENGTH = 200


class Projects:
    """The projects of a home.

    Parameters
    ----------
    log : RunLog
        Its run log.
    """

    def __init__(self, log: RunLog) -> None:
        self._log = log

    def create(self, title: str, id: str | None, description: str) -> Project:  # noqa: A002
        """Make one; its id is made from the title when none is given. One of that id is given the title.

        Raises
        ------
        InvalidRequestError
            When no id can be made of the title, or a text is too long.
        """
        slug = id or id_of(title)
        if not slug:
            raise InvalidRequestError([Problem("title", f"{title!r} has no letters or digits")], "project")
        made = self._made(slug) or Project(slug, title, created_at=datetime.now(UTC))
        return self._logged(replace(made, title=title, description=description or made.description))

    def change(
        self,
        project_id: str,
        *,
        title: str | None,
        description: str | None,
        archived: bool | None,
        settings: Mapping[str, Value] | None,
    ) -> Project:
        """Change what is given and return the project as it is then.

        Raises
        ------
        UnknownProjectError
            When nobody has made it and no run names it.
        InvalidRequestError
            When a text is too long, or a setting is none that a project has.
        """
        told = {"title": title, "description": description, "archived": archived}
        changes = {name: value for name, value in told.items() if value is not None}
        changed = replace(self._find(project_id), **changes)  # type: ignore[arg-type]  # each of its own type
        if settings is not None:
            changed = replace(changed, settings=_checked_settings(settings))
        return self._logged(changed)

    def cards(self, *, archived: bool) -> list[ProjectCard]:
        """Return every project with what is in it, the one that changed last first.

        Parameters
        ----------
        archived : bool
            Also those that were put away.
        """
        made = {project.id: project for project in self._log.projects()}
        contents = self._log.project_contents()
        cards = [
            replace(contents.get(name, ProjectCard(Project(name, name))), project=made.get(name) or Project(name, name))
            for name in made.keys() | contents.keys()
        ]
        cards = [_dated(card) for card in cards if archived or not card.project.archived]
        return sorted(cards, key=lambda card: (card.changed_at or _LONG_AGO, card.project.id), reverse=True)

    def _find(self, project_id: str) -> Project:
        if (made := self._made(project_id)) is not None:
            return made
        if self._log.count(RunFilter(project=project_id, deleted=None)):
            return Project(project_id, project_id)
        raise UnknownProjectError(
            f"no project {project_id!r} in this home; studio.project_cards() lists what there is, "
            "studio.create_project() makes one"
        )

    def _made(self, project_id: str) -> Project | None:
        return next((project for project in self._log.projects() if project.id == project_id), None)

    def _logged(self, project: Project) -> Project:
        _check_texts(project)
        self._log.project(project)
        return project


def id_of(title: str) -> str:
    """Return the id that is made of a title: its letters and digits; empty when it has none."""
    return "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def _dated(card: ProjectCard) -> ProjectCard:
    """Return a card that is as new as its project is."""
    times = [time for time in (card.changed_at, card.project.changed_at, card.project.created_at) if time is not None]
    return replace(card, changed_at=max(times, default=None))


def _check_texts(project: Project) -> None:
    problems = []
    if not project.title.strip() or len(project.title) > _MAX_TITLE_LENGTH:
        problems.append(Problem("title", f"has 1 … {_MAX_TITLE_LENGTH} characters; got {project.title[:80]!r}"))
    if len(project.description) > _MAX_DESCRIPTION_LENGTH:
        problems.append(Problem("description", f"has at most {_MAX_DESCRIPTION_LENGTH} characters"))
    if problems:
        raise InvalidRequestError(problems, "project")


def _checked_settings(settings: Mapping[str, Value]) -> Mapping[str, Value]:
    """Return settings without those that are empty."""
    known = ", ".join(PROJECT_SETTINGS)
    unknown = [name for name in settings if name not in PROJECT_SETTINGS]
    problems = [Problem(str(name), f"is no setting of a project; there are {known}") for name in unknown]
    problems += [
        Problem(name, f"is text of at most {_MAX_SETTING_LENGTH} characters, got {value!r:.80}")
        for name, value in settings.items()
        if value is not None and not (isinstance(value, str) and len(value) <= _MAX_SETTING_LENGTH)
    ]
    if problems:
        raise InvalidRequestError(problems, "project")
    return immutabledict({name: value for name, value in settings.items() if value})
