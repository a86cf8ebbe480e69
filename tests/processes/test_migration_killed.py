"""Migrations under kill -9: before every line of them, for both files, from every version there ever was."""

from __future__ import annotations

import os
import shutil

import pytest

from runlog_tools import child, later_schema, live, log_run, public, rows
from soaking import length, soak
from studio_kernel.runlog import RunLog, database, schema

VERSIONS = range(1, len(schema.migrations()) + 1)
KEPT = "019a0000-0000-7000-8000-000000000001"


@pytest.fixture(params=VERSIONS, ids="from schema {}".format)
def old_home(request, tmp_path):
    """A home whose files have an earlier schema and a run that no journal knows; two more are in an archive."""
    home = tmp_path / "home"
    with RunLog(home) as log:
        for _ in range(2):
            log_run(log)
    for path in (live(home), public(home)):
        path.unlink()
        schema.bring_up_to_date(path, wait_s=1.0, steps=schema.migrations()[: request.param])
        with database.attached(path, read_only=False, wait_s=1.0) as connection:
            connection.execute(
                "INSERT INTO run_rows (id, created_at, model, engine, task, parameters) "
                "VALUES (?, now()::TIMESTAMP, 'studio-tiny', 'procedural', 'text-to-image', '{}')",
                [KEPT],
            )
    return home


def lines_of(home):
    """Return how many lines a migration of both files has."""
    process = child("migrate", home, 0)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return int(out)


def assert_whole(home):
    """Open a home with the later schema and check that everything is there, once."""
    with later_schema(), RunLog(home) as log:
        log.sync()
        assert log.health().error is None
        assert len(log.runs(limit=None)) == 3
        assert log.run(log_run(log)) is not None
        log.sync()
    newest = str(len(schema.migrations()) + 1)
    for path in (live(home), public(home)):
        assert rows(path, "SELECT value FROM meta WHERE key = 'schema_version'") == [(newest,)]
        assert rows(path, "SELECT count(*), count(DISTINCT id), count(later) FROM run_rows") == [(4, 4, 0)]
        assert rows(path, f"SELECT count(*) FROM run_rows WHERE id = '{KEPT}'") == [(1,)]
    assert list(home.glob("*.bad-*")) == []


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
@soak
def test_a_migration_that_is_killed_anywhere_is_done_by_the_next_one(old_home, tmp_path):
    measured = tmp_path / "measured"
    shutil.copytree(old_home, measured)
    lines = lines_of(measured)
    assert_whole(measured)
    killed = range(1, lines + 1, length(lines // 3, 1))
    for line in killed:
        home = tmp_path / f"killed-{line}"
        shutil.copytree(old_home, home)
        process = child("migrate", home, line)
        process.communicate(timeout=60)
        assert process.returncode == -9
        assert_whole(home)
        shutil.rmtree(home)
    print(f"killed before {len(killed)} of {lines} lines, nothing lost")
