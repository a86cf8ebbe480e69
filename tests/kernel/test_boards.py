"""Boards of a home, who marked what, and links to dashboards."""

import pytest

import studio_kernel as sk
from studio_kernel.errors import InvalidRequestError, ReadOnlyError, SettingsError, UnknownBoardError, UnknownRunError
from studio_kernel.runlog import RunFilter
from waiting import until


@pytest.fixture
def studio(tmp_path):
    with sk.open(tmp_path / "home", runner="inline") as studio:
        yield studio


@pytest.fixture
def pair(studio):
    quick = {"model": "procedural", "width": 64, "height": 64, "num_inference_steps": 1, "progress": False}
    return [studio.generate("a boat", seed=seed, **quick) for seed in (1, 2)]


def test_a_mark_tells_who_gave_it_and_what_in_words(studio, pair):
    with sk.open(studio.home.root, mode="viewer") as viewer:
        until(lambda: viewer.count() == 2)
        viewer.mark(pair[0].id, rating=4, tags=["red", "calm"], by=" Ada ")
        viewer.mark(*pair, favourite=True)
        viewer.mark(pair[1], rating=0, note="", favourite=False)
        table = viewer.marks()
        assert list(zip(table["marked_by"], table["what"], strict=True))[::3] == [
            ("", "no stars, no favourite, no note"),
            ("Ada", "4 stars, tags: red, calm"),
        ]
        assert list(viewer.marks(pair[0])["what"]) == ["favourite", "4 stars, tags: red, calm"]
        assert len(viewer.marks(limit=1)) == 1


@pytest.mark.parametrize("wrong", [{"rating": 9}, {"by": "x" * 65}, {"by": 7}, {"tags": "red"}])
def test_a_mark_that_cannot_be_is_refused_and_not_logged(studio, pair, wrong):
    with pytest.raises(InvalidRequestError):
        studio.mark(pair[0], **{"favourite": True, **wrong})
    assert studio.marks().empty


def test_a_board_is_found_by_its_name_and_id_also_by_a_viewer(studio, pair):
    board = studio.save_board("Cover ideas", pair, project="p", settings={"mode": "slider", "n": 2}, by="Ada")
    with sk.open(studio.home.root, mode="viewer") as viewer:
        until(viewer.boards)
        for found in (viewer.board("cover IDEAS"), viewer.board(board.id), viewer.boards("p")[0]):
            assert (found.id, found.runs) == (board.id, tuple(run.id for run in pair))
            assert (found.settings, found.created_by) == ({"mode": "slider", "n": 2}, "Ada")
        assert viewer.boards("q") == []
        with pytest.raises(UnknownBoardError, match="did you mean 'Cover ideas'"):
            viewer.board("Cover idea")


def test_a_board_changes_only_where_that_is_said_and_keeps_its_id(studio, pair):
    first = studio.save_board("ideas", pair, by="Ada")
    with pytest.raises(InvalidRequestError, match="replace=True"):
        studio.save_board("Ideas ", pair[:1])
    again = studio.save_board("Ideas", pair[:1], replace=True, by="Bob")
    [found] = studio.boards()
    assert (found.id, found.name, found.runs, found.created_by) == (first.id, "Ideas", (pair[0].id,), "Ada")
    assert again.id == first.id
    assert found.created_at < found.changed_at


def test_a_deleted_board_is_gone_and_its_name_free(studio, pair):
    board = studio.save_board("ideas", pair)
    studio.delete_board("ideas")
    assert studio.boards() == []
    with pytest.raises(UnknownBoardError):
        studio.delete_board(board)
    assert studio.save_board("ideas", pair).id != board.id
    assert studio.count() == 2


def test_a_board_keeps_the_ids_of_runs_that_were_deleted_since(studio, pair):
    studio.save_board("ideas", pair)
    studio.delete(pair[0])
    board = studio.board("ideas")
    assert len(board.runs) == 2
    assert [run.id for run in studio.records(RunFilter(ids=board.runs))] == [pair[1].id]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"name": " "}, "1 … 80 characters"),
        ({"name": "x" * 81}, "1 … 80 characters"),
        ({"runs": []}, "1 … 24 different runs; got 0"),
        ({"settings": {"text": "x" * 4096}}, "at most 4,096"),
        ({"settings": {"run": sk.Lora("x")}}, "plain values"),
        ({"settings": {"number": float("nan")}}, "not a finite number"),
        ({"settings": {"panel": object()}}, "cannot be part"),
        ({"by": "x" * 65}, "at most 64 characters"),
    ],
)
def test_what_no_board_can_be_is_refused_and_not_logged(studio, pair, wrong, reason):
    with pytest.raises(InvalidRequestError, match=reason):
        studio.save_board(**{"name": "ideas", "runs": pair} | wrong)
    assert studio.boards() == []


def test_private_deleted_and_unknown_runs_are_on_no_board(studio, pair):
    private = studio.submit("secret", model="procedural", width=64, height=64, num_inference_steps=1, private=True)
    private.wait(progress_bar=False)
    with pytest.raises(InvalidRequestError, match=f"{private.id} is private"):
        studio.save_board("ideas", [pair[0], private])
    studio.delete(pair[1])
    with pytest.raises(InvalidRequestError, match=f"{pair[1].id} is deleted"):
        studio.save_board("ideas", pair)
    with pytest.raises(UnknownRunError):
        studio.save_board("ideas", ["nothing"])
    assert studio.boards() == []


def test_private_runs_of_another_studio_are_on_no_board_either(studio, pair):
    with sk.open(studio.home.root, runner="inline") as other:
        private = other.submit("secret", model="procedural", width=64, height=64, num_inference_steps=1, private=True)
        private.wait(progress_bar=False)
        until(lambda: studio.count() == 3)
        with pytest.raises(InvalidRequestError, match="is private"):
            studio.save_board("ideas", [private.id])


def test_a_viewer_changes_no_boards(studio, pair):
    studio.save_board("ideas", pair)
    with sk.open(studio.home.root, mode="viewer") as viewer:
        for change in (lambda: viewer.save_board("more", pair), lambda: viewer.delete_board("ideas")):
            with pytest.raises(ReadOnlyError):
                change()
    assert [board.name for board in studio.boards()] == ["ideas"]


def test_a_link_goes_to_the_page_of_what_it_names(studio, pair):
    board = studio.save_board("Cover ideas", pair)
    home = "http://127.0.0.1:8866/"
    assert studio.link() == f"{home}?page=gallery"
    assert studio.link(run=pair[0]) == f"{home}?page=run&run={pair[0].id}"
    assert studio.link("gallery", run=pair[0].id, project="a b&c") == (
        f"{home}?page=gallery&project=a%20b%26c&run={pair[0].id}"
    )
    assert studio.link(runs=pair) == f"{home}?page=compare&runs={pair[0].id},{pair[1].id}"
    assert studio.link(board=board) == studio.link(board=board.id) == f"{home}?page=compare&board={board.id}"
    assert studio.link(sweep="0192") == f"{home}?page=sweep&sweep=0192"


def test_a_link_begins_as_the_home_says_and_never_has_a_token_in_it(studio):
    studio.home.settings_file.write_text(
        '[dashboards]\naddress = "https://me:secret@example.org/studio?token=secret"\n'
    )
    assert studio.link("costs") == "https://example.org/studio/?page=costs"
    assert studio.link("home", address="http://[::1]:9000/") == "http://[::1]:9000/?page=home"


@pytest.mark.parametrize("address", ["example.org", "file:///etc", "javascript:alert(1)", "http://", "http://a:b/"])
def test_what_is_no_address_makes_no_link(studio, address):
    with pytest.raises(InvalidRequestError, match="address"):
        studio.link(address=address)


def test_there_is_no_link_to_a_private_run_or_an_unknown_page(studio):
    private = studio.submit("secret", model="procedural", width=64, height=64, num_inference_steps=1, private=True)
    private.wait(progress_bar=False)
    with pytest.raises(InvalidRequestError, match="private"):
        studio.link(run=private)
    with pytest.raises(InvalidRequestError, match="'settings' is none of home, gallery"):
        studio.link("settings")


def test_settings_refuse_an_address_that_is_none(studio):
    studio.home.settings_file.write_text('[dashboards]\naddress = "example.org"\n')
    with pytest.raises(SettingsError, match="begins with https"):
        studio.link()
