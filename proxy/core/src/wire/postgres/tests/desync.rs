//! What cannot follow ends the connection, and nobody hears it.

use super::stage::Stage;

/// What is owed, and what the server says then. Everything here is one message too many, or the wrong one.
const WRONG: [(&str, &str); 40] = [
    ("", "Z:I"),
    ("", "C:SELECT"),
    ("", "T"),
    ("", "D:1"),
    ("", "1"),
    ("", "E:22012"),
    ("", "G"),
    ("", "R"),
    ("", "K"),
    ("", "W"),
    ("Q select 1", "1"),
    ("Q select 1", "2"),
    ("Q select 1", "3"),
    ("Q select 1", "s"),
    ("Q select 1", "n"),
    ("Q select 1", "t"),
    ("Q select 1", "V"),
    ("Q select 1", "W"),
    ("Q select 1", "Z:X"),
    ("Q select 1", "Z"),
    ("P - select 1; S", "2"),
    ("P - select 1; S", "C:SELECT"),
    ("P - select 1; S", "D:1"),
    ("P - select 1; S", "Z:I"),
    ("P - select 1; S", "T"),
    ("B -; S", "1"),
    ("B -; S", "3"),
    ("B -; S", "D:1"),
    ("D -; S", "2"),
    ("D -; S", "C:SELECT"),
    ("D -; S", "D:1"),
    ("E; S", "T"),
    ("E; S", "1"),
    ("E; S", "Z:I"),
    ("E; S", "V"),
    ("CP p; S", "1"),
    ("CP p; S", "C:CLOSE"),
    ("S", "C:SELECT"),
    ("S", "1"),
    ("F", "C:SELECT"),
];

#[test]
fn the_wrong_message_is_passed_to_nobody() {
    for (sent, said) in WRONG {
        let mut stage = Stage::new(1);
        if !sent.is_empty() {
            // A Bind or Describe of an unnamed statement that was never parsed is preceded by our Close.
            let unknown = sent.starts_with("B ") || sent.starts_with("D ");
            let first = if unknown { "C -; " } else { "" };
            stage.play(&format!("A> {sent}\nS< {first}{sent}"));
            if unknown {
                stage.play("S> 3");
            }
        }
        stage.play(&format!("S> {said}\nS! Desync"));
        assert!(stage.players[0].out.is_empty(), "{sent}: {said}");
    }
}

#[test]
fn a_shared_connection_gives_nothing_to_the_wrong_one() {
    for said in ["Z:I Z:I", "C:SELECT Z:I Z:I", "C:SELECT Z:I 2"] {
        let mut stage = Stage::new(2);
        stage.play(
            "A> Q select 1
             B> P b1 select 2; B b1; E; S
             S< Q select 1; P #1 select 2; B #1; E; S",
        );
        stage.hear(&super::stage::server_says(said));
        assert!(matches!(stage.lost(), Some(super::super::server::Lost::Desync(_))), "{said}");
        assert!(stage.players[1].out.is_empty(), "{said}");
    }
}

#[test]
fn fatal_is_the_end_with_the_server_s_words() {
    for sent in ["", "Q select 1", "P - select 1; S"] {
        let mut stage = Stage::new(1);
        if !sent.is_empty() {
            stage.play(&format!("A> {sent}\nS< {sent}"));
        }
        stage.play("S> FATAL:57P01\nS! Fatal(\"57P01\", \"words\")\nA< E:57P01");
    }
    // Sharing, everybody hears it from us, who know what each was at.
    let mut stage = Stage::new(2);
    stage.play("A> Q select 1\nS< Q select 1\nS> T FATAL:57P01\nS! Fatal\nA< T");
}

#[test]
fn what_is_not_a_message_at_all() {
    for bytes in [&b"\0\0\0\0\0\0"[..], b"HTTP/1.1 400", b"Z\0\0\0\x03", b"D\x7f\xff\xff\xff", b"C\0\0\0\0"] {
        let mut stage = Stage::new(1);
        stage.play("A> Q select 1\nS< Q select 1");
        stage.hear(bytes);
        stage.play("S! Desync");
        assert!(stage.players[0].out.is_empty());
    }
}

#[test]
fn a_reply_after_the_skipped_part_is_one_too_many() {
    let mut stage = Stage::new(1);
    stage.play(
        "A> P - select 1; B -; E; S
         S< P - select 1; B -; E; S
         S> E:42601
         A< E:42601
         S> 2
         S! Desync",
    );
}

#[test]
fn whether_a_client_has_half_a_message_is_known() {
    let mut stage = Stage::new(1);
    stage.play("A> Q select 1\nS< Q select 1");
    let row = super::stage::server_says(&format!("D:{}", "x".repeat(20_000)));
    stage.hear(&row[..10_000]);
    assert!(stage.up.midway().is_some() && !stage.up.is_quiet());
    stage.hear(&row[10_000..]);
    assert!(stage.up.midway().is_none());
    stage.play(&format!("A< D:{}\nS> C:SELECT Z:I\nA< C:SELECT Z:I", "x".repeat(20_000)));
}
