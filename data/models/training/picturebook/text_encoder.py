"""Build the tokenizer from our own captions and teach the text encoder to read them.

The encoder learns to tell a scene's attributes from its caption, so that binding ("a red house and a green tree") is
learnt on cheap text before the costly picture training starts.  It stays as it is afterwards.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from . import scenes
from .common import Budget, advance, progress
from .tokens import LENGTH, token_ids

SPLIT = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
PLACES = ("", "center", "left", "right", "top", "bottom", "and", "above", "below")
SIZES = tuple(scenes.RADIUS)
COLOURS = tuple(scenes.COLORS)


@dataclass
class TextSettings:
    """How to train the text encoder."""

    cpu_seconds: float = 260.0
    steps: int | None = None
    learning_rate: float = 1.5e-3
    batch: int = 64
    captions: int = 20000
    merges: int = 900
    seed: int = 11


def _byte_symbols() -> list[str]:
    """List the printable stand-ins for the 256 bytes used by byte-level BPE."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    codes = printable + [256 + i for i in range(256 - len(printable))]
    return [chr(code) for code in codes]


def _corpus(count: int) -> list[str]:
    """Write captions of random scenes, plus every word of the vocabulary often enough to become one token."""
    rng = random.Random(3)
    lines = [scenes.caption(scenes.sample_scene(rng), rng) for _ in range(count)]
    words = {word for group in (scenes.COLORS, scenes.OBJECTS, scenes.PRAISE, scenes.BLEMISH) for word in group}
    return lines + [f"{word} {word}s" for word in sorted(words)] * 30 + ["blueprint drawing, in blueprint style"] * 200


def build_tokenizer(out: Path, captions: int = 20000, merges: int = 900) -> CLIPTokenizer:
    """Learn byte-pair merges from our captions and save a CLIP tokenizer.

    Parameters
    ----------
    out : Path
        Directory to write.
    captions : int
        How many captions to learn from.
    merges : int
        Most merges to keep.

    Returns
    -------
    CLIPTokenizer
        The tokenizer, also saved in ``out``.
    """
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.normalizer = normalizers.Lowercase()
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    symbols = _byte_symbols()
    trainer = trainers.BpeTrainer(
        vocab_size=2 * len(symbols) + merges,
        end_of_word_suffix="</w>",
        min_frequency=20 if captions >= 10000 else 2,
        initial_alphabet=symbols,
        show_progress=False,
    )
    learner.train_from_iterator(_corpus(captions), trainer)
    found = json.loads(learner.to_str())["model"]["merges"]
    pairs = [tuple(pair.split(" ")) if isinstance(pair, str) else tuple(pair) for pair in found]
    words = symbols + [symbol + "</w>" for symbol in symbols] + [left + right for left, right in pairs]
    words = [*dict.fromkeys(words), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: i for i, word in enumerate(words)}
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=pairs, model_max_length=LENGTH)
    tokenizer.save_pretrained(out)
    return tokenizer


def build_encoder(tokenizer: CLIPTokenizer, width: int = 128, layers: int = 3) -> CLIPTextModel:
    """Make an untrained text encoder of 0.6 million parameters."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=3 * width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        max_position_embeddings=LENGTH,
        hidden_act="gelu",
        projection_dim=width,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


#: What the encoder must tell from a caption, and into how many classes it falls (the last class: not there).
ATTRIBUTES = {
    "object": len(scenes.OBJECTS) + 1,
    "color": len(COLOURS) + 1,
    "size": len(SIZES) + 1,
    "place": len(PLACES),
    "count": 4,
    "second object": len(scenes.OBJECTS) + 1,
    "second color": len(COLOURS) + 1,
    "background": len(scenes.BACKS),
    "background color": len(COLOURS) + 1,
    "style": len(scenes.STYLES),
    "blurry": 2,
}


def attributes(scene: scenes.Scene) -> list[int]:
    """Find the class of each of :data:`ATTRIBUTES` for a scene."""

    def described(index: int) -> tuple[int, int]:
        if index >= len(scene.things) or (index == 1 and scene.layout != "pair"):
            return len(scenes.OBJECTS), len(COLOURS)
        thing = scene.things[index]
        return scenes.OBJECTS.index(thing.kind), COLOURS.index(thing.color)

    (kind, color), (other_kind, other_color) = described(0), described(1)
    size = SIZES.index(scene.things[0].size) if scene.things else len(SIZES)
    count = 1 if scene.layout == "pair" else len(scene.things)
    back_color = COLOURS.index(scene.back_color) if scene.back == "plain" else len(COLOURS)
    return [
        kind, color, size, PLACES.index(scene.place), count, other_kind, other_color, scenes.BACKS.index(scene.back),
        back_color, scenes.STYLES.index(scene.style), int(scene.blurry),
    ]  # fmt: skip


def _reading(encoder: CLIPTextModel, tokens: Tensor, end: int) -> Tensor:
    """Take the state at the first end-of-text token, which has seen the whole caption."""
    states = encoder(tokens).last_hidden_state
    first = (tokens == end).float().argmax(1)
    return states[torch.arange(len(tokens)), first]


def train_text_encoder(out: Path, settings: TextSettings) -> dict[str, float]:
    """Train tokenizer and text encoder.

    Parameters
    ----------
    out : Path
        Directory that receives ``tokenizer`` and ``text_encoder``.
    settings : TextSettings
        Budget and method.

    Returns
    -------
    dict of str to float
        Share of fresh captions from which each attribute is told right.
    """
    torch.manual_seed(settings.seed)
    rng = random.Random(settings.seed)
    tokenizer = build_tokenizer(out / "tokenizer", settings.captions, settings.merges)
    encoder = build_encoder(tokenizer)
    heads = nn.ModuleDict({name: nn.Linear(encoder.config.hidden_size, size) for name, size in ATTRIBUTES.items()})
    parameters = [*encoder.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=0.01, betas=(0.9, 0.98))
    budget, step = Budget(settings.cpu_seconds, settings.steps), 0

    def batch(count: int) -> tuple[Tensor, Tensor]:
        drawn = [scenes.sample_scene(rng) for _ in range(count)]
        tokens = token_ids(tokenizer, [scenes.caption(scene, rng) for scene in drawn])
        return tokens, torch.tensor([attributes(scene) for scene in drawn])

    bar = progress("text encoder", True)
    while (fraction := budget.fraction(step)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * min(1.0, (step + 1) / 100) * (1 - 0.95 * fraction)
        tokens, targets = batch(settings.batch)
        read = _reading(encoder, tokens, tokenizer.eos_token_id)
        loss = torch.stack(
            [cross_entropy(head(read), targets[:, i], label_smoothing=0.02) for i, head in enumerate(heads.values())]
        ).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        step += 1
        advance(bar, fraction, f"step {step} loss {loss.item():.3f}")
    bar.close()
    encoder.eval().save_pretrained(out / "text_encoder")
    with torch.no_grad():
        tokens, targets = batch(256)
        read = _reading(encoder, tokens, tokenizer.eos_token_id)
        hits = [(head(read).argmax(-1) == targets[:, i]).float().mean() for i, head in enumerate(heads.values())]
    return {name: round(float(hit), 3) for name, hit in zip(ATTRIBUTES, hits, strict=True)}
