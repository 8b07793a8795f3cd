"""Server log-ins as conversations: what the servers say, and what the core is told."""

import struct

import msgspec
import pytest

from config.address import address
from protocols.postgres import messages
from protocols.postgres.types import Problem
from proxy.native import (
    AdmitServer,
    Attach,
    Close,
    Command,
    Fail,
    Send,
    ServerLost,
    ServerMessage,
    ServerNeeded,
    ServerOpened,
)
from proxy.profiles import Outcome, Profiles
from proxy.target import Target, TlsRule
from proxy.upstream import MOST_DIALS, Upstream
from tests.proxy.world import Hand, Net, messages_in, only

ONE = "127.0.0.1:5001"
TWO = "127.0.0.1:5002"
REPORTED = {"server_version": "15.4", "client_encoding": "UTF8", "TimeZone": "UTC"}


class Talk:
    """One pool of `Upstream`, and the voices of core and server towards it."""

    def __init__(self, *servers: str, tls: str = "disable", password: str | None = "secret") -> None:
        self.hand = Hand()
        self.net = Net()
        self.heard: list[Outcome] = []
        self.conns = 100
        self.target: Target | None = Target(
            cluster="main",
            servers=tuple(address(server) for server in servers or (ONE,)),
            database="shop",
            user="app",
            password=password,
            tls=TlsRule(tls),
            connect_timeout=5.0,
            login_retry=15.0,
        )
        self.profiles = Profiles()
        self.upstream = Upstream(
            self.hand,
            lambda _pool: self.target,
            self.profiles,
            connect=self.net.connect,
            chance=lambda: 1.0,
            nonce=lambda count: b"n" * count,
        )

    def needed(self) -> list[Command]:
        return self.upstream.needed(ServerNeeded(7)) + self.hand.work()

    def ask(self, conn: int = 1) -> list[Command]:
        def hear(outcome: Outcome) -> list[Command]:
            self.heard.append(outcome)
            return []

        return self.upstream.profile(7, conn, hear) + self.hand.work()

    def opened(self, attach: Attach) -> tuple[int, list[Command]]:
        self.conns += 1
        return self.conns, self.upstream.opened(ServerOpened(self.conns, attach.ticket, None))

    def says(self, conn: int, attach: Attach, data: bytes) -> list[Command]:
        commands: list[Command] = []
        for kind, body in messages_in(data):
            commands += self.upstream.message(ServerMessage(conn, attach.ticket, ord(kind), body))
        return commands + self.hand.work()

    def log_in(self, attach: Attach, **more: str) -> list[Command]:
        conn, _ = self.opened(attach)
        return self.says(conn, attach, welcome(**more))

    def refuse(self, attach: Attach, code: str, message: str) -> list[Command]:
        conn, _ = self.opened(attach)
        return self.says(conn, attach, messages.error(Problem("FATAL", code, message)))


def welcome(**more: str) -> bytes:
    statuses = b"".join(messages.parameter_status(*pair) for pair in {**REPORTED, **more}.items())
    key = messages.frame(b"K", struct.pack("!i", 4711) + b"kkkk")
    return messages.authentication_ok() + statuses + key + messages.ready(b"I")


def test_a_server_that_trusts_us_is_admitted_with_what_it_reported() -> None:
    talk = Talk()
    attach = only(talk.needed(), Attach)
    conn, first = talk.opened(attach)
    assert only(first, Send).data == messages.startup({"user": "app", "database": "shop"})
    admit = only(talk.says(conn, attach, welcome()), AdmitServer)
    assert (admit.conn, admit.pid, admit.secret) == (conn, 4711, b"kkkk")
    assert dict(admit.parameters) == REPORTED


def test_one_that_is_lost_while_it_is_admitted_is_given_back_to_be_asked_for_again() -> None:
    talk = Talk()
    attach = only(talk.needed(), Attach)
    conn, _ = talk.opened(attach)
    only(talk.says(conn, attach, welcome()), AdmitServer)
    lost = ServerLost(conn, attach.ticket, 7, False, "reset by peer")
    fail = only(talk.upstream.lost(lost), Fail)
    assert (fail.pool, fail.code, fail.final) == (7, "08006", False)
    assert talk.upstream.lost(lost) == []


def test_one_that_nobody_asked_for_and_is_lost_while_it_is_admitted_is_nobodys() -> None:
    talk = Talk()
    attach = only(talk.ask(), Attach)
    conn, _ = talk.opened(attach)
    only(talk.says(conn, attach, welcome()), AdmitServer)
    assert talk.upstream.lost(ServerLost(conn, attach.ticket, 7, False, "reset by peer")) == []


def test_notices_during_log_in_change_nothing() -> None:
    talk = Talk()
    attach = only(talk.needed(), Attach)
    conn, _ = talk.opened(attach)
    assert talk.says(conn, attach, messages.notice(Problem("WARNING", "01000", "psst"))) == []
    only(talk.says(conn, attach, welcome()), AdmitServer)


@pytest.mark.parametrize(
    ("code", "seen", "final"),
    [("28P01", "08004", True), ("3D000", "3D000", True), ("42501", "42501", True), ("53300", "53300", False),
     ("57P03", "57P03", False)],
)  # fmt: skip
def test_a_refusal_is_passed_on_and_final_when_only_configuration_can_mend_it(
    code: str, seen: str, final: bool
) -> None:
    talk = Talk()
    close, fail = talk.refuse(only(talk.needed(), Attach), code, "no")
    assert isinstance(close, Close)
    assert isinstance(fail, Fail)
    shown = "server login failed: no" if code == "28P01" else "no"
    assert (fail.pool, fail.code, fail.message, fail.final) == (7, seen, shown, final)
    assert fail.retry_ms == 400


def test_a_log_in_with_what_holds_no_longer_is_made_anew() -> None:
    talk = Talk()
    attach = only(talk.needed(), Attach)
    assert talk.target is not None
    talk.target = msgspec.structs.replace(talk.target, password="changed")
    close, again = talk.refuse(attach, "28P01", "no")
    assert isinstance(close, Close)
    assert isinstance(again, Attach)
    # And that is the last word, if it is refused again.
    assert isinstance(talk.refuse(again, "28P01", "no")[1], Fail)


def test_pauses_grow_up_to_the_limit_and_start_anew_after_success() -> None:
    talk = Talk()
    talk.net.down[ONE] = "Connection refused"
    pauses = [only(talk.needed(), Fail).retry_ms for _ in range(9)]
    assert pauses[:4] == [400, 800, 1600, 3200]
    assert pauses[-1] == 15_000
    talk.net.down.clear()
    talk.log_in(only(talk.needed(), Attach))
    talk.net.down[ONE] = "Connection refused"
    fail = only(talk.needed(), Fail)
    assert (fail.retry_ms, fail.final, fail.code) == (400, False, "08006")
    assert ONE in fail.message


def test_a_server_that_accepts_and_is_silent_is_given_up() -> None:
    talk = Talk()
    conn, _ = talk.opened(only(talk.needed(), Attach))
    close, fail = talk.hand.wait(5.0)
    assert isinstance(close, Close)
    assert close.conn == conn
    assert isinstance(fail, Fail)
    assert fail.code == "08006"


def test_a_server_that_hangs_up_during_log_in_fails_once() -> None:
    talk = Talk()
    attach = only(talk.needed(), Attach)
    conn, _ = talk.opened(attach)
    lost = ServerLost(conn, attach.ticket, 7, False, "end of file")
    assert only(talk.upstream.lost(lost), Fail).code == "08006"
    assert talk.upstream.lost(lost) == []
    assert talk.hand.wait(60.0) == []


def test_garbage_from_a_server_closes_it() -> None:
    talk = Talk()
    attach = only(talk.needed(), Attach)
    conn, _ = talk.opened(attach)
    close, fail = talk.says(conn, attach, messages.frame(b"R", b"\0"))
    assert isinstance(close, Close)
    assert close.conn == conn
    assert isinstance(fail, Fail)
    assert fail.code == "08P01"


def test_a_password_is_never_sent_in_clear_without_tls() -> None:
    talk = Talk()
    attach = only(talk.needed(), Attach)
    conn, _ = talk.opened(attach)
    close, fail = talk.says(conn, attach, messages.authentication_cleartext())
    assert isinstance(close, Close)
    assert close.conn == conn
    assert isinstance(fail, Fail)
    assert "clear text" in fail.message


def test_of_several_servers_only_the_primary_is_admitted_and_then_tried_first() -> None:
    talk = Talk(ONE, TWO)
    first = only(talk.needed(), Attach)
    close, second = talk.log_in(first, in_hot_standby="on")
    assert isinstance(close, Close)
    assert isinstance(second, Attach)
    assert [place for place, _ in talk.net.dialled] == [ONE, TWO]
    only(talk.log_in(second, in_hot_standby="off"), AdmitServer)
    talk.needed()
    assert talk.net.dialled[-1][0] == TWO


def test_servers_too_old_to_report_it_are_asked_whether_they_are_standbys() -> None:
    talk = Talk(ONE, TWO)
    attach = only(talk.needed(), Attach)
    conn, _ = talk.opened(attach)
    asked = only(talk.says(conn, attach, welcome()), Send)
    assert b"pg_is_in_recovery" in asked.data
    answer = (
        messages.row_description(["x"]) + messages.data_row(["t"]) + messages.command_complete("SELECT 1")
    )
    close, following = talk.says(conn, attach, answer + messages.ready(b"I"))
    assert isinstance(close, Close)
    assert isinstance(following, Attach)


def test_when_every_server_is_a_standby_the_pool_waits_for_a_primary() -> None:
    talk = Talk(ONE, TWO)
    _, second = talk.log_in(only(talk.needed(), Attach), in_hot_standby="on")
    assert isinstance(second, Attach)
    _, fail = talk.log_in(second, in_hot_standby="on")
    assert isinstance(fail, Fail)
    assert not fail.final
    assert "no primary" in fail.message


def test_one_server_alone_may_be_a_standby() -> None:
    talk = Talk(ONE)
    only(talk.log_in(only(talk.needed(), Attach), in_hot_standby="on"), AdmitServer)


@pytest.mark.parametrize(
    ("mode", "offers", "tried", "encrypted"),
    [
        ("disable", True, [False], False),
        ("allow", True, [False], False),
        ("prefer", True, [True], True),
        ("prefer", False, [True], False),
        ("require", True, [True], True),
    ],
)
def test_tls_modes_ask_as_libpq_does(mode: str, offers: bool, tried: list[bool], encrypted: bool) -> None:
    talk = Talk(tls=mode)
    if offers:
        talk.net.tls.add(ONE)
    attach = only(talk.needed(), Attach)
    assert [tls for _, tls in talk.net.dialled] == tried
    assert (attach.tls is not None) is encrypted


def test_require_means_it() -> None:
    fail = only(Talk(tls="require").needed(), Fail)
    assert "does not support TLS" in fail.message
    assert fail.final


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("invalid peer certificate: UnknownIssuer", "tls.ca of cluster main"),
        ('invalid peer certificate: certificate not valid for name "db"', "by a name it is for"),
        ("invalid peer certificate: certificate expired", "give the server another one"),
        ('verify-full: "/run" is no host name or IP address to check for', "by a name it is for"),
    ],
)
def test_a_certificate_that_fails_is_told_at_once_and_tried_again(reason: str, remedy: str) -> None:
    talk = Talk(tls="require")
    talk.net.tls.add(ONE)
    first = only(talk.ask(), Attach)
    assert talk.needed() == []
    fail = only(talk.upstream.lost(ServerLost(9, first.ticket, 7, False, f"TLS: {reason}")), Fail)
    assert (fail.code, fail.final, fail.retry_ms) == ("08001", True, 400)
    assert reason in fail.message
    assert remedy in fail.message
    assert [one.message for one in talk.heard if isinstance(one, Problem)] == [fail.message]
    again = only(talk.needed(), Attach)
    fail = only(talk.upstream.lost(ServerLost(10, again.ticket, 7, False, reason)), Fail)
    assert fail.retry_ms == 800


def test_a_handshake_that_breaks_for_another_reason_may_mend_itself() -> None:
    talk = Talk(tls="require")
    talk.net.tls.add(ONE)
    attach = only(talk.needed(), Attach)
    fail = only(talk.upstream.lost(ServerLost(9, attach.ticket, 7, False, "end of file")), Fail)
    assert (fail.code, fail.final) == ("08006", False)


def test_a_certificate_that_fails_sends_us_to_the_next_server() -> None:
    talk = Talk(ONE, TWO, tls="require")
    talk.net.tls |= {ONE, TWO}
    first = only(talk.needed(), Attach)
    talk.upstream.lost(ServerLost(9, first.ticket, 7, False, "TLS: invalid peer certificate: UnknownIssuer"))
    only(talk.log_in(only(talk.hand.work(), Attach), in_hot_standby="off"), AdmitServer)


def test_who_waits_for_a_server_that_may_come_back_waits_on_whatever_ails_the_next() -> None:
    talk = Talk(ONE, TWO, tls="require")
    talk.net.tls.add(TWO)
    talk.net.down[ONE] = "Connection refused"
    attach = only(talk.needed(), Attach)
    lost = ServerLost(9, attach.ticket, 7, False, "TLS: invalid peer certificate: UnknownIssuer")
    fail = only(talk.upstream.lost(lost), Fail)
    assert (fail.code, fail.final) == ("08006", False)
    assert "Connection refused" in fail.message


def test_allow_tries_tls_when_the_server_refuses_without() -> None:
    talk = Talk(tls="allow")
    talk.net.tls.add(ONE)
    _, again = talk.refuse(only(talk.needed(), Attach), "28000", "no pg_hba.conf entry")
    assert isinstance(again, Attach)
    assert [tls for _, tls in talk.net.dialled] == [False, True]
    assert again.tls is not None
    only(talk.log_in(again), AdmitServer)


def test_prefer_goes_on_in_plain_when_the_handshake_fails() -> None:
    talk = Talk(tls="prefer")
    talk.net.tls.add(ONE)
    attach = only(talk.needed(), Attach)
    lost = ServerLost(9, attach.ticket, 7, False, "handshake failure")
    assert talk.upstream.lost(lost) == []
    assert only(talk.hand.work(), Attach).tls is None


def test_prefer_does_not_repeat_a_wrong_password_in_plain() -> None:
    talk = Talk(tls="prefer")
    talk.net.tls.add(ONE)
    _, fail = talk.refuse(only(talk.needed(), Attach), "28P01", "wrong")
    assert isinstance(fail, Fail)
    assert fail.final


def test_no_more_than_so_many_dials_at_a_time_and_the_rest_follows() -> None:
    talk = Talk()
    attached = [command for _ in range(MOST_DIALS + 3) for command in talk.needed()]
    assert len(attached) == MOST_DIALS
    assert isinstance(attached[0], Attach)
    admit, following = talk.log_in(attached[0])
    assert isinstance(admit, AdmitServer)
    assert isinstance(following, Attach)


def test_a_pool_without_a_target_fails_for_good() -> None:
    talk = Talk()
    talk.target = None
    assert only(talk.needed(), Fail).final


# --- what a pool's connections report --------------------------------------------------------------------


def test_who_waits_for_the_pools_own_profile_starts_a_connection_and_the_core_may_have_it() -> None:
    talk = Talk()
    attach = only(talk.ask(), Attach)
    assert talk.needed() == []  # the one under way is the one the core asked for
    only(talk.log_in(attach), AdmitServer)
    assert talk.heard == [REPORTED]
    assert talk.ask() == []
    assert talk.heard == [REPORTED, REPORTED]


def test_a_server_that_is_down_lets_log_ins_wait_and_tries_again() -> None:
    talk = Talk()
    talk.net.down[ONE] = "Connection refused"
    assert talk.ask() == []
    waited = talk.profiles.why((7, ()))
    assert waited is not None
    assert "Connection refused" in waited.message
    talk.net.down.clear()
    attach = only(talk.hand.wait(1.0), Attach)
    only(talk.log_in(attach), AdmitServer)
    assert talk.heard == [REPORTED]


def test_nobody_waiting_means_no_more_attempts() -> None:
    talk = Talk()
    talk.net.down[ONE] = "Connection refused"
    talk.ask()
    talk.profiles.leave((7, ()), 1)
    talk.hand.wait(100.0)
    assert len(talk.net.dialled) == 1
    assert talk.profiles.why((7, ())) is None


def test_a_database_that_does_not_exist_is_told_at_once_and_not_remembered() -> None:
    talk = Talk()
    only(talk.refuse(only(talk.ask(), Attach), "3D000", 'database "shop" does not exist'), Close)
    assert [one.code for one in talk.heard if isinstance(one, Problem)] == ["3D000"]
    only(talk.ask(), Attach)


def test_servers_that_come_back_are_not_run_over() -> None:
    talk = Talk()
    assert talk.target is not None
    talk.target = msgspec.structs.replace(talk.target, slow_start=10.0)
    talk.net.down[ONE] = "Connection refused"
    only(talk.needed(), Fail)
    del talk.net.down[ONE]
    # As long as nobody knows better, one tries.
    attaches = [one for _ in range(10) for one in talk.needed() if isinstance(one, Attach)]
    assert len(attaches) == 1
    talk.log_in(attaches[0])
    assert talk.upstream.servers.ramp("main", 10.0) == 0
    opened = [1]
    for _ in range(10):
        attaches = [one for one in talk.hand.wait(1.0) if isinstance(one, Attach)]
        for attach in attaches:
            talk.log_in(attach)
        opened.append(opened[-1] + len(attaches))
    assert opened[1] <= 3
    assert opened[5] <= 7
    assert opened[-1] == 10
    assert opened == sorted(opened)
    assert talk.upstream.servers.ramp("main", 10.0) == 100
    # From then on as ever.
    assert len([one for _ in range(5) for one in talk.needed() if isinstance(one, Attach)]) == 5


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("57P03", "starting"),
        ("53300", "full"),
        ("28P01", "refused"),
        ("3D000", "up"),
        ("57P01", "unreachable"),
    ],
)
def test_what_a_server_says_tells_how_it_is(code: str, state: str) -> None:
    talk = Talk()
    talk.refuse(only(talk.needed(), Attach), code, "no")
    ((cluster, server, found),) = talk.upstream.servers.all()
    assert (cluster, server, found.state, found.failures) == ("main", ONE, state, int(state != "up"))


def test_who_accepts_and_says_nothing_is_silent() -> None:
    talk = Talk()
    talk.opened(only(talk.needed(), Attach))
    talk.hand.wait(6)
    assert [found.state for _, _, found in talk.upstream.servers.all()] == ["silent"]


def test_a_check_logs_in_asks_and_leaves() -> None:
    talk = Talk()
    told: list[object] = []

    def hear(why: Problem | None, silent: bool) -> list[Command]:
        told.append((why, silent))
        return []

    talk.upstream.check(7, address(ONE), 2.0, hear)
    attach = only(talk.hand.work(), Attach)
    conn, _ = talk.opened(attach)
    assert only(talk.says(conn, attach, welcome()), Send).data == messages.frame(b"Q", b"SELECT 1\0")
    only(talk.says(conn, attach, messages.ready(b"I")), Close)
    assert told == [(None, False)]
    # Nobody answers: it is over when the time is, and no pool has lost anything.
    talk.upstream.check(7, address(ONE), 2.0, hear)
    conn, _ = talk.opened(only(talk.hand.work(), Attach))
    only(talk.hand.wait(3), Close)
    assert told[1][1] is True  # type: ignore[index]
