//! What the console asks of carriers: pools held back, clients and connections ended, everything listed, a part of it
//! in each turn.

use crate::client::Client;
use crate::house::{House, POOL, config};
use _core::border::{Command, Event, Listed};
use _core::pool::Hold;
use _core::shared::Limits;

const SAID: &[u8] = b"E\0\0\0\x16SFATAL\0C57P01\0Mx\0\0";

fn hold(house: &mut House, hold: Hold) {
    house.say(Command::Hold { pool: POOL, hold });
}

/// One engine's answers, past the brain of the house; after so many turns.
fn list(house: &mut House) -> (Vec<Listed>, usize) {
    house.settle();
    house.say(Command::List { ticket: 9 });
    let (mut found, mut turns) = (Vec::new(), 0);
    while found.len() < house.engines.len() {
        turns += 1;
        house.engines.iter_mut().for_each(|engine| engine.turn(0));
        for event in house.shared.events.drain(100) {
            if let Event::Listed(listed) = event {
                found.push(*listed);
            }
        }
    }
    (found, turns)
}

fn carriers(count: usize) -> House {
    House::with(count, Limits { max_clients: 5_000, login_ms: 60_000, max_statement: 1 << 20 }, config(2))
}

#[test]
fn riders_of_a_paused_pool_are_served_and_then_wait() {
    let mut house = House::new(config(1));
    let (mut one, mut two, mut three) = (house.client(), house.client(), house.client());
    one.say("select 1");
    house.expect(&mut one, "D:select_1 C:OK Z:I");
    house.ride(&mut [(&mut one, "select 1"), (&mut two, "select 2")]);
    hold(&mut house, Hold::Paused);
    three.say("select 3");
    house.silence(&mut three);
    house.servers[0].answers = true;
    house.expect(&mut one, "D:select_1 C:OK Z:I");
    house.expect(&mut two, "D:select_2 C:OK Z:I");
    house.until("it is closed", |house| house.counts() == (0, 0, 0));
    one.say("select 4");
    house.silence(&mut one);
    assert_eq!(house.count("ServerNeeded"), 1);
    hold(&mut house, Hold::None);
    house.expect(&mut three, "D:select_3 C:OK Z:I");
    house.expect(&mut one, "D:select_4 C:OK Z:I");
    assert_eq!(house.servers.len(), 2);
}

#[test]
fn a_suspended_pool_shares_nothing_and_goes_on_with_the_same_connection() {
    let mut house = carriers(2);
    let (mut one, mut two) = (house.client_of(0), house.client_of(1));
    one.say("select 1");
    house.expect(&mut one, "D:select_1 C:OK Z:I");
    hold(&mut house, Hold::Suspended);
    one.say("select 2");
    two.say("select 3");
    house.silence(&mut one);
    house.silence(&mut two);
    assert_eq!(house.counts(), (1, 1, 0));
    hold(&mut house, Hold::None);
    house.expect(&mut one, "D:select_2 C:OK Z:I");
    house.expect(&mut two, "D:select_3 C:OK Z:I");
    assert_eq!(house.servers[0].heard, ["select 1", "select 2", "select 3"]);
}

#[test]
fn nothing_is_opened_for_a_paused_pool() {
    let mut house = House::new(config(1));
    let mut client = house.client();
    hold(&mut house, Hold::Paused);
    client.say("select 1");
    house.silence(&mut client);
    assert_eq!((house.count("ServerNeeded"), house.shared.pool(POOL).unwrap().waiting()), (0, 1));
}

#[test]
fn a_killed_pool_has_no_client_and_no_connection_left_on_any_carrier() {
    let mut house = carriers(2);
    let mut clients: Vec<Client> = (0..6).map(|at| house.client_of(at % 2)).collect();
    clients[0].say("begin");
    house.expect(&mut clients[0], "C:BEGIN Z:T");
    clients[1].say("select 1");
    house.expect(&mut clients[1], "D:select_1 C:OK Z:I");
    // It rides on a connection that does not answer; another waits for one of its own.
    house.servers[1].answers = false;
    clients[1].say("select 1");
    clients[2].say("insert 1");
    house.settle();
    hold(&mut house, Hold::Paused);
    house.say(Command::Kill { pool: POOL, said: SAID.to_vec() });
    for client in &mut clients {
        house.expect(client, "E:57P01! END");
    }
    house.until("nothing is left", |house| house.counts() == (0, 0, 0));
    let pool = house.shared.pool(POOL).unwrap();
    assert_eq!(pool.waiting(), 0);
    assert_eq!(pool.stats.iter().map(|stats| stats.clients.get()).sum::<i64>(), 0);
    assert_eq!(pool.stats.iter().map(|stats| stats.linked.get()).sum::<i64>(), 0);
    assert_eq!(pool.stats.iter().map(|stats| stats.sharing.get()).sum::<i64>(), 0);
    assert!(house.count("CancelNeeded") >= 1, "the statement nobody waits for is stopped");
    let mut back = house.client();
    back.say("select 9");
    house.silence(&mut back);
    hold(&mut house, Hold::None);
    house.expect(&mut back, "D:select_9 C:OK Z:I");
}

#[test]
fn a_list_has_everybody_once_and_takes_its_turns() {
    let mut house = carriers(2);
    let mut clients: Vec<Client> = (0..1_200).map(|at| house.client_of(at % 2)).collect();
    clients[0].say("begin");
    house.expect(&mut clients[0], "C:BEGIN Z:T");
    clients[1].say("select 1");
    house.expect(&mut clients[1], "D:select_1 C:OK Z:I");
    let (found, turns) = list(&mut house);
    assert!(turns > 1_200 / 2 / 256, "{turns}");
    let rows: Vec<_> = found.iter().flat_map(|listed| &listed.clients).collect();
    let mut ids: Vec<u64> = rows.iter().map(|row| row.conn.0).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((rows.len(), ids.len()), (1_200, 1_200));
    let servers: Vec<_> = found.iter().flat_map(|listed| &listed.servers).collect();
    let mut states: Vec<&str> = servers.iter().map(|row| row.state).collect();
    states.sort_unstable();
    assert_eq!(states, ["active", "idle"]);
    let active = servers.iter().find(|row| row.state == "active").unwrap();
    let owner = rows.iter().find(|row| row.state == "active").unwrap();
    assert_eq!((active.link, owner.link), (Some(owner.conn.0), Some(active.conn.0)));
    assert!(found.iter().all(|listed| (listed.ticket, listed.of, listed.doors.len()) == (9, 2, 1)));
}

#[test]
fn a_command_that_is_answered_late_can_be_cancelled() {
    let mut house = House::new(config(1));
    let mut client = house.client();
    client.say("answer me");
    house.until("it is asked", |house| !house.answers.is_empty());
    let key = client.key.clone();
    let mut other = house.knock(0);
    other.send(&[&16u32.to_be_bytes()[..], &80_877_102u32.to_be_bytes(), &key].concat());
    house.expect(&mut client, "E:57014 Z:I");
    let (conn, ticket) = house.answers[0];
    house.say(Command::Reply { conn, ticket, data: b"Z\0\0\0\x05I".to_vec() });
    client.say("select 1");
    house.expect(&mut client, "D:select_1 C:OK Z:I");
}
