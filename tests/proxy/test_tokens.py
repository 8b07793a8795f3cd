"""Tokens from real commands and files, and what is kept of them."""

import asyncio
import sys
from pathlib import Path

import pytest

from proxy.tokens import MOST_BYTES, NoToken, TokenRule, Tokens, obtain
from tests.servers import ports

SECRET = "token of the day"


def rule(*command: str, file: str = "", lifetime: float = 60, timeout: float = 10) -> TokenRule:
    return TokenRule(command, file, lifetime, timeout)


def python(text: str, timeout: float = 10) -> TokenRule:
    return rule(sys.executable, "-c", text, timeout=timeout)


def test_a_command_runs_with_its_arguments_and_without_a_shell() -> None:
    assert asyncio.run(obtain(rule("/bin/echo", "$HOME; `id` 'x'"))) == "$HOME; `id` 'x'"


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    assert asyncio.run(obtain(rule(file=str(file)))) == SECRET


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            python(f"import sys; print('{SECRET}'); print('{SECRET}', file=sys.stderr); sys.exit(3)"),
            "status 3",
        ),
        (python(f"print('{SECRET}\\n{SECRET}')"), "something else than one line"),
        (python("pass"), "something else than one line"),
        (python("import sys; sys.stdout.buffer.write(b'\\xff')"), "something else than one line"),
        (python(f"print('x' * {MOST_BYTES + 1})"), "something else than one line"),
        (python("while True: print('x' * 60000)"), "something else than one line"),
        (python("import time; time.sleep(600)", timeout=0.5), "no token within 0.5 s"),
        (rule("/nowhere/at all"), "No such file"),
        (rule(file="/nowhere/at all"), "No such file"),
    ],
)
def test_what_is_no_token_is_told_without_what_was_said(wrong: TokenRule, said: str) -> None:
    with pytest.raises(NoToken, match=said) as caught:
        asyncio.run(obtain(wrong))
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(wrong)


def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    text = f"sleep 600 & echo $! > {file}; wait"
    with pytest.raises(NoToken, match="no token within"):
        asyncio.run(obtain(rule("/bin/sh", "-c", text, timeout=1)))
    child = int(file.read_text())
    assert ports.wait(lambda: not _runs(child), 10)


def _runs(pid: int) -> bool:
    """A zombie, which nobody may have collected yet, runs no more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_one_command_serves_all_who_wait_until_its_time_is_over_or_a_server_refuses() -> None:
    clock, made = [0.0], [0]

    async def get(_: TokenRule) -> str:
        await asyncio.sleep(0)
        made[0] += 1
        return f"token {made[0]}"

    async def play() -> None:
        tokens, one = Tokens(lambda: clock[0], get), rule("/x", lifetime=60)
        got = await asyncio.gather(tokens.token(one), tokens.token(one))
        assert list(got) == [("token 1", True), ("token 1", True)]
        clock[0] = 59
        assert await tokens.token(one) == ("token 1", False)
        clock[0] = 60
        assert await tokens.token(one) == ("token 2", True)
        # What was refused is another one by now.
        tokens.forget(one, "token 1")
        assert await tokens.token(one) == ("token 2", False)
        tokens.forget(one, "token 2")
        assert await tokens.token(one) == ("token 3", True)
        assert await tokens.token(rule("/y")) == ("token 4", True)

    asyncio.run(play())
