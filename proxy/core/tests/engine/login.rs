//! Before a client is one: first words, time, bounds, stale handles, cancel requests.

use crate::client::Client;
use crate::house::{House, config};
use crate::words::{extended, message, query, startup};
use _core::border::Command;
use _core::shared::Limits;
use std::sync::atomic::Ordering::Relaxed;

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
fn a_cancel_finds_who_waits_for_a_plan() {
    let mut house = House::new(config(1));
    let mut client = house.client();
    for unit in [query("select one"), extended("", "select two")] {
        house.plans = false;
        client.send(&unit);
        client.say("select three");
        house.settle();
        let mut request = cancel(&mut house, &client.key.clone());
        house.expect(&mut client, "E:57014 Z:I");
        house.expect(&mut request, "END");
        house.plans = true;
        house.say(Command::ForgetPlans { bases: None });
        house.expect(&mut client, "D:select_three C:OK Z:I");
    }
    let heard = house.servers.iter().flat_map(|server| &server.heard);
    assert!(heard.clone().any(|text| text == "select three"));
    assert!(heard.into_iter().all(|text| text != "select one" && text != "select two"));
}

#[test]
fn a_cancel_finds_who_waits_for_a_plan_in_a_transaction() {
    let mut house = House::new(config(1));
    let mut client = house.client();
    client.say("begin");
    house.expect(&mut client, "C:BEGIN Z:T");
    for unit in [query("insert one"), extended("", "insert two")] {
        house.plans = false;
        client.send(&unit);
        client.say("select three");
        house.settle();
        let mut request = cancel(&mut house, &client.key.clone());
        house.expect(&mut client, "E:57014 Z:T");
        house.expect(&mut request, "END");
        house.plans = true;
        house.say(Command::ForgetPlans { bases: None });
        house.expect(&mut client, "D:select_three C:OK Z:T");
    }
    let heard: Vec<&str> = house.servers[0].heard.iter().map(String::as_str).collect();
    let refused = "articdbm refused this statement";
    assert_eq!(heard, ["begin", refused, "select three", refused, "select three"]);
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
    assert_eq!(house.count("Closed"), house.count("Startup"), "the brain hears of those it knew");
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
