//! What a session carries from connection to connection, and what keeps it on one.

use crate::client::Client;
use crate::house::{House, config};
use crate::words::{bound, extended, message, query};
use _core::pool::{Mode, PoolConfig};

#[test]
fn a_pipeline_that_ends_in_a_transaction_keeps_its_connection() {
    // All its replies come at once: what the last one leaves counts, not the first.
    for (pipeline, heard) in [
        (vec!["select 1", "begin"], "D:select_1 C:OK Z:I C:BEGIN Z:T"),
        (vec!["insert 1", "begin", "insert 2"], "D:insert_1 C:OK Z:I C:BEGIN Z:T D:insert_2 C:OK Z:T"),
        (vec!["set timezone CET", "begin"], "C:OK Z:I C:BEGIN Z:T"),
        // Whether the setting holds is in doubt, and known only with the last reply.
        (
            vec!["begin", "set timezone CET", "rollback to s", "commit"],
            "C:BEGIN Z:T C:OK Z:T C:ROLLBACK Z:T C:COMMIT Z:I",
        ),
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
        "H",
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
    assert_eq!(house.shared.pins(), [("listens".to_owned(), 1, 0, 0)]);
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
    house.expect(&mut one, "C:BEGIN E:08P01! END");
    two.say("insert 1");
    house.expect(&mut two, "D:insert_1 C:OK Z:I");
    assert!(house.servers[0].gone, "a connection in a transaction is not given to another");
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

#[test]
fn a_statement_waits_until_its_role_is_certain() {
    // Should `SET ROLE` fail, what came behind it would run with another's rights.
    let mut house = House::new(config(1));
    let (mut one, mut two) = (house.client(), house.client());
    one.say("set role boss");
    house.expect(&mut one, "C:OK Z:I");
    two.say("insert 1");
    house.expect(&mut two, "D:insert_1 C:OK Z:I");
    house.servers[0].answers = false;
    one.send(&[query("select 1"), query("insert 2")].concat());
    house.until("it is set", |house| house.servers[0].heard.len() == 4);
    house.settle();
    assert_eq!(house.servers[0].heard[3], "SET \"role\" = 'boss';");
    house.servers[0].answers = true;
    house.expect(&mut one, "D:select_1 C:OK Z:I D:insert_2 C:OK Z:I");

    two.say("insert 3");
    house.expect(&mut two, "D:insert_3 C:OK Z:I");
    house.servers[0].answers = false;
    one.say("insert 4");
    house.until("it is to be set", |house| house.servers[0].heard.last().unwrap().starts_with("SET"));
    house.servers[0].say(&message(b'E', &[b"SERROR\0VERROR\0C22023\0Mrole \"boss\" does not exist\0\0"]));
    house.expect(&mut one, "E:08006! END");
    assert!(!house.servers[0].heard.contains(&"insert 4".to_owned()));
}

#[test]
fn what_a_transaction_reset_is_nobody_else_s() {
    for end in ["commit", "rollback"] {
        let mut house = House::new(PoolConfig { sharing: false, ..config(1) });
        let began = vec![("timezone".to_owned(), "'CET'".to_owned())];
        let mut one = house.client_with(began);
        let mut two = house.client();
        for text in ["begin", "reset timezone", "select zone 1", end, "select zone 2"] {
            one.say(text);
        }
        let ended = end.to_ascii_uppercase();
        let heard = format!("C:BEGIN Z:T C:OK Z:T D:CET_1 C:OK Z:T C:{ended} Z:I D:CET_2 C:OK Z:I");
        house.expect(&mut one, &heard);
        two.say("select zone 3");
        house.expect(&mut two, "D:none_3 C:OK Z:I");
        one.say("select zone 4");
        house.expect(&mut one, "D:CET_4 C:OK Z:I");
    }
}

#[test]
fn who_idles_after_a_reset_is_not_ended_as_if_it_ran() {
    for (mode, first) in [(Mode::Transaction, "begin"), (Mode::Session, "select 1")] {
        let mut house = House::new(PoolConfig { mode, statement_ms: 60, ..config(1) });
        let mut one = house.client_with(vec![("timezone".to_owned(), "'CET'".to_owned())]);
        one.say(first);
        house.expect(&mut one, if first == "begin" { "C:BEGIN Z:T" } else { "D:select_1 C:OK Z:I" });
        house.servers[0].answers = false;
        one.say("reset timezone");
        house.until("it is reset and set anew", |house| house.servers[0].heard.len() == 4);
        house.servers[0].answers = true;
        let status: &[u8] = if first == "begin" { b"T" } else { b"I" };
        house.servers[0].kept.clear();
        for _ in 0..2 {
            house.servers[0].say(&[message(b'C', &[b"OK\0"]), message(b'Z', &[status])].concat());
            house.settle();
        }
        house.expect(&mut one, if first == "begin" { "C:OK Z:T" } else { "C:OK Z:I" });
        let since = std::time::Instant::now();
        house.until("its statement's time would be over", |_| since.elapsed().as_millis() > 200);
        house.silence(&mut one);
        one.say("select 2");
        house.expect(&mut one, if first == "begin" { "D:select_2 C:OK Z:T" } else { "D:select_2 C:OK Z:I" });
    }
}
