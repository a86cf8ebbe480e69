"""What people search models by: the words of a card, without accents and letter case, and how well they match.

Both ``studio.models.search`` and the panels find models by this one rule.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from studio_kernel.domain.model import ModelCard

SHORTEST_MISSPELT = 4
"""A shorter word is like too many others."""
ALIKE = 0.7
"""How much of two words is the same where one is taken for the other, misspelt; `difflib` counts 1 for equal ones."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a card, made once and searched often.

    Attributes
    ----------
    naming : str
        Id and name.
    everything : str
        The same with creator, family and description.
    compact : str
        Letters and digits of id and name alone, so that ``flux1`` finds ``FLUX.1``.
    names : tuple of str
        The same of each name that stands for the whole model.
    """

    naming: str
    everything: str
    compact: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, card: ModelCard) -> Wording:
        """Return the words of `card`."""
        key, name = folded(card.id), folded(card.name)
        naming = f"{key} {name}"
        everything = f"{naming} {folded(f'{card.creator} {card.family} {card.description}')}"
        names = (_compact(key), _compact(key.rpartition("/")[2]), _compact(name))
        return cls(naming, everything, _compact(naming), names)

    def rank(self, words: Collection[str]) -> int | None:
        """Return how well words match, as `words_of` gives them: 0 = the name as a whole; `None` = not at all."""
        compact = [_compact(word) for word in words]
        pairs = list(zip(words, compact, strict=True))
        if not all(word in self.everything or (short and short in self.compact) for word, short in pairs):
            return None
        whole = "".join(compact)
        if whole in self.names:
            return 0
        if any(each.startswith(whole) for each in self.names):
            return 1
        return 2 if all(word in self.naming or short in self.compact for word, short in pairs) else 3


def words_of(text: str) -> list[str]:
    """Return the words of a search."""
    return folded(text).split()


def folded(text: str) -> str:
    """Return a text without accents and in one letter case."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in split if not unicodedata.combining(each))


def corrected(words: Collection[str], known: Collection[str]) -> list[str]:
    """Return words with those that nothing has in it replaced by the one of `known` that is most alike, if one is."""
    return [_corrected(word, known) for word in words]


def vocabulary(wordings: Collection[Wording]) -> frozenset[str]:
    """Return every word that stands in one of them and is long enough to be misspelt."""
    return frozenset(word for wording in wordings for word in _long_words(wording.everything))


def _corrected(word: str, known: Collection[str]) -> str:
    if len(word) < SHORTEST_MISSPELT or any(word in each for each in known):
        return word
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1, cutoff=ALIKE)), word)


def _long_words(text: str) -> Iterator[str]:
    return (word for word in re.split(r"[\W_]+", text) if len(word) >= SHORTEST_MISSPELT)


def _compact(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)
