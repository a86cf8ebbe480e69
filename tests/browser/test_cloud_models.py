"""A cloud model in the panel, in a real kernel that reaches its service over the loopback: it works, and it fails."""

import os

import pytest

from fal_jobs import fal_cards
from servers.fal import KEY, Fal
from servers.internet import Answer
from waiting import until

FLUX = "fal/flux_1_dev"
CONNECTED = ("HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE")
OPENED = f"""
import tempfile
import studio_kernel as sk
from studio_widgets import GenerationPanel
studio = sk.open(tempfile.mkdtemp(), runner="inline")
panel = GenerationPanel(studio, model="{FLUX}")
panel.state.prompt = "a red boat on the sea"
"""


@pytest.fixture
def fal():
    return Fal([fal_cards()[FLUX]])


@pytest.fixture
def net(internet, fal):
    return internet(fal)


@pytest.fixture
def in_lab(net, open_lab, lab_server, page, monkeypatch, tmp_path):
    """in_lab(**environment): (page, kernel) with the panel loaded in a kernel that is connected to the service."""
    kernels = []

    def begin(**environment):
        page.set_viewport_size({"width": 1280, "height": 1400})
        env = {name: os.environ[name] for name in CONNECTED} | {"STUDIO_KEYS_FROM": str(tmp_path)} | environment
        kernel_id = open_lab(f"import os\nos.environ.update({env!r})", OPENED, "panel")
        page.get_by_role("button", name="Generate").wait_for()
        kernels.append(lab_server.kernel(kernel_id))
        return kernels[-1].__enter__()

    yield begin
    for kernel in kernels:
        kernel.__exit__(None, None, None)


def test_a_model_says_which_key_it_lacks_and_makes_a_picture_once_it_has_it(in_lab, page, fal, screenshot):
    kernel = in_lab()
    page.get_by_role("alert").get_by_text("fal.ai/dashboard/keys").wait_for()
    assert page.get_by_role("button", name="Generate").is_disabled()
    screenshot("cloud-no-key", ".studio-generate")

    kernel(f"os.environ.update(FAL_KEY={KEY!r})")
    kernel("panel.state.look_again()")
    page.get_by_role("button", name="Generate", disabled=False).press("Enter")

    page.get_by_alt_text("a red boat on the sea", exact=True).wait_for()
    page.locator(".st-facts").get_by_text("0.025 $ billed").wait_for()
    page.locator(".st-facts").get_by_text("fal: fal-ai/flux/dev").wait_for()
    assert len(fal.submits) == 1
    screenshot("cloud-result", ".studio-generate")


def test_what_the_service_refuses_is_marked_at_its_control(in_lab, page, fal, screenshot):
    in_lab(FAL_KEY=KEY)
    refusal = {"loc": ["body", "guidance_scale"], "msg": "no", "type": "less_than", "ctx": {"lt": 3}, "input": 3.5}
    fal.fail_next(Answer(422, {"detail": [refusal]}))

    page.get_by_role("button", name="Generate").press("Enter")

    page.get_by_role("alert").get_by_text("Nothing was charged").wait_for()
    marked = page.locator(".st-wrong", has=page.get_by_role("slider", name="Guidance scale"))
    marked.get_by_text("must be less than 3").wait_for()
    screenshot("cloud-refused", ".studio-generate")
    page.get_by_role("slider", name="Guidance scale").focus()
    page.keyboard.press("ArrowLeft")
    marked.wait_for(state="detached")


def test_a_network_that_goes_away_is_told_and_waited_for(in_lab, page, net, fal, screenshot):
    kernel = in_lab(FAL_KEY=KEY)
    fal.seconds = 5.0
    page.get_by_role("button", name="Generate").press("Enter")
    until(lambda: kernel("panel.state.stage") == "working", what="the job at work")

    net.unplug()
    page.get_by_role("status").get_by_text("no answer of fal, trying again").wait_for()
    screenshot("cloud-unplugged", ".studio-generate")
    net.plug_in()

    page.get_by_alt_text("a red boat on the sea", exact=True).wait_for()
    assert len(fal.submits) == 1
