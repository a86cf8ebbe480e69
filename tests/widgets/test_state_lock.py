"""What somebody sets while another thread is just telling of changes is neither lost nor taken back."""

import threading

import pytest
import traitlets

from studio_kernel import open as open_studio
from studio_widgets.state import PanelState


class Slow(PanelState):
    """Takes its time to check a choice that another thread has made."""

    choice = traitlets.Unicode()

    def __init__(self, studio):
        super().__init__(studio)
        self.is_checking, self.may_go_on = threading.Event(), threading.Event()

    @traitlets.validate("choice")
    def _checked(self, proposal):
        if threading.current_thread() is not threading.main_thread():
            self.is_checking.set()
            self.may_go_on.wait(60)
        return proposal["value"]


@pytest.fixture
def state(home):
    return Slow(open_studio(home))


def test_the_newest_choice_stays_and_is_told(state):
    told = []
    state.observe(lambda change: told.append(change.new), "choice")

    def choose_in_a_thread():
        with state.hold_trait_notifications():
            state.choice = "old"

    thread = threading.Thread(target=choose_in_a_thread)
    thread.start()
    state.is_checking.wait(60)
    threading.Timer(0.2, state.may_go_on.set).start()
    state.choice = "new"
    thread.join()
    assert (state.choice, told) == ("new", ["old", "new"])
