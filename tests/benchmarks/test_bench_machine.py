"""Who gets which cores, and what a process is said to cost."""

import os
import subprocess
import sys

import pytest

from benchmarks import machine, measure
from benchmarks.machine import Plan


@pytest.mark.parametrize(
    ("cores", "expected"),
    [
        ({0}, Plan()),
        ({0, 1}, Plan()),
        ({0, 1, 2}, Plan(frozenset({0}), frozenset({1}), frozenset({2}))),
        ({4, 5, 6, 7}, Plan(frozenset({4}), frozenset({5, 6}), frozenset({7}))),
        (set(range(8)), Plan(frozenset({0}), frozenset({1, 2}), frozenset({3, 4, 5, 6, 7}))),
    ],
)
def test_cores_are_divided_where_there_are_enough(cores: set[int], expected: Plan) -> None:
    assert machine.plan(frozenset(cores)) == expected


def test_a_plan_says_who_is_where() -> None:
    assert "share" in Plan().described()
    assert machine.plan(frozenset(range(4))).described() == "generator on 0, proxies on 1,2, server on 3"


HOLDER = """
import subprocess, sys
held = bytearray(int(sys.argv[1]))
for place in range(0, len(held), 4096): held[place] = 1
rest = sys.argv[2:]
child = subprocess.Popen([sys.executable, *sys.orig_argv[1:3], *rest], stdin=subprocess.PIPE) if rest else None
print("holding", flush=True)
sys.stdin.read()
"""


def test_memory_is_that_of_a_process_and_its_children() -> None:
    def held(*sizes: int) -> tuple[int, int]:
        command = [sys.executable, "-c", HOLDER, *map(str, sizes)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in sizes:
                assert process.stdout.readline() == "holding\n"
            found = len(measure.tree(process.pid)), measure.resident(process.pid)
            process.communicate()
        return found

    megabyte = 1 << 20
    alone, two = held(megabyte), held(megabyte, 40 * megabyte)
    assert (alone[0], two[0]) == (1, 2)
    assert two[1] - alone[1] > 40 * megabyte


def test_cpu_time_is_what_was_worked() -> None:
    before = measure.cpu_seconds(os.getpid())
    start = os.times()
    while os.times().user - start.user < 0.2:
        sum(range(10_000))
    assert measure.cpu_seconds(os.getpid()) - before >= 0.15
