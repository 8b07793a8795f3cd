//! The way of a statement: planned, given a connection, answered; and what happens when a part of it breaks.

use crate::client::{Client, Next};
use crate::house::{House, POOL, config};
use crate::words::{bound, extended, message, query};
use _core::asks::Asks;
use _core::border::Command;
use _core::shared::Limits;
use std::sync::Arc;
use std::time::Duration;

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
fn a_slow_statement_has_its_connection_for_itself() {
    let mut house = House::new(config(2));
    let (mut one, mut two) = (house.client(), house.client());
    // A connection each, then both are idle.
    for client in [&mut one, &mut two] {
        client.say("begin");
        house.expect(client, "C:BEGIN Z:T");
    }
    for client in [&mut one, &mut two] {
        client.say("commit");
        house.expect(client, "C:COMMIT Z:I");
    }
    let heard = |house: &House| house.servers.iter().map(|server| server.heard.len()).collect::<Vec<_>>();
    // For some turns it takes long, but not so long that it would be taken for stuck.
    for _ in 0..30 {
        let before: usize = heard(&house).iter().sum();
        house.servers.iter_mut().for_each(|server| server.answers = false);
        one.say("select 1");
        house.until("it is under way", |house| heard(house).iter().sum::<usize>() > before);
        std::thread::sleep(Duration::from_millis(2));
        house.servers.iter_mut().for_each(|server| server.answers = true);
        house.expect(&mut one, "D:select_1 C:OK Z:I");
    }
    house.servers.iter_mut().for_each(|server| server.answers = false);
    let before = heard(&house);
    one.say("select 1");
    two.say("select 1");
    house.until("both are under way", |house| {
        heard(house).iter().sum::<usize>() == before.iter().sum::<usize>() + 2
    });
    assert!(heard(&house).iter().zip(before).all(|(after, before)| *after == before + 1), "each on its own");
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

#[test]
fn a_server_that_dies_is_told_to_those_it_concerns() {
    let mut house = House::new(config(1));
    let mut clients: Vec<Client> = (0..3).map(|_| house.client()).collect();
    for client in &mut clients {
        client.say("select 1");
        house.expect(client, "D:select_1 C:OK Z:I");
    }
    let mut riders: Vec<_> = clients.iter_mut().map(|client| (client, "select 1")).collect();
    house.ride(&mut riders);
    house.servers[0].say(&message(b'E', &[b"SFATAL\0VFATAL\0C57P01\0Mshutdown\0\0"]));
    // They only read, and had heard nothing yet: nobody notices.
    for client in &mut clients {
        house.expect(client, "D:select_1 C:OK Z:I");
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
    let mut riders: Vec<_> = clients.iter_mut().map(|client| (client, "select 1")).collect();
    house.ride(&mut riders);
    house.servers[0].say(&message(b'D', &[b"\0\x01\0\0\x40\0", &[b'x'; 16_384]])[..9_000]);
    house.settle();
    house.servers[0].stream.shutdown(std::net::Shutdown::Both).unwrap();
    house.until("the first is cut off", |_| !clients[0].read());
    assert_eq!(clients[0].input.len(), 9_000, "and nothing of ours is behind its half row");
    house.expect(&mut clients[1], "D:select_1 C:OK Z:I");
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
            house.say(Command::ForgetPlans { bases: None });
        }
        for (at, client) in clients.iter_mut().enumerate() {
            house.expect(client, if at % 2 == 0 { "D:select_1 C:OK Z:I" } else { "1 2 D:select_1 C:OK Z:I" });
        }
    }
}

#[test]
fn what_is_asked_about_clients_makes_their_scopes() {
    let mut house =
        House::with(2, Limits { max_clients: 100, login_ms: 1_000, max_statement: 1 << 20 }, config(2));
    let asks = |application, networks: &[&str]| {
        let networks = networks.iter().map(|network| (*network).to_owned()).collect();
        Command::Guard { on: false, asks: Arc::new(Asks::new(application, networks).unwrap()) }
    };
    let mut clients: Vec<Client> = (0..2).map(|carrier| house.client_of(carrier)).collect();
    let mut all = |house: &mut House, wanted: &[&str]| {
        house.events.clear();
        for client in &mut clients {
            client.say("select 1");
            house.expect(client, "D:select_1 C:OK Z:I");
        }
        let asked = house.events.iter().filter(|event| event.starts_with("PlanNeeded"));
        assert_eq!(asked.collect::<Vec<_>>(), wanted);
    };
    all(&mut house, &["PlanNeeded select 1 []"]);
    // Those who are there already, too.
    house.say(asks(false, &["10.0.0.0/8", "127.0.0.0/8"]));
    house.settle();
    all(&mut house, &["PlanNeeded select 1 [] as  from 127.0.0.0/8"]);
    all(&mut house, &[]);
    house.say(asks(true, &["10.0.0.0/8"]));
    house.settle();
    all(&mut house, &[]);
    let mut named = house.client_with(vec![("application_name".to_owned(), "'shop'".to_owned())]);
    named.say("select 1");
    house.expect(&mut named, "D:select_1 C:OK Z:I");
    assert_eq!(house.events.last().map(String::as_str), Some("PlanNeeded select 1 [] as 'shop' from "));
    named.say("set application_name till");
    house.expect(&mut named, "C:OK Z:I");
    named.say("select 1");
    house.expect(&mut named, "D:select_1 C:OK Z:I");
    assert_eq!(house.events.last().map(String::as_str), Some("PlanNeeded select 1 [] as 'till' from "));
}

#[test]
fn what_is_denied_by_now_waits_for_no_connection() {
    let mut house = House::new(config(1));
    let (mut client, mut other) = (house.client(), house.client());
    client.send(&extended("s", "insert 1"));
    house.expect(&mut client, "1 2 D:insert_1 C:OK Z:I");
    other.say("listen");
    house.expect(&mut other, "D:listen C:OK Z:I");
    house.denies = Some("insert 1");
    house.say(Command::ForgetPlans { bases: None });
    client.send(&bound("s"));
    house.expect(&mut client, "E:42501 Z:I");
    client.send(&bound("s")[..6]);
    house.silence(&mut client);
    client.send(&bound("s")[6..]);
    house.expect(&mut client, "E:42501 Z:I");
    // What is not, does.
    client.send(&extended("", "update 2"));
    house.silence(&mut client);
}

#[test]
fn who_has_only_had_settings_brought_along_has_heard_nothing() {
    let mut house = House::new(config(1));
    let (mut one, mut two) = (house.client(), house.client());
    one.say("set timezone CET");
    house.expect(&mut one, "C:OK Z:I");
    two.say("select 0");
    house.expect(&mut two, "D:select_0 C:OK Z:I");
    let before = house.servers[0].heard.len();
    house.servers[0].answers = false;
    one.say("select zone 0");
    house.until("it rides", |house| house.servers[0].heard.len() == before + 2);
    house.servers[0].say(&message(b'C', &[b"SET\0"]));
    house.settle();
    house.servers[0].stream.shutdown(std::net::Shutdown::Both).unwrap();
    house.expect(&mut one, "D:CET_0 C:OK Z:I");
}
