"""Wildcard files: those that ship, and the user's."""

import studio_kernel as sk
from studio_kernel.catalog.loader import load
from studio_kernel.prompts.template import resolve
from user_catalog import problems_of


def give(directory, **files):
    for name, text in files.items():
        path = directory / "wildcards" / f"{name.replace('__', '/')}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load(directory)


def test_every_wildcard_that_ships_can_be_used():
    wildcards = load().wildcards
    assert {"animal", "colour", "object", "place", "size", "style/medium"} <= set(wildcards)
    for name, lines in wildcards.items():
        assert len(lines) > 2
        assert len(set(lines)) == len(lines)
        assert "__" not in resolve(f"__{name}__", 1, wildcards)


def test_a_users_file_goes_before_the_one_that_ships(tmp_path):
    catalog = give(tmp_path, animal="whale\n\n# not a line\n  shark  \n", style__painter="Monet")
    assert catalog.wildcards["animal"] == ("whale", "shark")
    assert catalog.wildcards["style/painter"] == ("Monet",)
    assert "colour" in catalog.wildcards
    assert catalog.problems == ()


def test_a_line_that_names_no_wildcard_costs_that_line(tmp_path):
    catalog = give(tmp_path, mine="a __animal__\na __anmal__\n")
    assert catalog.wildcards["mine"] == ("a __animal__",)
    [(place, message)] = problems_of(catalog).items()
    assert place == "wildcards/mine.txt: line 2"
    assert "did you mean 'animal'" in message


def test_a_file_that_cannot_be_used_is_reported_and_the_others_are_used(tmp_path):
    catalog = give(tmp_path, empty="# nothing\n", latin="gr\xfcn".encode("latin-1"), good="x")
    (tmp_path / "wildcards" / "two words.txt").write_text("x")
    problems = problems_of(load(tmp_path))
    assert "no lines" in problems["wildcards/empty.txt"]
    assert "UTF-8" in problems["wildcards/latin.txt"]
    assert "name of a wildcard" in problems["wildcards/two words.txt"]
    assert "good" in catalog.wildcards
    assert not {"empty", "latin"} & set(catalog.wildcards)


def test_a_file_that_is_changed_is_read_again_by_an_open_studio(home):
    give(home / "catalog", mine__deep="one")
    with sk.open(home) as studio:
        assert studio.wildcards["mine/deep"] == ("one",)
        give(home / "catalog", mine__deep="one\ntwo")
        assert studio.wildcards["mine/deep"] == ("one", "two")
