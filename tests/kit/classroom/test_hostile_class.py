"""One student's bytes cost that student alone: a class of 40 with a hostile student of each kind, and its parts."""

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.classroom import grading, parcel
from autograder.classroom.command import ClassSettings, grade_class
from autograder.classroom.grading import Lane, grade_fairly, grade_parcel
from autograder.classroom.parcel import pack
from autograder.classroom.roster import read_roster
from autograder.grading.files import UnreadableError, read_tree, zip_tree
from autograder.grading.session import Session
from autograder.repository import TESTS
from tests.kit.archives import zipped
from tests.kit.courses import TINY
from tests.kit.gradebooks import records
from tests.kit.hostile import unseen
from tests.kit.processes import descendants, let_others_in, nothing_left_running

RIGHT = (TINY / "solution" / "line.py").read_text()
MODEL = (TINY / "tests" / "corpus" / "reference" / "line.safetensors").read_bytes()
HONEST = {
    "right": RIGHT,
    "wrong": RIGHT.replace("slope * x + intercept", "slope * x - intercept"),
    "untouched": RIGHT.replace("    return", "    raise NotImplementedError\n    return"),
}


def zips_of_zips(wide: int, deep: int) -> bytes:
    inner = zips_of_zips(wide, deep - 1) if deep else zipped({"a.txt": "1"})
    return zipped({f"{number}.zip": inner for number in range(wide)})


def deep_folders(folder: Path) -> None:
    """A path longer than the system takes, made step by step."""
    place = os.open(folder, os.O_RDONLY)
    for _ in range(40):
        os.mkdir("deeper" * 40, dir_fd=place)
        inner = os.open("deeper" * 40, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(os.open("line.py", os.O_CREAT, dir_fd=place))
    os.close(place)


def zeros(folder: Path) -> None:
    for name in ONLY_ZIP:
        (folder / name).unlink()
    for number in range(8):
        with (folder / f"{number}.zip").open("wb") as file:
            file.truncate(60 << 20)


def not_utf8(folder: Path) -> None:
    for name in (b"caf\xe9.py", b"data/caf\xe9/line.py"):
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


# What each hands in: files beside the right ones, None for one that is missing, or what makes them.
ONLY_ZIP = {"line.py": None, "line.safetensors": None}
HOSTILE = {
    "cell": {"people.csv": "Name,SID\n" + "a" * 200_000 + ",1\n"},
    "emptyname": ONLY_ZIP | {"w.zip": zipped({"": "", "line.py": RIGHT})},
    "badname": ONLY_ZIP | {"w.zip": zipped({"ä.txt": "", "line.py": RIGHT}).replace("ä".encode(), b"\xff\xff")},
    "longname": {"helper.zip": "", "w.zip": zipped({f"{'e' * 300}.py": "", "line.py": RIGHT}), **ONLY_ZIP},
    "notutf8": not_utf8,
    "deep": deep_folders,
    "quotes": {"line.py": RIGHT + "'" + "\\'" * 15_000},
    "large": {f"h{number}.py": "a = b * c + d\n" * 70_000 for number in range(6)},
    "zips": ONLY_ZIP | {"w.zip": zips_of_zips(24, 2)},
    "zeros": zeros,
    "escapes\x1b[31m": {"line\x1b[2J-1.py": "", "x\x1b]0;title\x07.zip": "PK"},
    "a;=cmd()": {},
    "hangs": {"line.py": "import time\ntime.sleep(1000)\n"},
    "dies": {"line.py": "import os\nos.kill(os.getppid(), 9)\nos._exit(1)\n"},
    "floods": {"line.py": "while True:\n    print('x' * 10000)\n"},
}


def hand_in(folder: Path, files: dict[str, str | bytes | None]) -> None:
    folder.mkdir(parents=True)
    for name, content in ({"line.py": RIGHT, "line.safetensors": MODEL} | files).items():
        if content is not None:
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    let_others_in(tmp_path)
    shutil.copytree(TINY, tmp_path / "course")
    shutil.copy(TESTS / "conftest.py", tmp_path / "course" / "tests")
    provided = tmp_path / "provided"
    provided.mkdir()
    shutil.copy(TINY / "solution" / "points.py", provided)
    course = tmp_path / "course" / "courses" / "full.toml"
    return Session("not much of a secret", course=course, provided=provided, call_seconds=4.0, task_seconds=8.0)


def test_a_cell_without_end_is_no_roster():
    with pytest.raises(UnreadableError, match=r"people.csv is not a table that can be read \(field larger"):
        read_roster(("Name,SID\n" + "a" * 200_000 + ",1\n").encode(), "people.csv")


@pytest.mark.parametrize(("name", "opened"), [("zips", 30), ("zeros", 8)])
def test_all_zips_of_a_submission_have_one_budget(tmp_path, monkeypatch, name, opened):
    """19 kB of zips in zips took eleven seconds, eight uploads of 60 MiB took 500 MiB."""
    hand_in(tmp_path / name, HOSTILE[name] if name == "zips" else {})
    if name == "zeros":
        zeros(tmp_path / name)
    read = []

    def sized(content, *_, **more):
        read.append(content.seek(0, os.SEEK_END))  # copied to the disk: none is held in memory
        content.seek(0)
        return zip_tree(content, "", **more)

    monkeypatch.setattr(parcel, "zip_tree", sized)
    entries = [replace(entry, place=None) for entry in read_tree(tmp_path / name).entries]  # as in an export's zip
    expected = ("line.py", "line.safetensors")
    if name == "zeros":
        with pytest.raises(UnreadableError, match="neither a folder nor a readable zip"):
            pack(entries, expected)
    else:
        found = pack(entries, expected)
        assert found.left_out and "not opened, because only 30 zips with 1024 MiB together are: " in found.notes[-1]
    assert len(read) >= opened and sum(read[:opened]) <= parcel.LIMITS.archive_bytes


def test_our_own_mistake_in_reading_costs_one_student(tmp_path, monkeypatch):
    monkeypatch.setattr(parcel, "_own", lambda *_: 1 / 0)
    with pytest.raises(UnreadableError, match=r"has failed to read it \(ZeroDivisionError: .*please report"):
        pack((), ("line.py",))


def without_times(content: str) -> str:
    document = json.loads(content)
    del document["execution_time"]
    return json.dumps(document)


@pytest.mark.slow
def test_a_hostile_student_of_each_kind_costs_nobody_else(tmp_path, session, capfd):
    class_of = {f"{kind}{number:02}": {"line.py": HONEST[kind]} for number in range(9) for kind in HONEST}
    class_of = dict(list(class_of.items())[: 40 - len(HOSTILE)])
    results = {}
    for everybody in (False, True):
        folder, out = tmp_path / f"class{everybody}", tmp_path / f"out{everybody}"
        for name, files in class_of.items():
            hand_in(folder / name, files)
        for name, made in HOSTILE.items() if everybody else ():
            hand_in(folder / name, {} if callable(made) else made)
            if callable(made):
                made(folder / name)
        with nothing_left_running(20):
            summary = grade_class(ClassSettings(folder, out, session, workers=2))
        assert not summary.failed
        results[everybody] = {
            name: without_times((out / "students" / name / "results.json").read_text()) for name in class_of
        }
    assert results[True] == results[False]
    rows = records(out / "grades.csv")
    assert len(rows) == 40
    graded = [row for row in rows if row["Status"] == "Graded"]
    assert {row["Submission ID"] for row in rows if row not in graded} == {"zips", "badname", "zeros"}
    scores = {row["Submission ID"]: float(row["Total Score"]) for row in graded}
    assert {scores[slug] for slug in scores if slug.startswith("right")} == {7}
    assert scores["cell"] == scores["notutf8"] == scores["deep"] == scores["large"] == 7
    assert scores["emptyname"] == scores["longname"] == 4
    assert scores["hangs"] == scores["dies"] == scores["floods"] == scores["quotes"] == 3
    page = (out / "class.html").read_text()
    assert page.count("not opened, because only 30 zips with 1024 MiB together are: ") == 1
    assert page.count("compared with others only in part") == 2
    said = [page, (out / "grades.csv").read_text("utf-8-sig"), *capfd.readouterr()]
    assert not any(map(unseen, said))
    assert not any(cell.strip().startswith("=") for text in said[1:2] for cell in text.replace('"', "").split(";"))


@pytest.mark.slow
def test_a_lane_gives_what_a_process_of_its_own_gives(tmp_path, session, monkeypatch):
    """Also after a grading that was killed, whose lane is started anew."""
    parcels = {}
    for name, source in {"right": RIGHT, "wrong": HONEST["wrong"], "hangs": "import time\ntime.sleep(1000)\n"}.items():
        hand_in(tmp_path / name, {"line.py": source})
        parcels[name] = pack(read_tree(tmp_path / name).entries, session.load().files).content
    alone = {name: grade_parcel(content, session) for name, content in parcels.items() if name != "hangs"}
    with nothing_left_running(20), Lane() as lane:
        pids = set()
        for order in (["right", "wrong"], ["hangs", "right"]):
            for name in order:
                if name == "hangs":
                    with monkeypatch.context() as patched:
                        patched.setattr(grading, "GRACE_SECONDS", 5 - session.seconds)
                        outcome = grade_parcel(parcels[name], replace(session, call_seconds=60.0), lane=lane)
                    assert outcome.problem == "the grading process was killed, because it took too long"
                    assert not outcome.may_pass
                    continue
                outcome = grade_parcel(parcels[name], session, lane=lane)
                pids.add(lane._process.pid)
                assert outcome.problem == "" and outcome.cpu_seconds > 0 and outcome.peak_mib > 50
                expected = without_times(json.dumps(alone[name].document))
                assert without_times(json.dumps(outcome.document)) == expected
        assert len(pids) == 2  # one lane, and another one after it was killed
        for pid in descendants(lane._process.pid):  # the zygote
            os.kill(pid, signal.SIGKILL)
        outcome = grade_fairly(parcels["right"], session, lane=lane)
        assert outcome.problem == "" and outcome.document["score"] == 7 and lane._process.pid not in pids
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("autograder-")]
