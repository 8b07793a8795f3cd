#!/usr/bin/env bash
# The real servers and peers that the tests start: through apt, only what is missing, and PostgreSQL 17 into the user's
# cache. Quick when all is there. No service is started: the tests start their own, on free ports.
# With packages as arguments: these alone.
set -euo pipefail
cd "$(dirname "$0")"

wanted=(postgresql postgresql-contrib pgbouncer haproxy slapd ldap-utils db-util libnss-wrapper maven xz-utils)
# What the drivers of other languages are tested with, unless there is one from elsewhere. (Go, from go.dev, is not here:
# apt's is often too old. The tests that need it say so.)
command -v node >/dev/null && command -v npm >/dev/null || wanted+=(nodejs npm)
command -v javac >/dev/null || wanted+=(default-jdk-headless)
(($#)) && wanted=("$@")
installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    cat >&2 <<MESSAGE
missing: apt, which would install ${wanted[*]}
    install them on Debian or Ubuntu with: apt-get install ${wanted[*]}
MESSAGE
    exit 1
fi

missing=()
for package in "${wanted[@]}"; do
    installed "$package" || missing+=("$package")
done

if ((${#missing[@]})); then
    if [ "$(id -u)" != 0 ]; then
        echo "missing: ${missing[*]} (installing them needs root)" >&2
        echo "    install them with: sudo apt-get update && sudo apt-get install -y ${missing[*]}" >&2
        exit 1
    fi
    # The packages would start their services; a machine that has its own policy keeps it.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        trap 'rm -f "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

(($#)) || ./postgres17.sh
