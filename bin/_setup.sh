# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
#
# To be sourced. `set_up EXTRAS` creates the virtual environment .venv in the clone, installs
# the package into it (editable, with the extras) and sets $VENV_PYTHON. It returns at once if
# this was done before with the same extras, pyproject.toml, constraints and C sources.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
VENV="$ROOT/.venv"
VENV_PYTHON="$VENV/bin/python"

_find_python() {
    # Use $PYTHON if it is set, otherwise the first interpreter that is new enough.
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    echo "Python 3.11 or newer was not found (tried: ${PYTHON:-python3, python3.13, python3.12, python3.11, python})." \
        "Set PYTHON to the path of a suitable interpreter." >&2
    return 1
}

_key() {
    # Print a hash of everything the installation depends on: project metadata, constraints,
    # C sources, path of the clone, version of Python.
    "$1" - "$ROOT" <<'PY'
import hashlib, pathlib, sys

root = pathlib.Path(sys.argv[1])
files = [root / "pyproject.toml", root / "setup.py", root / "bin/constraints.txt", *sorted(root.glob("python/**/*.[ch]"))]
inputs = [file.read_text() for file in files]
inputs += [str(root), sys.version]
print(hashlib.sha256("\n".join(inputs).encode()).hexdigest()[:16])
PY
}

_pip_install() {
    "$VENV_PYTHON" -m pip install --quiet --disable-pip-version-check "$@" >&2
}

set_up() {
    local extras="$1" python key stamp
    python="$(_find_python)" || return 1
    key="$(_key "$python")" || return 1
    stamp="$VENV/.set-up-${extras//,/-}-$key"
    if [ -f "$stamp" ] && [ -x "$VENV_PYTHON" ]; then
        return 0
    fi
    echo "Setting up $VENV for '$extras' (first run only; this may take several minutes) ..." >&2
    # Recreate the environment for another Python or after the clone was moved.
    if [ ! -f "$VENV/.made-for-$key" ]; then
        if ! "$python" -m venv --clear "$VENV"; then
            echo "'$python -m venv' failed; on Debian and Ubuntu, install the package python3-venv." >&2
            return 1
        fi
        touch "$VENV/.made-for-$key"
    fi
    _pip_install --upgrade pip || true # an old version of pip works too, but more slowly
    # For a Python newer than the constraints, the pinned versions may have no wheels: retry without.
    _pip_install --constraint "$ROOT/bin/constraints.txt" --editable "$ROOT[$extras]" ||
        _pip_install --editable "$ROOT[$extras]" || return 1
    touch "$stamp"
}
