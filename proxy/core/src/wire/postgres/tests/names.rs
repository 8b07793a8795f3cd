//! Prepared statements named in SQL: one set of names with the protocol's, wherever the connection.

use super::stage::{Stage, alone};

#[test]
fn what_was_prepared_in_front_of_a_failure_is_there() {
    let mut stage = alone(
        "A> Q prepare p as select 1
         S< Q prepare \"#1\" as select 1
         S> C:PREPARE Z:I
         A< C:PREPARE Z:I",
    );
    stage.up.prepared.clear();
    stage.play(
        "A> Q execute p
         S< Q PREPARE \"#1\" as select 1;execute \"#1\"
         S> C:PREPARE E:22012 Z:I
         A< E:22012 Z:I
         A> Q execute p
         S< Q execute \"#1\"
         S> T D:1 C:SELECT Z:I
         A< T D:1 C:SELECT Z:I",
    );
    assert!(!stage.up.purge);
}

#[test]
fn behind_a_failure_it_is_not_heard_before_the_sync() {
    let mut stage = alone(
        "A> P p select 1; S
         S< P #1 select 1; S
         S> 1 Z:I
         A< 1 Z:I",
    );
    stage.up.prepared.clear();
    stage.play(
        "A> P - select bad; Q execute p
         S< P - select bad; P #1 select 1; Q execute \"#1\"
         S> E:42601
         A< E:42601
         A> S
         S< S
         S> Z:I
         A< Z:I
         A> Q execute p
         S< P #1 select 1; S; Q execute \"#1\"
         S> 1 Z:I T D:1 C:SELECT Z:I
         A< T D:1 C:SELECT Z:I",
    );
}

#[test]
fn what_cannot_be_named_anew_is_its_connection_s() {
    // A name written in escapes.
    let stage = alone(
        "A> Q prepare U&\"p\" as select 1
         S< Q prepare U&\"p\" as select 1
         S> C:PREPARE Z:I
         A< C:PREPARE Z:I",
    );
    assert!(stage.players[0].session.pinned, "nobody else may find it there");
    // An encoding in which bytes of a name could be anything.
    let mut stage = Stage::new(1);
    stage.players[0].session.unsafe_encoding = true;
    stage.play(
        "A> Q prepare p as select 1
         S< Q prepare p as select 1
         S> C:PREPARE Z:I
         A< C:PREPARE Z:I",
    );
    assert!(stage.players[0].session.pinned, "nobody else may find it there");
}

#[test]
fn a_name_may_stand_close() {
    alone(
        "A> Q prepare\"p\"as select 1
         S< Q prepare\"#1\"as select 1
         S> C:PREPARE Z:I
         A< C:PREPARE Z:I
         A> Q execute\"p\"
         S< Q execute\"#1\"
         S> C:SELECT Z:I
         A< C:SELECT Z:I",
    );
}

#[test]
fn those_of_one_session_are_bounded_at_the_server() {
    let mut stage = Stage::new(1);
    stage.prepared = 2;
    for n in 1..40 {
        stage.send(0, &super::stage::client_says(&format!("Q prepare p as select {n}"))).unwrap();
        stage.to_server.clear();
        stage.hear(&super::stage::server_says(if n > 2 { "3 C:PREPARE Z:I" } else { "C:PREPARE Z:I" }));
        stage.send(0, &super::stage::client_says("Q deallocate p")).unwrap();
        stage.hear(&super::stage::server_says("C:SET Z:I"));
        stage.to_server.clear();
        stage.players[0].out.clear();
        assert!(stage.lost().is_none() && stage.up.prepared.len() <= 2, "{n}: {:?}", stage.lost());
    }
}

#[test]
fn a_taken_name_that_is_not_taken_at_the_server_gets_no_other_content() {
    alone(
        "A> Q prepare p as select 1
         S< Q prepare \"#1\" as select 1
         S> C:PREPARE Z:I
         A< C:PREPARE Z:I
         A> Q prepare p as select 2
         S< Q prepare \"#1\" as select 2
         S> C:PREPARE Z:I
         S! Desync",
    );
}

#[test]
fn what_is_refused_by_now_is_not_run_under_its_name() {
    let mut stage = alone(
        "A> Q prepare p as select 1
         S< Q prepare \"#1\" as select 1
         S> C:PREPARE Z:I
         A< C:PREPARE Z:I
         A> P s1 select 1; S
         S< P #2 select 1; S
         S> 1 Z:I
         A< 1 Z:I",
    );
    // Policy changed, and all is planned anew.
    stage.denies = Some("prepare");
    stage.shared.forget_plans(None);
    stage.play(
        "A> Q execute p
         S< Q articdbm refused this statement
         S> E:42601 Z:I
         A< E:42501 Z:I",
    );
    stage.denies = Some("select");
    stage.shared.forget_plans(None);
    stage.play(
        "A> Q execute s1
         S< Q articdbm refused this statement
         S> E:42601 Z:I
         A< E:42501 Z:I",
    );
}

#[test]
fn what_was_to_run_again_and_was_dropped_is_not_the_next() {
    // The unit that could be run again is given up while it waits; what came then is another.
    let mut stage = Stage::new(2);
    stage.play(
        "A> P s1 insert; S
         A? Lane { ride: None }",
    );
    stage.up.owner = Some(stage.players[0].id);
    stage.send(0, b"").unwrap();
    stage.go_on(0).unwrap();
    stage.play(
        "S< P #1 insert; S
         S> 1 Z:I
         A< 1 Z:I",
    );
    stage.up.owner = None;
    stage.play(
        "A> B s1; E; S
         A? Lane { ride: None }",
    );
    assert!(stage.players[0].session.again);
    stage.drop_unit(0);
    stage.play(
        "A> Q begin
         A? Lane { ride: None }",
    );
    assert!(!stage.players[0].session.again);
}

#[test]
fn a_prepare_that_was_not_heard_made_nothing() {
    let mut stage = alone(
        "A> Q prepare p as select 1
         S< Q prepare \"#1\" as select 1
         S> C:PREPARE Z:I
         A< C:PREPARE Z:I",
    );
    stage.up.prepared.clear();
    stage.play(
        "A> P - select bad; Q execute p; S
         S< P - select bad; Q PREPARE \"#1\" as select 1;execute \"#1\"; S
         S> E:42601 Z:I
         A< E:42601 Z:I
         A> Q execute p
         S< Q PREPARE \"#1\" as select 1;execute \"#1\"
         S> C:PREPARE C:SELECT Z:I
         A< C:SELECT Z:I
         A> Q execute p
         S< Q execute \"#1\"
         S> C:SELECT Z:I
         A< C:SELECT Z:I",
    );
}

#[test]
fn a_prepare_that_failed_gave_no_name() {
    alone(
        "A> Q prepare s1 as select bad; Q select 22; Q prepare s1 as select 1
         S< Q prepare \"#1\" as select bad; Q select 22; H
         A? Quiet
         S> E:42601 Z:I C:SELECT Z:I
         A< E:42601 Z:I C:SELECT Z:I
         S< Q prepare \"#2\" as select 1
         S> C:PREPARE Z:I
         A< C:PREPARE Z:I",
    );
}

#[test]
fn what_is_not_certain_to_be_there_is_made_anew() {
    alone(
        "A> C -; P s1 select 22; B -; Q deallocate all; S
         S< C -; P #1 select 22; C -; B -; Q deallocate all; S
         S> 3 1 3 E:26000 Z:I
         A< 3 1 E:26000 Z:I
         A> Q execute s1
         S< C #1; P #1 select 22; S; Q execute \"#1\"
         S> 3 1 Z:I T C:SELECT Z:I
         A< T C:SELECT Z:I",
    );
    // A table changed: prepared now, it is another.
    alone(
        "A> Q prepare p as select 1
         S< Q prepare \"#1\" as select 1
         S> C:PREPARE Z:I
         A< C:PREPARE Z:I
         A> Q deallocate p; Q alter table
         S< Q SET \"articdbm.nothing\" = ''; Q alter table
         S> C:SET Z:I C:ALTER Z:I
         A< C:DEALLOCATE Z:I C:ALTER Z:I
         A= schema
         A> Q prepare p as select 1
         S< C #1; Q prepare \"#1\" as select 1
         S> 3 C:PREPARE Z:I
         A< C:PREPARE Z:I",
    );
}
