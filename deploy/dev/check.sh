#!/usr/bin/env bash
# Names every tool that building needs and this machine lacks, with the command that installs it; silent when all is
# there. Prints nothing else, changes nothing.
set -uo pipefail

python_at_least='import sys; sys.exit(sys.version_info < (3, 11))'
rust_at_least=85 # 1.85 is the first with edition 2024
missing=0

lacks() {
    echo "missing: $1" >&2
    echo "    install it with: $2" >&2
    missing=1
}

if ! command -v "${PYTHON:-python3}" >/dev/null || ! "${PYTHON:-python3}" -c "$python_at_least"; then
    lacks "Python 3.11 or newer (looked for ${PYTHON:-python3}; PYTHON=… names another)" \
        "apt-get install python3 python3-venv"
elif ! "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null; then
    lacks "Python's venv module" "apt-get install python3-venv"
fi

if ! command -v cargo >/dev/null; then
    lacks "Rust (cargo)" "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y"
else
    minor=$(cargo --version | sed -E 's/^cargo 1\.([0-9]+).*/\1/')
    if ! [ "$minor" -ge "$rust_at_least" ] 2>/dev/null; then
        lacks "Rust 1.$rust_at_least or newer (found $(cargo --version))" "rustup update stable"
    fi
fi

command -v cc >/dev/null || lacks "a C compiler (the TLS library has C and assembly in it)" "apt-get install build-essential"
exit "$missing"
