"""What holds for every request, sweep and provenance: one JSON form, one digest, and the size of a product."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies import names, requests, values
from studio_kernel.domain.provenance import Provenance, parameters_text
from studio_kernel.domain.ranges import linspace
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.sweep import REPLICATE, AxisGroup, Sweep
from studio_kernel.domain.values import canonical, describe, freeze, from_json, to_json


def through_json(data):
    return json.loads(canonical(data))


@given(values())
def test_a_value_survives_json(value):
    frozen = freeze(value)
    assert from_json(through_json(to_json(frozen))) == frozen
    assert isinstance(describe(frozen), str)
    hash(frozen)


@given(requests())
def test_a_request_survives_json_with_its_digest(request):
    again = GenerationRequest.from_json(through_json(request.to_json()))
    assert again == request
    assert (again.digest, hash(again)) == (request.digest, hash(request))


@given(requests(), names.filter(lambda name: name not in ("model", "task")), st.integers())
def test_a_changed_parameter_changes_the_digest_and_its_old_value_brings_it_back(request, name, value):
    old = request.parameters.get(name)
    changed = request.replace(**{name: value})
    assert (changed.digest == request.replace().digest) == (canonical(to_json(old)) == canonical(value))
    assert changed.replace(**{name: old}).digest == request.replace().digest


@given(requests())
def test_the_order_of_parameters_does_not_matter(request):
    backwards = dict(reversed(list(request.parameters.items())))
    assert GenerationRequest(request.model, request.task, backwards).digest == request.digest


@st.composite
def sweeps(draw):
    axes = draw(st.lists(names.filter(lambda name: name != REPLICATE), unique=True, max_size=3))
    points = st.lists(st.integers(), min_size=1, max_size=4, unique=True)
    return Sweep(draw(requests()), tuple(AxisGroup.of(name, tuple(draw(points))) for name in axes))


@given(sweeps())
def test_a_sweep_has_a_cell_for_every_combination(sweep):
    cells = list(sweep.cells())
    assert len(cells) == sweep.size == math.prod(len(group.points) for group in sweep.groups)
    assert [cell.index for cell in cells] == list(range(sweep.size))
    assert len({canonical(to_json(cell.coordinates)) for cell in cells}) == sweep.size
    for cell in cells:
        assert all(
            cell.request.parameters[name] == value for name, value in cell.coordinates.items() if name != "model"
        )


@given(sweeps())
def test_a_sweep_survives_json(sweep):
    assert Sweep.from_json(through_json(sweep.to_json())) == sweep


@given(requests(), names)
def test_provenance_survives_json_and_has_a_text_form(request, engine):
    provenance = Provenance(request, engine, freeze({"torch": "2.13.0", "threads": 2}), 1)
    assert Provenance.from_json(json.loads(provenance.to_text())) == provenance
    assert f"Model: {request.model}" in parameters_text(request)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.integers(2, 50))
def test_linspace_has_its_ends_and_its_count(start, stop, count):
    points = linspace(start, stop, count)
    assert len(points) == count
    assert points[0] == pytest.approx(start, rel=1e-9, abs=1e-9)
    assert points[-1] == pytest.approx(stop, rel=1e-9, abs=1e-9)


def test_linspace_of_one_point_is_its_start_and_of_none_an_error():
    assert linspace(3, 9, 1) == (3.0,)
    with pytest.raises(ValueError, match="at least 1"):
        linspace(1, 2, 0)


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), {"$asset": "x"}, {"a": {"$lora": "x"}}])
def test_what_has_no_json_form_of_its_own_cannot_be_frozen(value):
    with pytest.raises((ValueError, TypeError)):
        freeze(value)


def test_a_sweep_of_the_time_when_axes_stood_alone_is_read():
    base = {"model": "m", "task": "text-to-image", "parameters": {"prompt": "a boat"}}
    sweep = Sweep.from_json(
        {"base": base, "axes": [{"name": "seed", "values": [1, 2]}, {"name": "eta", "values": [0.5]}]}
    )
    assert sweep.groups == (AxisGroup.of("seed", (1, 2)), AxisGroup.of("eta", (0.5,)))
    assert (sweep.rules, sweep.batch_size) == ((), None)
