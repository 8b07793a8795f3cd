//! Several clients on one connection: each hears its own, in its order, and nobody else's.

use super::stage::{Stage, server_says, take_heard, together};

#[test]
fn interleaved_units_go_where_they_came_from() {
    together(
        "A> Q select 1
         B> P - select 2; B -; E; S
         C> Q select 3
         S< Q select 1; P - select 2; B -; E; S; Q select 3
         S> T D:a C:SELECT Z:I 1 2 D:b C:SELECT Z:I T D:c
         A< T D:a C:SELECT Z:I
         B< 1 2 D:b C:SELECT Z:I
         C< T D:c
         A> Q select 4
         S< Q select 4
         S> C:SELECT Z:I T D:d C:SELECT Z:I
         C< C:SELECT Z:I
         A< T D:d C:SELECT Z:I",
    );
}

#[test]
fn an_error_is_its_own_client_s() {
    together(
        "A> P - select 1; B -; E; S
         B> P - select 2; B -; E; S
         S< P - select 1; B -; E; S; P - select 2; B -; E; S
         S> 1 E:22012 Z:I 1 2 D:b C:SELECT Z:I
         A< 1 E:22012 Z:I
         B< 1 2 D:b C:SELECT Z:I",
    );
}

#[test]
fn notices_go_with_the_unit_and_notifications_to_nobody() {
    together(
        "S> N A:x S:TimeZone=UTC
         A> Q select 1
         B> Q select 2
         S< Q select 1; Q select 2
         S> N T A:x C:SELECT Z:I N C:SELECT Z:I A:x
         A< N T C:SELECT Z:I
         B< N C:SELECT Z:I",
    );
}

#[test]
fn one_byte_at_a_time_everybody_gets_the_same() {
    let mut stage = Stage::new(3);
    stage.play(
        "A> Q select 1
         B> P b1 select 2; B b1; E; S
         C> P c1 select 2; B c1; E; S
         S< Q select 1; P #1 select 2; B #1; E; S; C #1; P #1 select 2; B #1; E; S",
    );
    for byte in server_says("T D:a A:x C:SELECT Z:I 1 2 D:b C:SELECT Z:I 3 1 2 E:22012 Z:I") {
        stage.hear(&[byte]);
    }
    stage.play(
        "A< T D:a C:SELECT Z:I
         B< 1 2 D:b C:SELECT Z:I
         C< 1 2 E:22012 Z:I",
    );
}

#[test]
fn what_may_not_ride_asks_for_a_connection_of_its_own() {
    for unit in [
        "Q insert",
        "P - insert; B -; E; S",
        "P - select 1; B -; E; H",
        "P - select 1; B -; E",
        "B nothing; E; S",
        "B -; E; S",
        "P - select 1; P - select 2; B -; E; S",
        "P - select 1; B -; E; d x; S",
        "F",
    ] {
        let mut stage = Stage::new(2);
        stage.play(&format!("A> {unit}\nA? Lane {{ ride: None }}"));
    }
}

#[test]
fn too_long_to_ride() {
    let mut stage = Stage::new(2);
    let bind = super::stage::message(b'B', &[b"\0\0\0\0\0\x01\0\0\x4e\x20", &[1; 20_000], b"\0\0"]);
    let mut unit = super::stage::client_says("P - select 1");
    unit.extend(bind);
    unit.extend(super::stage::client_says("E; S"));
    stage.send(0, &unit).unwrap();
    stage.play("A? Lane { ride: None }");
}

#[test]
fn a_slow_statement_stops_riding() {
    let mut stage = together(
        "A> Q select 1
         S< Q select 1
         S> C:SELECT Z:I
         A< C:SELECT Z:I",
    );
    stage.send(0, &super::stage::client_says("Q select 1")).unwrap();
    let plan = stage.up.pending.back().and_then(|pending| pending.plan.clone()).unwrap();
    for _ in 0..20 {
        plan.measured.note(1_000_000, 10);
    }
    stage.hear(&server_says("C:SELECT Z:I"));
    stage.to_server.clear();
    assert_eq!(take_heard(&mut stage.players[0].out), "C:SELECT Z:I");
    stage.play("B> Q select 1\nB? Lane { ride: None }");
}

#[test]
fn the_settings_brought_along_are_nobody_s_business() {
    use super::super::pending::Kind;
    let mut stage = Stage::new(3);
    let id = stage.players[0].id;
    stage.up.push(id, Kind::Setup, None, 0);
    stage.play(
        "A> Q select 1
         S< Q select 1
         S> C:SET S:TimeZone=UTC N C:SET Z:I C:SELECT Z:I
         A< C:SELECT Z:I",
    );
    stage.up.push(id, Kind::Setup, None, 0);
    stage.play(
        "S> E:22023
         S! Setup",
    );
}
