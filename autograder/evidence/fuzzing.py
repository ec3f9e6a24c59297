"""`python -m autograder.evidence.fuzzing`: feed what reads strangers' bytes with valid inputs, damaged at random.

A reader may raise an exception of its own module and no other, and take no more memory than it states, whatever the
input claims. Every input follows from the target's name and its number, so that a failure can be looked at again.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import stat
import sys
import tarfile
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np

from autograder.classroom.exports.tar import as_zip
from autograder.door import library_use, pictures
from autograder.door.diagnose import CheckFailed
from autograder.exits import Exit
from autograder.grading.files import MIB, SUBMISSION, Entry, SizeLimits, UnreadableError, shown, zip_tree
from autograder.sandbox import frames
from autograder.sandbox.frames import Channel, FrameClosed, FrameError, FrameLimits, FrameTimeout
from autograder.sandbox.text import MAX_TEXT, safe_text

T = TypeVar("T")
CROWDED = replace(SUBMISSION, entries=4)  # fewer files than our zips have: their table of contents is cut down
# Numbers at the edge of something, in the widths that formats use.
EDGES = [0, 1, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**53, 2**63 - 1, 2**64 - 1]
WORDS = [
    b"[",
    b"{",
    b'"',
    b"\\u0000",
    b"-",
    b"1e999",
    b"NaN",
    b"(",
    b"\n",
    b"\t",
    b"\0",
    b"../",
    b"\xff\xfe",
    b"'''",
    b"\\",
]


@dataclass(frozen=True)
class Subject:
    """A reader of strangers' bytes.

    Attributes:
        read: given one input.
        examples: valid inputs.
        own: the exceptions that it may raise.
        most: bytes that it may take, by tracemalloc.
        repaired: makes a damaged input consistent again, so that the damage reaches further; applied to half of them.
    """

    read: Callable[[bytes], object]
    examples: Sequence[bytes]
    own: tuple[type[BaseException], ...]
    most: int
    repaired: Callable[[bytes], bytes] = lambda data: data


@dataclass(frozen=True)
class Mishap:
    """An input that was not read as it should be.

    Attributes:
        number: of the input.
        what: the exception, or the memory.
        data: the input.
    """

    number: int
    what: str
    data: bytes


@dataclass(frozen=True)
class Finding:
    """What came of many inputs.

    Attributes:
        failures: see there.
        most: bytes that one of them took at most.
        slowest: seconds of processor time that one of them took at most.
        accepted: how many were valid.
    """

    failures: tuple[Mishap, ...]
    most: int
    slowest: float
    accepted: int


def fuzz(name: str, target: Subject, numbers: Iterable[int]) -> Finding:
    """Read the inputs with these numbers.

    Args:
        name: seeds the inputs, with their numbers.
    """
    failures, most, slowest, accepted = [], 0, 0.0, 0
    for number in numbers:
        data = damaged(name, target, number)
        began = time.process_time()
        what, taken = _measured(target, data)
        if taken > target.most:  # once more: a table of the interpreter's own may have grown just then
            what, taken = _measured(target, data)
        slowest = max(slowest, time.process_time() - began)
        most, accepted = max(most, taken), accepted + (what == "accepted")
        if taken > target.most:
            what = f"{taken} bytes"
        if what not in ("accepted", "refused"):
            failures.append(Mishap(number, what, data))
    return Finding(tuple(failures), most, slowest, accepted)


def _measured(target: Subject, data: bytes) -> tuple[str, int]:
    """What came of an input, and the bytes that it took at most."""
    tracemalloc.start()
    try:
        return _outcome(target, data), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _outcome(target: Subject, data: bytes) -> str:
    """ "accepted", "refused", or the exception that was not the reader's own."""
    try:
        target.read(data)
    except target.own:
        return "refused"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "accepted"


def damaged(name: str, target: Subject, place: int) -> bytes:
    """The input with this number: an example with up to six damages."""
    digest = hashlib.sha256(f"{name}|{place}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))

    def draw(among: Sequence[T]) -> T:
        return among[int(rng.integers(len(among)))]

    data = bytearray(draw(target.examples))
    for _ in range(rng.integers(1, 7)):
        at = int(rng.integers(len(data) + 1))
        size = int(rng.integers(1, 9))
        other = draw(target.examples)
        damage = rng.integers(8)
        if damage == 0:
            data[at : at + 1] = rng.bytes(1)
        elif damage == 1:
            data[at : at + size] = rng.bytes(size)
        elif damage == 2:
            width = draw((2, 4, 8))
            number = (draw(EDGES) % 256**width).to_bytes(width, "little")
            data[at : at + width] = draw((number, number[::-1]))
        elif damage == 3:
            data[at:at] = str(draw(EDGES)).encode()
        elif damage == 4:
            data[at:at] = draw(WORDS) * draw((1, 2, 50, 2000))
        elif damage == 5:
            del data[at : at + int(rng.integers(1, 2 + len(data) // 4))]
        elif damage == 6:
            data[at:at] = data[at : at + 200] * size
        else:
            start = int(rng.integers(len(other) + 1))
            data[at : at + 40] = other[start : start + 40]
    made = bytes(data)
    return target.repaired(made) if rng.integers(2) else made


def targets() -> dict[str, Subject]:
    """The kit's own readers of strangers' bytes, by name."""
    return {
        "frames": Subject(
            _receive, _frames(), (FrameError, FrameClosed, FrameTimeout), FrameLimits().payload_bytes + MIB, _relength
        ),
        "pictures": Subject(_look, _pictures(), (CheckFailed,), 2 * MIB, _repacked),
        "zips": Subject(_list_and_read, _zips(), (UnreadableError,), 8 * MIB),
        "crowded zips": Subject(partial(_list_and_read, limits=CROWDED), _zips(), (UnreadableError,), 8 * MIB),
        "tars": Subject(_unpack, _tars(), (UnreadableError,), 8 * MIB),
        "sources": Subject(_search, _sources(), (), 48 * MIB),
        "texts": Subject(_clean, [*_sources(), b"\x1b[31mred\x1b[0m \xe2\x80\xae \x1b]8;;http://x\x07y"], (), MIB),
    }


def _receive(data: bytes) -> None:
    """What a channel makes of a peer that sends this and hangs up."""
    read_fd, write_fd = os.pipe()
    try:
        channel = Channel(read_fd, write_fd, FrameLimits())
        os.write(write_fd, data[: 1 << 16])  # as much as a pipe holds
        os.close(write_fd)
        write_fd = -1
        channel.receive(time.monotonic() + 10)
    finally:
        for fd in (read_fd, write_fd):
            if fd >= 0:
                os.close(fd)


def _frames() -> list[bytes]:
    bodies = [
        {"ok": True, "value": {"$tuple": [{"$array": 0}, 1.5, "text"]}, "gradients": [None, {"$array": 1}]},
        {"ok": False, "error": {"type": "ValueError", "message": "no", "where": "a.py, line 1", "stage": "call"}},
        {"ok": True, "value": {"$dict": [["a", [[[[1, 2], -3], 1e-7], True]], ["b", {"$float": "nan"}]]}},
    ]
    arrays = [[np.arange(6.0).reshape(2, 3), np.array([True, False])], [], [np.zeros((0, 5), "int32"), np.uint8(7)]]
    return [
        b"".join(frames.encode(7, body, list(map(np.asarray, some)), FrameLimits()))
        for body, some in zip(bodies, arrays, strict=True)
    ]


def _relength(data: bytes) -> bytes:
    """A frame whose prefix and arrays fit its head, if that is still JSON."""
    start, end = frames.PREFIX.size, data.rfind(b"}") + 1
    head = data[start:end]
    try:
        described = json.loads(head)["arrays"]
        payload = b"\0" * min(frames._array_layout(described, FrameLimits())[1], 1 << 15)
    except (ValueError, TypeError, KeyError, RecursionError, FrameError):
        payload = b""
    return frames.PREFIX.pack(frames.MAGIC, len(head), len(payload)) + head + payload


def _pictures() -> list[bytes]:
    from matplotlib.figure import Figure

    found = []
    for size in ((2, 1), (1, 1)):
        figure, file = Figure(figsize=size, dpi=80), io.BytesIO()
        figure.subplots().plot([1, 3, 2])
        figure.savefig(file)
        found.append(file.getvalue())
    return [*found, _repacked(bytes([*bytes(16), 0, 0, 0, 64, 0, 0, 0, 64, 8, 0, 0, 0, 0]) + bytes(range(65)) * 64)]


def _repacked(data: bytes) -> bytes:
    """A PNG whose header is what stands at its place, and whose rows are all that follows, compressed."""
    chunks = [(b"IHDR", data[16:29]), (b"IDAT", zlib.compress(data[29:])), (b"IEND", b"")]
    parts = [len(content).to_bytes(4, "big") + kind + content + bytes(4) for kind, content in chunks]
    return pictures.SIGNATURE + b"".join(parts)


def _look(data: bytes) -> None:
    pictures.check_picture(data, "draw")


def _list_and_read(data: bytes, limits: SizeLimits = SUBMISSION) -> None:
    for entry in zip_tree(data, "upload.zip", limits=limits).entries:
        path = PurePosixPath(entry.path)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{path} leads out")
        if len(shown(entry.name)) > 80:
            raise ValueError("a name is shown that is too long")
        try:
            content = entry.read(100_000)
        except UnreadableError:
            continue
        if len(content) > 100_000:
            raise ValueError(f"{len(content)} bytes were read")


def _zips() -> list[bytes]:
    found = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as archive:
            for name in ("part1.py", "deep/er/part2.py", "zeros.bin", "d\u00e9j\u00e0.txt", ".git/config", "folder/"):
                archive.writestr(name, b"\0" * 20_000 if name == "zeros.bin" else b"text\n" * 20)
            archive.comment = b"a comment"
        found.append(file.getvalue())
    return found


def _unpack(data: bytes) -> None:
    entry = Entry(PurePosixPath("work.tar.gz"), stat.S_IFREG, len(data), lambda size: [data[:size]], "work.tar.gz")
    _list_and_read(as_zip(entry).read(sys.maxsize))


def _tars() -> list[bytes]:
    found = []
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=form) as archive:
            for name in ("part1.py", "deep/er/part2.py", "d\u00e9j\u00e0.txt", "long" * 50):
                member = tarfile.TarInfo(name)
                member.size = 100
                archive.addfile(member, io.BytesIO(b"text\n" * 20))
        found += [file.getvalue(), gzip.compress(file.getvalue(), mtime=0)]
    return found


def _search(data: bytes) -> None:
    library_use.remark("part1.py", data, "1.1", ["f", "C.m"], ["torch.distributions", "scipy"])


def _sources() -> list[bytes]:
    return [
        b"import torch.distributions as d\nfrom scipy import *\nx = y = d.Normal\n\n\ndef f(a, *b: int, **c) -> 'x':\n"
        b"    g = lambda: x(0, 1)\n    return [g() for i in range(3) if (j := i)]\n",
        b"class C:\n    one = other = 1\n\n    def m(self):\n        self.h = self.m\n        return self.h.one\n",
        "# coding: utf-8\n\ndef f():\n\t'''d\u00e9j\u00e0'''\n\tasync def g(): await f\n".encode(),
        b"def f(x):\n    return f'{x!r:>{3}}' if x[1:2] @ -x ** 2 else {**x, 'a': {*x}}\n",
    ]


def _clean(data: bytes) -> None:
    text = safe_text(data.decode("utf-8", "surrogateescape"))
    if len(text) > MAX_TEXT or any(ord(letter) < 32 and letter not in "\n\t" for letter in text):
        raise ValueError("this is not fit to be shown")
    text.encode("utf-8")


def main(arguments: list[str], chosen: Mapping[str, Subject] | None = None) -> int:
    """Returns 0 when every input was read as it should be, else 1."""
    parser = argparse.ArgumentParser(prog="python -m autograder.evidence.fuzzing", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="how many for each target")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these targets")
    parser.add_argument("--failures", type=Path, metavar="FOLDER", help="where to keep the inputs that failed")
    options = parser.parse_args(arguments)
    bad = 0
    for name, target in (chosen or targets()).items():
        if options.only and name not in options.only:
            continue
        found = fuzz(name, target, range(options.inputs))
        print(
            f"{name}: {options.inputs} inputs, {found.accepted} of them valid, {len(found.failures)} failures; "
            f"at most {found.most / MIB:.1f} MiB of {target.most / MIB:.1f}, {found.slowest:.2f} s of processor time",
            flush=True,
        )
        for failure in found.failures[:5]:
            print(f"  {name} {failure.number}: {failure.what[:200]}")
        if options.failures is not None:
            options.failures.mkdir(parents=True, exist_ok=True)
            for failure in found.failures[:100]:
                (options.failures / f"{name}-{failure.number}").write_bytes(failure.data)
        bad += bool(found.failures)
    return Exit.FAILED if bad else Exit.DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
