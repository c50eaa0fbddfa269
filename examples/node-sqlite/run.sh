#!/bin/sh
# Runs the service, or with a first argument that names another script (twins.js FAULT) that one. What it needs is installed
# into EXAMPLE_DIR when it is not there yet; by default a folder under the tree's target folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${EXAMPLE_DIR:-${CARGO_TARGET_DIR:-$here/../../target}/examples/node-sqlite}
script=service.js
case ${1:-} in *.js) script=$1; shift ;; esac

# Node looks for packages beside the script, so the scripts go along.
mkdir -p "$folder"
exec 9> "$folder/lock"
flock 9 # several tests may start at once
if ! cmp -s "$here/package-lock.json" "$folder/installed.json"; then
    cp "$here/package.json" "$here/package-lock.json" "$folder/"
    (cd "$folder" && npm ci --no-audit --no-fund >&2)
    cp "$here/package-lock.json" "$folder/installed.json"
fi
for file in "$here"/*.js "$here"/package.json "$here"/schema.sql; do
    cmp -s "$file" "$folder/${file##*/}" || cp "$file" "$folder/"
done
exec 9>&-
exec node "$folder/$script" "$@"
