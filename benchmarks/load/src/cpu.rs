//! The CPU time of other processes, all their threads, from /proc. It is read here, and not by who started us,
//! because only here is known to the microsecond when measuring begins and ends.

use std::fs;
use std::time::Instant;

/// How far the clocks are: the wall's, that of the processes watched, and our own CPU's.
#[derive(Clone, Copy)]
pub struct Reading {
    pub at: Instant,
    pub watched: u64,
    pub own: u64,
}

impl Reading {
    pub fn take(watched: &[u32]) -> Result<Reading, String> {
        let own = nanoseconds(&[std::process::id()])?;
        Ok(Reading { watched: nanoseconds(watched)?, own, at: Instant::now() })
    }
}

/// Nanoseconds that all threads of all processes have run so far.
fn nanoseconds(processes: &[u32]) -> Result<u64, String> {
    processes.iter().map(|process| of_process(*process)).sum()
}

fn of_process(process: u32) -> Result<u64, String> {
    let folder = format!("/proc/{process}/task");
    let threads = fs::read_dir(&folder).map_err(|error| format!("{folder}: {error}"))?;
    let mut sum = 0;
    for thread in threads.flatten() {
        // A thread may end between the listing and the look: then it has no more to say.
        if let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) {
            let first = text.split_ascii_whitespace().next().and_then(|number| number.parse::<u64>().ok());
            sum += first.ok_or(format!("{folder}: schedstat says {text:?}"))?;
        }
    }
    Ok(sum)
}
