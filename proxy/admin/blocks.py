"""The kill switch at the console: BLOCK, UNBLOCK and SHOW BLOCKS. Which statements it meets is the plugin's affair."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from config.errors import RefusedError
from config.network import network
from plugins.blocked import MOST, Block, What
from protocols.postgres import replies
from protocols.postgres.errors import Known
from proxy.admin.place import Answer, Denied, House, Row, columns, table
from proxy.native import ForgetPlans
from proxy.outside import Commands
from proxy.planner import guard

BLOCKS = columns("what value since")
_FINGERPRINT = re.compile(r"[0-9a-f]{32}")


def block(what: What) -> Callable[[House, str | None, Commands], Answer]:
    return partial(_block, what)


def unblock(what: What) -> Callable[[House, str | None, Commands], Answer]:
    return partial(_unblock, what)


def blocks(house: House) -> bytes:
    rows: list[Row] = [
        (one.what, one.value, datetime.fromtimestamp(one.since, UTC).isoformat(" ", "seconds"))
        for one in house.blocked.blocks
    ]
    return table(BLOCKS, rows)


def _block(what: What, house: House, said: str | None, commands: Commands) -> Answer:
    value = _value(what, said)
    if not house.blocked.add(Block(what, value, house.today())):
        raise Denied(Known.COMMAND_FAILED, f"{MOST} blocks are in force, and there may be no more")
    commands += _told(house)
    return replies.done("BLOCK")


def _unblock(what: What, house: House, said: str | None, commands: Commands) -> Answer:
    value = _value(what, said)
    if not house.blocked.remove(what, value):
        raise Denied(Known.COMMAND_FAILED, f"no such block: {what} {value}", "SHOW BLOCKS lists them.")
    commands += _told(house)
    return replies.done("UNBLOCK")


def _told(house: House) -> Commands:
    """In this order: who speaks from now on is looked at by the new list."""
    return [guard(house.planner.chain), ForgetPlans()]


def _value(what: What, said: str | None) -> str:
    if not said:
        raise Denied(Known.BAD_COMMAND, f"which {what}?", "SHOW HELP lists the commands.")
    match what:
        case "network":
            try:
                return str(network(said))
            except RefusedError as why:
                raise Denied(Known.COMMAND_FAILED, f"{said}: {why}") from why
        case "fingerprint":
            if not _FINGERPRINT.fullmatch(said.lower()):
                hint = "SHOW PLANS and the slow log have fingerprints."
                raise Denied(Known.COMMAND_FAILED, "a fingerprint has 32 hexadecimal digits", hint)
            return said.lower()
        case _:
            return said
