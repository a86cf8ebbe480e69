"""Prompt embeddings, made once per text.

For the time of a pipeline call its ``encode_prompt`` is answered from memory where it was called before with the same
arguments. A pass with several texts asks with lists; each text of a list is then encoded as if it were alone and the
results are put together, so that an embedding does not depend on what else is in the pass. The networks that encode are
asked once for each text too, so that a negative prompt beside many prompts is encoded once. Whatever is not understood
(tensors or pictures among the arguments, results that are not rows, an ``encode_prompt`` that is not diffusers' own)
goes to the pipeline as it is.
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeGuard

import torch

Encoded: TypeAlias = "tuple[torch.Tensor | None, ...]"

_MAX_BYTES = 64 * 2**20
"""About a hundred texts of the SDXL kind, sixteen of the Flux kind; on the device they were made on."""

_COUNT = "num_images_per_prompt"
_ENCODERS = ("text_encoder", "text_encoder_2", "text_encoder_3")
_MAX_OUTPUTS = 16
"""So many outputs of encoders are kept, which hold the states of all layers: enough for a text that comes again."""


class Embeddings:
    """What ``encode_prompt`` returned for one loaded model; the texts that were not used for longest leave first."""

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._known: OrderedDict[Hashable, Encoded] = OrderedDict()
        self._outputs: OrderedDict[Hashable, object] = OrderedDict()
        self._mutex = threading.RLock()  # passes beside each other share it, and tokenizers, which serve one at a time

    def clear(self) -> None:
        """Forget all of them."""
        self._known.clear()
        self._outputs.clear()

    @contextmanager
    def lent(self, pipe: Any, worn: Hashable) -> Iterator[None]:
        """Answer for `pipe` during the call made inside.

        Parameters
        ----------
        worn : hashable
            What changes the text encoders beside the arguments: the adapters on them.
        """
        encode = getattr(type(pipe), "encode_prompt", None)
        if "encode_prompt" in vars(pipe) or getattr(encode, "__module__", "").partition(".")[0] != "diffusers":
            yield
            return
        owner = (type(pipe).__name__, worn)
        vars(pipe)["encode_prompt"] = self._remembering(self._recalling(pipe, owner), owner)
        try:
            yield
        finally:
            del vars(pipe)["encode_prompt"]

    def _remembering(self, encode: Callable[..., Any], owner: Hashable) -> Callable[..., Any]:
        signature = inspect.signature(encode)

        def remembering(*args: Any, **named: Any) -> Any:
            with self._mutex:
                return answer(*args, **named)

        def answer(*args: Any, **named: Any) -> Any:
            given = signature.bind(*args, **named).arguments
            if given.get("lora_scale") is not None:  # sets a mark on the pipeline beside encoding
                return encode(*args, **named)
            rows = _rows(given)
            if rows is None:
                return self._of(encode, owner, given) or encode(*args, **named)
            encoded = [self._of(encode, owner, row) for row in rows]
            return _stacked(encoded) or encode(*args, **named)

        return remembering

    def _recalling(self, pipe: Any, owner: Hashable) -> Callable[..., Any]:
        """Return the ``encode_prompt`` of `pipe`, whose networks answer from memory where they saw the same tokens."""
        encode = pipe.encode_prompt

        @functools.wraps(encode)
        def recalling(*args: Any, **named: Any) -> Any:
            networks = [
                network for name in _ENCODERS if isinstance(network := getattr(pipe, name, None), torch.nn.Module)
            ]
            before = [vars(network).get("forward") for network in networks]
            for network in networks:
                vars(network)["forward"] = self._answering(network.forward, (owner, id(network)))
            try:
                return encode(*args, **named)
            finally:
                for network, forward in zip(networks, before, strict=True):
                    vars(network).pop("forward")
                    vars(network).update({} if forward is None else {"forward": forward})

        return recalling

    def _answering(self, forward: Callable[..., Any], owner: Hashable) -> Callable[..., Any]:
        @functools.wraps(forward)
        def answering(*args: Any, **named: Any) -> Any:
            parts = [_part(value) for value in (*args, *named.values())]
            if None in parts:
                return forward(*args, **named)
            key = (owner, tuple(named), tuple(parts))
            if key not in self._outputs:
                self._outputs[key] = forward(*args, **named)
            self._outputs.move_to_end(key)
            while len(self._outputs) > _MAX_OUTPUTS:
                self._outputs.popitem(last=False)
            return self._outputs[key]

        return answering

    def _of(self, encode: Callable[..., Any], owner: Hashable, given: Mapping[str, Any]) -> Encoded | None:
        """Return what `encode` makes of `given`, a copy of its own; `None` when that cannot be known beforehand."""
        arguments = _key(given)
        if arguments is None:
            return None
        key = (owner, arguments)
        if key not in self._known:
            encoded: object = encode(**given)
            if not _is_encoded(encoded):
                return None
            self._keep(key, encoded)
            return encoded
        self._known.move_to_end(key)
        return tuple(None if tensor is None else tensor.clone() for tensor in self._known[key])

    def _keep(self, key: Hashable, encoded: Encoded) -> None:
        self._known[key] = tuple(None if tensor is None else tensor.detach().clone() for tensor in encoded)
        while sum(map(_bytes, self._known.values())) > self._max_bytes:
            self._known.popitem(last=False)


def _part(value: object) -> Hashable | None:
    """Return what stands for one argument of an encoder in a key; `None` when that is not known."""
    if isinstance(value, torch.Tensor):
        is_tokens = not value.is_floating_point()
        return (str(value.dtype), tuple(value.shape), value.cpu().numpy().tobytes()) if is_tokens else None
    return (type(value).__name__, value) if isinstance(value, (str, int, float, type(None))) else None


def _rows(given: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the arguments of each row, each text as if it were alone; `None` when there are no lists of texts."""
    listed = {name: value for name, value in given.items() if isinstance(value, list)}
    lengths = {len(value) for value in listed.values()}
    if len(lengths) != 1 or given.get(_COUNT, 1) != 1:
        return None
    return [{**given, **{name: value[row] for name, value in listed.items()}} for row in range(lengths.pop())]


def _key(given: Mapping[str, Any]) -> Hashable | None:
    known = (str, int, float, torch.device, torch.dtype, type(None))
    if not all(isinstance(value, known) for value in given.values()):
        return None
    return tuple(sorted((name, type(value).__name__, str(value)) for name, value in given.items()))


def _is_encoded(result: object) -> TypeGuard[Encoded]:
    if not isinstance(result, tuple):
        return False
    return bool(result) and all(value is None or isinstance(value, torch.Tensor) for value in result)


def _stacked(encoded: Sequence[Encoded | None]) -> Encoded | None:
    """Return the rows put together; `None` when they do not fit together."""
    rows = [row for row in encoded if row is not None]
    if len(rows) < len(encoded) or len({len(row) for row in rows}) != 1:
        return None
    stacked = []
    for column in zip(*rows, strict=True):
        tensors = [tensor for tensor in column if tensor is not None]
        if tensors and (len(tensors) < len(column) or any(not _is_row(tensor, tensors[0]) for tensor in tensors)):
            return None
        stacked.append(torch.cat(tensors) if tensors else None)
    return tuple(stacked)


def _is_row(tensor: torch.Tensor, other: torch.Tensor) -> bool:
    return tensor.ndim > 0 and len(tensor) == 1 and tensor.shape == other.shape


def _bytes(encoded: Encoded) -> int:
    return sum(tensor.nbytes for tensor in encoded if tensor is not None)
