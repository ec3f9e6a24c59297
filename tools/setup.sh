#!/bin/sh
# Makes .venv hold what requirements/dev.txt locks; does nothing, within milliseconds, when it already does. This part
# finds a Python; environment.py does the rest.
#
# Environment, all optional (the Makefile's variables arrive here):
#   PYTHON       interpreter for .venv: 3.10 to 3.15, or a newer one, which is not tested
#   TORCH        "cpu": PyTorch's CPU wheels, from TORCH_INDEX; "default": the registry's build. Unset: what .venv
#                has; for a new one on Linux without an NVIDIA GPU the CPU wheels, if their index answers
#   TORCH_INDEX  package index with the CPU wheels
set -eu
cd "$(dirname "$0")/.."

python=.venv/bin/python
# "<checksum of the lock> <flavour of torch>" once .venv is complete; environment.py writes it.
state=$(cat .venv/.state 2>/dev/null || true)
wanted="$(cksum <requirements/dev.txt | tr ' ' -) ${TORCH:-${state##* }}"
if [ "$state" = "$wanted" ] && [ -x "$python" ] && [ -z "${PYTHON:-}" ]; then
    exit 0
fi

at_least() {
    "$1" -c "import sys; sys.exit(sys.version_info < (3, $2))" 2>/dev/null
}

# The range that the tests run on, within the range that may work.
tested() {
    at_least "$1" 10 && ! at_least "$1" 16
}

refuse() {
    found=$("$1" -c 'import sys; print("Python %d.%d" % sys.version_info[:2])' 2>/dev/null || echo "no Python")
    echo "set-up: $1 is $found, but Python 3.10 or newer is needed:" >&2
    echo "set-up: install one and name it, as in make run PYTHON=/path/to/python3.12" >&2
    exit 1
}

if [ -n "${PYTHON:-}" ]; then
    at_least "$PYTHON" 10 || refuse "$PYTHON"
    exec "$PYTHON" tools/environment.py
fi
# What .venv was made with comes first: an interrupted or outdated one is mended with the same Python.
for candidate in "$python" python3 python3.15 python3.14 python3.13 python3.12 python3.11 python3.10; do
    if tested "$candidate"; then
        exec "$candidate" tools/environment.py
    fi
done
if at_least python3 10; then
    exec python3 tools/environment.py
fi
if command -v uv >/dev/null 2>&1; then # it looks among interpreters of its own, and fetches one if need be
    exec uv run --quiet --no-project --python ">=3.10,<3.16" python tools/environment.py
fi
refuse python3
