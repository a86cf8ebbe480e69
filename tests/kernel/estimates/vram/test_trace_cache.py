"""Traces kept as files."""

import os

import pytest

from studio_kernel.estimates.vram.cache import TraceCache, versions
from studio_kernel.estimates.vram.subject import Subject
from studio_kernel.estimates.vram.trace import Stage, Trace, Untraceable

SUBJECT = Subject(directory="a model", width=512)
FILES = (("unet/model.safetensors", 1000, 17),)
TRACE = Trace({"unet": 100}, (Stage("denoising", "unet", 1, 2, 3, 4, 100),), {"none": 150, "model": 120})


@pytest.fixture
def cache(tmp_path):
    return TraceCache(tmp_path / "cache" / "traces")


def test_what_was_kept_is_found_by_another_process(cache, tmp_path):
    cache.keep(SUBJECT, FILES, TRACE)
    assert TraceCache(tmp_path / "cache" / "traces").get(SUBJECT, FILES) == TRACE


def test_why_there_is_no_trace_is_kept_too(cache):
    cache.keep(SUBJECT, FILES, Untraceable("it needs an image"))
    assert cache.get(SUBJECT, FILES) == Untraceable("it needs an image")


def test_nothing_is_found_where_nothing_was_kept(cache):
    assert cache.get(SUBJECT, FILES) is None


@pytest.mark.parametrize(
    ("subject", "files"),
    [
        (Subject(directory="a model", width=513), FILES),
        (SUBJECT, (("unet/model.safetensors", 1000, 18),)),
        (SUBJECT, (("unet/model.safetensors", 1001, 17),)),
        (SUBJECT, ()),
    ],
)
def test_another_subject_or_other_files_have_another_trace(cache, subject, files):
    cache.keep(SUBJECT, FILES, TRACE)
    assert cache.get(subject, files) is None


def test_a_trace_with_the_allocator_is_another_one(cache):
    cache.keep(SUBJECT, FILES, TRACE, reserved=True)
    assert cache.get(SUBJECT, FILES) is None
    assert cache.get(SUBJECT, FILES, reserved=True) == TRACE


@pytest.mark.parametrize("way", ["loras", "weights"])
def test_a_change_of_files_beside_the_model_is_noticed(cache, tmp_path, way):
    file = tmp_path / "beside.safetensors"
    file.write_bytes(b"1")
    subject = Subject(directory="a model", **{way: (str(file) if way == "loras" else f"unet={file}",)})
    cache.keep(subject, FILES, TRACE)
    assert cache.get(subject, FILES) == TRACE
    file.write_bytes(b"12")
    assert cache.get(subject, FILES) is None


@pytest.mark.parametrize("damage", [b"", b"{", b"{}", b'{"trace": 3}', b"\xff\xfe"])
def test_a_damaged_file_counts_as_absent(cache, tmp_path, damage):
    cache.keep(SUBJECT, FILES, TRACE)
    (file,) = (tmp_path / "cache" / "traces").iterdir()
    file.write_bytes(damage)
    assert cache.get(SUBJECT, FILES) is None
    cache.keep(SUBJECT, FILES, TRACE)
    assert cache.get(SUBJECT, FILES) == TRACE


def test_what_was_used_longest_ago_leaves(tmp_path):
    cache = TraceCache(tmp_path, capacity=3)
    subjects = [Subject(directory="a model", width=64 * side) for side in range(1, 5)]
    for age, subject in enumerate(subjects[:3]):
        cache.keep(subject, FILES, TRACE)
        (file,) = set(tmp_path.iterdir()) - {path for path in tmp_path.iterdir() if path.stat().st_mtime < 1000}
        os.utime(file, (100 + age, 100 + age))
    assert cache.get(subjects[0], FILES)  # used again
    cache.keep(subjects[3], FILES, TRACE)
    assert [cache.get(subject, FILES) is not None for subject in subjects] == [True, False, True, True]


def test_a_place_that_cannot_be_written_keeps_nothing(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = TraceCache(tmp_path / "file" / "traces")
    cache.keep(SUBJECT, FILES, TRACE)
    assert cache.get(SUBJECT, FILES) is None


def test_the_versions_of_what_is_traced_are_known():
    assert all(versions())
