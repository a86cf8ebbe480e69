"""The results of fal's jobs: real small files, and what stands beside them, by the card's description of its answer."""

from __future__ import annotations

import hashlib
import io
import re
import wave
from functools import lru_cache

import av
import numpy as np
from PIL import Image

SIDES = 64, 48
_FORMATS = {"png": ("PNG", "image/png"), "jpeg": ("JPEG", "image/jpeg"), "webp": ("WEBP", "image/webp")}
_FORMATS["jpg"] = _FORMATS["jpeg"]


def media_of(job, store):
    """Return the body of a job's result and how many units it is billed with.

    `store` keeps a file and returns its address.
    """
    output = job.endpoint.card.output
    seed = job.arguments.get("seed")
    seed = _number(job) if seed is None else seed
    files, units = _files(job, output["kind"], seed, store)
    path = output["path"]
    body = _placed(path, files)
    others = output.get("other_fields") or ()
    beside = {name: _beside(name, job, seed, len(files), store) for name in others}
    return body | beside, units


def _placed(path, files):
    """Return the body in which `path` leads to the files."""
    name, _, rest = path.partition(".")
    first = {"url": files[0]["url"]} | files[0]
    value = files if name.endswith("[]") else first
    return {name.removesuffix("[]"): value if rest else files[0]["url"]}


def _files(job, kind, seed, store):
    arguments = job.arguments
    if kind in ("images", "image"):
        count = arguments.get("num_images") or 1 if kind == "images" else 1
        form, media_type = _FORMATS.get(str(arguments.get("output_format")), _FORMATS["png"])
        found = []
        for place in range(count):
            address = store(picture(seed + place, form), f"{place}.{form.lower()}", media_type)
            found.append({"url": address, "content_type": media_type, "width": SIDES[0], "height": SIDES[1]})
        return found, count
    seconds = float(re.sub(r"[^0-9.]", "", str(arguments.get("duration") or "5")) or 5)
    if kind == "video":
        address = store(video(seed % 7), "output.mp4", "video/mp4", "v3b.fal.media")
        return [{"url": address, "content_type": "video/mp4", "file_name": "output.mp4", "file_size": None}], seconds
    address = store(sound(seed % 7), "output.wav", "audio/wav")
    return [{"url": address, "content_type": "audio/wav", "file_size": len(sound(seed % 7))}], seconds


def _beside(name, job, seed, count, store):
    prompt = str(job.arguments.get("prompt", ""))
    picture_type = "image/png"
    if name in ("mask_image", "thumbnail", "spritesheet"):
        return {"url": store(picture(seed + 99, "PNG"), f"{name}.png", picture_type), "content_type": picture_type}
    if name == "frames_zip":
        return {"url": store(b"PK\x05\x06" + bytes(18), "frames.zip", "application/zip")}
    return {
        "seed": seed,
        "prompt": prompt,
        "actual_prompt": prompt,
        "expanded_prompt": f"{prompt}, in detail",
        "revised_prompt": f"{prompt}, revised",
        "timings": {"inference": 1.25},
        "has_nsfw_concepts": [False] * count,
        "description": "what was made",
        "lyrics": "la la la",
        "duration": 5.0,
        "video_id": f"video_{job.id.replace('-', '')}",
        "timestamps": [{"text": "hello", "start": 0.0, "end": 0.5}],
    }.get(name)


def _number(job):
    return int(hashlib.sha256(job.id.encode()).hexdigest()[:7], 16)


@lru_cache(maxsize=64)
def picture(seed, form="PNG"):
    """Return a small picture that its seed decides."""
    colour = np.random.default_rng(seed).integers(0, 255, 3, dtype=np.uint8)
    pixels = np.zeros((SIDES[1], SIDES[0], 3), np.uint8) + colour
    pixels[:: 1 + seed % 5] //= 2
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


@lru_cache(maxsize=8)
def video(seed=0):
    """Return a film of eight small frames."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as film:
        stream = film.add_stream("mpeg4", rate=8)
        stream.width, stream.height, stream.pix_fmt = *SIDES, "yuv420p"
        for place in range(8):
            pixels = np.full((SIDES[1], SIDES[0], 3), (seed * 30 + place * 8) % 255, np.uint8)
            film.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        film.mux(stream.encode())
    return buffer.getvalue()


@lru_cache(maxsize=8)
def sound(seed=0):
    """Return a tenth of a second of a tone."""
    buffer = io.BytesIO()
    tone = (np.sin(np.arange(800) * (0.1 + seed / 50)) * 9000).astype("<i2")
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(tone.tobytes())
    return buffer.getvalue()
