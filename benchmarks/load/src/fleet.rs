//! Many clients: logging them in, so many at a time, and having each of them say one thing and wait for the answer.

use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use crate::histogram::Histogram;
use crate::login::{Login, Secrets, Step, Target};
use crate::options::Options;
use crate::poll::{self, Poll};
use crate::tally::Tally;
use crate::tls;
use crate::wire::{self, Link};

pub const CLOSED: &str = "the connection was closed";
const LATE: &str = "no answer within the time given";
const SCRATCH: usize = 64 * 1024;

pub struct Fleet {
    pub poll: Poll,
    /// By token. A client that did not come in, or was lost, leaves its place empty.
    pub links: Vec<Option<Link>>,
    pub scratch: Vec<u8>,
}

/// How to go about it: at most so many at once, all within `patience`.
pub struct Pace {
    pub concurrency: usize,
    pub patience: Duration,
}

impl Pace {
    pub fn read(options: &mut Options) -> Result<Pace, String> {
        let concurrency = options.number("concurrency", 64usize)?.max(1);
        Ok(Pace { concurrency, patience: options.seconds("patience", 60.0)? })
    }
}

pub struct Opened {
    pub fleet: Fleet,
    pub admitted: u64,
    pub failures: Tally,
    pub elapsed: Duration,
    pub times: Histogram,
}

struct Entrant {
    link: Link,
    login: Login,
    stage: Stage,
    since: Instant,
}

/// How far a client is.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Connecting,
    AskedForTls,
    ShakingHands,
    LoggingIn,
}

/// Logs `count` clients in. Those that came in stay when `keep` says so, and else take their leave at once.
pub fn open(target: &Target, count: usize, keep: bool, pace: &Pace) -> Result<Opened, String> {
    let mut fleet = Fleet {
        poll: Poll::new().map_err(|error| format!("epoll: {error}"))?,
        links: (0..if keep { count } else { 0 }).map(|_| None).collect(),
        scratch: vec![0; SCRATCH],
    };
    let mut secrets = Secrets::new()?;
    let mut entrants: Vec<Option<Entrant>> = (0..count).map(|_| None).collect();
    let (mut started, mut under_way, mut admitted) = (0usize, 0usize, 0u64);
    let (mut failures, mut times) = (Tally::default(), Histogram::new());
    let mut ready = Vec::new();
    let start = Instant::now();
    while started < count || under_way > 0 {
        while under_way < pace.concurrency && started < count {
            match begin(target, &fleet.poll, started) {
                Ok(entrant) => {
                    if let Some(place) = entrants.get_mut(started) {
                        *place = Some(entrant);
                        under_way += 1;
                    }
                }
                Err(error) => failures.add(error),
            }
            started += 1;
        }
        if start.elapsed() > pace.patience {
            failures.add_many(LATE, (under_way + count - started) as u64);
            break;
        }
        fleet.poll.wait(50, &mut ready).map_err(|error| format!("epoll: {error}"))?;
        for (token, _) in &ready {
            let Some(place) = entrants.get_mut(*token) else {
                continue;
            };
            let Some(entrant) = place.as_mut() else {
                continue;
            };
            let came_in = go_on(entrant, &fleet.poll, *token, target, &mut secrets, &mut fleet.scratch);
            if matches!(came_in, Ok(false)) {
                continue;
            }
            under_way -= 1;
            let Some(mut entrant) = place.take() else {
                continue;
            };
            match came_in {
                Err(error) => failures.add(error),
                Ok(_) => {
                    admitted += 1;
                    times.add(entrant.since.elapsed());
                    entrant.link.shrink();
                    match fleet.links.get_mut(*token) {
                        Some(link) => *link = Some(entrant.link),
                        None => leave(&mut entrant.link),
                    }
                }
            }
        }
    }
    Ok(Opened { fleet, admitted, failures, elapsed: start.elapsed(), times })
}

/// Says goodbye as a client should. Nobody waits for what becomes of it.
pub fn leave(link: &mut Link) {
    let _ = link.send(b"X\0\0\0\x04");
}

fn begin(target: &Target, poll: &Poll, token: usize) -> Result<Entrant, String> {
    let stream = poll::connect(target.address).map_err(|error| format!("connect: {error}"))?;
    poll.add(stream.as_raw_fd(), token, poll::WRITE).map_err(|error| format!("epoll: {error}"))?;
    Ok(Entrant {
        link: Link::new(stream),
        login: Login::default(),
        stage: Stage::Connecting,
        since: Instant::now(),
    })
}

/// One step of a log-in. True: the client is in.
fn go_on(
    entrant: &mut Entrant,
    poll: &Poll,
    token: usize,
    target: &Target,
    secrets: &mut Secrets,
    scratch: &mut [u8],
) -> Result<bool, String> {
    let link = &mut entrant.link;
    let began = || wire::startup(&target.user, &target.database);
    if entrant.stage == Stage::Connecting {
        if let Some(error) = link.stream.take_error().map_err(|error| error.to_string())? {
            return Err(format!("connect: {error}"));
        }
        poll.change(link.stream.as_raw_fd(), token, poll::READ).map_err(|error| format!("epoll: {error}"))?;
        let first = if target.tls.is_some() { wire::ASK_TLS.to_vec() } else { began() };
        entrant.stage = if target.tls.is_some() { Stage::AskedForTls } else { Stage::LoggingIn };
        return say(link, &first).map(|()| false);
    }
    if entrant.stage == Stage::AskedForTls {
        match (link.answer().map_err(|error| format!("TLS: {error}"))?, &target.tls) {
            (None, _) => return Ok(false),
            (Some(b'S'), Some(terms)) => {
                link.secure(terms.begin()?).map_err(|error| format!("TLS: {error}"))?;
                entrant.stage = Stage::ShakingHands;
                return Ok(false);
            }
            _ => return Err("TLS: it is not offered".to_owned()),
        }
    }
    let open = link.fill(scratch).map_err(|error| format!("log-in: {error}"))?;
    if entrant.stage == Stage::ShakingHands && !link.tls().is_some_and(|tls| tls.is_handshaking()) {
        entrant.stage = Stage::LoggingIn;
        say(link, &began())?;
    }
    while let Some((kind, place)) = link.next()? {
        match entrant.login.receive(kind, link.body(&place), target, secrets)? {
            Step::Wait => {}
            Step::Send(data) => say(link, &data)?,
            Step::Ready => {
                link.forget_read();
                return Ok(true);
            }
        }
    }
    link.forget_read();
    if open { Ok(false) } else { Err(format!("log-in: {CLOSED}")) }
}

fn say(link: &mut Link, data: &[u8]) -> Result<(), String> {
    match link.send(data) {
        Ok(true) => Ok(()),
        Ok(false) => Err("log-in: the socket takes no more".to_owned()),
        Err(error) => Err(format!("log-in: {error}")),
    }
}

impl Fleet {
    /// Every client sends `request` and waits for its ReadyForQuery. Gives what went wrong.
    pub fn ask(&mut self, request: &[u8], pace: &Pace) -> Result<Tally, String> {
        let mut failures = Tally::default();
        let (mut next, mut under_way) = (0usize, 0usize);
        let mut asked = vec![false; self.links.len()];
        let mut ready = Vec::new();
        let start = Instant::now();
        loop {
            while under_way < pace.concurrency && next < self.links.len() {
                let token = next;
                next += 1;
                let Some(link) = self.links.get_mut(token).and_then(Option::as_mut) else {
                    continue;
                };
                match say(link, request) {
                    Ok(()) => {
                        under_way += 1;
                        if let Some(flag) = asked.get_mut(token) {
                            *flag = true;
                        }
                    }
                    Err(error) => self.lose(token, error, &mut failures),
                }
            }
            if under_way == 0 {
                return Ok(failures);
            }
            if start.elapsed() > pace.patience {
                failures.add_many(LATE, under_way as u64);
                return Ok(failures);
            }
            self.poll.wait(50, &mut ready).map_err(|error| format!("epoll: {error}"))?;
            for (token, _) in &ready {
                let Some(link) = self.links.get_mut(*token).and_then(Option::as_mut) else {
                    continue;
                };
                match listen(link, &mut self.scratch, &mut failures) {
                    Ok(false) => continue,
                    Ok(true) => {}
                    Err(error) => self.lose(*token, error, &mut failures),
                }
                if asked.get_mut(*token).is_some_and(std::mem::take) {
                    under_way -= 1;
                }
            }
        }
    }

    /// What TLS agreed on, for people; nothing where there is none. All of one fleet agree on the same.
    pub fn tls(&self) -> String {
        self.links.iter().flatten().find_map(Link::tls).map(tls::agreed).unwrap_or_default()
    }

    /// How many of the clients that came in find their connection closed now.
    pub fn count_lost(&mut self) -> u64 {
        let mut lost = 0;
        for link in self.links.iter_mut().flatten() {
            if !matches!(link.fill(&mut self.scratch), Ok(true)) {
                lost += 1;
            }
        }
        lost
    }

    pub fn leave(&mut self) {
        self.links.iter_mut().flatten().for_each(leave);
    }

    pub fn lose(&mut self, token: usize, reason: String, failures: &mut Tally) {
        failures.add(reason);
        if let Some(place) = self.links.get_mut(token) {
            *place = None;
        }
    }
}

fn listen(link: &mut Link, scratch: &mut [u8], failures: &mut Tally) -> Result<bool, String> {
    let open = link.fill(scratch).map_err(|error| error.to_string())?;
    let mut done = false;
    while let Some((kind, place)) = link.next()? {
        match kind {
            b'E' => failures.add(wire::problem(link.body(&place))),
            b'Z' => done = true,
            _ => {}
        }
    }
    link.forget_read();
    link.shrink();
    if open { Ok(done) } else { Err(CLOSED.to_owned()) }
}
