"""The wire between the grader and a worker: length-prefixed frames of strict JSON and raw arrays, over two pipes.

    frame   = prefix | head | payload
    prefix  = magic (4 bytes) | length of head (uint32) | length of payload (uint64), little endian
    head    = JSON: {"id": request id, "arrays": [[dtype, shape], ...], "body": anything}
    payload = the arrays' bytes, C order, each begun at a multiple of 8

The reader trusts nothing: every length, dtype, rank, dimension and count is checked before memory is taken for it,
JSON is refused if it is ambiguous (duplicate keys, NaN, numbers that overflow, text that is not text), and a whole
frame has one deadline, so that neither a silent nor a dripping peer holds the reader up. Arrays that somebody still
uses are counted, and a frame for which there is no room beside them is read and thrown away. There is no pickle here.
"""

from __future__ import annotations

import gc
import json
import math
import os
import select
import struct
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

MAGIC = b"ASK1"
PREFIX = struct.Struct("<4sIQ")
ALIGNMENT = 8
# Who sends byte by byte, or prints so, would have us wake up for each: less than GATHERED bytes are left to gather.
GATHERED, GATHER_SECONDS = 4096, 0.001

DTYPES: dict[str, np.dtype] = {
    name: np.dtype(name).newbyteorder("<") for name in ("float32", "float64", "int64", "int32", "uint8", "bool")
}

# dtype and shape of each array, its first byte in the payload and the byte after its last.
Layout = list[tuple[np.dtype, tuple[int, ...], int, int]]


class FrameError(Exception):
    """The peer sent something that is not a valid frame. Nothing that it sends afterwards can be trusted."""


class FrameTimeout(Exception):
    """The deadline passed before a whole frame had been sent or received."""


class FrameClosed(Exception):
    """The peer closed its end (it exited, or was killed)."""


class FrameRefused(Exception):
    """A valid frame has come for whose arrays there is no room; it is gone, and the next one can be received."""


@dataclass(frozen=True)
class FrameLimits:
    """The largest frame that is sent or accepted. Every dimension is bounded, a shape with a zero in it included."""

    head_bytes: int = 1 << 18
    depth: int = 32
    arrays: int = 1024
    rank: int = 8
    dimension: int = 1 << 24
    array_bytes: int = 1 << 25
    payload_bytes: int = 1 << 26


@dataclass(frozen=True)
class Frame:
    """A received frame: the id of the request that it is or answers, its JSON body and its arrays (writable)."""

    request_id: int
    body: dict[str, Any]
    arrays: list[np.ndarray]


def encode(request_id: int, body: dict[str, Any], arrays: list[np.ndarray], limits: FrameLimits) -> list[memoryview]:
    """The buffers that make up one frame, ready for `writev`.

    Raises:
        FrameError: the frame would break `limits`, or an array's dtype is not among DTYPES.
    """
    described, buffers, offset = [], [], 0
    for array in arrays:
        array = np.asarray(array, order="C")
        name = array.dtype.name
        if name not in DTYPES:
            raise FrameError(f"an array of dtype {array.dtype} cannot be sent; use one of {', '.join(DTYPES)}")
        array = array.astype(DTYPES[name], copy=False)
        described.append([name, list(array.shape)])
        padding = -offset % ALIGNMENT
        if padding:
            buffers.append(memoryview(bytes(padding)))
        if array.nbytes:
            buffers.append(array.reshape(-1).view(np.uint8).data)
        offset += padding + array.nbytes
    document = {"id": request_id, "arrays": described, "body": body}
    try:
        head = _ENCODER.encode(document).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise FrameError(f"the header is not strict JSON: {error}") from None
    if len(head) > limits.head_bytes:
        raise FrameError(f"the header has {len(head)} bytes, more than {limits.head_bytes}")
    # Read it as the peer will: we must not send by mistake what the peer would take for an attack.
    decode_head(head, offset, limits)
    return [memoryview(PREFIX.pack(MAGIC, len(head), offset) + head), *buffers]


def decode_head(head: bytes, payload_bytes: int, limits: FrameLimits) -> tuple[int, dict[str, Any], Layout]:
    """(request id, body, array layout) of a frame's head, checked against the length that its prefix announced."""
    document = _strict_json(head, limits)
    if not isinstance(document, dict) or set(document) != {"id", "arrays", "body"}:
        raise FrameError("a header must have exactly the keys id, arrays and body")
    request_id, body = document["id"], document["body"]
    if not _is_count(request_id):
        raise FrameError("the request id must be an integer of at least 0")
    if not isinstance(body, dict):
        raise FrameError("the body must be an object")
    layout, expected = _array_layout(document["arrays"], limits)
    if expected != payload_bytes:
        raise FrameError(f"the arrays take {expected} bytes, but {payload_bytes} were announced")
    return request_id, body, layout


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _array_layout(described: Any, limits: FrameLimits) -> tuple[Layout, int]:
    """Layout of the payload and its length in bytes, from the header's list of arrays."""
    if not isinstance(described, list):
        raise FrameError("arrays must be a list")
    if len(described) > limits.arrays:
        raise FrameError(f"{len(described)} arrays are more than {limits.arrays}")
    layout: Layout = []
    offset = 0
    for entry in described:
        if not isinstance(entry, list) or len(entry) != 2:
            raise FrameError("an array is described by [dtype, shape]")
        name, shape = entry
        if not isinstance(name, str) or name not in DTYPES:
            raise FrameError(f"unknown dtype; use one of {', '.join(DTYPES)}")
        if not isinstance(shape, list) or len(shape) > limits.rank:
            raise FrameError(f"a shape must be a list of at most {limits.rank} dimensions")
        # Each dimension by itself: beside a zero, a huge one would pass any bound on the product.
        if not all(_is_count(size) and size <= limits.dimension for size in shape):
            raise FrameError(f"a dimension must be an integer from 0 to {limits.dimension}")
        nbytes = math.prod(shape) * DTYPES[name].itemsize
        if nbytes > limits.array_bytes:
            raise FrameError(f"an array of {nbytes} bytes is larger than {limits.array_bytes}")
        start = offset + -offset % ALIGNMENT
        offset = start + nbytes
        layout.append((DTYPES[name], tuple(shape), start, offset))
    if offset > limits.payload_bytes:
        raise FrameError(f"a payload of {offset} bytes is larger than {limits.payload_bytes}")
    return layout, offset


def _strict_json(data: bytes, limits: FrameLimits) -> Any:
    """`data` as JSON; FrameError if it is malformed, ambiguous or deeper than allowed."""
    try:
        text = data.decode("utf-8")
        value = _DECODER.decode(text)
    except RecursionError:
        raise FrameError("the header is nested too deeply") from None
    except ValueError as error:
        # Not the parser's own words: they can quote the peer at any length.
        reason = error.args[0] if isinstance(error, _Refused) else "malformed"
        raise FrameError(f"the header is not strict JSON: {reason}") from None
    # Most heads have too few brackets to be that deep, and only an escape can make a lone surrogate.
    if "\\u" in text or text.count("[") + text.count("{") > limits.depth:
        _check_tree(value, limits.depth)
    return value


class _Refused(ValueError):
    """JSON that Python's parser would accept and this protocol does not."""


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _Refused("a key occurs twice")
    return result


def _refuse_constant(name: str) -> None:
    raise _Refused("NaN and Infinity are not JSON")


def _finite_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _Refused("a number overflows")
    return value


def _small_int(text: str) -> int:
    if len(text) > 20 or not -(1 << 63) <= (value := int(text)) < 1 << 63:
        raise _Refused("an integer needs more than 64 bits")
    return value


_ENCODER = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique_keys, parse_constant=_refuse_constant, parse_float=_finite_float, parse_int=_small_int
)


def _check_tree(root: Any, depth: int) -> None:
    """Refuse trees deeper than `depth`, and strings that UTF-8 cannot write: they would break a later print."""
    level = [root]
    for _ in range(depth + 1):
        below: list[Any] = []
        for value in level:
            if isinstance(value, str):
                _check_text(value)
            elif isinstance(value, list):
                below.extend(value)
            elif isinstance(value, dict):
                for key in value:
                    _check_text(key)
                below.extend(value.values())
        if not below:
            return
        level = below
    raise FrameError(f"the header is nested more than {depth} deep")


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise FrameError("a string holds a lone surrogate") from None


class Held:
    """Counts received arrays for as long as somebody uses them, or a part of them.

    Args:
        most: bytes that they may take together, whatever channels they came by.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._arrays: list[weakref.ref[np.ndarray]] = []

    def has_room(self, nbytes: int) -> bool:
        """Whether so many bytes more stay within the limit."""
        if self._bytes() + nbytes > self.most:
            gc.collect()  # what only a failed check's traceback holds is not in use
        return self._bytes() + nbytes <= self.most

    def add(self, array: np.ndarray) -> None:
        """Count an array that owns its memory: views of it keep it alive."""
        self._arrays.append(weakref.ref(array))

    def _bytes(self) -> int:
        alive = [(reference, array) for reference in self._arrays if (array := reference()) is not None]
        self._arrays = [reference for reference, _ in alive]
        return sum(array.nbytes for _, array in alive)


class Channel:
    """One end of a conversation: frames are read from one descriptor and written to another, both made non-blocking.

    Args:
        read_fd: where the peer's frames arrive.
        write_fd: where our frames go.
        limits: bounds for frames in both directions.
        drain_fd: a further descriptor to be kept empty while we wait (what the peer prints), or None.
        drain: called whenever `drain_fd` is readable; returns False once it is exhausted.
        held: counts and bounds the received arrays; None for no such bound.
    """

    def __init__(
        self,
        read_fd: int,
        write_fd: int,
        limits: FrameLimits = FrameLimits(),
        drain_fd: int | None = None,
        drain: Callable[[], bool] | None = None,
        held: Held | None = None,
    ) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._limits = limits
        self._drain_fd = drain_fd
        self._drain = drain
        self._held = held
        self.head_bytes = 0  # of all heads received so far: to read one takes a thousand times as long as to send it
        os.set_blocking(read_fd, False)
        os.set_blocking(write_fd, False)

    def send(self, request_id: int, body: dict[str, Any], arrays: list[np.ndarray], deadline: float | None) -> None:
        """Write one whole frame before `deadline` (time.monotonic() seconds; None waits for ever)."""
        buffers = encode(request_id, body, arrays, self._limits)
        while buffers:
            self._check_deadline(deadline)
            try:
                written = os.writev(self._write_fd, buffers[:64])
            except BlockingIOError:
                self._wait(self._write_fd, select.POLLOUT, deadline)
                continue
            except (BrokenPipeError, ConnectionResetError):
                raise FrameClosed("the peer closed its end") from None
            while buffers and written >= len(buffers[0]):
                written -= len(buffers.pop(0))
            if written:
                buffers[0] = buffers[0][written:]

    def receive(self, deadline: float | None) -> Frame:
        """Read one whole frame before `deadline` (time.monotonic() seconds; None waits for ever).

        Raises:
            FrameRefused: there is no room for its arrays beside those that are in use.
        """
        prefix = bytearray(PREFIX.size)
        self._fill(memoryview(prefix), deadline)
        magic, head_bytes, payload_bytes = PREFIX.unpack(prefix)
        if magic != MAGIC:
            raise FrameError("a frame must begin with the magic bytes")
        if head_bytes > self._limits.head_bytes or payload_bytes > self._limits.payload_bytes:
            raise FrameError("a frame is larger than allowed")
        self.head_bytes += head_bytes
        head = bytearray(head_bytes)
        self._fill(memoryview(head), deadline)
        request_id, body, layout = decode_head(bytes(head), payload_bytes, self._limits)
        if self._held is not None and payload_bytes and not self._held.has_room(payload_bytes):
            self._skip(payload_bytes, deadline)
            raise FrameRefused(f"{payload_bytes} bytes of arrays are too many beside those that are in use")
        return Frame(request_id, body, self._receive_arrays(layout, deadline))

    def _receive_arrays(self, layout: Layout, deadline: float | None) -> list[np.ndarray]:
        """The arrays of a payload, each with memory of its own: who keeps one does not keep the others."""
        arrays, at = [], 0
        for dtype, shape, start, stop in layout:
            self._skip(start - at, deadline)
            array = np.empty(shape, dtype)
            raw = array.reshape(-1).view(np.uint8)
            if raw.size:
                self._fill(raw.data, deadline)
            # NumPy assumes that a bool's byte is 0 or 1; with any other, comparisons give nonsense.
            if dtype == np.bool_ and raw.size and raw.max() > 1:
                raise FrameError("a bool must be 0 or 1")
            if self._held is not None:
                self._held.add(array)
            arrays.append(array)
            at = stop
        return arrays

    def _skip(self, nbytes: int, deadline: float | None) -> None:
        """Read so many bytes and throw them away."""
        scratch = memoryview(bytearray(min(nbytes, 1 << 16)))
        while nbytes:
            part = scratch[:nbytes]
            self._fill(part, deadline)
            nbytes -= len(part)

    def _fill(self, view: memoryview, deadline: float | None) -> None:
        while len(view):
            self._check_deadline(deadline)
            try:
                count = os.readv(self._read_fd, [view])
            except BlockingIOError:
                self._wait(self._read_fd, select.POLLIN, deadline)
                continue
            except ConnectionResetError:
                count = 0
            if count == 0:
                raise FrameClosed("the peer closed its end")
            view = view[count:]
            if len(view) and count < GATHERED:
                time.sleep(GATHER_SECONDS)

    def _wait(self, fd: int, event: int, deadline: float | None) -> None:
        """Return when `fd` may be ready, or the drained descriptor was; the caller tries again."""
        poller = select.poll()
        poller.register(fd, event)
        if self._drain_fd is not None:
            poller.register(self._drain_fd, select.POLLIN)
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
        ready = [found for found, _ in poller.poll(timeout)]
        if self._drain_fd in ready and self._drain is not None and not self._drain():
            self._drain_fd = None
        if ready and fd not in ready:
            time.sleep(GATHER_SECONDS)

    @staticmethod
    def _check_deadline(deadline: float | None) -> None:
        if deadline is not None and time.monotonic() >= deadline:
            raise FrameTimeout("the deadline passed")
