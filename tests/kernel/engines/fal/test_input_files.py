"""Input files reach fal: inside the request when small, else uploaded, in each of its ways, and once."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import fal_client.client as package
import pytest
from immutabledict import immutabledict

from fal_jobs import FILES
from servers.fal import CDN, KEY, REST
from servers.fal_media import picture, video
from servers.internet import Answer
from studio_kernel.domain.model import LoraCard
from studio_kernel.domain.parameters import STANDARD, Parameter
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef, Lora
from studio_kernel.engines.base import CancelToken
from studio_kernel.engines.fal.wire import INLINE_BYTES, body_of
from studio_kernel.errors import Cancelled, InvalidInputError, ParametersRefusedError, ServiceError

LARGE = picture(1) + bytes(INLINE_BYTES)
SYNC = "fal/sync_lipsync_2"


@pytest.fixture
def prepared(place):
    """Return the payload of a request for the lip-sync model with a video and a sound."""

    def prepare(service=None, cache=place.cache):
        context = place.context(SYNC, cache=cache)
        return (service or place.service).prepare(place.request_of(context.card), context)

    return prepare


def test_a_small_picture_is_part_of_the_request(place, fal):
    payload = place.service.prepare(
        place.request("fal/birefnet_v2", image_url=place.store(picture(1))), place.context("fal/birefnet_v2")
    )

    assert payload["image_url"].startswith("data:image/png;base64,")
    assert fal.uploads == []


def test_a_large_picture_is_uploaded_with_its_type_and_its_end(place, fal):
    payload = place.service.prepare(
        place.request("fal/birefnet_v2", image_url=place.store(LARGE)), place.context("fal/birefnet_v2")
    )

    assert fal.uploads == [("cdn", payload["image_url"])]
    assert fal.files[payload["image_url"]] == (LARGE, "image/png")
    assert fal.lifecycles == [{"expiration_duration_seconds": 7 * 24 * 3600}]


def test_videos_and_sounds_are_always_uploaded(prepared, fal):
    payload = prepared()

    assert {address for _way, address in fal.uploads} == {payload["video_url"], payload["audio_url"]}
    assert fal.files[payload["video_url"]] == FILES["video"]


def test_a_file_is_uploaded_once(prepared, fal, net):
    assert prepared() == prepared()

    assert len(fal.uploads) == 2
    assert len(net.requests(path="/storage/auth/token")) == 1


def test_a_file_is_uploaded_once_for_several_processes(prepared, place, fal):
    assert prepared() == prepared(place.another())

    assert len(fal.uploads) == 2


def test_a_file_is_uploaded_once_for_several_threads(prepared, place, fal):
    services = [place.service, place.another()]

    with ThreadPoolExecutor(8) as pool:
        payloads = list(pool.map(prepared, services * 8))

    assert len(set(map(repr, payloads))) == 1
    assert len(fal.uploads) == 2


def test_nothing_is_kept_of_a_private_run(prepared, place, fal):
    prepared(cache=None)
    prepared(place.another(), cache=None)

    assert len(fal.uploads) == 4
    assert not place.cache.exists()


def test_another_account_has_uploads_of_its_own(prepared, fal, monkeypatch):
    prepared()
    other = KEY.replace("0123456789abcdef", "e" * 16)
    fal.keys.add(other)
    monkeypatch.setenv("FAL_KEY", other)
    prepared()

    assert len(fal.uploads) == 4


def test_the_other_storage_takes_a_file_when_the_first_does_not(prepared, fal, net):
    net.misbehave(CDN, Answer(500, {"detail": "full"}), path="/files/upload", times=9)

    payload = prepared()

    assert [way for way, _ in fal.uploads] == ["storage", "storage"]
    assert fal.files[payload["video_url"]] == FILES["video"]


def test_the_key_is_not_shown_to_the_host_of_an_upload(prepared, net):
    net.misbehave(CDN, Answer(500, {"detail": "full"}), path="/files/upload", times=9)
    prepared()

    puts = net.requests(method="PUT")
    assert len(puts) == 2
    assert [request for request in puts if "authorization" in request.headers] == []


def test_a_very_large_file_goes_in_parts(place, fal, monkeypatch):
    monkeypatch.setattr(package, "MULTIPART_THRESHOLD", 1000)
    monkeypatch.setattr(package, "MULTIPART_CHUNK_SIZE", 5000)
    data = video(1) + os.urandom(23_000)
    ref = place.store(data, "video/mp4")
    request = place.request_of(place.cards[SYNC]).replace(video_url=ref)

    payload = place.service.prepare(request, place.context(SYNC))

    assert ("multipart", payload["video_url"]) in fal.uploads
    assert fal.files[payload["video_url"]] == (data, "video/mp4")
    assert fal.lifecycles[0] == {"expiration_duration_seconds": 7 * 24 * 3600}


def test_a_part_that_is_not_taken_is_an_error_and_nothing_is_remembered(place, fal, net, monkeypatch):
    monkeypatch.setattr(package, "MULTIPART_THRESHOLD", 1000)
    monkeypatch.setattr(package, "MULTIPART_CHUNK_SIZE", 5000)
    request = place.request_of(place.cards[SYNC])
    net.misbehave(CDN, "drop before", method="PUT", times=1)

    with pytest.raises(ServiceError):
        place.service.prepare(request, place.context(SYNC))
    place.service.prepare(request, place.context(SYNC))

    assert {way for way, _ in fal.uploads} == {"multipart"}


def test_a_token_that_has_ended_is_asked_for_again(prepared, net):
    ended = {"token": "token-0", "token_type": "Bearer", "base_url": f"https://{CDN}"}
    net.misbehave(REST, Answer(json=ended | {"expires_at": "2026-01-01T00:00:00Z"}), times=1)

    prepared()

    assert len(net.requests(path="/storage/auth/token")) == 2


def test_a_file_that_fal_cannot_fetch_is_uploaded_again_the_next_time(prepared, place, fal):
    payload = prepared()
    del fal.files[payload["video_url"]]
    context = place.context(SYNC)
    ticket = place.service.submit(payload, context)
    place.service.state(ticket, context)
    with pytest.raises(ParametersRefusedError, match="video_url: the file cannot be fetched there"):
        place.service.result(ticket, context)

    prepared()
    prepared(place.another())

    assert len(fal.uploads) == 3
    assert payload["video_url"] in fal.files


def test_files_inside_objects_and_lists_are_found(place, fal):
    ref = place.store(*FILES["video"])
    values = immutabledict(parts=(immutabledict(clip=ref, at=1), immutabledict(clip=ref, at=2.5)))
    card = place.cards["fal/flux_1_dev"]

    changed = replace(card, parameters=(Parameter("shots", "object"),))
    request = GenerationRequest(card.id, Task.TEXT_TO_IMAGE, {"shots": values})
    body = body_of(request, changed, lambda given: f"https://there/{given.sha256[:4]}", lambda lora: lora.id)

    where = f"https://there/{ref.sha256[:4]}"
    assert body == {"shots": {"parts": [{"clip": where, "at": 1}, {"clip": where, "at": 2.5}]}}


def test_an_adapter_is_sent_by_address_with_its_scale(place, fal):
    weights = place.folder / "style.safetensors"
    weights.write_bytes(b"weights" * 9)
    card = replace(place.cards["fal/flux_1_dev"], parameters=(STANDARD["loras"],))
    loras = {"style": LoraCard("style", "Style", str(weights))}
    request = GenerationRequest(
        card.id, Task.TEXT_TO_IMAGE, {"loras": (Lora("style", 0.5), Lora("https://there/x.safetensors", 2.0))}
    )
    body = place.service.prepare(request, replace(place.context(loras=loras), card=card))

    ((_way, address),) = fal.uploads
    assert body == {"loras": [{"path": address, "scale": 0.5}, {"path": "https://there/x.safetensors", "scale": 2.0}]}
    assert fal.files[address][0] == b"weights" * 9


def test_the_parameter_for_inline_results_is_never_sent(place):
    card = place.cards["fal/flux_1_dev"]
    assert card.output["inline_parameter"] == "sync_mode"

    changed = replace(card, parameters=(*card.parameters, Parameter("sync_mode", "boolean")))
    request = GenerationRequest(card.id, Task.TEXT_TO_IMAGE, {"prompt": "x", "sync_mode": True})

    assert body_of(request, changed, lambda _ref: "", lambda _lora: "") == {"prompt": "x"}


def test_sizes_are_a_preset_or_pixels(place):
    def sent(size):
        return place.service.prepare(place.request(image_size=size), place.context())["image_size"]

    assert sent("square_hd") == "square_hd"
    assert sent((640, 384)) == {"width": 640, "height": 384}


def test_a_file_that_is_gone_is_told_before_anything_is_sent(place, fal):
    request = place.request("fal/birefnet_v2", image_url=AssetRef("0" * 64, "image/png"))
    context = place.context("fal/birefnet_v2", read_asset=lambda ref: place.folder / f"{ref.sha256}.png")

    with pytest.raises(InvalidInputError, match="cannot be read"):
        place.service.prepare(request, context)


def test_a_run_that_is_cancelled_uploads_no_more(place, fal):
    cancel = CancelToken()
    cancel.cancel()

    with pytest.raises(Cancelled):
        place.service.prepare(place.request_of(place.cards[SYNC]), place.context(SYNC, cancel=cancel))

    assert fal.uploads == []
