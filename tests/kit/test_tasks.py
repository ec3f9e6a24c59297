"""The table of tasks, courses, and their reader: the real ones fit the suites; every kind of mistake is named."""

from pathlib import Path

import pytest

from autograder.repository import ROOT
from autograder.tasks import Course, CourseError, Late, compare, load
from autograder.writing import write_files

TASKS = """
[assignment]
folder = "ones"

[[task]]
name = "one"
title = "One"
file = "one.py"
functions = ["one"]
[task.public]
test_a = 1
[task.hidden]
"test_b[small]" = { weight = 3, case = "small numbers", visibility = "after_due_date" }

[[task]]
name = "model"
title = "The model"
file = "model.safetensors"
judge = "hidden.model:judge"
dataset = "Ones"

[[task]]
name = "unused"
title = "Not asked for"
file = "one.py"
[task.hidden]
test_c = 1

[assignment.dataset]
name = "Ones"
folder = "data/ones"
things = "ones"
"""
COURSE = """
title = "Ones"
total = 10
# The time zone, the total = 7 and "model" of a comment are no settings.
timezone = "Europe/Berlin"
due = 2026-10-17T23:59:00
late = { days = 2, percent_a_day = 10 }
per_day = 5

[options]
sizes = [1, 2]

[[section]]
name = "first"
title = "First"
task = [{ name = "model", points = 3 }]
question = [{ name = "how_many", points = 1 }]

[[section]]
name = "second"
title = "Second"
task = [
    { name = "one", number = "2.3", points = 4 },
]
question = [{ name = "why_one", number = "2.4a", points = 2 }]
"""


def read(folder: Path, tasks: str = TASKS, course: str = COURSE) -> Course:
    files = {
        "tests/tasks.toml": tasks,
        "tests/public/test_one.py": 'def test_a(submission):\n    """one is one\n\n    More."""\n',
        "tests/hidden/test_one.py": 'def test_b(submission):\n    """one is not two"""\n',
        "solution/questions/why_one.md": '+++\nkind = "W"\n+++\n# Why?\n',
        "solution/questions/how_many.md": '+++\nkind = "N"\n+++\n# How many?\n',
        "courses/x.toml": course,
    }
    write_files(folder, files)
    return load(folder / "courses" / "x.toml")


def test_a_good_course(tmp_path):
    course = read(tmp_path)
    assert (course.name, course.title, course.total, course.per_day) == ("x", "Ones", 10, 5)
    assert [(task.name, task.number, task.section) for task in course.tasks] == [
        ("model", "1.1", "first"),
        ("one", "2.3", "second"),
    ]
    assert [(question.name, question.kind, question.label, question.section) for question in course.questions] == [
        ("how_many", "N", "N1", "first"),
        ("why_one", "W", "2.4a", "second"),
    ]
    assert [(section.name, section.number, section.title) for section in course.sections] == [
        ("first", "1", "First"),
        ("second", "2", "Second"),
    ]
    assert [(check.id, check.points, check.title, check.visibility) for check in course.checks] == [
        ("model", 3, "The model", "visible"),
        ("public/test_one.py::test_a", 1, "one is one", "visible"),
        ("hidden/test_one.py::test_b[small]", 3, "one is not two (small numbers)", "after_due_date"),
    ]
    assert [check.by_pytest for check in course.checks] == [False, True, True]
    assert [check.hidden_inputs for check in course.checks] == [True, False, True]
    assert (course.graded, course.written, course.of_section("first"), course.of_section("second")) == (7, 3, 4, 6)
    assert course.task("one").functions == ("one",) and course.files == {"model.safetensors", "one.py"}
    assert course.names == {"model", "one", "how_many", "why_one"}
    assert course.assignment.folder == "ones" and course.tests == tmp_path / "tests" and course.root == tmp_path
    assert course.options == {"sizes": [1, 2]} and course.grading == "points" and course.ungraded == ""
    assert course.late == Late(2, 10) and course.due is not None
    assert course.due.isoformat() == "2026-10-17T23:59:00+02:00"  # in the course's time zone, in summer
    with pytest.raises(KeyError):
        course.task("unused")


# Twos in the place of ones, in a course that does not ask for the model, which is judged on ones.
TWOS = """
[dataset]
name = "Twos"
folder = "data/other/twos"
things = "twos"
"""
OTHER = COURSE.replace("[options]", f"{TWOS}\n[options]")
OTHER = OTHER.replace('task = [{ name = "model", points = 3 }]', "").replace("total = 10", "total = 7")


def test_a_course_has_the_assignments_dataset_or_its_own(tmp_path):
    course = read(tmp_path)
    assert course.dataset == {"name": "Ones", "folder": "data/ones", "things": "ones"} and course.usual_data
    course = read(tmp_path, course=OTHER)
    assert course.dataset == {"name": "Twos", "folder": "data/other/twos", "things": "twos"} and not course.usual_data


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("things =", "thing =", "x.toml:14: [dataset] has no 'thing': did you mean things?"),
        ("things =", "colour =", "x.toml:14: [dataset] has no 'colour', but name, folder, things"),
        ("things =", "colour =", 'x.toml:11: things is missing: write one such as things = "ones"'),
        ('"twos"', "2", 'x.toml:14: things = 2: write one such as things = "ones"'),
        ('"twos"', '" "', "x.toml:14: things = ' ': write one"),
        ('"twos"', '"two\\ntwos"', "x.toml:14: things = 'two\\ntwos': write one"),
        (
            '"data/other/twos"',
            '"/data/twos"',
            "x.toml:13: folder = '/data/twos': write one such as folder = \"data/ones\"",
        ),
        ('"data/other/twos"', '"data/../twos"', "x.toml:13: folder = 'data/../twos': write one"),
        ('"data/other/twos"', '"data"', "x.toml:13: folder = 'data': write one"),
        (TWOS, "", "x.toml:1: dataset = 'twos': write one such as [dataset]"),
        (
            "question = [",
            'task = [{ name = "model", points = 0 }]\nquestion = [',
            "model is judged on Ones, but the course's dataset is Twos",
        ),
    ],
)
def test_every_mistake_of_a_dataset_is_named(tmp_path, old, new, complaint):
    assert old in OTHER
    course = OTHER.replace(old, new, 1)
    with pytest.raises(CourseError) as caught:
        read(tmp_path, course=course if new else f'dataset = "twos"{course}')
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("grading", "programs"),
    [("points", ("main.py", "submit.py", "report.py")), ("self", ("main.py", "report.py"))],
)
def test_programs_serve_what_is_asked_for(tmp_path, grading, programs):
    serving = {"main.py": ["tasks"], "submit.py": ["graded"], "report.py": ["questions"], "page.py": ["unused"]}
    tables = [f'[[program]]\nfile = "{file}"\nserves = {names}\n' for file, names in serving.items()]
    course = COURSE.replace("per_day = 5", f'grading = "{grading}"')
    assert read(tmp_path, TASKS + "\n".join(tables), course).programs == programs


def test_where_nobody_gives_points_only_public_checks_remain(tmp_path):
    course = read(tmp_path, course=COURSE.replace("per_day = 5", 'grading = "self"'))
    assert [(check.id, check.points) for check in course.checks] == [("public/test_one.py::test_a", 0)]
    assert "no code is graded" in course.ungraded


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("total = 10", "total = 9", "x.toml:3: the points add up to 10, not to 9: change them, or write total = 10"),
        ("total = 10", "", "x.toml:1: total is missing: write total = 100 above the first table"),
        ("total = 10", 'total = "10"', "x.toml:3: total = '10': write one such as total = 100"),
        ("total = 10", "total = nan", "x.toml:3: total = nan: write a number of at least 0"),
        ("points = 3", "points = -1", "x.toml:16: task model: points must be a finite number of at least 0, not -1"),
        ("points = 3", "points = nan", "points must be a finite number"),
        ("points = 3", "points = true", "points must be a finite number"),
        ("points = 3", "point = 3", "x.toml:16: task model: there is no 'point': did you mean points?"),
        (", points = 3", "", "x.toml:16: task model: say what it is worth, such as points = 1"),
        ('name = "model"', 'name = "modle"', "x.toml:16: tests/tasks.toml has no task 'modle': did you mean model?"),
        ('name = "model"', 'name = "zzz"', "x.toml:16: tests/tasks.toml has no task 'zzz': write it, or take another"),
        ('name = "model", ', "", 'x.toml:13: a task has a name: write { name = "...", points = 1 }'),
        ('name = "model"', "name = 1", "a task has a name"),
        ('name = "model"', 'name = "why_one"', "x.toml:16: why_one is a question: write it below question = ["),
        ('name = "why_one"', 'name = "model"', "x.toml:25: model is a task: write it below task = ["),
        ("why_one", "why_on", "x.toml:25: solution/questions has no question 'why_on': did you mean why_one?"),
        ('name = "one"', 'name = "model"', "x.toml:23: name 'model' is taken by line 16: change or delete one"),
        ('name = "why_one"', 'name = "how_many"', "x.toml:25: name 'how_many' is taken by line 17"),
        ('name = "second"', 'name = "first"', "x.toml:20: name 'first' is taken by line 14"),
        ('name = "second"', 'name = "why_one"', "x.toml:25: name 'why_one' is taken by line 20"),
        ('name = "second"', 'name = "the second"', "x.toml:20: the name 'the second' must consist of letters"),
        ('title = "Second"', 'title = "First"', "x.toml:21: title 'First' is taken by line 15: change or delete one"),
        ('title = "Second"', "title = 2", "x.toml:21: title = 2: write it between quotes"),
        ('number = "2.3"', 'number = "1.1"', "x.toml:23: number '1.1' is taken by line 16: change or delete one"),
        ('number = "2.4a"', 'number = "2.3"', "x.toml:25: number '2.3' is taken by line 23"),
        ('number = "2.4a"', 'number = "2.4 a"', "x.toml:25: '2.4 a' is no number: write one such as 4, 2.1, B or W3"),
        (
            'number = "2.4a"',
            "number = 2.4",
            'x.toml:25: question why_one: write its number between quotes, number = "2',
        ),
        ("points = 4", 'points = 4, forbids = "math"', "x.toml:23: task one: forbids = 'math': write names such as"),
        ("points = 4", 'points = 4, forbids = ["a b"]', "x.toml:23: task one: forbids = ['a b']: write names such as"),
        (
            "points = 4",
            'points = 4, forbid = ["math"]',
            "x.toml:23: task one: there is no 'forbid': did you mean forbids",
        ),
        ("points = 3", 'points = 3, forbids = ["math"]', "x.toml:16: task model: forbids is for tasks with functions"),
        ("points = 1", 'points = 1, forbids = ["math"]', "x.toml:17: question how_many: there is no 'forbids'"),
        ('title = "Second"', 'title = "Second"\nnumber = "1"', "x.toml:22: number '1' is taken by line 13"),
        ('title = "Second"', 'title = "Second"\nnumber = 2', "x.toml:22: number = 2: write it between quotes"),
        ('title = "Second"', 'titel = "Second"', "x.toml:21: a section has no 'titel': did you mean title?"),
        (
            'title = "Second"',
            'title = "Second"\nper_day = 3',
            "x.toml:22: per_day is a setting of the course: write it",
        ),
        ('name = "first"', "", 'x.toml:13: section 1 has no name: write one such as name = "loops"'),
        ("Europe/Berlin", "Europe/Berln", "x.toml:5: there is no time zone 'Europe/Berln': did you mean Europe/Berlin"),
        ("Europe/Berlin", "Europe", "x.toml:5: there is no time zone 'Europe'"),
        ("due = 2026-10-17T23:59:00", 'due = "soon"', "x.toml:6: due = 'soon': write one such as due = 2027-"),
        ("due = 2026-10-17T23:59:00", "due = 2026-10-17", "x.toml:6: due = 2026-10-17: write one such as due = 2027-"),
        ("percent_a_day", "percent", "x.toml:7: late: there is no 'percent': did you mean percent_a_day?"),
        ("percent_a_day = 10", "percent_a_day = 101", "x.toml:7: percent_a_day = 101: write a number from 0 to 100"),
        ("percent_a_day = 10", 'percent_a_day = "10 %"', "percent_a_day = '10 %': write a number from 0 to 100"),
        ("days = 2", "days = nan", "days = nan: write a number"),
        ("late = { days = 2, percent_a_day = 10 }", "late = 10", "x.toml:7: late = 10: write one such as late = {"),
        ("per_day = 5", "per_day = -1", "x.toml:8: per_day = -1: write a number from 0 to 1000"),
        ("per_day = 5", "per_day = 2.5", "x.toml:8: per_day = 2.5: write one such as per_day = 10"),
        ("per_day = 5", "attempts = 5", "x.toml:8: a course has no 'attempts', but title, total,"),
        ("per_day = 5", "per_dy = 5", "x.toml:8: a course has no 'per_dy': did you mean per_day?"),
        ("per_day = 5", 'grading = "none"', "x.toml:8: grading = 'none': write one of points, self, written"),
        ("[options]", "[optoins]", "x.toml:10: a course has no 'optoins': did you mean options?"),
        ("[[section]]", "[section]", "x.toml:19: this is not TOML"),
        ("title =", "title", "x.toml:2: this is not TOML: Expected '=' after a key"),
        (COURSE[COURSE.index("[[section]]") :], "", "x.toml:1: the course asks for nothing: write a [[section]]"),
    ],
)
def test_every_mistake_of_a_course_is_named(tmp_path, old, new, complaint):
    assert old in COURSE
    with pytest.raises(CourseError) as caught:
        read(tmp_path, course=COURSE.replace(old, new, 1))
    assert complaint in str(caught.value)


def test_a_task_may_forbid_libraries(tmp_path):
    course = read(tmp_path, course=COURSE.replace("points = 4", 'points = 4, forbids = ["math", "numpy.linalg"]'))
    assert course.task("one").forbids == ("math", "numpy.linalg") and course.task("model").forbids == ()
    assert [row.get("forbids") for row in course.described()] == [None, ["math", "numpy.linalg"]]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("total = 60", "total = 61", "the points add up to 60, not to 61: change them, or write total = 60"),
        ('number = "3.1b"', 'number = "3.1a"', "number '3.1a' is taken by line "),
        ("points = 8 }", "point = 8 }", "there is no 'point': did you mean points?"),
        ('grading = "points"', 'gradng = "points"', "a course has no 'gradng': did you mean grading?"),
    ],
)
def test_one_slip_in_a_real_course_is_one_line(tmp_path, old, new, complaint):
    """In a copy outside the repository, which says most in comments: these are not taken for the place."""
    text = (ROOT / "courses" / "004.toml").read_text(encoding="utf-8")
    mine = tmp_path / "mine.toml"
    mine.write_text(text.replace(old, new, 1), encoding="utf-8")
    number = text[: text.index(old)].count("\n") + 1
    with pytest.raises(CourseError) as caught:
        load(mine)
    place, _, said = str(caught.value).partition(f"mine.toml:{number}: ")
    assert complaint in said and "\n" not in place and len(said) <= 80


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("test_a = 1", "test_a = -1", "tasks.toml:6: task one: the weight of test_a must be a finite number"),
        ("test_a = 1", 'test_a = "1"', "the weight of test_a must be a finite number"),
        ("test_a = 1", "test_z = 1", "tests/public/test_one.py:1: there is no test_z with a title, the first line of"),
        ('"after_due_date"', '"after_due_dat"', "the visibility of test_b[small] must be one of visible"),
        (', case = "small numbers"', "", "test_b[small]: give a case to each part of a parametrised check"),
        ("weight = 3", "wieght = 3", "test_b[small]: there is no 'wieght'"),
        ('title = "One"', 'title = ""', "task one: it has no title"),
        ('title = "One"', "", "tasks.toml:6: task one: title is missing"),
        ('title = "One"', 'titel = "One"', "tasks.toml:7: task one: there is no 'titel': did you mean title?"),
        ('judge = "hidden.model:judge"', "", "task model: give it checks (public, hidden) or a judge"),
        ('[[task]]\nname = "unused"', '[task.public]\ntest_d = 1\n[[task]]\nname = "unused"', "must have weight 0"),
        ('judge = "hidden.model:judge"', 'judge = "judge"', 'a judge is written "module:function"'),
        ('name = "one"', 'name = "model"', "tasks.toml:16: task model stands in line 6, too: change the name of one"),
        ('name = "one"', 'name = "one two"', "a name consists of letters"),
        ("[assignment]", "[asignment]", "tasks.toml:2: [asignment] is not a table of this file: did you mean assign"),
        ('name = "Ones"', "", "tasks.toml:29: [assignment.dataset] has a name and a folder, and nothing but text"),
        ('"data/ones"', "1", "tasks.toml:29: [assignment.dataset] has a name and a folder, and nothing but text"),
        ("folder", "fodler", "tasks.toml:3: [assignment]: there is no 'fodler': did you mean folder?"),
        ("[[task]]", "[[task", "tasks.toml:5: this is not TOML"),
        ("[[task]]", "[task]", "tasks.toml"),
    ],
)
def test_every_mistake_of_the_table_of_tasks_is_named(tmp_path, old, new, complaint):
    assert old in TASKS
    with pytest.raises(CourseError) as caught:
        read(tmp_path, tasks=TASKS.replace(old, new, 1))
    assert complaint in str(caught.value)


def test_points_need_a_check_with_a_weight(tmp_path):
    tasks = TASKS.replace("test_a = 1", "test_a = 0").replace("weight = 3", "weight = 0")
    with pytest.raises(CourseError) as caught:
        read(tmp_path, tasks=tasks)
    assert "tasks.toml:6: task one is worth points, but no check has a weight: give one to a check" in str(caught.value)


def test_several_mistakes_are_named_at_once(tmp_path):
    with pytest.raises(CourseError) as caught:
        read(tmp_path, course=COURSE.replace("points = 3", "points = -1").replace("Europe", "Eurasia"))
    assert len(str(caught.value).splitlines()) == 2


def test_comparing_with_the_collected_checks(tmp_path):
    course = read(tmp_path)
    ids = ["public/test_one.py::test_a", "hidden/test_one.py::test_b[small]", "hidden/test_one.py::test_c"]
    assert compare(course, ids) == []  # test_c is of a task that is not asked for
    assert compare(course, [ids[0], "hidden/test_one.py::test_d"]) == [
        "hidden/test_one.py::test_d is in no task of tests/tasks.toml",
        "hidden/test_one.py::test_b[small] is in tests/tasks.toml, but no such check was collected",
    ]


def test_titles_are_unique_within_a_task():
    course = load()
    for task in course.tasks:
        titles = [(check.title, check.hidden_inputs) for check in course.checks if check.task == task.name]
        assert len(titles) == len(set(titles)), f"two checks of {task.name} have the same title"
