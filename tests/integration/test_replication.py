"""Real programs replicate through the proxy: WAL archives, base backups, a standby, logical decoding.

What they get is compared with what the server has. PostgreSQL's own programs take servers up to their own version, so
that those run against the one from apt; the others against 17 too.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import psycopg2  # type: ignore[import-untyped]
import pytest
from psycopg2.extras import LogicalReplicationConnection, PhysicalReplicationConnection  # type: ignore[import-untyped]

from tests.conftest import StartProxy
from tests.integration import replication, tls
from tests.integration.conftest import Front
from tests.integration.console import opened
from tests.integration.drivers.toolchains import JAVA
from tests.integration.replication import ENVIRONMENT, PASSWORD, USER, copy_of, dsn, one, run, running, until
from tests.servers import certificates
from tests.servers.certificates import Authority, Identity
from tests.servers.postgres import PostgresServer
from tests.servers.proxy import Proxy


@pytest.fixture(scope="module")
def server15() -> Iterator[PostgresServer]:
    with replication.server("15") as found:
        yield found


@pytest.fixture(scope="module")
def server17() -> Iterator[PostgresServer]:
    with replication.server("17") as found:
        yield found


@pytest.fixture(scope="module", params=["15", "17"])
def server(request: pytest.FixtureRequest) -> PostgresServer:
    found: PostgresServer = request.getfixturevalue(f"server{request.param}")
    return found


@pytest.fixture(scope="module")
def proxy(server: PostgresServer, front: Front) -> Proxy:
    return front(replication.configuration(server), ENVIRONMENT)


@pytest.fixture(scope="module")
def proxy15(server15: PostgresServer, front: Front) -> Proxy:
    return front(replication.configuration(server15), ENVIRONMENT)


@contextmanager
def replicating(conninfo: str, kind: Any = LogicalReplicationConnection) -> Iterator[Any]:
    """psycopg 2's own `with` would begin a transaction."""
    line = psycopg2.connect(conninfo, connection_factory=kind)
    try:
        yield line
    finally:
        line.close()


def slots(server: PostgresServer) -> list[tuple[object, ...]]:
    return server.execute("SELECT slot_name FROM pg_replication_slots")


# --- physical -------------------------------------------------------------------------------------


def test_an_archive_of_wal_is_the_servers_own(
    server15: PostgresServer, proxy15: Proxy, tmp_path: Path
) -> None:
    archive = tmp_path / "wal"
    archive.mkdir()
    common = ("--dbname", dsn(proxy15), "--slot", "archive")
    run("pg_receivewal", *common, "--create-slot")
    arguments = (*common, "--directory", archive, "--synchronous", "--no-loop", "--verbose")
    with running("pg_receivewal", *arguments, output=tmp_path / "said"):
        # It begins with the segment that is written then.
        assert until(lambda: "starting log streaming" in (tmp_path / "said").read_text())
        names = []
        for number in range(3):
            server15.execute(
                f"SELECT pg_logical_emit_message(false, 'wal', repeat(md5('{number}'), 100000)) "
                "FROM generate_series(1, 3)"
            )
            names.append(one(server15, "SELECT pg_walfile_name(pg_switch_wal())"))
        assert until(lambda: all((archive / str(name)).exists() for name in names))
        end = one(server15, "SELECT pg_current_wal_lsn()")
        # What it has written, it has said; and the server heard it.
        confirmed = f"SELECT restart_lsn >= '{end}' FROM pg_replication_slots WHERE slot_name = 'archive'"
        assert until(lambda: one(server15, confirmed))
    for name in names:
        assert (archive / str(name)).read_bytes() == (server15.data / "pg_wal" / str(name)).read_bytes()
    run("pg_receivewal", *common, "--drop-slot")
    assert slots(server15) == []


@pytest.mark.parametrize("way", ["stream", "fetch"])
def test_a_base_backup_starts_as_a_server(server15: PostgresServer, proxy15: Proxy, way: str) -> None:
    server15.execute(
        f"CREATE TABLE backup_{way} AS SELECT i, md5(i::text) FROM generate_series(1, 20000) i", "shop"
    )
    count = f"SELECT count(*), md5(string_agg(md5, '' ORDER BY i)) FROM backup_{way}"
    with copy_of(server15, "--dbname", dsn(proxy15), "--wal-method", way) as copy:
        assert copy.execute(count) == server15.execute(count)


def test_a_standby_streams_through_it_and_comes_back(
    server15: PostgresServer, proxy15: Proxy, start_proxy: StartProxy
) -> None:
    slot = ("--create-slot", "--slot", "standby", "--write-recovery-conf")
    with copy_of(server15, "--dbname", dsn(proxy15), "--wal-method", "stream", *slot) as standby:
        assert one(standby, "SELECT pg_is_in_recovery()") is True
        streams = "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'"
        assert until(lambda: one(standby, streams) == 1), standby.log.read_text()
        assert one(standby, "SELECT sender_port FROM pg_stat_wal_receiver") == proxy15.port
        for number, there in enumerate(("first", "again")):
            server15.execute(f"INSERT INTO items VALUES ({2000 + number}, '{there}')")
            row = f"SELECT count(*) FROM items WHERE what = '{there}'"
            assert until(lambda row=row: one(standby, row) == 1), standby.log.read_text()  # type: ignore[misc]
            # How far it is comes back to the server.
            end = one(server15, "SELECT pg_current_wal_lsn()")
            replayed = f"SELECT count(*) FROM pg_stat_replication WHERE replay_lsn >= '{end}'"
            assert until(lambda replayed=replayed: one(server15, replayed) == 1)  # type: ignore[misc]
            with opened(proxy15.port) as console:
                client = console.row("SHOW CLIENTS", replication="physical")
                assert console.order(f"KILL_CLIENT {client['id']}") == "KILL_CLIENT"
        assert "terminating connection due to administrator command" in standby.log.read_text()
        assert until(lambda: one(standby, streams) == 1)
        # Of the two it is the primary that one replicates from.
        servers = f'{{ address = "{standby.host}:{standby.port}" }}, '
        text = replication.configuration(server15).replace("servers = [", f"servers = [{servers}")
        both = start_proxy(text, ENVIRONMENT)
        for kind in (PhysicalReplicationConnection, LogicalReplicationConnection):
            with replicating(dsn(both), kind) as line:
                cursor = line.cursor()
                cursor.execute("SHOW in_hot_standby")
                assert cursor.fetchone() == ("off",)
    server15.execute("SELECT pg_drop_replication_slot('standby')")


def test_psycopg2_physical(server: PostgresServer, proxy: Proxy) -> None:
    """Over the wire as psycopg 2 speaks it: what the system is, and WAL from where it is now."""
    with replicating(dsn(proxy), PhysicalReplicationConnection) as line:
        cursor = line.cursor()
        cursor.execute("IDENTIFY_SYSTEM")
        (system, timeline, start, database) = cursor.fetchone()
        assert (system, timeline) == (
            str(one(server, "SELECT system_identifier FROM pg_control_system()")),
            1,
        )
        assert database is None
        cursor.start_replication(start_lsn=start)
        server.execute("SELECT pg_logical_emit_message(false, 'psycopg2', 'here it is')")
        found = b""

        def arrived() -> bool:
            nonlocal found
            message = cursor.read_message()
            found += message.payload if message is not None else b""
            return b"here it is" in found

        assert until(arrived)


# --- logical --------------------------------------------------------------------------------------


def test_pg_recvlogical(server: PostgresServer, proxy: Proxy, tmp_path: Path) -> None:
    common = ("--dbname", dsn(proxy), "--slot", "received")
    run("pg_recvlogical", *common, "--create-slot", "--plugin", "test_decoding")
    server.execute("INSERT INTO items SELECT i, repeat('x', 1000) FROM generate_series(3000, 3999) i")
    server.execute("DELETE FROM items WHERE id BETWEEN 3000 AND 3999")
    end = one(server, "SELECT pg_current_wal_lsn()")
    file = tmp_path / "changes"
    direct = [
        str(row)
        for (row,) in server.execute("SELECT data FROM pg_logical_slot_peek_changes('received', NULL, NULL)")
    ]
    run("pg_recvlogical", *common, "--start", "--file", file, "--no-loop", "--endpos", str(end))
    got = file.read_text().splitlines()
    assert len(got) > 2000
    assert got == direct[: len(got)]
    run("pg_recvlogical", *common, "--drop-slot")
    assert slots(server) == []


def changes(cursor: Any, commits: int) -> tuple[list[str], int]:
    """What is decoded until so many transactions were; and the position to confirm."""
    said: list[str] = []
    last = 0

    def arrived() -> bool:
        nonlocal last
        while (message := cursor.read_message()) is not None:
            said.append(str(message.payload))
            last = message.data_start
        if last:
            cursor.send_feedback(flush_lsn=last, force=True)
        return sum(one.startswith("COMMIT") for one in said) >= commits

    assert until(arrived), said
    return said, last


def test_psycopg2_decodes_and_confirms(server: PostgresServer, proxy: Proxy) -> None:
    with replicating(dsn(proxy)) as line:
        cursor = line.cursor()
        # Statements are possible in between, and pass unplanned.
        cursor.execute("SELECT current_user, current_database(), current_setting('application_name')")
        assert cursor.fetchone() == (USER, "shop", "")
        cursor.execute("SHOW wal_level")
        assert cursor.fetchone() == ("logical",)
        cursor.create_replication_slot("decoded", output_plugin="test_decoding")
        at = "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'decoded'"
        before = one(server, at)
        options = {"include-xids": "0", "skip-empty-xacts": "1"}
        cursor.start_replication(slot_name="decoded", decode=True, options=options)
        server.execute("INSERT INTO items VALUES (1, 'one')")
        server.execute("DELETE FROM items WHERE id = 1")
        said, last = changes(cursor, 2)
        assert said == [
            "BEGIN",
            "table public.items: INSERT: id[integer]:1 what[text]:'one'",
            "COMMIT",
            "BEGIN",
            "table public.items: DELETE: id[integer]:1",
            "COMMIT",
        ]
        moved = f"{at} AND confirmed_flush_lsn > '{before}'"
        assert last
        assert until(lambda: server.execute(moved))
    assert until(lambda: one(server, "SELECT count(*) FROM pg_replication_slots WHERE active") == 0)
    server.execute("SELECT pg_drop_replication_slot('decoded')")


def test_psycopg2_reads_what_pgoutput_says(server: PostgresServer, proxy: Proxy) -> None:
    with replicating(dsn(proxy)) as line:
        cursor = line.cursor()
        cursor.execute("CREATE_REPLICATION_SLOT published TEMPORARY LOGICAL pgoutput")
        options = {"proto_version": "1", "publication_names": "everything"}
        cursor.start_replication(slot_name="published", options=options)
        server.execute("INSERT INTO items VALUES (2, 'published')")
        kinds = ""
        texts = b""

        def arrived() -> bool:
            nonlocal kinds, texts
            while (message := cursor.read_message()) is not None:
                kinds += chr(message.payload[0])
                texts += message.payload
            return "C" in kinds

        assert until(arrived)
        assert kinds == "BRIC"
        assert b"published" in texts
    server.execute("DELETE FROM items WHERE id = 2")
    assert until(lambda: slots(server) == [])


def test_pgjdbc_captures_changes(server: PostgresServer, proxy: Proxy) -> None:
    made = JAVA.programs()
    environment = {
        **os.environ,
        "PGHOST": proxy.host,
        "PGPORT": str(proxy.port),
        "PGDATABASE": "shop",
        "PGUSER": USER,
        "PGPASSWORD": PASSWORD,
    }
    done = subprocess.run(
        ("java", "-XX:TieredStopAtLevel=1", "-cp", f"{made}:{made}/*", "Replication"),
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    inserted = [
        f"table public.items: INSERT: id[integer]:{n} what[text]:'from java'" for n in range(1000, 1005)
    ]
    deleted = [f"table public.items: DELETE: id[integer]:{n}" for n in range(1000, 1005)]
    assert done.stdout.splitlines() == [
        "BEGIN", *inserted, "COMMIT", "BEGIN", *deleted, "COMMIT", "confirmed: true", "dropped",
    ], done.stderr  # fmt: skip


# --- how they log in ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def identity(authority: Authority) -> Identity:
    return certificates.issue(authority, "listener")


def identify(conninfo: str, kind: Any = PhysicalReplicationConnection) -> str:
    with replicating(conninfo, kind) as line:
        cursor = line.cursor()
        cursor.execute("IDENTIFY_SYSTEM")
        return str(cursor.fetchone()[0])


def test_tls_on_both_sides(
    server: PostgresServer, identity: Identity, authority: Authority, front: Front, tmp_path: Path
) -> None:
    listener = tls.listener(identity, "require")
    cluster = f'tls = {{ mode = "verify-ca", ca = "{server.authority.certificate_file}" }}'
    proxy = front(replication.configuration(server, listener=listener, cluster=cluster), ENVIRONMENT)
    safe = {
        "sslmode": "verify-ca",
        "sslrootcert": str(authority.certificate_file),
        "channel_binding": "require",
    }
    system = str(one(server, "SELECT system_identifier FROM pg_control_system()"))
    for kind in (PhysicalReplicationConnection, LogicalReplicationConnection):
        assert identify(dsn(proxy, **safe), kind) == system
    # A stream long enough to be cut into many records.
    with replicating(dsn(proxy, **safe)) as line:
        cursor = line.cursor()
        cursor.execute("CREATE_REPLICATION_SLOT sealed TEMPORARY LOGICAL test_decoding")
        cursor.start_replication(slot_name="sealed", decode=True, options={"skip-empty-xacts": "1"})
        server.execute(
            "INSERT INTO items SELECT i, repeat(md5(i::text), 100) FROM generate_series(5000, 6999) i"
        )
        said, _ = changes(cursor, 1)
        assert len(said) == 2002
        assert all(f"id[integer]:{i} " in row for i, row in zip(range(5000, 7000), said[1:-1], strict=True))
    server.execute("DELETE FROM items WHERE id BETWEEN 5000 AND 6999")
    with replicating(dsn(proxy, **safe)) as line:
        cursor = line.cursor()
        cursor.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        assert cursor.fetchone() == (True,)


@pytest.mark.parametrize("kind", [PhysicalReplicationConnection, LogicalReplicationConnection])
def test_keys_and_looked_up_users(server: PostgresServer, start_proxy: StartProxy, kind: Any) -> None:
    """Nobody's password is stored here: the server is asked for the verifier, and the client's proof logs in there."""
    text = f"""
[[listeners]]
protocol = "postgres"
address = "127.0.0.1:@port@"
[[clusters]]
name = "main"
protocol = "postgres"
servers = [{{ address = "{server.host}:{server.port}" }}]
auth_query = {{ user = "admin", password = "env://ADMIN_PASSWORD", dbname = "postgres" }}
[[databases]]
name = "*"
cluster = "main"
[[users]]
name = "*"
replication = true
"""
    proxy = start_proxy(text, {"ADMIN_PASSWORD": server.password})
    system = str(one(server, "SELECT system_identifier FROM pg_control_system()"))
    assert identify(dsn(proxy), kind) == system
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        identify(dsn(proxy, password="wrong"), kind)
    assert PASSWORD not in proxy.log_text()


def test_settings_of_the_startup_packet_are_the_servers_to_judge(proxy: Proxy) -> None:
    said = {"application_name": "a_sync_name", "options": "-c DateStyle=German -c wal_sender_timeout=7s"}
    with replicating(dsn(proxy, **said)) as line:
        assert line.get_parameter_status("DateStyle") == "German, DMY"
        cursor = line.cursor()
        cursor.execute("SELECT application_name, current_setting('wal_sender_timeout') FROM pg_stat_activity "
                       "WHERE pid = pg_backend_pid()")  # fmt: skip
        assert cursor.fetchone() == ("a_sync_name", "7s")
    with pytest.raises(psycopg2.OperationalError, match='invalid value for parameter "DateStyle": "Roman"'):
        identify(dsn(proxy, options="-c DateStyle=Roman"), LogicalReplicationConnection)


def test_clients_that_do_not_replicate_are_as_before(proxy: Proxy) -> None:
    with psycopg.connect(dsn(proxy), autocommit=True) as line:
        found = line.execute("SELECT backend_type FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        assert found.fetchone() == ("client backend",)
