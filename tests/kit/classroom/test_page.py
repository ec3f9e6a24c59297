"""class.html as its readers get it: of no, one and a thousand students, without names, and without a student."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import date

import pytest

from autograder.classroom import command, deletion, page
from autograder.classroom.exports.submission import Export, HandedIn
from autograder.classroom.results_folder import Record
from autograder.classroom.roster import Student
from autograder.exits import Exit
from autograder.grading.files import UnreadableError
from autograder.tasks import Late
from tests.kit import documented
from tests.kit.archives import write_zip
from tests.kit.classroom.test_class import RIGHT, course, quick  # noqa: F401
from tests.kit.classroom.test_class_page import COURSE, OWN, graded, ids
from tests.kit.pages import Page

TEXT = documented.page("class.md")


def a_class(size: int, pairs=None) -> page.Class:
    """Students of three names; every tenth could not be graded, the others pass ever more checks."""
    submissions, results, records = [], [], {}
    some = [
        graded("", ids(COURSE.checks[n:]), f"{n} values are wrong", cause="the factor 1/2 is lost", elbo=n)
        for n in range(min(size, 20))
    ]
    for place in range(size):
        slug = f"s{place}"
        student = Student(name=("Ann Lee", "Bo Doe", "Cy Fox")[place % 3], sid=f"{place:05}")
        submissions.append(HandedIn(slug, (student,), late=place % 7 == 6))
        if place % 10 == 9:
            records[slug] = Record("key", "not gradable", "there is no Python file")
            continue
        results.append(replace(some[place % len(some)], slug=slug))
        records[slug] = Record("key", "graded", seconds=float(place), host="here", results_sha256="x")
    return page.Class(Export("plain", submissions), COURSE, results, records, {}, date(2026, 11, 3), pairs)


def test_what_belongs_to_it_is_named_and_linked():
    """The written part and the comparison, each by its place beside the page; nothing of that for a lecture."""
    links = [("written/index.html", "the written part"), ("difference.html", "what the new grading changes")]
    remarks, by_hand = {"s0": "higher score kept"}, {"s0": 2.5, "s1": None}
    about = replace(a_class(10), links=links, remarks=remarks, by_hand=by_hand)
    text = page.page(about)
    assert [link["href"] for link in Page(text).all("a") if not link["href"].startswith(("#", "students/"))] == [
        place for place, _ in links
    ]
    (row,) = re.findall(r"<tr><td>\s*<a[^>]*>Ann Lee \(00000\)</a></td>.*?</tr>", text, re.S)
    assert '<td class="n">2.5</td>\n<td>higher score kept</td>' in row.replace("</td><td>", "</td>\n<td>")
    assert "written, of" in text and "Points are those of the code" in text
    anonymous = page.page(about, anonymous=True)
    assert "written/index.html" not in anonymous and "difference.html" not in anonymous


def test_how_late_somebody_was_and_what_that_takes_off():
    """The sentence on points stands there only where it concerns somebody."""
    about = a_class(4)
    rule = replace(about.course, late=Late(percent_a_day=10))
    sentence = "grades.csv says what the late rule takes off"
    assert sentence not in page.page(replace(about, course=rule))
    days = (None, 1.5, 0.2)
    late = [
        replace(one, late=True, students=(replace(one.students[0], days_late=when),))
        for one, when in zip(about.export.submissions, days, strict=False)
    ]
    late[2] = replace(late[2], students=(*late[2].students, Student("In time", days_late=0.0)))
    about = replace(about, export=Export("plain", [*late, about.export.submissions[3]]))
    assert re.findall('class="late">(.*?)<', page.page(about)) == ["late", "2 days late", "1 day late"]
    assert sentence not in page.page(about) and sentence in page.page(replace(about, course=rule))


def test_a_reason_why_nothing_is_gradable_is_said_once():
    export = Export("plain", [HandedIn("ann", (Student("Ann"),))])
    said = "There is nothing to grade. Not opened: work.7z."
    about = replace(a_class(0), export=export, records={"ann": Record("key", "not gradable", said)})
    note = "there is no Python file and no zip in it, only work.7z"
    text = page.page(replace(about, notes={"ann": (note, "of 2 zips, the last was taken")}))
    assert said in text and note not in text and "of 2 zips" in text


def test_the_page():
    text = page.page(a_class(30, pairs=[]))
    outline = Page(text)
    assert f"<h1>{COURSE.title}</h1>" in text and "3 November 2026" in text
    assert re.search(r"<b>30</b><span>submissions</span></div><div><b>27</b><span>graded</span>", text)
    # A picture for the scores, for each task and for the time, with words for those who do not see it.
    worth = [task for task in COURSE.tasks if task.points]
    assert len(outline.all("svg", role="img")) == len(worth) + 2
    assert all(found["aria-label"] for found in outline.all("svg", role="img"))
    # What everyone passes is no reason to look.
    shown, every = text[text.index('id="checks"') : text.index('id="leaderboard"')].split("<details", 1)
    assert "everyone passes" not in shown and "everyone passes" in every
    # Students of one name differ.
    everybody = re.findall(r'<a href="students/(\w+)/report.html">Ann Lee \((\d+)\)</a>', text)
    assert len(set(everybody)) == len({number for _, number in everybody}) == 9
    # All that scrolls or opens can be reached with the keyboard, and links lead to headings that are there.
    assert all(found["tabindex"] == "0" and found["aria-label"] for found in outline.all("div", **{"class": "wide"}))
    anchors = [found["href"][1:] for found in outline.all("a") if found["href"].startswith("#")]
    assert anchors == [found["id"] for found in outline.all("h2")] and len(anchors) == 9
    # One script, of ours, which the page names by its hash; nothing is loaded.
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = [found["content"] for found in outline.all("meta") if "http-equiv" in found]
    assert policy.startswith("default-src 'none';") and policy.endswith(f"script-src 'sha256-{allowed}'")
    assert not re.search(r"https?:|\bsrc=|url\(", text)
    assert "aria-sort" in script and len(outline.all("table", **{"class": "sortable"})) >= 4


@pytest.mark.parametrize("size", [0, 1])
def test_a_class_of_nearly_nobody(size):
    for anonymous in (False, True):
        text = page.page(a_class(size, pairs=[]), anonymous)
        Page(text)
        assert ("Nothing was handed in" in text) == (size == 0) and ("Histogram" in text) == (size == 1)


def test_a_class_of_a_thousand_is_one_table():
    text = page.page(a_class(1000, pairs=[]))
    outline = Page(text)
    table = text[text.index('<h2 id="students">') : text.index('<h2 id="time">')]
    assert len(re.findall(r" \(\d{5}\)", table)) == 1000 and len(text) < 700_000
    # What needs a look is folded from a certain length on.
    assert "<summary>60 more</summary>" in text and len(outline.all("tr")) < 1500


def test_passages_are_shown_beside_each_other_and_bounded(course, quick):  # noqa: F811
    long = OWN + "".join(f"\ndef f_{n}(a, b):\n    return [a * {n}, b + a, {'x' * 300!r}]\n" for n in range(30))
    for student, source in {"ada": long, "eve": "# mine\n" + long + "\nx = 1\n", "ben": RIGHT}.items():
        course.hand_in(student, task1=source)
    course.grade()
    text = (course.out / "class.html").read_text()
    Page(text)
    (pair,) = re.findall(r'<details class="pair">(.*?)</details>', text, re.DOTALL)
    assert "mostly in task1.py" in pair and "<b>ada: task1.py, lines " in pair and "<b>eve: task1.py, lines " in pair
    assert "torch.broadcast_tensors(difference, log_ratio)" in pair and "more lines" in pair
    assert max(map(len, re.sub("<[^>]*>", "", pair).splitlines())) <= page.SHOWN_LINE + 200
    assert pair.count("\n") < 2 * page.SHOWN_PASSAGES * (page.SHOWN_LINES + 5)


# Everything that says who somebody is
PEOPLE = {
    "zwickelmann": ("Zwickelmann, Quirina", "880011", "770022", "qzwick9", "quirina@example.edu", "Sektion-Q"),
    "hrovatin": ("Hrovatin, Bojan", "880012", "770023", "bhrov9", "bojan@example.edu", "Sektion-Q"),
    "absentius": ("Absentius, Nemo", "880013", "770024", "nabse9", "nemo@example.edu", "Sektion-R"),
}
SECRET = "quirinas_lambda"


@pytest.fixture
def people(course, quick, monkeypatch):  # noqa: F811
    """A class with distinctive names: two copies, of which one raises what it is called, and one who is absent."""
    course.is_the_commands(monkeypatch)
    source = f"{OWN}\n{SECRET} = 'wrong'\n"
    files = {}
    for place, (who, (_, id, *_)) in enumerate(list(PEOPLE.items())[:2]):
        begin = f"{who}quirina_{id}_{9000 + place}"
        files |= {f"{begin}_{task}.py": f"{source}# {who} {task}\n" for task in ("task1", "task2")}
        files[f"{begin}_essay-{who}.pdf"] = "%PDF"
    write_zip(course.folder / "submissions.zip", files)
    rows = ['"{}",{},{},{},{}'.format(name, *numbers) for name, *numbers in PEOPLE.values()]
    (course.folder / "roster.csv").write_text("Student,ID,SIS User ID,SIS Login ID,Email,Section\n" + "\n".join(rows))
    monkeypatch.chdir(course.folder)
    return course


def command_with(words: str) -> list[str]:
    """The arguments of the command of the page that has these words, as `make class` passes them on."""
    (line,) = [line for line in documented.commands(TEXT) if line.startswith("make class ") and words in line]
    return documented.passed_on(line)


def identities() -> set[str]:
    numbers = {cell for person in PEOPLE.values() for cell in person[1:]}
    names = {word for person in PEOPLE.values() for word in person[0].split(", ")}
    return numbers | names | {SECRET, "essay", "9000", "9001", "students/", "broadcast_tensors"}


def test_without_names_nobody_is_in_it(people):
    assert command.main(command_with("--anonymous")) in (Exit.DONE, Exit.LEFT_OUT)
    named, anonymous = ((people.folder / "grades" / name).read_text() for name in (page.NAMED, page.ANONYMOUS))
    found = {word for word in identities() if word.casefold() in anonymous.casefold()}
    assert found == set()
    # The other one has them, so the search can find them.
    known = {"Zwickelmann", "Quirina", "Hrovatin", "Absentius", "880011", "880012", "880013", "students/"}
    assert known | {"broadcast_tensors"} <= {word for word in identities() if word.casefold() in named.casefold()}
    assert "<b>2</b><span>graded</span>" in anonymous and "Histogram" in anonymous and "wrong result" in anonymous
    Page(anonymous)


def test_a_student_is_deleted_as_documented(people, capsys):
    assert command.main(command_with("--anonymous")) in (Exit.DONE, Exit.LEFT_OUT)
    grades = people.folder / "grades"
    (folder,) = [path.name for path in (grades / "students").iterdir() if "zwickelmann" in path.name]
    before = (grades / "students" / folder / "results.json").read_text()
    assert before
    arguments = command_with("--delete")
    (name,) = [given for option, given in zip(arguments, arguments[1:], strict=False) if option == "--delete"]
    arguments[arguments.index(name)] = "770022"
    (grades / "notes.txt").write_text("Ask quirina@example.edu")
    assert command.main([*arguments, "--roster", "roster.csv"]) == Exit.DONE
    said = " ".join(capsys.readouterr().out.split())
    assert f"deleted: grades/students/{folder}" in said and "may still be in submissions.zip, roster.csv" in said
    assert "Still named in these files. Look, and delete it by hand: grades/notes.txt The student" in said
    (grades / "notes.txt").unlink()
    words = {word for word in (*PEOPLE["zwickelmann"][1:5], "Zwickelmann", folder)}
    for path in grades.rglob("*"):
        text = f"{path}\n{path.read_text() if path.is_file() else ''}"
        assert {word for word in words if word.casefold() in text.casefold()} == set(), path
    assert "Hrovatin" in (grades / "grades.csv").read_text() and "880012" in (grades / "class.html").read_text()
    for again in ("770022", "nobody"):
        assert command.main([*arguments[:-1], again]) == Exit.NOTHING


def test_who_is_deleted_must_be_clear(people, capsys):
    roster = people.folder / "roster.csv"
    roster.write_text(roster.read_text() + '\n"Hrovatin, Bojan",880099,770099,,,\n')
    arguments = [*command_with("--anonymous"), "--roster", "roster.csv"]
    command.main(arguments)
    assert command.main([*arguments, "--delete", "hrovatin, bojan"]) == Exit.NOTHING
    said = capsys.readouterr().err
    assert "is not one student alone" in said and "880012" in said and "880099" in said


def test_what_others_handed_in_too_moves_to_a_folder_without_the_name(course, quick):  # noqa: F811
    """Everything points there, and the next run, of a class without the student, finds it."""
    roster = course.folder / "roster.csv"
    roster.write_text("Name,SID,Group\nJane,98811,red\nJoe,22,red\nZoe,33,\n")
    course.hand_in("Jane", task2="wrong")
    course.hand_in("Zoe")
    course.grade(roster=roster, anonymous=True)
    students = course.out / "students"
    assert {path.name for path in students.iterdir()} == {"jane-joe-98811", "zoe-33"}
    score = course.score("jane-joe-98811")
    course.grade(roster=roster, delete="Jane", anonymous=True)
    assert {path.name for path in students.iterdir()} == {"joe-22", "zoe-33"} and course.score("joe-22") == score
    named = re.compile(r"jane|98811", re.I)
    for path in course.out.rglob("*"):
        assert not named.search(f"{path.relative_to(course.out)} {path.read_text() if path.is_file() else ''}"), path
    page = (course.out / "class.html").read_text()
    assert 'href="students/joe-22/report.html"' in page and len(quick) == 2
    # While she is in the export, nobody else is deleted: Joe would be without a grade.
    with pytest.raises(UnreadableError, match="no results of jane-joe-98811: .* deleted before must be deleted from"):
        course.grade(roster=roster, delete="Zoe")
    roster.write_text("Name,SID,Group\nJoe,22,red\nZoe,33,\n")
    (course.submissions / "Jane").rename(course.submissions / "Joe")
    assert sorted(course.grade(roster=roster).reused) == ["joe-22", "zoe-33"] and len(quick) == 2


def test_what_others_handed_in_too_stays():
    ada, ben, cyd = (Student(name=name, sid=f"00{name}") for name in ("Ada Roe", "Ben Roe", "Cyd"))
    export = Export("plain", [HandedIn("pair", (ada, ben)), HandedIn("cyd", (cyd,))], [Student(name="Dot")])
    export.notes += ["Ada Roe handed in twice", "Cyd handed in twice"]
    found = deletion.without(export, "00ADA ROE", {"pair", "cyd", "old"})
    (left,) = found.renamed.values()
    assert found.folders == () and found.renamed == {"pair": HandedIn("ben-roe-00ben-roe", (ben,))}
    assert found.export.submissions == [left, HandedIn("cyd", (cyd,))]
    assert [one.slug for one in found.everybody.submissions] == [left.slug, "cyd"]
    assert deletion.without(export, "ada roe", {"pair", left.slug}).renamed["pair"].slug == f"{left.slug}-2"
    assert found.export.notes == ["Cyd handed in twice"]
    assert deletion.without(export, "cyd", {"cyd"}).folders == ("cyd",)
    assert deletion.without(export, "dot", set()).export.absent == []
    # One whom the export does not have any more
    assert deletion.without(export, "old", {"old"}).folders == ("old",)
    for name in ("pair", "", "../cyd"):
        with pytest.raises(UnreadableError, match="--delete"):
            deletion.without(export, name, {"pair", "cyd"})
