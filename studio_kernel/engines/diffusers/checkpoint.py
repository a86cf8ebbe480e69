"""Model files on disk, looked at without loading them and without torch.

What a card's source points to is found, held against what it should be, and given a fingerprint (cheap, to notice a
change) and a digest (SHA-256, for provenance). The idea to know: nothing that could run code when it is loaded gets
past `inspect`: pickles, pipelines that bring Python of their own, and component classes from foreign packages.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from studio_kernel.domain.model import ModelCard, ModelSource
from studio_kernel.engines.diffusers import headers
from studio_kernel.errors import ModelUnavailableError, UnsafeFileError

PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
Fingerprint: TypeAlias = tuple[tuple[str, int, int], ...]

_INDEX = "model_index.json"
_TEXT_SUFFIXES = (".json", ".txt", ".model", ".safetensors", ".jinja")
_WITHOUT_WEIGHTS = (
    "Scheduler",
    "Tokenizer",
    "TokenizerFast",
    "TokenizersBackend",
    "Processor",
    "ProcessorPil",
    "FeatureExtractor",
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model's files, found and fit to be loaded.

    Attributes
    ----------
    directory : pathlib.Path
        A diffusers directory; for a single file the one with its configuration.
    file : pathlib.Path or None
        The single-file checkpoint, when it is one.
    variant : str
        Weight variant of the directory, such as ``fp16``.
    """

    directory: Path
    file: Path | None = None
    variant: str = ""

    @property
    def index(self) -> Mapping[str, object]:
        """The contents of ``model_index.json``."""
        return read_json(self.directory / _INDEX)

    @property
    def files(self) -> list[tuple[str, Path]]:
        """Name and path of everything that decides the result, in the order of the names."""
        found = [(path.relative_to(self.directory).as_posix(), path) for path in self._in_directory()]
        return sorted([*found, ("checkpoint", self.file)] if self.file else found)

    @property
    def weights(self) -> list[Path]:
        """The files that hold the weights which are loaded."""
        if self.file:
            return [self.file]
        return [
            path for name, _, _ in components(self.index) for path in weights_files(self.directory / name, self.variant)
        ]

    @property
    def fingerprint(self) -> Fingerprint:
        """Name, size and time of change of each file: differs when a file was replaced."""
        stats = [(name, path.stat()) for name, path in self.files]
        return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)

    @property
    def digest(self) -> str:
        """SHA-256 over the names and digests of all files; each file is read once per process."""
        return _digest_of(self.files)

    @property
    def parts(self) -> dict[str, str]:
        """Component → first 16 digits of the digest over its files, so that it can be told which one was changed."""
        by_part: dict[str, list[tuple[str, Path]]] = {}
        for name, path in self.files:
            by_part.setdefault(name.partition("/")[0].removesuffix(".json"), []).append((name, path))
        return {part: _digest_of(files)[:16] for part, files in by_part.items()}

    def _in_directory(self) -> Iterator[Path]:
        yield self.directory / _INDEX
        for name, _, _ in components(self.index):
            folder = self.directory / name
            yield from (path for path in folder.glob("*") if path.suffix in _TEXT_SUFFIXES and path.is_file())


def find(card: ModelCard) -> Checkpoint:
    """Return the files of `card`, inspected.

    Raises
    ------
    ModelUnavailableError
        When something is missing or damaged; the message names it.
    UnsafeFileError
        When a file could run code.
    """
    source = card.source
    if source.file:
        return _single_file(card.id, Path(source.file))
    if source.hub:
        return inspect(card.id, Checkpoint(_cached_on_disk(card.id, source), variant=source.variant))
    if source.path:
        return inspect(card.id, Checkpoint(Path(source.path), variant=source.variant))
    raise ModelUnavailableError(_nameless(card.id))


def configuration(card: ModelCard) -> Path:
    """Return the directory with the configuration of `card`, wherever its weights are; nothing in it is looked at.

    Raises
    ------
    ModelUnavailableError
        When `card` names no files, or they were never downloaded.
    """
    source = card.source
    if source.file:
        return Path(source.file).with_suffix("")
    if source.hub:
        return _cached_on_disk(card.id, source)
    if source.path:
        return Path(source.path)
    raise ModelUnavailableError(_nameless(card.id))


def inspect(model: str, checkpoint: Checkpoint) -> Checkpoint:
    """Return `checkpoint` when it is complete, undamaged and safe."""
    directory = checkpoint.directory
    if not directory.is_dir():
        raise ModelUnavailableError(f"model {model!r}: there is no directory {str(directory)!r}")
    if not (directory / _INDEX).is_file():
        _refuse_pickles(model, directory)
        raise ModelUnavailableError(f"model {model!r}: {_INDEX} is missing in {str(directory)!r}")
    index = checkpoint.index
    if not isinstance(index.get("_class_name"), str):
        raise UnsafeFileError(f"model {model!r} brings pipeline code of its own, which is never run; {_INDEX} names it")
    for name, library, class_name in components(index):
        _refuse_foreign_class(model, name, library)
        if checkpoint.file is None:
            _inspect_component(model, directory / name, class_name, checkpoint.variant)
    return checkpoint


def components(index: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """Yield name, library and class of each component that ``model_index.json`` lists and does not leave empty."""
    for name, entry in index.items():
        if isinstance(entry, list) and len(entry) == 2 and not name.startswith("_") and entry[0] and entry[1]:
            yield name, str(entry[0]), str(entry[1])


def weights_files(folder: Path, variant: str) -> list[Path]:
    """Return the files that hold a component's weights: ``<name>[.<variant>][-00001-of-00002].safetensors``."""
    for index in folder.glob(f"*.safetensors.index{'.' if variant else ''}{variant}.json"):
        shards = read_json(index).get("weight_map")
        return [folder / name for name in sorted(set(shards.values()))] if isinstance(shards, dict) else []
    return [path for path in sorted(folder.glob("*.safetensors")) if _variant(path) == variant]


def has_weights(class_name: str) -> bool:
    """Whether components of that class come with weights."""
    return not class_name.endswith(_WITHOUT_WEIGHTS)


def inspect_safetensors(path: Path) -> None:
    """Make sure that `path` is a complete safetensors file.

    Raises
    ------
    ModelUnavailableError
        When it is not there, its header cannot be read, or its size is not what the header says.
    UnsafeFileError
        When it is of a kind that can run code.

    Notes
    -----
    The last data offset and the length of what stands before the data make the size of the file.
    """
    if path.suffix.lower() in PICKLES:
        raise UnsafeFileError(_pickle_message(str(path)))
    if path.suffix.lower() != ".safetensors":  # loaders go by the name, and take what they do not know for a pickle
        raise UnsafeFileError(f"{str(path)!r} is no .safetensors file, the only kind of weights that is loaded")
    if not path.is_file():
        raise ModelUnavailableError(f"the weights file {str(path)!r} is missing")
    try:
        stat = path.stat()
        size, described = stat.st_size, _described_size(path, stat.st_size, stat.st_mtime_ns)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, struct.error) as error:
        raise ModelUnavailableError(
            f"{str(path)!r} is not a readable safetensors file ({error}); download it again"
        ) from error
    if size != described:
        raise ModelUnavailableError(
            f"{str(path)!r} has {size} bytes, its header describes {described}; the download was cut off, repeat it"
        )


@lru_cache(maxsize=4096)
def _described_size(path: Path, _size: int, _changed: int) -> int:
    return headers.read(path).file_bytes


def loaded_bytes(path: Path, value_bytes: int) -> int:
    """Return how much memory the weights in a safetensors file take as floating point values of `value_bytes` each.

    Whole numbers keep the size that they have in the file. Only the file's header is read.
    """
    stat = path.stat()
    return _loaded_bytes(path, value_bytes, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4096)
def _loaded_bytes(path: Path, value_bytes: int, _size: int, _changed: int) -> int:
    return sum(tensor.loaded_bytes(value_bytes) for tensor in headers.read(path).tensors)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file; read again only when its size or time of change differ.

    The cache of the model hub names large files by their SHA-256, which spares reading them.
    """
    real = path.resolve()
    if path.is_symlink() and real.parent.name == "blobs" and len(real.name) == 64:
        return real.name
    stat = real.stat()
    return _digest(str(real), stat.st_size, stat.st_mtime_ns)


def _digest_of(files: Sequence[tuple[str, Path]]) -> str:
    lines = [f"{name} {file_digest(path)}\n" for name, path in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@lru_cache(maxsize=4096)
def _digest(path: str, _size: int, _changed: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: Path) -> Mapping[str, object]:
    """Return the object in a JSON file.

    Raises
    ------
    ModelUnavailableError
        When there is none.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailableError(f"{str(path)!r} cannot be read ({error}); download the model again") from error
    if not isinstance(data, dict):
        raise ModelUnavailableError(f"{str(path)!r} holds no JSON object; download the model again")
    return data


def _nameless(model: str) -> str:
    return f"model {model!r} names no weights; give it a path, a file or a hub repository"


def _single_file(model: str, file: Path) -> Checkpoint:
    inspect_safetensors(file)
    directory = file.with_suffix("")
    if not (directory / _INDEX).is_file():
        raise ModelUnavailableError(
            f"model {model!r}: a single file holds no configuration; put the {_INDEX}, the tokenizer and the config "
            f"files of its base model into {str(directory)!r}: hf download <base model> --include '*.json' '*.txt' "
            f"--local-dir {str(directory)!r}"
        )
    return inspect(model, Checkpoint(directory, file))


def _cached_on_disk(model: str, source: ModelSource) -> Path:
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(source.hub, _INDEX, revision=source.revision or None)
    if not isinstance(found, str):
        revision = f" --revision {source.revision}" if source.revision else ""
        raise ModelUnavailableError(
            f"model {model!r} is not on this machine; download it with: hf download {source.hub}{revision}"
        )
    return Path(found).parent


def _inspect_component(model: str, folder: Path, class_name: str, variant: str) -> None:
    if not folder.is_dir():
        raise ModelUnavailableError(
            f"model {model!r}: the component {folder.name!r} ({class_name}) is missing in {str(folder.parent)!r}"
        )
    if not has_weights(class_name):
        return
    weights = weights_files(folder, variant)
    if not weights:
        _refuse_pickles(model, folder)
        others = ", ".join(path.name for path in sorted(folder.glob("*.safetensors"))) or "none"
        wanted = f"of the variant {variant!r}" if variant else "without a variant"
        raise ModelUnavailableError(
            f"model {model!r}: no weights {wanted} in {str(folder)!r}, other weights there: {others}; "
            "download them, or change the variant in the catalog"
        )
    for path in weights:
        inspect_safetensors(path)


def _variant(weights: Path) -> str:
    return re.sub(r"-\d{5}-of-\d{5}$", "", weights.stem).partition(".")[2]


def _refuse_pickles(model: str, folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in PICKLES:
            raise UnsafeFileError(f"model {model!r}: {_pickle_message(str(path))}")


def _pickle_message(path: str) -> str:
    return (
        f"{path!r} is a pickle, which can run any code when it is loaded, so it is refused; "
        "use the model's safetensors files, or convert it to safetensors in a separate, offline process"
    )


def _refuse_foreign_class(model: str, component: str, library: str) -> None:
    if library not in ("diffusers", "transformers") and not _is_pipeline_module(library):
        raise UnsafeFileError(
            f"model {model!r}: the component {component!r} comes from {library!r}; only classes of diffusers and "
            "transformers are loaded"
        )


def _is_pipeline_module(name: str) -> bool:
    """Whether `name` is a pipeline of diffusers, which may hold component classes of its own."""
    spec = find_spec("diffusers")  # finds the package without importing it
    folders = (spec.submodule_search_locations or []) if spec else []
    return name.isidentifier() and any((Path(folder) / "pipelines" / name).is_dir() for folder in folders)
