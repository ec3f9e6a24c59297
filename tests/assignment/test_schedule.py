"""What runs when, with how many processes and threads, and on which device."""

import subprocess
import sys

import pytest
import torch

from lab.run.command_line import choose_device, physical_cpus, usable_cores
from lab.run.experiments import Settings, all_parts
from lab.run.schedule import plan, share_out, timetable
from tests.assignment.main_runs import DATA, SOLUTION

TRAININGS = {"gmvae", "train-autoencoder", "train-vae-conv-2", "train-vae-conv-10"} | {
    f"train-vae-mlp-{size}" for size in (2, 5, 10, 20)
}


@pytest.fixture
def parts(tmp_path):
    return list(all_parts(Settings(), tmp_path, None).values())


@pytest.mark.parametrize(
    "cores, jobs, expected",
    [(1, None, (1, 1)), (2, None, (2, 1)), (4, None, (4, 1)), (8, None, (4, 2)), (64, None, (4, 4)), (2, 8, (8, 1)),
     (8, 1, (1, 4))],
)  # fmt: skip
def test_all_cores_have_something_to_do_and_none_has_two_threads(cores, jobs, expected):
    assert share_out(cores, jobs) == expected


@pytest.mark.parametrize(
    "text, cores", [("max 100000\n", None), ("100000 100000\n", 1), ("50000 100000\n", 1), ("nonsense", None)]
)
def test_the_limit_of_a_container_counts(tmp_path, text, cores):
    quota = tmp_path / "cpu.max"
    assert usable_cores(quota) == physical_cpus()
    quota.write_text(text)
    assert usable_cores(quota) == (cores or physical_cpus())


def test_the_longest_begin_first_and_no_core_waits(parts):
    total = sum(part.seconds for part in parts)
    for processes in (1, 2, 3, 4):
        rows = timetable(parts, processes)
        ends = {name: end for _, end, name in rows}
        assert ends.keys() == {part.name for part in parts}
        for begin, _, name in rows:
            needs = next(part.needs for part in parts if part.name == name)
            assert all(ends[need] <= begin for need in needs), "what it needs is there"
            assert sum(other <= begin < end for other, end, _ in rows) <= processes
        longest = max(part.seconds for part in parts)
        assert max(ends.values()) < max(1.05 * total / processes, longest + 1), "as short as can be"
    assert rows[0][2] == "gmvae"


def test_plan_says_what_a_run_would_do(parts):
    lines = plan(parts, {"kl-normals"}, 8, 4, 2).splitlines()
    assert lines[0] == "8 processor cores to use: 4 parts at a time, 2 threads each"
    assert lines[1] == f"{len(parts)} parts to run, 1 finished; about 160 s"
    assert len(lines) < 24 and max(map(len, lines)) < 80
    assert sum(" s to " in line for line in lines) == 12
    names = " ".join(lines).replace(",", "").split()
    assert sorted(part.name for part in parts) == sorted(set(names) & {part.name for part in parts})
    assert "about 320 s" in plan(parts, (), 2, 4, 1), "four processes on two cores are no faster"
    assert plan([], (), 1, 1, 1).splitlines()[:2] == [
        "1 processor core to use: 1 part at a time, a thread each",
        "0 parts to run, 0 finished; about 0 s",
    ]


def test_plan_of_the_command_runs_nothing(tmp_path):
    command = [sys.executable, str(SOLUTION / "main.py"), "--plan", "gmvae", "--jobs", "3", "--out", str(tmp_path)]
    done = subprocess.run([*command, *DATA], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "3 parts at a time" in done.stdout
    assert done.stdout.endswith("0 s to  160 s  gmvae\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("cuda, mps, device", [(True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_models_are_trained_where_it_is_fastest_and_drawn_on_the_processor(monkeypatch, tmp_path, cuda, mps, device):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert choose_device("auto") == device
    found = {part.name: part.settings["device"] for part in all_parts(Settings(device=device), tmp_path, None).values()}
    elsewhere = {name for name, where in found.items() if where == device}
    assert elsewhere == (found.keys() if device == "cpu" else TRAININGS) and set(found.values()) <= {device, "cpu"}
