//! What an operator may say of a pool. Times are in milliseconds; 0 is without limit.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Session,
    Transaction,
    Statement,
}

impl Mode {
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "session" => Some(Self::Session),
            "transaction" => Some(Self::Transaction),
            "statement" => Some(Self::Statement),
            _ => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Transaction => "transaction",
            Self::Statement => "statement",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PoolConfig {
    pub label: String,
    pub group: u32,
    pub group_size: usize,
    pub mode: Mode,
    pub size: usize,
    pub min_size: usize,
    pub reserve: usize,
    pub reserve_after_ms: u64,
    pub wait_ms: u64,
    pub max_waiting: usize,
    pub statement_ms: u64,
    pub idle_transaction_ms: u64,
    pub client_idle_ms: u64,
    pub server_lifetime_ms: u64,
    pub server_idle_ms: u64,
    pub sharing: bool,
    pub share_depth: usize,
    pub prepared: usize,
}

impl PoolConfig {
    /// Connections being opened at a time: enough to fill a pool soon, too few to be a storm for the server.
    pub fn max_opening(&self) -> usize {
        (self.size / 4).clamp(2, 16)
    }
}

impl PoolConfig {
    /// A pool of so many connections that clients share, everything else without limit.
    pub fn of(size: usize) -> Self {
        Self {
            label: "main".to_owned(),
            group: 0,
            group_size: 0,
            mode: Mode::Transaction,
            size,
            min_size: 0,
            reserve: 0,
            reserve_after_ms: 0,
            wait_ms: 0,
            max_waiting: 0,
            statement_ms: 0,
            idle_transaction_ms: 0,
            client_idle_ms: 0,
            server_lifetime_ms: 0,
            server_idle_ms: 0,
            sharing: true,
            share_depth: 16,
            prepared: 100,
        }
    }
}
