"""The pages that monitoring reads, made of what the process knows when it is asked. It decides nothing."""

from collections.abc import Callable, Mapping

from proxy import metrics
from proxy.house import Rooms
from proxy.liveness import Liveness
from proxy.native import Core
from proxy.pages import Answer

BUSIEST = 50
"""Statements that are shown."""


def pages(
    version: str, core: Core, liveness: Liveness, serving: Callable[[], bool], rooms: Callable[[], Rooms]
) -> Mapping[str, Callable[[], Answer]]:
    """By path. `rooms` are there when the first page is asked for."""

    def page() -> Answer:
        state = metrics.State(
            version=version,
            ready=serving(),
            stuck=len(liveness.stuck),
            figures=core.figures(),
            pools=core.pools(),
            servers=[(cluster, server, one.state) for cluster, server, one in rooms().upstream.servers.all()],
        )
        return Answer(metrics.page(state), kind=metrics.CONTENT_TYPE)

    def health() -> Answer:
        stuck = liveness.stuck
        return Answer(f"carriers are stuck: {stuck}\n", 503) if stuck else Answer("alive\n")

    def readiness() -> Answer:
        return Answer("ready\n") if serving() else Answer("stopping\n", 503)

    def statements() -> Answer:
        if not rooms().directory.snapshot.metrics.statements:
            return Answer("statements are not shown: metrics.statements is off\n", 404)
        return Answer(rooms().slow.busiest(core.busiest(BUSIEST)), kind="application/json")

    return {"/metrics": page, "/healthz": health, "/readyz": readiness, "/statements": statements}
