"""The tables, how old files become new ones, and who may open a DuckDB file."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import studio_kernel
from runlog_tools import live, log_run, public, rows
from studio_kernel.errors import RunLogError
from studio_kernel.runlog import RunLog, database, reference, schema
from studio_kernel.runlog.queries.rows import RECORD_COLUMNS
from studio_kernel.runlog.schema import Migration

PACKAGE = Path(studio_kernel.__file__).parent


@pytest.mark.parametrize("which", [live, public])
def test_there_are_no_indexes_and_no_constraints_but_not_null(tmp_path, which):
    with RunLog(tmp_path) as log:
        log_run(log)
    assert rows(which(tmp_path), "SELECT count(*) FROM duckdb_indexes()") == [(0,)]
    kinds = rows(which(tmp_path), "SELECT DISTINCT constraint_type FROM duckdb_constraints()")
    assert kinds == [("NOT NULL",)]


def test_files_open_in_older_versions_of_duckdb(tmp_path):
    with RunLog(tmp_path) as log:
        log_run(log)
    header = public(tmp_path).read_bytes()[:64]
    with database.attached(public(tmp_path), read_only=True, wait_s=1.0) as connection:
        tags = connection.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'log'").fetchone()
    assert b"DUCK" in header
    assert "v1.2.0" in str(tags)


OLDEST = schema.migrations()[:1]
NEXT = Migration(2, "ALTER TABLE run_rows ADD COLUMN colour VARCHAR; CREATE TABLE extra (a INTEGER);")


def test_a_file_of_the_oldest_schema_becomes_one_of_this_version(tmp_path):
    path, fresh = tmp_path / "old.duckdb", tmp_path / "new.duckdb"
    schema.bring_up_to_date(path, wait_s=1.0, steps=OLDEST)
    with database.attached(path, read_only=False, wait_s=1.0) as connection:
        connection.execute("INSERT INTO run_rows (id, model) VALUES (uuid(), 'kept')")
    schema.bring_up_to_date(path, wait_s=1.0)
    schema.bring_up_to_date(fresh, wait_s=1.0)
    columns = "SELECT table_name, column_name, data_type FROM duckdb_columns() ORDER BY ALL"
    assert rows(path, columns) == rows(fresh, columns)
    assert rows(path, "SELECT model FROM run_rows") == [("kept",)]


def test_runs_of_an_older_file_know_which_kinds_of_files_they_made(tmp_path):
    path = tmp_path / "old.duckdb"
    schema.bring_up_to_date(path, wait_s=1.0, steps=schema.migrations()[:4])
    with database.attached(path, read_only=False, wait_s=1.0) as connection:
        connection.execute(
            "INSERT INTO run_rows (id, created_at, final_status) SELECT uuid(), now()::TIMESTAMP, 'succeeded' "
            "FROM range(2)"
        )
        connection.execute(
            "INSERT INTO assets (run_id, role, sha256, media_type) "
            "SELECT min(id), role, kind, kind || '/x' FROM run_rows, (VALUES ('output', 'video'), "
            "('output', 'image'), ('image', 'audio')) AS files (role, kind) GROUP BY ALL"
        )
    schema.bring_up_to_date(path, wait_s=1.0)
    assert sorted(rows(path, "SELECT kinds FROM runs")) == [([],), (["image", "video"],)]
    assert rows(path, "SELECT count(*) FROM all_runs WHERE deleted") == [(0,)]


def test_a_step_copies_the_file_aside_first(tmp_path):
    path = tmp_path / "live.duckdb"
    schema.bring_up_to_date(path, wait_s=1.0, steps=OLDEST)
    with database.attached(path, read_only=False, wait_s=1.0) as connection:
        connection.execute("INSERT INTO run_rows (id, model) VALUES (uuid(), 'kept')")
    schema.bring_up_to_date(path, wait_s=1.0, steps=[*OLDEST, NEXT])
    aside = tmp_path / "live.schema-1.duckdb"
    assert rows(path, "SELECT model, colour FROM run_rows") == [("kept", None)]
    assert rows(aside, "SELECT model FROM run_rows") == [("kept",)]
    assert rows(aside, "SELECT value FROM meta WHERE key = 'schema_version'") == [("1",)]


def test_a_step_that_fails_leaves_the_version_before_it(tmp_path):
    path = tmp_path / "live.duckdb"
    broken = Migration(2, "CREATE TABLE extra (a INTEGER); SELECT no_such_function();")
    schema.bring_up_to_date(path, wait_s=1.0, steps=OLDEST)
    import duckdb

    with pytest.raises(duckdb.Error):
        schema.bring_up_to_date(path, wait_s=1.0, steps=[*OLDEST, broken])
    assert rows(path, "SELECT value FROM meta WHERE key = 'schema_version'") == [("1",)]
    assert rows(path, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'extra'") == [(0,)]


def test_a_newer_file_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "live.duckdb"
    schema.bring_up_to_date(path, wait_s=1.0, steps=[*OLDEST, NEXT])
    with pytest.raises(RunLogError, match="newer studio"):
        schema.bring_up_to_date(path, wait_s=1.0, steps=OLDEST)


def test_every_column_is_documented():
    with schema.empty(confined=False) as connection:
        missing = connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE comment IS NULL "
            "AND table_name IN ('runs', 'costs', 'assets', 'prompts', 'projects', 'sweeps', "
            "'votes', 'marks', 'boards', 'measurements')"
        ).fetchall()
    assert missing == []


def test_the_reference_page_is_current():
    page = PACKAGE.parent / "docs" / "reference" / "run-log.md"
    assert page.read_text("utf-8") == reference.page(), "run python -m studio_kernel.runlog > docs/reference/run-log.md"


def test_the_columns_of_a_record_are_columns_of_the_view_of_all():
    with schema.empty(confined=False) as connection:
        names = {name for name, *_ in connection.execute("DESCRIBE all_runs").fetchall()}
    assert set(RECORD_COLUMNS) <= names


def calls_of(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def opens_a_database(path: Path) -> bool:
    """Whether a module imports DuckDB for more than work in memory, or names a DuckDB file in a call."""
    tree = ast.parse(path.read_text("utf-8"))
    modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    texts = [
        node.value
        for call in calls_of(tree)
        for node in ast.walk(call)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    connects = [call for call in calls_of(tree) if ast.unparse(call.func) == "duckdb.connect"]
    stays_in_memory = connects and not any(call.args or call.keywords for call in connects)
    return ("duckdb" in modules and not stays_in_memory) or any(".duckdb" in text for text in texts)


def test_nothing_outside_the_run_log_opens_its_files():
    outside = [
        path
        for root in (PACKAGE, PACKAGE.parent / "widgets")
        for path in root.rglob("*.py")
        if "runlog" not in path.relative_to(root).parts
    ]
    assert len(outside) > 10
    assert [path for path in outside if opens_a_database(path)] == []


def test_inside_the_run_log_one_module_attaches_files():
    attaching = {
        path.name
        for path in (PACKAGE / "runlog").glob("*.py")
        if "ATTACH " in path.read_text("utf-8").replace("DETACH ", "") or "duckdb.connect" in path.read_text("utf-8")
    }
    assert attaching == {"database.py"}


def test_importing_the_run_log_loads_neither_duckdb_nor_pandas():
    program = (
        "import sys, studio_kernel.runlog as r, pathlib; r.RunLog(pathlib.Path('nowhere')).close(); "
        "print(sorted({'duckdb', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    assert done.stdout.strip() == "[]"
