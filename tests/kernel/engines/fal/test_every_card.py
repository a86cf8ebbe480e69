"""Every card of the catalog is run from its description alone, against a server that checks every argument."""

import pytest

from fal_jobs import Workplace, fal_cards
from servers.connections import connected
from servers.fal import KEY, Fal
from studio_kernel.domain.events import Answered, Finished, Produced, Ticket


@pytest.fixture(scope="module")
def module_place(cards, tmp_path_factory):
    fal = Fal(cards.values())
    with pytest.MonkeyPatch.context() as patch, connected(patch, tmp_path_factory.mktemp("net"), fal) as net:
        made = Workplace(fal, net, cards, tmp_path_factory.mktemp("files"))
        yield made
        made.close()


@pytest.mark.parametrize("with_all", [False, True], ids=["required", "all"])
@pytest.mark.parametrize("name", list(fal_cards()))
def test_a_card_runs_from_its_description(name, with_all, module_place, monkeypatch):
    monkeypatch.setenv("FAL_KEY", KEY)
    card = module_place.cards[name]
    before = len(module_place.fal.submits)

    events = module_place.events(module_place.request_of(card, with_all=with_all))

    kind = card.output["kind"].removesuffix("s")
    files = [event for event in events if isinstance(event, Produced)]
    assert files
    assert files[0].media_type.startswith(f"{kind}/")
    assert len(module_place.fal.submits) == before + 1
    assert [type(event) for event in events if isinstance(event, (Ticket, Answered, Finished))] == [
        Ticket, Answered, Finished,
    ]  # fmt: skip
    report = next(event.report for event in events if isinstance(event, Answered))
    assert set(card.output["other_fields"]) - {"mask_image"} <= set(report)
