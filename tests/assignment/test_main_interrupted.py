"""The main job interrupted: what is done is kept for the next run, and nothing else is left behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

import lab.run.part as parts_module
import main as main_module
from lab.run.experiments import all_parts
from tests.assignment.main_runs import DATA, ROOT, copy_assignment, run_main
from tests.kit.processes import alive, descendants, until


@pytest.mark.skipif(os.name == "nt", reason="signals a group of processes")
@pytest.mark.parametrize("which", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_interruption_keeps_what_is_done_and_leaves_nothing_behind(tmp_path, monkeypatch, which):
    assignment = copy_assignment(tmp_path / "assignment")
    out = tmp_path / "results"
    parts = ["kl-triangle", "gmvae", "kl-normals"]
    command = [sys.executable, str(assignment / "main.py"), *parts, "--gmvae-iterations", "1000000"]
    command += ["--out", str(out), "--jobs", "2", *DATA]
    # A group of its own, so that the signal goes to all its processes, as Ctrl-C in a terminal does.
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        deadline = time.monotonic() + 120
        awaited = [
            out / "kl-triangle" / "part.json",
            out / "kl-normals" / "part.json",
            out / parts_module.UNFINISHED / "gmvae",
        ]
        while not all(path.exists() for path in awaited):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        second = run_main(assignment, "kl-normals", out=out)
        assert second.returncode == 2 and f"main.py (process {process.pid}, since " in second.stderr
        children = descendants(process.pid)
        assert children
        if which == signal.SIGINT:
            os.killpg(process.pid, which)
        else:
            process.send_signal(which)
        _, errors = process.communicate(timeout=120)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert "interrupted: 2 of 3 parts are finished and kept" in errors
    assert "Traceback" not in errors
    # Python's own resource tracker is among the children; it ends by itself once its parent is gone.
    until(lambda: not any(map(alive, children)), 20)
    assert sorted(path.name for path in out.iterdir()) == ["index.html", "kl-normals", "kl-triangle", "metrics.json"]
    # What the next run takes for finished.
    monkeypatch.setattr(parts_module, "HERE", assignment)
    settings = main_module.choose_settings(main_module.parse_arguments(command[2:]), "cpu")
    found = all_parts(settings, out, ROOT / "data" / "MNIST" / "raw").values()
    assert {part.name for part in found if part.is_finished()} == {"kl-normals", "kl-triangle"}
    if which == signal.SIGTERM:  # the slow one of the two really goes on
        again = run_main(assignment, *parts, "--gmvae-iterations", "2", out=out)
        assert again.returncode == 0 and "2 of 3 parts are finished already" in again.stderr
        assert (out / "gmvae" / "gmvae.safetensors").is_file()
