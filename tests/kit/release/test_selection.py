"""What a course leaves out of the code: regions, whatever nothing uses any more, and imports that served only that."""

import ast

import pytest

from autograder.release.selection import select, text_of, without_regions
from autograder.release.starter import SourceError

SHAPES = '''"""Areas and their drawing."""

import math
from pathlib import Path  # noqa: F401 (for your code)
from typing import TYPE_CHECKING

from colours import BLUE, RED
from corners import corner, count, edge, length_of_all_edges, number_of_all_corners

if TYPE_CHECKING:
    from decimal import Decimal

# Only the square has one.
SIDE = 2.0
LARGE, SMALL = 10, 1


def area(r: float) -> float:
    """Task {{task:area}}: of a disc."""
    return math.pi * r**2 * SMALL


# What it is for.
# In two lines.
def square(side: float = SIDE) -> "Decimal":
    """Task {{task:square}}: of a square."""
    # BEGIN SOLUTION
    return corner(side) * edge(side) + length_of_all_edges + number_of_all_corners
    # END SOLUTION


class Ring:
    """A ring (provided)."""

    def hole(self):
        """Task {{task:hole}}: what is missing."""
        return area(1.0), count(self)


def for_students():
    """Used by nothing (provided)."""
    return BLUE


def draw(shape):
    """Used by the program for squares (provided)."""
    return Path(str(shape)), RED, helper()


def helper():
    return LARGE
'''
PROGRAM = '''"""Draws."""

import tools.pencil
from tools import paper, pencil as pen

PARTS = [
    # FOR square why_corners
    "square",
    # END FOR
    # FOR area
    "disc",
    # END FOR
]


def main():
    print(PARTS)
    # FOR square
    import shapes

    shapes.draw(shapes.square())
    # END FOR
    # FOR area
    import shapes

    shapes.area(paper.SIZE)
    pen.down()
    # END FOR


if __name__ == "__main__":
    main()
'''
SOURCES = {
    "shapes.py": SHAPES,
    "main.py": PROGRAM,
    "colours.py": "BLUE = 1\nRED = 2\n",
    "corners.py": "from colours import RED\n\n\ndef corner(x):\n    return RED\n\n\ndef edge(x):\n    return 1\n\n\n"
    "def count(x):\n    return 2\n\n\nlength_of_all_edges = 3\nnumber_of_all_corners = 4\n",
    "tools/__init__.py": "",
    "tools/paper.py": "SIZE = 3\nWEIGHT = 80\n",
    "tools/pencil.py": "def down():\n    pass\n\n\ndef up():\n    pass\n",
}
OURS = {"shapes.py": ["area", "square", "hole"]}


def selected(*asked: str, roots=()) -> dict[str, str]:
    """What stays if these are asked for, as text; all of it is valid Python."""
    tasks = [("shapes.py", name) for name in asked if name in OURS["shapes.py"]]
    kept = select(SOURCES, asked, [("main.py", None), *tasks, *roots], OURS if tasks else None)
    texts = {path: text_of(lines) for path, lines in kept.items()}
    for text in texts.values():
        ast.parse(text)
    return texts


def test_all_of_it_stays_but_the_markers():
    texts = selected("area", "square", "hole")
    assert texts["shapes.py"] == SHAPES
    assert texts["main.py"] == "\n".join(line for line in PROGRAM.split("\n") if "FOR" not in line)
    assert texts.keys() == SOURCES.keys()


def test_only_the_disc():
    texts = selected("area")
    assert (
        texts["shapes.py"]
        == '''"""Areas and their drawing."""

import math

from colours import BLUE

LARGE, SMALL = 10, 1


def area(r: float) -> float:
    """Task {{task:area}}: of a disc."""
    return math.pi * r**2 * SMALL


def for_students():
    """Used by nothing (provided)."""
    return BLUE
'''
    )
    assert "square" not in texts["main.py"] and '"disc"' in texts["main.py"]
    assert texts["colours.py"] == "BLUE = 1\n" and "corners.py" not in texts
    assert texts["tools/paper.py"] == "SIZE = 3\n"
    assert "up" not in texts["tools/pencil.py"]  # it is imported under another name


def test_a_function_that_a_text_names_stays():
    """As "module:function", which is imported when it is called."""
    program = 'WORK = "tools.pencil:up"\n\n\ndef main():\n    return WORK, "tools:down", "corners:not there"\n'
    kept = select(SOURCES | {"main.py": program}, [], [("main.py", None)])
    assert {path: text_of(lines) for path, lines in kept.items()} == {
        "main.py": program,
        "tools/__init__.py": "",
        "tools/pencil.py": "\n\ndef up():\n    pass\n",
    }


def test_only_the_square():
    """Its import of many names is written anew, and what its task shares with others stays."""
    texts = selected("square")
    assert "from corners import corner, edge, length_of_all_edges, number_of_all_corners\n" in texts["shapes.py"]
    assert "# Only the square has one.\nSIDE = 2.0\n" in texts["shapes.py"] and "Decimal" in texts["shapes.py"]
    assert "def area" not in texts["shapes.py"] and "import math" not in texts["shapes.py"]
    assert "def draw" in texts["shapes.py"] and "def helper" in texts["shapes.py"]
    assert "def count" not in texts["corners.py"]
    assert not any(path.startswith("tools/paper") for path in texts)


def test_what_a_task_needs_comes_with_it():
    """A task that is a method brings its class, and the function of another task that it calls."""
    texts = selected("hole")
    assert "class Ring" in texts["shapes.py"] and "def area" in texts["shapes.py"]
    assert "def square" not in texts["shapes.py"] and "# In two lines." not in texts["shapes.py"]


def test_a_question_keeps_a_region():
    texts = selected("why_corners")
    assert '"square"' in texts["main.py"] and "shapes.py" not in texts


def test_a_file_that_is_read_by_its_name_stays_whole():
    sources = {"one.py": "def text():\n    return open('two.py').read()\n", "two.py": "X = 1\n\n\ndef f():\n    pass\n"}
    assert text_of(select(sources, (), [("one.py", "text")])["two.py"]) == sources["two.py"]


def test_an_import_that_another_module_uses_stays():
    """Of a library's function, by the module's name or imported from it; its own user there has gone."""
    tools = "from math import cos, exp, sin\n\n\ndef wave(x):\n    return exp(x) * sin(x) * cos(x)\n"
    user = "import tools\nfrom tools import cos\n\n\ndef use(x):\n    return tools.exp(x) + cos(x)\n"
    kept = select({"tools.py": tools, "user.py": user}, (), [("user.py", "use")])
    assert text_of(kept["tools.py"]) == "from math import cos, exp\n"


def test_what_pytest_looks_for_stays():
    source = "import pytest\n\npytestmark = pytest.mark.area\nUNUSED = 1\n\n\ndef test_area():\n    pass\n"
    kept = text_of(select({"test_a.py": source}, (), [("test_a.py", "test_area")])["test_a.py"])
    assert kept == source.replace("UNUSED = 1\n", "")


def test_long_imports_are_wrapped():
    names = [f"a_rather_long_name_{number}" for number in range(8)]
    users = "".join(f"\n\ndef use_{name}():\n    return {name}\n" for name in names)
    source = f"from other import (\n{''.join(f'    {name},{chr(10)}' for name in names)})\n{users}"
    other = "".join(f"{name} = 1\n" for name in names)
    roots = [("one.py", f"use_{name}") for name in names[:6]]
    text = text_of(select({"one.py": source, "other.py": other}, (), roots)["one.py"])
    assert text.startswith(f"from other import (\n    {names[0]},\n") and f"    {names[5]},\n)\n" in text
    assert names[6] not in text


def test_a_region_for_courses_that_ask_for_none_of_its_names():
    text = "# UNLESS area square\nx = 1\n# END UNLESS\ny = 2\n"
    assert text_of(without_regions(text, ("why_corners",), "a.py")) == "x = 1\ny = 2\n"
    assert text_of(without_regions(text, ("square",), "a.py")) == "y = 2\n"
    assert "x = 1" in text_of(without_regions(text, None, "a.py"))


def test_lines_keep_the_numbers_of_the_file_that_is_edited():
    kept = select(SOURCES, ("area",), [("main.py", None)])["main.py"]
    source = PROGRAM.splitlines()
    assert all(line.text == source[line.number - 1] for line in kept)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x = 1\n# FOR area\ny = 2\n", "a.py:2: unclosed region"),
        ("# FOR area\n# FOR square\n# END FOR\n", "a.py:2: nested region: the one of line 1 is still open"),
        ("x = 1\n# END FOR\n", "a.py:2: stray '# END FOR': no such region is open"),
        ("# UNLESS area\nx = 1\n# END FOR\n", "a.py:3: stray '# END FOR'"),
    ],
)
def test_complaints_about_regions(text, complaint):
    with pytest.raises(SourceError) as caught:
        without_regions(text, ("area",), "a.py")
    assert complaint in str(caught.value)


def test_complaints_about_files():
    """A file must be valid with its regions and without them; a task's function must be there."""
    text = "if x:\n    # FOR area\n    y = 1\n    z = 2 3\n    # END FOR\n"
    with pytest.raises(SourceError, match=r"solution/a.py:4: this is not valid Python"):
        select({"a.py": text}, (), [], shown="solution/")
    with pytest.raises(SourceError, match=r"a.py:1: this is not valid Python"):
        select({"a.py": "if x:\n    # FOR area\n    y = 1\n    # END FOR\n"}, (), [("a.py", None)])
    with pytest.raises(SourceError, match=r"there is no circle in this file"):
        select(SOURCES, (), [("shapes.py", "circle")])
