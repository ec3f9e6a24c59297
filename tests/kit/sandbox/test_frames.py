"""The wire between grader and worker: what is valid survives a round trip, everything else is refused in time."""

import json
import os
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.sandbox.frames import (
    DTYPES,
    MAGIC,
    PREFIX,
    Channel,
    FrameClosed,
    FrameError,
    FrameLimits,
    FrameRefused,
    FrameTimeout,
    Held,
    decode_head,
)

LIMITS = FrameLimits(
    head_bytes=4096, depth=8, arrays=8, rank=4, dimension=1000, array_bytes=1 << 16, payload_bytes=1 << 17
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    # Not the surrogates: JSON can write them, UTF-8 cannot.
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text("abc", max_size=3), children, max_size=3),
    max_leaves=10,
)
any_array = st.sampled_from(sorted(DTYPES)).flatmap(
    lambda name: hnp.arrays(name, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
)


class Wire:
    """A pipe with a Channel that reads from it; what a hostile peer sends is written to it directly."""

    def __init__(self, limits: FrameLimits = LIMITS, held: Held | None = None) -> None:
        self.read_fd, self.write_fd = os.pipe()
        self.channel = Channel(self.read_fd, self.write_fd, limits, held=held)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.hang_up()
        os.close(self.read_fd)

    def hang_up(self) -> None:
        if self.write_fd >= 0:
            os.close(self.write_fd)
            self.write_fd = -1


def receive_raw(data: bytes, limits: FrameLimits = LIMITS):
    """What a Channel makes of these bytes, sent by a peer that then hangs up."""
    with Wire(limits) as wire:
        os.write(wire.write_fd, data)
        wire.hang_up()
        return wire.channel.receive(time.monotonic() + 5)


def raw_frame(head: bytes, payload: bytes = b"", announced: int | None = None) -> bytes:
    return PREFIX.pack(MAGIC, len(head), len(payload) if announced is None else announced) + head + payload


def head_of(arrays: object = (), body: object = None, request_id: object = 1) -> bytes:
    return json.dumps({"id": request_id, "arrays": arrays, "body": {} if body is None else body}).encode()


@given(
    request_id=st.integers(0, 2**40),
    body=st.dictionaries(st.text("abc", max_size=3), json_values, max_size=3),
    arrays=st.lists(any_array, max_size=4),
)
def test_a_frame_survives_the_wire(request_id, body, arrays):
    with Wire() as wire:
        wire.channel.send(request_id, body, arrays, time.monotonic() + 5)
        frame = wire.channel.receive(time.monotonic() + 5)
    assert frame.request_id == request_id
    assert frame.body == body
    assert len(frame.arrays) == len(arrays)
    for sent, received in zip(arrays, frame.arrays, strict=True):
        assert received.dtype == sent.dtype and received.shape == sent.shape
        assert received.tobytes() == sent.tobytes()
        assert received.flags.writeable and received.flags.aligned


@pytest.mark.parametrize("array", [np.arange(12.0).reshape(3, 4).T, np.arange(10)[::2], np.arange(3, dtype=">f8")])
def test_memory_order_and_byte_order_do_not_matter(array):
    with Wire() as wire:
        wire.channel.send(1, {}, [array], time.monotonic() + 5)
        received = wire.channel.receive(time.monotonic() + 5).arrays[0]
    np.testing.assert_array_equal(received, array)


def test_a_frame_larger_than_the_pipe_arrives():
    big = np.random.default_rng(0).normal(size=(700, 1000))  # 5.6 MB; a pipe holds 64 KiB
    with Wire(FrameLimits()) as wire:
        received = []
        reader = threading.Thread(target=lambda: received.append(wire.channel.receive(time.monotonic() + 20)))
        reader.start()
        wire.channel.send(1, {"big": True}, [big, big], time.monotonic() + 20)
        reader.join()
    for array in received[0].arrays:
        np.testing.assert_array_equal(array, big)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"[]",
        b"{}",
        b"nonsense",
        b"\xff\xfe",
        head_of() + b" {}",
        b'{"id": 1, "arrays": [], "body": {}, "more": 0}',
        b'{"id": 1, "id": 2, "arrays": [], "body": {}}',
        b'{"id": 1, "arrays": [], "body": {"score": 0, "score": 100}}',
        b'{"id": 1, "arrays": [], "body": {"x": NaN}}',
        b'{"id": 1, "arrays": [], "body": {"x": -Infinity}}',
        b'{"id": 1, "arrays": [], "body": {"x": 1e999}}',
        b'{"id": 1, "arrays": [], "body": {"x": 9223372036854775808}}',
        b'{"id": 1, "arrays": [], "body": {"x": ' + b"9" * 3000 + b"}}",
        b'{"id": 1, "arrays": [], "body": {"x": "\\ud800"}}',
        b'{"id": 1, "arrays": [], "body": {"\\udfff": 1}}',
        b'{"id": 1, "arrays": [], "body": {"x": ' + b"[" * 9 + b"]" * 9 + b"}}",
        b'{"id": 1, "arrays": [], "body": {"x": ' + b"[" * 1900 + b"]" * 1900 + b"}}",
        head_of(request_id=-1),
        head_of(request_id=True),
        head_of(request_id=1.0),
        head_of(request_id=None),
        head_of(body=[]),
        head_of(body="ok"),
        head_of(arrays={}),
        head_of(arrays=[["uint8"]]),
        head_of(arrays=["uint8"]),
        head_of(arrays=[["uint8", 0]]),
        head_of(arrays=[["uint8", [0], 0]]),
        head_of(arrays=[["object", [0]]]),
        head_of(arrays=[["complex128", [0]]]),
        head_of(arrays=[["<U8", [0]]]),
        head_of(arrays=[[["float32"], [0]]]),
        head_of(arrays=[["uint8", [-1]]]),
        head_of(arrays=[["uint8", [True]]]),
        head_of(arrays=[["uint8", [0.0]]]),
        head_of(arrays=[["uint8", ["0"]]]),
        head_of(arrays=[["uint8", [0, 1001]]]),
        head_of(arrays=[["uint8", [0, 2**62]]]),
        head_of(arrays=[["uint8", [0] * 5]]),
        head_of(arrays=[["uint8", [0]]] * 9),
        head_of(arrays=[["uint8", [1]]]),  # announced: no payload
    ],
)
def test_a_header_that_is_not_strict_is_refused(head):
    with pytest.raises(FrameError):
        receive_raw(raw_frame(head))


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: grader\r\n\r\n",
        PREFIX.pack(b"VAE2", 2, 0) + b"{}",
        PREFIX.pack(MAGIC, LIMITS.head_bytes + 1, 0),
        PREFIX.pack(MAGIC, 2**32 - 1, 0),
        PREFIX.pack(MAGIC, 2, LIMITS.payload_bytes + 1),
        PREFIX.pack(MAGIC, 2, 2**64 - 1),
        raw_frame(head_of([["float64", [2]]]), bytes(15)),
        raw_frame(head_of([["float64", [2]]]), bytes(17)),
        raw_frame(head_of([["uint8", [1]], ["uint8", [1]]]), bytes(2)),  # the second begins at byte 8
        raw_frame(head_of([["bool", [3]]]), b"\x00\x01\x02"),
        raw_frame(head_of([["uint8", [257, 256]]]), announced=257 * 256),
        raw_frame(head_of([["uint8", [256, 256]]] * 3), announced=3 << 16),
    ],
)
def test_a_frame_that_does_not_add_up_is_refused(data):
    with pytest.raises(FrameError):
        receive_raw(data)


@pytest.mark.parametrize("kept", [0, 1, PREFIX.size - 1, PREFIX.size, PREFIX.size + 5, -1])
def test_a_peer_that_hangs_up_within_a_frame_is_noticed(kept):
    whole = raw_frame(head_of([["float64", [2]]]), bytes(16))
    with pytest.raises(FrameClosed):
        receive_raw(whole[:kept])


@settings(max_examples=2000)
@given(head=st.binary(max_size=64) | json_values.map(lambda value: json.dumps(value).encode()))
def test_no_header_makes_the_reader_fail_in_another_way(head):
    """Whatever arrives, it is a frame or a FrameError."""
    try:
        decode_head(head, 0, LIMITS)
    except FrameError:
        return
    assert set(json.loads(head)) == {"id", "arrays", "body"}


shape_entries = st.integers(-2, 2**70) | st.sampled_from([0, 1, 2**16, 2**31, 2**32, 2**63, 2**64]) | st.none()


@settings(max_examples=2000)
@given(
    arrays=st.lists(st.tuples(st.sampled_from([*DTYPES, "object"]), st.lists(shape_entries, max_size=6)), max_size=4),
    announced=st.integers(0, 2**20),
)
def test_accepted_shapes_are_within_every_bound(arrays, announced):
    try:
        _, _, layout = decode_head(head_of(arrays), announced, LIMITS)
    except FrameError:
        return
    for (dtype, shape, start, stop), previous in zip(layout, [(None, (), 0, 0), *layout], strict=False):
        assert len(shape) <= LIMITS.rank and all(0 <= size <= LIMITS.dimension for size in shape)
        assert stop - start == int(np.prod(shape, dtype=object)) * dtype.itemsize <= LIMITS.array_bytes
        assert start >= previous[3] and start % 8 == 0
    assert announced == (layout[-1][3] if layout else 0) <= LIMITS.payload_bytes


@pytest.mark.parametrize(
    ("body", "arrays"),
    [
        ({"x": float("nan")}, []),
        ({"x": {1, 2}}, []),
        ({"x": "a" * 5000}, []),
        ({}, [np.zeros(2, dtype=np.complex128)]),
        ({}, [np.array(["text"])]),
        ({}, [np.zeros(1001)]),
        ({}, [np.zeros((0, 1001))]),
        ({}, [np.zeros(1)] * 9),
        ({}, [np.zeros((1, 1, 1, 1, 1))]),
    ],
)
def test_what_the_reader_would_refuse_is_not_sent(body, arrays):
    with Wire() as wire:
        with pytest.raises(FrameError):
            wire.channel.send(1, body, arrays, time.monotonic() + 5)
        wire.channel.send(2, {"still": "in step"}, [], time.monotonic() + 5)
        assert wire.channel.receive(time.monotonic() + 5).request_id == 2


def test_a_silent_peer_is_given_up_at_the_deadline():
    with Wire() as wire:
        began = time.monotonic()
        with pytest.raises(FrameTimeout):
            wire.channel.receive(began + 0.2)
        assert 0.2 <= time.monotonic() - began < 1


def test_a_dripping_peer_is_given_up_at_the_deadline():
    """The deadline is the frame's: each byte must not buy its sender more time."""
    frame = raw_frame(head_of([["uint8", [200]]]), bytes(200))
    with Wire() as wire:
        stop = threading.Event()

        def drip():
            for byte in frame:
                if stop.wait(0.01):
                    return
                os.write(wire.write_fd, bytes([byte]))

        dripping = threading.Thread(target=drip)
        dripping.start()
        began = time.monotonic()
        with pytest.raises(FrameTimeout):
            wire.channel.receive(began + 0.3)
        assert time.monotonic() - began < 1
        stop.set()
        dripping.join()


def test_a_peer_that_does_not_read_is_given_up_at_the_deadline():
    with Wire(FrameLimits()) as wire:
        began = time.monotonic()
        with pytest.raises(FrameTimeout):
            wire.channel.send(1, {}, [np.zeros(1 << 20)], began + 0.2)
        assert 0.2 <= time.monotonic() - began < 1


def test_a_peer_that_has_gone_is_noticed_when_writing():
    reader, writer = os.pipe()
    other_reader, other_writer = os.pipe()
    channel = Channel(other_reader, writer)
    os.close(reader)
    with pytest.raises(FrameClosed):
        channel.send(1, {}, [], time.monotonic() + 5)
    for fd in (writer, other_reader, other_writer):
        os.close(fd)


ARRAY = raw_frame(head_of([["uint8", [3, 1000]]], request_id=5), bytes(3000))


def test_arrays_in_use_are_counted_and_leave_less_room():
    """What does not fit is thrown away, and the next frame is found where it begins."""
    with Wire(held=Held(7000)) as wire:
        os.write(wire.write_fd, ARRAY * 3 + raw_frame(head_of(request_id=6)) + ARRAY)
        kept = [wire.channel.receive(time.monotonic() + 5) for _ in range(2)]
        with pytest.raises(FrameRefused):
            wire.channel.receive(time.monotonic() + 5)
        assert wire.channel.receive(time.monotonic() + 5).request_id == 6  # without arrays
        part = kept.pop().arrays[0][1, 10:20]  # keeps the whole alive
        assert not wire.channel._held.has_room(3000)
        del part
        assert wire.channel.receive(time.monotonic() + 5).arrays[0].nbytes == 3000


def test_room_is_shared_by_channels_and_garbage_takes_none():
    held = Held(4000)
    with Wire(held=held) as first, Wire(held=held) as second:
        os.write(first.write_fd, ARRAY)
        os.write(second.write_fd, ARRAY * 2)
        circle = [first.channel.receive(time.monotonic() + 5)]
        with pytest.raises(FrameRefused):
            second.channel.receive(time.monotonic() + 5)
        circle.append(circle)
        del circle
        assert second.channel.receive(time.monotonic() + 5).request_id == 5


def test_who_keeps_one_array_does_not_keep_the_others():
    described = [["uint8", [3, 1000]], ["float64", [2, 3]], ["bool", []], ["int32", [0, 7]], ["float32", [5]]]
    payload = bytes(3000) + np.arange(6.0).tobytes() + b"\x01" + bytes(7) + np.arange(5, dtype="<f4").tobytes()
    held = Held(1 << 20)
    with Wire(held=held) as wire:
        os.write(wire.write_fd, raw_frame(head_of(described), payload))
        arrays = wire.channel.receive(time.monotonic() + 5).arrays
        assert [array.shape for array in arrays] == [(3, 1000), (2, 3), (), (0, 7), (5,)]
        assert arrays[1].tolist() == [[0, 1, 2], [3, 4, 5]] and arrays[2] and arrays[4].tolist() == [0, 1, 2, 3, 4]
        del arrays[0]
        assert held._bytes() == 48 + 1 + 20


def test_crumbs_are_left_to_gather(monkeypatch):
    """A frame of 30,000 bytes that comes one by one, as fast as can be, must not take as many readings."""
    readings = []
    readv = os.readv
    monkeypatch.setattr(os, "readv", lambda *arguments: readings.append(1) or readv(*arguments))
    with Wire() as wire:

        def crumble():
            for byte in raw_frame(head_of([["uint8", [30, 1000]]]), bytes(30_000)):
                os.write(wire.write_fd, bytes([byte]))

        peer = threading.Thread(target=crumble)
        peer.start()
        assert wire.channel.receive(time.monotonic() + 30).arrays[0].nbytes == 30_000
        peer.join()
    assert len(readings) < 10_000


def test_printed_crumbs_are_left_to_gather():
    printed_out, printed_in = os.pipe()
    unused_out, unused_in = os.pipe()
    stop, drained = threading.Event(), []

    def drain() -> bool:
        drained.append(os.read(printed_out, 1 << 16))
        return True

    channel = Channel(unused_out, unused_in, LIMITS, drain_fd=printed_out, drain=drain)

    def crumble():
        while not stop.is_set():
            os.write(printed_in, b".")

    peer = threading.Thread(target=crumble)
    peer.start()
    with pytest.raises(FrameTimeout):
        channel.receive(time.monotonic() + 0.5)
    stop.set()
    peer.join()
    assert len(drained) <= 500  # one a millisecond at most
    for fd in (printed_out, printed_in, unused_out, unused_in):
        os.close(fd)
