//! Prepared statements: known to servers by content, to clients by their names, bounded, and never a stranger's.

use super::stage::{Stage, alone, client_says, server_says};

#[test]
fn known_content_is_answered_by_us_in_its_place() {
    alone(
        "A> P s1 select 1; P s2 select 1; B s2; E; S
         S< P #1 select 1; B #1; E; S
         S> 1
         A< 1 1
         S> 2 C:SELECT Z:I
         A< 2 C:SELECT Z:I
         A> P s3 select 1; H
         S< H
         A< 1
         A> C s1; C nothing; S
         S< S
         A< 3 3
         S> Z:I
         A< Z:I",
    );
}

#[test]
fn said_never_overtakes_what_the_server_owes() {
    alone(
        "A> P s1 select 1; B s1; E; C s1; P s2 select 1; B s2; E; S
         S< P #1 select 1; B #1; E; B #1; E; S
         S> 1 2 D:1
         A< 1 2 D:1
         S> C:SELECT
         A< C:SELECT 3 1
         S> 2 D:1 C:SELECT Z:I
         A< 2 D:1 C:SELECT Z:I",
    );
}

#[test]
fn a_name_is_the_client_s_own() {
    let mut stage = Stage::new(3);
    stage.play(
        "A> P s1 select 1; B s1; E; S
         S< P #1 select 1; B #1; E; S
         B> P s1 select 2; B s1; E; S
         S< P #2 select 2; B #2; E; S
         S> 1 2 D:1 C:SELECT Z:I 1 2 D:2 C:SELECT Z:I
         A< 1 2 D:1 C:SELECT Z:I
         B< 1 2 D:2 C:SELECT Z:I
         A> B s1; E; S
         S< B #1; E; S
         S> 2 D:1 C:SELECT Z:I
         A< 2 D:1 C:SELECT Z:I",
    );
}

#[test]
fn a_connection_that_lacks_it_gets_it_on_the_way() {
    let mut stage = alone(
        "A> P s1 select 1; S
         S< P #1 select 1; S
         S> 1 Z:I
         A< 1 Z:I",
    );
    stage.up.prepared.clear();
    stage.play(
        "A> D s1; B s1; E; S
         S< P #1 select 1; D #1; B #1; E; S
         S> 1 t T 2 C:SELECT Z:I
         A< t T 2 C:SELECT Z:I",
    );
}

#[test]
fn the_least_recently_used_makes_room() {
    let mut stage = Stage::new(1);
    stage.prepared = 1;
    stage.play(
        "A> P s1 select 1; S
         S< P #1 select 1; S
         S> 1 Z:I
         A< 1 Z:I
         A> P s2 select 2; S
         S< C #1; P #2 select 2; S
         S> 3 1 Z:I
         A< 1 Z:I
         A> B s1; E; S
         S< C #2; P #1 select 1; B #1; E; S
         S> 3 1 2 C:SELECT Z:I
         A< 2 C:SELECT Z:I",
    );
    assert_eq!(stage.up.prepared.len(), 1);
    // What is not certain to be there is not closed; there is room enough for what is under way.
    stage.play(
        "A> P s3 select 3; P s4 select 4; B s3; E; S
         S< C #1; P #3 select 3; P #4 select 4; B #3; E; S
         S> 3 1 1 2 C:SELECT Z:I
         A< 1 1 2 C:SELECT Z:I
         A> B s1; S
         S< C #4; C #3; P #1 select 1; B #1; S
         S> 3 3 1 2 Z:I
         A< 2 Z:I",
    );
    assert_eq!(stage.up.prepared.len(), 1);
}

#[test]
fn a_parse_that_may_fail_is_nobody_else_s() {
    // A's is not answered yet: B does not hear from us that all is well, and does not fail for A's sake either.
    let mut stage = Stage::new(3);
    stage.play(
        "A> P a1 select 1; S
         S< P #1 select 1; S
         B> P b1 select 1; B b1; E; S
         S< C #1; P #1 select 1; B #1; E; S
         S> E:57014 Z:I 3 1 2 C:SELECT Z:I
         A< E:57014 Z:I
         B< 1 2 C:SELECT Z:I
         A> P a1 select 1; B a1; E; S
         S< B #1; E; S
         A< 1
         S> 2 C:SELECT Z:I
         A< 2 C:SELECT Z:I
         C> P c1 select bad; S
         S< P #2 select bad; S
         B> P b2 select bad; S
         S< C #2; P #2 select bad; S
         S> E:42601 Z:I 3 E:42601 Z:I
         C< E:42601 Z:I
         B< E:42601 Z:I",
    );
}

#[test]
fn a_skipped_eviction_did_not_evict() {
    let mut stage = Stage::new(1);
    stage.prepared = 1;
    stage.play(
        "A> P s1 select 1; S
         S< P #1 select 1; S
         S> 1 Z:I
         A< 1 Z:I
         A> P - select bad; P s2 select 2; P s3 select 3; S
         S< P - select bad; C #1; P #2 select 2; P #3 select 3; S
         S> E:42601 Z:I
         A< E:42601 Z:I
         A> B s1; E; S
         S< B #1; E; S
         S> 2 C:SELECT Z:I
         A< 2 C:SELECT Z:I
         A> P s2 select 2; S
         S< C #1; P #2 select 2; S
         S> 3 1 Z:I
         A< 1 Z:I",
    );
}

/// A's is what the server has; the connection is B's now.
fn where_a_has_an_unnamed_statement() -> Stage {
    let mut stage = Stage::new(3);
    stage.play(
        "A> P - select 1; B -; E; S
         S< P - select 1; B -; E; S
         S> 1 2 C:SELECT Z:I
         A< 1 2 C:SELECT Z:I",
    );
    stage.up.owner = Some(stage.players[1].id);
    stage
}

#[test]
fn a_stranger_s_unnamed_statement_is_not_bound() {
    // B never parsed one: as far as it knows, there is none. It may not ride with that.
    let mut stage = where_a_has_an_unnamed_statement();
    stage.play(
        "B> B -; E; S
         S< C -; B -; E; S
         S> 3 E:26000 Z:I
         B< E:26000 Z:I
         B> P - select 2; D -; S
         S< P - select 2; D -; S
         S> 1 t T Z:I
         B< 1 t T Z:I",
    );
    stage.up.owner = Some(stage.players[0].id);
    stage.play(
        "A> D -; B -; E; S
         S< P - select 1; D -; B -; E; S
         S> 1 t T 2 C:SELECT Z:I
         A< t T 2 C:SELECT Z:I
         A> C -; B -; E; S
         S< C -; C -; B -; E; S
         S> 3 3 E:26000 Z:I
         A< 3 E:26000 Z:I",
    );
}

#[test]
fn an_unnamed_statement_that_may_have_been_skipped_is_waited_for() {
    // What B parses behind a mistake is skipped: its next unit must not meet A's.
    let mut stage = where_a_has_an_unnamed_statement();
    stage.play(
        "B> B s9; P - select 2; S; B -; E; S
         S< B s9; P - select 2; S; H
         S> E:26000 Z:I
         B< E:26000 Z:I
         S< C -; B -; E; S
         S> 3 E:26000 Z:I
         B< E:26000 Z:I",
    );
    // And one skipped behind another's mistake is not had back by the failure of the next.
    stage.play(
        "B> B s9; P - select 2; S; B s9; P - select 3; S
         S< B s9; P - select 2; S; B s9; H
         S> E:26000 Z:I E:26000
         B< E:26000 Z:I E:26000
         S< P - select 3; S
         S> Z:I
         B< Z:I
         B> D -; S
         S< C -; D -; S
         S> 3 E:26000 Z:I
         B< E:26000 Z:I",
    );
}

#[test]
fn a_simple_query_on_the_way_has_dropped_the_unnamed_statement() {
    let mut stage = Stage::new(3);
    stage.play(
        "A> P - select 1; S
         S< P - select 1; S
         B> Q select 2
         S< Q select 2
         S> 1 Z:I
         A< 1 Z:I
         A> B -; E; S
         S< P - select 1; B -; E; S
         S> T C:SELECT Z:I 1 2 C:SELECT Z:I
         B< T C:SELECT Z:I
         A< 2 C:SELECT Z:I",
    );
}

#[test]
fn a_name_like_ours_reaches_nobody_s() {
    let mut stage = alone(
        "A> P s1 select 1; S
         S< P #1 select 1; S
         S> 1 Z:I
         A< 1 Z:I",
    );
    let name = stage.players[0].session.named.as_ref().unwrap()[&b"s1"[..]].prepared.name.clone();
    let name = String::from_utf8(name.into()).unwrap();
    stage.play(&format!(
        "A> B {name}; D {name}; C {name}; S\nS< B #1_; D #1_; S\nS> E:26000 Z:I\nA< E:26000 Z:I"
    ));
    stage.play(&format!(
        "A> P {name} select 9; B {name}; S\nS< P #2 select 9; B #2; S\nS> 1 2 Z:I\nA< 1 2 Z:I"
    ));
    assert!(name.len() > "articdbm_1".len(), "and it is not easily guessed");
}

#[test]
fn a_name_used_twice_fails_at_the_server() {
    let stage = alone(
        "A> P s1 select 1; S
         S< P #1 select 1; S
         S> 1 Z:I
         A< 1 Z:I
         A> P s1 select 2; S
         S< P #1 select 2; S
         S> E:42P05 Z:I
         A< E:42P05 Z:I
         A> B s1; E; S
         S< B #1; E; S
         S> 2 C:SELECT Z:I
         A< 2 C:SELECT Z:I",
    );
    assert!(!stage.players[0].session.pinned, "nothing of its own is at the server");
}

#[test]
fn whether_a_name_is_taken_waits_for_the_reply_and_asks_for_it() {
    // The first may fail; then the second is no double.
    alone(
        "A> P s1 select bad; S; P s1 select 1; S
         S< P #1 select bad; S; H
         A? Quiet
         S> E:42601 Z:I
         A< E:42601 Z:I
         S< P #2 select 1; S
         S> 1 Z:I
         A< 1 Z:I",
    );
    // In one unit both fail or none: there is nothing to wait for.
    alone(
        "A> P s1 select 1; P s1 select 1; S
         S< P #1 select 1; P #1 select 1; S
         S> 1 E:42P05 Z:I
         A< 1 E:42P05 Z:I
         A> P s2 select bad; P s2 select bad; S
         S< P #2 select bad; P #2 select bad; S
         S> E:42601 Z:I
         A< E:42601 Z:I
         A> B s2; S
         S< B s2; S
         S> E:26000 Z:I
         A< E:26000 Z:I",
    );
    alone(
        "A> P s0 select 1; S
         S< P #1 select 1; S
         S> 1 Z:I
         A< 1 Z:I
         A> P s1 select 1; P s1 select 1; S
         A< 1
         S< P #1 select 1; S
         S> E:42P05 Z:I
         A< E:42P05 Z:I",
    );
}

#[test]
fn deallocate_all_forgets_at_once_on_both_sides() {
    alone(
        "A> P s1 select 1; S
         S< P #1 select 1; S
         S> 1 Z:I
         A< 1 Z:I
         A> Q deallocate all; P - select 2; B -; P s1 select 1; B s1; E; S
         S< Q deallocate all; P - select 2; B -; H
         A? Quiet
         S> C:DEALLOCATE Z:I 1 2
         A< C:DEALLOCATE Z:I 1 2
         S< P #1 select 1; B #1; E; S
         S> 1 2 C:SELECT Z:I
         A< 1 2 C:SELECT Z:I
         A> B s1; E; S
         S< B #1; E; S
         S> 2 C:SELECT Z:I
         A< 2 C:SELECT Z:I
         A> P - deallocate all; B -; E; P s1 select 2; S
         S< P - deallocate all; B -; E; P #2 select 2; S
         S> 1 2 C:DEALLOCATE 1 Z:I
         A< 1 2 C:DEALLOCATE 1 Z:I
         A> B s1; S
         S< B #2; S
         S> 2 Z:I
         A< 2 Z:I",
    );
}

#[test]
fn deallocate_all_that_failed_forgot_nothing() {
    let stage = alone(
        "A> P s1 select 1; S
         S< P #1 select 1; S
         S> 1 Z:I
         A< 1 Z:I
         A> Q deallocate all; B s1; S
         S< Q deallocate all; H
         A? Quiet
         S> E:25P02 Z:E
         A< E:25P02 Z:E
         S< B #1; S
         S> E:25P02 Z:E
         A< E:25P02 Z:E
         A> P - select bad; P - deallocate all; B -; E; S
         S< P - select bad; P - deallocate all; B -; E; S
         S> E:25P02 Z:I
         A< E:25P02 Z:I
         A> B s1; E; S
         S< B #1; E; S
         S> 2 C:SELECT Z:I
         A< 2 C:SELECT Z:I",
    );
    assert!(stage.up.purge, "in doubt the next client starts from nothing");
}

#[test]
fn a_stale_statement_runs_again_unnoticed() {
    let mut stage = Stage::new(3);
    stage.play(
        "A> P s1 select 1; S
         S< P #1 select 1; S
         S> 1 Z:I
         A< 1 Z:I
         A> B s1; D s1; E; S
         S< B #1; D #1; E; S
         B> Q select 2
         S< Q select 2
         S> STALE Z:I
         A= again
         S> T C:SELECT Z:I
         B< T C:SELECT Z:I
         S< Q deallocate all; P #1 select 1; B #1; D #1; E; S
         S> C:DEALLOCATE Z:I 1 2 T C:SELECT Z:I
         A< 2 T C:SELECT Z:I",
    );
    // Once: what then is still out of date is so for good.
    stage.play(
        "A> B s1; E; S
         S< B #1; E; S
         S> STALE Z:I
         A= again
         S< Q deallocate all; P #1 select 1; B #1; E; S
         S> C:DEALLOCATE Z:I 1 STALE Z:I
         A< E:0A000 Z:I",
    );
}

#[test]
fn stale_after_something_was_said_is_an_error_like_any_other() {
    // Our own ParseComplete counts: it cannot be taken back.
    let mut stage = Stage::new(3);
    stage.play(
        "A> P s1 select 1; S
         S< P #1 select 1; S
         S> 1 Z:I
         A< 1 Z:I
         B> P b1 select 1; B b1; E; S
         S< B #1; E; S
         B< 1
         S> STALE Z:I
         B< E:0A000 Z:I",
    );
    assert!(stage.up.purge);
    // On a connection of its own the client hears it as it would without us.
    alone(
        "A> P s1 select 1; S; B s1; E; S
         S< P #1 select 1; S; H
         A? Quiet
         S> 1 Z:I
         A< 1 Z:I
         S< B #1; E; S
         S> STALE Z:I
         A< E:0A000 Z:I",
    );
}

#[test]
fn a_statement_that_is_gone_is_prepared_again_unnoticed() {
    // Something behind our back dropped it: a function, say.
    let mut stage = Stage::new(3);
    stage.play(
        "A> P a1 select 1; S
         S< P #1 select 1; S
         S> 1 Z:I
         A< 1 Z:I
         B> P b1 select 1; S
         S< S
         B< 1
         S> Z:I
         B< Z:I",
    );
    stage.play(
        "B> B b1; E; S
         S< B #1; E; S
         S> E:26000 Z:I
         B= again
         S< Q deallocate all; P #1 select 1; B #1; E; S
         S> C:DEALLOCATE Z:I 1 2 C:SELECT Z:I
         B< 2 C:SELECT Z:I",
    );
}

#[test]
fn taking_back_what_was_not_sent() {
    let mut stage = Stage::new(1);
    stage.prepared = 1;
    stage.play(
        "A> P s1 select 1; S
         S< P #1 select 1; S
         S> 1 Z:I
         A< 1 Z:I",
    );
    let owed = stage.up.pending.len();
    stage.send(0, &client_says("C s1; P s1 select 2; B s1; E; S; Q select 3")).unwrap();
    // Said is settled only behind what is owed; here all of it is still to come, but for the Close.
    assert!(stage.up.pending.len() > owed && stage.up.units == 2);
    let mut ears = super::stage::Ears { players: &mut stage.players, dones: Vec::new() };
    stage.up.forget_after(owed, &mut ears);
    stage.to_server.clear();
    assert_eq!((stage.up.pending.len(), stage.up.units, stage.up.purge), (owed, 0, true));
    assert!(
        !stage.players[0].session.named.as_ref().unwrap().contains_key(&b"s1"[..]),
        "closed, and not parsed again"
    );
    stage.players[0].out.clear();
    stage.hear(&server_says("N"));
    stage.play("A< N");
}
