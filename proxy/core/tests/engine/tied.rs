//! A client and a server connection that are one: what passes, what is held up, and how both go.

use crate::client::Client;
use crate::house::{House, POOL, config};
use crate::words::{message, startup};
use _core::border::{Command, Tie};
use _core::slab::Id;
use std::net::Shutdown;

const MIB: usize = 1 << 20;

/// A client in log-in, and a server connection in log-in.
fn two(house: &mut House, carrier: usize) -> (Client, Id, Id) {
    house.admits = false;
    house.admits_servers = false;
    let mut client = house.knock(carrier);
    client.send(&startup());
    let (logins, servers) = (house.logins.len(), house.servers.len());
    house.until("it logs in", |house| house.logins.len() > logins);
    let conn = house.logins[logins];
    house.attach_near(POOL, Some(conn));
    house.until("its connection is there", |house| house.servers[servers].conn.is_some());
    (client, conn, house.servers[servers].conn.unwrap())
}

fn tie(conn: Id, server: Id) -> Command {
    let greeting = b"R\0\0\0\x08\0\0\0\0".to_vec();
    Command::Tie(Box::new(Tie { conn, server, base: 1, greeting, key_bytes: 4, pid: 77, secret: vec![7; 4] }))
}

fn tied(house: &mut House) -> (Client, Id) {
    let (mut client, conn, server) = two(house, 0);
    assert_eq!(server.carrier(), conn.carrier());
    house.say(tie(conn, server));
    house.expect(&mut client, "R K Z:I");
    (client, conn)
}

fn streaming(house: &mut House) -> u64 {
    house.turn();
    house.shared.pool(POOL).unwrap().stats.iter().map(|stats| stats.streaming.get() as u64).sum()
}

/// What a number is when it does not change any more.
fn at_rest(house: &mut House, mut of: impl FnMut(&mut House) -> usize) -> usize {
    loop {
        let before = of(house);
        house.settle();
        if of(house) == before {
            return before;
        }
    }
}

#[test]
fn what_is_said_passes_unplanned_and_no_pool_sees_the_connection() {
    let mut house = House::new(config(4));
    let (mut client, _) = tied(&mut house);
    // Denied by its plan, had it one.
    client.say("deny 1");
    house.expect(&mut client, "D:deny_1 C:OK Z:I");
    assert_eq!(house.count("PlanNeeded"), 0);
    assert_eq!(house.counts(), (1, 0, 0));
    client.stream.shutdown(Shutdown::Both).unwrap();
    house.until("its server connection is closed", |house| house.servers[0].gone);
    house.settle();
    assert_eq!(house.counts(), (0, 0, 0));
    assert_eq!((house.count("Closed"), house.count("ServerNeeded")), (1, 0));
}

#[test]
fn on_the_carrier_of_its_client_whichever_that_is() {
    let limits = _core::shared::Limits { max_clients: 50, login_ms: 60_000, max_statement: 1 << 20 };
    let mut house = House::with(3, limits, config(4));
    for carrier in [2, 0, 1, 1] {
        let (mut client, conn, server) = two(&mut house, carrier);
        assert_eq!((conn.carrier(), server.carrier()), (carrier, carrier));
        house.say(tie(conn, server));
        house.expect(&mut client, "R K Z:I");
        client.say("select 1");
        house.expect(&mut client, "D:select_1 C:OK Z:I");
    }
}

#[test]
fn a_client_that_does_not_read_holds_its_server_up() {
    let mut house = House::new(config(1));
    let (mut client, _) = tied(&mut house);
    let piece = message(b'd', &[&[b'w'; 100_000]]);
    let count = 32 * MIB / piece.len();
    house.servers[0].say(&message(b'W', &[&[0; 3]]));
    for _ in 0..count {
        house.servers[0].say(&piece);
    }
    let unsent = at_rest(&mut house, |house| house.servers[0].unsent.len());
    assert_eq!(streaming(&mut house), 1);
    // What the kernel's own buffers take is its affair; the rest stays where it comes from.
    assert!(unsent > 16 * MIB, "{unsent}");
    let all = 8 + count * piece.len();
    house.until("all is there", |_| {
        client.read();
        client.input.len() >= all
    });
    assert_eq!(client.input.len(), all);
    assert!(client.input[8..].chunks(piece.len()).all(|chunk| chunk == piece));
}

#[test]
fn a_server_that_does_not_read_holds_its_client_up() {
    let mut house = House::new(config(1));
    let (mut client, _) = tied(&mut house);
    house.servers[0].reads = false;
    let piece = message(b'd', &[&[b'r'; 100_000]]);
    for _ in 0..320 {
        client.send(&piece);
    }
    let unsent = at_rest(&mut house, |_| client.push());
    assert!(unsent > 16 * MIB, "{unsent}");
    house.servers[0].reads = true;
    house.until("all is there", |house| client.push() == 0 && house.servers[0].heard.len() >= 320);
}

#[test]
fn who_is_told_to_go_hears_the_message_under_way_to_its_end() {
    let mut house = House::new(config(1));
    let (mut client, conn) = tied(&mut house);
    let piece = message(b'd', &[b"whole"]);
    house.servers[0].say(&piece[..7]);
    house.settle();
    let said = message(b'E', &[b"SFATAL\0VFATAL\0C57P01\0Mgo\0\0"]);
    house.say(Command::Close { conn, data: said.clone() });
    house.say(Command::Close { conn, data: b"not twice".to_vec() });
    house.settle();
    client.read();
    assert_eq!(client.input, &piece[..7]);
    house.servers[0].say(&piece[7..]);
    house.servers[0].say(&message(b'd', &[b"never heard"]));
    house.until("it is told", |_| !client.read());
    assert_eq!(client.input, [piece, said].concat());
    house.until("its server connection is closed", |house| house.servers[0].gone);
}

#[test]
fn a_drain_ends_who_rests_and_who_has_come_to_rest() {
    let mut house = House::new(config(4));
    let (mut idle, _) = tied(&mut house);
    let (mut working, _) = tied(&mut house);
    let (mut streams, _) = tied(&mut house);
    house.servers[1].answers = false;
    working.say("select 1");
    house.servers[2].say(&message(b'W', &[&[0; 3]]));
    // Answered in part: something is under way.
    house.servers[1].say(&message(b'N', &[b"notice"]));
    house.settle();
    house.say(Command::Drain { at_once: false });
    house.expect(&mut idle, "E:57P01! END");
    house.settle();
    house.servers[1].answers = true;
    house.until("the other one is told", |_| !working.read());
    assert_eq!(streaming(&mut house), 1);
    house.servers[2].say(&message(b'd', &[b"still"]));
    house.settle();
    house.say(Command::Drain { at_once: true });
    house.until("the last one is told", |_| !streams.read());
    assert_eq!(streaming(&mut house), 0);
    assert_eq!(house.counts(), (0, 0, 0));
}

#[test]
fn a_server_that_goes_is_explained_once() {
    let failure = message(b'E', &[b"SFATAL\0VFATAL\0C57P03\0Mown words\0\0"]);
    let part = message(b'd', &[b"half of this"]);
    for (said, heard) in [(&b""[..], "E:08006! END"), (&failure, "E:57P03! END"), (&part[..9], "END")] {
        let mut house = House::new(config(1));
        let (mut client, _) = tied(&mut house);
        house.servers[0].say(said);
        house.servers[0].stream.shutdown(Shutdown::Both).unwrap();
        house.expect(&mut client, heard);
        assert_eq!(house.count("ServerLost true"), usize::from(said.is_empty()));
        assert_eq!(house.counts(), (0, 0, 0));
    }
}

#[test]
fn what_is_no_message_ends_it() {
    let mut house = House::new(config(1));
    let (mut client, _) = tied(&mut house);
    house.servers[0].say(b"HTTP/1.1 400 Bad Request");
    assert_eq!(house.hear_one(&mut client), "END");
    house.until("its server connection is closed", |house| house.servers[0].gone);
}

#[test]
fn half_of_a_pair_is_none() {
    let mut house = House::new(config(2));
    let (client, conn, server) = two(&mut house, 0);
    drop(client);
    house.until("it is gone", |house| house.count("Closed") == 1);
    house.say(tie(conn, server));
    house.until("its server connection is closed", |house| house.servers[0].gone);
    let (mut client, conn, server) = two(&mut house, 0);
    house.servers[1].stream.shutdown(Shutdown::Both).unwrap();
    house.until("it is lost", |house| house.count("ServerLost") == 1);
    house.say(tie(conn, server));
    house.expect(&mut client, "E:08006! END");
    assert_eq!(house.counts(), (0, 0, 0));
}
