"""Pictures of OpenAI, from request to files, through the real client package."""

import io
import subprocess
import sys
import threading

import pytest
from PIL import Image

from engine_subjects import decoded, encoded, files, half_mask, scene, started
from servers.connections import KEYS
from servers.openai import API, OpenAI
from studio_kernel.domain.events import Answered, Finished, Progress
from studio_kernel.domain.tasks import Task
from studio_kernel.engines.openai.connection import place_of
from studio_kernel.errors import Cancelled, InvalidInputError, KeyRefusedError, LostAnswerError
from studio_kernel.settings import ServiceSettings
from waiting import until


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def test_a_prompt_becomes_a_picture(bench):
    events = bench.run()

    assert isinstance(events[-1], Finished)
    assert decoded(files(events)[0].data).size == (32, 32)
    assert bench.site.made == [{"prompt": "a red boat", "model": "gpt-image-2"}]
    assert started(events).provenance["endpoint"] == "gpt-image-2"


def test_parameters_are_sent_under_the_names_of_the_service(bench):
    events = bench.run(num_images=3, image_size=(1536, 864), quality="low", output_format="webp")

    body = bench.site.made[0]
    assert (body["n"], body["size"], body["quality"], body["output_format"]) == (3, "1536x864", "low", "webp")
    assert [(file.index, file.media_type) for file in files(events)] == [(i, "image/webp") for i in range(3)]


def test_the_cost_is_the_tokens_at_the_prices_of_the_card(bench):
    answered = of(bench.run(), Answered)[0]

    assert answered.cost_usd == pytest.approx((10 * 5 + 50 * 8 + 1056 * 30) / 1e6)
    assert answered.report["image_output_tokens"] == 1056
    assert answered.report["size"] == "1024x1024"


def test_the_package_repeats_nothing_and_follows_nothing(bench):
    bench.run()

    assert len(bench.net.seen) == 1
    assert bench.net.seen[0].headers["x-stainless-retry-count"] == "0"


def test_the_key_is_in_nothing_that_comes_out(bench):
    assert KEYS["OPENAI_API_KEY"] not in repr(bench.run())


# From pictures


def test_pictures_are_given_in_order_and_as_they_are(bench):
    first, second = encoded(scene(tint=1)), encoded(scene(tint=2))
    bench.run(task=Task.IMAGE_TO_IMAGE, image=(bench.give(first), bench.give(second)), quality="high")

    assert bench.site.files[0]["images"] == [first, second]
    assert bench.site.made[0]["quality"] == "high"
    assert bench.net.seen[0].path == "/v1/images/edits"


def test_a_format_that_is_not_taken_is_sent_as_png(bench):
    buffer = io.BytesIO()
    scene().save(buffer, "TIFF")
    bench.run(task=Task.IMAGE_TO_IMAGE, image=(bench.give(buffer.getvalue(), "image/tiff"),))

    with Image.open(io.BytesIO(bench.site.files[0]["images"][0])) as sent:
        assert sent.format == "PNG"


def test_what_is_white_in_a_mask_is_transparent_at_the_service(bench):
    bench.run(
        task=Task.INPAINTING,
        image=(bench.give(encoded(scene(64, 64))),),
        mask_image=bench.give(encoded(half_mask(64, 64))),
    )

    with Image.open(io.BytesIO(bench.site.files[0]["mask"])) as mask:
        assert (mask.getpixel((5, 5))[3], mask.getpixel((60, 5))[3]) == (255, 0)


def test_a_mask_fits_a_picture_that_its_camera_has_turned(bench):
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    scene(64, 32).save(buffer, "JPEG", exif=exif)
    turned = bench.give(buffer.getvalue(), "image/jpeg")
    bench.run(task=Task.INPAINTING, image=(turned,), mask_image=bench.give(encoded(half_mask(32, 64))))

    assert len(bench.site.made) == 1


def test_a_mask_of_another_size_is_refused_before_anything_is_sent(bench):
    values = {"image": (bench.give(encoded(scene(64, 64))),), "mask_image": bench.give(encoded(half_mask(32, 32)))}
    with pytest.raises(InvalidInputError, match="its size is 32 x 32, the image is 64 x 64"):
        bench.engine.check(bench.request(Task.INPAINTING, **values), bench.context())
    assert bench.net.seen == []


# Pictures in between


def test_pictures_in_between_are_previews(bench):
    events = bench.run(bench.context(preview_due=lambda: True), partial_images=2)
    seen = [event for event in of(events, Progress) if event.preview]

    assert [(event.step, event.total) for event in seen] == [(1, 3), (2, 3)]
    with Image.open(io.BytesIO(seen[0].preview)) as preview:
        assert preview.format == "WEBP"
    assert len(files(events)) == 1
    assert of(events, Answered)[0].cost_usd > 0


def test_pictures_in_between_of_an_edit_are_previews_too(bench):
    image = (bench.give(encoded(scene())),)
    events = bench.run(bench.context(preview_due=lambda: True), Task.IMAGE_TO_IMAGE, image=image, partial_images=1)

    assert any(event.preview for event in of(events, Progress))
    assert len(files(events)) == 1


def test_several_pictures_are_not_streamed(bench):
    bench.run(num_images=2, partial_images=2)

    assert "stream" not in bench.site.made[0]


def test_a_stream_that_breaks_off_may_have_been_charged(bench):
    bench.net.misbehave(API, "truncate")
    with pytest.raises(LostAnswerError) as caught:
        bench.run(partial_images=2)

    assert caught.value.paid == "unclear"
    assert len(bench.site.made) == 1


# Stopping


@pytest.mark.parametrize("values", [{}, {"partial_images": 2}])
def test_cancelling_ends_the_wait_for_an_answer(bench, values):
    bench.net.hold()
    bench.net.misbehave(API, "hang")
    context = bench.context()
    events = bench.stream(context, **values)
    next(event for event in events if isinstance(event, Progress))
    stop_when_asked(bench, context)

    with pytest.raises(Cancelled, match="may charge"):
        list(events)


def test_cancelling_ends_a_stream_that_has_begun(bench):
    bench.net.misbehave(API, "slow")
    context = bench.context()
    events = bench.stream(context, partial_images=2)
    next(event for event in events if isinstance(event, Progress))
    stop_when_asked(bench, context)

    with pytest.raises(Cancelled):
        list(events)


def stop_when_asked(bench, context):
    def wait():
        until(lambda: bench.net.seen)
        context.cancel.cancel()

    threading.Thread(target=wait, daemon=True).start()


# Servers that speak the protocol


@pytest.fixture
def elsewhere(bench, monkeypatch):
    """A server without keys at pictures.example."""
    monkeypatch.delenv("OPENAI_API_KEY")
    site = OpenAI(("pictures.example",), wants_key=False)
    bench.net.sites["pictures.example"] = site
    return site


def test_another_server_needs_no_key_and_gets_none(bench, elsewhere):
    bench.engine.configure(ServiceSettings(base_url="https://pictures.example/v1"))

    assert bench.engine.unavailable(bench.card) is None
    assert len(files(bench.run(partial_images=2))) == 1
    assert elsewhere.keys_seen == [""]
    assert "stream" not in elsewhere.made[0]


def test_another_server_is_asked_for_files_and_not_for_addresses(bench, elsewhere):
    bench.engine.configure(ServiceSettings(base_url="https://pictures.example/v1"))
    bench.run()

    assert elsewhere.made[0]["response_format"] == "b64_json"


def test_the_address_of_the_environment_is_honoured(bench, elsewhere, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "https://pictures.example/v1/")

    assert started(bench.run()).provenance["host"] == "pictures.example"


def test_another_server_may_want_the_key(bench, monkeypatch):
    bench.net.sites["pictures.example"] = OpenAI(("pictures.example",))
    monkeypatch.setenv("OPENAI_BASE_URL", "https://pictures.example/v1")
    monkeypatch.delenv("OPENAI_API_KEY")

    with pytest.raises(KeyRefusedError, match="wants a key"):
        bench.run()


def test_a_key_does_not_leave_this_machine_unencrypted(bench):
    assert place_of(ServiceSettings(base_url="http://pictures.example/v1")).key is None
    assert place_of(ServiceSettings(base_url="http://127.0.0.1:8080/v1")).key is not None


def test_importing_the_engine_does_not_import_the_package():
    code = "import sys, studio_kernel.engines.openai; print('openai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
