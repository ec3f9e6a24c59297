"""Files of weights, written by hand: a test of the reader must not need the writer's library."""

import json
from collections.abc import Mapping

import numpy as np

DTYPES = {"float16": "F16", "float32": "F32", "float64": "F64"}


def safetensors(tensors: Mapping[str, np.ndarray]) -> bytes:
    """A .safetensors file."""
    head, data = {}, b""
    for name, tensor in tensors.items():
        offsets = [len(data), len(data) + tensor.nbytes]
        head[name] = {"dtype": DTYPES[tensor.dtype.name], "shape": tensor.shape, "data_offsets": offsets}
        data += tensor.tobytes()
    return with_length(json.dumps(head).encode()) + data


def with_length(head: bytes) -> bytes:
    """A header, which any bytes may be, with its length in front."""
    return len(head).to_bytes(8, "little") + head
