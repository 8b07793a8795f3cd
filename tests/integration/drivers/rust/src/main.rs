//! Programs on Rust's drivers that print what they see: `drivers tokio-postgres`, `drivers sqlx`. Where to connect is in
//! PGHOST and its like. Each line is the same on every run; what the server refuses is printed, what nobody expects ends
//! the program.

mod sqlx_program;
mod tokio_postgres_program;

use std::error::Error;

pub type Done = Result<(), Box<dyn Error>>;

/// Begins the lines of one subject.
pub fn section(name: &str) {
    println!("== {name}");
}

/// Stands for text too long to print (FNV-1a).
pub fn sum(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{} bytes {hash:016x}", text.len())
}

pub const WRONG: [&str; 6] = [
    "SELEC 1",
    "SELECT no_such",
    "SELECT 1/0",
    "SELECT 1 +",
    "SELECT 'x'::int",
    "DO $$BEGIN RAISE EXCEPTION 'mine' USING ERRCODE = 'MY001', HINT = 'a hint'; END$$",
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Done {
    match std::env::args().nth(1).as_deref() {
        Some("tokio-postgres") => tokio_postgres_program::run().await,
        Some("sqlx") => sqlx_program::run().await,
        Some("sqlx-describe") => sqlx_program::describe().await,
        other => Err(format!("no program {other:?}").into()),
    }
}
