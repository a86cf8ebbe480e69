"""Looking after stored files: a file that is being used again is never taken for an old one."""

import os
import threading
import time

import pytest

from studio_kernel.assets import AssetStore, upkeep
from studio_kernel.domain.values import AssetRef
from studio_kernel.errors import InvalidInputError

LONG_AGO = 1_000_000_000.0


@pytest.fixture
def store(tmp_path):
    return AssetStore(tmp_path / "assets")


def aged(store, ref):
    path = store.path(ref)
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def listed(store):
    return {file.kind: file for file in upkeep.listed(store)}


def test_the_store_lists_what_it_made_and_nothing_else(store, picture):
    asset = store.put(picture)
    store.thumbnail(asset)
    folder = store.path(asset).parent
    (folder / ".new-abc").write_bytes(b"half")
    (folder / "notes.txt").write_text("mine")
    (folder / f"{asset.sha256}.exe").write_text("mine")
    (store.root / "damaged").mkdir()
    (store.root / "damaged" / f"{asset.sha256}.png").write_bytes(b"")
    found = listed(store)
    assert sorted(found) == ["asset", "temporary", "thumbnail"]
    assert found["asset"].ref == asset.ref
    assert found["thumbnail"].digest == asset.sha256


@pytest.mark.parametrize("use", ["put", "take the bytes", "take the reference", "take the asset", "hold"])
def test_using_a_file_again_makes_it_young(store, picture, use):
    asset = store.put(picture)
    path = aged(store, asset)
    before = time.time() - 1
    {
        "put": lambda: store.put(picture),
        "take the bytes": lambda: store.take(picture),
        "take the reference": lambda: store.take(asset.ref),
        "take the asset": lambda: store.take(asset),
        "hold": lambda: store.hold([asset.ref]),
    }[use]()
    assert path.stat().st_mtime >= before


def test_a_file_that_was_used_since_it_was_listed_is_not_removed(store, picture):
    asset = store.put(picture)
    aged(store, asset)
    [file] = upkeep.listed(store)
    store.put(picture)
    assert not upkeep.remove(store, file, unused_since=time.time() - 60)
    assert store.path(asset).read_bytes() == picture


def test_an_old_file_is_removed(store, picture):
    aged(store, store.put(picture))
    [file] = upkeep.listed(store)
    assert upkeep.remove(store, file, unused_since=time.time() - 60)
    assert list(upkeep.listed(store)) == []


def test_what_was_put_is_there_however_removing_falls_between(store, picture):
    """Two threads race for one old file: whoever stores it finds it stored, whichever was first."""
    ref = store.put(picture).ref
    start = threading.Barrier(2)
    rounds = 200

    def sweep():
        for _ in range(rounds):
            start.wait()
            for file in upkeep.listed(store):
                upkeep.remove(store, file, unused_since=time.time() - 60)
            start.wait()

    thread = threading.Thread(target=sweep)
    thread.start()
    lost = 0
    for _ in range(rounds):
        aged(store, ref)
        start.wait()
        store.put(picture)
        lost += not (store.root / ref.sha256[:2] / f"{ref.sha256}.png").exists()
        start.wait()
        store.put(picture)  # for the next round
    thread.join()
    assert lost == 0


def test_a_reference_whose_file_was_removed_is_refused(store, picture):
    ref = store.put(picture).ref
    store.path(ref).unlink()
    for use in (lambda: store.take(ref), lambda: store.hold([ref])):
        with pytest.raises(InvalidInputError, match="no stored file"):
            use()


def test_storing_the_same_bytes_mends_a_damaged_file(store, picture):
    asset = store.put(picture)
    store.path(asset).write_bytes(picture[:-5] + b"wrong")
    assert not upkeep.is_sound(listed(store)["asset"])
    store.put(picture)
    assert upkeep.is_sound(listed(store)["asset"])


def test_a_damaged_file_is_moved_and_none_moved_before_is_lost(store, picture):
    places = []
    for damage in (b"first", b"second"):
        asset = store.put(picture)
        store.path(asset).write_bytes(damage)
        places.append(upkeep.set_aside(store, listed(store)["asset"]))
    assert [place.read_bytes() for place in places] == [b"first", b"second"]
    assert all(place.parent == store.root / "damaged" for place in places)


def test_a_file_that_was_mended_meanwhile_is_not_moved(store, picture):
    asset = store.put(picture)
    store.path(asset).write_bytes(b"damaged")
    file = listed(store)["asset"]
    store.put(picture)
    assert upkeep.set_aside(store, file) is None
    assert store.path(asset).read_bytes() == picture


def test_a_reference_of_another_store_cannot_be_held(store):
    with pytest.raises(InvalidInputError):
        store.hold([AssetRef("a" * 64, "image/png")])
