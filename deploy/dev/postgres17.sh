#!/usr/bin/env bash
# PostgreSQL 17's server binaries (initdb, pg_ctl, postgres) into the user's cache, keyed by version; quick when they
# are there. They come as a Maven artifact because Debian 12 has none; Maven's own configuration says from where.
set -euo pipefail

version=17.5.0
case "$(uname -m)" in
x86_64) machine=linux-amd64 ;;
aarch64) machine=linux-arm64v8 ;;
*)
    echo "PostgreSQL $version is not packaged for $(uname -m); the tests need it" >&2
    exit 1
    ;;
esac

cache="${XDG_CACHE_HOME:-$HOME/.cache}/articdbm"
home="$cache/postgres-$version"
[ -x "$home/bin/postgres" ] && exit 0

if ! command -v mvn >/dev/null; then
    echo "missing: Maven, which fetches PostgreSQL $version" >&2
    echo "    install it with: apt-get install maven" >&2
    exit 1
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/postgres-$version.XXXXXX")
trap 'rm -rf "$work"' EXIT
# mvn would read a pom.xml from the current directory.
cd "$work"
artifact="embedded-postgres-binaries-$machine"
mvn --quiet --batch-mode dependency:copy \
    -Dartifact="io.zonky.test.postgres:$artifact:$version" -DoutputDirectory="$work"
mkdir unpacked
python3 -c 'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); z.extract(next(n for n in z.namelist() if n.endswith(".txz")))' \
    "$artifact-$version.jar"
tar -xJf ./*.txz -C unpacked
chmod -R go+rX unpacked
# Someone else may have finished first.
mv -T unpacked "$home" 2>/dev/null || [ -x "$home/bin/postgres" ]
