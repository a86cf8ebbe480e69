"""How many bytes the weights of each component take once they are loaded, from the headers of the files.

No value of a tensor is read and nothing is imported that could load one. The idea to know: a file does not say what is
resident. Floating point values are brought to the precision in which the model computes, also those of 8 bits, some
modules are kept in full precision, shared embeddings are stored twice, and only a quantisation that the component's
configuration names is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from studio_kernel.engines.diffusers import checkpoint, headers
from studio_kernel.engines.diffusers.headers import Tensor
from studio_kernel.errors import InvalidRequestError, ModelUnavailableError, Problem
from studio_kernel.estimates.vram import gguf_file, quantisation, single_file
from studio_kernel.estimates.vram.adapters import AdapterWeights, adapter_bytes
from studio_kernel.estimates.vram.precision import kept_in_float32
from studio_kernel.estimates.vram.single_file import DENOISERS
from studio_kernel.estimates.vram.subject import Subject

VALUE_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}

LARGE_VALUES = 1_000_000_000
"""From so many on a text encoder is quantised with the denoiser."""

_WHOLE = "*"
_PLAIN = ("F64", "F32", "F16", "BF16")
_NOT_LOADED: Mapping[str, tuple[str, ...]] = {
    "T5EncoderModel": ("decoder.", "lm_head."),
    "UMT5EncoderModel": ("decoder.", "lm_head."),
    "CLIPTextModel": ("vision_model.", "visual_projection.", "logit_scale"),
    "CLIPVisionModel": ("text_model.", "text_projection.", "logit_scale"),
}
"""Start of a class that takes a part of the network → start of the names of the rest."""
_BUFFERS = re.compile(r"position_ids$|(^|\.)logit_scale$")
_SHARED = re.compile(r"(^|\.)(shared|encoder\.embed_tokens)\.weight$")


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of a model as they are loaded.

    Attributes
    ----------
    components : mapping
        Component → resident bytes, and each LoRA by its name; a component whose files are not there is left out.
    transient_bytes : int
        Of the denoisers' largest matrix while it is brought to the precision of the computation; 0 without
        quantisation.
    adapters : tuple of AdapterWeights
        The LoRAs, with the component that each belongs to.
    assumed : tuple of str
        What was taken for granted, in words.
    """

    components: Mapping[str, int]
    transient_bytes: int = 0
    adapters: tuple[AdapterWeights, ...] = ()
    assumed: tuple[str, ...] = ()

    @property
    def total_bytes(self) -> int:
        """All of them together."""
        return sum(self.components.values())


def component_bytes(subject: Subject) -> Weights:
    """Return what the weights of `subject` take; only headers of files are read.

    Raises
    ------
    ModelUnavailableError, UnsafeFileError
        When a file is missing, damaged or cut off, or could run code.
    InvalidRequestError
        When the precision or the quantisation is not known.
    """
    precisions = _Precisions(subject)
    scheme = quantisation.scheme_of(subject.quantisation) if subject.quantisation else ""
    assumed: list[str] = []
    components, transient = dict[str, int](), 0
    for part in _parts(subject, precisions, assumed):
        wanted = scheme if part.is_quantised_with_the_model else ""
        components[part.name], matrix = part.loaded(value_bytes_of(precisions.of(part.name)), wanted)
        if part.name in DENOISERS:
            transient = max(transient, matrix)
        assumed += part.remarks(wanted, matrix)
    value_bytes = value_bytes_of(subject.dtype)
    adapters = tuple(adapter_bytes(Path(path), components, value_bytes) for path in subject.loras)
    for adapter in adapters:
        if not adapter.rank:
            assumed.append(f"{adapter.path.name} has no LoRA matrices that are known; its size in the file is counted")
        components[adapter.name] = components.get(adapter.name, 0) + sum(adapter.components.values())
    return Weights(components, transient, adapters, tuple(assumed))


class _Precisions:
    """Which precision each component is loaded in."""

    def __init__(self, subject: Subject) -> None:
        self._usual = subject.dtype
        self._own = {name: dtype for name, _, dtype in (entry.partition("=") for entry in subject.dtypes)}
        for dtype in (self._usual, *self._own.values()):
            value_bytes_of(dtype)

    def of(self, component: str) -> str:
        return self._own.get(component, self._usual)


def value_bytes_of(dtype: str) -> int:
    """Return the bytes of a value in a precision in which models are computed.

    Raises
    ------
    InvalidRequestError
        When it is none.
    """
    if dtype not in VALUE_BYTES:
        raise InvalidRequestError([Problem("dtype", f"{dtype!r} is not one of {', '.join(VALUE_BYTES)}")], "memory")
    return VALUE_BYTES[dtype]


@dataclass(frozen=True, slots=True)
class _Part:
    """A component: its tensors, and what decides how they are loaded."""

    name: str
    class_name: str
    tensors: tuple[Tensor, ...]
    config: Mapping[str, object]
    kept: frozenset[str] = frozenset()
    is_gguf: bool = False
    is_original: bool = False
    """Whether tensors have the names of the original release instead of those of diffusers."""

    @property
    def is_quantised_with_the_model(self) -> bool:
        """Whether a quantisation that is asked for is this one's too: of denoisers and of large text encoders."""
        if self.name in DENOISERS:
            return True
        return self.name.startswith("text_encoder") and sum(t.count for t in self.tensors) >= LARGE_VALUES

    @property
    def method(self) -> str:
        """How the files are quantised; empty = they are not."""
        config = self.config.get("quantization_config")
        return str(config.get("quant_method") or "unnamed") if isinstance(config, Mapping) else ""

    def loaded(self, value_bytes: int, scheme: str) -> tuple[int, int]:
        """Return the resident bytes, and those of the largest matrix that is dequantised."""
        resident = transient = 0
        for tensor in _without_twins(self.tensors):
            if not self._is_loaded(tensor.name):
                continue
            size, matrix = self._sizes(tensor, value_bytes, scheme)
            resident, transient = resident + size, max(transient, matrix)
        return resident, transient

    def remarks(self, scheme: str, matrix: int) -> list[str]:
        """Return what was assumed of this component."""
        found = []
        is_stored_so = bool(self.method) or self.is_gguf
        if scheme and is_stored_so:
            found.append(f"the files of {self.name} are quantised already, so that {scheme} does not apply")
        elif scheme:
            found.append(f"the linear layers of {self.name} are quantised to {scheme}")
        if self.method not in ("", "bitsandbytes", "torchao", "fp8", "gguf"):
            found.append(f"{self.name} is quantised by {self.method!r}, which is counted as it is in the file")
        if matrix:
            found.append(f"{self.name} dequantises one matrix at a time")
        if self.kept and self.is_original:
            found.append(f"what {self.class_name} keeps in float32 is counted in the precision of the rest")
        return found

    def _is_loaded(self, name: str) -> bool:
        if _BUFFERS.search(name) or (self.method and quantisation.stays_in_main_memory(name)):
            return False
        starts = next((names for start, names in _NOT_LOADED.items() if self.class_name.startswith(start)), ())
        layers = self.config.get("num_hidden_layers")
        is_beyond = self.is_original and isinstance(layers, int) and single_file.is_beyond(name, layers)
        return not is_beyond and not name.startswith(starts)

    def _sizes(self, tensor: Tensor, value_bytes: int, scheme: str) -> tuple[int, int]:
        is_kept = not self.kept.isdisjoint(tensor.name.split("."))
        wide = 4 if is_kept else value_bytes
        if self.is_gguf:
            return self._of_gguf(tensor, wide, is_kept)
        if self.method:
            return self._as_stored(tensor, wide)
        if scheme and not is_kept and quantisation.is_linear(tensor.name, tensor.shape):
            matrix = quantisation.dequantised_bytes(tensor.shape, scheme, value_bytes)
            return quantisation.matrix_bytes(tensor.shape, scheme), matrix
        return tensor.loaded_bytes(wide), 0

    def _of_gguf(self, tensor: Tensor, wide: int, is_kept: bool) -> tuple[int, int]:
        if tensor.dtype in gguf_file.FLOATS or is_kept:
            return tensor.count * wide, 0
        return tensor.size_bytes, tensor.count * wide

    def _as_stored(self, tensor: Tensor, wide: int) -> tuple[int, int]:
        """Return the sizes of a tensor in a file that is quantised."""
        if quantisation.is_state(tensor.name):
            return tensor.size_bytes, 0
        if tensor.dtype in _PLAIN:
            return tensor.loaded_bytes(wide), 0
        if self.method == "bitsandbytes" and tensor.dtype == "I8":  # int8 is multiplied as it is
            return tensor.size_bytes, 0
        values = 2 * tensor.count if tensor.dtype in ("U8", "I8") and self._has_four_bits else tensor.count
        return tensor.size_bytes, values * wide

    @property
    def _has_four_bits(self) -> bool:
        config = self.config.get("quantization_config")
        return isinstance(config, Mapping) and ("4bit" in str(config.get("quant_type")) or _is_4bit(config))


def _is_4bit(config: Mapping[str, object]) -> bool:
    return bool(config.get("load_in_4bit") or config.get("_load_in_4bit") or "int4" in str(config.get("quant_type")))


def _without_twins(tensors: Iterable[Tensor]) -> Iterable[Tensor]:
    """Yield the tensors, an embedding that is stored under two names only once."""
    seen: set[tuple[int, ...]] = set()
    for tensor in tensors:
        if _SHARED.search(tensor.name):
            if tensor.shape in seen:
                continue
            seen.add(tensor.shape)
        yield tensor


def _parts(subject: Subject, precisions: _Precisions, assumed: list[str]) -> list[_Part]:
    """Return the components whose files are there."""
    listed = _listed(subject)
    named = dict(_named(entry) for entry in subject.weights)
    whole = _whole(named.pop(_WHOLE, None), listed)
    listed = listed or dict.fromkeys(whole, ("", ""))
    found = []
    for name, (library, class_name) in listed.items():
        config = _config(subject.directory, name)
        if name in named:
            found.append(_from_file(name, library, class_name, config, named.pop(name), precisions.of(name)))
        elif name in whole:
            found.append(_part(name, library, class_name, config, whole[name], precisions.of(name), is_original=True))
        elif files := _files(subject, name):
            tensors = [tensor for path in files for tensor in _inspected(path)]
            found.append(_part(name, library, class_name, config, tensors, precisions.of(name)))
        else:
            assumed.append(f"the weights of {name} are not there; those of its configuration are counted")
    # without a configuration only the files tell what there is
    found += [_from_file(name, "", "", {}, path, precisions.of(name)) for name, path in named.items()]
    return found


def _listed(subject: Subject) -> dict[str, tuple[str, str]]:
    if not subject.directory:
        return {}
    index = checkpoint.read_json(Path(subject.directory) / "model_index.json")
    found = {name: (library, class_name) for name, library, class_name in checkpoint.components(index)}
    return {name: entry for name, entry in found.items() if checkpoint.has_weights(entry[1])}


def _named(entry: str) -> tuple[str, Path]:
    name, separator, path = entry.partition("=")
    if not (name and separator and path):
        raise InvalidRequestError([Problem("weights", f"{entry!r} is not written as name=path")], "memory")
    return name, Path(path)


def _whole(path: Path | None, listed: Mapping[str, tuple[str, str]]) -> dict[str, list[Tensor]]:
    if path is None:
        return {}
    classes = {name: class_name for name, (_, class_name) in listed.items()}
    return single_file.split(_inspected(path), classes or {"unet": "", "vae": "", "text_encoder": ""})


def _files(subject: Subject, name: str) -> list[Path]:
    folder = Path(subject.directory) / name
    return checkpoint.weights_files(folder, subject.variant) if folder.is_dir() else []


def _config(directory: str, name: str) -> Mapping[str, object]:
    path = Path(directory) / name / "config.json"
    return checkpoint.read_json(path) if directory and path.is_file() else {}


def _from_file(name: str, library: str, class_name: str, config: Mapping[str, object], path: Path, dtype: str) -> _Part:
    if path.suffix.lower() == ".gguf":
        tensors = gguf_file.tensors(path)
        return _part(name, library, class_name, config, tensors, dtype, is_gguf=True, is_original=True)
    tensors = _inspected(path)
    starts = single_file.split(tensors, {name: class_name, "": ""}) if name in DENOISERS else {}
    return _part(name, library, class_name, config, starts.get(name) or tensors, dtype, is_original=True)


def _part(
    name: str,
    library: str,
    class_name: str,
    config: Mapping[str, object],
    tensors: Iterable[Tensor],
    dtype: str,
    *,
    is_gguf: bool = False,
    is_original: bool = False,
) -> _Part:
    model_type = str(config.get("model_type") or "")
    kept = kept_in_float32(library, class_name, model_type, dtype, single_file=is_original and not is_gguf)
    return _Part(name, class_name, tuple(tensors), config, kept, is_gguf, is_original)


def _inspected(path: Path) -> tuple[Tensor, ...]:
    if path.suffix.lower() == ".gguf":
        raise ModelUnavailableError(f"{str(path)!r} is a GGUF file, which holds one network; name it, as transformer=…")
    checkpoint.inspect_safetensors(path)
    return headers.read(path).tensors
