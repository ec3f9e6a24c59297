"""What the bench makes of its runs: medians and spreads, a table of 80 columns, what got worse by more than noise."""

import argparse
import json
import subprocess
import sys
import zipfile

import pytest

from autograder.evidence.bench import command
from autograder.evidence.bench.figures import (
    BEGIN,
    END,
    RATIO,
    figure,
    in_page,
    joined,
    machine,
    processor,
    ratio,
    read,
    regressions,
    table,
)
from autograder.repository import ROOT

HERE = {"processor": "Abacus 9", "cores": 2, "threads": 1, "system": "none", "versions": {"python": "3.12.1"}}


def document(*runs, unit="s", on=HERE, name="time"):
    return joined({}, {"grading": {name: figure(runs, unit)}}, on)


def test_median_and_quartiles():
    assert vars(figure([5, 1, 2, 3, 4], "s")) == {"median": 3, "low": 2, "high": 4, "unit": "s", "runs": 5}
    assert figure([5, 1, 2, 3, 4], "s").noise == pytest.approx(1 / 3)
    assert figure([7.0], "s").low == figure([7.0], "s").high == 7.0


def test_a_ratio_is_taken_pair_by_pair():
    drifting = ratio([1, 2, 4, 8], [2, 4, 8, 16])
    assert (drifting.median, drifting.noise, drifting.unit) == (0.5, 0, RATIO)
    with pytest.raises(ValueError):
        ratio([1, 2], [1])


@pytest.mark.parametrize(
    "before, now, unit, elsewhere, said",
    [
        ([10, 10, 10], [10.4, 10.4, 10.4], "s", False, ""),  # too little to be told from noise
        ([10, 10, 10], [12, 12, 12], "s", False, "grading: time: 12.0 s, was 10.0 s: 20% worse"),
        ([7, 10, 13], [9, 12, 15], "s", False, ""),  # the runs lie far apart
        ([12, 12, 12], [10, 10, 10], "s", False, ""),  # it got better
        ([10, 10, 10], [12, 12, 12], "s", True, ""),  # another machine
        ([0.5, 0.5], [0.6, 0.6], RATIO, True, "grading: time: 0.60, was 0.50: 20% worse"),
        ([10, 10], [10_000, 10_000], "ms", False, "grading: time: 10000 ms, was 10.0 ms: 99900% worse"),
    ],
)
def test_only_what_is_more_than_noise_got_worse(before, now, unit, elsewhere, said):
    other = {**HERE, "processor": "Abacus 10"} if elsewhere else HERE
    assert "\n".join(regressions(document(*now, unit=unit), document(*before, unit=unit, on=other))) == said


def test_nothing_is_compared_with_what_was_not_measured():
    assert regressions(document(9, unit="s"), document(1, unit="ms")) == []
    assert regressions(document(9), document(1, name="another")) == []
    for unknown in ({}, {"grading": {"seconds": 1.0}}, {"figures": {"grading": {"time": 1.0}}}, {"figures": [1]}):
        assert read(unknown) == {} and regressions(document(9), unknown) == []


def test_what_others_measured_stays_if_the_machine_is_the_same():
    more = {"boundary": {"a call": figure([0.1], "ms")}}
    assert list(joined(document(9), more, HERE)["figures"]) == ["grading", "boundary"]
    assert list(joined(document(9), more, {**HERE, "cores": 4})["figures"]) == ["boundary"]


def test_the_table_fits_a_terminal():
    of = {**HERE, "processor": "Abacus 9 " * 20, "versions": {"python": "3.12.1", "torch": "2.9.0+cpu"}}
    found = joined({}, {"grading": {"x" * 100: figure([1234.5], "MiB"), "b": figure([1, 2, 3], RATIO)}}, of)
    lines = table(found).splitlines()
    assert max(map(len, lines)) <= 80 and lines[1] == "python 3.12.1, torch 2.9.0"
    assert lines[-2].split() == ["grading:", "x" * 42, "1234", "MiB", "?", "1"]
    assert lines[-1].split() == ["grading:", "b", "2.00", "±25%", "3"]


def test_a_page_quotes_the_table_between_its_marks():
    page = f"before\n{BEGIN}old\n{END}after\n"
    now = document(3.0)
    quoted = in_page(page, now)
    assert quoted == f"before\n{BEGIN}```text\n{table(now)}\n```\n{END}after\n" and in_page(quoted, now) == quoted
    assert in_page("no marks\n", now) == "no marks\n"


def test_the_readme_quotes_bench_json():
    page, recorded = (ROOT / "README.md").read_text(encoding="utf-8"), (ROOT / "bench.json").read_text(encoding="utf-8")
    assert page.count(BEGIN) == 1 and in_page(page, json.loads(recorded)) == page, "make bench writes both"


def test_machine_has_a_name(tmp_path):
    file = tmp_path / "cpuinfo"
    file.write_text("processor : 0\nmodel name\t: Abacus 9 @ 1 Hz\nflags\t: x\nmodel name\t: Abacus 9 @ 1 Hz\n")
    assert processor(file) == "Abacus 9 @ 1 Hz" and processor(tmp_path / "none")
    assert machine()["cores"] >= 1 and machine()["versions"]["python"].count(".") == 2


def test_a_bench_is_measured_in_turn_and_kept(tmp_path, capsys):
    order, out = [], tmp_path / "bench.json"

    def measured(options, other):
        first, second = command.in_turn(options.runs, lambda: order.append("a") or 2, lambda: order.append("b") or 4)
        return {"a / b": ratio(first, second)}

    arguments = ["one", "--runs", "2", "--out", str(out)]
    assert command.measure(argparse.ArgumentParser(), {"one": measured, "two": measured}, arguments) == 0
    assert order == ["a", "b", "a", "b"]
    assert read(json.loads(out.read_text()))["one"]["a / b"].median == 0.5
    shown = capsys.readouterr().out
    assert "one: a / b" in shown and shown.endswith("nothing got worse than in the committed bench.json\n")
    with pytest.raises(SystemExit):
        command.measure(argparse.ArgumentParser(), {"one": measured}, ["three"])


def test_no_two_students_of_a_class_hand_in_the_same(tmp_path):
    with zipfile.ZipFile(tmp_path / "reference.zip", "w") as archive:
        archive.writestr("kl.py", "x = 1\n")
        archive.writestr("weights", b"\0\1")
    command.copies(tmp_path / "reference.zip", tmp_path / "class", 3)
    code = []
    for path in sorted((tmp_path / "class").iterdir()):
        with zipfile.ZipFile(path) as archive:
            assert archive.read("weights") == b"\0\1"
            code.append(archive.read("kl.py").decode())
    assert code == [f"x = 1\n\n# student {student}\n" for student in range(3)]


def test_another_commit_lies_in_a_folder_of_its_own(tmp_path, monkeypatch):
    def git(*arguments):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=tmp_path, check=True)

    git("init", "-q")
    (tmp_path / "file").write_text("then")
    git("add", "file")
    git("commit", "-qm", "first")
    (tmp_path / "file").write_text("now")
    monkeypatch.setattr(command, "ROOT", tmp_path)
    assert command.committed() == {}
    with command.checkout("HEAD") as folder:
        assert (folder / "file").read_text() == "then"
    assert not folder.exists()
    with pytest.raises(SystemExit, match="bench: .*nowhere"), command.checkout("nowhere"):
        pass
    with pytest.raises(SystemExit, match="bench: python -c .* ended with status 3"):
        command.usage(tmp_path, "-c", "raise SystemExit(3)")
    assert command.usage(tmp_path, "-c", "pass").status == 0 and sys.executable
