"""How long a class takes is told before and while it is graded."""

import io
import re
import sys

from autograder.classroom import progress
from autograder.classroom.progress import Progress, duration, foretold


def test_times_are_told_as_people_tell_them():
    told = {0.2: "1 s", 40: "40 s", 60: "1 min", 725: "12 min", 3600: "1 h", 5280: "1 h 28 min"}
    told |= {90_000: "1 day 1 h", 172_800: "2 days"}
    assert {seconds: duration(seconds) for seconds in told} == told


def test_what_is_said_beforehand():
    assert foretold(300, None, 8) == foretold(300, 35.0, 0) == "how long this takes is said when the first are graded"
    said = foretold(300, 35.0, 2)
    assert re.fullmatch(r"this takes about 1 h 28 min, until (\w{3} )?\d\d:\d\d \(35 s each, 2 at a time\)", said)
    # A machine of 32 processors does one submission no faster.
    assert foretold(1, 35.0, 32).startswith("this takes about 35 s")


def test_the_time_left_follows_what_was_measured():
    state = Progress(total=300, different=200, lanes=4, usual=10.0)
    assert state.left(0.0) == 200 * 10 / 4
    state.seconds += [40.0] * 4
    assert state.left(40.0) == 196 * 40 / 4
    # Before enough have ended nothing is told where nothing was known; the last few run side by side.
    state = Progress(total=300, different=200, lanes=4)
    state.seconds += [40.0] * 3
    assert state.left(40.0) is None and state.line(40.0) == "0 of 300"
    state.seconds += [40.0] * 195
    assert state.left(4000.0) == 40
    # On a cluster as many run at a time as did until now.
    state = Progress(total=300, different=200, seconds=[40.0] * 100)
    assert state.left(400.0) == 100 * 40 / 10


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(monkeypatch, stream: io.StringIO, usual: float | None = None, total: int = 300) -> str:
    """What is shown of a run."""
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "80")
    state = Progress(total, total, 2, usual)
    with progress.shown(state) as bar:
        for number in range(1, total + 1):
            progress.show(state, bar, 17.0 * number, False)  # a second without news
            state.done, state.failed = number, number // 30
            state.seconds.append(34.0)
            progress.show(state, bar, 17.0 * number, True)
    return stream.getvalue()


def test_a_terminal_has_one_line(monkeypatch, capsys):
    shown = run(monkeypatch, Terminal(), usual=35.0)
    assert shown.strip("\n").count("\n") == 0 and capsys.readouterr().out == ""
    lines = [re.sub(r"\x1b\[\w", "", line).rstrip("\n") for line in shown.split("\r")]
    assert 60 < max(map(len, lines)) <= 80
    assert any("150 of 300, 5 failed, 42 min left, until " in line for line in lines)


def test_a_log_has_a_few_lines_and_what_was_not_known_is_said_once(monkeypatch, capsys):
    shown = run(monkeypatch, io.StringIO()).splitlines()
    assert 18 <= len(shown) <= 22 and "\r" not in "".join(shown)
    assert shown[9].startswith("grading: 150 of 300, 5 failed, 42 min left, until ") and shown[-1].endswith("10 failed")
    (said,) = capsys.readouterr().out.splitlines()
    assert said.startswith("what is left takes about 1 h 24 min, until ")
