//! Who does not read, does not answer or waits too long: memory and time have their bounds, neighbours go on.

use crate::client::Client;
use crate::house::{House, POOL, config};
use crate::words::{message, query};
use _core::border::Command;
use _core::pool::PoolConfig;

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
fn neighbours_of_a_large_reply_are_not_forgotten() {
    // Its last part and the ready are read at once, and fill its buffer: nobody reads the connection for it any more.
    // How much the kernel takes is its affair: one of these sizes is just above it and our own bound.
    for much in (2..60).map(|n| n * 115_000) {
        let mut house = House::new(config(1));
        let (mut slow, mut quick) = (house.client(), house.client());
        slow.say("select 0");
        house.expect(&mut slow, "D:select_0 C:OK Z:I");
        quick.say("select 1");
        house.expect(&mut quick, "D:select_1 C:OK Z:I");
        house.ride(&mut [(&mut slow, &format!("select big {much}")), (&mut quick, "select 1")]);
        house.servers[0].answers = true;
        house.settle();
        house.expect(&mut slow, &format!("D:{much} C:OK Z:I"));
        house.expect(&mut quick, "D:select_1 C:OK Z:I");
        assert_eq!((house.servers.len(), house.counts()), (1, (1, 1, 0)));
    }
}

#[test]
fn who_does_not_read_keeps_the_connection_and_nobody_waits_for_it() {
    let mut house = House::new(config(2));
    let (mut slow, mut quick) = (house.client(), house.client());
    slow.say("select 0");
    house.expect(&mut slow, "D:select_0 C:OK Z:I");
    house.ride(&mut [(&mut slow, "select big 30000000"), (&mut quick, "select 1")]);
    house.servers[0].answers = true;
    house.expect(&mut quick, "D:select_1 C:OK Z:I");
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
        house.say(Command::ForgetPlans { bases: None });
        first.send(&message(b'X', &[]));
        house.until("all ask", |_| pool.waiting() == 0);
        house.plans = true;
        let asked = house.events.iter().rev().find(|event| event.starts_with("PlanNeeded")).cloned();
        assert_eq!(asked.as_deref(), Some("PlanNeeded insert 1 []"));
        house.say(Command::ForgetPlans { bases: None });
        for client in &mut clients {
            house.expect(client, "D:insert_1 C:OK Z:I");
        }
    });
    waited.unwrap().join().unwrap();
}

#[test]
fn no_server_to_be_had() {
    let mut house = House::new(config(1));
    house.refuses = Some(("28P01", true, 20));
    let mut one = house.client();
    one.say("insert 1");
    house.expect(&mut one, "E:28P01! END");

    // For now only: who waits goes on waiting, and is served when it works.
    let mut house = House::new(config(1));
    house.refuses = Some(("08006", false, 20));
    let mut one = house.client();
    one.say("insert 1");
    house.until("it was tried again", |house| house.count("ServerNeeded") >= 3);
    house.refuses = None;
    house.expect(&mut one, "D:insert_1 C:OK Z:I");
    assert_eq!(house.counts(), (1, 1, 0));
}

#[test]
fn the_queue_has_a_bound() {
    let mut house = House::new(PoolConfig { max_waiting: 1, ..config(1) });
    let mut clients: Vec<Client> = (0..3).map(|_| house.client()).collect();
    clients[0].say("begin");
    house.expect(&mut clients[0], "C:BEGIN Z:T");
    clients[1].say("insert 1");
    house.settle();
    clients[2].say("insert 1");
    house.expect(&mut clients[2], "E:53300! END");
    clients[0].say("commit");
    house.expect(&mut clients[1], "D:insert_1 C:OK Z:I");
}

#[test]
fn nobody_waits_for_ever() {
    let mut house = House::new(PoolConfig { wait_ms: 50, ..config(1) });
    let (mut first, mut second) = (house.client(), house.client());
    house.mute = true;
    first.say("insert 1");
    house.until("it has the connection", |house| house.servers.iter().any(|server| server.heard.len() == 1));
    second.say("insert 2");
    house.expect(&mut second, "E:08P01! END");
    house.servers[0].answers = true;
    house.expect(&mut first, "D:insert_1 C:OK Z:I");
}

#[test]
fn a_transaction_that_idles_is_ended() {
    let mut house = House::new(PoolConfig { idle_transaction_ms: 50, ..config(1) });
    let (mut first, mut second) = (house.client(), house.client());
    first.say("begin");
    house.expect(&mut first, "C:BEGIN Z:T E:25P03! END");
    second.say("insert 1");
    house.expect(&mut second, "D:insert_1 C:OK Z:I");
    assert!(house.servers[0].gone && house.servers.len() == 2, "its transaction ends with the connection");
}

#[test]
fn a_statement_that_takes_too_long_is_ended() {
    let mut house = House::new(PoolConfig { statement_ms: 50, ..config(1) });
    house.mute = true;
    let mut client = house.client();
    client.say("insert 1");
    house.expect(&mut client, "E:57014! END");
    // Asked to stop it, the server did not, and is asked again when it is given up.
    assert_eq!(house.count("CancelNeeded"), 2);
    house.until("its connection is closed", |house| house.servers[0].gone);
    assert_eq!(house.counts(), (0, 0, 0));
}

#[test]
fn a_statement_that_is_stopped_in_time_costs_no_session() {
    let mut house = House::new(PoolConfig { statement_ms: 50, ..config(1) });
    let mut client = house.client();
    client.say("begin");
    house.expect(&mut client, "C:BEGIN Z:T");
    house.servers[0].answers = false;
    client.say("insert 1");
    house.until("the server is asked to stop it", |house| house.count("CancelNeeded") == 1);
    let own = b"SERROR\0VERROR\0C57014\0Mcanceling statement due to user request\0\0";
    house.servers[0].say(&[message(b'E', &[own]), message(b'Z', &[b"E"])].concat());
    house.expect(&mut client, "E:57014 Z:E");
    assert_eq!((house.count("CancelNeeded"), house.servers[0].gone), (1, false));
}

#[test]
fn over_their_time_on_a_shared_connection_each_hears_once() {
    let mut house = House::new(PoolConfig { statement_ms: 50, ..config(1) });
    let mut clients: Vec<Client> = (0..3).map(|_| house.client()).collect();
    clients[0].say("select 0");
    house.expect(&mut clients[0], "D:select_0 C:OK Z:I");
    let mut riders: Vec<_> = clients.iter_mut().map(|client| (client, "select 1")).collect();
    house.ride(&mut riders);
    for client in &mut clients {
        house.expect(client, "E:57014 Z:I");
    }
    for client in &mut clients {
        client.say("select 2");
        house.expect(client, "D:select_2 C:OK Z:I");
    }
}

#[test]
fn a_shared_connection_that_all_have_left_is_given_up() {
    let mut house = House::new(config(1));
    let mut clients: Vec<Client> = (0..2).map(|_| house.client()).collect();
    clients[0].say("select 0");
    house.expect(&mut clients[0], "D:select_0 C:OK Z:I");
    let mut riders: Vec<_> = clients.iter_mut().map(|client| (client, "select 1")).collect();
    house.ride(&mut riders);
    drop(clients);
    house.until("its connection is closed", |house| house.servers[0].gone);
    assert_eq!((house.count("CancelNeeded"), house.counts()), (1, (0, 0, 0)));
}

#[test]
fn a_client_that_idles_too_long_is_sent_away() {
    let mut house = House::new(PoolConfig { client_idle_ms: 50, ..config(1) });
    let mut client = house.client();
    house.expect(&mut client, "E:57P05! END");
}

#[test]
fn who_waited_in_vain_hears_what_the_last_attempt_failed_of() {
    let mut house = House::new(PoolConfig { wait_ms: 50, ..config(1) });
    house.refuses = Some(("08006", false, 20));
    let mut client = house.client();
    client.say("insert 1");
    house.until("its time is up", |_| !client.read());
    let said = String::from_utf8_lossy(&client.input).into_owned();
    let detail = "\0Mquery_wait_timeout\0DThe last attempt to open a server connection failed: ";
    assert!(said.contains(detail), "{said}");
}

/// So long, everybody takes turns.
fn pass(house: &mut House, ms: u128) {
    let since = std::time::Instant::now();
    house.until("time passes", |_| since.elapsed().as_millis() > ms);
}

#[test]
fn a_transaction_left_open_on_a_shared_connection_is_told() {
    // The planner was wrong about it.
    let mut house = House::new(config(1));
    let mut clients: Vec<Client> = (0..2).map(|_| house.client()).collect();
    clients[0].say("select 0");
    house.expect(&mut clients[0], "D:select_0 C:OK Z:I");
    let mut riders: Vec<_> = clients.iter_mut().map(|client| (client, "select 1")).collect();
    house.ride(&mut riders);
    house.servers[0].say(&[message(b'C', &[b"OK\0"]), message(b'Z', &[b"T"])].concat());
    house.expect(&mut clients[0], "C:OK E:25000 Z:I");
    for client in clients.iter_mut().rev() {
        client.say("select 2");
    }
    house.expect(&mut clients[0], "D:select_2 C:OK Z:I");
    house.expect(&mut clients[1], "D:select_1 C:OK Z:I D:select_2 C:OK Z:I");
}

#[test]
fn a_connection_stuck_for_who_left_is_given_up_when_its_neighbours_are_told() {
    let mut house = House::new(PoolConfig { statement_ms: 1_400, ..config(1) });
    let mut clients: Vec<Client> = (0..2).map(|_| house.client()).collect();
    clients[0].say("select 0");
    house.expect(&mut clients[0], "D:select_0 C:OK Z:I");
    let mut riders: Vec<_> = clients.iter_mut().map(|client| (client, "select 1")).collect();
    house.ride(&mut riders);
    drop(clients.remove(0));
    house.expect(&mut clients[0], "D:select_1 C:OK Z:I");
    house.until("its connection is closed", |house| house.servers[0].gone);
}

#[test]
fn nobody_waits_for_ever_behind_a_neighbour() {
    let mut house = House::new(config(2));
    let mut clients: Vec<Client> = (0..2).map(|_| house.client()).collect();
    clients[0].say("select 0");
    house.expect(&mut clients[0], "D:select_0 C:OK Z:I");
    let mut riders: Vec<_> = clients.iter_mut().map(|client| (client, "select 1")).collect();
    house.ride(&mut riders);
    // It waits for a lock, say, that the second would free in time.
    house.expect(&mut clients[1], "D:select_1 C:OK Z:I");
    house.silence(&mut clients[0]);
    house.servers[0].answers = true;
    house.expect(&mut clients[0], "D:select_1 C:OK Z:I");
    house.until("it is back", |house| house.counts() == (2, 2, 0));
}

#[test]
fn a_request_to_stop_one_statement_does_not_meet_the_next() {
    let mut house = House::new(PoolConfig { statement_ms: 50, ..config(1) });
    let mut client = house.client();
    client.say("begin");
    house.expect(&mut client, "C:BEGIN Z:T");
    house.servers[0].answers = false;
    client.say("insert 1");
    house.until("the server is asked to stop it", |house| house.cancels.len() == 1);
    // It ends while the request is on its way.
    house.servers[0].answers = true;
    house.expect(&mut client, "D:insert_1 C:OK Z:T");
    client.say("insert 2");
    house.silence(&mut client);
    let ticket = house.cancels[0];
    house.say(Command::Cancelled { ticket });
    house.expect(&mut client, "D:insert_2 C:OK Z:T");
}

#[test]
fn more_input_does_not_give_a_statement_more_time() {
    let mut house = House::new(PoolConfig { statement_ms: 100, ..config(1) });
    let mut client = house.client();
    client.say("begin");
    house.expect(&mut client, "C:BEGIN Z:T");
    house.servers[0].answers = false;
    client.say("insert 1");
    let mut more = query("insert 2").into_iter();
    for _ in 0..9 {
        pass(&mut house, 30);
        client.send(&[more.next().unwrap()]);
    }
    assert_eq!(house.count("CancelNeeded"), 1);
}

#[test]
fn whose_time_is_up_in_the_middle_of_a_row_hears_so_behind_it() {
    let mut house = House::new(PoolConfig { statement_ms: 50, ..config(1) });
    let mut client = house.client();
    client.say("select 0");
    house.expect(&mut client, "D:select_0 C:OK Z:I");
    house.servers[0].answers = false;
    house.ride(&mut [(&mut client, "select 1")]);
    // The beginning of a row, and no more of it until the server was asked to stop.
    let row = message(b'D', &[b"\0\x01\0\0\0\x04", b"half"]);
    let own = b"SERROR\0VERROR\0C57014\0Mcanceling statement due to user request\0\0";
    house.servers[0].kept.clear();
    house.servers[0].say(&row[..9]);
    house.until("the server is asked to stop it", |house| house.count("CancelNeeded") == 1);
    house.servers[0].say(&[&row[9..], &message(b'E', &[own]), &message(b'Z', &[b"I"])].concat());
    house.expect(&mut client, "D:half E:57014 Z:I");
    assert!(!house.servers[0].gone);
}
