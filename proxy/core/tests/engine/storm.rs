//! Random work of many clients, random departures, dying servers, forgotten plans: everybody hears their own, under
//! their own settings, and nothing is left behind.

use crate::client::{Client, Next};
use crate::house::{House, POOL, config};
use crate::words::{extended, message, query};
use _core::border::Command;
use _core::pool::{PoolConfig, PoolStats};
use _core::shared::Limits;
use std::collections::VecDeque;
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
}

impl Worker {
    fn new(client: Client) -> Self {
        let (zone, zone_before) = ("none".to_owned(), String::new());
        Self { client, expected: VecDeque::new(), in_transaction: false, zone, zone_before }
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
        match chance.below(16) {
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

    /// False when its connection ended, which it may where servers die. Panics when it hears another's words.
    fn hears_its_own(&mut self, may_be_lost: bool) -> bool {
        loop {
            match self.client.next() {
                Next::Message(heard) if may_be_lost && heard.starts_with("E:08006") => {
                    // How much of its unit ran is not known, nor what all behind it depends on.
                    return false;
                }
                Next::Message(heard) => {
                    let wanted = self.expected.pop_front();
                    assert_eq!(Some(&heard), wanted.as_ref(), "then {:?}", self.expected);
                }
                Next::Nothing => return true,
                Next::End => {
                    assert!(may_be_lost, "nobody is cut off here; {:?}", self.expected);
                    return false;
                }
            }
        }
    }
}

fn storm(seed: u64) {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let servers_die = seed.is_multiple_of(4);
    let limits = Limits { max_clients: 1_000, login_ms: 60_000, max_statement: 1 << 20 };
    let size = 1 + seed as usize % 3;
    let pool = PoolConfig { prepared: 1 + (seed as usize % 3), share_depth: 4, ..config(size) };
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
            2 => house.say(Command::ForgetPlans),
            3 if seed.is_multiple_of(3) => house.say(Command::Recycle { pool: POOL }),
            4 => {
                let on = chance.below(2) == 0;
                house.servers.iter_mut().for_each(|server| server.answers = on);
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
        workers.retain_mut(|worker| worker.hears_its_own(servers_die));
    }
    house.servers.iter_mut().for_each(|server| server.answers = true);
    // All that was asked is answered, when nobody keeps a transaction open.
    for worker in workers.iter_mut().filter(|worker| worker.in_transaction) {
        worker.in_transaction = false;
        worker.expects("C:COMMIT");
        worker.client.say("commit");
    }
    house.until("everybody has their own", |_| {
        workers.retain_mut(|worker| worker.hears_its_own(servers_die));
        workers.iter().all(|worker| worker.expected.is_empty())
    });
    workers.clear();
    let clients = Arc::clone(&house.shared);
    house.until("nothing is left behind", |house| {
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
    for seed in 1..=24 {
        storm(seed);
    }
}
