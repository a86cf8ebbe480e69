"""What is said of a run beside its picture."""

from studio_kernel.domain.captions import letter_of


def test_letters_go_on_behind_z():
    assert [letter_of(place) for place in (0, 25, 26, 51, 52)] == ["A", "Z", "AA", "AZ", "BA"]
