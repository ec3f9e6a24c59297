"""Folders and zips as they come: the same files are listed, and what is hostile in them is refused or bounded."""

import os
import stat
import struct
import sys
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from autograder.grading.files import (
    SUBMISSION,
    UNLIMITED,
    UNREADABLE,
    UnreadableError,
    _filling,
    collapsed,
    listed,
    read_tree,
    shown,
    without_environments,
    zip_tree,
)
from autograder.writing import write_files
from tests.kit.archives import write_zip

FILES = {
    "b.py": b"b = 1\n",
    "a/one.py": b"one = 1\n",
    "a/.hidden": b"",
    "a/.git/config": b"",
    "__MACOSX/a/._one.py": b"",
    "a/Node_Modules/x.js": b"",
    "mine/pyvenv.cfg": b"",
    "mine/lib/x.py": b"",
}


@pytest.fixture(params=["folder", "zip"])
def made(request, tmp_path):
    """Makes these files, as a folder and as a zip."""

    def make(files: dict[str, bytes]) -> Path:
        if request.param == "zip":
            return write_zip(tmp_path / "work.zip", files)
        write_files(tmp_path / "work", files)
        return tmp_path / "work"

    return make


def test_folder_and_zip_list_the_same(made):
    tree = read_tree(made(FILES))
    assert tree.name == "work"
    closed = {entry.name: entry.size for entry in tree.entries if entry.is_folder}
    assert closed == {"__MACOSX": 1, "a/.git": 1, "a/Node_Modules": 1}
    files = [entry for entry in tree.entries if not entry.is_folder]
    assert [str(entry.path) for entry in files] == [
        "a/.hidden", "a/one.py", "b.py", "mine/lib/x.py", "mine/pyvenv.cfg"
    ]  # fmt: skip
    assert all(entry.regular and entry.size == len(FILES[entry.name]) for entry in files)
    assert files[1].read(3) == b"one"
    assert tree.repositories == {PurePosixPath("a")}
    assert tree.tops() == ("__MACOSX", "a", "b.py", "mine")
    inside = {str(entry.path) for entry in tree.below(PurePosixPath("a")).entries}
    assert inside == {".git", ".hidden", "Node_Modules", "one.py"}
    (environment,) = set(without_environments(tree.entries)) - set(tree.entries)
    assert environment.is_folder and (environment.name, environment.size) == ("mine", 2)


def test_further_folders_and_depth_can_be_left_out(made):
    path = made(FILES | {"1/2/3/4/5/6/7/8/x.py": b"", "1/2/3/4/5/6/7/8/9/x.py": b""})
    found = [str(entry.path) for entry in read_tree(path, {"a"}, SUBMISSION).entries]
    assert "1/2/3/4/5/6/7/8/x.py" in found and "1/2/3/4/5/6/7/8/9/x.py" not in found
    assert "1/2/3/4/5/6/7/8/9" in found
    assert "a/one.py" not in found and "a" in found


def test_the_fullest_of_too_many_folders_is_one_entry(tmp_path):
    files = {f"frames/{n}.png": b"" for n in range(9)} | {f"b/{n}": b"" for n in range(3)} | {"x.py": b""}
    entries = read_tree(write_zip(tmp_path / "x.zip", files)).entries
    kept = collapsed(entries, (), (), replace(SUBMISSION, entries=10))
    assert sorted((str(entry.path), entry.is_folder) for entry in kept)[-2:] == [("frames", True), ("x.py", False)]
    assert len(kept) == 5


def test_files_that_were_asked_for_are_named_where_nobody_looks(made):
    files = {f"data/more/{n}.csv": b"" for n in range(30)}
    path = made(files | {"data/more/VAE.py": b"", ".a/b/.c/vae.py": b"", "/".join("123456789") + "/vae.py": b""})
    closed = {entry.name: entry for entry in read_tree(path, {"data"}, SUBMISSION, {"vae.py"}).entries}
    assert {name: (entry.size, entry.inside) for name, entry in closed.items()} == {
        "data": (31, ("more/VAE.py",)),
        ".a": (1, ("b/.c/vae.py",)),
        "1/2/3/4/5/6/7/8/9": (1, ("vae.py",)),
    }
    assert all(entry.is_folder and not entry.regular and entry.read(9) == b"" for entry in closed.values())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_what_the_system_keeps_from_us_is_listed(tmp_path):
    folder = tmp_path / "work"
    write_files(folder, {"x.py": b"", "closed/y.py": b"", "listed/z.py": b""})
    for path in [*tmp_path.parents[:3], tmp_path, folder, folder / "listed"]:
        path.chmod(path.stat().st_mode | 0o055)
    (folder / "closed").chmod(0o700)
    (folder / "listed").chmod(0o744)
    os.seteuid(54321)
    try:
        entries = read_tree(folder).entries
        with pytest.raises(UnreadableError, match="The folder closed cannot be read"):
            read_tree(folder / "closed")
    finally:
        os.seteuid(0)
    assert {str(entry.path): entry.kind == UNREADABLE for entry in entries} == {
        "closed": True, "listed/z.py": True, "x.py": False
    }  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have only names that are text")
def test_names_that_are_not_utf8_stay_different(tmp_path):
    for name in (b"caf\xe9", b"caf\xe8", b"data/caf\xe9"):
        os.makedirs(os.fsencode(tmp_path) + b"/" + name)
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name), "kl.py").touch()
    found = read_tree(tmp_path, {"data"}, wanted={"kl.py"}).entries
    assert [str(entry.path) for entry in found] == ["caf%E8/kl.py", "caf%E9/kl.py", "data"]
    assert found[-1].inside == ("caf%E9/kl.py",)


@pytest.mark.parametrize("top", ["data", "work"])
@pytest.mark.skipif(sys.platform == "win32", reason="folders are made relative to others")
def test_folders_deeper_than_a_path_may_be_long_are_one_entry(tmp_path, top):
    (tmp_path / top).mkdir()
    place = os.open(tmp_path / top, os.O_RDONLY)
    for _ in range(40):
        os.mkdir("deeper" * 40, dir_fd=place)
        place, above = os.open("deeper" * 40, os.O_RDONLY, dir_fd=place), place
        os.close(above)
    os.close(place)
    for limits in (SUBMISSION, UNLIMITED):
        (found,) = read_tree(tmp_path, {"data"}, limits).entries
        assert (found.is_folder and found.size == 1) or found.kind == UNREADABLE


def test_an_environment_at_the_top_hides_nothing(made):
    tree = read_tree(made({"pyvenv.cfg": b"", "a/b.py": b""}))
    assert len(without_environments(tree.entries)) == 2


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("../up.py", "up.py"), ("/top.py", "top.py"), ("\\\\server\\share\\x.py", "server/share/x.py"),
        ("C:\\x.py", "C:/x.py"), ("a/../../x.py", "a/x.py"), ("line\nfeed.py", "line\nfeed.py"),
    ],
)  # fmt: skip
def test_names_that_lead_out_are_no_files(tmp_path, name, path):
    (entry,) = read_tree(write_zip(tmp_path / "odd.zip", {name: b""})).entries
    assert not entry.regular
    assert str(entry.path) == path


def test_a_colon_in_a_folders_name_is_no_drive(made):
    (entry,) = read_tree(made({"Homework: 3/x.py": b""})).entries
    assert entry.regular


def test_links_and_pipes_of_a_folder_are_listed_as_what_they_are_and_not_followed(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    (folder / "link.py").symlink_to(tmp_path / "secret")
    (folder / "folder").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.py")
    (folder / "later.py").write_text("")
    entries = {entry.path.name: entry for entry in read_tree(folder).entries}
    assert {name: entry.kind for name, entry in entries.items()} == {
        "link.py": stat.S_IFLNK,
        "folder": stat.S_IFLNK,
        "pipe.py": stat.S_IFIFO,
        "later.py": stat.S_IFREG,
    }
    # It becomes a link after it was listed.
    (folder / "later.py").unlink()
    (folder / "later.py").symlink_to(tmp_path / "secret")
    with pytest.raises(UnreadableError, match="later.py cannot be read"):
        entries["later.py"].read(10)


def test_names_are_shown_short_and_harmless():
    assert shown("\x1b[2J<b>.py") == "??2J?b?.py"
    assert shown("a\u202eyp.exe\U000e0041\u3164\ufeff.py") == "a?yp.exe???.py"
    assert shown("Lo\u0308sung.py") == "Lösung.py"
    assert len(shown("x" * 1000)) == 80
    assert listed([f"{n}.py" for n in range(7)]) == "0.py, 1.py, 2.py, 3.py, 4.py and 2 more"


def test_a_zip_in_memory_is_read_like_a_file(tmp_path):
    path = write_zip(tmp_path / "x.zip", FILES)
    in_memory, on_disk = zip_tree(path.read_bytes(), "x.zip"), read_tree(path)
    assert [entry.path for entry in in_memory.entries] == [entry.path for entry in on_disk.entries]
    assert [entry.read(100) for entry in in_memory.entries] == [entry.read(100) for entry in on_disk.entries]


def refused(path: Path, message: str, **limits: int) -> None:
    """Reading all of it, as far as a submission is read, ends with this message."""
    with pytest.raises(UnreadableError, match=message):
        for entry in read_tree(path, limits=replace(SUBMISSION, **limits)).entries:
            entry.read(SUBMISSION.model_bytes + 1)


@pytest.mark.parametrize(
    "content",
    [b"", b"not a zip", b"PK\x03\x04" + bytes(100), b"PK\x05\x06" + bytes(18 - 1), b"PK\x05\x06" + b"\xff" * 18],
)
def test_what_is_no_zip_is_refused(tmp_path, content):
    (tmp_path / "broken.zip").write_bytes(content)
    refused(tmp_path / "broken.zip", "broken.zip is neither a folder nor a readable zip")


def test_what_is_missing_or_no_file_is_refused(tmp_path):
    refused(tmp_path / "nothing.zip", "nothing at nothing.zip")
    os.mkfifo(tmp_path / "pipe.zip")
    refused(tmp_path / "pipe.zip", "neither a folder nor a file")


def overwrite(path: Path, places: dict[bytes, int], content: bytes) -> None:
    """Change a zip's headers: signature of a header to offset in it."""
    data = bytearray(path.read_bytes())
    for signature, offset in places.items():
        at = data.index(signature) + offset
        data[at : at + len(content)] = content
    path.write_bytes(data)


def test_an_encrypted_zip_is_refused(tmp_path):
    path = write_zip(tmp_path / "locked.zip", {"work.py": b"x = 1\n"})
    overwrite(path, {b"PK\x03\x04": 6, b"PK\x01\x02": 8}, struct.pack("<H", 1))
    refused(path, "encrypted")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression_is_refused(tmp_path, method):
    refused(write_zip(tmp_path / "odd.zip", {"work.py": b"x = 1\n" * 100}, method), "unusual")


def test_a_bomb_by_ratio_is_refused(tmp_path):
    refused(write_zip(tmp_path / "bomb.zip", {"weights.safetensors": bytes(20 << 20)}), "compressed more")


def test_a_bomb_that_lies_about_its_size_is_refused(tmp_path):
    """The size in the archive is its author's claim; zipfile stops there, and then the checksum is wrong."""
    path = write_zip(tmp_path / "bomb.zip", {"work.py": bytes(8 << 20)})
    overwrite(path, {b"PK\x03\x04": 22, b"PK\x01\x02": 24}, struct.pack("<I", 100))
    refused(path, "damaged")


def test_a_bomb_of_entries_is_refused_before_they_are_read(made, monkeypatch):
    path = made({f"{number}.txt": b"" for number in range(50)})
    monkeypatch.setattr(zipfile.ZipFile, "infolist", None)
    refused(path, "more than 49 files", entries=49)


@pytest.mark.parametrize("name", ["a/{}.py", "{}/x.txt"])
def test_so_is_a_zip_with_too_many_that_may_count_or_too_many_folders(tmp_path, monkeypatch, name):
    path = write_zip(tmp_path / "x.zip", {name.format(number): b"" for number in range(50)})
    monkeypatch.setattr(zipfile.ZipFile, "infolist", None)
    refused(path, "more than 49 files", entries=49)


def test_of_too_many_files_in_a_zip_those_that_may_count_are_read(tmp_path):
    """Whatever their order, sizes and comments; zipfile makes objects of few of them."""
    frames = {f"hw/frames/{number}.png": b"x" for number in range(300)}
    libraries = {f"hw/venv/lib/{number}/a.py": b"" for number in range(9)} | {"hw/venv/line.py": b""}
    work = {
        "hw/frames/line.py": b"1",
        "hw/line.py": b"2",
        "hw/frames/w.bin": b"3",
        "hw/frames/ä.py": b"4",
        "x.txt": b"5",
    }
    path = write_zip(tmp_path / "x.zip", frames | libraries | work)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"comment"
        archive.writestr("hw/frames/empty/", b"")
    tree = read_tree(path, {"venv"}, replace(SUBMISSION, entries=20), {"line.py", "w.bin"})
    assert {str(entry.path): entry.read(9) for entry in tree.entries if entry.regular} == work
    closed = {str(entry.path): (entry.size, entry.inside) for entry in tree.entries if entry.is_folder}
    assert closed == {"hw/frames": (300, ()), "hw/venv": (10, ("line.py",))}


def test_what_fills_a_table_of_contents_is_no_file():
    for size in (0, 47, 48, 65582, 65583, 70000, 300_001):
        filling = _filling(size)
        assert len(filling) == size
        end = struct.pack("<4s4xHHIIH", b"PK\5\6", filling.count(b"PK"), filling.count(b"PK"), size, 0, 0)
        assert zip_tree(filling + end, "x.zip").entries == ()


@pytest.mark.parametrize("damage", ["signature", "length"])
def test_a_damaged_table_of_too_many_is_refused(tmp_path, damage):
    path = write_zip(tmp_path / "x.zip", {f"a/{number}.txt": b"" for number in range(50)})
    content = path.read_bytes()
    place = content.rindex(b"PK\1\2")
    if damage == "signature":
        path.write_bytes(content[:place] + b"XX" + content[place + 2 :])
    else:  # a name that is longer than what is left
        path.write_bytes(content[: place + 28] + b"\xff" + content[place + 29 :])
    refused(path, "table of contents is damaged", entries=20)


def test_a_large_zip_in_a_zip_is_refused_unopened(tmp_path):
    path = write_zip(tmp_path / "outer.zip", {"large.zip": os.urandom(4000)})
    (entry,) = read_tree(path).entries
    with pytest.raises(UnreadableError, match="large.zip was not opened: it is too large"):
        entry.opened(3999)
    with entry.opened(4000) as copy:
        copy.seek(0)
        assert len(copy.read()) == 4000


def test_a_table_of_contents_has_a_size(tmp_path):
    """zipfile takes it in whole, comments included, before anybody can count."""
    archive = tmp_path / "table.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for number in range(200):
            info = zipfile.ZipInfo(f"{number}.py")
            info.comment = bytes(60_000)
            file.writestr(info, "")
    content = archive.read_bytes()
    for source in (lambda: archive.open("rb", buffering=0), lambda: content):
        tracemalloc.start()
        with pytest.raises(UnreadableError, match="table of contents is too large"):
            zip_tree(source(), archive.name, limits=SUBMISSION)
        taken = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert taken < 4 << 20
        assert len(zip_tree(source(), archive.name).entries) == 200


def test_nothing_is_reserved_for_what_is_not_there(made):
    """Whoever may hand in 4 GiB has handed in a line."""
    (entry,) = read_tree(made({"a.py": b"line\n"})).entries
    tracemalloc.start()
    assert entry.read(4 << 30) == b"line\n"
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken < 3 << 20


def test_empty_folders_count(tmp_path):
    for number in range(30):
        (tmp_path / str(number)).mkdir()
    with pytest.raises(UnreadableError, match="more than 20 files"):
        read_tree(tmp_path, limits=replace(SUBMISSION, entries=20))
