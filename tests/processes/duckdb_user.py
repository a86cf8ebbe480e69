"""What a person's own tool does with ``runs.duckdb``: ``duckdb_user.py read|write|die PATH``; it knows no studio."""

import os
import signal
import sys

import duckdb

mode, path = sys.argv[1:]
connection = duckdb.connect(path, read_only=mode == "read")
if mode in ("write", "die"):
    connection.execute("CREATE TABLE mine AS SELECT 42 AS answer")
    connection.execute("CREATE VIEW newest AS SELECT id FROM runs ORDER BY created_at DESC")
if mode == "die":
    for number in range(1000):
        connection.execute("INSERT INTO mine VALUES (?)", [number])
print(duckdb.__version__, connection.execute("SELECT count(*) FROM runs WHERE status = 'succeeded'").fetchone()[0])
if mode == "die":
    sys.stdout.flush()
    os.kill(os.getpid(), signal.SIGKILL)
