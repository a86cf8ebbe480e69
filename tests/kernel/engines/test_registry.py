from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from studio_kernel.engines.procedural import ProceduralEngine
from studio_kernel.engines.registry import GROUP, EngineRegistry
from studio_kernel.errors import ModelUnavailableError


def plugin(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, GROUP)


GOOD = plugin("procedural", "studio_kernel.engines.procedural:ProceduralEngine")
BROKEN = plugin("broken", "no_such_package.engine:Engine")


class OtherEngine(ProceduralEngine):
    def __init__(self) -> None:
        self.closed = 0

    @property
    def name(self) -> str:
        return "other"

    def close(self) -> None:
        self.closed += 1


def test_the_installed_engines_are_found() -> None:
    registry = EngineRegistry()

    assert {"diffusers", "procedural"} <= set(registry.names)
    assert registry.get("diffusers").name == "diffusers"


def test_an_engine_is_made_once() -> None:
    registry = EngineRegistry([GOOD])

    assert registry.get("procedural") is registry.get("procedural")


def test_an_unknown_engine_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(ModelUnavailableError, match="no engine is called 'fal'; there are: procedural"):
        EngineRegistry([GOOD]).get("fal")


def test_a_mistyped_engine_is_refused_with_the_one_meant() -> None:
    with pytest.raises(ModelUnavailableError, match="did you mean 'procedural'"):
        EngineRegistry([GOOD]).get("procedual")


def test_a_broken_plugin_harms_itself_only() -> None:
    registry = EngineRegistry([BROKEN, GOOD])

    with pytest.raises(ModelUnavailableError, match=r"'broken'.*ModuleNotFoundError.*repair or uninstall"):
        registry.get("broken")
    assert registry.names == ("broken", "procedural")
    assert registry.get("procedural").name == "procedural"


@pytest.mark.parametrize("value", ["pathlib:Path", "studio_kernel.engines.procedural:ProceduralEngine"])
def test_a_plugin_that_is_no_engine_of_its_name_is_refused(value: str) -> None:
    with pytest.raises(ModelUnavailableError, match="no engine of that name"):
        EngineRegistry([plugin("odd", value)]).get("odd")


def test_two_plugins_of_one_name_are_refused_and_the_same_one_twice_is_not() -> None:
    registry = EngineRegistry([GOOD, GOOD, BROKEN, plugin("broken", "other_package:Engine")])

    assert registry.get("procedural").name == "procedural"
    with pytest.raises(ModelUnavailableError, match=r"claimed by no_such_package.* and other_package"):
        registry.get("broken")


def test_a_registered_engine_goes_before_an_installed_one() -> None:
    mine = ProceduralEngine()
    registry = EngineRegistry([GOOD])

    registry.register(mine)

    assert registry.get("procedural") is mine


def test_something_that_is_no_engine_cannot_be_registered() -> None:
    with pytest.raises(TypeError, match="not an engine"):
        EngineRegistry([]).register(Path())  # type: ignore[arg-type]


def test_closing_closes_what_was_made() -> None:
    mine = OtherEngine()
    registry = EngineRegistry([GOOD])
    registry.register(mine)

    registry.close()

    assert mine.closed == 1
