"""``studio estimate`` and ``studio architecture``, as people type them."""

import json


def test_an_estimate_tells_memory_time_and_money_to_programs_and_to_people(studio):
    small = ("estimate", "a boat", "--model", "studio-tiny", "--width", "64")
    said = json.loads(studio(*small, "--json").stdout)
    assert said["basis"] == "dry run"
    assert said["memory"]["setup"]["dtype"] == "float32"
    assert said["vram_bytes"] > 8 * 2**20
    assert said["cost_usd"] == 0
    assert said["seconds"] > 0

    words = studio(*small, "--offload", "model").stdout  # one trace tells every placement
    assert words.startswith("memory")
    assert "[dry run, high]" in words
    assert "nothing, it runs here" in words


def test_a_price_is_told_before_anything_is_sent(studio):
    said = json.loads(studio("estimate", "a boat", "--model", "fal/flux_1_dev", "--num-images", "3", "--json").stdout)
    assert said["cost_usd"] == 0.075
    assert said["memory"] is None
    assert any("cannot run here now" in warning for warning in said["warnings"])


def test_architectures_are_listed_and_told_before_they_are_downloaded(studio):
    assert "flux1-dev" in studio("architecture").stdout.split()
    said = json.loads(studio("architecture", "sd15", "--device", "cuda", "--dtype", "float16", "--json").stdout)
    assert 2.5 < said["vram_bytes"] / 2**30 < 2.7


def test_what_is_not_known_of_a_setup_is_refused_with_what_is(studio):
    for words, allowed in ((["--dtype", "float15"], "bfloat16"), (["--quantisation", "q9"], "nf4")):
        assert allowed in studio("architecture", "sd15", *words, status=1).stderr
