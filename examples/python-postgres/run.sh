#!/bin/sh
# Runs the service, or with a first argument that names another script (twins.py FAULT) that one. What it needs is installed
# into EXAMPLE_DIR when it is not there yet; by default a folder under the tree's target folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${EXAMPLE_DIR:-${CARGO_TARGET_DIR:-$here/../../target}/examples/python-postgres}
script=service.py
case ${1:-} in *.py) script=$1; shift ;; esac

if ! cmp -s "$here/requirements.txt" "$folder/installed.txt"; then
    mkdir -p "$folder"
    exec 9> "$folder/lock"
    flock 9 # several tests may start at once
    if ! cmp -s "$here/requirements.txt" "$folder/installed.txt"; then
        python3 -m venv "$folder/venv" >&2
        "$folder/venv/bin/pip" install --quiet -r "$here/requirements.txt" >&2
        cp "$here/requirements.txt" "$folder/installed.txt"
    fi
    exec 9>&-
fi
exec "$folder/venv/bin/python" -B "$here/$script" "$@"
