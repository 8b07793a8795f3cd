"""What monitoring reads: the metrics page (by a real parser), health and readiness, `articdbm top`, and the slow log."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread, Timer
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from articdbm import top
from protocols.postgres import messages
from proxy import metrics, pages
from proxy.native import PoolFigures
from tests.operation.house import House, get, running, until
from tests.servers import ports
from tests.servers import proxy as servers
from tests.servers.postgres import PostgresServer

SECRET = "topsecretvalue"


@pytest.fixture
def port() -> int:
    return ports.free()


@pytest.fixture
def house(postgres_server: PostgresServer, tmp_path: Path, port: int) -> Iterator[House]:
    more = f'\n[metrics]\naddress = "127.0.0.1:{port}"\n[log]\nslow = "50ms"\n'
    with running(postgres_server, tmp_path, more, pool={"size": 1, "sharing": False}) as found:
        yield found


def families(page: str) -> dict[str, Any]:
    return {family.name: family for family in text_string_to_metric_families(page)}


def value(found: dict[str, Any], family: str, sample: str, **labels: str) -> float:
    """The one sample of that name and labels."""
    (one,) = [one for one in found[family].samples if one.name == sample and one.labels == labels]
    return float(one.value)


def test_the_page_is_what_the_table_says(house: House, port: int) -> None:
    with psycopg.connect(house.proxy.dsn(), autocommit=True, prepare_threshold=None) as connection:
        for _ in range(7):
            connection.execute("SELECT 1")
        with pytest.raises(psycopg.Error):
            connection.execute("SELECT 1/0")
        connection.execute("CREATE TEMP TABLE something (i integer)")
        status, page = get(port, "/metrics")
    assert status == 200
    found = families(page)
    # The parser names counters without their `_total`.
    assert set(found) == {
        one.name.removesuffix("_total") if one.kind == "counter" else one.name for one in metrics.METRICS
    }
    for one in metrics.METRICS:
        family = found[one.name.removesuffix("_total") if one.kind == "counter" else one.name]
        assert family.type == one.kind
        assert family.documentation == one.help
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(one.labels)
    pool = "shop/app"
    assert value(found, "articdbm_pool_statements", "articdbm_pool_statements_total", pool=pool) == 9
    assert value(found, "articdbm_pool_errors", "articdbm_pool_errors_total", pool=pool) == 1
    assert value(found, "articdbm_pool_clients", "articdbm_pool_clients", pool=pool, state="active") == 1
    times = "articdbm_pool_statement_seconds"
    assert value(found, times, f"{times}_count", pool=pool) == 9
    assert value(found, times, f"{times}_bucket", pool=pool, le="+Inf") == 9
    counts = [one.value for one in found[times].samples if one.name.endswith("_bucket")]
    assert counts == sorted(counts)
    assert value(found, "articdbm_ready", "articdbm_ready") == 1
    assert sum(one.value for one in found["articdbm_pins"].samples) == 1


def test_the_document_is_current() -> None:
    assert metrics.markdown() in (servers.ROOT / "docs" / "metrics.md").read_text()


def figures(number: int, label: str) -> PoolFigures:
    names = (
        "clients_active",
        "clients_waiting",
        "clients_idle",
        "servers_active",
        "servers_idle",
        "servers_shared",
    )
    more = ("servers_opening", "statements", "shared_statements", "errors")
    plain = dict.fromkeys((*names, *more), 1)
    times: dict[str, Any] = {"wait_us": [], "statement_us": [(100, 1), (10**9, 2)]}
    return cast("PoolFigures", SimpleNamespace(pool=number, label=label, **plain, **times))


def state(pools: list[PoolFigures], pins: list[tuple[str, int, int, int]] | None = None) -> metrics.State:
    counts = dict.fromkeys(
        ("clients", "servers", "logins", "plans", "plan_misses", "bytes_in", "bytes_out", "panics"), 0
    )
    return metrics.State(
        "1", True, 0, cast("Any", SimpleNamespace(**counts, pins=pins or [], plan_us=[])), pools
    )


def test_labels_are_bounded_and_any_name_is_quoted() -> None:
    nasty = 'a"b\\c\nd{},='
    pools = [figures(0, nasty)] + [
        figures(number, f"p{number}/u") for number in range(1, 3 * metrics.MOST_POOLS)
    ]
    found = families(metrics.page(state(pools, [("because", 3, 1, 2)])))
    names = {one.labels["pool"] for one in found["articdbm_pool_statements"].samples}
    assert len(names) == metrics.MOST_POOLS + 1
    assert {nasty, "p1/u", metrics.OTHER} <= names
    total = sum(one.value for one in found["articdbm_pool_statements"].samples)
    assert total == len(pools), "nothing is left out"
    # What reads the page for `top` reads the same.
    assert top.samples(metrics.page(state(pools)))["articdbm_pool_statements_total", (("pool", nasty),)] == 1


def test_health_and_readiness(house: House, port: int) -> None:
    assert get(port, "/healthz") == (200, "alive\n")
    assert get(port, "/readyz?verbose=1") == (200, "ready\n")
    with psycopg.connect(house.proxy.dsn(), autocommit=True) as inside:
        inside.execute("BEGIN")
        house.proxy.process.terminate()
        assert until(lambda: get(port, "/readyz") == (503, "stopping\n"))
        assert get(port, "/healthz") == (200, "alive\n")
        inside.execute("COMMIT")
    assert house.proxy.process.wait(15) == 0


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", b"405"),
        (b"GET /../etc/passwd HTTP/1.0\r\n\r\n", b"404"),
        (b"hello\r\n\r\n", b"400"),
        (b"\xff\xfe\x00 x y\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"y" * (4 * pages.HEAD) + b"\r\n\r\n", None),
        (b"\x16\x03\x01\x02\x00", None),
    ],
)
def test_other_requests(said: bytes, status: bytes | None, house: House, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        try:
            line.sendall(said)
            line.shutdown(socket.SHUT_WR)
            answer = line.recv(65536)
        except OSError:
            answer = b""
    assert answer[9:12] == (status or b"")
    assert get(port, "/healthz")[0] == 200


def test_head_has_no_body(house: House, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(b"HEAD /healthz HTTP/1.1\r\n\r\n")
        answer = b""
        while part := line.recv(4096):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Length: 6\r\n" in answer
    assert answer.endswith(b"\r\n\r\n")


def test_callers_that_say_nothing_are_bounded(house: House, port: int) -> None:
    lines = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(3 * pages.CALLERS)]
    try:
        ended = 0
        for line in lines[pages.CALLERS :]:
            ended += line.recv(1) == b""
        assert ended == 2 * pages.CALLERS
        # And the others when their time is over.
        assert until(lambda: _answers(port))
    finally:
        for line in lines:
            line.close()


def _answers(port: int) -> bool:
    try:
        return get(port, "/healthz")[0] == 200
    except OSError:
        return False


def test_nothing_listens_unless_asked_to(postgres_server: PostgresServer, tmp_path: Path) -> None:
    with running(postgres_server, tmp_path) as house:
        inodes = {
            line.split()[9]
            for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
            if line.split()[3] == "0A" and int(line.split()[1].partition(":")[2], 16) != house.port
        }
        held = {
            link.readlink().name.removeprefix("socket:[").removesuffix("]")
            for link in Path(f"/proc/{house.proxy.process.pid}/fd").iterdir()
        }
        assert not inodes & held


def test_top(house: House, port: int) -> None:
    with psycopg.connect(house.proxy.dsn(), autocommit=True) as connection:
        connection.execute("SELECT 1")
        shown = _top(house, "--once", "--json")
        view = json.loads(shown)
        assert view["ready"] is True
        assert [pool["pool"] for pool in view["pools"]] == ["shop/app"]
        assert view["pools"][0]["clients"] == {"active": 0, "waiting": 0, "idle": 1}
        text = _top(house, "--once")
        assert "shop/app" in text
        assert "\x1b" not in text


def test_the_statements_that_take_the_most_time(
    postgres_server: PostgresServer, tmp_path: Path, port: int
) -> None:
    more = f'\n[metrics]\naddress = "127.0.0.1:{port}"\nstatements = true\n'
    with running(postgres_server, tmp_path, more) as house:
        with psycopg.connect(house.proxy.dsn(), autocommit=True) as connection:
            for number in range(300):
                connection.execute(f"SELECT {number}, '{SECRET}'")
                connection.execute(f"SELECT pg_sleep(0.002), {number}")
        status, said = get(port, "/statements")
        assert status == 200
        assert SECRET not in said
        first, second = json.loads(said)[:2]
        assert first["statement"] == "SELECT pg_sleep(?), ?"
        assert second["statement"] == "SELECT ?, ?"
        assert first["seconds"] > second["seconds"] > 0
        assert first["longest_ms"] >= 2
        assert first["executions"] % 16 == 0
        assert "SELECT pg_sleep(?), ?" in _top(house, "--once")
        (tmp_path / "articdbm.toml").write_text(
            house.proxy.config.read_text().replace("statements = true", "")
        )
        house.proxy.process.send_signal(signal.SIGHUP)
        assert until(lambda: get(port, "/statements")[0] == 404)
        assert json.loads(_top(house, "--once", "--json"))["statements"] is None


def test_top_says_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "articdbm.toml"
    command = [sys.executable, "-m", "articdbm", "top", "--once", "--config", str(file)]
    for text, said in (
        ("", "has no metrics listener"),
        ('[metrics]\naddress = "127.0.0.1:1"', "nobody answers"),
    ):
        file.write_text(text)
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=servers.ROOT, timeout=60
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr


def test_what_happened_between_two_looks() -> None:
    name: str
    pool: tuple[tuple[str, str], ...]
    name, pool = "articdbm_pool_statements_total", (("pool", "a/b"),)
    clients: top.Samples = {("articdbm_pool_clients", (("pool", "a/b"), ("state", "idle"))): 2.0}
    bucket = "articdbm_pool_statement_seconds_bucket"
    before: top.Samples = {
        (name, pool): 10.0,
        (bucket, (("le", "0.1"), *pool)): 10.0,
        (bucket, (("le", "+Inf"), *pool)): 10.0,
    }
    now = {
        **clients,
        (name, pool): 30.0,
        (bucket, (("le", "0.1"), *pool)): 15.0,
        (bucket, (("le", "+Inf"), *pool)): 30.0,
    }
    (seen,) = top.compare(before, now, 2.0)["pools"]
    assert (seen["statements_per_second"], seen["statement_p50_ms"], seen["statement_p99_ms"]) == (
        10.0,
        None,
        None,
    )
    # The process was replaced: nothing happened a negative number of times.
    (seen,) = top.compare(now, {**clients, (name, pool): 1.0}, 2.0)["pools"]
    assert seen["statements_per_second"] == 0


def _top(house: House, *more: str) -> str:
    command = [
        sys.executable,
        "-m",
        "articdbm",
        "top",
        "--config",
        str(house.proxy.config),
        "--every",
        "0.2",
        *more,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=servers.ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_slow_statements_are_logged_without_what_was_in_them(house: House) -> None:
    with psycopg.connect(house.proxy.dsn(), autocommit=True) as connection:
        connection.execute("SELECT 1")
        connection.execute(f"SELECT '{SECRET}', pg_sleep(0.1) -- {SECRET}")
        connection.execute("SELECT %s::text, pg_sleep(0.1)", [SECRET], prepare=True)
        with pytest.raises(psycopg.Error):
            connection.execute(f"SELECT pg_sleep(0.1), 1/(length('{SECRET}' || now()) * 0)")
    assert until(lambda: house.text().count("a slow statement") >= 3), house.text()
    entries = [json.loads(line) for line in house.text().splitlines() if "a slow statement" in line]
    texts = [
        "SELECT ?, pg_sleep(?)",
        "SELECT $1::text, pg_sleep(?)",
        "SELECT pg_sleep(?), ?/(length(? || now()) * ?)",
    ]
    assert [entry["statement"] for entry in entries] == texts
    assert [entry["failed"] for entry in entries] == [False, False, True]
    for entry in entries:
        assert (entry["user"], entry["database"]) == ("app", "shop")
        assert entry["connection"] > 0
        assert len(entry["fingerprint"]) == 32
        assert entry["total_ms"] >= entry["server_ms"] >= 100
    assert SECRET not in house.text()


def test_a_wait_in_the_queue_is_told_from_one_at_the_server(house: House) -> None:
    with psycopg.connect(house.proxy.dsn(), autocommit=True) as one:
        with psycopg.connect(house.proxy.dsn(), autocommit=True) as other:
            other.execute("SELECT 7")
            one.execute("BEGIN")
            one.execute("SELECT 1")
            timer = Timer(0.3, lambda: one.execute("COMMIT"))
            timer.start()
            thread = Thread(target=lambda: other.execute("SELECT 7"))
            thread.start()
            thread.join(20)
            timer.join(20)
    assert until(lambda: "a slow statement" in house.text())
    entry = next(json.loads(line) for line in house.text().splitlines() if "a slow statement" in line)
    assert entry["statement"] == "SELECT ?"
    assert entry["queue_ms"] >= 100 > entry["server_ms"]


def test_the_slow_log_goes_on_and_off_with_a_reload(postgres_server: PostgresServer, tmp_path: Path) -> None:
    with running(postgres_server, tmp_path) as house:
        text = house.proxy.config.read_text()
        with psycopg.connect(house.proxy.dsn(), autocommit=True) as connection:
            for count, slow in enumerate(("20ms", "0", "20ms"), start=1):
                before = house.text().count("a slow statement")
                house.proxy.reload(f'{text}\n[log]\nslow = "{slow}"\n')
                assert until(lambda count=count: house.text().count("is in force") == count)  # type: ignore[misc]
                connection.execute("SELECT pg_sleep(0.05), 'x'")
                if slow != "0":
                    assert until(lambda before=before: house.text().count("a slow statement") == before + 1)  # type: ignore[misc]
                else:
                    connection.execute("SELECT 1")
                    assert house.text().count("a slow statement") == before
        entries = [json.loads(line) for line in house.text().splitlines() if "a slow statement" in line]
        assert {entry["statement"] for entry in entries} == {"SELECT pg_sleep(?), ?"}


def test_the_time_the_client_took_is_told_apart(house: House) -> None:
    """A client that reads late: the server is done long before, and the statement is slow all the same."""
    with socket.create_connection(("127.0.0.1", house.port)) as line:
        line.settimeout(30)
        line.sendall(messages.startup({"user": "app", "database": "shop"}))
        read_until_ready(line)
        text = b"SELECT repeat('x', 1000) FROM generate_series(1, 20000)\0"
        line.sendall(messages.frame(b"Q", text))
        time.sleep(1.0)
        read_until_ready(line)
    (late,) = told_of(house, "repeat(")
    assert late["client_ms"] >= 900
    assert late["total_ms"] >= late["client_ms"]
    # Who reads at once takes no time.
    with psycopg.connect(house.proxy.dsn(), autocommit=True) as connection:
        connection.execute("SELECT pg_sleep(0.5)")
    (prompt,) = told_of(house, "pg_sleep(")
    assert prompt["client_ms"] < 500 <= prompt["server_ms"]


def told_of(house: House, text: str) -> list[dict[str, Any]]:
    """What the slow log says of such statements, once it says something."""

    def found() -> list[dict[str, Any]]:
        lines = [json.loads(one) for one in house.text().splitlines() if "a slow statement" in one]
        return [one for one in lines if text in one.get("statement", "")]

    assert until(found), house.text()
    return found()


def read_until_ready(line: socket.socket) -> None:
    said = b""
    while not said.endswith(b"Z\0\0\0\x05I"):
        piece = line.recv(1 << 20)
        assert piece, "the connection ended"
        said = (said + piece)[-6:]


def test_parameters_are_told_by_their_kind_alone(postgres_server: PostgresServer, tmp_path: Path) -> None:
    more = '\n[log]\nslow = "50ms"\nslow_parameters = "masked"\n'
    with running(postgres_server, tmp_path, more) as house:
        with psycopg.connect(house.proxy.dsn(), autocommit=True) as connection:
            connection.execute("SELECT %s::text, %s::text, pg_sleep(0.1)", [SECRET, None])
            connection.execute("SELECT %b::int, pg_sleep(0.1)", [4711])
            connection.execute(f"SELECT '{SECRET}', 4711, pg_sleep(0.1)")
        assert until(lambda: house.text().count("a slow statement") >= 3), house.text()
        entries = [json.loads(line) for line in house.text().splitlines() if "a slow statement" in line]
        assert [entry["parameters"] for entry in entries] == [
            f"$1=text({len(SECRET)}) $2=null",
            "$1=binary(2)",
            "?1=text ?2=number ?3=number",
        ]
        assert SECRET not in house.text()
        assert "4711" not in "".join(json.dumps({**entry, "time": ""}) for entry in entries)
