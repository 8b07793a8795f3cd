//! Statements in a closed loop: every client sends its next when it has the answer to its last, and checks each.
//!
//! A closed loop leaves out the waiting that clients arriving on their own would see: its percentiles compare
//! contestants in one run, and promise nobody a latency.

use std::time::{Duration, Instant};

use crate::cpu::Reading;
use crate::fleet::{self, CLOSED, Fleet, Pace};
use crate::histogram::Histogram;
use crate::json::Object;
use crate::options::Options;
use crate::script::{Chance, Script};
use crate::tally::Tally;
use crate::wire;

/// How long statements that are under way at the end are waited for.
const GRACE: Duration = Duration::from_secs(5);
const TURNS: usize = 16;

#[derive(Clone)]
struct Client {
    key: u64,
    sent: Instant,
    busy: bool,
    rows: u32,
    strange: bool,
    failed: bool,
}

struct Work<'a> {
    fleet: Fleet,
    clients: Vec<Client>,
    script: &'a Script,
    chance: Chance,
    request: Vec<u8>,
    statements: u64,
    wrong: u64,
    failures: Tally,
    times: Histogram,
}

pub fn main(mut options: Options) -> Result<bool, String> {
    let target = options.target()?;
    let pace = Pace::read(&mut options)?;
    let clients: usize = options.number("clients", 1)?;
    let seconds = options.seconds("seconds", 5.0)?;
    let warmup = options.seconds("warmup", 0.5)?;
    let watched = options.watched()?;
    let script = Script::read(&mut options)?;
    let chance = Chance(options.number("seed", u64::from(std::process::id()))?);
    options.finish()?;

    let mut opened = fleet::open(&target, clients, true, &pace)?;
    if opened.failures.total() > 0 || clients == 0 {
        return Err(format!("{} of {clients} clients came in: {}", opened.admitted, opened.failures.json()));
    }
    if let Some(request) = script.preparation() {
        let failures = opened.fleet.ask(&request, &pace)?;
        if failures.total() > 0 {
            return Err(format!("the statement could not be prepared: {}", failures.json()));
        }
    }
    let tls = opened.fleet.tls();
    let mut work = Work::new(opened.fleet, &script, chance);
    let (start, end, unanswered) = work.run(warmup, seconds, &watched)?;
    work.fleet.leave();

    work.failures.add_many("no answer after the end", unanswered);
    let errors = work.failures.total();
    let mut report = Object::new();
    report
        .number("statements", work.statements)
        .number("seconds", format_args!("{:.6}", (end.at - start.at).as_secs_f64()))
        .number("errors", errors)
        .number("wrong", work.wrong)
        .raw("kinds", &work.failures.json())
        .raw("latency_us", &work.times.json())
        .number("cpu_ns", end.watched.saturating_sub(start.watched))
        .number("own_cpu_ns", end.own.saturating_sub(start.own))
        .number("login_seconds", format_args!("{:.3}", opened.elapsed.as_secs_f64()))
        .text("tls", &tls);
    println!("{}", report.finish());
    Ok(errors == 0 && work.wrong == 0 && work.statements > 0)
}

impl Work<'_> {
    fn new(fleet: Fleet, script: &Script, chance: Chance) -> Work<'_> {
        let idle =
            Client { key: 0, sent: Instant::now(), busy: false, rows: 0, strange: false, failed: false };
        let clients = vec![idle; fleet.links.len()];
        let (failures, times) = (Tally::default(), Histogram::new());
        Work { fleet, clients, script, chance, request: Vec::new(), statements: 0, wrong: 0, failures, times }
    }

    /// Gives the readings at the beginning and the end of what was measured, and how many statements got no answer.
    fn run(
        &mut self,
        warmup: Duration,
        seconds: Duration,
        watched: &[u32],
    ) -> Result<(Reading, Reading, u64), String> {
        let first = Instant::now();
        let begin = first + warmup;
        let end = begin + seconds;
        for token in 0..self.clients.len() {
            self.ask(token, first);
        }
        let mut ready = Vec::new();
        let (mut start, mut stop): (Option<Reading>, Option<Reading>) = (None, None);
        loop {
            let now = Instant::now();
            if start.is_none() && now >= begin {
                start = Some(Reading::take(watched)?);
            }
            if stop.is_none() && now >= end {
                stop = Some(Reading::take(watched)?);
            }
            let under_way = self.clients.iter().filter(|client| client.busy).count() as u64;
            if under_way == 0 || now >= end + GRACE {
                let stop = match stop {
                    Some(reading) => reading,
                    None => Reading::take(watched)?,
                };
                return Ok((start.unwrap_or(stop), stop, under_way));
            }
            // Looking at all the clients is for once in a while, not for every turn.
            for _ in 0..TURNS {
                self.fleet.poll.wait(5, &mut ready).map_err(|error| format!("epoll: {error}"))?;
                let now = Instant::now();
                let measuring = start.is_some() && stop.is_none() && now < end;
                for (token, _) in &ready {
                    self.turn(*token, now, measuring, now < end);
                }
                if ready.is_empty() || !measuring {
                    break;
                }
            }
        }
    }

    fn turn(&mut self, token: usize, now: Instant, measuring: bool, more: bool) {
        match self.hear(token) {
            Ok(None) => {}
            Ok(Some((sent, well))) => {
                if measuring && well {
                    self.statements += 1;
                    self.times.add(now.saturating_duration_since(sent));
                }
                if more {
                    self.ask(token, now);
                }
            }
            Err(reason) => self.lose(token, reason),
        }
    }

    fn ask(&mut self, token: usize, now: Instant) {
        let (Some(Some(link)), Some(client)) = (self.fleet.links.get_mut(token), self.clients.get_mut(token))
        else {
            return;
        };
        let key = self.chance.key(self.script.keys);
        *client = Client { key, sent: now, busy: true, rows: 0, strange: false, failed: false };
        self.script.request(key, &mut self.request);
        // A statement is far smaller than a socket's buffer, and the one before it has been answered.
        match link.send(&self.request) {
            Ok(true) => {}
            Ok(false) => self.lose(token, "the socket takes no more".to_owned()),
            Err(error) => self.lose(token, error.to_string()),
        }
    }

    fn lose(&mut self, token: usize, reason: String) {
        self.fleet.lose(token, reason, &mut self.failures);
        if let Some(client) = self.clients.get_mut(token) {
            client.busy = false;
        }
    }

    /// Takes what a server said to a client. Gives when the statement was sent and whether all was well, once it is
    /// over.
    fn hear(&mut self, token: usize) -> Result<Option<(Instant, bool)>, String> {
        let (Some(Some(link)), Some(client)) = (self.fleet.links.get_mut(token), self.clients.get_mut(token))
        else {
            return Ok(None);
        };
        let open = link.fill(&mut self.fleet.scratch).map_err(|error| error.to_string())?;
        let mut over = None;
        while let Some((kind, place)) = link.next()? {
            match kind {
                b'D' => {
                    client.rows += 1;
                    if self.script.expect_key
                        && number(wire::first_column(link.body(&place))) != Some(client.key)
                    {
                        client.strange = true;
                    }
                }
                b'E' => {
                    client.failed = true;
                    self.failures.add(wire::problem(link.body(&place)));
                }
                b'Z' if client.busy => {
                    let wrong = !client.failed && (client.rows != 1 || client.strange);
                    self.wrong += u64::from(wrong);
                    client.busy = false;
                    over = Some((client.sent, !client.failed && !wrong));
                }
                // Notices and changed parameters may come at any time.
                b'N' | b'S' | b'A' => {}
                b'1' | b'2' | b'T' | b'C' | b'I' | b'n' if client.busy => {}
                other => return Err(format!("unexpected message {}", other.escape_ascii())),
            }
        }
        link.forget_read();
        if open { Ok(over) } else { Err(CLOSED.to_owned()) }
    }
}

fn number(column: Option<&[u8]>) -> Option<u64> {
    std::str::from_utf8(column?).ok()?.parse().ok()
}
