"""What of a text may leave a home: no key, no path of this machine.

Texts of people (prompts, tags, titles) keep their words, and lose only keys and paths into the home or the user's own
folder. Settings lose every absolute path but its last part: a model or an adapter may be a file. What names the machine
(errors, logs) does not leave at all.
"""

from __future__ import annotations

import re
from pathlib import Path

from studio_kernel import keys
from studio_kernel.domain.values import Json

_PATH = re.compile(r"(?:\b[A-Za-z]:\\|(?<![\w:/.\\])/)(?:[^\s'\"<>|:*?,;()\\/]+[\\/])+[^\s'\"<>|,;:()\\/]*")


class Wording:
    """Takes out of texts what stays.

    Parameters
    ----------
    home : path
        The root of the home.
    """

    def __init__(self, home: Path) -> None:
        roots = {str(root) for root in (home, home.resolve(), Path.home()) if len(root.parts) > 1}
        longest_first = sorted(roots, key=len, reverse=True)
        self._roots = re.compile("|".join(rf"{re.escape(root)}(?![\w-])[\\/]?" for root in longest_first))
        for service in keys.PLACES:
            keys.missing(service)  # a key is hidden once it was looked for

    def of_people(self, text: str) -> str:
        """Return what somebody typed, without keys and without paths into this home or the user's own folder."""
        return keys.hide(self._roots.sub("…/", text))

    def of_settings(self, text: str) -> str:
        """Return the value of a setting, or what a program said, without keys, and of absolute paths the last part."""
        return _PATH.sub(lambda found: "…/" + re.split(r"[\\/]", found[0])[-1], self.of_people(text))

    def clean(self, value: Json) -> Json:
        """Return data with every text in it as `of_people` returns it: whatever else was forgotten, no key leaves."""
        if isinstance(value, str):
            return self.of_people(value)
        if isinstance(value, (list, tuple)):
            return [self.clean(each) for each in value]
        return {name: self.clean(each) for name, each in value.items()} if isinstance(value, dict) else value

    def about(self, value: Json, name: str = "") -> Json:
        """Return what a file says about itself: prompts as `of_people` returns them, everything else as settings."""
        if isinstance(value, str):
            return self.of_people(value) if name.endswith("prompt") else self.of_settings(value)
        if isinstance(value, (list, tuple)):
            return [self.about(each, name) for each in value]
        return {key: self.about(each, key) for key, each in value.items()} if isinstance(value, dict) else value
