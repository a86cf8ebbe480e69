"""A message that never came to the page is made good when the panel comes to the screen."""

from waiting import until

CELLS = (
    """
import ipywidgets
from studio_widgets.frame import panel as parts
text, typed = ipywidgets.HTML("old"), ipywidgets.Text("mine", description="Words")
box = parts.PanelBox("Notes", text, typed)
def change_untold():
    for widget, value in ((text, "new"), (typed, "yours")):
        comm, widget.comm = widget.comm, None
        widget.value = value
        widget.comm = comm
""",
    "box",
)
ANOTHER_VIEW = "jupyterapp.commands.execute('notebook:create-output-view')"


def test_what_is_shown_is_told_again_and_what_people_type_is_left_alone(open_lab, lab_server, page):
    kernel_id = open_lab(*CELLS)
    panels = page.locator(".studio-notes")
    panels.first.get_by_text("old", exact=True).wait_for()
    with lab_server.kernel(kernel_id) as kernel:
        until(lambda: kernel("box._pulse._until > 0 and not box._is_new_on_screen"), what="the first look")
        kernel("change_untold()")
    assert panels.first.get_by_text("old", exact=True).is_visible()
    page.evaluate(ANOTHER_VIEW)
    panels.nth(1).wait_for()
    for place in range(2):
        panels.nth(place).get_by_text("new", exact=True).wait_for()
        assert panels.nth(place).get_by_role("textbox", name="Words").input_value() == "mine"
