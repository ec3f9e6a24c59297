"""The lock files: plain pins that nest, answer pyproject.toml and have a wheel wherever students work; and the data."""

import hashlib
import itertools
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from autograder.door.package_names import NAMES
from autograder.repository import ROOT, read_toml
from tools.environment import FROM_SOURCE
from tools.package_names import import_names, locked, normal

LOCKS = {  # what a lock holds beside the project's own dependencies
    "requirements/base.txt": [],
    "requirements/instructor.txt": ["instructor"],
    "requirements/explore.txt": ["explore"],
    "requirements/dev.txt": ["instructor", "explore", "dev"],
}
PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.15")


def pins(lock: str) -> list[Requirement]:
    lines = (ROOT / lock).read_text().splitlines()
    return [Requirement(line) for line in lines if not line.startswith("#")]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_plain_pins(lock: str) -> None:
    """One exact, public version a line: no URLs, folders or hashes, which would tie it to one index or build."""
    for pin in pins(lock):
        assert pin.url is None
        assert re.fullmatch(r"==[0-9][0-9a-z.]*", str(pin.specifier)), str(pin)


NESTED = [(smaller, larger) for smaller in LOCKS for larger in LOCKS if set(LOCKS[smaller]) < set(LOCKS[larger])]


def installed(lock: str, python: str, platform: str) -> set[str]:
    """What a lock installs there: names with versions."""
    where = {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": platform}
    return {f"{pin.name}{pin.specifier}" for pin in pins(lock) if pin.marker is None or pin.marker.evaluate(where)}


@pytest.mark.parametrize(("smaller", "larger"), NESTED)
def test_locks_nest(smaller: str, larger: str) -> None:
    for python, platform in itertools.product(PYTHONS, ("linux", "darwin", "win32")):
        assert installed(smaller, python, platform) < installed(larger, python, platform), (python, platform)


def test_the_locks_answer_pyproject() -> None:
    project = read_toml(ROOT / "pyproject.toml")["project"]
    for lock, extras in LOCKS.items():
        locked = pins(lock)
        groups = [project["dependencies"], *(project["optional-dependencies"][name] for name in extras)]
        for wanted in (Requirement(line) for group in groups for line in group):
            versions = [str(pin.specifier).removeprefix("==") for pin in locked if pin.name == wanted.name]
            assert versions, f"{lock} does not lock {wanted.name}: run make lock"
            assert all(wanted.specifier.contains(v) for v in versions), f"{lock}, {wanted.name}: run make lock"


def test_code_may_import_what_students_install_and_nothing_else() -> None:
    """One list, from the lock: handout, zip and every executor use it."""
    installed, students = import_names(), locked()
    for package, names in installed.items():
        if package in students:
            assert names <= NAMES, f"{package}: run python -m tools.package_names"
    others = {normal(pin.name) for pin in pins("requirements/dev.txt")} - students
    foreign = set().union(*(installed.get(package, set()) for package in others))
    shared = set().union(*(names for package, names in installed.items() if package in students))
    assert not NAMES & (foreign - shared), "run python -m tools.package_names"
    assert {"torch", "torchvision", "PIL", "sklearn"} <= NAMES and not {"panel", "pandas", "psutil", "yaml"} & NAMES


# Whatever a student installs, on the oldest systems that the handout names.
FOR_STUDENTS = ["requirements/base.txt", "requirements/explore.txt", "requirements/report.txt"]
PLATFORMS = ["x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin", "x86_64-pc-windows-msvc"]
MACOS = "14.0"
NO_WHEEL = {"3.15": ["pyyaml"]}  # built on the student's machine, without a compiler


def without_a_wheel(python: str, platform: str, folder: Path) -> str:
    """What uv says when something that students install has no wheel there; "" if everything has. Installs nothing."""
    lines = {line for lock in FOR_STUDENTS for line in (ROOT / lock).read_text().splitlines() if line[:1] != "#"}
    exceptions = tuple(f"{name}==" for name in NO_WHEEL.get(python, []))
    part = folder / f"{python}-{platform}.txt"
    part.write_text("\n".join(line for line in lines if not line.startswith(exceptions or "#")))
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-deps", "--only-binary", ":all:"]
    where = ["--python-version", python, "--python-platform", platform]
    run = subprocess.run(
        [*command, *where, "--output-file", os.devnull, str(part)],
        env=os.environ | {"MACOSX_DEPLOYMENT_TARGET": MACOS, "UV_PYTHON_DOWNLOADS": "never"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return f"{python}, {platform}: {run.stderr}" if run.returncode else ""


@pytest.mark.slow
def test_everything_that_students_install_has_a_wheel(tmp_path: Path) -> None:
    """For every Python and platform that the handout names; asks the package index."""
    with ThreadPoolExecutor(4) as pool:
        places = list(itertools.product(PYTHONS, PLATFORMS))
        problems = [problem for problem in pool.map(lambda place: without_a_wheel(*place, tmp_path), places) if problem]
    unreachable = [problem for problem in problems if "error sending request" in problem or "dns error" in problem]
    if unreachable and "CI" not in os.environ:
        pytest.skip(f"no package index can be reached: {unreachable[0]}")
    assert not problems, "\n".join(problems)
    assert {name for names in NO_WHEEL.values() for name in names} <= FROM_SOURCE


def test_the_handout_names_the_systems_that_wheels_were_looked_for() -> None:
    handout = (ROOT / "student" / "README.md").read_text()
    for words in (f"Python {PYTHONS[0]} to {PYTHONS[-1]}", "glibc 2.28", f"macOS {MACOS.split('.')[0]}"):
        assert words in handout, words


def test_the_same_pythons_everywhere() -> None:
    """One range, in the set-up, on GitHub and on Gradescope."""
    last = int(PYTHONS[-1].split(".")[1])
    assert f"NEWEST_TESTED = (3, {last})" in (ROOT / "tools" / "environment.py").read_text()
    assert f'! at_least "$1" {last + 1}' in (ROOT / "tools" / "setup.sh").read_text()
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert re.findall(r'python: "([\d.]+)"', workflow) == list(PYTHONS)


def test_workflows_answer_githubs_schema() -> None:
    """They cannot run here."""
    workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
    assert workflows
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    run = subprocess.run([*command, *map(str, workflows)], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_archives_have_the_checksums_of_the_data_readme() -> None:
    data = ROOT / "data"
    rows = re.findall(r"^\| `(\S+\.gz)` \| ([\d,]+) \| `([0-9a-f]{32})` \|$", (data / "README.md").read_text(), re.M)
    assert len(rows) == 4
    for name, size, md5 in rows:
        content = (data / "MNIST" / "raw" / name).read_bytes()
        assert (len(content), hashlib.md5(content).hexdigest()) == (int(size.replace(",", "")), md5), name
