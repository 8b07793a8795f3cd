//! Clients that are logged in and do nothing, for who wants to know what they cost.
//!
//! Says when all are up; on the line `touch` has each of them run one statement, and says when that is done; ends with
//! standard input, or after `--hold` seconds, whichever comes first.

use std::io::{BufRead, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Instant;

use crate::fleet::{self, Pace};
use crate::json::Object;
use crate::options::Options;
use crate::wire;

pub fn main(mut options: Options) -> Result<bool, String> {
    let target = options.target()?;
    let pace = Pace::read(&mut options)?;
    let count: usize = options.number("clients", 1000)?;
    let hold = options.seconds("hold", 300.0)?;
    let statement = options.text("statement", "SELECT 1");
    options.finish()?;
    let opened = fleet::open(&target, count, true, &pace)?;
    let mut errors = opened.failures.total();
    let mut report = Object::new();
    report
        .number("up", opened.admitted)
        .number("errors", errors)
        .raw("kinds", &opened.failures.json())
        .number("seconds", format_args!("{:.3}", opened.elapsed.as_secs_f64()));
    say(&report.finish())?;

    let mut fleet = opened.fleet;
    let lines = lines();
    let end = Instant::now() + hold;
    loop {
        match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) if line.trim() == "touch" => {
                let mut request = Vec::new();
                wire::message(&mut request, b'Q', |body| wire::text(body, statement.as_bytes()));
                let failures = fleet.ask(&request, &pace)?;
                errors += failures.total();
                let mut report = Object::new();
                report.number("touched", fleet.links.iter().flatten().count());
                report.number("errors", failures.total()).raw("kinds", &failures.json());
                say(&report.finish())?;
            }
            Ok(line) => {
                return Err(format!("standard input says {line:?}; it can say touch, or end"));
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    let lost = fleet.count_lost();
    fleet.leave();
    say(&Object::new().number("lost", lost).finish())?;
    Ok(errors == 0 && lost == 0)
}

/// Standard input as a channel, so that waiting for it can have an end.
pub fn lines() -> Receiver<String> {
    let (give, take) = mpsc::channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if give.send(line).is_err() {
                break;
            }
        }
    });
    take
}

pub fn say(line: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| format!("standard output: {error}"))
}
