"""Where the import was when code was stopped."""

import pytest

from autograder.door.imports import Import, import_under_way

SOURCE = """import os
x = [
    1,
]
@staticmethod
def f():
    pass
f()
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tools").mkdir()
    for name in ("net.py", "helper.py", "tools/__init__.py", "tools/deep.py"):
        (tmp_path / name).write_text(SOURCE)
    (tmp_path / "link.py").symlink_to(tmp_path / "net.py")
    return tmp_path


def test_the_innermost_file_and_the_beginning_of_its_statement(folder):
    calls = [("/usr/lib/os.py", 3, "<module>"), (f"{folder}/helper.py", 7, "f"), (f"{folder}/helper.py", 8, "<module>")]
    calls.append((f"{folder}/net.py", 1, "<module>"))
    assert import_under_way(calls, folder) == Import("helper.py", 8)
    assert import_under_way([(f"{folder}/net.py", 3, "<module>")], folder) == Import("net.py", 2)


def test_modules_of_packages(folder):
    deep, package = (import_under_way([(f"{folder}/{name}", 1, "<module>")], folder) for name in PACKAGE)
    assert (deep.module, package.module, str(deep)) == ("tools.deep", "tools", "tools/deep.py, line 1")


PACKAGE = ("tools/deep.py", "tools/__init__.py")


@pytest.mark.parametrize("name", ["gone.py", "link.py", "tools", "../net.py", "tools/../net.py", "\0.py", "x" * 5000])
def test_what_is_no_file_of_the_submission_is_not_believed(folder, name):
    assert import_under_way([(f"{folder}/{name}", 1, "<module>")], folder) is None


def test_a_line_that_is_not_there(folder):
    assert import_under_way([(f"{folder}/net.py", 10**9, "<module>")], folder) == Import("net.py", 9)
    (folder / "net.py").write_text("syntax error")
    assert import_under_way([(f"{folder}/net.py", 10**9, "<module>")], folder) == Import("net.py", 1)
