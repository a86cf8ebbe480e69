"""Files that people bring in: runs with the settings they carry, or a clear refusal."""

from __future__ import annotations

import io
import json
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image, PngImagePlugin

import media
import studio_kernel as sk
from pictures import png
from studio_kernel import importing
from studio_kernel.assets.containers.png import _chunk
from studio_kernel.domain.runs import RunStatus
from studio_kernel.errors import ImportRefusedError, InvalidInputError, InvalidRequestError, ReadOnlyError
from studio_kernel.runlog import RunFilter, RunKind

QUICK = {"model": "procedural", "num_inference_steps": 2, "width": 32, "height": 32}
TEXT = """a castle, (8k: yes)
on a hill
Negative prompt: blurry
Steps: 25, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 42, Size: 512x768, Model: someMix_v3"""


@pytest.fixture
def studio(home):
    with sk.open(home, runner="inline") as studio:
        yield studio


@pytest.fixture
def made_elsewhere(tmp_path):
    """A file that another home has made, and its run there."""
    with sk.open(tmp_path / "elsewhere", runner="inline") as other:
        run = other.generate("a red boat", seed=7, **QUICK)
        return run.files[0], run.request


def picture(kind="PNG", text=TEXT):
    """Return a picture as A1111 writes it."""
    buffer, image = io.BytesIO(), Image.new("RGB", (16, 16), "red")
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_text("parameters", text)
        image.save(buffer, kind, pnginfo=info)
    else:
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf-16-be")
        image.save(buffer, kind, exif=exif)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", [*media.PICTURES, *media.FILMS, *media.SOUNDS])
def test_every_kind_of_file_becomes_a_run_with_it_as_its_output(studio, kind):
    run = studio.import_bytes(media.file(kind), f"holiday.{kind}", project="p")
    record = studio.record(run.id)
    assert (record.engine, record.status, record.origin.project) == ("import", RunStatus.SUCCEEDED, "p")
    assert (record.request.model, str(record.request.task)) == ("imported", "import")
    assert record.provenance["source"] == {"kind": "upload", "name": f"holiday.{kind}", "tool": ""}
    assert run.files[0].read_bytes() == media.file(kind)
    assert (record.elapsed_s, record.cost_usd, record.estimate) == (None, None, None)


def test_a_file_of_the_studio_brings_its_request(studio, made_elsewhere):
    path, request = made_elsewhere
    (run,) = studio.import_files([path])
    assert run.request == request
    assert run.seed == 7
    source = studio.record(run.id).provenance["source"]
    assert (source["kind"], source["name"], source["tool"]) == ("file", path.name, "studio")
    assert studio.retry(run).wait().files[0].read_bytes() == path.read_bytes()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_settings_of_a1111_are_read(studio, kind):
    run = studio.import_bytes(picture(kind), "00042.png")
    assert dict(run.request.parameters) == {
        "prompt": "a castle, (8k: yes)\non a hill",
        "negative_prompt": "blurry",
        "num_inference_steps": 25,
        "guidance_scale": 6.5,
        "seed": 42,
        "width": 512,
        "height": 768,
        "scheduler": "dpmpp_2m_karras",
    }
    assert (run.request.model, str(run.request.task)) == ("imported", "text-to-image")
    source = studio.record(run.id).provenance["source"]
    assert (source["tool"], source["model"], source["text"]) == ("a1111", "someMix_v3", TEXT)


def test_a_model_that_the_catalog_has_is_that_model(studio):
    run = studio.import_bytes(picture(text=TEXT.replace("someMix_v3", "studio-tiny")), "a.png")
    assert run.request.model == "studio-tiny"


def test_the_same_bytes_are_one_run(studio, made_elsewhere):
    first = studio.import_bytes(png(1), "a.png")
    assert studio.import_bytes(png(1), "b.png").id == first.id
    own = studio.generate("a boat", **QUICK)
    assert studio.import_files([own.files[0]])[0].id == own.id
    assert studio.count() == 2


def test_the_same_bytes_from_two_at_once_are_one_run(studio):
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda n: studio.import_bytes(png(5), f"{n}.png"), range(8)))
    assert len({run.id for run in runs}) == 1
    assert studio.count() == 1


def test_a_deleted_import_comes_back_when_it_is_imported_again(studio):
    first = studio.import_bytes(png(1), "a.png")
    studio.delete(first, files=True)
    assert studio.import_bytes(png(1), "a.png").id == first.id
    assert [record.id for record in studio.records()] == [first.id]


def test_a_picture_as_phones_write_them_is_a_jpeg(studio):
    buffer = io.BytesIO()
    first, second = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), "blue")
    first.save(buffer, "MPO", save_all=True, append_images=[second])
    assert studio.import_bytes(buffer.getvalue(), "phone.jpg").first_asset.media_type == "image/jpeg"


def cut(data):
    return data[: len(data) * 2 // 3]


@pytest.mark.parametrize(
    ("data", "about"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "not a picture"),
        (b"MZ" + bytes(200), "not a picture"),
        (cut(media.picture("png", (200, 200))), "cannot be read"),
        (cut(media.picture("jpg", (200, 200))), "cannot be read"),
        (cut(media.film("mp4")), "video"),
        (cut(media.film("mov")), "video"),
        (media.sound("wav")[:20], "audio|not a picture"),
    ],
)
def test_what_is_no_file_to_show_or_is_damaged_is_refused(studio, data, about):
    with pytest.raises(InvalidInputError, match=rf"'a\.png': .*({about})"):
        studio.import_bytes(data, "a.png")
    assert studio.count() == 0
    assert list(studio.assets.digests()) == []


def test_a_file_that_is_refused_does_not_stop_the_others(studio, tmp_path):
    (tmp_path / "good.png").write_bytes(png(1))
    (tmp_path / "bad.png").write_text("no picture")
    (tmp_path / "last.png").write_bytes(png(2))
    names = ["good.png", "bad.png", "none.png", "", "last.png"]
    with pytest.raises(ImportRefusedError, match=r"3 not imported \(2 taken\)") as refused:
        studio.import_files(tmp_path / name for name in names)
    assert len(refused.value.run_ids) == studio.count() == 2
    told = "\n".join(refused.value.reasons)
    assert all(word in told for word in ("bad.png", "none.png", "is a folder"))


def test_a_file_that_is_too_large_is_not_even_read(studio, tmp_path, monkeypatch):
    monkeypatch.setattr(importing, "MAX_FILE_BYTES", 100)
    huge = tmp_path / "huge.png"
    huge.write_bytes(bytes(101))
    with pytest.raises(ImportRefusedError, match="may have"):
        studio.import_files([huge])
    with pytest.raises(InvalidInputError, match="may have"):
        studio.import_bytes(bytes(101), "huge.png")


def with_text(key, text):
    info = PngImagePlugin.PngInfo()
    info.add_text(key, text)
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        "[" * 5000,
        json.dumps({"studio": 1}),
        json.dumps({"request": {"model": "m", "task": "of a newer studio"}, "engine": "e"}),
        json.dumps({"request": {"model": "m", "parameters": {"a": {"$asset": 3}}}, "engine": "e"}),
        json.dumps({"request": {"model": "m"}, "engine": "e", "environment": [1]}),
        json.dumps({"request": {"model": "m", "parameters": {"prompt": "x" * (1 << 20)}}, "engine": "e"}),
    ],
)
def test_provenance_that_cannot_be_ours_is_as_good_as_none(studio, text):
    run = studio.import_bytes(with_text("studio", text), "a.png")
    assert run.request.model == "imported"


def test_a_text_that_unpacks_to_gigabytes_is_not_unpacked(studio):
    small = png(1)
    packed = zlib.compress(bytes(64 << 20), 9)
    data = small[:33] + _chunk(b"zTXt", b"studio\0\0" + packed) + small[33:]
    try:
        assert studio.import_bytes(data, "a.png").request.model == "imported"
    except InvalidInputError:  # Pillow refuses such a file as a whole
        assert studio.count() == 0


def test_inputs_that_this_home_does_not_have_are_left_out(studio, tmp_path):
    with sk.open(tmp_path / "elsewhere", runner="inline") as other:
        path = other.generate("a boat", image=png(3), **QUICK).files[0]
    (run,) = studio.import_files([path])
    assert "image" not in run.request.parameters
    assert studio.record(run.id).provenance["source"]["left_out"] == ("image",)


def test_a_name_is_only_a_name(studio):
    run = studio.import_bytes(png(1), "..\\..\\etc/pass\x00wd\n.png")
    assert studio.record(run.id).provenance["source"]["name"] == "passwd.png"


def test_an_import_is_no_finished_cell_and_teaches_nothing_about_durations(studio, made_elsewhere):
    path, _ = made_elsewhere
    (imported,) = studio.import_files([path])
    sweep = studio.sweep("a red boat", axes={"seed": [7]}, **QUICK).wait()
    assert sweep.runs[0].id != imported.id
    assert studio.costs().empty
    assert studio.records(RunFilter(source="import"))[0].id == imported.id
    log = studio._log
    kind = RunKind("procedural", "text-to-image", 32, 32, 1, None)
    studio.delete(*sweep.runs)
    assert [past.elapsed_s for past in log.past_runs("procedural")] == [sweep.runs[0].elapsed_s]
    assert log.timings(kind) is None or log.timings(kind).step_s >= 0


def test_a_model_cannot_be_asked_to_import(studio):
    with pytest.raises(InvalidRequestError, match="'import' is not one of"):
        studio.submit("a boat", task="import")
    assert all("import" not in card.tasks for card in studio.models.values())


def test_a_viewer_imports_nothing(studio, home):
    with sk.open(home, mode="viewer") as viewer, pytest.raises(ReadOnlyError):
        viewer.import_bytes(png(1), "a.png")


def test_an_import_never_waits_in_the_queue(studio, home):
    studio.import_bytes(png(1), "a.png")
    assert len(studio._log.queued_runs().queue) == 0
    assert studio.mend() == []


def test_runs_with_like_settings_are_found(studio):
    base = studio.generate("a red boat", seed=1, **QUICK)
    same = studio.generate("a red boat", seed=2, **QUICK)
    near = studio.generate("a red boat at sea", seed=2, **QUICK)
    far = studio.generate("two cats", seed=2, guidance_scale=9, **QUICK)
    gone = studio.generate("a red boat", seed=3, **QUICK)
    studio.delete(gone)
    studio.import_bytes(png(1), "a.png")
    found = studio.similar(base)
    assert [similar.record.id for similar in found] == [same.id, near.id, far.id]
    assert [similar.differs for similar in found] == [(), ("prompt",), ("prompt", "guidance_scale")]
    assert studio.similar(base, limit=1)[0].record.id == same.id


def test_a_file_that_tells_nothing_is_like_no_other(studio):
    first, _ = studio.import_bytes(png(1), "a.png"), studio.import_bytes(png(2), "b.png")
    assert studio.similar(first) == []
