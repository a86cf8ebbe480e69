"""What a run was made with: what is told of it, and what is not part of that."""

from datetime import UTC, datetime

from immutabledict import immutabledict

from studio_kernel.domain.conditions import made_with
from studio_kernel.domain.difference import compare_conditions
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.runs import RunRecord, RunStatus


def record(engine="diffusers", **provenance):
    request = GenerationRequest("studio-tiny", parameters={"prompt": "a boat"})
    said = immutabledict(provenance)
    return RunRecord("1", request, engine, RunStatus.SUCCEEDED, datetime.now(UTC), seed=7, provenance=said)


def test_what_came_of_a_run_is_no_condition():
    told = record(device="cpu", peak_memory_bytes=5, denoising_s=0.1, may_be_billed=True, problems=immutabledict())
    assert made_with(told.engine, told.provenance) == {"engine": "diffusers", "device": "cpu", "batch_size": 1}


def test_what_is_inside_another_has_a_row_of_its_own():
    one, other = (
        record(scheduler=immutabledict({"class": name, "changes": immutabledict()})) for name in ("DDIM", "Euler")
    )
    [found] = compare_conditions([one, other]).differences
    assert (found.name, found.label) == ("scheduler", "Scheduler")
    assert [cell.text for cell in found.cells] == ["DDIM", "Euler"]


def test_a_cell_made_with_others_differs_from_one_made_alone():
    alone, together = record(device="cpu"), record(device="cpu", batch_size=4)
    [found] = compare_conditions([alone, together]).differences
    assert (found.label, found.cells[1].delta) == ("Batch size", "+3")


def test_of_the_answer_of_a_service_only_what_made_the_picture_is_told():
    told = record("fal", service="fal", endpoint="x/y", fal_client="1.0", has_nsfw_concepts=(False,), request_id="7")
    assert set(made_with(told.engine, told.provenance)) == {"engine", "service", "endpoint", "fal_client"}


def test_what_was_done_for_want_of_memory_is_told_by_itself_and_as_what_came_of_it():
    one, other = (
        record(device="cpu", vae_tiling=False),
        record(device="cpu", vae_tiling=False, fallbacks=("vae_tiling",)),
    )
    found = compare_conditions([one, other]).differences
    assert [(row.label, row.cells[1].text) for row in found] == [("Fallbacks", "vae_tiling"), ("Tiling", "True")]


def test_rows_are_in_the_order_of_their_labels_and_versions_come_behind():
    one = record(torch="2.9", device="cpu", dtype="float32", weights_sha256="ab")
    other = record("procedural", numpy="2.3")
    found = compare_conditions([one, other]).differences
    assert [row.label for row in found] == [
        "Engine", "Device", "Dtype", "Weights", "Numpy", "Torch",
    ]  # fmt: skip
