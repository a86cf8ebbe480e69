"""Boards of a home, who marked what, and links to dashboards."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Timer

import pytest
from filelock import FileLock

import studio_kernel as sk
from studio_kernel.domain.boards import Board
from studio_kernel.errors import (
    HomeError,
    InvalidRequestError,
    ReadOnlyError,
    SettingsError,
    UnknownBoardError,
    UnknownRunError,
)
from studio_kernel.runlog import RunFilter, RunLog, new_run_id
from waiting import until

SAVE_WHEN_TOLD = """
import sys
import studio_kernel as sk
from waiting import until
home, run = sys.argv[1:]
with sk.open(home, runner="inline") as studio:
    until(lambda: studio.count() == 2)
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        print(studio.save_board("Ideas", [run]).id, flush=True)
    except sk.StudioError:
        print("refused", flush=True)
    sys.stdin.read()
"""


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


def test_two_processes_that_save_one_new_name_at_once_make_one_board(studio, pair):
    command = [sys.executable, "-c", SAVE_WHEN_TOLD, studio.home.root, pair[0].id]
    tools = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    saving = [subprocess.Popen(command, stdin=-1, stdout=-1, text=True, env=tools) for _ in range(2)]
    assert [process.stdout.readline() for process in saving] == ["ready\n"] * 2
    for process in saving:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = {process.stdout.readline().strip() for process in saving}
    for process in saving:
        process.communicate()
    [board] = studio.boards()
    assert said == {board.id, "refused"}


def test_studios_that_replace_a_board_at_once_change_the_same(studio, pair):
    others = [sk.open(studio.home.root, runner="inline") for _ in range(4)]
    until(lambda: all(other.count() == 2 for other in others))
    start = Barrier(len(others))

    def save(other):
        start.wait()
        return other.save_board("ideas", pair, replace=True).id

    with ThreadPoolExecutor(len(others)) as pool:
        saved = set(pool.map(save, others))
    for other in others:
        other.close()
    [board] = studio.boards()
    assert saved == {board.id}


def test_a_board_that_another_has_just_saved_is_seen_while_somebody_holds_the_tables(studio, pair):
    assert studio.boards() == []  # nothing of its own is new to the tables
    folding = FileLock(studio.home.runlog / "live.duckdb.lock", thread_local=False)
    with folding, RunLog(studio.home.runlog) as log:
        log.board(Board(new_run_id(), "Ideas", (pair[0].id,)))
        Timer(0.5, folding.release).start()
        with pytest.raises(InvalidRequestError, match="there is a board 'Ideas' already"):
            studio.save_board("ideas", pair)


def test_a_board_that_another_does_not_let_be_saved_is_refused_in_words(studio, pair, monkeypatch):
    monkeypatch.setattr("studio_kernel.presence.TURN_WAIT_S", 0.1)
    with FileLock(studio.home.locks / "boards.lock"), pytest.raises(HomeError, match=r"writing boards for 0\.1 s"):
        studio.save_board("ideas", pair)
    assert studio.save_board("ideas", pair).name == "ideas"


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
