import pytest

from fal_jobs import Workplace, fal_cards
from servers.fal import KEY, Fal


@pytest.fixture(scope="session")
def cards():
    return fal_cards()


@pytest.fixture
def fal(cards):
    """A server with some models of each kind; `Fal.add` gives it another."""
    wanted = ("flux_1_dev", "sora2_text_to_video", "sora2_video_to_video_remix", "sync_lipsync_2", "birefnet_v2")
    return Fal([cards[f"fal/{name}"] for name in wanted])


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
