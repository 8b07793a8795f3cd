"""Client log-ins as conversations: who gets in, with what, and what the others are told."""

import pytest

from config.secret import Secret
from config.sections.limits import Limits
from config.sections.users import User
from protocols.postgres import messages
from protocols.postgres.scram import Verifier
from protocols.postgres.types import Problem
from proxy.native import (
    Admit,
    Adopt,
    Attach,
    AuthMessage,
    Closed,
    Command,
    OpenPool,
    Send,
    ServerNeeded,
    ServerOpened,
    Startup,
)
from tests.proxy.town import PASSWORD, REPORTED, SERVER, SNAPSHOT, V3, Town, changed, refusal
from tests.proxy.world import messages_in, only, startup_body


def admit_in(said: list[Command]) -> Admit:
    return next(command for command in said if isinstance(command, Admit))


def statuses(admit: Admit) -> dict[str, str]:
    pairs = [body.split(b"\0") for kind, body in messages_in(admit.greeting) if kind == "S"]
    return {name.decode(): value.decode() for name, value, _ in pairs}


def refuse_server(town: Town, attach: Attach, code: str, message: str) -> list[Command]:
    town.handle(ServerOpened(1000 + attach.ticket, attach.ticket, None))
    return town.server_says(attach, messages.error(Problem("FATAL", code, message)))


# --- many at once ------------------------------------------------------------------------------------


def test_a_credential_is_worked_out_once_for_all_who_come_meanwhile() -> None:
    town = Town()
    first = [Startup(conn, 1, "10.0.0.1:9", V3, startup_body(user="app", database="shop"), False, None, None)
             for conn in (1, 2, 3)]  # fmt: skip
    assert [town.rooms.brain.handle(event) for event in first] == [[], [], []]
    assert len(town.hand.jobs) == 1
    town.rooms.brain.handle(Closed(2, "gone"))
    assert [only([command], Send).conn for command in town.hand.work()] == [1, 3]


def test_clients_alike_are_told_alike_and_others_not() -> None:
    town = Town()
    town.server_up()
    names = ("batch", "batch", "web", "batch")
    admits = [
        only(town.log_in(user="app", database="shop", application_name=name)[1], Admit) for name in names
    ]
    assert [statuses(one)["application_name"] for one in admits] == list(names)
    assert [one.settings for one in admits] == [[("application_name", f"'{name}'")] for name in names]


def test_what_servers_report_anew_is_told_to_who_comes_then() -> None:
    town = Town()
    town.server_up()
    before = only(town.log_in(user="app", database="shop")[1], Admit)
    attach = only(town.handle(ServerNeeded(before.pool)), Attach)
    town.serve([attach], {**REPORTED, "TimeZone": "Asia/Tokyo"})
    after = only(town.log_in(user="app", database="shop")[1], Admit)
    assert (statuses(before)["TimeZone"], statuses(after)["TimeZone"]) == (REPORTED["TimeZone"], "Asia/Tokyo")


# --- those who get in -------------------------------------------------------------------------------


def test_the_first_client_waits_for_a_server_and_is_told_what_that_reports() -> None:
    town = Town()
    conn, said = town.log_in(user="app", database="shop")
    opened, attach = said
    assert isinstance(opened, OpenPool)
    assert isinstance(attach, Attach)
    admit = admit_in(town.serve([attach]))
    assert (admit.conn, admit.pool, admit.base, admit.settings, admit.key_bytes) == (conn, 1, 1, [], 4)
    assert statuses(admit) == REPORTED


def test_the_second_client_goes_straight_in() -> None:
    town = Town()
    town.server_up()
    _, said = town.log_in(user="app", database="shop")
    assert only(said, Admit).base == 1


def test_each_user_and_database_has_a_pool_and_a_base_of_its_own() -> None:
    town = Town()
    town.server_up()
    for number, (user, database) in enumerate([("app", "books"), ("clerk", "shop")], start=2):
        _, said = town.log_in(user=user, database=database)
        admit = admit_in(town.serve(said))
        assert (admit.pool, admit.base) == (number, number)


def test_a_verifier_will_do_for_a_password() -> None:
    verifier = Verifier.from_password(PASSWORD, b"salt" * 4).text()
    keeper = User(name="keeper", password=Secret(verifier), server_password=Secret("x"))
    town = Town(changed(SNAPSHOT, users=(keeper,)))
    _, said = town.log_in(user="keeper", database="shop")
    admit_in(town.serve(said))


def test_protocol_3_2_gets_its_long_cancel_key() -> None:
    town = Town()
    town.server_up()
    conn, said = town.start(version=V3 | 2, user="app", database="shop")
    assert only(town.prove(conn, said, PASSWORD), Admit).key_bytes == 32


def test_a_newer_protocol_is_negotiated_down() -> None:
    _, said = Town().start(version=V3 | 99, user="app", database="shop")
    assert messages_in(only(said, Send).data)[0][0] == "v"


def test_trust_asks_for_nothing_but_a_user_it_knows() -> None:
    town = Town(listener_auth="trust")
    _, said = town.start(user="app", database="shop")
    assert messages_in(said[0].data)[0] == ("R", b"\0\0\0\0") if isinstance(said[0], Send) else False
    admit_in(town.serve(said))
    assert refusal(town.start(user="nobody", database="shop")[1]) == ("28000", 'role "nobody" does not exist')


# --- settings -------------------------------------------------------------------------------------


def test_settings_the_pool_has_anyway_are_not_followed() -> None:
    town = Town()
    town.server_up()
    _, said = town.log_in(user="app", database="shop", client_encoding="'utf-8'", TimeZone="UTC")
    assert only(said, Admit).settings == []


def test_an_application_name_follows_without_asking_a_server() -> None:
    town = Town()
    town.server_up()
    _, said = town.log_in(user="app", database="shop", application_name="tíll")
    admit = only(said, Admit)
    assert admit.settings == [("application_name", "'t??ll'")]
    assert statuses(admit)["application_name"] == "t??ll"


def test_other_settings_are_tried_on_a_pooled_connection_and_shown_as_it_reports_them() -> None:
    town = Town()
    town.server_up()
    _, said = town.log_in(
        user="app", database="shop", TimeZone="europe/berlin", options="-c search_path=a,b -c work_mem=8MB"
    )
    assert only(said, Adopt).pool == 1
    admit = only(town.answer(TimeZone="Europe/Berlin"), Admit)
    assert dict(admit.settings) == {
        "timezone": "'Europe/Berlin'", "search_path": "'a', 'b'", "work_mem": "'8MB'",
    }  # fmt: skip
    assert statuses(admit)["TimeZone"] == "Europe/Berlin"
    # The same wishes again need no server.
    _, said = town.log_in(
        user="app", database="shop", TimeZone="europe/berlin", options="-c search_path=a,b -c work_mem=8MB"
    )
    assert sorted(only(said, Admit).settings) == sorted(admit.settings)


def test_the_core_is_told_of_what_decides_how_statements_are_read() -> None:
    town = Town()
    _, said = town.log_in(user="app", database="shop")
    own = {**REPORTED, "client_encoding": "SJIS", "standard_conforming_strings": "off"}
    admit = admit_in(town.serve(said, own))
    assert admit.settings == [("client_encoding", "'SJIS'"), ("standard_conforming_strings", "'off'")]


def test_an_illegal_value_gets_the_servers_own_error() -> None:
    town = Town()
    town.server_up()
    said = 'invalid value for parameter "TimeZone": "Nope"'
    for _ in range(2):
        _, commands = town.log_in(user="app", database="shop", TimeZone="Nope")
        if isinstance(commands[0], Adopt):
            commands = town.answer(Problem("ERROR", "22023", said))
        assert refusal(commands) == ("22023", said)


@pytest.mark.parametrize("name", ["session_authorization", "seed", "transaction_isolation"])
def test_what_no_reset_takes_back_is_refused(name: str) -> None:
    town = Town()
    town.server_up()
    _, said = town.log_in(user="app", database="shop", options=f"-c {name}=1")
    assert refusal(said)[0] == "55P02"


def test_what_cannot_even_be_written_as_sql_is_refused_at_once() -> None:
    town = Town()
    town.server_up()
    _, said = town.log_in(user="app", database="shop", options="-c search_path=a,,b")
    assert refusal(said) == ("22023", 'invalid value for parameter "search_path": "a,,b"')


def test_who_leaves_while_its_settings_are_tried_is_not_admitted() -> None:
    town = Town()
    town.server_up()
    conn, _ = town.log_in(user="app", database="shop", TimeZone="Asia/Tokyo")
    town.handle(Closed(conn, "gone"))
    assert town.answer(TimeZone="Asia/Tokyo") == []
    # What was learned is kept for the next.
    _, said = town.log_in(user="app", database="shop", TimeZone="Asia/Tokyo")
    assert only(said, Admit).settings == [("timezone", "'Asia/Tokyo'")]


def test_a_pool_that_stays_full_is_why_settings_could_not_be_tried() -> None:
    town = Town()
    town.server_up()
    town.log_in(user="app", database="shop", TimeZone="Asia/Tokyo")
    full = Problem("FATAL", "53300", "too many clients wait for a server connection (max_waiting)")
    assert town.answer(full) == []
    assert [type(one) for one in town.hand.wait(1)] == [Adopt]
    assert refusal(town.hand.wait(10)) == ("53300", full.message)


# --- those who do not -----------------------------------------------------------------------------


@pytest.mark.parametrize("user", ["app", "nobody"])
def test_a_wrong_password_and_an_unknown_user_look_the_same(user: str) -> None:
    town = Town()
    conn, said = town.start(user=user, database="nowhere")
    assert [kind for kind, _ in messages_in(only(said, Send).data)] == ["R"]
    assert refusal(town.prove(conn, said, "guess", user)) == (
        "28P01",
        f'password authentication failed for user "{user}"',
    )


def test_an_unknown_database_is_told_only_to_users() -> None:
    _, said = Town().log_in(user="app", database="nowhere")
    assert refusal(said) == ("3D000", 'database "nowhere" does not exist')


def test_a_database_that_is_not_for_this_user() -> None:
    _, said = Town().log_in(user="clerk", database="books")
    assert refusal(said) == ("42501", 'permission denied for database "books"')


@pytest.mark.parametrize(
    ("version", "body", "code"),
    [
        (V3, b"user", "08P01"),
        (V3, b"user\0app\0", "08P01"),
        (V3, b"\0", "28000"),
        (V3, b"user\0\xff\xfe\0\0", "22021"),
        (V3, b"x" * 20_000, "08P01"),
        (2 << 16, b"user\0app\0\0", "0A000"),
        (V3, b"user\0app\0options\0-c no value\0\0", "42601"),
    ],
)
def test_garbage_for_a_start(version: int, body: bytes, code: str) -> None:
    _, said = Town().start_raw(body, version)
    assert refusal(said)[0] == code


@pytest.mark.parametrize(
    ("kind", "body"), [(ord("Q"), b"SELECT 1\0"), (ord("p"), b""), (ord("p"), b"\xff" * 5000)]
)
def test_garbage_instead_of_a_proof(kind: int, body: bytes) -> None:
    town = Town()
    conn, _ = town.start(user="app", database="shop")
    assert refusal(town.handle(AuthMessage(conn, kind, body)))[0] == "08P01"
    assert town.handle(AuthMessage(conn, kind, body)) == []


def test_who_speaks_after_the_proof_and_before_admission_breaks_the_protocol() -> None:
    town = Town()
    conn, _ = town.log_in(user="app", database="shop")
    assert refusal(town.handle(AuthMessage(conn, ord("Q"), b"SELECT 1\0")))[0] == "08P01"


def test_who_leaves_while_waiting_is_not_admitted() -> None:
    town = Town()
    conn, said = town.log_in(user="app", database="shop")
    assert town.handle(Closed(conn, "gone")) == []
    assert not [command for command in town.serve(said) if isinstance(command, Admit)]


def test_guessing_from_one_address_is_stopped_and_forgiven_in_time(caplog: pytest.LogCaptureFixture) -> None:
    town = Town()
    for _ in range(3):
        assert "refused unheard" not in caplog.text
        conn, said = town.start(user="app", database="shop")
        town.prove(conn, said, "guess")
    assert caplog.text.count("an address is refused unheard") == 1
    code, message = refusal(town.start(user="app", database="shop")[1])
    assert (code, "too many failed log-ins" in message) == ("28000", True)
    only(town.start(user="app", database="shop", peer="10.0.0.2:1")[1], Send)
    town.hand.wait(61)
    only(town.start(user="app", database="shop")[1], Send)


def test_log_ins_under_way_are_bounded() -> None:
    town = Town(changed(SNAPSHOT, limits=Limits(max_clients=2)))
    for _ in range(2):
        only(town.start(user="app", database="shop")[1], Send)
    assert refusal(town.start(user="app", database="shop")[1])[0] == "53300"
    town.handle(Closed(1, "gone"))
    only(town.start(user="app", database="shop")[1], Send)


# --- servers that are not there ------------------------------------------------------------------------


def test_a_server_that_is_down_is_waited_for_and_then_named() -> None:
    town = Town()
    town.net.down[SERVER] = "Connection refused"
    _, said = town.log_in(user="app", database="shop")
    only(said, OpenPool)
    code, message = refusal(town.hand.wait(11))
    assert code == "08006"
    assert "Connection refused" in message
    assert SERVER in message


def test_a_server_that_comes_back_in_time_admits_who_waited() -> None:
    town = Town()
    town.net.down[SERVER] = "Connection refused"
    town.log_in(user="app", database="shop")
    town.hand.wait(3)
    town.net.down.clear()
    admit_in(town.serve(town.hand.wait(3)))


def test_a_server_that_does_not_know_the_database() -> None:
    town = Town()
    _, said = town.log_in(user="app", database="books")
    attach = next(command for command in said if isinstance(command, Attach))
    _, *commands = refuse_server(town, attach, "3D000", 'database "ledger" does not exist')
    assert refusal(commands) == ("3D000", 'database "ledger" does not exist')


def test_a_server_that_refuses_our_password_is_not_the_clients_fault() -> None:
    town = Town()
    _, said = town.log_in(user="app", database="shop")
    attach = next(command for command in said if isinstance(command, Attach))
    _, *commands = refuse_server(town, attach, "28P01", 'password authentication failed for user "app"')
    code, message = refusal(commands)
    assert code == "08004"
    assert message.startswith("server login failed")


def test_no_secret_is_ever_in_what_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    town = Town()
    conn, said = town.start(user="app", database="shop")
    town.prove(conn, said, "hunter2-wrong")
    town.net.down[SERVER] = "Connection refused"
    town.log_in(user="app", database="shop")
    town.hand.wait(60)
    text = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert "log-in refused" in text
    assert PASSWORD not in text
    assert "hunter2" not in text
