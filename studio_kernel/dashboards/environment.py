"""The environment variables a dashboard server and its kernels live with: an allow-list, so that no key gets in.

A key that is in the server's environment can be read from every kernel it starts. So the server itself is started
with the variables named here and no others, and hands its kernels the same. They are also told to look for keys
nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from studio_kernel.keys import FOLDER_VARIABLE
from studio_kernel.settings import HOME_VARIABLE

TOKEN_VARIABLE = "STUDIO_DASHBOARDS_TOKEN"

_SYSTEM = {
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP",
    "SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA",
    "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
}  # fmt: skip
_PYTHON = {
    "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "PYTHONUTF8", "PYDEVD_DISABLE_FILE_VALIDATION",
    "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV",
}  # fmt: skip
_JUPYTER = {"JUPYTER_PATH", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"}
_VISIT = {
    "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "SERVER_SOFTWARE", "SERVER_PROTOCOL", "SERVER_PORT", "SERVER_NAME",
    "VOILA_PREHEAT", "VOILA_KERNEL_ID", "VOILA_BASE_URL", "VOILA_SERVER_URL", "VOILA_REQUEST_URL", "VOILA_APP_PORT",
    "VOILA_APP_IP", "VOILA_WS_PROTOCOL", "VOILA_WS_BASE_URL",
}  # fmt: skip

_SMALL = {"MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Fifty kernels share the machine: one pool of memory for two threads each, no threads for arithmetic."""

_NO_KEYS = {FOLDER_VARIABLE: "", "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
_KERNEL = _SYSTEM | _PYTHON | _JUPYTER | _VISIT | {HOME_VARIABLE}
_SERVER = _SYSTEM | _PYTHON | _JUPYTER | {HOME_VARIABLE, TOKEN_VARIABLE}


def for_server(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what of `environment` the server's process may have."""
    kept = {name: value for name, value in environment.items() if name in _SERVER or name.startswith("LC_")}
    return kept | _NO_KEYS


def for_kernel(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what of `environment` a visitor's kernel may have; the visit's query comes without the token."""
    kept = {name: value for name, value in environment.items() if name in _KERNEL or name.startswith("LC_")}
    if "QUERY_STRING" in kept:
        kept["QUERY_STRING"] = _without_token(kept["QUERY_STRING"])
    if "VOILA_REQUEST_URL" in kept:
        kept["VOILA_REQUEST_URL"] = kept["VOILA_REQUEST_URL"].partition("?")[0]
    return kept | _SMALL | _NO_KEYS


def _without_token(query: str) -> str:
    return urlencode([(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name != "token"])
