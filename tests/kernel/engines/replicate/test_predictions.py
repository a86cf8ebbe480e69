"""A prediction at Replicate, from request to files."""

import base64
from dataclasses import replace

import pytest
from PIL import Image

from engine_subjects import decoded, encoded, files, started
from servers.connections import KEYS
from servers.replicate import VERSION, Script, picture
from studio_kernel.domain.events import WAITING, Answered, Finished, Progress, Ticket
from studio_kernel.domain.model import ModelSource
from studio_kernel.domain.price import Price
from studio_kernel.errors import BadAnswerError, Cancelled, ParametersRefusedError, ResultExpiredError

IN_DATA = f"data:image/png;base64,{base64.b64encode(picture()).decode()}"


def at(bench, endpoint):
    bench.card = replace(bench.card, source=ModelSource(endpoint=endpoint))
    return bench


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def test_an_official_model_makes_a_picture(bench):
    events = bench.run()

    assert [type(event) for event in events if not isinstance(event, Progress)][-1] is Finished
    assert decoded(files(events)[0].data).size == (32, 32)
    assert bench.net.requests("POST", "/v1/models/black-forest-labs/flux-schnell/predictions")
    assert bench.site.created == [{"input": {"prompt": "a red boat", "seed": 7}}]


@pytest.mark.parametrize("endpoint", [f"studio/versioned:{VERSION}", VERSION])
def test_a_version_makes_a_picture(bench, endpoint):
    events = at(bench, endpoint).run()

    assert len(files(events)) == 1
    assert bench.site.created[0]["version"] == VERSION
    assert of(events, Answered)[0].report["model_version"] == VERSION


def test_the_ticket_comes_before_anything_is_waited_for(bench):
    events = bench.run()
    ticket = of(events, Ticket)[0]

    assert ticket.remote_id in bench.site.predictions
    assert events.index(ticket) == 1
    assert "prefer" not in bench.net.requests("POST", ".*predictions")[0].headers


def test_parameters_are_sent_under_the_names_of_the_service(bench):
    bench.run(num_images=2)

    assert bench.site.created[0]["input"]["num_outputs"] == 2


def test_a_job_that_has_not_begun_is_shown_as_waiting(bench):
    bench.site.script = Script(looks=3, status="aborted")
    stages = []
    with pytest.raises(Exception, match="given up before it began"):
        stages.extend(event.stage for event in bench.stream() if isinstance(event, Progress))

    assert set(stages) <= {WAITING}


def test_progress_is_the_last_bar_of_the_log(bench):
    bench.site.script = Script(
        looks=3, logs=" 50%|#####     | 14/28 [00:01<00:01]\r 75%|#######   | 21/28 [00:02<00:00]"
    )

    assert (21, 28) in [(event.step, event.total) for event in of(bench.run(), Progress)]


@pytest.mark.parametrize(
    ("output", "count"),
    [
        ("{file}", 1),
        (["{file}", "{file}"], 2),
        ({"image": "{file}", "note": "as asked"}, 1),
        (IN_DATA, 1),
        ([IN_DATA, "{file}"], 2),
    ],
)
def test_outputs_of_every_shape_become_files(bench, output, count):
    bench.site.script = Script(output=output)

    assert [file.index for file in files(bench.run())] == list(range(count))


def test_the_path_of_a_card_picks_the_files_that_count(bench):
    bench.card = replace(bench.card, output={"kind": "images", "path": "results[].image"})
    bench.site.script = Script(output={"results": [{"image": "{file}", "mask": "{file}"}], "preview": "{file}"})

    assert len(files(bench.run())) == 1


def test_the_seed_that_the_model_used_goes_before_the_one_asked_for(bench):
    bench.site.script = Script(logs="Using seed: 4242\n")
    events = bench.run()

    assert files(events)[0].seed == 4242
    assert of(events, Answered)[0].report["seed"] == 4242


@pytest.mark.parametrize(("unit", "cost"), [("compute_second", 0.003), ("image", 0.002), ("megapixel", None)])
def test_the_cost_is_what_the_metrics_count(bench, unit, cost):
    bench.card = replace(bench.card, price=Price(unit, 0.002, "2026-11", "test"))

    assert of(bench.run(), Answered)[0].cost_usd == cost


def test_an_output_without_files_is_a_bad_answer_that_was_paid(bench):
    bench.site.script = Script(output="a poem about boats")
    with pytest.raises(BadAnswerError, match=r"names no image .* 'a poem about boats'") as caught:
        bench.run()

    assert caught.value.paid == "yes"


def test_a_result_that_was_deleted_says_so(bench):
    events = bench.stream()
    ticket = next(event for event in events if isinstance(event, Ticket))
    bench.site.predictions[ticket.remote_id].update(status="succeeded", data_removed=True, output=None)
    with pytest.raises(ResultExpiredError, match="an hour after the end") as caught:
        list(events)

    assert caught.value.paid == "yes"


def test_a_file_that_was_deleted_says_so(bench):
    events = bench.stream()
    next(event for event in events if isinstance(event, Answered))
    bench.site.expire()

    with pytest.raises(ResultExpiredError, match=r"not at replicate\.delivery any more"):
        list(events)


# Files that are given


def test_a_small_file_stands_in_the_body(bench):
    image = bench.give(picture())
    at(bench, "studio/editor").run(image=image)

    assert bench.site.created[0]["input"]["input_image"] == IN_DATA
    assert not bench.site.uploads


def noise(side):
    return encoded(Image.effect_noise((side, side), 90).convert("RGB"))


def test_a_large_file_is_uploaded(bench):
    data = noise(800)
    assert len(data) > 256_000
    at(bench, "studio/editor").run(image=bench.give(data))

    assert bench.site.created[0]["input"]["input_image"] == "https://api.replicate.com/v1/files/file000000"
    assert bench.site.uploads["file000000"] == data


def test_a_large_file_is_uploaded_once(bench):
    image = bench.give(noise(800))
    at(bench, "studio/editor").run(image=image)
    bench.run(image=image, seed=8)

    assert len(bench.site.uploads) == 1


def test_a_file_that_is_gone_there_is_uploaded_again_the_next_time(bench):
    image = bench.give(noise(800))
    at(bench, "studio/editor").run(image=image)
    bench.site.uploads.clear()
    with pytest.raises(ParametersRefusedError):
        bench.run(image=image, seed=8)
    bench.run(image=image, seed=9)

    assert len(bench.site.created) == 2


def test_several_files_keep_their_order(bench):
    small, large = bench.give(picture()), bench.give(noise(800))
    at(bench, "studio/editor").run(references=(small, large))

    assert bench.site.created[0]["input"]["references"] == [IN_DATA, "https://api.replicate.com/v1/files/file000000"]


# Stopping and going on


def test_cancelling_reaches_the_service(bench):
    bench.site.script = Script(looks=1000)
    context = bench.context()
    events = bench.stream(context)
    next(event for event in events if isinstance(event, Progress))
    context.cancel.cancel()

    with pytest.raises(Cancelled):
        list(events)
    assert bench.site.cancelled == ["pred00000000"]


def test_leaving_does_not_cancel_at_the_service(bench):
    bench.site.script = Script(looks=1000)
    context = bench.context()
    events = bench.stream(context)
    next(event for event in events if isinstance(event, Progress))
    context.cancel.leave()

    with pytest.raises(Cancelled):
        list(events)
    assert bench.site.cancelled == []


def test_a_job_with_a_ticket_is_taken_up_and_not_made_again(bench):
    first = bench.stream()
    ticket = next(event for event in first if isinstance(event, Ticket))
    events = bench.run(bench.context(ticket=ticket))

    assert len(files(events)) == 1
    assert len(bench.site.created) == 1


# What is kept secret


def test_the_key_is_in_nothing_that_comes_out_and_never_at_the_hosts_of_files(bench):
    events = bench.run()

    assert KEYS["REPLICATE_API_TOKEN"] not in repr(events)
    assert started(events).provenance["service"] == "replicate"
    assert bench.net.requests("GET", ".*", "replicate.delivery")
    assert bench.site.keys_at_files == []
