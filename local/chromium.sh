#!/bin/sh
# Sees to it that there is a Chromium: the pages and mails are looked at in a real one. Prints its path.
set -eu

find_chromium() {
    command -v chromium || command -v chromium-browser || command -v google-chrome
}

if ! find_chromium; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "chromium: none was found. Install one (Debian: apt-get install chromium), then try again." >&2
        exit 1
    fi
    echo "chromium: installing Debian's package" >&2
    {
        apt-get -o DPkg::Lock::Timeout=300 update -q &&
            DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends chromium fonts-noto-core
    } >/dev/null || {
        echo "chromium: Debian's package could not be installed, see above. Is its mirror reachable?" >&2
        exit 1
    }
    find_chromium
fi
