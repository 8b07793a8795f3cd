//! The benchmarks' load: `run` (closed loop), `bulk`, `idle`, `storm`, and `stub`, a server with one canned row.
//!
//! One thread, one epoll set, a bound on every wait. What it found goes to standard output as one line of JSON; the
//! exit status is 0 when all was well, 1 when a statement or a log-in went wrong, 2 when it could not begin.
//! It knows nothing of the contestants: it is told an address and, to measure, process ids.

mod bulk;
mod cpu;
mod fleet;
mod histogram;
mod idle;
mod json;
mod login;
mod options;
mod poll;
mod run;
mod scram;
mod script;
mod storm;
mod stub;
mod tally;
mod tls;
mod wire;

use std::process::ExitCode;

use options::Options;

const USAGE: &str = "\
usage: articdbm-load COMMAND [--option value ...]

  run     statements in a closed loop    --clients N --seconds S --warmup S --mode simple|extended|prepared
                                         --statement SQL (each {random} becomes a key) --keys N --expect row|key
                                         --watch PID,PID (their CPU time while it measures)
  bulk    statements that move much       --clients N --times N (each) --statement SQL --rows N --row-bytes N
                                         --direction receive|send --watch PID,PID
  idle    logged-in clients, held        --clients N; standard input: `touch` runs one statement on each, its end ends all
  storm   log-ins as fast as they come   --logins N
  stub    a server answering one row     --port P (0: any); ends when standard input does

clients: --host 127.0.0.1 --port P --user U --database D --concurrency N (log-ins at once) --patience S (for all of
them) --tls FILE (the authority that servers have to be of; without it no TLS); the password is taken from LOAD_PASSWORD.";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(command) = arguments.next() else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let outcome = Options::read(arguments).and_then(|options| {
        poll::raise_descriptor_limit();
        match command.as_str() {
            "run" => run::main(options),
            "bulk" => bulk::main(options),
            "idle" => idle::main(options),
            "storm" => storm::main(options),
            "stub" => stub::main(options),
            _ => Err(format!("no such command: {command}\n{USAGE}")),
        }
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(message) => {
            eprintln!("articdbm-load: {message}");
            ExitCode::from(2)
        }
    }
}
