"""``studio models add`` and ``refresh``, and ``studio keys``, as processes of their own."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from password_store import FILE_VARIABLE
from servers.fal import KEY, Fal
from servers.fal_schema import openapi_of
from studio_kernel.catalog.loader import load

TESTS = Path(__file__).parents[1]
CARDS = [card for card in load().models.values() if card.engine == "fal"][:30]
NEW = replace(CARDS[0], name="Brand new", source=replace(CARDS[0].source, endpoint="fal-ai/brand/new"))


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """Stand where no key is, with a password store of the test's own."""
    for name in ("FAL_KEY", "FAL_API_KEY", "REPLICATE_API_TOKEN", "REPLICATE_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "password_store.FileStore")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TESTS.parent), str(TESTS.parent / "widgets"), str(TESTS)]))
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "passwords.json"))


def typed(home, text, *args):
    command = [sys.executable, "-m", "studio_kernel.cli", "--home", str(home), *args]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=120)


def test_words_alone_still_list(studio):
    by_words = studio("models", "veo", "--all").stdout
    assert "fal/veo3" in by_words
    assert by_words == studio("models", "list", "veo", "--all").stdout


def test_a_model_is_added_from_a_file_and_then_listed(studio, tmp_path):
    (tmp_path / "new.json").write_text(json.dumps(openapi_of(NEW)))
    added = json.loads(studio("models", "add", "fal-ai/brand/new", "--openapi", "new.json", "--json").stdout)
    assert added["id"] == "fal/fal-ai/brand/new"
    assert added["parameters"] == [parameter.name for parameter in NEW.parameters]
    assert "fal/fal-ai/brand/new" in studio("models", "brand", "--all").stdout
    again = studio("models", "add", "fal-ai/brand/new", "--openapi", "new.json", status=1).stderr
    assert "--replace" in again


def test_a_wrong_document_is_said_as_json_too(studio, tmp_path):
    (tmp_path / "new.json").write_text("{}")
    said = json.loads(studio("models", "add", "fal-ai/a/b", "--openapi", "new.json", "--json", status=2).stdout)
    assert said["error"]["type"] == "CatalogError"
    assert "components" in said["error"]["message"]


def test_a_refresh_says_what_changed_and_a_try_writes_nothing(studio, home, internet, monkeypatch):
    fal = Fal([*CARDS, NEW])
    fal.endpoints[CARDS[0].source.endpoint].unit_price = 0.005
    internet(fal)
    monkeypatch.setenv("FAL_KEY", KEY)
    tried = json.loads(studio("models", "refresh", "--dry-run", "--search", "schnell", "--json").stdout)
    assert [(change["model"], change["what"]) for change in tried["changes"]] == [(CARDS[0].id, "price")]
    assert tried["path"] is None
    table = studio("models", "refresh", "--search", "brand").stdout
    assert "new           fal/fal-ai/brand/new" in table
    assert "1 changes" in table
    assert (home / "catalog" / "refreshed" / "fal.json").exists()
    assert "Brand new" in studio("models", "brand", "--all").stdout


def test_a_key_is_set_told_of_and_forgotten_without_being_shown(studio, home):
    done = typed(home, f"{KEY}\n", "keys", "set", "fal")
    assert done.returncode == 0, done.stderr
    shown = done.stdout + studio("keys").stdout + studio("keys", "--json").stdout + studio("doctor").stdout
    assert KEY not in shown
    [fal] = [each for each in json.loads(studio("keys", "--json").stdout) if each["service"] == "fal"]
    assert (fal["has_key"], fal["source"], fal["models"] >= 270) == (True, "password store", True)
    assert "key from password store" in studio("keys").stdout
    studio("keys", "forget", "fal")
    assert "needs a key" in studio("keys").stdout


def test_a_key_that_can_be_none_is_refused(home):
    done = typed(home, "your-key-here\n", "keys", "set", "fal")
    assert done.returncode == 1
    assert "is a placeholder" in done.stderr


def test_a_key_that_goes_before_the_one_in_the_store_is_told(home, monkeypatch):
    monkeypatch.setenv("FAL_KEY", KEY)
    assert (
        "goes before it: that from environment variable FAL_KEY" in typed(home, f"{KEY}\n", "keys", "set", "fal").stdout
    )
    assert "still one from environment variable FAL_KEY" in typed(home, "", "keys", "forget", "fal").stdout


def test_keys_of_unknown_services_are_refused_with_the_known_ones(home):
    assert "'fal', 'replicate', 'openai'" in typed(home, "", "keys", "forget", "fall").stderr


def test_doctor_says_which_services_have_a_key(studio, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdef")
    checks = {check["name"]: check for check in json.loads(studio("doctor", "--json").stdout)}
    assert checks["key of OpenAI"]["state"] == "works"
    assert checks["key of fal.ai"]["state"] == "limited"
    assert "FAL_KEY" in checks["key of fal.ai"]["finding"]
