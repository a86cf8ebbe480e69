"""What models are searched by."""

import pytest

from cards import diffusers_card
from studio_kernel.catalog.wording import Wording, corrected, vocabulary, words_of
from studio_kernel.domain.model import ModelSource

CARD = diffusers_card(ModelSource(path="/x"), "me/krea_2", description="Portraits à la Brassaï", family="Flüx.1")


@pytest.mark.parametrize("text", ["brassai", "BRASSAÏ portraits", "flux.1", "krea2", "ME/KREA"])
def test_accents_case_and_order_do_not_matter(text):
    assert Wording.of(CARD).rank(words_of(text)) is not None


def test_every_word_must_occur():
    assert Wording.of(CARD).rank(words_of("portraits landscapes")) is None


def test_a_name_as_a_whole_goes_before_its_beginning_before_words_anywhere():
    words = Wording.of(CARD)
    assert [words.rank(words_of(text)) for text in ("krea 2", "krea", "2 krea", "portraits")] == [0, 1, 2, 3]


def test_a_misspelt_word_becomes_the_one_most_like_it():
    known = vocabulary([Wording.of(CARD)])
    assert corrected(["portrets", "krea"], known) == ["portraits", "krea"]


def test_what_stands_somewhere_is_short_or_like_nothing_stays_as_it_is():
    known = vocabulary([Wording.of(CARD)])
    assert corrected(["ortrait", "kra", "zzzzzzzz"], known) == ["ortrait", "kra", "zzzzzzzz"]
