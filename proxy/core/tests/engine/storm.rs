//! Random work of many clients, random departures, dying and silent servers, slow readers, cancel requests, deadlines,
//! forgotten plans: everybody hears their own, under their own settings, and nothing is left behind.

use crate::client::{Client, Next};
use crate::house::{House, POOL, config};
use crate::words::{extended, message, query};
use _core::border::Command;
use _core::pool::{PoolConfig, PoolStats};
use _core::shared::Limits;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Small, and the same every time for a seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// A client that knows what it has to hear.
struct Worker {
    client: Client,
    expected: VecDeque<String>,
    in_transaction: bool,
    zone: String,
    zone_before: String,
    /// What it prepared in SQL, by the number of its name: the number in the statement, which may fail.
    names: HashMap<u64, (String, bool)>,
    /// Something of what it expects leaves a state behind: it may not be stopped.
    lasting: bool,
    reads: bool,
}

impl Worker {
    fn new(client: Client) -> Self {
        let (zone, zone_before) = ("none".to_owned(), String::new());
        let (names, expected) = (HashMap::new(), VecDeque::new());
        Self {
            client,
            expected,
            in_transaction: false,
            zone,
            zone_before,
            names,
            lasting: false,
            reads: true,
        }
    }

    fn expects(&mut self, words: &str) {
        let ready = if self.in_transaction { "Z:T" } else { "Z:I" };
        self.expected.extend(words.split(' ').chain([ready]).map(str::to_owned));
    }

    /// The bytes of one more unit of work; what it will hear is noted.
    fn unit(&mut self, chance: &mut Chance) -> Vec<u8> {
        let port = self.client.stream.local_addr().unwrap().port();
        // Texts are few, or the brain would be asked each time.
        let number = format!("{port}{}", chance.below(4));
        let kind = chance.below(22);
        self.lasting = match kind {
            16..=18 => true,
            _ => kind < 7 || self.in_transaction || (self.lasting && !self.expected.is_empty()),
        };
        match kind {
            16 | 17 => {
                let name = chance.below(3);
                let entry = self.names.remove(&name);
                if let (Some(_), true) = (&entry, chance.below(2) == 0) {
                    self.expects("C:DEALLOCATE");
                    return query(&format!("deallocate p{name}"));
                }
                if let Some(entry) = entry {
                    self.names.insert(name, entry);
                    return self.run_name(name);
                }
                let fails = chance.below(4) == 0 && !self.in_transaction;
                // Few contents, that others prepare too.
                let number = chance.below(4).to_string();
                let what = if fails { "fail" } else { "select zone" };
                self.expects("C:PREPARE");
                let text = format!("prepare P{name} as {what} {number}");
                self.names.insert(name, (number, fails));
                query(&text)
            }
            18..=20 if !self.names.is_empty() => {
                let names: Vec<u64> = self.names.keys().copied().collect();
                let name = *names.iter().min().unwrap();
                self.run_name(name)
            }
            0 if !self.in_transaction => {
                self.in_transaction = true;
                self.zone_before.clone_from(&self.zone);
                self.expects("C:BEGIN");
                query("begin")
            }
            0..=3 if self.in_transaction => {
                let commits = chance.below(3) > 0;
                if !commits {
                    self.zone.clone_from(&self.zone_before);
                }
                self.in_transaction = false;
                self.expects(if commits { "C:COMMIT" } else { "C:ROLLBACK" });
                query(if commits { "commit" } else { "rollback" })
            }
            4 if !self.in_transaction => {
                self.expects("E:22012");
                query("fail")
            }
            5 => {
                self.zone = ["UTC", "CET", "GMT"][chance.below(3) as usize].to_owned();
                self.expects("C:OK");
                query(&format!("set timezone {}", self.zone))
            }
            6 => {
                self.expects("G:\0\0 C:COPY");
                let ready = self.expected.len() - 1;
                assert!(self.expected[ready].starts_with('Z'));
                [query("copy in"), message(b'd', &[b"data"]), message(b'c', &[])].concat()
            }
            7 => {
                let length = 1 + chance.below(400_000);
                self.expects(&format!("D:{} C:OK", length.max(201)));
                query(&format!("select big {}", length.max(201)))
            }
            8..=11 => {
                self.expects(&format!("1 2 D:{}_{number} C:OK", self.zone));
                extended("", &format!("select zone {number}"))
            }
            12 => {
                self.expects(&format!("1 2 D:insert_{number} C:OK"));
                extended("", &format!("insert {number}"))
            }
            _ => {
                self.expects(&format!("D:{}_{number} C:OK", self.zone));
                query(&format!("select zone {number}"))
            }
        }
    }

    fn run_name(&mut self, name: u64) -> Vec<u8> {
        let (number, fails) = self.names[&name].clone();
        if fails && self.in_transaction {
            // It would end it.
            self.expects(&format!("D:{}_0 C:OK", self.zone));
            return query("select zone 0");
        }
        self.expects(&if fails { "E:22012".to_owned() } else { format!("D:{}_{number} C:OK", self.zone) });
        query(&format!("execute \"p{name}\""))
    }

    /// False when its connection ended, which it may where servers die. Panics when it hears another's words.
    fn hears_its_own(&mut self, may_be_lost: bool, may_be_stopped: bool) -> bool {
        if !self.reads {
            return true;
        }
        loop {
            match self.client.next() {
                Next::Message(heard) if may_be_lost && heard.starts_with("E:08006") => {
                    // How much of its unit ran is not known, nor what all behind it depends on.
                    return false;
                }
                Next::Message(heard) if may_be_stopped && heard == "E:57014" => {
                    while self.expected.front().expect("something ends it").as_bytes()[0] != b'Z' {
                        self.expected.pop_front();
                    }
                }
                Next::Message(heard) => {
                    let wanted = self.expected.pop_front();
                    assert_eq!(Some(&heard), wanted.as_ref(), "then {:?}", self.expected);
                }
                Next::Nothing => return true,
                Next::End => {
                    // Whose time is up in the middle of a row cannot be told so.
                    let midway = may_be_stopped && self.expected.front().is_some_and(|next| next.len() > 5);
                    assert!(may_be_lost || midway, "nobody is cut off here; {:?}", self.expected);
                    return false;
                }
            }
        }
    }
}

/// Cancel requests are delivered. Whatever they were for, it ends by itself.
fn cancelled(house: &mut House) {
    for ticket in std::mem::take(&mut house.cancels) {
        house.say(Command::Cancelled { ticket });
    }
}

fn storm(seed: u64) {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let servers_die = seed.is_multiple_of(4);
    let limits = Limits { max_clients: 1_000, login_ms: 60_000, max_statement: 1 << 20 };
    let size = 1 + seed as usize % 3;
    let statement_ms = if seed.is_multiple_of(5) { 8 } else { 0 };
    let cancels = seed.is_multiple_of(7);
    let stopped = statement_ms > 0 || cancels;
    let pool = PoolConfig { prepared: 1 + (seed as usize % 3), share_depth: 4, statement_ms, ..config(size) };
    let mut house = House::with(1 + seed as usize % 2, limits, pool);
    let carriers = house.engines.len() as u64;
    let mut workers: Vec<Worker> = Vec::new();
    for _ in 0..600 {
        if workers.len() < 12 {
            let carrier = chance.below(carriers) as usize;
            workers.push(Worker::new(house.client_of(carrier)));
        }
        let at = chance.below(workers.len() as u64) as usize;
        match chance.below(30) {
            // Left without a word, in the middle of whatever it does.
            0 => drop(workers.swap_remove(at)),
            1 if servers_die && !house.servers.is_empty() => {
                let server = chance.below(house.servers.len() as u64) as usize;
                let _ = house.servers[server].stream.shutdown(std::net::Shutdown::Both);
            }
            2 => house.say(Command::ForgetPlans { bases: (chance.below(2) == 0).then(|| vec![1]) }),
            3 if seed.is_multiple_of(3) => house.say(Command::Recycle { pool: POOL }),
            4 => {
                let on = chance.below(2) == 0;
                house.servers.iter_mut().for_each(|server| server.answers = on);
            }
            5 => workers[at].reads = !workers[at].reads,
            6 if cancels && !workers[at].lasting => {
                let mut asks = house.knock(chance.below(carriers) as usize);
                let code = 80_877_102u32.to_be_bytes();
                asks.send(&[&16u32.to_be_bytes()[..], &code, &workers[at].client.key].concat());
                // It comes before what is said next: that may leave something behind.
                house.settle();
            }
            7 => {
                // Time for what only time brings.
                let since = std::time::Instant::now();
                let ms = u128::from(chance.below(30));
                while since.elapsed().as_millis() < ms {
                    house.turn();
                }
            }
            _ => {
                let many = 1 + chance.below(4);
                let units: Vec<u8> = (0..many).flat_map(|_| workers[at].unit(&mut chance)).collect();
                workers[at].client.send(&units);
            }
        }
        for _ in 0..chance.below(3) {
            house.turn();
        }
        if chance.below(3) > 0 {
            cancelled(&mut house);
        }
        workers.retain_mut(|worker| worker.hears_its_own(servers_die, stopped));
    }
    workers.iter_mut().for_each(|worker| worker.reads = true);
    house.servers.iter_mut().for_each(|server| server.answers = true);
    // All that was asked is answered, when nobody keeps a transaction open.
    for worker in workers.iter_mut().filter(|worker| worker.in_transaction) {
        worker.in_transaction = false;
        worker.expects("C:COMMIT");
        worker.client.say("commit");
    }
    house.until("everybody has their own", |house| {
        cancelled(house);
        workers.retain_mut(|worker| worker.hears_its_own(servers_die, stopped));
        workers.iter().all(|worker| worker.expected.is_empty())
    });
    workers.clear();
    let clients = Arc::clone(&house.shared);
    house.until("nothing is left behind", |house| {
        cancelled(house);
        let (live, idle, opening) = house.counts();
        live == idle && opening == 0 && clients.clients.load(Relaxed) == 0
    });
    let pool = house.shared.pool(POOL).unwrap();
    let figures = |of: fn(&PoolStats) -> i64| pool.stats.iter().map(of).sum::<i64>();
    let left = [figures(|s| s.clients.get()), figures(|s| s.linked.get()), figures(|s| s.sharing.get())];
    assert_eq!((left, pool.waiting()), ([0; 3], 0));
    assert!(house.counts().0 <= size);
}

#[test]
fn a_storm_in_which_everybody_gets_their_own() {
    let storms = std::env::var("STORMS").ok().and_then(|count| count.parse().ok()).unwrap_or(28);
    let first = std::env::var("FIRST").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    for seed in first..first + storms {
        eprintln!("storm {seed}");
        storm(seed);
    }
}
