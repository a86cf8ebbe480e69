"""A real kernel that publishes faster than anybody fetches."""

MANY = 8_000
PANEL = "from studio_widgets.frame.panel import PanelBox; panel = PanelBox('Words')"
PUBLISH = f"""
from IPython.display import display
for number in range({MANY}):
    display({{"text/plain": "word " * 400}}, raw=True)
"""


def test_a_page_that_is_slow_gets_every_message(kernel):
    kernel.execute_interactive(PANEL, output_hook=lambda _message: None, timeout=60)
    asked = kernel.execute(PUBLISH)
    assert kernel.get_shell_msg(timeout=60)["content"]["status"] == "ok"  # nothing was fetched until here
    displayed = 0
    while (message := kernel.get_iopub_msg(timeout=60))["content"].get("execution_state") != "idle":
        displayed += message["msg_type"] == "display_data" and message["parent_header"]["msg_id"] == asked
    assert displayed == MANY
