"""An export to a disk that is full: it says so, and leaves no folder that looks whole."""

import pytest

import studio_kernel as sk
from studio_kernel.errors import HomeError


def test_an_export_that_does_not_fit_says_so_and_leaves_nothing(small_disk, home):
    large = {"model": "procedural", "num_inference_steps": 1, "width": 1024, "height": 1024}
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(3 << 20))
    with sk.open(home, runner="inline") as studio:
        for seed in range(8):
            studio.generate("a boat", seed=seed, **large)
        with pytest.raises(HomeError, match="No space left on device"):
            studio.export_dashboard("gallery", small_disk / "out", progress=False)
        assert list(small_disk.iterdir()) == [ballast]
        page = studio.export_dashboard("gallery", small_disk / "out", limit=1, progress=False)
        with pytest.raises(HomeError, match="No space left on device"):
            studio.export_dashboard("gallery", small_disk / "out", progress=False)
        assert page.is_file()
        assert not list((small_disk / "out").glob(".studio-export-*"))
