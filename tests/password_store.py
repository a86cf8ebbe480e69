"""A password store for tests: a file, so that a process of its own finds what another has put there."""

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

FILE_VARIABLE = "TEST_PASSWORD_STORE"


class FileStore(KeyringBackend):
    """Keeps passwords in the file that `FILE_VARIABLE` names."""

    priority = 1

    def get_password(self, service, username):
        return self._read().get(f"{service}/{username}")

    def set_password(self, service, username, password):
        self._write({**self._read(), f"{service}/{username}": password})

    def delete_password(self, service, username):
        kept = self._read()
        if kept.pop(f"{service}/{username}", None) is None:
            raise PasswordDeleteError("not there")
        self._write(kept)

    @property
    def _path(self):
        return Path(os.environ[FILE_VARIABLE])

    def _read(self):
        return json.loads(self._path.read_text()) if self._path.exists() else {}

    def _write(self, kept):
        self._path.write_text(json.dumps(kept))
