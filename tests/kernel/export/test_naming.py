"""Names of exported files."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import Origin, RunRecord, RunStatus
from studio_kernel.errors import InvalidRequestError
from studio_kernel.export.naming import FIELDS, LONGEST, name_of, require_pattern


def record(prompt="a red boat", project="harbour", model="fal/flux_1_dev"):
    request = GenerationRequest(model, parameters={"prompt": prompt})
    return RunRecord(
        "0192f0c1-0000-7000-8000-0123456789ab",
        request,
        "fal",
        RunStatus.SUCCEEDED,
        datetime(2026, 11, 21, tzinfo=UTC),
        seed=7,
        origin=Origin(project),
    )


def test_the_usual_name_says_what_and_which():
    assert name_of(record()) == "harbour-fal-flux_1_dev-7-0123456789ab"
    assert name_of(record(project=None), place=2) == "fal-flux_1_dev-7-0123456789ab-2"


def test_every_field_can_be_used():
    pattern = " ".join(f"{{{name}}}" for name in FIELDS)
    require_pattern(pattern)
    assert name_of(record(), pattern) == "harbour-fal-flux_1_dev-text-to-image-7-0123456789ab-a-red-boat-2026-11-21-fal"


def test_unknown_fields_are_named_with_what_there_is():
    with pytest.raises(InvalidRequestError, match=r"\{sed\}.*'seed'"):
        require_pattern("{sed}-{model.__class__}")


@pytest.mark.parametrize("prompt", ["../../etc/passwd", "..", "C:\\x", "con", "a\x00b\n", ".hidden", "<b>|?*\"'"])
def test_a_name_never_leaves_its_folder_or_means_something_else(prompt):
    name = name_of(record(prompt), "{prompt}")
    assert not set(name) & set("/\\\x00\n<>|?*\"':")
    assert not name.startswith(".")
    assert name.casefold() != "con"
    assert name


@given(st.text(), st.text())
def test_any_text_makes_a_name_that_can_be_used(tmp_path_factory, prompt, pattern):
    pattern = pattern.replace("{", "").replace("}", "") + "{prompt}"
    name = name_of(record(prompt), pattern)
    assert 0 < len(name.encode()) <= LONGEST + 1
    path = tmp_path_factory.getbasetemp() / "names" / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    assert path.parent.name == "names"
    path.unlink()
