//! Engines over real sockets, in one thread and without Python: who gets which connection, who waits, who is told
//! what, and that nothing is left behind.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod house;

use _core::border::Command;
use _core::pool::{Mode, PoolConfig, PoolStats};
use _core::shared::Limits;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use house::{Client, House, Next, POOL, bound, config, extended, message, query, startup};

#[test]
fn the_way_of_a_first_statement() {
    let mut house = House::new(config(2));
    let mut client = house.client();
    client.say("select 1");
    house.expect(&mut client, "D:select_1 C:OK Z:I");
    let steps =
        ["Startup 7 30000 user|app|| false", "PlanNeeded select 1 []", "ServerNeeded 1", "ServerOpened"];
    assert_eq!(house.events, steps);
    // Known and there: the brain hears nothing of it.
    let mut other = house.client();
    other.send(&extended("s1", "select 1"));
    house.expect(&mut other, "1 2 D:select_1 C:OK Z:I");
    client.say("select 1");
    house.expect(&mut client, "D:select_1 C:OK Z:I");
    assert_eq!((house.events.len(), house.servers.len(), house.counts()), (5, 1, (1, 1, 0)));
}

#[test]
fn who_waits_is_served_in_turn() {
    let mut house = House::new(config(1));
    let mut clients: Vec<Client> = (0..5).map(|_| house.client()).collect();
    clients[0].say("begin");
    house.expect(&mut clients[0], "C:BEGIN Z:T");
    for (at, client) in clients.iter_mut().enumerate().skip(1) {
        client.say(&format!("insert {at}"));
        house.settle();
    }
    for client in &mut clients[1..] {
        house.silence(client);
    }
    clients[0].say("commit");
    house.expect(&mut clients[0], "C:COMMIT Z:I");
    for (at, client) in clients.iter_mut().enumerate().skip(1) {
        house.expect(client, &format!("D:insert_{at} C:OK Z:I"));
    }
    assert_eq!(house.servers[0].heard, ["begin", "commit", "insert 1", "insert 2", "insert 3", "insert 4"]);
    assert_eq!(house.servers.len(), 1);
}

#[test]
fn a_malformed_message_does_not_spoil_the_connection_for_the_next() {
    let mut house = House::new(config(1));
    let mut bad = house.client();
    bad.send(&extended("", "select 1"));
    house.expect(&mut bad, "1 2 D:select_1 C:OK Z:I");
    // A Parse without its types, of a statement that is planned: a connection is taken for it.
    bad.send(&message(b'P', &[b"\0select 1\0"]));
    house.expect(&mut bad, "E:08P01! END");
    let mut good = house.client();
    good.say("insert 1");
    house.expect(&mut good, "D:insert_1 C:OK Z:I");
}

#[test]
fn a_unit_that_breaks_off_gives_its_shared_connection_back() {
    let mut house = House::new(config(1));
    let mut bad = house.client();
    bad.say("select 1");
    house.expect(&mut bad, "D:select_1 C:OK Z:I");
    let describe = message(b'D', &[b"X\0"]);
    bad.send(&[message(b'P', &[b"\0select 1\0\0\0"]), describe, message(b'S', &[])].concat());
    house.expect(&mut bad, "E:08P01! END");
    let mut good = house.client();
    good.say("insert 1");
    house.expect(&mut good, "D:insert_1 C:OK Z:I");
}

#[test]
fn a_long_message_behind_one_that_waits() {
    let mut house = House::new(config(1));
    let (mut first, mut second) = (house.client(), house.client());
    first.say("begin");
    house.expect(&mut first, "C:BEGIN Z:T");
    second.say("insert 1");
    let long = query(&format!("insert {}", "x".repeat(500_000)));
    let (head, tail) = long.split_at(300_000);
    second.send(head);
    house.settle();
    first.say("commit");
    house.expect(&mut first, "C:COMMIT Z:I");
    house.expect(&mut second, "D:insert_1 C:OK Z:I");
    second.send(tail);
    house.expect(&mut second, "D:500007 C:OK Z:I");
}

#[test]
fn a_reader_that_does_not_read_stops_its_server() {
    let mut house = House::new(config(1));
    let mut client = house.client();
    client.say("insert 1");
    house.expect(&mut client, "D:insert_1 C:OK Z:I");
    house.servers[0].answers = false;
    client.say("insert 2");
    house.until("the statement is there", |house| house.servers[0].heard.len() == 2);
    let rows = 64;
    let row = message(b'D', &[b"\0\x01\0\x10\0\0", &vec![7; 1 << 20]]);
    for _ in 0..rows {
        house.servers[0].say(&row);
    }
    house.settle();
    // What is on its way lies in the kernel's buffers and, at most so much, in ours.
    let passed = rows * row.len() - house.servers[0].unsent.len();
    assert!(passed < 24 << 20, "{passed} bytes were taken in for a client that reads none");
    for _ in 0..rows {
        house.expect(&mut client, "D:1048576");
    }
    house.servers[0].answers = true;
    house.expect(&mut client, "D:insert_2 C:OK Z:I");
}

#[test]
fn a_server_that_does_not_read_stops_its_client() {
    let mut house = House::new(config(1));
    let mut client = house.client();
    client.say("copy in");
    house.expect(&mut client, "G:\0\0");
    house.servers[0].reads = false;
    let chunk = message(b'd', &[&vec![7; 1 << 20]]);
    for _ in 0..64 {
        client.send(&chunk);
    }
    house.settle();
    let passed = 64 * chunk.len() - client.push();
    assert!(passed < 24 << 20, "{passed} bytes were taken in for a server that reads none");
    house.servers[0].reads = true;
    house.until("all is sent", |_| client.push() == 0);
    client.send(&message(b'c', &[]));
    house.expect(&mut client, "C:COPY Z:I");
    assert_eq!(house.servers[0].heard.iter().filter(|kind| *kind == "d").count(), 64);
}

#[test]
fn copy_goes_on_though_others_wait() {
    let mut house = House::new(config(1));
    let (mut copies, mut waits) = (house.client(), house.client());
    copies.say("copy in");
    house.expect(&mut copies, "G:\0\0");
    waits.say("insert 1");
    house.settle();
    copies.send(&message(b'd', &[b"data"]));
    house.settle();
    copies.send(&message(b'c', &[]));
    house.expect(&mut copies, "C:COPY Z:I");
    house.expect(&mut waits, "D:insert_1 C:OK Z:I");
}

/// Two clients on one connection; the first asks for much and reads nothing.
fn neighbours(house: &mut House, much: usize) -> (Client, Client) {
    let (mut slow, mut quick) = (house.client(), house.client());
    slow.say("select 0");
    house.expect(&mut slow, "D:select_0 C:OK Z:I");
    quick.say("select 1");
    house.expect(&mut quick, "D:select_1 C:OK Z:I");
    slow.say(&format!("select big {much}"));
    house.until("it is sent", |house| house.servers[0].heard.len() == 3);
    (slow, quick)
}

#[test]
fn neighbours_of_a_large_reply_are_not_forgotten() {
    // Its last part and the ready are read at once, and fill its buffer: nobody reads the connection for it any more.
    for much in [300_000, 700_000, 3_000_000, 5_000_000] {
        let mut house = House::new(config(1));
        let (mut slow, mut quick) = (house.client(), house.client());
        slow.say("select 0");
        house.expect(&mut slow, "D:select_0 C:OK Z:I");
        quick.say("select 1");
        house.expect(&mut quick, "D:select_1 C:OK Z:I");
        house.servers[0].answers = false;
        slow.say(&format!("select big {much}"));
        quick.say("select 1");
        house.until("both are there", |house| house.servers[0].heard.len() == 4);
        house.servers[0].answers = true;
        house.settle();
        house.expect(&mut slow, &format!("D:{much} C:OK Z:I"));
        house.expect(&mut quick, "D:select_1 C:OK Z:I");
        assert_eq!((house.servers.len(), house.counts()), (1, (1, 1, 0)));
    }
}

#[test]
fn who_never_reads_is_not_waited_for_for_ever() {
    let mut house = House::new(config(1));
    let (slow, mut quick) = neighbours(&mut house, 30_000_000);
    quick.say("select 1");
    house.expect(&mut quick, "D:select_1 C:OK Z:I");
    drop(slow);
}

#[test]
fn a_stale_handle_reaches_nobody() {
    let mut house = House::new(config(1));
    house.admits = false;
    let mut first = house.knock(0);
    first.send(&startup());
    house.until("it knocks", |house| house.logins.len() == 1);
    let stale = house.logins[0];
    drop(first);
    house.until("it left", |house| house.count("Closed") == 1);
    house.admits = true;
    let mut second = house.client();
    assert_eq!(house.logins[1].slot(), stale.slot(), "the place is used again");
    house.admit(stale, Vec::new());
    house.say(Command::Send { conn: stale, data: b"for another".to_vec() });
    house.say(Command::Reply { conn: stale, ticket: 1, data: b"for another".to_vec() });
    house.say(Command::Close { conn: stale, data: b"for another".to_vec() });
    house.say(Command::AdmitServer { conn: stale, pid: 0, secret: Vec::new(), parameters: Vec::new() });
    house.silence(&mut second);
    second.say("select 1");
    house.expect(&mut second, "D:select_1 C:OK Z:I");
    // The server's handle and the client's are of different kinds.
    let server = house.servers[0].conn.unwrap();
    house.say(Command::Close { conn: server, data: Vec::new() });
    house.say(Command::Send { conn: server, data: b"!".to_vec() });
    house.settle();
    second.say("select 1");
    house.expect(&mut second, "D:select_1 C:OK Z:I");
}

#[test]
fn a_connection_goes_to_the_carrier_that_needs_it() {
    let limits = Limits { max_clients: 100, login_ms: 60_000, max_statement: 1 << 20 };
    let mut house = House::with(2, limits, config(1));
    let (mut here, mut there) = (house.client_of(0), house.client_of(1));
    for round in 0..20 {
        // Idle and taken, or waited for and handed over.
        let (first, second) = if round % 2 == 0 { (&mut here, &mut there) } else { (&mut there, &mut here) };
        first.say("begin");
        house.expect(first, "C:BEGIN Z:T");
        second.send(&extended("", "insert 1"));
        house.silence(second);
        first.say("commit");
        house.expect(first, "C:COMMIT Z:I");
        house.expect(second, "1 2 D:insert_1 C:OK Z:I");
        first.say("select 1");
        house.expect(first, "D:select_1 C:OK Z:I");
    }
    assert_eq!((house.servers.len(), house.counts()), (1, (1, 1, 0)));
    // It ends while it rests with the other carrier: the next statement gets a new one.
    house.servers[0].stream.shutdown(std::net::Shutdown::Both).unwrap();
    house.until("it is noticed", |house| house.counts() == (0, 0, 0));
    here.say("insert 2");
    house.expect(&mut here, "D:insert_2 C:OK Z:I");
    assert_eq!(house.servers.len(), 2);
}

fn cancel(house: &mut House, key: &[u8]) -> Client {
    let mut client = house.knock(0);
    client.send(&[&16u32.to_be_bytes()[..], &80_877_102u32.to_be_bytes(), key].concat());
    client
}

#[test]
fn a_cancel_finds_who_waits_and_who_runs() {
    let mut house = House::new(config(1));
    let (mut runs, mut waits) = (house.client(), house.client());
    runs.say("insert 1");
    house.expect(&mut runs, "D:insert_1 C:OK Z:I");
    house.servers[0].answers = false;
    runs.say("insert 2");
    waits.say("insert 3");
    waits.say("insert 4");
    house.settle();
    let mut request = cancel(&mut house, &waits.key.clone());
    house.expect(&mut waits, "E:57014 Z:I");
    house.expect(&mut request, "END");
    // A wrong secret changes nothing.
    let mut wrong = runs.key.clone();
    *wrong.last_mut().unwrap() ^= 1;
    let mut request = cancel(&mut house, &wrong);
    house.expect(&mut request, "END");
    assert_eq!(house.count("CancelNeeded"), 0);
    let mut request = cancel(&mut house, &runs.key.clone());
    house.until("it is passed on", |house| house.cancels.len() == 1);
    assert_eq!(house.count("CancelNeeded 1 [1, 1, 1, 1]"), 1);
    // Until it was delivered the connection serves nobody else: it would hit them.
    house.servers[0].answers = true;
    house.expect(&mut runs, "D:insert_2 C:OK Z:I");
    house.silence(&mut waits);
    house.silence(&mut request);
    house.say(Command::Cancelled { ticket: house.cancels[0] });
    house.expect(&mut waits, "D:insert_4 C:OK Z:I");
    house.expect(&mut request, "END");
    assert_eq!(house.servers[0].heard.iter().filter(|text| *text == "insert 3").count(), 0);
    // With nothing to cancel it is answered at once.
    let mut request = cancel(&mut house, &waits.key.clone());
    house.expect(&mut request, "END");
}

#[test]
fn time_before_log_in_is_short() {
    let limits = Limits { max_clients: 100, login_ms: 50, max_statement: 1 << 20 };
    let mut house = House::with(1, limits, config(1));
    house.admits = false;
    let mut silent = house.knock(0);
    let mut half = house.knock(0);
    half.send(&startup()[..5]);
    let mut talks = house.knock(0);
    talks.send(&startup());
    house.expect(&mut silent, "E:08P01! END");
    house.expect(&mut half, "E:08P01! END");
    house.expect(&mut talks, "E:08P01! END");
    assert_eq!(house.count("Closed"), 1, "the brain knew of one");
    assert_eq!(house.shared.clients.load(Relaxed), 0);
}

#[test]
fn a_client_in_log_in_is_heard_one_message_at_a_time() {
    let mut house = House::new(config(1));
    house.admits = false;
    let mut client = house.knock(0);
    client.send(&startup());
    let password = message(b'p', &[&[b'x'; 60_000]]);
    client.send(&[&password[..], &password, &password].concat());
    house.settle();
    assert_eq!(house.count("AuthMessage"), 0, "it was not asked for anything");
    let conn = house.logins[0];
    house.say(Command::Send { conn, data: message(b'R', &[b"\0\0\0\x03"]) });
    house.settle();
    assert_eq!(house.count("AuthMessage p 60000"), 1);
    house.say(Command::Send { conn, data: message(b'R', &[b"\0\0\0\x03"]) });
    house.settle();
    assert_eq!(house.count("AuthMessage"), 2);
    // Nor is what it sends ahead kept without bound.
    for _ in 0..10 {
        client.send(&password);
    }
    house.until("it is sent away", |house| house.count("Closed 08P01") == 1);
}

#[test]
fn first_words() {
    let ask = |code: u32| [8u32.to_be_bytes(), code.to_be_bytes()].concat();
    let (tls, gss) = (ask(80_877_103), ask(80_877_104));
    let mut house = House::new(config(1));
    for (sent, heard) in [
        (vec![tls.clone()], "N"),
        (vec![gss.clone()], "N"),
        (vec![gss.clone(), tls.clone()], "NN"),
        (vec![[gss, tls.clone()].concat()], "NN"),
    ] {
        let mut client = house.knock(0);
        for part in &sent {
            client.send(part);
            house.settle();
        }
        client.read();
        assert_eq!(String::from_utf8(std::mem::take(&mut client.input)).unwrap(), heard);
        client.send(&startup());
        house.expect(&mut client, "R K Z:I");
    }
    for (sent, heard) in [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "E:08P01! END"),
        ([9u32.to_be_bytes(), 80_877_103u32.to_be_bytes()].concat(), "E:08P01! END"),
        ([8u32.to_be_bytes(), (2u32 << 16).to_be_bytes()].concat(), "E:0A000! END"),
        ([20_000u32.to_be_bytes(), 196_608u32.to_be_bytes()].concat(), "E:08P01! END"),
        (vec![0x16, 3, 1, 0, 200], "E:08P01! END"),
        (
            [11u32.to_be_bytes().to_vec(), 80_877_102u32.to_be_bytes().to_vec(), vec![0; 3]].concat(),
            "E:08P01! END",
        ),
        ([16u32.to_be_bytes(), 80_877_102u32.to_be_bytes(), [255; 4], [255; 4]].concat(), "END"),
        ([16u32.to_be_bytes(), 80_877_102u32.to_be_bytes(), [0; 4], [0; 4]].concat(), "END"),
    ] {
        let mut client = house.knock(0);
        client.send(&sent);
        house.expect(&mut client, heard);
    }
    assert_eq!(house.count("Startup"), 4);
}

#[test]
fn clients_have_a_bound() {
    let limits = Limits { max_clients: 2, login_ms: 60_000, max_statement: 1 << 20 };
    let mut house = House::with(1, limits, config(1));
    let (first, mut second) = (house.client(), house.client());
    let mut third = house.knock(0);
    third.send(&startup());
    house.expect(&mut third, "E:53300! END");
    drop(first);
    house.until("one left", |house| house.shared.clients.load(Relaxed) == 1);
    let mut fourth = house.client();
    for client in [&mut second, &mut fourth] {
        client.say("select 1");
        house.expect(client, "D:select_1 C:OK Z:I");
    }
}

#[test]
fn thousands_wait_and_their_plans_are_forgotten() {
    // One connection is passed from one to the next, for each of them has to ask for its plan first. Not one inside
    // the other: the stack is small here, as a carrier's is not large.
    let thread = std::thread::Builder::new().stack_size(1 << 20);
    let waited = thread.spawn(|| {
        let mut house = House::new(config(1));
        let mut first = house.client();
        first.say("begin");
        house.expect(&mut first, "C:BEGIN Z:T");
        let mut clients: Vec<Client> = (0..1_500).map(|_| house.client()).collect();
        for client in &mut clients {
            client.say("insert 1");
        }
        let pool = house.shared.pool(POOL).unwrap();
        house.until("all wait", |_| pool.waiting() == 1_500);
        house.plans = false;
        house.say(Command::ForgetPlans);
        first.send(&message(b'X', &[]));
        house.until("all ask", |_| pool.waiting() == 0);
        house.plans = true;
        let asked = house.events.iter().rev().find(|event| event.starts_with("PlanNeeded")).cloned();
        assert_eq!(asked.as_deref(), Some("PlanNeeded insert 1 []"));
        house.say(Command::ForgetPlans);
        for client in &mut clients {
            house.expect(client, "D:insert_1 C:OK Z:I");
        }
    });
    waited.unwrap().join().unwrap();
}

#[test]
fn a_server_that_dies_is_told_to_those_it_concerns() {
    let mut house = House::new(config(1));
    let mut clients: Vec<Client> = (0..3).map(|_| house.client()).collect();
    for client in &mut clients {
        client.say("select 1");
        house.expect(client, "D:select_1 C:OK Z:I");
    }
    house.servers[0].answers = false;
    for client in &mut clients {
        client.say("select 1");
    }
    house.until("all share it", |house| house.servers[0].heard.len() == 6);
    house.servers[0].say(&message(b'E', &[b"SFATAL\0VFATAL\0C57P01\0Mshutdown\0\0"]));
    for client in &mut clients {
        house.expect(client, "E:57P01 Z:I");
        client.say("select 2");
        house.expect(client, "D:select_2 C:OK Z:I");
    }
    // Who has it alone loses its session with it, and hears the server's own words.
    clients[0].say("begin");
    house.expect(&mut clients[0], "C:BEGIN Z:T");
    house.servers[1].say(&message(b'E', &[b"SFATAL\0VFATAL\0C57P01\0Mshutdown\0\0"]));
    house.expect(&mut clients[0], "E:57P01! END");
    clients[1].say("begin");
    house.expect(&mut clients[1], "C:BEGIN Z:T");
    house.servers[2].stream.shutdown(std::net::Shutdown::Both).unwrap();
    house.expect(&mut clients[1], "E:08006! END");
    clients[2].say("select 1");
    house.expect(&mut clients[2], "D:select_1 C:OK Z:I");
    assert_eq!((house.count("ServerLost true"), house.counts()), (3, (1, 1, 0)));
}

#[test]
fn half_a_row_is_never_completed_by_another() {
    let mut house = House::new(config(1));
    let mut clients: Vec<Client> = (0..2).map(|_| house.client()).collect();
    for client in &mut clients {
        client.say("select 1");
        house.expect(client, "D:select_1 C:OK Z:I");
    }
    house.servers[0].answers = false;
    for client in &mut clients {
        client.say("select 1");
    }
    house.until("both share it", |house| house.servers[0].heard.len() == 4);
    house.servers[0].say(&message(b'D', &[b"\0\x01\0\0\x40\0", &[b'x'; 16_384]])[..9_000]);
    house.settle();
    house.servers[0].stream.shutdown(std::net::Shutdown::Both).unwrap();
    house.until("the first is cut off", |_| !clients[0].read());
    assert_eq!(clients[0].input.len(), 9_000, "and nothing of ours is behind its half row");
    house.expect(&mut clients[1], "E:08006 Z:I");
}

#[test]
fn recycled_under_load() {
    // Always somebody shares it; it goes nevertheless, and without an error.
    let mut house = House::new(config(1));
    let mut clients: Vec<Client> = (0..2).map(|_| house.client()).collect();
    clients[0].say("select 1");
    house.expect(&mut clients[0], "D:select_1 C:OK Z:I");
    clients[0].say("select 1");
    house.until("it is under way", |house| house.servers[0].heard.len() == 2);
    house.say(Command::Recycle { pool: POOL });
    let mut at = 0;
    house.until("a new one serves", |house| {
        at = 1 - at;
        clients[at].say("select 1");
        clients.iter_mut().for_each(|client| {
            while matches!(client.next(), Next::Message(text) if !text.starts_with('E')) {}
        });
        house.servers.len() == 2 && house.servers[0].gone
    });
    assert_eq!(house.count("ServerLost"), 0);
}

#[test]
fn a_pipeline_that_ends_in_a_transaction_keeps_its_connection() {
    // All its replies come at once: what the last one leaves counts, not the first.
    for (pipeline, heard) in [
        (vec!["select 1", "begin"], "D:select_1 C:OK Z:I C:BEGIN Z:T"),
        (vec!["insert 1", "begin", "insert 2"], "D:insert_1 C:OK Z:I C:BEGIN Z:T D:insert_2 C:OK Z:T"),
        (vec!["set timezone CET", "begin"], "C:OK Z:I C:BEGIN Z:T"),
        (vec!["begin", "commit", "listen x"], "C:BEGIN Z:T C:COMMIT Z:I D:listen_x C:OK Z:I"),
    ] {
        let mut house = House::new(PoolConfig { sharing: false, ..config(1) });
        let (mut one, mut two) = (house.client(), house.client());
        two.say("set timezone UTC");
        house.expect(&mut two, "C:OK Z:I");
        house.servers[0].answers = false;
        let pipeline: Vec<u8> = pipeline.into_iter().flat_map(query).collect();
        one.send(&pipeline);
        house.settle();
        house.servers[0].answers = true;
        house.expect(&mut one, heard);
        two.say("insert 9");
        house.silence(&mut two);
        one.send(&message(b'X', &[]));
        house.expect(&mut two, "D:insert_9 C:OK Z:I");
    }
}

#[test]
fn settings_follow_their_client() {
    let mut house = House::new(PoolConfig { sharing: false, ..config(1) });
    let (mut one, mut two) = (house.client(), house.client());
    one.say("set timezone CET");
    house.expect(&mut one, "C:OK Z:I");
    two.say("insert 1");
    house.expect(&mut two, "D:insert_1 C:OK Z:I");
    one.say("insert 2");
    house.expect(&mut one, "D:insert_2 C:OK Z:I");
    // What a transaction took back does not follow.
    for text in ["begin", "set timezone UTC", "rollback"] {
        one.say(text);
    }
    house.expect(&mut one, "C:BEGIN Z:T C:OK Z:T C:ROLLBACK Z:I");
    two.say("insert 3");
    house.expect(&mut two, "D:insert_3 C:OK Z:I");
    let heard = [
        "set timezone CET",
        "RESET \"timezone\";",
        "insert 1",
        "SET \"timezone\" = 'CET';",
        "insert 2",
        "begin",
        "set timezone UTC",
        "rollback",
        "RESET \"timezone\";",
        "insert 3",
    ];
    assert_eq!(house.servers[0].heard, heard);
}

#[test]
fn who_is_granted_a_connection_uses_it() {
    // Each brings other settings along, and others wait meanwhile: nobody hands it on before its own statement.
    let mut house = House::new(PoolConfig { sharing: false, ..config(1) });
    let mut clients: Vec<Client> = (0..4).map(|_| house.client()).collect();
    for (at, client) in clients.iter_mut().enumerate() {
        client.say(&format!("set timezone Z{at}"));
        house.expect(client, "C:OK Z:I");
    }
    for client in &mut clients {
        client
            .send(&[query("select zone 1"), query("select zone 2"), extended("", "select zone 3")].concat());
    }
    for (at, client) in clients.iter_mut().enumerate() {
        let wanted = format!("D:Z{at}_1 C:OK Z:I D:Z{at}_2 C:OK Z:I 1 2 D:Z{at}_3 C:OK Z:I");
        house.expect(client, &wanted);
    }
}

#[test]
fn a_pinned_session_leaves_no_trace() {
    let mut house = House::new(config(1));
    let (mut one, mut two) = (house.client(), house.client());
    one.say("listen x");
    house.expect(&mut one, "D:listen_x C:OK Z:I");
    two.say("insert 1");
    house.silence(&mut two);
    one.send(&message(b'X', &[]));
    house.expect(&mut two, "D:insert_1 C:OK Z:I");
    assert_eq!(house.servers[0].heard, ["listen x", "DISCARD ALL", "insert 1"]);
    assert_eq!(house.shared.pins(), [("listens".to_owned(), 1)]);
}

#[test]
fn modes() {
    let mut house = House::new(PoolConfig { mode: Mode::Session, ..config(1) });
    let (mut one, mut two) = (house.client(), house.client());
    one.say("select 1");
    house.expect(&mut one, "D:select_1 C:OK Z:I");
    two.say("select 1");
    house.silence(&mut two);
    drop(one);
    house.expect(&mut two, "D:select_1 C:OK Z:I");

    let mut house = House::new(PoolConfig { mode: Mode::Statement, ..config(1) });
    let (mut one, mut two) = (house.client(), house.client());
    one.say("begin");
    house.expect(&mut one, "C:BEGIN Z:T E:08P01! END");
    two.say("insert 1");
    house.expect(&mut two, "D:insert_1 C:OK Z:I");
    assert!(house.servers[0].gone, "a connection in a transaction is not given to another");
}

#[test]
fn no_server_to_be_had() {
    let mut house = House::new(config(1));
    house.refuses = Some(("28P01", true, 20));
    let mut one = house.client();
    one.say("insert 1");
    house.expect(&mut one, "E:28P01! END");
    // For now only: who waits goes on waiting, and is served when it works.
    house.refuses = Some(("08006", false, 20));
    let mut two = house.client();
    house.until("the pause is over", |house| house.shared.now_us() > 100_000);
    two.say("insert 1");
    house.until("it was tried again", |house| house.count("ServerNeeded") >= 3);
    house.refuses = None;
    house.expect(&mut two, "D:insert_1 C:OK Z:I");
    assert_eq!(house.counts(), (1, 1, 0));
}

#[test]
fn waiting_and_running_have_their_bounds() {
    let limits = || Limits { max_clients: 100, login_ms: 60_000, max_statement: 1 << 20 };
    let mut house = House::with(
        1,
        limits(),
        PoolConfig { wait_ms: 100, max_waiting: 1, idle_transaction_ms: 600, ..config(1) },
    );
    let mut clients: Vec<Client> = (0..3).map(|_| house.client()).collect();
    clients[0].say("begin");
    house.expect(&mut clients[0], "C:BEGIN Z:T");
    clients[1].say("insert 1");
    house.settle();
    clients[2].say("insert 1");
    house.expect(&mut clients[2], "E:53300! END");
    house.expect(&mut clients[1], "E:08P01! END");
    house.expect(&mut clients[0], "E:25P03! END");
    assert_eq!(house.counts().0, 0);
    assert!(house.servers[0].heard == ["begin"] && house.counts() == (0, 0, 0));

    let mut house =
        House::with(1, limits(), PoolConfig { statement_ms: 50, client_idle_ms: 400, ..config(1) });
    let mut clients: Vec<Client> = (0..2).map(|_| house.client()).collect();
    clients[0].say("insert 1");
    house.expect(&mut clients[0], "D:insert_1 C:OK Z:I");
    house.servers[0].answers = false;
    clients[0].say("insert 2");
    house.expect(&mut clients[0], "E:57014! END");
    assert_eq!(house.count("CancelNeeded"), 1);
    house.expect(&mut clients[1], "E:57P05! END");
}

#[test]
fn answers_of_the_brain() {
    let mut house = House::new(config(1));
    let mut client = house.client();
    client.say("answer this");
    client.say("insert 1");
    house.until("it is asked", |house| house.answers.len() == 1);
    house.silence(&mut client);
    let (conn, ticket) = house.answers[0];
    house.say(Command::Reply { conn, ticket: ticket + 1, data: b"not this".to_vec() });
    house.silence(&mut client);
    house.say(Command::Reply {
        conn,
        ticket,
        data: [message(b'C', &[b"ours\0"]), message(b'Z', &[b"I"])].concat(),
    });
    house.expect(&mut client, "C:ours Z:I D:insert_1 C:OK Z:I");
    house.say(Command::Reply { conn, ticket, data: b"twice".to_vec() });
    house.silence(&mut client);
    client.say("deny it");
    house.expect(&mut client, "E:42501 Z:I");
}

#[test]
fn a_plan_forgotten_on_the_way_harms_nobody() {
    let mut house = House::new(config(2));
    let mut clients: Vec<Client> = (0..4).map(|_| house.client()).collect();
    for round in 0..50 {
        for (at, client) in clients.iter_mut().enumerate() {
            client.send(&if at % 2 == 0 { query("select 1") } else { extended("", "select 1") });
        }
        if round % 3 == 0 {
            house.say(Command::ForgetPlans);
        }
        for (at, client) in clients.iter_mut().enumerate() {
            house.expect(client, if at % 2 == 0 { "D:select_1 C:OK Z:I" } else { "1 2 D:select_1 C:OK Z:I" });
        }
    }
}

#[test]
fn prepared_statements_are_there_wherever_one_is() {
    let mut house = House::new(PoolConfig { prepared: 2, sharing: false, ..config(2) });
    let (mut one, mut two) = (house.client(), house.client());
    for n in 0..4 {
        one.send(&extended(&format!("s{n}"), &format!("select {n}")));
        house.expect(&mut one, &format!("1 2 D:select_{n} C:OK Z:I"));
    }
    two.say("begin");
    house.expect(&mut two, "C:BEGIN Z:T");
    for n in 0..4 {
        one.send(&bound(&format!("s{n}")));
        house.expect(&mut one, &format!("2 D:select_{n} C:OK Z:I"));
    }
    assert_eq!(house.servers.len(), 2);
}

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
    /// Its server died under a unit: what of it ran is not known.
    lost: bool,
}

impl Worker {
    fn new(client: Client) -> Self {
        let (zone, zone_before) = ("none".to_owned(), String::new());
        Self { client, expected: VecDeque::new(), in_transaction: false, zone, zone_before, lost: false }
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
                    // It stands for the rest of its unit; what is behind it depends on what was lost.
                    self.lost = true;
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
