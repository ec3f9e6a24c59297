"""Settings that pytest, Python or the shell read from the current folder.

Goal: forge
Means: pytest.ini, pyproject.toml, setup.cfg, tox.ini, .env, sitecustomize.py, usercustomize.py, evil.pth, .coveragerc.
Expected: none of them is read.
"""

from pathlib import Path

OPTIONS = "addopts = --co -p conftest\npython_functions = nothing_*\n"


def build(submission: Path) -> None:
    (submission / "pytest.ini").write_text("[pytest]\n" + OPTIONS)
    (submission / "tox.ini").write_text("[pytest]\n" + OPTIONS)
    (submission / "setup.cfg").write_text("[tool:pytest]\n" + OPTIONS)
    (submission / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "--co"\n')
    (submission / "evil.pth").write_text("import os; print('HOSTILE pth')\n")
    for name in ("sitecustomize", "usercustomize", "pytest_plugins"):
        (submission / f"{name}.py").write_text("print('HOSTILE module imported')\n")
    (submission / ".env").write_text("PYTEST_ADDOPTS=--co\nPYTHONSTARTUP=evil.py\n")
