//! COPY both ways, simple and extended. Inside copy-in a server hears no Sync.

use super::stage::{Stage, alone};

#[test]
fn out() {
    alone(
        "A> Q copy out; P - copy out; B -; E; S
         S< Q copy out; P - copy out; B -; E; S
         S> H d:1 d:2 c C:COPY Z:I 1 2 H d:1 c C:COPY Z:I
         A< H d:1 d:2 c C:COPY Z:I 1 2 H d:1 c C:COPY Z:I",
    );
}

#[test]
fn in_by_a_simple_query() {
    alone(
        "A> Q copy in
         S< Q copy in
         S> G
         A< G
         A> d one; d two; c
         S< d one; d two; c
         S> C:COPY Z:I
         A< C:COPY Z:I
         A> Q select 1
         S< Q select 1
         S> C:SELECT Z:I
         A< C:SELECT Z:I",
    );
}

#[test]
fn in_by_the_extended_protocol_takes_a_second_sync() {
    // The first Sync is read inside copy-in, where the server ignores it.
    let stage = alone(
        "A> P - copy in; B -; E; S
         S< P - copy in; B -; E; S
         S> 1 2 G
         A< 1 2 G
         A> d one; H; S; d two; c; S
         S< d one; H; S; d two; c; S
         S> C:COPY Z:I
         A< C:COPY Z:I
         A> Q select 1
         S< Q select 1
         S> C:SELECT Z:I
         A< C:SELECT Z:I",
    );
    assert!(stage.up.is_quiet() && stage.up.units == 0);
}

#[test]
fn in_without_waiting_for_the_server() {
    alone(
        "A> P - copy in; B -; E; S; d one; c; S; Q select 1
         S< P - copy in; B -; E; S; d one; c; S; Q select 1
         S> 1 2 G C:COPY Z:I C:SELECT Z:I
         A< 1 2 G C:COPY Z:I C:SELECT Z:I",
    );
}

#[test]
fn data_that_fails() {
    alone(
        "A> P - copy in; B -; E; S
         S< P - copy in; B -; E; S
         S> 1 2 G
         A< 1 2 G
         A> d bad
         S< d bad
         S> E:22P02
         A< E:22P02
         A> d more; c; S
         S< d more; c; S
         S> Z:I
         A< Z:I
         A> Q copy in
         S< Q copy in
         S> G E:22P02 Z:I
         A< G E:22P02 Z:I
         A> d late; f no
         S< d late; f no
         A> Q select 1
         S< Q select 1
         S> C:SELECT Z:I
         A< C:SELECT Z:I",
    );
}

#[test]
fn data_without_a_copy_is_dropped() {
    let mut stage = Stage::new(2);
    stage.play("A> d late; c; S\nA< Z:I");
}

#[test]
fn never_on_a_shared_connection() {
    let mut stage = Stage::new(2);
    stage.play(
        "A> Q select hidden copy
         S< Q select hidden copy
         S> G
         S! Desync",
    );
}
