"""What connections to DuckDB do, and do not do, for whoever works at a prompt or in a notebook."""

import subprocess
import sys

ASKED = """
from studio_kernel.runlog import database
for connection in (database.connect(), database._instance.cursor()):
    print(connection.execute("SELECT current_setting('enable_progress_bar')").fetchone()[0])
"""


def test_no_slow_question_prints_a_bar_of_its_own():
    # without a file of its own a program counts as somebody at a prompt
    answer = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]
