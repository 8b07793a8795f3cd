"""What a run finds, as plain data: it goes to JSON as it is, and everything printed is computed from it."""

from msgspec import Struct, field


class Settings(Struct, frozen=True):
    """How a run went about it."""

    rounds: int
    seconds: float
    warmup: float
    clients: list[int]
    modes: list[str]
    contestants: list[str]
    scenarios: list[str]
    idle_clients: int
    logins: int


class Machine(Struct, frozen=True):
    """Where it ran."""

    processor: str
    cores: int
    kernel: str
    pinning: str
    load_before: float
    load_after: float
    versions: dict[str, str]


class Sample(Struct, frozen=True):
    """One contestant in one round of one cell (mode and clients)."""

    scenario: str
    mode: str
    clients: int
    contestant: str
    round: int
    statements: int
    seconds: float
    errors: int
    wrong: int
    kinds: dict[str, int]
    latency_us: dict[str, float]
    cpu_us: float | None
    """CPU of the contestant's processes for a statement; None where there is no process between."""
    generator_us: float
    """CPU of the load generator for a statement."""
    tls: str = ""
    """Version, group and cipher that clients agreed on with the contestant."""
    bytes: int = 0
    """What rows were moved, where the scenario is about that; a statement is one transfer then."""

    @property
    def mib(self) -> float:
        """The same in MiB."""
        return self.bytes / 2**20

    @property
    def throughput(self) -> float:
        """Statements a second."""
        return self.statements / self.seconds if self.seconds else 0.0


class Absence(Struct, frozen=True):
    """A cell that a contestant has no figure in, and why. A failure is not the same as something it does not offer."""

    scenario: str
    contestant: str
    reason: str
    failed: bool
    mode: str = ""
    clients: int = 0


class Holding(Struct, frozen=True):
    """Resident memory for clients that are logged in and idle."""

    contestant: str
    stage: str
    clients: int
    before: int
    after: int
    errors: int
    kinds: dict[str, int]

    @property
    def each(self) -> float:
        """Bytes for one client."""
        return (self.after - self.before) / self.clients if self.clients else 0.0


class Storm(Struct, frozen=True):
    """Log-ins as fast as they were answered."""

    contestant: str
    asked: int
    logins: int
    seconds: float
    errors: int
    kinds: dict[str, int]
    latency_us: dict[str, float]
    cpu_us: float
    """CPU of the contestant's processes for a log-in."""
    round: int = 0


class Findings(Struct, frozen=True):
    """What the scenarios found."""

    samples: list[Sample] = field(default_factory=list[Sample])
    absences: list[Absence] = field(default_factory=list[Absence])
    holdings: list[Holding] = field(default_factory=list[Holding])
    storms: list[Storm] = field(default_factory=list[Storm])

    def __add__(self, other: "Findings") -> "Findings":
        return Findings(
            self.samples + other.samples,
            self.absences + other.absences,
            self.holdings + other.holdings,
            self.storms + other.storms,
        )


class Run(Struct, frozen=True):
    """A whole run."""

    taken: str
    """When it began, UTC."""
    wall_seconds: float
    settings: Settings
    machine: Machine
    findings: Findings
