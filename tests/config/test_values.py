"""Times, sizes and addresses: what is read, and that what is shown reads back the same."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.address import Address, address
from config.errors import RefusedError
from config.quantities import LONGEST_MS, Duration, Size, duration, size


@pytest.mark.parametrize(
    ("written", "ms"),
    [
        ("250ms", 250),
        ("5s", 5_000),
        ("2m", 120_000),
        ("1h30m", 5_400_000),
        ("1d", 86_400_000),
        ("0.5s", 500),
        ("1.001s", 1_001),
        ("0", 0),
        ("0s", 0),
        (0, 0),
        (3, 3_000),
        (0.25, 250),
        (0.1, 100),
        (1.1, 1_100),
    ],
)
def test_durations(written: object, ms: int) -> None:
    assert duration(written).ms == ms


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            "5",
            "s",
            "5 s",
            " 5s",
            "5S",
            "-5s",
            "5s-1s",
            "1.0001s",
            "1e3s",
            "1y",
            "1s\n",
            "367d",
            "\u0663s",
        ),
        *("999999999999d" * 5, None, [], True, -1, 0.0005, float("nan"), float("inf"), 10**30, 1e300),
    ],
)
def test_no_durations(written: object) -> None:
    with pytest.raises(RefusedError):
        duration(written)


@settings(deadline=None)
@given(st.integers(0, LONGEST_MS))
def test_a_duration_reads_back(ms: int) -> None:
    assert duration(str(Duration(ms))) == ms


@settings(deadline=None)
@given(st.integers(0, LONGEST_MS // 1000 - 1), st.integers(0, 999))
def test_seconds_with_a_fraction_are_exact(seconds: int, thousandths: int) -> None:
    assert duration(float(f"{seconds}.{thousandths:03}")).ms == seconds * 1000 + thousandths


@pytest.mark.parametrize(
    ("written", "count"),
    [("0B", 0), ("1B", 1), ("64KiB", 65_536), ("1MiB", 1 << 20), ("2GiB", 2 << 30), (17, 17)],
)
def test_sizes(written: object, count: int) -> None:
    assert size(written) == count


@pytest.mark.parametrize(
    "written", ["", "1", "1MB", "1M", "1.5MiB", "-1B", "1 MiB", "1mib", -1, 1.5, True, None]
)
def test_no_sizes(written: object) -> None:
    with pytest.raises(RefusedError):
        size(written)


@settings(deadline=None)
@given(st.integers(1, 1 << 50))
def test_a_size_reads_back(count: int) -> None:
    assert size(str(Size(count))) == count


@pytest.mark.parametrize(
    ("written", "host", "port", "loopback"),
    [
        ("127.0.0.1:6432", "127.0.0.1", 6432, True),
        ("127.8.9.10:1", "127.8.9.10", 1, True),
        ("localhost:0", "localhost", 0, True),
        ("LOCALHOST:5432", "LOCALHOST", 5432, True),
        ("[::1]:5432", "::1", 5432, True),
        ("[0:0::0:1]:5432", "::1", 5432, True),
        ("[::ffff:127.0.0.1]:5432", "::ffff:127.0.0.1", 5432, True),
        ("[::ffff:10.0.0.1]:5432", "::ffff:10.0.0.1", 5432, False),
        ("0.0.0.0:65535", "0.0.0.0", 65535, False),
        ("[::]:5432", "::", 5432, False),
        ("10.0.0.1:5432", "10.0.0.1", 5432, False),
        ("localhost.example:5432", "localhost.example", 5432, False),
        ("db_1.internal.:5432", "db_1.internal.", 5432, False),
    ],
)
def test_addresses(written: str, host: str, port: int, loopback: bool) -> None:
    found = address(written)
    assert (found.port, found.loopback) == (port, loopback)
    assert found.host == str(ipaddress.ip_address(host)) if ":" in host else found.host == host
    assert address(str(found)) == found


@pytest.mark.parametrize(
    "written",
    [
        *(
            "",
            ":",
            ":5432",
            "*:5432",
            "host",
            "host:",
            "host:x",
            "host:-1",
            "host:65536",
            "host:\u0663",
            "[::1]",
        ),
        *(
            "::1:5432",
            "[::1:5432",
            "::1]:5432",
            "[127.0.0.1]:5432",
            "1.2.3:5432",
            "1.2.3.4.5:1",
            "a b:1",
            "a..b:1",
        ),
        *("-a:1", "a-:1", f"{'a' * 64}:1", f"{'a.' * 130}:1", "a/b:1", "host:5432\n", 5432, None),
    ],
)
def test_no_addresses(written: object) -> None:
    with pytest.raises(RefusedError):
        address(written)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_an_address_or_refused(written: str) -> None:
    try:
        found = address(written)
    except RefusedError:
        return
    assert address(str(found)) == found
    assert isinstance(found, Address)
