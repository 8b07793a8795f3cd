//! Branches: every form in which a value comes is judged alike, before the server sees it.
//!
//! In these scripts `guard` in a statement refuses a value above 10 among its literals and as its first parameter, and
//! one that is not known (22023); `alone` keeps a statement with such a value off shared connections; `watched` counts it.

use super::stage::{Stage, alone, client_says, message, server_says, take_heard, take_said, together};
use crate::conditions::{Branch, Branches, Condition, Outcome, Slot, Test, Type};
use crate::lexer::{self, Mode, ProcessKey};
use std::sync::atomic::Ordering::Relaxed;

pub fn branches_of(text: &str) -> Option<Branches> {
    let (guards, alone) = (text.contains("guard"), text.contains("alone"));
    if !guards && !alone && !text.contains("watched") {
        return None;
    }
    let mut literals = Vec::new();
    lexer::fingerprint(text.as_bytes(), Mode::default(), &ProcessKey::from_bytes([7; 16]), &mut literals);
    let of = literals.len() as u32;
    let mut slots: Vec<Slot> = (0..of).map(|at| Slot::Literal { at, of, negative: false }).collect();
    if text.contains("$1") {
        slots.push(Slot::Parameter { number: 1, negative: false });
    }
    let mut ten = Vec::new();
    assert!(Type::Number.ordered("10", &mut ten));
    let test = Test::Range { low: Some((ten.into(), false)), high: None };
    let condition = Condition::Test { slots: slots.into(), kind: Type::Number, utf8: true, test };
    let deny = |code: &str| Outcome::Deny { code: code.to_owned(), message: "over ten".to_owned() };
    let (then, unknown) = match (guards, alone) {
        (true, _) => (deny("42501"), deny("22023")),
        (_, true) => (Outcome::Alone, Outcome::Alone),
        _ => (Outcome::Pass, Outcome::Pass),
    };
    Some(Branches::new(vec![Branch::new("limit".to_owned(), condition, then, unknown)]))
}

fn counts(stage: &Stage) -> (u64, u64) {
    let sum = |of: fn(&Branch) -> u64| {
        let plans = stage.shared.plans.all();
        plans.iter().filter_map(|(_, plan)| plan.branches.as_ref()).flat_map(Branches::each).map(of).sum()
    };
    (sum(|branch| branch.taken.load(Relaxed)), sum(|branch| branch.doubted.load(Relaxed)))
}

/// What a text is answered that the server never sees. Scripts know no semicolon in one.
fn refusal(stage: &mut Stage, text: &str) -> String {
    stage.send(0, &message(b'Q', &[text.as_bytes(), b"\0"])).unwrap();
    assert_eq!(take_said(&mut stage.to_server), "Q articdbm refused this statement");
    stage.hear(&server_says("E:42601 Z:I"));
    take_heard(&mut stage.players[0].out)
}

#[test]
fn a_simple_query() {
    let mut stage = alone(
        "A> Q select guard 5
         S< Q select guard 5
         S> T D:1 C:SELECT Z:I
         A< T D:1 C:SELECT Z:I
         A> Q select guard 11
         S< Q articdbm refused this statement
         S> E:42601 Z:I
         A< E:42501 Z:I",
    );
    assert_eq!(counts(&stage), (1, 0));
    assert_eq!(refusal(&mut stage, "select guard 5 from x; select 1.1e1"), "E:42501 Z:I");
    assert_eq!(counts(&stage), (2, 0));
}

#[test]
fn a_refused_one_needs_no_connection() {
    let mut stage = together(
        "A> Q select guard 11
         A< E:42501 Z:I
         A> P - select guard 11; B -; E; S
         A< E:42501 Z:I",
    );
    assert_eq!(counts(&stage), (2, 0));
    stage.play(
        "B> P s1 select guard $1; BV s1 5; E; S
         S< P #1 select guard $1; B #1; E; S
         S> 1 2 C:SELECT Z:I
         B< 1 2 C:SELECT Z:I
         B> BV s1 11; E; S
         S< P - articdbm refused this statement; E; S
         S> E:42601 Z:I
         B< E:42501 Z:I",
    );
    assert_eq!(counts(&stage), (3, 0));
}

#[test]
fn literals_at_parse_and_values_at_each_bind() {
    let stage = alone(
        "A> P s1 select guard 11, $1; S
         S< P - articdbm refused this statement; S
         S> E:42601 Z:I
         A< E:42501 Z:I
         A> P s1 select guard 9, $1; BV s1 7; E; BV s1 10.000; E; S
         S< P #1 select guard 9, $1; B #1; E; B #1; E; S
         S> 1 2 C:SELECT 2 C:SELECT Z:I
         A< 1 2 C:SELECT 2 C:SELECT Z:I
         A> BV s1 10.0001; E; S
         S< P - articdbm refused this statement; E; S
         S> E:42601 Z:I
         A< E:42501 Z:I
         A> B s1; E; S
         S< P - articdbm refused this statement; E; S
         S> E:42601 Z:I
         A< E:22023 Z:I
         A> P - select guard $1; BV - 11; E; S
         S< P - select guard $1; P - articdbm refused this statement; E; S
         S> 1 E:42601 Z:I
         A< 1 E:42501 Z:I",
    );
    assert_eq!(counts(&stage), (3, 1));
}

#[test]
fn a_bind_whose_values_are_not_all_here_waits_for_them() {
    let mut stage = alone(
        "A> P s1 select guard $1; S
         S< P #1 select guard $1; S
         S> 1 Z:I
         A< 1 Z:I",
    );
    let bind = client_says("BV s1 11");
    stage.send(0, &bind[..bind.len() - 1]).unwrap();
    assert_eq!(take_said(&mut stage.to_server), "");
    stage.send(0, &bind[bind.len() - 1..]).unwrap();
    assert_eq!(take_said(&mut stage.to_server), "P - articdbm refused this statement");
    stage.send(0, &client_says("S")).unwrap();
    take_said(&mut stage.to_server);
    stage.hear(&server_says("E:42601 Z:I"));
    assert_eq!(take_heard(&mut stage.players[0].out), "E:42501 Z:I");
    // Longer than anything that is looked at: its values are not known.
    let value = vec![b'0'; 8_000];
    let length = (value.len() as u32).to_be_bytes();
    let long = message(b'B', &[b"\0s1\0\0\0\0\x01", &length, &value, b"\0\0"]);
    stage.send(0, &long[..100]).unwrap();
    stage.send(0, &long[100..]).unwrap();
    assert_eq!(take_said(&mut stage.to_server), "P - articdbm refused this statement");
    stage.hear(&server_says("E:42601"));
    assert_eq!(take_heard(&mut stage.players[0].out), "E:22023");
}

#[test]
fn arguments_of_what_was_prepared_in_sql() {
    let stage = alone(
        "A> Q prepare p as select guard 9, $1
         S< Q prepare \"#1\" as select guard 9, $1
         S> C:PREPARE Z:I
         A< C:PREPARE Z:I
         A> Q execute p(10)
         S< Q execute \"#1\"(10)
         S> C:SELECT Z:I
         A< C:SELECT Z:I
         A> Q execute p('11')
         S< Q articdbm refused this statement
         S> E:42601 Z:I
         A< E:42501 Z:I
         A> Q execute p(5 + 6)
         S< Q articdbm refused this statement
         S> E:42601 Z:I
         A< E:22023 Z:I
         A> BV p 11; E; S
         S< P - articdbm refused this statement; E; S
         S> E:42601 Z:I
         A< E:42501 Z:I
         A> P - execute p(11); B -; E; S
         S< P - execute \"#1\"(11); P - articdbm refused this statement; E; S
         S> 1 E:42601 Z:I
         A< 1 E:42501 Z:I
         A> Q prepare q as select guard 11, $1
         S< Q articdbm refused this statement
         S> E:42601 Z:I
         A< E:42501 Z:I",
    );
    assert_eq!(counts(&stage), (4, 1));
}

#[test]
fn what_is_prepared_out_of_sight_is_in_doubt() {
    let mut stage = alone(
        "A> P - prepare p as select guard $1; S
         S< P - articdbm refused this statement; S
         S> E:42601 Z:I
         A< E:22023 Z:I",
    );
    assert_eq!(refusal(&mut stage, "select 1; prepare p as select guard $1"), "E:22023 Z:I");
    assert_eq!(counts(&stage), (0, 2));
}

#[test]
fn one_that_does_not_share_waits_for_a_connection_of_its_own() {
    let mut stage = together(
        "A> Q select alone 5
         S< Q select alone 5
         B> P s1 select alone $1; BV s1 5; E; S
         S< P #1 select alone $1; B #1; E; S
         S> C:SELECT Z:I 1 2 C:SELECT Z:I
         A< C:SELECT Z:I
         B< 1 2 C:SELECT Z:I
         A> Q select alone 11
         A? Lane { ride: None }
         B> BV s1 11; E; S
         B? Lane { ride: None }
         C> P - select alone $1; BV - 11; E; S
         C? Lane { ride: None }",
    );
    assert_eq!(counts(&stage), (0, 0), "none of them is under way yet");
    for who in 0..3 {
        stage.drop_unit(who);
    }
}

#[test]
fn a_stale_one_is_judged_again_and_counted_once() {
    let mut stage = together(
        "A> P s1 select watched $1; S
         S< P #1 select watched $1; S
         S> 1 Z:I
         A< 1 Z:I
         A> BV s1 11; E; S
         S< B #1; E; S",
    );
    assert_eq!(counts(&stage), (1, 0));
    stage.play(
        "S> STALE Z:I
         S< Q deallocate all; P #1 select watched $1; B #1; E; S
         A= again
         S> C:DEALLOCATE Z:I 1 2 C:SELECT Z:I
         A< 2 C:SELECT Z:I",
    );
    assert_eq!(counts(&stage), (1, 0));
}
