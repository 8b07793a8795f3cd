"""A PostgreSQL of one's own, for `articdbm up`: found through its binaries, kept in a data directory.

It listens on loopback only, with passwords nobody chose. It knows nothing of the proxy in front of it.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STARTUP_SECONDS = 60
STOP_SECONDS = 30
MISSING = """no PostgreSQL was found on this machine (looked in /usr/lib/postgresql, in PATH and in {cache}).
Install it with
    sudo apt-get install postgresql
or point the proxy at a database of yours: articdbm up --config FILE"""

SAMPLE = """CREATE TABLE products (id integer PRIMARY KEY, name text NOT NULL, price numeric(8, 2) NOT NULL);
INSERT INTO products VALUES (1, 'lamp', 24.90), (2, 'chair', 79.00), (3, 'table', 249.00), (4, 'clock', 19.50);
ALTER TABLE products OWNER TO app;"""


class Unavailable(Exception):
    """No local PostgreSQL can be had. The text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who the server runs as: PostgreSQL refuses to run as root."""

    uid: int
    gid: int
    home: str

    def options(self) -> Mapping[str, int | list[int]]:
        if os.geteuid() != 0:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    pid: int
    port: int


def binaries(cache: Path) -> Path:
    """The folder with `initdb` and `postgres`; the newest version first."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin"), *cache.glob("*/bin")]
    for folder in sorted(found, key=_version, reverse=True):
        if _complete(folder):
            return folder
    in_path = shutil.which("postgres")
    if in_path is not None and _complete(Path(in_path).resolve().parent):
        return Path(in_path).resolve().parent
    raise Unavailable(MISSING.format(cache=cache))


def account() -> Account:
    """Ourselves, or `postgres` (failing that `nobody`) for root."""
    if os.geteuid() != 0:
        me = pwd.getpwuid(os.geteuid())
        return Account(me.pw_uid, me.pw_gid, me.pw_dir)
    for name in ("postgres", "nobody"):
        try:
            other = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(other.pw_uid, other.pw_gid, other.pw_dir)
    raise Unavailable(
        "PostgreSQL does not run as root, and there is no user postgres or nobody; start as another user"
    )


def prepare(bin_folder: Path, data: Path, who: Account, app_password: str) -> None:
    """Make the cluster with user `app` and database `shop`, unless it is there; then `app` gets its password back.

    Half a cluster is made anew. The cluster's server must not be running.
    """
    cluster, unfinished = data / "postgres", data / "postgres.new"
    if (cluster / "PG_VERSION").exists():
        _check_version(bin_folder, cluster)
        single = [str(bin_folder / "postgres"), "--single", "-D", str(cluster), "postgres"]
        try:
            _run(single, who, f"ALTER ROLE app LOGIN PASSWORD '{app_password}'\n")
        except Unavailable as why:
            raise Unavailable(f"{why}\nTo begin anew remove {cluster}, or give another --data") from why
        return
    _check_reach(data, who)
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    # Nobody needs the superuser's password: whoever may read the cluster can set another in single-user mode.
    superuser = data / "superuser.password"
    superuser.unlink(missing_ok=True)
    write_private(superuser, secrets.token_urlsafe(24))
    if os.geteuid() == 0:
        os.chown(unfinished, who.uid, who.gid)
        os.chown(superuser, who.uid, who.gid)
    initdb = [
        str(bin_folder / "initdb"), "--pgdata", str(unfinished), "--username", "postgres", "--pwfile", str(superuser),
        "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C",
    ]  # fmt: skip
    try:
        _run(initdb, who, "")
    finally:
        superuser.unlink()
    single = [str(bin_folder / "postgres"), "--single", "-D", str(unfinished)]
    _run(
        [*single, "postgres"],
        who,
        f"CREATE ROLE app LOGIN PASSWORD '{app_password}'\nCREATE DATABASE shop OWNER app\n",
    )
    _run([*single, "shop"], who, "\n".join(line.rstrip(";") for line in SAMPLE.splitlines()) + "\n")
    unfinished.rename(cluster)


def start(bin_folder: Path, data: Path, who: Account, port: int) -> Running:
    """Start the server."""
    log = data / "postgres.log"
    before = log.stat().st_size if log.exists() else 0
    command = [
        str(bin_folder / "postgres"), "-D", str(data / "postgres"), "-c", "listen_addresses=127.0.0.1",
        "-c", f"port={port}", "-c", "unix_socket_directories=", "-c", "logging_collector=off",
    ]  # fmt: skip
    with log.open("ab") as output:
        # A session of its own: Ctrl-C is for us, and we stop the server when the proxy has let go of it.
        server = subprocess.Popen(  # type: ignore[call-overload]
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            cwd="/", **who.options(),
        )  # fmt: skip
    deadline = time.monotonic() + STARTUP_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise Unavailable(f"PostgreSQL did not start; its own words:\n{_tail(log, before)}")
        if _accepts(port) and running(data) is not None:
            return Running(server.pid, port)
        time.sleep(0.05)
    stop(Running(server.pid, port))
    raise Unavailable(
        f"PostgreSQL was not ready within {STARTUP_SECONDS} s; its own words:\n{_tail(log, before)}"
    )


def stop(server: Running) -> None:
    """Fast shutdown: open transactions are rolled back, everything committed is on disk."""
    for request in (signal.SIGINT, signal.SIGQUIT):
        try:
            os.kill(server.pid, request)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            if not _alive(server.pid):
                return
            time.sleep(0.02)


def write_private(path: Path, secret: str) -> None:
    """A new file that nobody else can read, from its first moment on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")


def _version(folder: Path) -> int:
    digits = "".join(letter for letter in folder.parent.name.partition(".")[0] if letter.isdigit())
    return int(digits or 0)


def _complete(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres"))


def _check_version(bin_folder: Path, cluster: Path) -> None:
    made_by = (cluster / "PG_VERSION").read_text().strip()
    said = subprocess.run(
        [str(bin_folder / "postgres"), "--version"], capture_output=True, text=True, check=True
    )
    version = next((word for word in said.stdout.split() if word[0].isdigit()), "")
    if version.partition(".")[0] != made_by:
        raise Unavailable(
            f"{cluster} was made by PostgreSQL {made_by}, and the one found is {version}; "
            f"install version {made_by}, or start with another --data"
        )


def _check_reach(data: Path, who: Account) -> None:
    """A root's own folders are closed to others, and it is another who runs the server."""
    reached = subprocess.run(
        ["/bin/sh", "-c", 'cd "$0"', str(data)], capture_output=True, check=False, **who.options()
    )  # type: ignore[call-overload]
    if reached.returncode:
        name = pwd.getpwuid(who.uid).pw_name
        raise Unavailable(
            f"PostgreSQL runs as user {name}, who cannot enter {data}; give --data a folder that others may pass "
            "through (chmod o+x on each one above it)"
        )


def _run(command: list[str], who: Account, text: str) -> None:
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "HOME": who.home}
    done = subprocess.run(  # type: ignore[call-overload]
        command,
        input=text,
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
        check=False,
        **who.options(),
    )
    # A backend in single-user mode reports errors and ends well all the same.
    if done.returncode or "ERROR:" in done.stderr or "FATAL:" in done.stderr:
        said = "\n".join(line for line in done.stderr.splitlines() if "STATEMENT" not in line)
        raise Unavailable(f"{Path(command[0]).name} failed; its own words:\n{said.strip()}")


def running(data: Path) -> Running | None:
    """The server that `postmaster.pid` names, if it lives."""
    cluster = data / "postgres"
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        found = Running(int(lines[0]), int(lines[3]))
    except (OSError, ValueError, IndexError):
        return None
    # Another program may have the number by now; only a server sits in its own cluster.
    try:
        at_home = Path(f"/proc/{found.pid}/cwd").resolve() == cluster.resolve()
    except OSError:
        return None
    return found if at_home and _alive(found.pid) and _accepts(found.port) else None


def _accepts(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex(("127.0.0.1", port)) == 0


def _alive(pid: int) -> bool:
    try:
        ended, _ = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return _state(pid) not in ("", "Z")
    return ended == 0


def _state(pid: int) -> str:
    """The kernel's letter for what the process does; Z has ended, and whoever started it never asked. Empty: gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][:1]
    except OSError:
        return ""


def _tail(log: Path, before: int) -> str:
    """The end of what was said since the log was so long."""
    try:
        said = log.read_bytes()[before:].decode(errors="replace")
    except OSError:
        said = ""
    return "\n".join(said.splitlines()[-10:]) or "(nothing)"
