"""What a grading is told survives the journey to another process."""

import json
from pathlib import Path

from autograder.grading.session import Grading, Session


def test_a_session_travels_as_json():
    session = Session("not much of a secret", seconds=7.5, course=Path("/a/courses/x.toml"), provided=None)
    document = session.to_json() | {"submission": "/b/work.zip", "out": "/c/results.json", "private": ["/d"]}
    grading = Grading.from_json(json.loads(json.dumps(document)))
    assert grading.session == session
    assert grading == Grading(session, Path("/b/work.zip"), Path("/c/results.json"), private=(Path("/d"),))


def test_what_is_not_said_is_as_usual():
    grading = Grading.from_json({"secret": "x", "submission": "a", "out": "b", "zygote": {"layers": ["session"]}})
    assert grading.session == Session("x") and grading.zygote == {"layers": ["session"]}
