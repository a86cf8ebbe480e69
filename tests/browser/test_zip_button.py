"""The button for a ZIP without a kernel: what it asks for, and what it keeps."""

from pathlib import Path

import pytest

import studio_widgets

FOLDER = Path(studio_widgets.__file__).parent / "exporting"
STATE = {"label": "Download ZIP", "hint": "2 runs", "busy": False, "disabled": False, "primary": False}
GIVE = "() => model.emit('msg:custom', { kind: 'file', name: 'a.zip' }, [new Uint8Array([80, 75, 5, 6]).buffer])"


@pytest.fixture
def view(mount):
    return mount(FOLDER, dict(STATE))


def asked(page):
    return [message["content"] for message in page.evaluate("model.sent")]


def test_a_click_asks_and_the_file_is_kept_under_its_name(view, tmp_path):
    view.get_by_role("button", name="Download ZIP").click()
    assert asked(view) == [{"kind": "download"}]
    with view.expect_download() as kept:
        view.evaluate(GIVE)
    assert kept.value.suggested_filename == "a.zip"
    assert Path(kept.value.path()).read_bytes() == b"PK\x05\x06"


def test_a_sheet_is_kept_as_what_it_is(view):
    view.evaluate(
        """() => {
            const make = URL.createObjectURL;
            URL.createObjectURL = (blob) => { window.type = blob.type; return make(blob); };
        }"""
    )
    view.get_by_role("button").click()
    with view.expect_download() as kept:
        view.evaluate(GIVE.replace("'a.zip'", "'a.pdf', type: 'application/pdf'"))
    assert kept.value.suggested_filename == "a.pdf"
    assert view.evaluate("window.type") == "application/pdf"


def test_a_page_that_did_not_ask_keeps_nothing(view):
    view.evaluate("() => { window.kept = 0; URL.createObjectURL = () => { window.kept += 1; return ''; }; }")
    view.evaluate(GIVE)
    assert view.evaluate("window.kept") == 0
    view.get_by_role("button").click()
    view.evaluate("() => model.emit('msg:custom', { kind: 'failed' }, [])")
    view.evaluate(GIVE)
    assert view.evaluate("window.kept") == 0


@pytest.mark.parametrize("field", ["busy", "disabled"])
def test_it_asks_for_nothing_while_it_cannot(view, field):
    view.evaluate("(field) => model.set(field, true)", field)
    button = view.get_by_role("button")
    assert button.get_attribute("aria-disabled") == "true"
    button.click(force=True)
    button.focus()
    view.keyboard.press("Enter")
    assert asked(view) == []


def test_that_it_works_is_said_and_the_focus_stays(view):
    view.get_by_role("button").focus()
    view.evaluate("model.set('busy', true)")
    assert view.get_by_role("button").inner_text() == "Preparing…"
    assert view.evaluate("document.activeElement.className") == "sz-button jupyter-button"


def test_its_listeners_go_with_it(view):
    view.evaluate("window.cleanup()")
    assert view.evaluate("Object.values(model.handlers).flat().length") == 0
