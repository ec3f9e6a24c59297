"""Recording runs: new seeds join, parts that were not run again stay."""

import json

from tools import record_runs


def test_recording(tmp_path, monkeypatch):
    file = tmp_path / "seeds.json"
    file.write_text(json.dumps({"command": "c", "runs": [{"seed": 1, "a": {"x": 1, "y": 2}}]}))
    monkeypatch.setattr(record_runs, "RECORDED", file)
    for seed, metrics in ((1, {"a": {"x": 5}}), (0, {"a": {"x": 3}})):
        folder = tmp_path / str(seed)
        folder.mkdir()
        (folder / "metrics.json").write_text(json.dumps({"seed": seed, "torch_seeds": {"part": 7}, **metrics}))
    assert record_runs.main([str(tmp_path / "1"), str(tmp_path / "0")]) == 0
    assert json.loads(file.read_text()) == {
        "command": "c",
        "runs": [{"seed": 0, "a": {"x": 3}}, {"seed": 1, "a": {"x": 5, "y": 2}}],
    }
