"""Regions of the assignment's files that only some courses get: whatever is asked, what is left works and fits."""

import json
import runpy
import subprocess
import sys
import types
from collections.abc import Collection
from dataclasses import replace

import pytest

import lab.course as course_module
from autograder.release.selection import REGION, text_of, without_regions
from autograder.repository import SOLUTION
from lab.run import experiments

FULL = course_module.read_course(SOLUTION / "lab" / "tasks.json")
NAMES = sorted(FULL.asked)
SOURCES = {path: path.read_text(encoding="utf-8") for path in SOLUTION.rglob("*.py")}


def cut(source: str, asked: Collection[str]) -> str:
    """A file without the regions of a course that asks only these tasks and questions."""
    return text_of(without_regions(source, asked, "a file"))


def asking(*names: str) -> course_module.Course:
    """The full course, reduced to these tasks and questions."""
    return replace(FULL, asked={name: FULL.asked[name] for name in names})


def test_regions_are_whole_and_name_what_exists():
    lines = [line for source in SOURCES.values() for line in source.splitlines()]
    regions = [match["names"] for line in lines if (match := REGION.fullmatch(line))]
    assert len(regions) > 50
    for names in regions:
        assert set(names.split()) <= set(NAMES), names
        assert len(set(names.split())) == len(names.split()), names
    for path, source in SOURCES.items():
        assert "# FOR" not in cut(source, NAMES) and "# END FOR" not in cut(source, NAMES), path


def test_what_is_left_names_nothing_that_is_gone(tmp_path):
    """With nothing asked, with everything, and with each name alone."""
    for names in ([], NAMES, *([name] for name in NAMES)):
        folder = tmp_path / (names[0] if len(names) == 1 else str(len(names)))
        for path, source in SOURCES.items():
            if "# FOR" in source:
                copy = folder / path.relative_to(SOLUTION)
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(cut(source, names), encoding="utf-8")
    # E9: syntax errors; F821: undefined names; F823: a local name that is read before it is assigned.
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E9,F821,F823", str(tmp_path)]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout


@pytest.mark.parametrize("names", [[], NAMES, *([name] for name in NAMES)], ids=lambda names: "-".join(names)[:30])
def test_regions_say_the_same_as_what_stands_in_them(names, monkeypatch, tmp_path):
    """The list of parts is the same with the regions of a course and with all of them."""
    reduced = asking(*names)
    monkeypatch.setattr(experiments, "course", lambda: reduced)
    module = types.ModuleType("lab.run.experiments_of_a_course")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # dataclasses look it up
    source = SOURCES[SOLUTION / "lab" / "run" / "experiments.py"]
    exec(compile(cut(source, names), "experiments.py", "exec"), module.__dict__)
    module.__dict__["course"] = lambda: reduced
    whole = experiments.all_parts(experiments.Settings(), tmp_path, None)
    own = module.all_parts(module.Settings(), tmp_path, None)
    assert {name: (part.section, part.key) for name, part in own.items()} == {
        name: (part.section, part.key) for name, part in whole.items()
    }


def test_a_course_has_the_parts_that_it_asks_for(monkeypatch, tmp_path):
    """Those of an autoencoder and a VAE with two latents, looked at by a hundred images each."""
    asked = dict.fromkeys(["autoencoder", "train_autoencoder", "plot_embeddings", "autoencoder_hundred"], "one")
    asked |= dict.fromkeys(["vae_mlp", "train_vae", "vae_hundred"], "two")
    reduced = replace(FULL, sections={"one": "B. First", "two": "C. Second"}, asked=asked)
    monkeypatch.setattr(experiments, "course", lambda: reduced)
    parts = experiments.all_parts(experiments.Settings(), tmp_path, None)
    assert {name: part.section for name, part in parts.items()} == {
        "train-autoencoder": "B. First",
        "train-vae-mlp-2": "C. Second",
        "autoencoder-hundred": "B. First",
        "vae-hundred": "C. Second",
        "autoencoder-and-vae": "C. Second",
    }
    assert parts["autoencoder-and-vae"].settings["kinds"] == ["hundred"]


def test_a_course_may_choose_the_mixture(monkeypatch, tmp_path):
    """Its components, and with them the results, are its own."""
    usual = experiments.all_parts(experiments.Settings(), tmp_path, None)
    means, covs = [[0, 0], [4, 4], [-4, 4]], [[[1, 0], [0, 1]]] * 3
    own = replace(FULL, options={"means": means, "covs": covs})
    monkeypatch.setitem(sys.modules, "lab.course", types.SimpleNamespace(course=lambda: own))
    chosen = runpy.run_path(str(SOLUTION / "lab" / "parts" / "mixture.py"))
    for name in ("MEANS", "COVS"):
        monkeypatch.setattr(experiments, name, chosen[name])
    parts = experiments.all_parts(experiments.Settings(), tmp_path, None)
    changed = {name for name in parts if parts[name].key != usual[name].key}
    assert changed == {"gmm-scatter", "gmm-entropy", "gmm-degenerate"}
    assert all((parts[name].settings["means"], parts[name].settings["covs"]) == (means, covs) for name in changed)


@pytest.mark.parametrize("content", ["", "[]", '{"tasks": []}', json.dumps({"sections": [], "tasks": [{}]})])
def test_a_damaged_list_of_tasks_is_named(tmp_path, content):
    path = tmp_path / "tasks.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"tasks\.json is missing or damaged"):
        course_module.read_course(path)
    with pytest.raises(ValueError, match="missing or damaged"):
        course_module.read_course(tmp_path / "nowhere.json")
