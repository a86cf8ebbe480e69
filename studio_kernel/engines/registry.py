"""Which engines there are, and one instance of each.

Engines are found through the entry point group ``studio.engines``, so a package that is installed beside the studio
can bring its own. An engine is imported and made when it is first asked for; one that cannot be imported harms only
the models that need it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from studio_kernel.engines.base import Engine
from studio_kernel.errors import ModelUnavailableError, closest

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "studio.engines"


class EngineRegistry:
    """Engines by name.

    Parameters
    ----------
    plugins : iterable of EntryPoint, optional
        Where engines come from; the installed ones of the group ``studio.engines`` when left out.
    prepare : callable
        Called with each engine before it is handed out for the first time.

    Examples
    --------
    >>> registry = EngineRegistry()
    >>> registry.get("procedural").capabilities.repeatable
    True
    """

    def __init__(
        self, plugins: Iterable[EntryPoint] | None = None, prepare: Callable[[Engine], None] = lambda _engine: None
    ) -> None:
        self._prepare = prepare
        found = _installed() if plugins is None else plugins
        self._plugins: dict[str, set[EntryPoint]] = {}
        for plugin in found:
            self._plugins.setdefault(plugin.name, set()).add(plugin)
        self._engines: dict[str, Engine] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all engines, sorted; nothing is imported to find them."""
        with self._lock:
            return tuple(sorted({*self._plugins, *self._engines}))

    def register(self, engine: Engine) -> None:
        """Make `engine` the one that is meant by its name; it goes before an installed one."""
        if not isinstance(engine, Engine):
            raise TypeError(f"{engine!r} is not an engine: it lacks part of studio_kernel.engines.base.Engine")
        self._prepare(engine)
        with self._lock:
            self._engines[engine.name] = engine

    def get(self, name: str) -> Engine:
        """Return the engine called `name`, the same one each time.

        Raises
        ------
        ModelUnavailableError
            When there is none of that name, or its package cannot be loaded.
        """
        with self._lock:
            if name not in self._engines:
                self._engines[name] = self._made(name)
            return self._engines[name]

    def close(self) -> None:
        """Close every engine that was made or registered; they may be used again afterwards."""
        with self._lock:
            engines = list(self._engines.values())
        for engine in engines:
            engine.close()

    def _made(self, name: str) -> Engine:
        plugin = self._plugin(name)
        try:
            engine = plugin.load()()
        except Exception as error:  # whatever a foreign package raises is shown with its cause
            raise ModelUnavailableError(
                f"the engine {name!r} ({plugin.value}) cannot be loaded: {type(error).__name__}: {error}; "
                "repair or uninstall its package"
            ) from error
        if not isinstance(engine, Engine) or engine.name != name:
            raise ModelUnavailableError(
                f"{plugin.value} is registered as the engine {name!r} but is no engine of that name; "
                "repair or uninstall its package"
            )
        self._prepare(engine)
        return engine

    def _plugin(self, name: str) -> EntryPoint:
        candidates = sorted(self._plugins.get(name, ()), key=lambda plugin: plugin.value)
        if len(candidates) == 1:
            return candidates[0]
        if candidates:
            claims = " and ".join(plugin.value for plugin in candidates)
            raise ModelUnavailableError(f"the engine {name!r} is claimed by {claims}; uninstall one of their packages")
        known = sorted({*self._plugins, *self._engines})
        close = closest(name, known)
        hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"there are: {', '.join(known) or 'none'}"
        raise ModelUnavailableError(f"no engine is called {name!r}; {hint}")


def _installed() -> Iterable[EntryPoint]:
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)
