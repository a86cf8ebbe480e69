"""The fonts of figures: prompts are of any language, and matplotlib's own font knows few of them."""

from __future__ import annotations

from functools import lru_cache

from matplotlib import font_manager, rcParams

FURTHER_FONTS = (
    "Noto Sans CJK", "Noto Sans SC", "Noto Sans JP", "Noto Sans KR", "Source Han Sans", "WenQuanYi", "IPAexGothic",
    "PingFang", "Hiragino Sans", "Apple SD Gothic", "Arial Unicode MS", "Yu Gothic", "Microsoft YaHei", "Malgun Gothic",
    "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Thai", "Noto Emoji", "Segoe UI Symbol",
    "Symbola",
)  # fmt: skip
"""Beginnings of the names of fonts with what DejaVu Sans lacks: those that come with Linux, macOS and Windows."""


@lru_cache(maxsize=1)
def font_families() -> tuple[str, ...]:
    """Return the families for text of people: matplotlib's own first, then installed ones for what it cannot write."""
    installed = sorted({font.name for font in font_manager.fontManager.ttflist})
    further = [name for start in FURTHER_FONTS for name in installed if name.startswith(start)]
    return (*rcParams["font.family"], *further)
