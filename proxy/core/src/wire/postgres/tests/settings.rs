//! Session settings: what a statement changed holds when its transaction commits, and is forgotten when it does not.

use super::stage::{Stage, alone, together};

const DOUBT: &str = "pin: setting changed around a rollback";

#[test]
fn set_and_reset_outside_a_transaction() {
    alone(
        "A> Q set search_path x
         S< Q set search_path x
         S> C:SET Z:I
         A< C:SET Z:I
         A= set search_path 'x'
         A> P - set work_mem 1; B -; E; S
         S< P - set work_mem 1; B -; E; S
         S> 1 2 C:SET Z:I
         A< 1 2 C:SET Z:I
         A= set work_mem '1'
         A> Q reset work_mem
         S< Q reset work_mem
         S> C:RESET Z:I
         A< C:RESET Z:I
         A= reset work_mem
         A> Q reset all
         S< Q reset all
         S> C:RESET Z:I
         A< C:RESET Z:I
         A= reset all
         A> Q discard all
         S< Q discard all
         S> C:DISCARD Z:I
         A< C:DISCARD Z:I
         A= reset all",
    );
}

#[test]
fn what_decides_meaning_is_waited_for() {
    // The next statement is read and planned when it is known how.
    for setting in
        ["search_path", "role", "session_authorization", "standard_conforming_strings", "client_encoding"]
    {
        let mut stage = Stage::new(1);
        stage.play(&format!(
            "A> Q set {setting} x; Q select 1
             S< Q set {setting} x; H
             A? Quiet
             S> C:SET Z:I
             A< C:SET Z:I
             A= set {setting} 'x'
             S< Q select 1
             S> C:SELECT Z:I
             A< C:SELECT Z:I"
        ));
    }
    alone(
        "A> P - set role x; B -; E; P - select 1; S
         S< P - set role x; B -; E; H
         A? Quiet
         S> 1 2 C:SET
         A< 1 2 C:SET
         S< P - select 1; S
         S> 1 Z:I
         A< 1 Z:I
         A= set role 'x'",
    );
}

#[test]
fn what_fails_sets_nothing() {
    alone(
        "A> Q set work_mem x; P - set work_mem 1; B -; E; S
         S< Q set work_mem x; P - set work_mem 1; B -; E; S
         S> E:22023 Z:I 1 2 E:22023 Z:I
         A< E:22023 Z:I 1 2 E:22023 Z:I",
    );
    // Nor what ran before an error in the same implicit transaction.
    alone(
        "A> P - set work_mem 1; B -; E; P - select bad; S
         S< P - set work_mem 1; B -; E; P - select bad; S
         S> 1 2 C:SET E:42601 Z:I
         A< 1 2 C:SET E:42601 Z:I",
    );
}

#[test]
fn a_transaction_decides_at_its_end() {
    let begin_and_set = "A> Q begin; Q set work_mem x
         S< Q begin; Q set work_mem x
         S> C:BEGIN Z:T C:SET Z:T
         A< C:BEGIN Z:T C:SET Z:T";
    for (end, tag, ready, wanted) in [
        ("commit", "C:COMMIT", "Z:I", "set work_mem 'x'"),
        ("rollback", "C:ROLLBACK", "Z:I", ""),
        // A COMMIT of a failed transaction says ROLLBACK.
        ("commit", "C:ROLLBACK", "Z:I", ""),
        ("prepare transaction", "C:PREPARE", "Z:I", "set work_mem 'x'"),
    ] {
        let mut stage = Stage::new(1);
        stage.play(begin_and_set);
        stage.play(&format!("A> Q {end}\nS< Q {end}\nS> {tag} {ready}\nA< {tag} {ready}\nA= {wanted}"));
    }
}

/// Simple queries in one transaction, each answered; what its end means for the session.
fn in_one_transaction(said: &[(&str, &str)], wanted: &str) {
    let mut stage = Stage::new(1);
    stage.play("A> Q begin\nS< Q begin\nS> C:BEGIN Z:T\nA< C:BEGIN Z:T");
    for (text, answer) in said {
        stage.play(&format!("A> Q {text}\nS< Q {text}\nS> {answer}\nA< {answer}"));
    }
    stage.play(&format!("A> Q commit\nS< Q commit\nS> C:COMMIT Z:I\nA< C:COMMIT Z:I\nA= {wanted}"));
}

const SET: &str = "C:SET Z:T";
const MADE: &str = "C:SAVEPOINT Z:T";
const FREED: &str = "C:RELEASE Z:T";
const BACK: &str = "C:ROLLBACK Z:T";
const FAILED: &str = "E:22012 Z:E";

#[test]
fn a_savepoint_takes_back_what_came_behind_it() {
    in_one_transaction(&[("savepoint a", MADE), ("set work_mem x", SET), ("rollback to a", BACK)], "");
    in_one_transaction(
        &[
            ("set work_mem x", SET),
            ("savepoint a", MADE),
            ("set work_mem y", SET),
            ("savepoint a", MADE),
            ("set work_mem z", SET),
            ("rollback to a", BACK),
            ("rollback to a", BACK),
        ],
        "set work_mem 'x'; set work_mem 'y'",
    );
    // Freed, it is a part of what is around it; so is every one inside it.
    in_one_transaction(
        &[
            ("savepoint a", MADE),
            ("savepoint b", MADE),
            ("set work_mem x", SET),
            ("savepoint c", MADE),
            ("release b", FREED),
            ("set lock_timeout 1", SET),
            ("rollback to a", BACK),
            ("set jit off", SET),
        ],
        "set jit 'off'",
    );
    // What failed has done nothing; what the server says holds then is believed.
    in_one_transaction(
        &[
            ("savepoint a", MADE),
            ("set timezone x", "C:SET S:TimeZone=x Z:T"),
            ("select bad", FAILED),
            ("rollback to a", "C:ROLLBACK S:TimeZone=y Z:T"),
        ],
        "set timezone 'y'",
    );
}

#[test]
fn what_a_unit_did_before_it_failed_comes_back_with_its_savepoint() {
    let mut stage = Stage::new(1);
    stage.play(
        "A> Q begin
         S< Q begin
         S> C:BEGIN Z:T
         A< C:BEGIN Z:T
         A> P - set work_mem x; B -; E; P - savepoint a; B -; E; P - select bad; B -; E; S
         S< P - set work_mem x; B -; E; P - savepoint a; B -; E; P - select bad; B -; E; S
         S> 1 2 C:SET 1 2 C:SAVEPOINT 1 2 E:22012 Z:E
         A< 1 2 C:SET 1 2 C:SAVEPOINT 1 2 E:22012 Z:E
         A> Q rollback to a
         S< Q rollback to a
         S> C:ROLLBACK Z:T
         A< C:ROLLBACK Z:T
         A> Q commit
         S< Q commit
         S> C:COMMIT Z:I
         A< C:COMMIT Z:I
         A= set work_mem 'x'",
    );
}

#[test]
fn a_savepoint_that_nobody_saw_leaves_doubt_and_pins() {
    let doubt = format!("set work_mem 'x'; {DOUBT}");
    in_one_transaction(&[("set work_mem x", SET), ("rollback to b", BACK)], &doubt);
    // Of the same name as one that is known: to which it goes back is not certain.
    in_one_transaction(
        &[("set work_mem x", SET), ("savepoint a", MADE), ("several", SET), ("rollback to a", BACK)],
        &doubt,
    );
    in_one_transaction(
        &[("set work_mem x", SET), ("savepoint a", MADE), ("several", FAILED), ("rollback to a", BACK)],
        &doubt,
    );
    // Without a change there is none, nor in the transaction after.
    in_one_transaction(&[("several", MADE), ("rollback to a", BACK)], "");
    alone(
        "A> Q begin; Q several; Q rollback to a; Q commit; Q begin; Q set work_mem x; Q commit
         S< Q begin; Q several; Q rollback to a; Q commit; Q begin; Q set work_mem x; Q commit
         S> C:BEGIN Z:T C:ROLLBACK Z:T C:ROLLBACK Z:T C:COMMIT Z:I C:BEGIN Z:T C:SET Z:T C:COMMIT Z:I
         A< C:BEGIN Z:T C:ROLLBACK Z:T C:ROLLBACK Z:T C:COMMIT Z:I C:BEGIN Z:T C:SET Z:T C:COMMIT Z:I
         A= set work_mem 'x'",
    );
}

#[test]
fn however_many_savepoints_there_are() {
    let mut said = vec![("set work_mem x", SET)];
    said.extend([("savepoint a", MADE), ("set work_mem y", SET)].repeat(3_000));
    said.extend([("rollback to a", BACK), ("set work_mem z", SET)]);
    let mut stage = Stage::new(1);
    stage.play("A> Q begin\nS< Q begin\nS> C:BEGIN Z:T\nA< C:BEGIN Z:T");
    for (text, answer) in said {
        stage.play(&format!("A> Q {text}\nS< Q {text}\nS> {answer}\nA< {answer}"));
        assert!(stage.up.unfinished().len() <= 1_025);
    }
    // And however many settings: the client stays where it is, and what decides meaning is known.
    let mut stage = Stage::new(1);
    stage.play("A> Q begin; Q set role x\nS< Q begin; Q set role x\nS> C:BEGIN Z:T C:SET Z:T\nA< C:BEGIN Z:T C:SET Z:T");
    for number in 0..3_000 {
        let text = format!("set x.y{number} 1");
        stage.play(&format!("A> Q {text}\nS< Q {text}\nS> {SET}\nA< {SET}"));
        assert!(stage.up.unfinished().len() <= 1_025);
    }
    assert!(stage.up.changed_meaning());
}

#[test]
fn what_is_set_for_a_transaction_holds_in_it_and_nowhere_else() {
    let mut stage = Stage::new(1);
    stage.play(
        "A> Q begin; Q local search_path x
         S< Q begin; Q local search_path x
         S> C:BEGIN Z:T C:SET Z:T
         A< C:BEGIN Z:T C:SET Z:T",
    );
    assert!(stage.up.changed_meaning());
    stage.play(
        "A> Q select 1; Q commit; Q select 2
         S< Q select 1; H
         A? Quiet
         S> C:SELECT Z:T
         A< C:SELECT Z:T
         S< Q commit; H
         A? Quiet
         S> C:COMMIT Z:I
         A< C:COMMIT Z:I
         S< Q select 2
         S> C:SELECT Z:I
         A< C:SELECT Z:I",
    );
    assert!(!stage.up.changed_meaning());
    // Outside one it is set for nobody.
    stage.play("A> Q local role x\nS< Q local role x\nS> C:SET Z:I\nA< C:SET Z:I");
    // What the session sets beside it stays.
    in_one_transaction(
        &[
            ("set search_path x", SET),
            ("local search_path y", SET),
            ("savepoint a", MADE),
            ("local role z", SET),
        ],
        "set search_path 'x'",
    );
}

#[test]
fn a_commit_that_goes_on_has_committed() {
    // COMMIT AND CHAIN, then ROLLBACK: the setting of before stays.
    alone(
        "A> Q begin; Q set work_mem x; Q commit and chain
         S< Q begin; Q set work_mem x; Q commit and chain
         S> C:BEGIN Z:T C:SET Z:T C:COMMIT Z:T
         A< C:BEGIN Z:T C:SET Z:T C:COMMIT Z:T
         A= set work_mem 'x'
         A> Q rollback
         S< Q rollback
         S> C:ROLLBACK Z:I
         A< C:ROLLBACK Z:I",
    );
}

#[test]
fn a_commit_before_an_error_has_committed() {
    alone(
        "A> Q begin; Q set work_mem x; Q commit and then fail
         S< Q begin; Q set work_mem x; Q commit and then fail
         S> C:BEGIN Z:T C:SET Z:T C:COMMIT E:22012 Z:I
         A< C:BEGIN Z:T C:SET Z:T C:COMMIT E:22012 Z:I
         A= set work_mem 'x'",
    );
    alone(&format!(
        "A> Q set work_mem x and commit and fail
         S< Q set work_mem x and commit and fail
         S> C:SET C:COMMIT E:22012 Z:I
         A< C:SET C:COMMIT E:22012 Z:I
         A= {DOUBT}"
    ));
}

#[test]
fn what_the_server_reports_is_believed() {
    alone(
        "A> Q select set_it()
         S< Q select set_it()
         S> T D:1 C:SELECT S:TimeZone=UTC S:server_encoding=UTF8 Z:I
         A< T D:1 C:SELECT S:TimeZone=UTC S:server_encoding=UTF8 Z:I
         A= set timezone 'UTC'",
    );
    // Once: the plan said it already.
    alone(
        "A> Q set timezone CET
         S< Q set timezone CET
         S> C:SET S:TimeZone=CET Z:I
         A< C:SET S:TimeZone=CET Z:I
         A= set timezone 'CET'",
    );
    alone(
        "A> Q begin; Q select set_it(); Q rollback
         S< Q begin; Q select set_it(); Q rollback
         S> C:BEGIN Z:T C:SELECT S:TimeZone=UTC Z:T C:ROLLBACK S:TimeZone=CET Z:I
         A< C:BEGIN Z:T C:SELECT S:TimeZone=UTC Z:T C:ROLLBACK S:TimeZone=CET Z:I",
    );
}

#[test]
fn set_local_ends_with_its_transaction() {
    // The value of the transaction is reported, and at the COMMIT the one it gives way to: the last word counts.
    alone(
        "A> Q begin; Q select local; Q commit
         S< Q begin; Q select local; Q commit
         S> C:BEGIN Z:T C:SET S:TimeZone=UTC Z:T C:COMMIT S:TimeZone=CET Z:I
         A< C:BEGIN Z:T C:SET S:TimeZone=UTC Z:T C:COMMIT S:TimeZone=CET Z:I
         A= set timezone 'UTC'; set timezone 'CET'",
    );
}

#[test]
fn a_reported_value_is_quoted_for_every_mode() {
    alone(
        r"A> Q select set_it()
          S< Q select set_it()
          S> C:SELECT S:application_name=it's S:application_name=\';drop Z:I
          A< C:SELECT S:application_name=it's S:application_name=\';drop Z:I
          A= set application_name 'it''s'",
    );
    alone(
        r"A> Q select set_it()
          S< Q select set_it()
          S> C:SELECT S:application_name=\';drop Z:I
          A< C:SELECT S:application_name=\';drop Z:I
          A= set application_name E'\\'';drop'",
    );
}

#[test]
fn what_a_resting_connection_reports_is_nobody_s() {
    let mut stage = Stage::new(1);
    let owner = stage.up.owner.take();
    stage.hear(&super::stage::server_says("S:TimeZone=UTC N A:x"));
    stage.up.owner = owner;
    stage.play(
        "A> Q select 1
         S< Q select 1
         S> C:SELECT Z:I
         A< C:SELECT Z:I",
    );
}

#[test]
fn the_string_mode_follows_the_server() {
    let mut stage = alone(
        "A> Q select set_it()
         S< Q select set_it()
         S> C:SELECT S:standard_conforming_strings=off Z:I
         A< C:SELECT S:standard_conforming_strings=off Z:I
         A= set standard_conforming_strings 'off'",
    );
    assert!(stage.up.backslashes);
    stage.hear(&super::stage::server_says("S:standard_conforming_strings=on"));
    assert!(!stage.up.backslashes);
}

#[test]
fn a_backslash_in_what_is_too_long_to_be_read_waits_for_nothing() {
    let long = format!(r"select '\{}'", "x".repeat(5_000));
    alone(&format!(
        "A> Q select 1; Q {long}
         S< Q select 1; Q {long}
         S> C:SELECT Z:I C:SELECT Z:I
         A< C:SELECT Z:I C:SELECT Z:I"
    ));
    alone(
        r"A> Q select 1; Q select '\x'
          S< Q select 1; H
          A? Quiet
          S> C:SELECT Z:I
          A< C:SELECT Z:I
          S< Q select '\x'
          S> C:SELECT Z:I
          A< C:SELECT Z:I",
    );
}

#[test]
fn changes_in_one_unit_have_their_order() {
    // A transaction that ends in the unit takes what is before it, and not what is behind it.
    alone(
        "A> P - rollback; B -; E; P - set work_mem x; B -; E; S
         S< P - rollback; B -; E; P - set work_mem x; B -; E; S
         S> 1 2 C:ROLLBACK 1 2 C:SET Z:I
         A< 1 2 C:ROLLBACK 1 2 C:SET Z:I
         A= set work_mem 'x'",
    );
    alone(
        "A> P - set work_mem x; B -; E; P - commit; B -; E; P - set jit off; B -; E; P - select bad; B -; E; S
         S< P - set work_mem x; B -; E; P - commit; B -; E; P - set jit off; B -; E; P - select bad; B -; E; S
         S> 1 2 C:SET 1 2 C:COMMIT 1 2 C:SET 1 2 E:22012 Z:I
         A< 1 2 C:SET 1 2 C:COMMIT 1 2 C:SET 1 2 E:22012 Z:I
         A= set work_mem 'x'",
    );
    // What ends transactions and does not say so.
    alone(&format!(
        "A> P - set work_mem x; B -; E; P - do it; B -; E; P - select bad; B -; E; S
         S< P - set work_mem x; B -; E; P - do it; B -; E; P - select bad; B -; E; S
         S> 1 2 C:SET 1 2 C:DO 1 2 E:22012 Z:I
         A< 1 2 C:SET 1 2 C:DO 1 2 E:22012 Z:I
         A= {DOUBT}"
    ));
    // Put by in the middle, it has done what it does.
    alone(
        "A> P - set work_mem x; B -; E; S
         S< P - set work_mem x; B -; E; S
         S> 1 2 s Z:I
         A< 1 2 s Z:I
         A= set work_mem 'x'",
    );
}

#[test]
fn a_portal_whose_name_is_bound_again_in_vain_is_what_it_was() {
    alone(
        "A> Q begin
         S< Q begin
         S> C:BEGIN Z:T
         A< C:BEGIN Z:T
         A> P s set work_mem x; B s p; S
         S< P #1 set work_mem x; B #1 p; S
         S> 1 2 Z:T
         A< 1 2 Z:T
         A> Q savepoint a; P - select 1; B - p; S
         S< Q savepoint a; P - select 1; B - p; S
         S> C:SAVEPOINT Z:T 1 E:22P02 Z:E
         A< C:SAVEPOINT Z:T 1 E:22P02 Z:E
         A> Q rollback to a; E p; S
         S< Q rollback to a; E p; S
         S> C:ROLLBACK Z:T C:SET Z:T
         A< C:ROLLBACK Z:T C:SET Z:T
         A> Q commit
         S< Q commit
         S> C:COMMIT Z:I
         A< C:COMMIT Z:I
         A= set work_mem 'x'",
    );
}

#[test]
fn an_effect_behind_a_portal_is_not_lost() {
    // The ready of an earlier unit comes between Bind and Execute of the next.
    let mut stage = alone(
        "A> P - select 1; B -; E; S; P - set work_mem x; B -
         S< P - select 1; B -; E; S; P - set work_mem x; B -
         S> 1 2 C:SELECT Z:I
         A< 1 2 C:SELECT Z:I
         A> E; S
         S< E; S
         S> 1 2 C:SET Z:I
         A< 1 2 C:SET Z:I
         A= set work_mem 'x'",
    );
    assert!(!stage.players[0].session.pinned);
    // In a transaction a portal outlives its Sync, the unnamed one too.
    stage.play(
        "A> Q begin; P - set work_mem y; B -; P - set lock_timeout 2; B - p; S
         S< Q begin; P - set work_mem y; B -; P - set lock_timeout 2; B - p; S
         S> C:BEGIN Z:T 1 2 1 2 Z:T
         A< C:BEGIN Z:T 1 2 1 2 Z:T
         A> E; E p; S
         S< E; E p; S
         S> C:SET C:SET Z:T
         A< C:SET C:SET Z:T
         A> Q commit
         S< Q commit
         S> C:COMMIT Z:I
         A< C:COMMIT Z:I
         A= set work_mem 'y'; set lock_timeout '2'",
    );
    stage.play(
        "A> P - listen x; B -; S; E; S
         S< P - listen x; B -; S; E; S
         S> 1 2 Z:T C:LISTEN Z:T
         A< 1 2 Z:T C:LISTEN Z:T",
    );
    assert!(stage.players[0].session.pinned);
}

#[test]
fn a_schema_change_is_told() {
    alone(
        "A> Q alter table
         S< Q alter table
         S> C:ALTER Z:I
         A< C:ALTER Z:I
         A= schema
         A> Q alter table
         S< Q alter table
         S> E:42501 Z:I
         A< E:42501 Z:I",
    );
}

#[test]
fn a_transaction_left_open_on_a_shared_connection_ends_it() {
    together(
        "A> Q select 1
         S< Q select 1
         B> Q select 2
         S< Q select 2
         S> C:SELECT Z:T C:SELECT Z:T
         A< C:SELECT
         S! Unshareable",
    );
}
