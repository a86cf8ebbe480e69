import pytest

from fal_jobs import Workplace, fal_cards
from servers.fal import KEY, Fal


@pytest.fixture(scope="session")
def cards():
    return fal_cards()


@pytest.fixture
def fal(cards):
    """A server with some models of each kind; `Fal.add` gives it another."""
    wanted = ("flux_1_dev", "sora_2_t2v", "sora_2_remix")
    return Fal([card for name, card in cards.items() if name.removeprefix("fal/") in wanted])


@pytest.fixture
def net(internet, fal, monkeypatch):
    monkeypatch.setenv("FAL_KEY", KEY)
    return internet(fal)


@pytest.fixture
def place(net, fal, cards, tmp_path):
    """What a job needs, with the server connected."""
    made = Workplace(fal, net, cards, tmp_path)
    yield made
    made.close()
