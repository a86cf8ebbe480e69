"""What a model can be asked to do: the tasks, what each needs and what it makes.

`Task.IMPORT` is asked of nobody: it is the task of a run that stands for a file somebody brought in, of which nothing
tells how it was made.

The names are the ones of the public model hubs (and of the cloud catalogues), so a card can be read without a table.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Medium = Literal["image", "video", "audio"]


class Task(StrEnum):
    """The closed set of tasks."""

    TEXT_TO_IMAGE = "text-to-image"
    IMAGE_TO_IMAGE = "image-to-image"
    INPAINTING = "inpainting"
    TEXT_TO_VIDEO = "text-to-video"
    IMAGE_TO_VIDEO = "image-to-video"
    VIDEO_TO_VIDEO = "video-to-video"
    LIP_SYNC = "lip-sync"
    UPSCALE = "upscale"
    BACKGROUND_REMOVAL = "background-removal"
    TEXT_TO_AUDIO = "text-to-audio"
    TEXT_TO_SPEECH = "text-to-speech"
    IMPORT = "import"

    @property
    def label(self) -> str:
        """The task as a heading, such as ``Text to image``."""
        return self.value.replace("-", " ").capitalize()

    @property
    def makes(self) -> Medium:
        """The kind of media a run of this task produces; of an import its file tells."""
        if self in (Task.TEXT_TO_AUDIO, Task.TEXT_TO_SPEECH):
            return "audio"
        if "video" in self.value or self is Task.LIP_SYNC:
            return "video"
        return "image"


MAKING = tuple(task for task in Task if task is not Task.IMPORT)
"""The tasks that a model can have."""
