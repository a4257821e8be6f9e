# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
#
# To be sourced. `set_up EXTRAS` makes .venv in the clone, installs the package
# into it (editable, with the extras) and sets $VENV_PYTHON. A second call for
# the same extras and the same pyproject.toml takes no time.

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
VENV="$ROOT/.venv"
VENV_PYTHON="$VENV/bin/python"

_find_python() {
    # $PYTHON wins; otherwise the first one that is new enough.
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    echo "Python 3.11 or newer was not found (tried: ${PYTHON:-python3 and its siblings});" \
        "set PYTHON=/path/to/python3." >&2
    return 1
}

_key() {
    # What an installation depends on: metadata, pins, what is compiled, this place, this Python.
    "$1" - "$ROOT" <<'PY'
import hashlib, pathlib, sys

root = pathlib.Path(sys.argv[1])
files = [root / "pyproject.toml", root / "bin/constraints.txt", *sorted(root.glob("python/**/*.[ch]"))]
facts = [file.read_text() for file in files]
facts += [str(root), sys.version]
print(hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16])
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
    echo "Setting up $VENV for '$extras' (only the first time; it may take some minutes) ..." >&2
    # Another Python, or a moved clone, wants a new environment, not a mended one.
    if [ ! -f "$VENV/.made-for-$key" ]; then
        if ! "$python" -m venv --clear "$VENV"; then
            echo "'$python -m venv' failed; on Debian and Ubuntu the package python3-venv brings it." >&2
            return 1
        fi
        touch "$VENV/.made-for-$key"
    fi
    _pip_install --upgrade pip || true # an old one works too, only slower
    # A Python newer than the pins may lack wheels for them.
    _pip_install --constraint "$ROOT/bin/constraints.txt" --editable "$ROOT[$extras]" ||
        _pip_install --editable "$ROOT[$extras]" || return 1
    touch "$stamp"
}
