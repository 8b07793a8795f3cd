//! Errors in the middle of a pipeline: what the server skips, and what is taken back of what was believed.

use super::super::server::MAX_PENDING;
use super::stage::{Stage, alone, client_says, server_says, take_heard};

#[test]
fn a_failed_query_is_over_with_its_sync() {
    alone(
        "A> Q select nothing; Q select 1
         S< Q select nothing; Q select 1
         S> E:42703 Z:I T C:SELECT Z:I
         A< E:42703 Z:I T C:SELECT Z:I",
    );
}

#[test]
fn the_rest_of_a_failed_unit_is_skipped() {
    alone(
        "A> P - select 1; B -; E; P - select 2; B -; E; S
         S< P - select 1; B -; E; P - select 2; B -; E; S
         S> 1 2 E:22012 Z:I
         A< 1 2 E:22012 Z:I
         A> P - select 2; B -; E; S
         S< P - select 2; B -; E; S
         S> 1 2 C:SELECT Z:I
         A< 1 2 C:SELECT Z:I",
    );
}

#[test]
fn a_failed_parse_leaves_no_name() {
    alone(
        "A> P s1 select bad; S
         S< P #1 select bad; S
         S> E:42601 Z:I
         A< E:42601 Z:I
         A> B s1; S
         S< B s1; S
         S> E:26000 Z:I
         A< E:26000 Z:I
         A> P s1 select 1; S
         S< P #2 select 1; S
         S> 1 Z:I
         A< 1 Z:I",
    );
}

#[test]
fn a_skipped_parse_leaves_no_name_and_is_not_on_the_server() {
    alone(
        "A> P s1 select bad; P s2 select 2; S
         S< P #1 select bad; P #2 select 2; S
         S> E:42601 Z:I
         A< E:42601 Z:I
         A> P s2 select 2; B s2; E; S
         S< P #2 select 2; B #2; E; S
         S> 1 2 C:SELECT Z:I
         A< 1 2 C:SELECT Z:I",
    );
}

#[test]
fn a_skipped_close_did_not_close() {
    alone(
        "A> P s1 select 1; S
         S< P #1 select 1; S
         S> 1 Z:I
         A< 1 Z:I
         A> P - select bad; C s1; S
         S< P - select bad; S
         S> E:42601 Z:I
         A< E:42601 Z:I
         A> B s1; E; S
         S< B #1; E; S
         S> 2 C:SELECT Z:I
         A< 2 C:SELECT Z:I",
    );
}

#[test]
fn undone_last_first() {
    // Close s1 and Parse s1 anew, both skipped: s1 is what it was.
    alone(
        "A> P s1 select 1; P s2 select 2; S
         S< P #1 select 1; P #2 select 2; S
         S> 1 1 Z:I
         A< 1 1 Z:I
         A> P - select bad; C s1; P s1 select 2; S
         S< P - select bad; S
         S> E:42601 Z:I
         A< E:42601 Z:I
         A> B s1; E; S
         S< B #1; E; S
         S> 2 C:SELECT Z:I
         A< 2 C:SELECT Z:I",
    );
}

#[test]
fn what_is_sent_after_the_error_is_skipped_too() {
    // The server has said its error; the client does not know yet and goes on before its Sync.
    alone(
        "A> P s1 select 1; S
         S< P #1 select 1; S
         S> 1 Z:I
         A< 1 Z:I
         A> P - select bad
         S< P - select bad
         S> E:42601
         A< E:42601
         A> C s1; P s2 select 1; P s3 select 3; B s3; E; S
         S< P #2 select 3; B s3; E; S
         S> Z:I
         A< Z:I
         A> B s1; B s2; S
         S< B #1; B s2; S
         S> 2 E:26000 Z:I
         A< 2 E:26000 Z:I
         A> P s2 select 1; P s3 select 3; S
         S< P #2 select 3; S
         S> 1 Z:I
         A< 1 1 Z:I",
    );
}

#[test]
fn a_prepare_of_ours_behind_an_error_does_not_hide_the_ready() {
    // s1 is not on this connection: its Prepare, ours, is among what is skipped.
    let mut stage = alone(
        "A> P s1 select 1; S
         S< P #1 select 1; S
         S> 1 Z:I
         A< 1 Z:I",
    );
    stage.up.prepared.clear();
    stage.play(
        "A> P - select bad
         S< P - select bad
         S> E:42601
         A< E:42601
         A> B s1; E; S
         S< P #1 select 1; B #1; E; S
         S> Z:I
         A< Z:I
         A> B s1; E; S
         S< P #1 select 1; B #1; E; S
         S> 1 2 C:SELECT Z:I
         A< 2 C:SELECT Z:I",
    );
}

#[test]
fn a_deferred_error_comes_with_the_sync() {
    alone(
        "A> P - insert; B -; E; S; Q select 1
         S< P - insert; B -; E; S; Q select 1
         S> 1 2 C:INSERT E:23503 Z:I C:SELECT Z:I
         A< 1 2 C:INSERT E:23503 Z:I C:SELECT Z:I",
    );
}

#[test]
fn a_long_error_in_two_reads() {
    let mut stage = Stage::new(1);
    stage.play(
        "A> P - select bad; C s1; S
         S< P - select bad; S",
    );
    let long = vec![b'm'; 20_000];
    let error = super::stage::message(b'E', &[b"SERROR\0VERROR\0C42601\0M", &long, b"\0\0"]);
    let (head, tail) = error.split_at(12_000);
    stage.hear(head);
    stage.hear(tail);
    stage.hear(&server_says("Z:I"));
    let mut wanted = error.clone();
    wanted.extend(server_says("Z:I"));
    assert!(std::mem::take(&mut stage.players[0].out) == wanted);
    stage.play("");
}

#[test]
fn nothing_of_ours_goes_into_the_middle_of_a_message() {
    let mut stage = Stage::new(1);
    stage.play(
        "A> P s1 select 1; D s1; C s1; P s2 select 1; S
         S< P #1 select 1; D #1; S",
    );
    let wide = server_says("1 t WIDE:20000");
    for chunk in wide.chunks(9_000) {
        stage.hear(chunk);
    }
    stage.play(
        "A< 1 t WIDE:20000 3 1
         S> Z:I
         A< Z:I",
    );
}

#[test]
fn more_than_may_be_owed_makes_the_server_say_what_it_has() {
    // A server keeps its last replies back until Flush or Sync; the Sync is behind the bound in the client's input.
    let mut stage = Stage::new(1);
    let rows = MAX_PENDING + 10;
    let mut bytes = client_says("P - insert");
    for _ in 0..rows {
        bytes.extend(client_says("B -; E"));
    }
    bytes.extend(client_says("S"));
    stage.send(0, &bytes).unwrap();
    let mut heard = 0;
    let mut rounds = 0;
    let flush = client_says("H");
    while !stage.to_server.is_empty() {
        let asked = std::mem::take(&mut stage.to_server);
        let ends = asked.ends_with(&flush);
        assert!(ends || asked.ends_with(&client_says("S")), "the server is not told to speak");
        assert!(stage.up.pending.len() <= MAX_PENDING);
        let owed = stage.up.pending.len();
        for pending in 0..owed {
            use super::super::pending::Kind;
            let reply = match stage.up.pending.front().map(|pending| &pending.kind) {
                Some(Kind::Parse(_)) => server_says("1"),
                Some(Kind::Bind) => server_says("2"),
                Some(Kind::Execute) => server_says("C:INSERT"),
                Some(Kind::Sync { .. }) => server_says("Z:I"),
                _ => panic!("{pending} of {owed} is something else"),
            };
            stage.hear(&reply);
            heard += 1;
        }
        rounds += 1;
    }
    assert_eq!((heard, rounds), (2 * rows + 2, 3));
    assert!(take_heard(&mut stage.players[0].out).ends_with("2 C:INSERT Z:I"));
    stage.play("");
}

#[test]
fn a_long_pipeline_behind_an_error_is_read_to_its_sync() {
    let mut stage = Stage::new(1);
    stage.play(
        "A> P - insert bad
         S< P - insert bad
         S> E:42601
         A< E:42601",
    );
    let mut bytes = Vec::new();
    for _ in 0..2 * MAX_PENDING {
        bytes.extend(client_says("B nothing; E"));
    }
    bytes.extend(client_says("S"));
    stage.send(0, &bytes).unwrap();
    assert!(stage.to_server == bytes, "all of it goes to the server, which skips it");
    stage.to_server.clear();
    stage.play(
        "S> Z:I
         A< Z:I",
    );
}
