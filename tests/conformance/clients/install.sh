#!/bin/sh
# Installs other people's clients, unmodified, each into an environment of its own in .local/clients. By their locks
# alone: the versions and hashes in this folder.
set -eu
cd "$(dirname "$0")/../../.."
here=tests/conformance/clients
there=.local/clients
uv=.tools/bin/uv

fail() {
    echo "conformance: $1" >&2
    exit 1
}

in_step() {
    cat "$here"/install.sh "$@" | cmp -s - "$there/$name.lock"
}

remember() {
    cat "$here"/install.sh "$@" >"$there/$name.lock"
}

mkdir -p "$there"

for name in zdesk zenpy; do
    in_step "$here/$name.txt" "$here/build.txt" && continue
    echo "conformance: $name"
    "$uv" venv --quiet --clear --python 3.13 "$there/$name"
    # zdesk comes as source alone, so what builds it is locked, too.
    "$uv" pip install --quiet --python "$there/$name" --require-hashes --build-constraints "$here/build.txt" \
        --requirement "$here/$name.txt" || fail "$name could not be installed. Is the package index reachable?"
    remember "$here/$name.txt" "$here/build.txt"
done

name=node-zendesk
if ! in_step "$here/package-lock.json"; then
    echo "conformance: $name"
    for command in node npm; do
        command -v "$command" >/dev/null ||
            fail "$command was not found. Install Node 20 or later (Debian, Ubuntu: apt-get install nodejs npm), then try again."
    done
    rm -rf "${there:?}/$name"
    mkdir -p "$there/$name"
    cp "$here/package.json" "$here/package-lock.json" "$there/$name/"
    (cd "$there/$name" && npm ci --silent --ignore-scripts --no-audit --no-fund) ||
        fail "node-zendesk could not be installed. Is the npm registry reachable?"
    remember "$here/package-lock.json"
fi
