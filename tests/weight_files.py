"""Weights files of which only the header is real: what they say is as large as one likes, and takes no room."""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Mapping
from pathlib import Path

ITEM_BITS = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "F8_E4M3": 8, "I64": 64, "I8": 8, "U8": 8}


def write_safetensors(path: Path, tensors: Mapping[str, tuple[str, tuple[int, ...]]]) -> Path:
    """Write a file of that header; its data is a hole in the file system."""
    header, end = {}, 0
    for name, (dtype, shape) in tensors.items():
        size = math.prod(shape) * ITEM_BITS[dtype] // 8
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        os.truncate(file.fileno(), 8 + len(text) + end)
    return path


def write_model(directory: Path, components: Mapping[str, tuple[str, str, dict[str, object]]]) -> Path:
    """Write a pipeline's configuration: component → library, class, its own configuration."""
    directory.mkdir(parents=True, exist_ok=True)
    index: dict[str, object] = {"_class_name": "SomePipeline", "scheduler": ["diffusers", "DDIMScheduler"]}
    for name, (library, class_name, config) in components.items():
        index[name] = [library, class_name]
        (directory / name).mkdir(exist_ok=True)
        (directory / name / "config.json").write_text(json.dumps(config))
    (directory / "model_index.json").write_text(json.dumps(index))
    return directory
