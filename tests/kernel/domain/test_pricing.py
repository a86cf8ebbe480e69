"""Amounts, each computed by hand from the price as it stands in the collected facts."""

import math
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from priced import request_for
from studio_kernel.catalog.cloud_prices import CONDITIONS, RULES, SAID_ELSEWHERE, VECTOR
from studio_kernel.catalog.loader import load
from studio_kernel.domain.estimate import FREE, Confidence, CostBasis, CostEstimate
from studio_kernel.domain.model import ModelCard, ModelSource
from studio_kernel.domain.price import Price
from studio_kernel.domain.pricing import cost_of, price_warnings, total_of
from studio_kernel.domain.quantities import FileFacts, InputFacts
from studio_kernel.domain.request import GenerationRequest
from studio_kernel.domain.tasks import Task
from studio_kernel.domain.values import AssetRef

CARDS = load().models
PRICED = [card for card in CARDS.values() if card.price is not None]
WITH_AMOUNT = [card for card in PRICED if card.price and card.price.amount_usd is not None]
WITHOUT = [card for card in PRICED if card.price and card.price.amount_usd is None and not card.price.tokens]
PICTURE = AssetRef("a" * 64, "image/png")
CLIP = AssetRef("c" * 64, "video/mp4")


def cost(model: str, facts: InputFacts | None = None, /, **values: Any) -> CostEstimate:
    card = CARDS[f"fal/{model}"]
    return cost_of(card, request_for(card, **values), facts or InputFacts())


def file(name: str, **known: Any) -> InputFacts:
    return InputFacts({name: FileFacts(**known)})


@pytest.mark.parametrize("card", WITH_AMOUNT, ids=lambda card: card.id)
def test_every_price_gives_an_amount_for_the_defaults(card: ModelCard) -> None:
    found = cost_of(card, request_for(card))
    assert found.cost_usd is not None
    assert 0 < found.cost_usd < 10
    assert math.isfinite(found.cost_usd)
    assert found.basis in (CostBasis.PRICE_LIST, CostBasis.ASSUMED)


@pytest.mark.parametrize("card", WITHOUT, ids=lambda card: card.id)
def test_no_amount_is_invented_where_none_is_known(card: ModelCard) -> None:
    found = cost_of(card, request_for(card), InputFacts(seconds=10.0))
    assert (found.cost_usd, found.basis) == (None, CostBasis.UNKNOWN)
    assert card.price
    assert card.price.note in found.note


EXAMPLES: list[tuple[str, dict[str, Any], float]] = [
    # megapixels, rounded up; 1024 x 1024 is one
    ("flux_1_dev", {"image_size": "square_hd"}, 0.025),
    ("flux_1_dev", {"image_size": "landscape_4_3"}, 0.025),
    ("flux_1_dev", {"image_size": (1024, 1025)}, 0.05),
    ("flux_1_dev", {"image_size": (1536, 1536), "num_images": 3}, 0.225),
    ("ideogram_v4", {"rendering_speed": "TURBO", "image_size": (2048, 1024)}, 0.015),
    ("flux_3_text_to_image", {"resolution": "2k"}, 0.192),
    ("flux_3_text_to_image", {"resolution": "512sq"}, 0.048),
    # the first one and further ones
    ("flux_2_pro", {"image_size": "square_hd"}, 0.03),
    ("flux_2_pro", {"image_size": (1024, 2048)}, 0.045),
    ("flux_2_max", {"image_size": (2048, 2048)}, 0.16),
    # pictures
    ("gpt_image_1_5", {"quality": "low"}, 0.009),
    ("gpt_image_1_5", {"quality": "low", "image_size": "1536x1024"}, 0.013),
    ("gpt_image_1_5", {"quality": "medium", "image_size": "1024x1536"}, 0.051),
    ("gpt_image_1_5", {"quality": "high", "image_size": "1024x1536", "num_images": 2}, 0.4),
    ("gpt_image_1_5_edit", {"quality": "medium"}, 0.051),
    ("nano_banana_pro", {"resolution": "4K", "num_images": 2}, 0.6),
    ("nano_banana_pro", {"resolution": "1K", "enable_web_search": True}, 0.165),
    ("nano_banana_2", {"thinking_level": "high"}, 0.082),
    ("recraft_v3", {"style": "vector_illustration"}, 0.08),
    ("recraft_v3", {"style": "realistic_image"}, 0.04),
    ("seedream_v4", {"max_images": 3, "num_images": 2}, 0.18),
    ("seedream_v5_pro", {"image_size": (1536, 1536)}, 0.0675),
    ("seedream_v5_pro", {"image_size": (1536, 1537)}, 0.135),
    ("seedream_v5_pro_edit", {"image_urls": [PICTURE] * 3, "image_size": (1024, 1024)}, 0.0765),
    ("z_image_turbo", {"enable_prompt_expansion": True, "num_images": 2}, 0.0125),
    # seconds
    ("sora2_text_to_video", {"duration": 12}, 1.2),
    ("sora2_text_to_video_pro", {"duration": 8}, 4.0),
    ("sora2_text_to_video_pro", {"duration": 8, "resolution": "720p"}, 2.4),
    ("sora2_image_to_video_pro", {"resolution": "auto"}, 1.2),
    ("sora2_image_to_video_pro", {"resolution": "1080p"}, 2.0),
    ("veo3", {"duration": "6s", "generate_audio": False}, 1.2),
    ("veo3", {"duration": "6s", "generate_audio": True}, 2.4),
    ("veo3_1", {"resolution": "4k", "generate_audio": False}, 3.2),
    ("veo3_1_lite", {"resolution": "1080p", "duration": "4s"}, 0.32),
    ("kling_2_1_master_text_to_video", {"duration": "10"}, 2.8),
    ("grok_imagine_video_1_5_image_to_video", {"duration": 10, "resolution": "480p"}, 0.81),
    ("ltxv_13b_distilled_text_to_video", {"num_frames": 120, "frame_rate": 30, "enable_detail_pass": True}, 0.2),
    ("wan_2_2_a14b_text_to_video", {"num_frames": 160, "resolution": "480p", "frames_per_second": 24}, 0.4),
    ("mmaudio_v2", {"duration": 30}, 0.03),
    ("ace_step", {"duration": 240}, 0.048),
    # clips
    ("luma_ray_2_text_to_video", {"duration": "9s"}, 1.0),
    ("luma_ray_2_text_to_video", {"duration": "9s", "resolution": "1080p"}, 4.0),
    ("pika_2_2_text_to_video", {"resolution": "1080p"}, 0.45),
    ("vidu_q2_text_to_video", {"resolution": "1080p", "duration": 8}, 1.0),
    ("vidu_q2_text_to_video", {"resolution": "520p", "duration": 8}, 0.2),
    # tokens: 1920 x 1080 x 24 x 10 / 1024 = 486,000; a published clip price goes first
    ("seedance_1_pro_text_to_video", {"duration": "10"}, 1.215),
    ("seedance_1_pro_text_to_video", {"duration": "5"}, 0.62),
    ("seedance_1_5_pro_text_to_video", {"duration": "10", "generate_audio": False}, 0.2592),
    ("seedance_1_5_pro_text_to_video", {"duration": "5", "generate_audio": True}, 0.26),
    ("seedance_2_text_to_video", {"duration": "10", "resolution": "720p"}, 3.034),
    ("seedance_2_text_to_video", {"duration": "10", "resolution": "1080p", "aspect_ratio": "16:9"}, 6.804),
    # minutes, characters
    ("elevenlabs_music", {"music_length_ms": 61_000}, 1.6),
    ("elevenlabs_tts_v3", {"text": "x" * 1500}, 0.15),
    ("pixverse_lipsync", {"text": "x" * 50}, 0.32),
]


@pytest.mark.parametrize(("model", "values", "usd"), EXAMPLES, ids=lambda value: str(value)[:60])
def test_the_amount_is_the_one_computed_by_hand(model: str, values: dict[str, Any], usd: float) -> None:
    assert cost(model, **values).cost_usd == pytest.approx(usd, rel=1e-12)


WITH_FILES: list[tuple[str, dict[str, Any], dict[str, Any], float]] = [
    ("flux_2_pro_edit", {"image_size": (1024, 1024)}, {"image_urls[0]": {"width": 2048, "height": 1024}}, 0.06),
    ("flux_1_dev_image_to_image", {}, {"image_url": {"width": 2048, "height": 1024}}, 0.06),
    ("clarity_upscaler", {"upscale_factor": 4}, {"image_url": {"width": 1024, "height": 512}}, 0.24),
    ("topaz_upscale_image", {"upscale_factor": 4}, {"image_url": {"width": 1024, "height": 1536}}, 0.08),
    ("topaz_upscale_image", {"upscale_factor": 4}, {"image_url": {"width": 2048, "height": 1024}}, 0.16),
    ("topaz_upscale_image", {"upscale_factor": 4}, {"image_url": {"width": 3072, "height": 1024}}, 0.16),
    ("topaz_upscale_image", {"upscale_factor": 4}, {"image_url": {"width": 2048, "height": 2048}}, 0.32),
    ("topaz_upscale_image", {"upscale_factor": 4}, {"image_url": {"width": 5120, "height": 5120}}, 1.36),
    (
        "topaz_upscale_video",
        {"upscale_factor": 2, "target_fps": 60},
        {"video_url": {"width": 960, "height": 540, "seconds": 10.0}},
        0.4,
    ),
    ("seedvr2_upscale_image", {"upscale_factor": 2}, {"image_url": {"width": 1024, "height": 1024}}, 0.004),
    (
        "seedvr2_upscale_video",
        {"upscale_factor": 2},
        {"video_url": {"width": 1024, "height": 1024, "frames": 100}},
        0.4,
    ),
    ("latentsync", {}, {"audio_url": {"seconds": 40.0}}, 0.2),
    ("latentsync", {}, {"audio_url": {"seconds": 60.0}}, 0.3),
    ("hailuo_3_max_lip_sync", {}, {"audio_url": {"seconds": 10.0}}, 0.8),
    ("hailuo_3_max_lip_sync", {}, {"audio_url": {"seconds": 20.0}}, 1.92),
    ("kling_lipsync_audio", {}, {"video_url": {"seconds": 6.0}}, 0.14),
    ("sync_lipsync_2", {"model_version": "lipsync-2-pro"}, {"audio_url": {"seconds": 90.0}}, 7.5),
    ("grok_imagine_video_edit", {"resolution": "480p"}, {"video_url": {"seconds": 20.0}}, 0.96),
    ("wan_2_2_animate_move", {"resolution": "720p"}, {"video_url": {"frames": 32}}, 0.16),
]


@pytest.mark.parametrize(("model", "values", "files", "usd"), WITH_FILES, ids=lambda value: str(value)[:60])
def test_what_is_known_of_the_inputs_counts(
    model: str, values: dict[str, Any], files: dict[str, Any], usd: float
) -> None:
    facts = InputFacts({name: FileFacts(**known) for name, known in files.items()})
    assert cost(model, facts, **values).cost_usd == pytest.approx(usd, rel=1e-12)


@pytest.mark.parametrize(
    ("model", "values"),
    [
        ("pika_2_2_text_to_video", {"duration": 10}),
        ("pixverse_5_text_to_video", {"duration": "8"}),
    ],
)
def test_a_price_that_was_read_for_something_else_is_no_price(model: str, values: dict[str, Any]) -> None:
    found = cost(model, **values)
    assert found.cost_usd is None
    assert "duration" in found.note


def test_nothing_is_known_beyond_the_last_tier() -> None:
    assert (
        cost("topaz_upscale_image", file("image_url", width=12_000, height=12_000), upscale_factor=4).cost_usd is None
    )


def test_a_length_that_nothing_says_is_assumed_and_told() -> None:
    found = cost("luma_ray_2_modify")
    assert (found.cost_usd, found.basis, found.confidence) == (1.75, CostBasis.ASSUMED, Confidence.MEDIUM)
    assert "5 s, for nothing says how long it is" in found.note
    assert cost("luma_ray_2_modify", file("video_url", seconds=10.0)).basis is CostBasis.PRICE_LIST


def test_computing_is_charged_by_the_expected_duration() -> None:
    found = cost("qwen_image_3", InputFacts(seconds=100.0))
    assert (found.cost_usd, found.basis) == (0.017, CostBasis.ASSUMED)
    assert "no run of it is known" in cost("qwen_image_3").note


def test_what_the_service_chooses_counts_with_the_dearest() -> None:
    found = cost("wan_vace_14b")
    assert (found.cost_usd, found.basis) == (0.405, CostBasis.ASSUMED)
    assert "the dearest resolution" in found.note


def test_a_condition_in_words_alone_is_never_counted() -> None:
    card = CARDS["fal/kling_3_pro_text_to_video"]
    assert card.price
    assert [term.words for term in card.price.variants if term.in_words_only] == ["voice control: True"]
    assert cost("kling_3_pro_text_to_video").cost_usd == pytest.approx(0.84)


def test_every_condition_in_words_is_a_rule_or_marked() -> None:
    terms = [term for card in PRICED if card.price for term in card.price.variants if term.words]
    assert all(term.in_words_only or not term.holds.is_empty for term in terms)


def test_every_rule_of_the_converter_is_about_something_that_was_collected() -> None:
    assert {f"fal/{endpoint}" for endpoint in RULES} <= CARDS.keys()
    words = {term.words for card in PRICED if card.price for term in card.price.variants}
    assert CONDITIONS.keys() | SAID_ELSEWHERE | {VECTOR} <= words


def test_a_unit_that_cannot_be_counted_has_no_amount() -> None:
    card = ModelCard("x", "X", "me", "fal", (Task.TEXT_TO_IMAGE,), (), price=Price("acre", 1.0, "2026", "page"))
    found = cost_of(card, GenerationRequest("x"))
    assert (found.cost_usd, found.basis) == (None, CostBasis.UNKNOWN)
    assert "'acre'" in found.note


def test_a_tentative_price_is_little_to_rely_on() -> None:
    assert cost("seedream_v5_pro").confidence is Confidence.LOW


def test_what_runs_here_costs_nothing_and_what_runs_elsewhere_is_not_known() -> None:
    here = CARDS["studio-tiny"]
    request = GenerationRequest(here.id, here.default_task, {"prompt": "a boat"})
    assert cost_of(here, request) == FREE
    assert cost_of(here, request, is_remote=True).cost_usd is None
    there = ModelCard("x", "X", "me", "fal", (Task.TEXT_TO_IMAGE,), (), ModelSource(endpoint="fal-ai/x"))
    assert cost_of(there, GenerationRequest("x")).basis is CostBasis.UNKNOWN


PER_PICTURE = [card for card in WITH_AMOUNT if any(p.name == "num_images" for p in card.parameters)]


@pytest.mark.parametrize("card", PER_PICTURE, ids=lambda card: card.id)
def test_more_pictures_never_cost_less(card: ModelCard) -> None:
    most = int(card.parameter("num_images").max or 4)
    amounts = [cost_of(card, request_for(card, num_images=n)).cost_usd or 0.0 for n in range(1, most + 1)]
    assert amounts == sorted(amounts)
    assert amounts[-1] >= amounts[0] * (most if card.price and not card.price.extras else 1) - 1e-12


@given(
    st.lists(
        st.tuples(st.sampled_from(["flux_1_dev", "flux_1_schnell"]), st.integers(256, 4096), st.integers(1, 4)),
        max_size=60,
    ),
    st.randoms(),
)
def test_the_sum_of_a_plan_is_the_sum_of_its_cells_in_any_order(cells: list[tuple[str, int, int]], random: Any) -> None:
    costs = [cost(model, image_size=(side, side), num_images=count) for model, side, count in cells]
    total = total_of(costs).cost_usd
    assert total == math.fsum(each.cost_usd or 0.0 for each in costs)
    random.shuffle(costs)
    assert total_of(costs).cost_usd == total


def test_a_sum_with_an_unknown_part_is_unknown_and_says_why() -> None:
    found = total_of([cost("flux_1_dev"), cost("gpt_image_2")])
    assert found.cost_usd is None
    assert "no rate found" in found.note


def test_an_old_price_is_warned_of() -> None:
    found = cost("flux_1_dev")
    assert found.as_of == "2025-10-30"
    assert price_warnings(found, date(2026, 10, 30)) == ()
    assert "2025-10-30" in price_warnings(found, date(2026, 10, 31))[0]


def test_a_price_of_a_year_is_old_only_when_every_day_of_it_is() -> None:
    year = CostEstimate(1.0, CostBasis.PRICE_LIST, Confidence.HIGH, as_of="2025", source="page")
    assert price_warnings(year, date(2026, 12, 31)) == ()
    assert price_warnings(year, date(2027, 1, 2))


def test_an_uncertain_amount_is_warned_of() -> None:
    assert "tentative" in price_warnings(cost("seedream_v5_pro"), date(2026, 9, 1))[0]
