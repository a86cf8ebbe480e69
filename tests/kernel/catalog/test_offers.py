"""Models that several services have: how their requests are translated, and what is wrong with an entry."""

import pytest

from studio_kernel.catalog.loader import load
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.errors import InvalidRequestError

ENTRY = """
models:
  two:
    creator: Tests
    tasks: [text-to-image]
    offers:
      - model: {model}
        names: {names}
    parameters:
      prompt:
      width: {{max: 1536}}
      height: {{max: 1536}}
      eta:
"""
SIZES = "{width: image_size, height: image_size}"


@pytest.fixture
def loaded(tmp_path):
    def read(*texts):
        for place, text in enumerate(texts):
            (tmp_path / f"{place}.yaml").write_text(text)
        return load(tmp_path)

    return read


def asked(**values):
    return GenerationRequest("two", Task.TEXT_TO_IMAGE, {"prompt": "a boat", "width": 640, "height": 512, **values})


def test_two_parameters_become_the_one_that_a_service_has(loaded):
    models = loaded(ENTRY.format(model="fal/flux_1_dev", names=SIZES)).models
    [offer] = models["two"].offers

    there = offer.request(asked(), models["two"], models["fal/flux_1_dev"])

    assert (there.model, there.parameters["image_size"]) == ("fal/flux_1_dev", (640, 512))


def test_what_a_service_lacks_is_left_out_while_it_is_the_default(loaded):
    models = loaded(ENTRY.format(model="fal/flux_1_dev", names=SIZES)).models
    [offer] = models["two"].offers

    assert "eta" not in offer.request(asked(eta=0.0), models["two"], models["fal/flux_1_dev"]).parameters
    with pytest.raises(InvalidRequestError, match="eta: 'fal/flux_1_dev' has no such parameter"):
        offer.request(asked(eta=0.5), models["two"], models["fal/flux_1_dev"])


@pytest.mark.parametrize(
    ("model", "names", "said"),
    [
        ("fal/flux_1_dov", "{}", "did you mean 'fal/flux_1_dev'"),
        ("flux-dev", "{}", "has offers itself"),
        ("fal/flux_1_dev", "{size: image_size}", "'size' is not a parameter of this model"),
        ("fal/flux_1_dev", "{width: image_sise}", "'image_sise' is not a parameter of 'fal/flux_1_dev'"),
    ],
)
def test_an_offer_of_what_is_not_there_is_a_mistake(loaded, model, names, said):
    catalog = loaded(ENTRY.format(model=model, names=names))

    assert "two" not in catalog.models
    assert any(said in problem.message for problem in catalog.problems)


def test_a_model_stands_at_one_place_or_has_offers(loaded):
    catalog = loaded(ENTRY.format(model="fal/flux_1_dev", names=SIZES).replace("creator: Tests", "endpoint: fal-ai/x"))

    assert any("beside 'offers'" in problem.message for problem in catalog.problems)


def test_an_entry_of_ones_own_that_spoils_an_offer_that_ships_costs_that_offer_alone(loaded):
    own = "models: {fal/flux_1_dev: {engine: fal, endpoint: mine/x, tasks: [text-to-image], parameters: {prompt: }}}"

    catalog = loaded(own)

    assert [offer.model for offer in catalog.models["flux-dev"].offers] == ["replicate/flux-dev"]
    assert not catalog.problems
