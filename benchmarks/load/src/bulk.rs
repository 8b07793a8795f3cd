//! Statements that move much: every client runs the same one so many times, and rows are counted as they pass.
//!
//! What is received is that of a SELECT or a COPY TO STDOUT; what is sent goes behind a COPY FROM STDIN, so many rows and a
//! last one, `end`, of which alone the server should keep count: its tag proves that the stream came to its end.

use std::os::fd::AsRawFd;
use std::time::Instant;

use crate::cpu::Reading;
use crate::fleet::{self, CLOSED, Fleet, Pace};
use crate::histogram::Histogram;
use crate::json::Object;
use crate::options::Options;
use crate::poll;
use crate::tally::Tally;
use crate::wire;

/// As drivers do: some rows in a message, some messages in a call.
const ROWS_IN_MESSAGE: u64 = 8;
const MESSAGES_IN_CHUNK: u64 = 8;
const END: &[u8] = b"end\n";

/// What is asked, and what has to come of it.
struct Order {
    request: Vec<u8>,
    rows: u64,
    /// Bytes in the body of every message that carries rows; 0: any.
    row_bytes: usize,
    /// Rows are sent, in chunks like this.
    chunk: Option<Vec<u8>>,
}

struct Client {
    /// Statements it has not begun.
    left: u64,
    since: Instant,
    rows: u64,
    tag: u64,
    odd: bool,
    failed: bool,
    /// Chunks it has not sent.
    owed: Option<u64>,
    stuck: bool,
    busy: bool,
}

struct Work {
    fleet: Fleet,
    clients: Vec<Client>,
    order: Order,
    statements: u64,
    bytes: u64,
    wrong: u64,
    failures: Tally,
    times: Histogram,
}

pub fn main(mut options: Options) -> Result<bool, String> {
    let target = options.target()?;
    let pace = Pace::read(&mut options)?;
    let count: usize = options.number("clients", 1)?;
    let times: u64 = options.number("times", 1)?;
    let watched = options.watched()?;
    let order = Order::read(&mut options)?;
    options.finish()?;
    let opened = fleet::open(&target, count, true, &pace)?;
    if opened.failures.total() > 0 || count == 0 {
        return Err(format!("{} of {count} clients came in: {}", opened.admitted, opened.failures.json()));
    }
    let tls = opened.fleet.tls();
    let mut work = Work::new(opened.fleet, order, times);
    let start = Reading::take(&watched)?;
    let unanswered = work.run(&pace)?;
    let end = Reading::take(&watched)?;
    work.fleet.leave();
    work.failures.add_many("no answer within the time given", unanswered);
    let errors = work.failures.total();
    let mut report = Object::new();
    report
        .number("statements", work.statements)
        .number("bytes", work.bytes)
        .number("seconds", format_args!("{:.6}", (end.at - start.at).as_secs_f64()))
        .number("errors", errors)
        .number("wrong", work.wrong)
        .raw("kinds", &work.failures.json())
        .raw("latency_us", &work.times.json())
        .number("cpu_ns", end.watched.saturating_sub(start.watched))
        .number("own_cpu_ns", end.own.saturating_sub(start.own))
        .text("tls", &tls);
    println!("{}", report.finish());
    Ok(errors == 0 && work.wrong == 0 && work.statements == count as u64 * times)
}

impl Order {
    fn read(options: &mut Options) -> Result<Order, String> {
        let statement = options.text("statement", "");
        let (rows, row_bytes) = (options.number("rows", 0u64)?, options.number("row-bytes", 0usize)?);
        let chunk = match options.text("direction", "receive").as_str() {
            "receive" => None,
            "send" if row_bytes > 0 => Some(chunk(row_bytes)),
            "send" => return Err("--direction send needs --row-bytes".to_owned()),
            other => return Err(format!("--direction {other}: one of receive, send")),
        };
        let mut request = Vec::new();
        wire::message(&mut request, b'Q', |body| wire::text(body, statement.as_bytes()));
        Ok(Order { request, rows, row_bytes, chunk })
    }

    fn chunks(&self) -> u64 {
        self.rows.div_ceil(ROWS_IN_MESSAGE * MESSAGES_IN_CHUNK)
    }
}

/// Some messages of some rows, each `row_bytes` long with its newline.
fn chunk(row_bytes: usize) -> Vec<u8> {
    let mut row = vec![b'x'; row_bytes.saturating_sub(1)];
    row.push(b'\n');
    let mut out = Vec::new();
    for _ in 0..MESSAGES_IN_CHUNK {
        wire::message(&mut out, b'd', |body| {
            (0..ROWS_IN_MESSAGE).for_each(|_| body.extend_from_slice(&row));
        });
    }
    out
}

impl Work {
    fn new(fleet: Fleet, order: Order, times: u64) -> Work {
        let idle = || Client {
            left: times,
            since: Instant::now(),
            rows: 0,
            tag: 0,
            odd: false,
            failed: false,
            owed: None,
            stuck: false,
            busy: false,
        };
        let clients = fleet.links.iter().map(|_| idle()).collect();
        let (failures, times) = (Tally::default(), Histogram::new());
        Work { fleet, clients, order, statements: 0, bytes: 0, wrong: 0, failures, times }
    }

    /// Gives how many statements were left when patience was over.
    fn run(&mut self, pace: &Pace) -> Result<u64, String> {
        let start = Instant::now();
        for token in 0..self.clients.len() {
            self.attempt(token, Work::ask);
        }
        let mut ready = Vec::new();
        loop {
            let under_way = self.clients.iter().filter(|client| client.busy).count() as u64;
            if under_way == 0 || start.elapsed() > pace.patience {
                return Ok(under_way);
            }
            self.fleet.poll.wait(50, &mut ready).map_err(|error| format!("epoll: {error}"))?;
            for (token, events) in &ready {
                if events & poll::WRITE != 0 {
                    self.attempt(*token, Work::resume);
                }
                if events & !poll::WRITE != 0 {
                    self.attempt(*token, Work::hear);
                }
            }
        }
    }

    fn attempt(&mut self, token: usize, act: impl FnOnce(&mut Work, usize) -> Result<(), String>) {
        if let Err(reason) = act(self, token) {
            self.fleet.lose(token, reason, &mut self.failures);
            if let Some(client) = self.clients.get_mut(token) {
                client.busy = false;
            }
        }
    }

    fn ask(&mut self, token: usize) -> Result<(), String> {
        let (Some(Some(link)), Some(client)) = (self.fleet.links.get_mut(token), self.clients.get_mut(token))
        else {
            return Ok(());
        };
        client.busy = client.left > 0;
        if !client.busy {
            return Ok(());
        }
        client.left -= 1;
        client.since = Instant::now();
        (client.rows, client.tag, client.odd, client.failed) = (0, 0, false, false);
        match link.send(&self.order.request) {
            Ok(true) => Ok(()),
            Ok(false) => Err("the socket takes no more".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The socket takes more again.
    fn resume(&mut self, token: usize) -> Result<(), String> {
        let (Some(Some(link)), Some(client)) = (self.fleet.links.get_mut(token), self.clients.get_mut(token))
        else {
            return Ok(());
        };
        if client.stuck && link.flush().map_err(|error| error.to_string())? {
            client.stuck = false;
            let descriptor = link.stream.as_raw_fd();
            self.fleet
                .poll
                .change(descriptor, token, poll::READ)
                .map_err(|error| format!("epoll: {error}"))?;
            return self.feed(token);
        }
        Ok(())
    }

    /// Sends rows until there are no more or the socket takes no more.
    fn feed(&mut self, token: usize) -> Result<(), String> {
        let (Some(Some(link)), Some(client)) = (self.fleet.links.get_mut(token), self.clients.get_mut(token))
        else {
            return Ok(());
        };
        let Some(chunk) = &self.order.chunk else { return Err("asked for rows".to_owned()) };
        while let Some(owed) = client.owed {
            let mut last = Vec::new();
            let said = if owed == 0 {
                wire::message(&mut last, b'd', |body| body.extend_from_slice(END));
                wire::message(&mut last, b'c', |_| {});
                client.owed = None;
                &last
            } else {
                client.owed = Some(owed - 1);
                chunk
            };
            self.bytes += said.len() as u64;
            if !link.send(said).map_err(|error| error.to_string())? {
                client.stuck = true;
                let (descriptor, both) = (link.stream.as_raw_fd(), poll::READ | poll::WRITE);
                let changed = self.fleet.poll.change(descriptor, token, both);
                return changed.map_err(|error| format!("epoll: {error}"));
            }
        }
        Ok(())
    }

    fn hear(&mut self, token: usize) -> Result<(), String> {
        let (Some(Some(link)), Some(client)) = (self.fleet.links.get_mut(token), self.clients.get_mut(token))
        else {
            return Ok(());
        };
        let open = link.fill(&mut self.fleet.scratch).map_err(|error| error.to_string())?;
        let (mut wanted, mut over) = (false, false);
        while let Some((kind, place)) = link.next()? {
            match kind {
                b'D' | b'd' => {
                    client.rows += 1;
                    self.bytes += place.len() as u64 + 5;
                    client.odd |= self.order.row_bytes > 0 && place.len() != self.order.row_bytes;
                }
                b'G' => {
                    client.owed = Some(self.order.chunks());
                    wanted = true;
                }
                b'C' => client.tag = tag(link.body(&place)),
                b'E' => {
                    client.failed = true;
                    client.owed = None;
                    self.failures.add(wire::problem(link.body(&place)));
                }
                b'Z' => over = true,
                b'T' | b'H' | b'c' | b'N' | b'S' | b'A' => {}
                other => return Err(format!("unexpected message {}", other.escape_ascii())),
            }
        }
        link.forget_read();
        if !open {
            return Err(CLOSED.to_owned());
        }
        if wanted {
            self.feed(token)?;
        }
        if over { self.finish(token) } else { Ok(()) }
    }

    /// A statement is over: counts it, and begins the next.
    fn finish(&mut self, token: usize) -> Result<(), String> {
        let Some(client) = self.clients.get_mut(token) else { return Ok(()) };
        let kept = if self.order.chunk.is_some() { 1 } else { self.order.rows };
        let right = client.tag == kept && (self.order.chunk.is_some() || client.rows == kept) && !client.odd;
        if !client.failed {
            self.statements += u64::from(right);
            self.wrong += u64::from(!right);
            self.times.add(client.since.elapsed());
        }
        self.ask(token)
    }
}

/// The number at the end of a command's tag.
fn tag(body: &[u8]) -> u64 {
    let text = std::str::from_utf8(body).unwrap_or_default().trim_end_matches('\0');
    text.rsplit(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_whole_messages_of_whole_rows() {
        let out = chunk(4);
        assert_eq!(out.len() as u64, MESSAGES_IN_CHUNK * (5 + 4 * ROWS_IN_MESSAGE));
        assert!(out.starts_with(b"d\0\0\0\x24xxx\nxxx\n"));
    }

    #[test]
    fn a_tag_ends_with_the_number_of_rows() {
        assert_eq!(tag(b"COPY 42\0"), 42);
        assert_eq!(tag(b"INSERT 0 7\0"), 7);
        assert_eq!(tag(b"BEGIN\0"), 0);
    }
}
