"""Where keys are looked for, what is taken for one, and that none is ever shown."""

import copy
import json
import logging
import pickle
import traceback

import keyring
import pytest
from keyring.backends.fail import Keyring as NoStore

from password_store import FILE_VARIABLE, FileStore
from studio_kernel import keys
from studio_kernel.errors import MissingKeyError

KEY, OTHER, THIRD = "1f3c-9d:aaaabbbbccccdddd", "2e4d-8c:eeeeffff00001111", "3d5e-7b:2222333344445555"
VARIABLES = [name for place in keys.PLACES.values() for variable in place.variables for name in variable.split("+")]


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    """No key anywhere, and a password store of the test's own."""
    for name in [*VARIABLES, keys.FOLDER_VARIABLE]:
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "project" / "notebooks"
    folder.mkdir(parents=True)
    (tmp_path / "project" / ".env").write_text("")  # what is above does not count
    monkeypatch.chdir(folder)
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "passwords.json"))
    monkeypatch.setattr(keys, "_stored", {})
    before = keyring.get_keyring()
    keyring.set_keyring(FileStore())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def env(tmp_path):
    """Write a file ``.env`` (or another) of the directory above."""

    def write(text, name=".env"):
        (tmp_path / "project" / name).write_bytes(text.encode() if isinstance(text, str) else text)

    return write


def found(service="fal"):
    key = keys.find(service)
    return key.reveal(), key.source


# Where


@pytest.mark.parametrize(
    ("service", "variable"),
    [
        ("fal", "FAL_KEY"),
        ("fal", "FAL_API_KEY"),
        ("replicate", "REPLICATE_API_TOKEN"),
        ("replicate", "REPLICATE_API_KEY"),
        ("openai", "OPENAI_API_KEY"),
    ],
)
def test_a_key_is_found_in_the_environment(monkeypatch, service, variable):
    monkeypatch.setenv(variable, KEY)
    assert found(service) == (KEY, f"environment variable {variable}")


def test_the_two_halves_of_a_key_of_fal_are_joined(monkeypatch):
    monkeypatch.setenv("FAL_KEY_ID", "1f3c-9d")
    assert keys.missing("fal")
    monkeypatch.setenv("FAL_KEY_SECRET", "aaaabbbb")
    assert found()[0] == "1f3c-9d:aaaabbbb"


@pytest.mark.parametrize("name", [".env", ".env.local"])
def test_a_key_is_found_in_a_file_of_a_directory_above(env, name):
    env(f"OTHER=1\nexport FAL_KEY={KEY}\n", name)
    assert found() == (KEY, f"FAL_KEY in {name}")


def test_the_order_is_environment_local_file_file_store(env, monkeypatch):
    keys.store("fal", THIRD)
    assert found() == (THIRD, "password store")
    env(f"FAL_KEY={OTHER}")
    assert found() == (OTHER, "FAL_KEY in .env")
    env(f"FAL_API_KEY={THIRD}", ".env.local")
    assert found() == (THIRD, "FAL_API_KEY in .env.local")
    monkeypatch.setenv("FAL_API_KEY", KEY)
    assert found() == (KEY, "environment variable FAL_API_KEY")
    monkeypatch.setenv("FAL_KEY", OTHER)
    assert found() == (OTHER, "environment variable FAL_KEY")


def test_an_empty_variable_hides_no_file(env, monkeypatch):
    monkeypatch.setenv("FAL_KEY", "  ")
    env(f"FAL_KEY={KEY}")
    assert found() == (KEY, "FAL_KEY in .env")


def test_a_file_that_was_changed_is_read_again(env):
    env(f"FAL_KEY={KEY}")
    assert found()[0] == KEY
    env(f"FAL_KEY={OTHER}\n# longer than before\n")
    assert found()[0] == OTHER


def test_a_process_that_stands_elsewhere_is_told_where_to_look(monkeypatch, tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / ".env").write_text(f"FAL_KEY={KEY}")
    monkeypatch.setenv(keys.FOLDER_VARIABLE, str(tmp_path / "there"))
    assert found() == (KEY, "FAL_KEY in .env")


def test_a_file_in_another_encoding_stops_nothing(env, monkeypatch):
    env(b"FAL_KEY=\xff\xfe\x00")
    assert keys.missing("fal")


# What


@pytest.mark.parametrize("written", [f"  {KEY}  ", f"{KEY}\n", f"\t{KEY}\r\n", f"'{KEY}'", f'"{KEY}"', f' "{KEY}" \n'])
def test_blanks_newlines_and_quotes_around_a_key_are_taken_off(monkeypatch, written):
    monkeypatch.setenv("FAL_KEY", written)
    assert found()[0] == KEY


@pytest.mark.parametrize("written", [f"{KEY} # mine", f'"{KEY}"', f"'{KEY}'  ", f" {KEY}"])
def test_a_key_in_a_file_may_have_quotes_and_a_comment(env, written):
    env(f"FAL_KEY={written}\n")
    assert found()[0] == KEY


def test_a_dollar_sign_in_a_file_is_no_variable(env):
    env("FAL_KEY=abc$HOME${PATH}def\n")
    assert found()[0] == "abc$HOME${PATH}def"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("clé-secrète-0123456789", "has characters that no key has"),
        ("two words 0123456789", "has characters that no key has"),
        (f"{KEY}\x07x", "has characters that no key has"),
        ("short", "has 5 characters"),
        ("<your key here>", "no key has"),
        ("<your-key-here>", "is a placeholder"),
        ("your_fal_key_goes_here", "is a placeholder"),
        ("xxxxxxxxxxxx", "is a placeholder"),
        ("************", "is a placeholder"),
    ],
)
def test_what_can_be_no_key_is_refused_without_showing_it(monkeypatch, value, words):
    monkeypatch.setenv("FAL_KEY", value)
    with pytest.raises(MissingKeyError) as caught:
        keys.find("fal")
    assert words in str(caught.value)
    assert "environment variable FAL_KEY" in str(caught.value)
    assert value not in str(caught.value)
    assert keys.missing("fal") == str(caught.value)


def test_a_missing_key_says_where_to_get_one_where_to_put_it_and_what_needs_none():
    text = keys.missing("replicate") or ""
    wanted = ("replicate.com/account/api-tokens", "REPLICATE_API_TOKEN", ".env", "keys set replicate", "studio-tiny")
    assert [words for words in wanted if words not in text] == []


# The password store


def test_a_key_is_kept_found_and_forgotten():
    keys.store("openai", f" {KEY}\n")
    assert found("openai") == (KEY, "password store")
    assert keyring.get_password(keys.STORE, "openai") == KEY
    keys.forget("openai")
    assert keys.missing("openai")
    keys.forget("openai")  # nothing happens when it is not there


def test_what_can_be_no_key_is_not_kept():
    with pytest.raises(MissingKeyError, match="placeholder"):
        keys.store("fal", "your-key-goes-here")
    assert keyring.get_password(keys.STORE, "fal") is None


def test_a_system_without_a_password_store_says_what_to_do_instead():
    keyring.set_keyring(NoStore())
    with pytest.raises(MissingKeyError, match=r"no password store .* FAL_KEY=… into a file \.env") as caught:
        keys.store("fal", KEY)
    assert KEY not in str(caught.value)
    assert keys.missing("fal")
    keys.forget("fal")


def test_the_password_store_is_not_asked_for_every_run(monkeypatch):
    asked = []

    class Slow(FileStore):
        def get_password(self, service, username):
            asked.append(username)
            return super().get_password(service, username)

    keyring.set_keyring(Slow())
    for _ in range(5):
        keys.missing("fal")
    assert asked == ["fal"]


def test_the_status_says_where_a_key_is_from_and_never_the_key(monkeypatch):
    assert keys.status("fal").problem == keys.missing("fal")
    monkeypatch.setenv("FAL_KEY", KEY)
    status = keys.status("fal")
    assert (status.source, status.problem) == ("environment variable FAL_KEY", "")
    assert KEY not in repr(status) + json.dumps(status.to_json())


# Not shown


def test_a_key_shows_itself_nowhere(monkeypatch, caplog):
    monkeypatch.setenv("FAL_KEY", KEY)
    key = keys.find("fal")
    shown = [repr(key), str(key), f"{key}", f"{key!r}", repr({"key": key}), repr([key]), ascii(key)]
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").warning("the key is %s and %r", key, key)
    for text in [*shown, caplog.text]:
        assert KEY not in text
        assert "environment variable FAL_KEY" in text


@pytest.mark.parametrize("away", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_key_leaves_its_process_by_no_way(away):
    with pytest.raises(TypeError, match="never stored"):
        away(keys.Key(KEY, "a test"))


def test_a_traceback_with_the_values_of_variables_does_not_show_a_key():
    key = keys.Key(KEY, "a test")
    try:
        raise ValueError(keys.hide(f"header 'Key {key.reveal()}' was refused"))
    except ValueError as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
    text = "".join(told.format())
    assert "<Key from a test>" in text
    assert KEY not in text


def test_every_key_that_was_seen_is_hidden_in_a_text():
    for value in (KEY, OTHER):
        keys.Key(value, "a test")
    text = keys.hide(f"{KEY} and {OTHER} and once more {KEY}.")
    assert text == "••• and ••• and once more •••."


def test_of_two_keys_of_which_one_begins_like_the_other_nothing_is_left():
    keys.Key("abcdefgh", "a test")
    keys.Key("abcdefgh-and-more", "a test")
    assert keys.hide("abcdefgh-and-more") == "•••"


def test_words_that_are_too_short_to_be_keys_are_not_hidden():
    keys.Key("boat", "a test")
    assert keys.hide("a red boat") == "a red boat"


def test_two_keys_are_compared_by_their_values():
    assert keys.Key(KEY, "here") == keys.Key(KEY, "there")
    assert keys.Key(KEY, "here") != keys.Key(OTHER, "here")
    assert len({keys.Key(KEY, "here"), keys.Key(KEY, "there")}) == 1
