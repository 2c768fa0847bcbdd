#!/bin/sh
# Runs its arguments with a Python that Smalt can use: the project's own when it is there, else the first good one on the path.
set -u

good() {
    "$@" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [ -z "${PYTHON:-}" ] && good .venv/bin/python; then
    exec .venv/bin/python "$@"
fi
if [ -n "${PYTHON:-}" ]; then
    if good "$PYTHON"; then
        exec "$PYTHON" "$@"
    fi
    echo "PYTHON=$PYTHON is not a Python 3.11 or later with its venv module. Nothing was changed." >&2
    exit 1
fi
for name in python3 python3.12 python3.13 python3.11 python3.14 python; do
    if good "$name"; then
        exec "$name" "$@"
    fi
done
cat >&2 <<'MESSAGE'
Smalt needs Python 3.11 or later with its venv module, and found none on the path. Nothing was changed.
Install one (from python.org, your system's packages, pyenv or uv; on Debian and Ubuntu the venv module
is the package python3-venv), or name one: make demo PYTHON=/path/to/python3.11
MESSAGE
exit 1
