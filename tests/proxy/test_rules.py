"""Rules in their order: a table of who comes, and how they are to prove themselves."""

import pytest

from config.address import address
from config.network import network
from config.sections.listeners import Listener
from config.sections.rules import Rule
from protocols.postgres.types import Problem
from proxy.rules import decide

OFFICE, HERE = network("10.0.0.0/8"), network("local")
RULES = (
    Rule(auth="reject", users=("mallory",)),
    Rule(auth="peer", hosts=(HERE,)),
    Rule(auth="trust", hosts=(network("127.0.0.1"), network("::1"))),
    Rule(auth="cert", hosts=(OFFICE,), tls="required"),
    Rule(auth="md5", hosts=(OFFICE,), databases=("old",), users=("app", "batch")),
    Rule(auth="reject", hosts=(network("10.9.0.0/16"),)),
    Rule(auth="scram-sha-256", databases=("shop",), tls="none"),
)


@pytest.mark.parametrize(
    ("peer", "database", "user", "tls", "expected"),
    [
        ("unix/0", "shop", "app", False, "peer"),
        ("unix/0", "shop", "mallory", False, "a rule of this listener rejects user"),
        ("127.0.0.1:1", "any", "app", False, "trust"),
        ("[::1]:1", "any", "app", True, "trust"),
        ("127.0.0.2:1", "any", "app", False, "no rule of this listener admits user"),
        ("10.1.1.1:1", "any", "app", True, "cert"),
        ("10.1.1.1:1", "old", "batch", False, "md5"),
        ("10.1.1.1:1", "old", "other", False, "no rule of this listener admits user"),
        ("10.1.1.1:1", "shop", "other", False, "scram-sha-256"),
        ("10.9.1.1:1", "shop", "other", False, "a rule of this listener rejects user"),
        ("11.0.0.1:1", "shop", "app", False, "scram-sha-256"),
        ("11.0.0.1:1", "shop", "app", True, "no rule of this listener admits user"),
        ("[2001:db8::1]:1", "shop", "app", False, "scram-sha-256"),
        ("", "any", "app", False, "no rule of this listener admits user"),
        ("nonsense", "old", "app", True, "no rule of this listener admits user"),
    ],
)
def test_the_first_that_fits_decides(peer: str, database: str, user: str, tls: bool, expected: str) -> None:
    found = decide(RULES, peer=peer, local=peer.startswith("unix/"), database=database, user=user, tls=tls)
    if isinstance(found, Problem):
        assert found.code == "28000"
        assert found.message.startswith(expected)
    else:
        assert found.auth == expected


@pytest.mark.parametrize(
    ("databases", "asked", "fits"),
    [
        ((), None, False),
        (("shop",), None, False),
        (("replication",), None, True),
        (("shop", "replication"), None, True),
        (("replication",), "replication", False),
        (("replication",), "shop", False),
        ((), "replication", True),
    ],
)
def test_physical_replication_is_fitted_by_its_own_word_alone(
    databases: tuple[str, ...], asked: str | None, fits: bool
) -> None:
    rules = (Rule(auth="trust", databases=databases),)
    found = decide(rules, peer="127.0.0.1:1", local=False, database=asked, user="app", tls=False)
    assert isinstance(found, Rule) is fits


def test_without_rules_replication_comes_in_as_all_do() -> None:
    ways = Listener(protocol="postgres", address=address("127.0.0.1:1"), auth="md5").ways
    for database in (None, "shop"):
        found = decide(ways, peer="10.0.0.1:1", local=False, database=database, user="app", tls=True)
        assert isinstance(found, Rule)
        assert found.auth == "md5"


def test_a_refusal_says_all_that_rules_look_at() -> None:
    said = decide((), peer="[2001:db8::1]:77", local=False, database="shop", user="app", tls=False)
    assert isinstance(said, Problem)
    assert said.message == (
        'no rule of this listener admits user "app" on database "shop" from host "2001:db8::1" without TLS'
    )
