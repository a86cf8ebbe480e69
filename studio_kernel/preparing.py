"""What is said of a run before it is made: the complete request, what it would take, whether budgets allow it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from studio_kernel.budgets import Budgets
from studio_kernel.domain.estimate import Estimate, MemoryEstimate, Setup
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin
from studio_kernel.domain.tasks import Task
from studio_kernel.drafting import DEFAULT_TASK, Drafting
from studio_kernel.errors import StudioError
from studio_kernel.estimates.estimator import Estimator
from studio_kernel.estimates.vram.subject import Subject
from studio_kernel.finding import FoundHome
from studio_kernel.reported import ReportedValues
from studio_kernel.reports import Standing, standing


class PreparedHome(FoundHome):
    """A home in which requests are completed, estimated and held against its budgets.

    Attributes
    ----------
    budgets : Budgets
        What may be spent.
    """

    budgets: Budgets
    _estimator: Estimator

    # Requests

    def default_model(self, task: Task | None = None) -> ModelCard:
        """Return the model meant for `task` when none is named; text to image when no task is named either."""
        return self._drafting.default_model(task or DEFAULT_TASK)

    def works_elsewhere(self, model: str) -> bool:
        """Whether a model of the catalog is computed by a service."""
        return self._workshop.works_elsewhere(self.models[model])

    def request(
        self,
        prompt: str | None = None,
        *,
        model: str | None = None,
        task: Task | str | None = None,
        **parameters: object,
    ) -> GenerationRequest:
        """Return the complete, checked request that `submit` would run, without running it.

        Raises
        ------
        StudioError
            When it cannot be done as written.
        """
        return self.complete(self._drafting.draft(model, task, {"prompt": prompt, **parameters}))

    def complete(self, draft: GenerationRequest) -> GenerationRequest:
        """Return `draft` with defaults filled in, values in their canonical form and a seed chosen.

        Raises
        ------
        StudioError
            When it cannot be done as written.
        """
        return self._drafting.complete(draft)

    def complete_each(self, drafts: Iterable[GenerationRequest]) -> Iterator[GenerationRequest | StudioError]:
        """Yield each draft complete, or why it cannot be done."""
        return self._drafting.complete_each(drafts)

    # What they take

    def estimate(
        self,
        prompt: str | GenerationRequest | None = None,
        *,
        model: str | None = None,
        task: Task | str | None = None,
        setup: Setup | None = None,
        **parameters: object,
    ) -> Estimate:
        """Return what a run would take – memory, time and money – without running it.

        Also of a model that cannot be used here, such as one that is not downloaded yet, and without what the model
        requires, such as a prompt.

        Parameters
        ----------
        prompt : str or GenerationRequest
            A complete request, or the prompt of one.
        setup : Setup
            How the model would be held, such as ``Setup(offload="model")``; as it is here when left out.
        model, task, **parameters
            As for `submit`.

        Raises
        ------
        StudioError
            When it cannot be done as written.

        Examples
        --------
        >>> estimate = studio.estimate("a red boat", width=128, height=128)  # doctest: +SKIP
        >>> estimate.vram_bytes, estimate.seconds, estimate.cost_usd  # doctest: +SKIP
        """
        self.require_editor("estimate")
        if isinstance(prompt, GenerationRequest):
            return self._estimator.estimate(prompt, setup=setup)
        draft = self._drafting.draft(model, task, {"prompt": prompt, **parameters})
        return self._estimator.estimate(self._drafting.sketched(draft), setup=setup)

    def estimate_architecture(
        self,
        architecture: str,
        *,
        width: int | None = None,
        height: int | None = None,
        num_frames: int | None = None,
        num_images: int = 1,
        guided: bool = True,
        setup: Setup | None = None,
    ) -> MemoryEstimate:
        """Return the memory of a well-known model, whether or not it is on this machine or could run here.

        Parameters
        ----------
        architecture : str
            Such as ``flux1-dev`` or ``wan22-ti2v-5b``; a name that is not known is answered with all of them.
        width, height, num_frames : int or None
            The model's usual ones when left out.
        guided : bool
            With classifier-free guidance.
        setup : Setup
            How it would be held; resident, in its usual precision, on the device here when left out.

        Raises
        ------
        ModelUnavailableError
            When there is none of that name.
        """
        self.require_editor("estimate")
        subject = Subject(
            architecture=architecture,
            width=width,
            height=height,
            num_frames=num_frames,
            num_images=num_images,
            is_guided=guided,
        )
        return self._estimator.architecture(subject, setup)

    def budget_standing(self, project: str | None = None) -> list[Standing]:
        """Return every budget of this home and what is left of it; nothing when none is set.

        Parameters
        ----------
        project : str
            Of the budgets of projects only this one's; those of all that the settings or the home name when left out.

        Raises
        ------
        SettingsError
            When the home's settings cannot be understood.

        Examples
        --------
        >>> for name, limit, spent, left, window in studio.budget_standing():  # doctest: +SKIP
        ...     print(f"{name}, {window}: {left:.2f} $ of {limit:.2f} $ left")
        """
        projects = [each.id for each in self.projects()] if project is None else [project]
        return standing(self.budgets.standing(projects), project)

    def require_affordable(
        self, asked: Iterable[tuple[GenerationRequest, Origin]], *, accept_unknown_price: bool = False
    ) -> None:
        """Refuse runs that together would cost more than a budget allows, or whose price nobody knows.

        Raises
        ------
        BudgetExceededError, UnknownPriceError
            As `Budgets.require`.
        """
        self._orders.require_affordable(asked, accept_unknown_price=accept_unknown_price)

    # Inside

    @property
    def _drafting(self) -> Drafting:
        return Drafting(self.models, self.assets, self.wildcards, ReportedValues(self._workshop, self._log))

    @property
    def _private_drafting(self) -> Drafting:
        return replace(self._drafting, assets=self._private_space.assets)
