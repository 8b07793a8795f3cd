//! The shapes a unit of work may have when nothing goes wrong, and what is refused.

use super::stage::{Stage, alone, client_says, server_says};

#[test]
fn a_simple_query_goes_there_and_back() {
    alone(
        "A> Q select 1
         S< Q select 1
         S> T D:1 C:SELECT Z:I
         A< T D:1 C:SELECT Z:I
         A> Q select 2; Q select 3
         S< Q select 2; Q select 3
         S> T C:SELECT Z:I T C:SELECT Z:I
         A< T C:SELECT Z:I T C:SELECT Z:I",
    );
}

#[test]
fn several_results_notices_and_an_empty_query() {
    alone(
        "A> Q insert
         S< Q insert
         S> N C:INSERT T D:1 C:SELECT I Z:I
         A< N C:INSERT T D:1 C:SELECT I Z:I",
    );
}

#[test]
fn extended_with_the_unnamed_statement() {
    alone(
        "A> P - select 1; B -; DP -; E; S
         S< P - select 1; B -; DP -; E; S
         S> 1 2 T D:1 C:SELECT Z:I
         A< 1 2 T D:1 C:SELECT Z:I",
    );
}

#[test]
fn a_named_statement_has_our_name_at_the_server() {
    alone(
        "A> P s1 select 1; D s1; S
         S< P #1 select 1; D #1; S
         S> 1 t T Z:I
         A< 1 t T Z:I
         A> B s1; E; S
         S< B #1; E; S
         S> 2 C:SELECT Z:I
         A< 2 C:SELECT Z:I",
    );
}

#[test]
fn flush_without_sync() {
    alone(
        "A> P s1 select 1; D s1; H
         S< P #1 select 1; D #1; H
         S> 1 t T
         A< 1 t T
         A> B s1; E; H
         S< B #1; E; H
         S> 2 D:1 C:SELECT
         A< 2 D:1 C:SELECT
         A> S
         S< S
         S> Z:I
         A< Z:I",
    );
}

#[test]
fn several_syncs_in_one_packet_each_get_theirs() {
    alone(
        "A> S; S; P - select 1; B -; E; S; S
         S< S; S; P - select 1; B -; E; S; S
         S> Z:I Z:I 1 2 C:SELECT Z:I Z:I
         A< Z:I Z:I 1 2 C:SELECT Z:I Z:I",
    );
}

#[test]
fn a_portal_in_pieces() {
    alone(
        "A> Q begin
         S< Q begin
         S> C:BEGIN Z:T
         A< C:BEGIN Z:T
         A> P - select 1; B - p1; E p1; S
         S< P - select 1; B - p1; E p1; S
         S> 1 2 D:1 s Z:T
         A< 1 2 D:1 s Z:T
         A> E p1; CP p1; S
         S< E p1; CP p1; S
         S> D:2 C:SELECT 3 Z:T
         A< D:2 C:SELECT 3 Z:T",
    );
}

#[test]
fn a_function_call() {
    let stage = alone(
        "A> F
         S< F
         S> V:x Z:I
         A< V:x Z:I",
    );
    assert!(stage.players[0].session.pinned);
}

#[test]
fn what_comes_in_between_is_passed_in_its_place() {
    alone(
        "A> Q select 1
         S< Q select 1
         S> N S:server_version=17 T A:note D:1 N C:SELECT Z:I
         A< N S:server_version=17 T A:note D:1 N C:SELECT Z:I
         S> A:later N
         A< A:later N",
    );
}

#[test]
fn a_refused_query_never_reaches_the_server() {
    // Held: the server gets a stand-in, so that a transaction fails there too.
    alone(
        "A> Q begin
         S< Q begin
         S> C:BEGIN Z:T
         A< C:BEGIN Z:T
         A> Q deny it
         S< Q articdbm refused this statement
         S> E:42601 Z:E
         A< E:42501 Z:E
         A> P s1 deny it; B s1; E; S
         S< P - articdbm refused this statement; B s1; E; S
         S> E:25P02 Z:E
         A< E:42501 Z:E",
    );
}

#[test]
fn refused_without_a_connection() {
    let mut stage = Stage::new(2);
    stage.play(
        "A> Q deny it
         A< E:42501 Z:I
         A> P s1 deny it; B s1; D s1; E; S
         A< E:42501 Z:I
         B> P - answer this; S
         B< E:0A000 Z:I
         A> C s1; S
         A< 3 Z:I",
    );
    assert!(
        stage.players[0].session.named.as_ref().is_none_or(|all| all.is_empty()),
        "refused, so not prepared"
    );
}

#[test]
fn an_answer_is_asked_of_the_brain_once_and_whole() {
    let mut stage = Stage::new(2);
    stage.send(0, &client_says("Q answer this; Q select 1")).unwrap();
    stage.play("A? Answer { took: 17, text: 5..16 }");
}

#[test]
fn answers_inside_a_transaction_are_refused() {
    let mut stage = Stage::new(1);
    let error = stage.send(0, &client_says("Q answer this")).unwrap_err();
    assert_eq!(error.code, "0A000");
}

#[test]
fn too_large_to_read_goes_through_as_it_is_and_pins() {
    let mut stage = Stage::new(1);
    let text = format!("Q insert {}", "x".repeat(9_000));
    let bytes = client_says(&text);
    for chunk in bytes.chunks(1_000) {
        stage.send(0, chunk).unwrap();
    }
    assert_eq!(stage.to_server, bytes);
    assert!(stage.players[0].session.pinned);
    stage.to_server.clear();
    let bytes = client_says(&format!("P big insert {}; B big; E; S", "x".repeat(9_000)));
    stage.send(0, &bytes).unwrap();
    assert!(stage.to_server == bytes, "under the client's own name");
    stage.hear(&server_says("C:INSERT Z:I 1 2 C:INSERT Z:I"));
    assert!(stage.lost().is_none());
}

#[test]
fn a_bind_is_passed_on_before_it_is_all_here() {
    let mut stage = Stage::new(1);
    stage.play(
        "A> P s1 select 1
         S< P #1 select 1",
    );
    let bytes = super::stage::message(b'B', &[b"\0s1\0\0\0\0\x01\0\0\x27\x10", &[7; 10_000], b"\0\0"]);
    let (head, tail) = bytes.split_at(2_000);
    stage.send(0, head).unwrap();
    assert!(stage.to_server.len() > 1_900, "{}", stage.to_server.len());
    assert!(!stage.players[0].session.is_between());
    stage.send(0, tail).unwrap();
    let name = stage.players[0].session.named.as_ref().unwrap()[&b"s1"[..]].prepared.name.clone();
    let parts: [&[u8]; 5] = [b"\0", &name, b"\0\0\0\0\x01\0\0\x27\x10", &[7; 10_000], b"\0\0"];
    let wanted = super::stage::message(b'B', &parts);
    assert!(stage.to_server == wanted);
}

#[test]
fn malformed_messages_are_the_client_s_fault() {
    for (bytes, why) in [
        (&b"Q\0\0\0\x06x"[..], "half"),
        (b"Q\0\0\0\x05x", "no NUL"),
        (b"Q\0\0\0\x08a\0b\0", "two texts"),
        (b"P\0\0\0\x06\0\0", "no types"),
        (b"P\0\0\0\x05x", "no NUL"),
        (b"B\0\0\0\x05x", "no NUL"),
        (b"D\0\0\0\x06X\0", "neither statement nor portal"),
        (b"C\0\0\0\x07S\0x", "something behind"),
        (b"E\0\0\0\x05x", "no NUL"),
        (b"Q\0\0\0\x03", "shorter than itself"),
        (b"S\0\0\x40\0", "a long Sync"),
        (b"!\0\0\0\x04", "no such message"),
        (b"p\0\0\0\x05\0", "a password now"),
    ] {
        let mut stage = Stage::new(1);
        let sent = stage.send(0, bytes);
        if why == "half" {
            assert!(sent.is_ok() && stage.to_server.is_empty());
        } else {
            let error = sent.expect_err(why);
            assert_eq!(error.code, "08P01", "{why}");
        }
    }
}
