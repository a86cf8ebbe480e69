"""From prices as they were read to prices that can be counted.

The facts say part of their rules in words: in the condition of a variant, or in the note of a price. The two tables
here are the only place where such words become fields of a `PriceEntry`, each by hand and from the very text that
stands in the facts; nothing is guessed when a run is priced. A condition that is in neither table is kept as words and
never counted. Where a table says something that the facts do not, it is an assumption: it stands in ``assumes``, and
whoever sees the amount sees it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from studio_kernel.catalog.entries import PriceEntry, PriceFactorEntry, PriceTermEntry

OTHER_SIZES = ["1024x1536", "1536x1024"]
AREA_1536 = 1536 * 1536 / 1024**2

CONDITIONS: Mapping[str, Mapping[str, Any]] = {
    "image size: other": {"when": {"image_size": OTHER_SIZES}},
    "output area above 1536x1536": {"between": {"megapixels": (AREA_1536, None)}},
    "voice ids: set": {"given": ("voice_ids",)},
    "seconds: up to 40": {"between": {"seconds": (None, 40)}},
    "seconds: over 40": {"between": {"seconds": (40, None)}},
    "output megapixels: up to 24": {"between": {"megapixels": (None, 24)}},
    "output megapixels: up to 48": {"between": {"megapixels": (24, 48)}},
    "output megapixels: up to 96": {"between": {"megapixels": (48, 96)}},
    "output megapixels: up to 512": {"between": {"megapixels": (96, 512)}},
    "output: up to 720p": {"between": {"short_side": (None, 720)}},
    "output: 720p to 1080p": {"between": {"short_side": (720, 1080)}},
    "output: above 1080p": {"between": {"short_side": (1080, None)}},
    "output up to 720p": {"between": {"short_side": (None, 720)}},
    "output 1080p": {"between": {"short_side": (720, 1080)}},
    "output 4K": {"between": {"short_side": (1080, 2160)}},
}
"""What the condition of a variant says in words → the fields that say it."""

SAID_ELSEWHERE = frozenset(
    {"megapixel: first", "megapixel: each extra", "megapixel: each extra, input or output", "text: instead of audio"}
)
"""Conditions of variants that are not one amount instead of another: `RULES` has what they mean."""

VECTOR = "style is vector_illustration or one of its sub-styles"
"""The one condition that is about what a choice begins with; the choices themselves are written out."""

_WEB_SEARCH = PriceTermEntry(
    amount_usd=0.015,
    unit="request",
    when={"enable_web_search": True},
    assumes="the web is searched once for all pictures",
)
_HIGH_THINKING = PriceTermEntry(
    amount_usd=0.002,
    unit="request",
    when={"thinking_level": "high"},
    assumes="it thinks once for all pictures",
)
_16_FRAMES = {"frames_per_second": 16.0}
_24_FRAMES = {"frames_per_second": 24.0}
_FIVE_SECONDS = {"only_when": {"duration": [5, "5"]}}
_LIP_SYNC_INPUT = {"seconds_from": ("video_url",), "step": 5.0}
_24_FPS = {"assumes": "24 frames a second"}
_DOUBLE_AT_60 = {"factors": (PriceFactorEntry(factor=2.0, between={"target_fps": (59.5, None)}),)}
_SMALL = PriceTermEntry(
    amount_usd=0.08,
    when={"resolution": ["240p", "360p"]},
    assumes="there is no price for this resolution; that of 720p is counted",
)

RULES: Mapping[str, Mapping[str, Any]] = {
    # "First output megapixel 0.03, every further input or output megapixel 0.015, rounded up."
    "flux_2_pro": {"further_usd": 0.015, "counts_inputs": True},
    "flux_2_pro_edit": {"further_usd": 0.015, "counts_inputs": True},
    # "First processed megapixel 0.07, each further one 0.03."
    "flux_2_max": {"further_usd": 0.03, "counts_inputs": True},
    # "Counted on input plus output, rounded up."
    "flux_2_flex": {"counts_inputs": True},
    "flux_2_flex_edit": {"counts_inputs": True},
    # "Web search adds 0.015[, high thinking adds 0.002]."
    "nano_banana_pro": {"extras": (_WEB_SEARCH,)},
    "nano_banana_pro_edit": {"extras": (_WEB_SEARCH,)},
    "nano_banana_2": {"extras": (_WEB_SEARCH, _HIGH_THINKING)},
    "nano_banana_2_edit": {"extras": (_WEB_SEARCH, _HIGH_THINKING)},
    # "Prompt expansion adds 0.0025 per request."
    "z_image_turbo": {
        "extras": (PriceTermEntry(amount_usd=0.0025, unit="request", when={"enable_prompt_expansion": True}),)
    },
    # "Each input picture after the first adds 0.0045." – and of the whole price: "the page calls its numbers tentative"
    "seedream_v5_pro": {"is_tentative": True},
    "seedream_v5_pro_edit": {
        "is_tentative": True,
        "extras": (PriceTermEntry(amount_usd=0.0045, unit="input_image", after=1.0),),
    },
    # "dollars are assumed, treat as uncertain"; "the page gives about this much"
    "hunyuan_video_1_5_text_to_video": {"is_tentative": True, **_24_FPS},
    "gemini_omni_flash_text_to_video": {"is_tentative": True},
    "gemini_omni_flash_image_to_video": {"is_tentative": True},
    # "frame rate and engine change it"; the last of its variants
    "topaz_video_precision": {"is_tentative": True, "only_between": {"short_side": (None, 2160)}},
    # the last of its variants
    "topaz_upscale_image": {"only_between": {"megapixels": (None, 512)}},
    # "A billed second is 16 frames."
    "wan_2_2_a14b_text_to_video": _16_FRAMES,
    "wan_2_2_a14b_image_to_video": _16_FRAMES,
    "wan_2_2_a14b_video_to_video": _16_FRAMES,
    "wan_2_2_animate_move": _16_FRAMES,
    "wan_vace_14b": {**_16_FRAMES, "variants": (_SMALL,)},
    "wan_vace_14b_inpainting": {**_16_FRAMES, "variants": (_SMALL,)},
    # "Billed at 24 frames per second."
    "ltxv_13b_distilled_text_to_video": _24_FRAMES,
    "ltxv_13b_distilled_image_to_video": _24_FRAMES,
    # "Prices are for 5 s clips[; 10 s prices were not found]."
    "pika_2_2_text_to_video": _FIVE_SECONDS,
    "pika_2_2_image_to_video": _FIVE_SECONDS,
    "pika_2_2_pikascenes": _FIVE_SECONDS,
    "pixverse_5_text_to_video": _FIVE_SECONDS,
    "pixverse_5_image_to_video": _FIVE_SECONDS,
    # "1080p is 0.20 plus 0.10 per second."
    "vidu_q2_text_to_video": {"extras": (PriceTermEntry(amount_usd=0.1, unit="second", when={"resolution": "1080p"}),)},
    # "Tokens = height x width x fps x seconds / 1024."; the frame rate is no parameter, 24 gives the clip price
    "seedance_1_pro_text_to_video": _24_FPS,
    "seedance_1_pro_image_to_video": _24_FPS,
    "seedance_1_lite_text_to_video": _24_FPS,
    "seedance_1_5_pro_text_to_video": _24_FPS,
    "seedance_1_5_pro_image_to_video": _24_FPS,
    # "The input picture adds 0.01 per request."
    "grok_imagine_video_1_5_image_to_video": {"extras": (PriceTermEntry(amount_usd=0.01, unit="request"),)},
    # "Input and output seconds added together; clips are cut to 8 seconds."
    "grok_imagine_video_edit": {"seconds_from": ("video_url",), "seconds_factor": 2.0, "most_seconds": 8.0},
    # "Input seconds, rounded up to the next 5 seconds."
    "kling_lipsync_audio": _LIP_SYNC_INPUT,
    "kling_lipsync_text": _LIP_SYNC_INPUT,
    # The number of frames is a limit only, and the frame rate is not said.
    "infinitalk": {"seconds_from": ("audio_url",), "assumes": "the clip is as long as the audio"},
    # "Using text instead of audio adds 0.24 per 100 characters."
    "pixverse_lipsync": {
        "extras": (PriceTermEntry(amount_usd=0.24, unit="100_chars", when={"audio_url": None}, given=("text",)),)
    },
    # "Times 1.2 above 15 seconds. The clip is as long as the audio"
    "hailuo_3_max_lip_sync": {
        "seconds_from": ("audio_url",),
        "factors": (PriceFactorEntry(factor=1.2, between={"seconds": (15, None)}),),
    },
    # "60 fps output doubles the price."
    "topaz_upscale_video": _DOUBLE_AT_60,
    # "Width x height x frames of the output, in megapixels."
    "seedvr2_upscale_video": {"counts_frames": True},
    "ben_v2_video": {
        "counts_frames": True,
        "assumes": "the megapixels of all frames are charged, the price says only 'megapixel'",
    },
    # "Output minutes, rounded up."
    "elevenlabs_music": {"step": 1.0},
}
"""Endpoint → the fields that its note says in words, quoted above each."""


def price_of(
    endpoint: str, price: PriceEntry, variants: list[dict[str, Any]], choices: Mapping[str, tuple[Any, ...]]
) -> tuple[PriceEntry | None, list[str]]:
    """Return a price with its rules as fields, and the conditions that stay words.

    Parameters
    ----------
    endpoint : str
        Its id in the facts.
    price : PriceEntry
        What the facts have as fields already.
    variants : list of dict
        The variants of the facts.
    choices : mapping
        Parameter → the values it takes.
    """
    terms = [_term(variant, price.unit, choices) for variant in variants]
    rules = dict(RULES.get(endpoint, {}))
    fields = {name: getattr(price, name) for name in price.__struct_fields__} | rules
    fields["variants"] = (*terms, *rules.get("variants", ()))
    whole = PriceEntry(**fields)
    return (None if whole == PriceEntry() else whole), list(_left_in_words(terms))


def _term(variant: Mapping[str, Any], unit: str, choices: Mapping[str, tuple[Any, ...]]) -> PriceTermEntry:
    words = variant.get("condition", "")
    fields: dict[str, Any] = {"amount_usd": variant["amount_usd"], "when": dict(variant["when"]), "condition": words}
    if "unit" in variant:
        fields["unit"] = variant["unit"]
    elif unit == "5_seconds" and "duration" in variant["when"]:
        fields["unit"] = "video"  # it names a clip of that length, and what the whole of it costs
    if fields.get("unit") == "video" and "num_frames" in choices and "duration" in variant["when"]:
        fields["when"]["num_frames"] = None  # which would change the length
    if words == VECTOR:
        fields["when"]["style"] = [style for style in choices["style"] if str(style).startswith("vector_illustration")]
    elif words in CONDITIONS:
        said = CONDITIONS[words]
        fields |= {**said, "when": {**fields["when"], **said.get("when", {})}}
    elif words:
        fields["in_words_only"] = True
    return PriceTermEntry(**fields)


def _left_in_words(terms: list[PriceTermEntry]) -> Iterator[str]:
    yield from (term.condition for term in terms if term.in_words_only and term.condition not in SAID_ELSEWHERE)
