#!/usr/bin/env bash
# Writes requirements/*.txt: every dependency pinned with its hashes, no index named, so that the installer's own
# configuration decides where packages come from. all.txt is resolved first; the others are parts of it, so that
# any of them can be installed together. Pins are kept while they fit; UPGRADE=1 looks for newer ones.
set -euo pipefail
cd "$(dirname "$0")/../.."

unset UV_INDEX UV_INDEX_URL UV_DEFAULT_INDEX UV_EXTRA_INDEX_URL UV_FIND_LINKS
compile() {
    .venv/bin/uv pip compile --quiet --no-config --universal --python-version 3.11 \
        --generate-hashes --no-header --no-emit-index-url --no-emit-find-links "$@"
}

compile ${UPGRADE:+--upgrade} --all-extras --output-file requirements/all.txt pyproject.toml
part() {
    local name=$1
    shift
    compile --no-annotate --constraints requirements/all.txt --output-file "requirements/$name.txt" "$@" pyproject.toml
}

# What builds the core: the back end named in pyproject's build-system, alone.
.venv/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' |
    compile --no-annotate --constraints requirements/all.txt --output-file requirements/build.txt -
part run
for extra in $(.venv/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"])'); do
    part "$extra" --extra "$extra"
done
