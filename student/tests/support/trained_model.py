"""The trained GMVAE without torch: the weights that a student trained, and the test images that they are judged on."""

import gzip
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

PIXELS = 784
HIDDEN = 300
TEST_IMAGES = Path("MNIST") / "raw" / "t10k-images-idx3-ubyte.gz"
MAX_WEIGHTS_BYTES = 16 * 2**20  # six times what the model needs in float32
MAX_HEADER_BYTES = 64 * 2**10
HALF = ("F16", "BF16")  # digits are lost there
GIT_LFS = b"version https://git-lfs"  # begins the few lines that git keeps in place of a large file
WRAPPED = {"module", "_orig_mod"}  # parts of names that torch's DataParallel and torch.compile put in
SAFETENSORS_DTYPES: dict[str, np.dtype] = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}


def gmvae_shapes(z_dim: int = 10, k: int = 500) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter of the GMVAE."""
    widths = {"enc": (PIXELS, HIDDEN, HIDDEN, 2 * z_dim), "dec": (z_dim, HIDDEN, HIDDEN, PIXELS)}
    shapes: dict[str, tuple[int, ...]] = {"z_pre": (1, 2 * k, z_dim), "pi": (k,)}
    for part, sizes in widths.items():
        for layer, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:], strict=False)):
            shapes[f"{part}.net.{2 * layer}.weight"] = (fan_out, fan_in)
            shapes[f"{part}.net.{2 * layer}.bias"] = (fan_out,)
    return shapes


class WeightsError(ValueError):
    """A file of weights cannot be used; the message says why and is fit for students."""


class HalfPrecision(Exception):
    """A file has weights of half precision."""


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """Tensors of a .safetensors file: eight bytes of header length, a JSON header, raw little-endian numbers.

    Raises:
        WeightsError: the file is missing, too large, not in this format, or has a dtype other than float32 and float64.
    """
    try:
        with open(path, "rb") as file:
            # No more is reserved than there is.
            content = file.read(min(os.fstat(file.fileno()).st_size, MAX_WEIGHTS_BYTES) + 1)
    except OSError as error:
        raise WeightsError(f"{Path(path).name} cannot be read: {error.strerror}") from None
    name = Path(path).name
    if len(content) > MAX_WEIGHTS_BYTES:
        raise WeightsError(f"{name} is larger than {MAX_WEIGHTS_BYTES // 2**20} MB: save the weights alone")
    if content.startswith(GIT_LFS):
        raise WeightsError(f"{name} is a Git LFS pointer, not the weights: run `git lfs pull`, then hand in the file")
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 or not 2 <= length <= min(len(content) - 8, MAX_HEADER_BYTES):
        raise WeightsError(f"{name} is not a safetensors file (or was cut short): write it with run_gmvae.py")
    try:
        header = json.loads(content[8 : 8 + length].decode("utf-8"))
        if any(entry["dtype"] in HALF for key, entry in header.items() if key != "__metadata__"):
            raise HalfPrecision
        entries = {key: _entry(value) for key, value in header.items() if key != "__metadata__"}
    except HalfPrecision:
        problem = "has weights in half precision (float16 or bfloat16): save the model's own float32"
        raise WeightsError(f"{name} {problem}") from None
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError):
        raise WeightsError(f"{name} has a damaged header: write it again with run_gmvae.py") from None
    data = memoryview(content)[8 + length :]
    position = 0
    tensors = {}
    for key, (dtype, shape, begin, end) in sorted(entries.items(), key=lambda item: item[1][2]):
        if begin != position or end > len(data) or end - begin != math.prod(shape) * dtype.itemsize:
            raise WeightsError(f"{name} is damaged: its tensors do not fill it. Write it again with run_gmvae.py")
        tensors[key] = np.frombuffer(data, dtype, math.prod(shape), begin).reshape(shape)
        position = end
    if position != len(data):
        raise WeightsError(f"{name} is damaged: its tensors do not fill it. Write it again with run_gmvae.py")
    return tensors


def _entry(value: dict[str, Any]) -> tuple[np.dtype, tuple[int, ...], int, int]:
    """dtype, shape and place of one tensor, from the header; ValueError and the like if malformed."""
    shape, (begin, end) = value["shape"], value["data_offsets"]
    # bool is an int for Python, not for us. The bound keeps products of dimensions small.
    numbers = [begin, end, *shape]
    if not all(type(number) is int and 0 <= number <= MAX_WEIGHTS_BYTES for number in numbers) or len(shape) > 4:
        raise ValueError
    return SAFETENSORS_DTYPES[value["dtype"]], tuple(shape), begin, end


def read_gmvae(path: Path, z_dim: int = 10, k: int = 500) -> dict[str, np.ndarray]:
    """The weights of a GMVAE from a .safetensors file, also of one that torch.compile or DataParallel has wrapped.

    Raises:
        WeightsError: unreadable, names or shapes other than `gmvae_shapes` says, or numbers that are not finite.
    """
    found, shapes = read_safetensors(path), gmvae_shapes(z_dim, k)
    name = Path(path).name
    tensors = {_unwrapped(key): tensor for key, tensor in found.items()}
    if len(tensors) < len(found):
        raise WeightsError(f"{name} has the same weights twice: save model.state_dict() of a GMVAE alone")
    missing, unknown = sorted(set(shapes) - set(tensors)), sorted(set(tensors) - set(shapes))
    if missing or unknown:
        problem = f"has no {missing[0]}" if missing else f"has {len(unknown)} tensors that the model does not have"
        raise WeightsError(f"{name} {problem}: save model.state_dict() of a GMVAE(z_dim={z_dim}, k={k})")
    for key, shape in shapes.items():
        if tensors[key].shape != shape:
            raise WeightsError(f"{name}: {key} has shape {tensors[key].shape}, it should be {shape}")
        if not np.isfinite(tensors[key]).all():
            raise WeightsError(f"{name}: {key} has values that are not finite; the training diverged")
    return tensors


def _unwrapped(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in WRAPPED)


def find_data(*starts: Path) -> Path:
    """The data folder in the first of these folders, or above it, that has the test images.

    Raises:
        FileNotFoundError: none has them.
    """
    for start in starts:
        for folder in (start, *start.parents):
            if (folder / "data" / TEST_IMAGES).is_file():
                return folder / "data"
    wanted, places = Path("data") / TEST_IMAGES, " and ".join(str(start) for start in starts)
    raise FileNotFoundError(f"no {wanted} in {places} or above: unpack the assignment's data folder again")


def binary_test_images(data: Path, n: int, seed: int) -> np.ndarray:
    """n of MNIST's 10,000 test images, evenly spaced, each pixel 1 with probability its grey value: (n, 784) uint8.

    Args:
        data: the folder that has MNIST/raw.
        seed: of the binarisation.
    """
    with gzip.open(data / TEST_IMAGES) as file:
        content = file.read()
    images = np.frombuffer(content, np.uint8, offset=16).reshape(-1, PIXELS)
    images = images[np.arange(n) * len(images) // n]
    return (np.random.default_rng(seed).random(images.shape) < images / 255).astype(np.uint8)
