"""Who is alive, told by locks."""

import subprocess
import sys

from studio_kernel.presence import Presence, is_present

HOLD = """
import sys
from pathlib import Path
from studio_kernel.presence import Presence
presence = Presence(Path(sys.argv[1]), "worker")
print(presence.name, flush=True)
sys.stdin.read()
"""


def test_a_presence_is_there_until_it_ends(tmp_path):
    presence = Presence(tmp_path, "inline")
    assert is_present(tmp_path, presence.name)
    presence.end()
    presence.end()
    assert not is_present(tmp_path, presence.name)
    assert list(tmp_path.iterdir()) == []


def test_two_of_one_role_have_names_of_their_own(tmp_path):
    one, other = Presence(tmp_path, "inline"), Presence(tmp_path, "inline")
    assert one.name != other.name
    one.end()
    assert is_present(tmp_path, other.name)


def test_a_process_that_is_killed_is_gone_at_once(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=-1, stdin=-1, text=True) as process:
        name = process.stdout.readline().strip()
        assert is_present(tmp_path, name)
        process.kill()
        process.wait()
    assert not is_present(tmp_path, name)


def test_a_name_that_nobody_ever_had_is_not_present(tmp_path):
    assert not is_present(tmp_path, "worker-of-nobody")
