"""The run log beside other versions of DuckDB: tools of a user's own on the public file, and a second studio."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runlog_tools import CHILDREN, ROOT, child, eventually, live, log_run, public, rows
from soaking import length, soak
from studio_kernel.runlog import RunLog, database

OLDEST, MIDDLE, NEWEST_OLD = VERSIONS = ("1.2.2", "1.4.5", "1.5.5")
USER = CHILDREN.with_name("duckdb_user.py")


@pytest.fixture(scope="session")
def duckdb_at():
    """Where a version of DuckDB is installed, by version; kept in the checkout's environment."""

    def installed(version: str) -> Path:
        place = ROOT / ".venv" / f"duckdb-{version}"
        if not place.is_dir():
            _install(version, place)
        return place

    return installed


def _install(version, place):
    partial = place.with_name(f"{place.name}.{os.getpid()}")
    wish = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target", partial, f"duckdb=={version}"]
    done = subprocess.run([sys.executable, "-m", "pip", *wish], capture_output=True, text=True, timeout=120)
    if done.returncode and not os.environ.get("CI"):
        pytest.skip(f"pip cannot install duckdb {version}: {done.stderr.strip()[-200:]}")
    assert done.returncode == 0, done.stderr
    partial.rename(place)


def use(duckdb_at, version, mode, path):
    """Let a tool with this version of DuckDB do something with a file; return what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(duckdb_at(version))}
    done = subprocess.run([sys.executable, USER, mode, path], capture_output=True, text=True, env=environment)
    assert done.returncode in (0, -9), done.stderr
    return done.stdout.split()


@pytest.fixture
def home(tmp_path):
    """A home of three runs, closed in good order."""
    with RunLog(tmp_path) as log:
        for _ in range(3):
            log_run(log)
    return tmp_path


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mode", ["read", "write"])
def test_the_public_file_opens_in_an_older_duckdb(duckdb_at, home, version, mode):
    assert use(duckdb_at, version, mode, public(home)) == [version, "3"]
    with RunLog(home) as log:
        log_run(log)
        log.sync()
        assert log.health().is_well
    assert use(duckdb_at, version, "read", public(home)) == [version, "4"]
    if mode == "write":
        assert rows(public(home), "SELECT answer FROM mine") == [(42,)]
        assert rows(public(home), "SELECT count(*) FROM newest") == [(4,)]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@pytest.mark.parametrize("version", [MIDDLE, NEWEST_OLD])
def test_a_user_with_an_older_duckdb_who_is_killed_while_writing_costs_nothing(duckdb_at, home, version):
    assert use(duckdb_at, version, "die", public(home)) == [version, "3"]
    assert database.write_ahead_log(public(home)).exists(), "a write-ahead log was meant to be left"
    with RunLog(home) as log:
        log_run(log)
        eventually(lambda: log.sync() or rows(public(home), "SELECT count(*) FROM runs") == [(4,)])
        assert log.health().is_well
    assert rows(public(home), "SELECT count(*), max(answer) FROM mine") == [(1001, 999)]
    assert use(duckdb_at, version, "read", public(home)) == [version, "4"]


@soak
def test_two_studios_on_different_versions_of_duckdb_share_a_home(duckdb_at, tmp_path):
    count = length(60, 2400)
    older = child("log_and_count", tmp_path, count, 0.02, path=duckdb_at(NEWEST_OLD))
    newer = child("log_and_count", tmp_path, count, 0.02)
    printed = [process.communicate(timeout=1200) for process in (older, newer)]
    assert [process.returncode for process in (older, newer)] == [0, 0], printed
    (old_version, *old_ids), (new_version, *new_ids) = [out.splitlines() for out, _ in printed]
    assert old_version == NEWEST_OLD
    assert new_version.startswith("2.")
    ids = {*old_ids, *new_ids}
    assert len(ids) == 2 * count
    with RunLog(tmp_path) as log:
        log.sync()
        assert {run.id for run in log.runs(limit=None)} == ids
        assert log.health().is_well
    for path in (live(tmp_path), public(tmp_path)):
        assert rows(path, "SELECT count(*), count(DISTINCT id) FROM run_rows") == [(2 * count,) * 2]
    assert list(tmp_path.glob("*.bad-*")) == []
    assert use(duckdb_at, OLDEST, "read", public(tmp_path)) == [OLDEST, str(2 * count)]
    print(f"{len(ids)} runs of duckdb {old_version} and {new_version}, none lost or doubled")
