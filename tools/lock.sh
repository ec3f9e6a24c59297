#!/bin/sh
# Resolves pyproject.toml into lock files for pip and uv alike. The development lock is a superset of all others, and
# every one of requirements/base.txt.
# Arguments go to `uv pip compile` (--upgrade).
set -eu
cd "$(dirname "$0")/.."

uv=$(command -v uv || echo .venv/bin/uv)

# --universal: one file for every platform and Python from 3.10 on, with markers. Nothing in the files says where the
# packages came from: no index, no find-links, no hashes (those would forbid PyTorch's CPU wheels).
compile() {
    output=$1
    shift
    UV_PYTHON_DOWNLOADS=never "$uv" pip compile pyproject.toml --output-file "$output" --universal \
        --python-version 3.10 --only-binary :all: --no-annotate --custom-compile-command "make lock" --quiet "$@"
}

compile requirements/base.txt "$@"
compile requirements/instructor.txt --constraint requirements/base.txt --extra instructor "$@"
compile requirements/explore.txt --constraint requirements/instructor.txt --extra explore "$@"
compile requirements/report.txt --constraint requirements/instructor.txt --extra report "$@"
compile requirements/dev.txt --constraint requirements/instructor.txt --constraint requirements/explore.txt \
    --constraint requirements/report.txt --extra instructor --extra cluster --extra explore \
    --extra report --extra dev "$@"
echo "When the new versions are installed (make setup), run: .venv/bin/python -m tools.package_names"
