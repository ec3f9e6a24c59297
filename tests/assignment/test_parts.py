"""Parts of the main job: when their results are stale, their seeds, how they are written."""

import json
import math
import sys
from pathlib import Path

from tests.assignment.main_runs import SOLUTION, copy_assignment

sys.path.insert(0, str(SOLUTION))

import lab.run.part as parts_module  # noqa: E402
from lab.files import write_json  # noqa: E402
from lab.run.experiments import Settings, all_parts  # noqa: E402


def test_a_changed_file_makes_its_parts_and_theirs_stale(monkeypatch, tmp_path):
    assignment = copy_assignment(tmp_path / "assignment")
    monkeypatch.setattr(parts_module, "HERE", assignment)
    before = all_parts(Settings(), tmp_path, None)
    with open(assignment / "VAE.py", "a") as file:
        file.write("# changed\n")
    after = all_parts(Settings(), tmp_path, None)
    stale = {name for name in before if before[name].key != after[name].key}
    assert {"train-vae-mlp-2", "tsne", "contact-sheet", "comparison"} <= stale
    assert not {"kl-normals", "gmm-entropy", "train-autoencoder", "gmvae"} & stale


def test_settings_make_only_their_own_parts_stale(tmp_path):
    before = all_parts(Settings(), tmp_path, None)
    after = all_parts(Settings(gmvae_iterations=5), tmp_path, None)
    assert {name for name in before if before[name].key != after[name].key} == {"gmvae"}


def test_seeds_of_parts_differ():
    parts = all_parts(Settings(), Path("results"), None)
    assert len({parts_module.part_seed(0, name) for name in parts}) == len(parts)
    assert parts_module.part_seed(0, "gmvae") != parts_module.part_seed(1, "gmvae")


def test_json_spells_out_what_it_cannot_hold(tmp_path):
    write_json(tmp_path / "numbers.json", {"a": [math.inf, -math.inf, math.nan, 1.5]})
    assert json.loads((tmp_path / "numbers.json").read_text()) == {"a": ["inf", "-inf", "nan", 1.5]}
