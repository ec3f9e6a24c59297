"""Parts of the main job: when their results are stale, their seeds, how they are written."""

import json
import math
from pathlib import Path
from pkgutil import resolve_name

import lab.run.part as parts_module
from lab.files import write_json
from lab.run.experiments import Settings, all_parts
from lab.run.results import why_again
from tests.assignment.main_runs import copy_assignment


def test_a_changed_file_makes_its_parts_and_theirs_stale(monkeypatch, tmp_path):
    assignment = copy_assignment(tmp_path / "assignment")
    monkeypatch.setattr(parts_module, "HERE", assignment)
    before = all_parts(Settings(), tmp_path, None)
    code = (assignment / "VAE.py").read_text()
    for same in (code + "# a comment\n", code.replace('"""', '"""Words. ', 1)):
        (assignment / "VAE.py").write_text(same)
        assert {name: part.key for name, part in all_parts(Settings(), tmp_path, None).items()} == {
            name: part.key for name, part in before.items()
        }
    (assignment / "VAE.py").write_text(code + "changed = True\n")
    after = all_parts(Settings(), tmp_path, None)
    write_json(after["tsne"].folder / "part.json", {"made_from": before["tsne"].made_from})
    write_json(after["kl-normals"].folder / "part.json", {"made_from": before["kl-normals"].made_from})
    assert list(why_again(list(after.values()))) == [
        "tsne: again, because train-vae-mlp-2 and train-vae-mlp-10 changed"
    ]
    train = after["train-vae-mlp-2"]
    write_json(train.folder / "part.json", {"made_from": before[train.name].made_from})
    assert train.stale_because() == "VAE.py"
    stale = {name for name in before if before[name].key != after[name].key}
    assert {"train-vae-mlp-2", "tsne", "contact-sheet", "comparison"} <= stale
    assert not {"kl-normals", "gmm-entropy", "train-autoencoder", "gmvae"} & stale


def test_settings_make_only_their_own_parts_stale(tmp_path):
    before = all_parts(Settings(), tmp_path, None)
    after = all_parts(Settings(gmvae_iterations=5), tmp_path, None)
    assert {name for name in before if before[name].key != after[name].key} == {"gmvae"}


def test_every_part_says_what_does_its_work():
    parts = all_parts(Settings(), Path("results"), None).values()
    assert all(callable(resolve_name(part.function)) for part in parts)


def test_seeds_of_parts_differ():
    parts = all_parts(Settings(), Path("results"), None)
    assert len({parts_module.part_seed(0, name) for name in parts}) == len(parts)
    assert parts_module.part_seed(0, "gmvae") != parts_module.part_seed(1, "gmvae")


def test_json_spells_out_what_it_cannot_hold(tmp_path):
    write_json(tmp_path / "numbers.json", {"a": [math.inf, -math.inf, math.nan, 1.5]})
    assert json.loads((tmp_path / "numbers.json").read_text()) == {"a": ["inf", "-inf", "nan", 1.5]}
