//! ArticDBM's native core: carries what Python has planned. The Python face is in `face`; everything else is plain
//! Rust, and everything below `wire`, `lexer`, `plan` and `pool` is sans-io.

pub mod asks;
pub mod border;
pub mod brain;
pub mod busiest;
pub mod conditions;
pub mod conn;
pub mod engine;
#[cfg(feature = "python")]
mod face;
pub mod inbox;
pub mod lexer;
pub mod plan;
pub mod poll;
pub mod pool;
pub mod prepared;
pub mod settings;
pub mod shared;
pub mod slab;
pub mod stats;
pub mod wheel;
pub mod wire;

/// How many cases a property is tried with: `PROPTEST_CASES`, or as many as are usual.
#[cfg(test)]
fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(usual)
}
