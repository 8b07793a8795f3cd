//! The end of a process: who may still finish, who is told to go, and when; and the sockets it gave away.

use crate::house::{House, config};
use crate::words::{message, query};
use _core::border::Command;
use _core::pool::{Mode, PoolConfig};
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::sync::Arc;

#[test]
fn who_is_idle_goes_and_who_is_at_work_finishes() {
    let mut house = House::new(PoolConfig { sharing: false, ..config(2) });
    let (mut idle, mut working, mut inside) = (house.client(), house.client(), house.client());
    inside.say("begin");
    house.expect(&mut inside, "C:BEGIN Z:T");
    house.servers[0].answers = false;
    working.say("insert 1");
    house.until("it is under way", |house| house.servers.len() == 2);
    house.servers[1].answers = false;
    house.settle();
    house.say(Command::Drain { at_once: false });
    house.expect(&mut idle, "E:57P01! END");
    house.silence(&mut working);
    house.silence(&mut inside);
    for server in &mut house.servers {
        server.answers = true;
    }
    house.expect(&mut working, "D:insert_1 C:OK Z:I E:57P01! END");
    inside.say("insert 2");
    house.expect(&mut inside, "D:insert_2 C:OK Z:T");
    inside.say("commit");
    house.expect(&mut inside, "C:COMMIT Z:I E:57P01! END");
}

#[test]
fn who_waits_for_a_connection_or_a_plan_still_gets_its_answer() {
    for sharing in [false, true] {
        let mut house = House::new(PoolConfig { sharing, ..config(1) });
        let (mut holder, mut waiting, mut unplanned) = (house.client(), house.client(), house.client());
        holder.say("begin");
        house.expect(&mut holder, "C:BEGIN Z:T");
        waiting.say("select 1");
        house.settle();
        house.plans = false;
        unplanned.say("select 2");
        house.settle();
        house.say(Command::Drain { at_once: false });
        house.settle();
        house.plans = true;
        house.say(Command::ForgetPlans { bases: None });
        holder.say("commit");
        house.expect(&mut holder, "C:COMMIT Z:I E:57P01! END");
        house.expect(&mut waiting, "D:select_1 C:OK Z:I E:57P01! END");
        house.expect(&mut unplanned, "D:select_2 C:OK Z:I E:57P01! END");
    }
}

#[test]
fn a_client_that_never_pauses_is_stopped_between_two_transactions() {
    for (mode, sharing) in [(Mode::Transaction, true), (Mode::Transaction, false), (Mode::Session, false)] {
        let mut house = House::new(PoolConfig { mode, sharing, ..config(1) });
        let mut client = house.client();
        client.say("select 1");
        house.expect(&mut client, "D:select_1 C:OK Z:I");
        house.servers[0].answers = false;
        client.say("select 1");
        house.settle();
        house.say(Command::Drain { at_once: false });
        house.settle();
        client.say("select 3");
        house.servers[0].answers = true;
        let mut heard = Vec::new();
        while heard.last().map(String::as_str) != Some("END") {
            heard.push(house.hear_one(&mut client));
        }
        let heard = heard.join(" ");
        // Pipelined behind what was under way, it may be done with it; cut in two it never is.
        let whole =
            ["D:select_1 C:OK Z:I E:57P01! END", "D:select_1 C:OK Z:I D:select_3 C:OK Z:I E:57P01! END"];
        assert!(whole.contains(&heard.as_str()), "{heard}");
    }
}

#[test]
fn at_once_means_everybody() {
    let mut house = House::new(PoolConfig { sharing: false, ..config(2) });
    let (mut idle, mut inside) = (house.client(), house.client());
    inside.say("begin");
    house.expect(&mut inside, "C:BEGIN Z:T");
    house.say(Command::Drain { at_once: true });
    house.expect(&mut idle, "E:57P01! END");
    house.expect(&mut inside, "E:57P01! END");
}

#[test]
fn who_was_logging_in_is_told_at_the_first_statement() {
    let mut house = House::new(config(1));
    house.admits = false;
    let mut late = house.knock(0);
    late.send(&crate::words::startup());
    house.until("it asked to come in", |house| house.logins.len() == 1);
    house.say(Command::Drain { at_once: false });
    house.settle();
    let conn = house.logins[0];
    house.admit(conn, Vec::new());
    house.expect(&mut late, "R K Z:I E:57P01! END");
}

#[test]
fn a_socket_given_away_wakes_nobody_here_any_more() {
    let mut house = House::new(config(1));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    // Another process has it too.
    let theirs = listener.try_clone().unwrap();
    assert!(theirs.as_raw_fd() != listener.as_raw_fd());
    house.say(Command::Listen { listener: 9, fds: vec![listener.into()], tls: None, proxies: Arc::new([]) });
    house.settle();
    house.say(Command::Unlisten { listener: 9 });
    house.settle();
    let _waiting = std::net::TcpStream::connect(address).unwrap();
    assert!(!house.engines[0].is_woken(), "the socket is still watched");
    theirs.accept().unwrap();
}

#[test]
fn every_socket_is_served_though_they_are_more_than_the_carriers() {
    let mut house = House::new(config(1));
    let listeners: Vec<TcpListener> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let addresses: Vec<_> = listeners.iter().map(|one| one.local_addr().unwrap()).collect();
    let fds = listeners.into_iter().inspect(|one| one.set_nonblocking(true).unwrap()).map(Into::into);
    house.say(Command::Listen { listener: 9, fds: fds.collect(), tls: None, proxies: Arc::new([]) });
    for address in addresses {
        house.addresses[0] = address;
        let mut client = house.client();
        client.say("select 1");
        house.expect(&mut client, "D:select_1 C:OK Z:I");
    }
}

#[test]
fn slow_statements_are_told_of_with_what_they_were() {
    let mut house = House::new(config(1));
    let mut client = house.client();
    client.send(&query("select 1"));
    house.expect(&mut client, "D:select_1 C:OK Z:I");
    assert_eq!(house.count("Slow"), 0, "nobody asked for it");
    house.say(Command::SlowAfter { ms: 1, parameters: false });
    house.servers[0].answers = false;
    client.say("select 1");
    house.settle();
    std::thread::sleep(std::time::Duration::from_millis(5));
    house.servers[0].answers = true;
    house.expect(&mut client, "D:select_1 C:OK Z:I");
    assert_eq!(house.events.last().map(String::as_str), Some("Slow 1 true true false"));
    house.say(Command::SlowAfter { ms: 0, parameters: false });
    let before = house.count("Slow");
    house.servers[0].answers = false;
    client.send(&[query("select 1"), message(b'X', &[])].concat());
    house.settle();
    std::thread::sleep(std::time::Duration::from_millis(5));
    house.servers[0].answers = true;
    house.settle();
    assert_eq!(house.count("Slow"), before);
}

#[test]
fn a_server_that_answers_nobody_is_found_and_given_up() {
    let mut house = House::new(config(3));
    let (mut alone, mut shares, mut idle) = (house.client(), house.client(), house.client());
    alone.say("begin");
    house.expect(&mut alone, "C:BEGIN Z:T");
    idle.say("insert 1");
    house.expect(&mut idle, "D:insert_1 C:OK Z:I");
    house.say(Command::Survey { pool: crate::house::POOL, ms: 0 });
    house.settle();
    assert_eq!(house.count("Silent"), 0, "an open transaction is not a reply that is awaited");
    for server in &mut house.servers {
        server.answers = false;
    }
    alone.say("insert 2");
    shares.say("select 1");
    house.settle();
    house.say(Command::Survey { pool: crate::house::POOL, ms: 60_000 });
    house.settle();
    assert_eq!(house.count("Silent"), 0, "not for so long");
    house.say(Command::Survey { pool: crate::house::POOL, ms: 0 });
    house.settle();
    assert_eq!(house.count("Silent 1 db:5432"), 1);
    house.say(Command::Break { pool: crate::house::POOL, address: "elsewhere:5432".to_owned() });
    house.settle();
    house.silence(&mut alone);
    house.say(Command::Break { pool: crate::house::POOL, address: "db:5432".to_owned() });
    house.expect(&mut alone, "E:08006! END");
    // A shared read is asked again, of a new connection.
    house.expect(&mut shares, "D:select_1 C:OK Z:I");
    idle.say("insert 3");
    house.expect(&mut idle, "D:insert_3 C:OK Z:I");
}

#[test]
fn a_cancel_request_for_nobody_here_is_told_of_where_that_is_asked_for() {
    for pid in [1u32, 0x3000_0001] {
        let mut house = House::new(config(1));
        let request = [16u32, 80_877_102, pid, 0xfeed_beef].map(u32::to_be_bytes).concat();
        let mut before = house.knock(0);
        before.send(&request);
        assert_eq!(house.hear_one(&mut before), "END");
        assert_eq!(house.count("CancelStray"), 0);
        house.say(Command::TellStrays);
        house.settle();
        let mut after = house.knock(0);
        after.send(&request);
        house.until("it is told of", |house| house.count("CancelStray") == 1);
        assert!(house.events.contains(&format!("CancelStray {pid} [254, 237, 190, 239]")));
        house.silence(&mut after);
    }
}
