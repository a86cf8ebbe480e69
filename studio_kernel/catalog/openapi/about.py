"""What is known of an endpoint beside its document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Service = Literal["fal", "replicate"]


@dataclass(frozen=True, slots=True)
class About:
    """What is known of an endpoint beside its document; what is empty is taken from there, as far as it says.

    Attributes
    ----------
    endpoint : str
        Its id at the service.
    service : {"fal", "replicate"}
        Whose it is.
    name, creator, description, category : str
        As the service lists it.
    read_from : str
        Where the document is from.
    as_of : str
        The day it was read.
    """

    endpoint: str
    service: Service = "fal"
    name: str = ""
    creator: str = ""
    description: str = ""
    category: str = ""
    read_from: str = ""
    as_of: str = ""
