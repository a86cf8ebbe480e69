"""Provenance in files of every kind: it comes back, what the file shows stays, odd files stay as they are."""

import io
import subprocess
import sys
import time

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import media
from studio_kernel.assets.embed import embed, read
from studio_kernel.assets.media import identify
from studio_kernel.domain.provenance import Provenance, parameters_text
from studio_kernel.domain.request import GenerationRequest

PROVENANCE = Provenance(
    GenerationRequest("some-model", parameters={"prompt": "赤い船 ⛵ & <b>", "negative_prompt": "blurry", "seed": 7}),
    "fal",
    {"endpoint": "fal-ai/some"},
)
OTHER = Provenance(GenerationRequest("another", parameters={"prompt": "x"}), "fal")
KINDS = (*media.PICTURES, *media.FILMS, *media.SOUNDS)


@pytest.mark.parametrize("kind", KINDS)
def test_provenance_comes_back_and_the_file_is_still_of_its_kind(kind):
    plain = media.file(kind)
    marked = embed(plain, PROVENANCE)
    assert marked != plain
    assert read(marked) == PROVENANCE
    assert identify(marked) == identify(plain)
    assert read(plain) is None


@pytest.mark.parametrize("kind", media.PICTURES)
def test_pixels_stay(kind):
    with (
        Image.open(io.BytesIO(media.picture(kind))) as plain,
        Image.open(io.BytesIO(embed(media.picture(kind), PROVENANCE))) as marked,
    ):
        assert (marked.mode, marked.size) == (plain.mode, plain.size)
        assert marked.tobytes() == plain.tobytes()


@pytest.mark.parametrize("kind", [*media.FILMS, *media.SOUNDS])
def test_frames_and_samples_stay_at_their_times(kind):
    plain = media.file(kind)
    assert media.frames(embed(plain, PROVENANCE)) == media.frames(plain) != []


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_a_film_can_still_be_searched(kind):
    with av.open(io.BytesIO(embed(media.film(kind), PROVENANCE))) as film:
        film.seek(int(0.25 * av.time_base))
        assert next(film.decode(video=0)).width == 64


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [False, True])
def test_every_webp_keeps_its_pixels_and_its_transparency(mode, lossless):
    buffer = io.BytesIO()
    picture = Image.linear_gradient("L").resize((33, 21)).convert(mode)
    if mode == "RGBA":
        picture.putalpha(Image.linear_gradient("L").resize((33, 21)).rotate(180))
    picture.save(buffer, "WEBP", lossless=lossless)
    marked = embed(buffer.getvalue(), PROVENANCE)
    assert read(marked) == PROVENANCE
    with Image.open(buffer) as before, Image.open(io.BytesIO(marked)) as after:
        assert (after.mode, after.size, after.tobytes()) == (before.mode, before.size, before.tobytes())
    assert marked[12:16] == b"VP8X"
    assert bool(marked[20] & 0x10) == (mode == "RGBA")  # the head says whether there is transparency


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_request_gives_the_same_bytes(kind):
    assert embed(media.file(kind), PROVENANCE) == embed(media.file(kind), PROVENANCE)


@pytest.mark.parametrize("kind", KINDS)
def test_the_provenance_of_an_earlier_run_gives_way(kind):
    again = embed(embed(media.file(kind), OTHER), PROVENANCE)
    assert read(again) == PROVENANCE
    assert again.count(b"some-model") == embed(media.file(kind), PROVENANCE).count(b"some-model")
    assert b'"another"' not in again


@pytest.mark.parametrize("kind", ["jpg", "webp"])
def test_other_programs_read_the_settings_from_the_user_comment(kind):
    with Image.open(io.BytesIO(embed(media.picture(kind), PROVENANCE))) as picture:
        comment = picture.getexif().get_ifd(0x8769)[0x9286]
    assert comment[:8] == b"UNICODE\0"
    assert comment[8:].decode("utf-16-be") == parameters_text(PROVENANCE.request)


@pytest.mark.parametrize("kind", ["wav", "mp3", "flac", "ogg", "opus"])
def test_players_show_the_settings_of_a_sound(kind):
    with av.open(io.BytesIO(embed(media.sound(kind), PROVENANCE))) as sound:
        tags = {name.lower(): value for name, value in {**sound.metadata, **sound.streams[0].metadata}.items()}
    assert parameters_text(PROVENANCE.request) in (tags.get("comment"), tags.get("description"))


@pytest.mark.parametrize("kind", ["jpg", "webp"])
def test_exif_and_xmp_of_the_file_are_kept(kind):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    mine = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description mine="1"/></rdf:RDF></x:xmpmeta>'
    buffer = io.BytesIO()
    Image.new("RGB", (9, 8)).save(buffer, {"jpg": "JPEG", "webp": "WEBP"}[kind], exif=exif, xmp=mine)
    marked = embed(buffer.getvalue(), PROVENANCE)
    assert read(marked) == PROVENANCE
    with Image.open(io.BytesIO(marked)) as picture:
        assert picture.getexif()[0x0112] == 6
        assert b'mine="1"' in picture.info["xmp"]


@pytest.mark.parametrize(
    ("kind", "signature"),
    [
        ("mp4", b"\0\0\0\x18uuid" + bytes.fromhex("d8fec3d61b0e483c92975828877ec481")),
        ("webp", b"C2PA\x02\0\0\0ok"),
        ("png", b"\0\0\0\0caBX\0\0\0\0"),
        ("jpg", b"\xff\xeb\0\x06JP\0\1"),
    ],
)
def test_a_signed_file_stays_as_it_is(kind, signature):
    data = media.file(kind)
    if kind == "png":
        data = data[:33] + signature + data[33:]
    elif kind == "jpg":
        data = data[:2] + signature + data[2:]
    else:
        data += signature
    if kind == "webp":
        data = data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:]
    assert embed(data, PROVENANCE) == data


@pytest.mark.parametrize("kind", KINDS)
@given(change=st.data())
def test_a_damaged_file_is_never_lost(kind, change):
    """Whatever is in a file, embedding returns one that shows the same, and reading says what is there or nothing."""
    data = bytearray(media.file(kind))
    for _ in range(change.draw(st.integers(1, 4))):
        data[change.draw(st.integers(0, min(len(data) - 1, 400)))] = change.draw(st.integers(0, 255))
    damaged = bytes(data[: change.draw(st.integers(0, len(data)))] if change.draw(st.booleans()) else data)
    marked = embed(damaged, PROVENANCE)
    assert marked == damaged or read(marked) == PROVENANCE
    assert len(marked) >= len(damaged) - 1024  # padding of a tag may go
    read(damaged)


@pytest.mark.parametrize("data", [b"", b"RIFF", b"\x89PNG\r\n\x1a\n", b"BM" + bytes(60), b"fLaC", b"OggS", b"ID3"])
def test_what_holds_none_stays_as_it_is(data):
    assert embed(data, PROVENANCE) == data
    assert read(data) is None


@pytest.mark.parametrize("kind", ["mp4", "webm", "wav"])
def test_a_large_file_takes_a_moment(kind):
    data = media.file(kind)
    filler = 100 * 2**20
    if kind == "mp4":
        data += (filler + 8).to_bytes(4) + b"free" + bytes(filler)
    elif kind == "wav":
        data += b"junk" + filler.to_bytes(4, "little") + bytes(filler)
        data = data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:]
    else:
        start = data.index(b"\x18\x53\x80\x67") + 4
        data += b"\xec\x01" + filler.to_bytes(7) + bytes(filler)  # a void element
        data = data[:start] + (len(data) - start - 8 | 1 << 56).to_bytes(8) + data[start + 8 :]
    begun = time.process_time()
    marked = embed(data, PROVENANCE)
    assert time.process_time() - begun < 1.0
    assert read(marked) == PROVENANCE


def test_no_codec_is_loaded_for_it(tmp_path):
    (tmp_path / "p.png").write_bytes(embed(media.picture("png"), PROVENANCE))
    told = "import sys, studio_kernel.assets.embed as e; e.read(open('p.png', 'rb').read()); print('av' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "False\n"
