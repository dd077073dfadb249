#!/bin/sh
# Makes .tools (uv), .venv (what drives, checks and tests), .venv-cloud (the local cloud),
# .venv-sam (SAM CLI) and .venv-lambda (Lambda's runtime).
# Needs any Python from 3.9 with venv; brings Python 3.13 along where there is none.
set -eu
cd "$(dirname "$0")/.."
unset VIRTUAL_ENV

fail() {
    echo "setup: $1" >&2
    exit 1
}

find_python() {
    # A pyenv shim may answer to the name and still have no version to run, so each is tried.
    for candidate in python3 python3.13 /usr/bin/python3 python; do
        if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail "no Python from 3.9 with venv was found. Install one (Debian, Ubuntu: apt-get install python3-venv), then try again."
}

if ! cmp -s local/bootstrap.txt .tools/bootstrap.txt; then
    python=$(find_python) || exit 1
    echo "setup: uv"
    rm -rf .tools
    "$python" -m venv .tools
    .tools/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
        --requirement local/bootstrap.txt || fail "pip could not fetch uv. Is the package index reachable?"
    cp local/bootstrap.txt .tools/bootstrap.txt
fi

uv=.tools/bin/uv
if ! "$uv" python find --quiet 3.13 >/dev/null 2>&1; then
    echo "setup: Python 3.13"
    "$uv" python install --quiet 3.13 ||
        fail "Python 3.13 is neither here nor could it be fetched. Install it (pyenv install 3.13, or your system's python3.13 package), then try again."
fi

sync() {
    echo "setup: $1"
    environment=$1
    shift
    UV_PROJECT_ENVIRONMENT=$environment "$uv" sync --quiet --locked "$@" ||
        fail "$environment could not be made, see above. If pyproject.toml has changed, 'make lock' brings uv.lock back in step."
}
sync .venv
sync .venv-cloud --only-group cloud
sync .venv-sam --only-group sam
# Compiled, as in Lambda, where nothing can be written.
sync .venv-lambda --only-group lambda --compile-bytecode
touch .venv/in-step
