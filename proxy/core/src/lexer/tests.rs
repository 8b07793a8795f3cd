//! The lexer's unit tests. Tree equality against sqlglot is `tests/proxy/core/test_fingerprint.py`.

use super::*;

const KEY: ProcessKey = ProcessKey::from_bytes(*b"0123456789abcdef");
const OLD_STRINGS: Mode = Mode { standard_conforming_strings: false, ascii_safe_encoding: true };

pub(super) fn lex_in(mode: Mode, text: &[u8]) -> (Lexed, Vec<Literal>) {
    let mut literals = Vec::new();
    let lexed = fingerprint(text, mode, &KEY, &mut literals);
    (lexed, literals)
}

pub(super) fn lex(text: impl AsRef<[u8]>) -> Lexed {
    lex_in(Mode::default(), text.as_ref()).0
}

fn literals(text: &str) -> Vec<(&str, LiteralKind)> {
    let (_, found) = lex_in(Mode::default(), text.as_bytes());
    found.iter().map(|literal| (&text[literal.start as usize..literal.end as usize], literal.kind)).collect()
}

#[track_caller]
fn same(a: &str, b: &str) {
    assert_eq!(lex(a), lex(b), "{a}  |  {b}");
}

#[track_caller]
fn different(a: &str, b: &str) {
    assert_ne!(lex(a).fingerprint, lex(b).fingerprint, "{a}  |  {b}");
}

#[track_caller]
fn exact(text: impl AsRef<[u8]>) {
    assert!(lex(&text).exact, "{:?}", String::from_utf8_lossy(text.as_ref()));
}

#[track_caller]
fn similar(text: &str) {
    assert!(!lex(text).exact, "{text}");
}

#[test]
fn literals_are_found_with_their_kind() {
    use LiteralKind::*;
    assert_eq!(
        literals("SELECT 'a''b', E'\\'', $$x$$, $a$ $b$ $a$, U&'\\0061', n'x', b'01', x'ff' FROM t"),
        [
            ("'a''b'", String),
            ("E'\\''", Escaped),
            ("$$x$$", Dollar),
            ("$a$ $b$ $a$", Dollar),
            ("U&'\\0061'", Unicode),
            ("n'x'", National),
            ("b'01'", Bits),
            ("x'ff'", Hex),
        ]
    );
    assert_eq!(
        literals(
            "SELECT 1, 1., .5, 1.5e-3, 1e10, 2147483647, 2147483648, 9223372036854775807, 9223372036854775808"
        ),
        [
            ("1", Integer),
            ("1.", Decimal),
            (".5", Decimal),
            ("1.5e-3", Decimal),
            ("1e10", Decimal),
            ("2147483647", Integer),
            ("2147483648", BigInteger),
            ("9223372036854775807", BigInteger),
            ("9223372036854775808", Numeric),
        ]
    );
    assert_eq!(literals("SELECT 0x1F, 1_000, 0b1, 0o7").len(), 4);
    assert_eq!(literals("SELECT a$1, $1, b2 FROM t3"), []);
}

#[test]
fn a_string_goes_on_behind_a_line_end_only() {
    assert_eq!(literals("SELECT 'a' -- c\n 'b'"), [("'a' -- c\n 'b'", LiteralKind::String)]);
    assert_eq!(literals("SELECT 'a'\r'b'").len(), 1);
    assert_eq!(literals("SELECT 'a' 'b'").len(), 2);
    assert_eq!(literals("SELECT 'a' /* \n */ 'b'").len(), 2);
    assert_eq!(literals("SELECT e'a'\n'\\'' FROM t").len(), 1);
    different("SELECT 'a'\n'b' FROM t", "SELECT 'c' FROM t");
    different("SELECT 'a'\n'b' FROM t", "SELECT 'a'\n'c' FROM t");
}

#[test]
fn backslashes_escape_as_the_session_says() {
    let text = br"SELECT 'a\' OR x = ' FROM t";
    assert_eq!(lex_in(OLD_STRINGS, text).1.len(), 1);
    assert!(lex_in(Mode::default(), text).0.exact);
    let text = br"SELECT '\' || x || '\' FROM t";
    assert_eq!(lex_in(Mode::default(), text).1.len(), 2);
    assert_ne!(lex_in(OLD_STRINGS, b"SELECT 'a'").0, lex("SELECT 'a'"));
    assert!(lex_in(OLD_STRINGS, b"SELECT U&'a'").0.exact);
    assert_eq!(lex_in(OLD_STRINGS, br"SELECT n'\''").1.len(), 1);
}

#[test]
fn an_encoding_that_hides_ascii_makes_other_letters_exact() {
    let mode = Mode { ascii_safe_encoding: false, ..Mode::default() };
    assert!(lex_in(mode, "SELECT 'é'".as_bytes()).0.exact);
    assert_eq!(lex_in(mode, b"SELECT 'e'").0, lex("SELECT 'e'"));
}

#[test]
fn what_it_cannot_place_is_exact() {
    for text in [
        "SELECT 'a",
        "SELECT \"a",
        "SELECT $$a",
        "SELECT $a$ $A$",
        "SELECT /* /* */ 1",
        "SELECT E'\\'",
        "SELECT 1a",
        "SELECT 1e",
        "SELECT 1e+",
        "SELECT 0x",
        "SELECT 0xg",
        "SELECT 1__",
        "SELECT 0x1.5",
        "SELECT 1_0.5",
        "SELECT 1.5.6",
        "SELECT 1..10",
        "SELECT 1$1",
        "SELECT $1a",
        "SELECT $",
        "SELECT $a",
        "SELECT \\d",
        "\\d t",
        "SELECT {1}",
        "SELECT 1 \x0b",
        "SELECT U&\"a\"",
        "SELECT )",
        "SELECT (; SELECT 1)",
        "'a'",
        "1",
        "E'a'",
        "- 1",
        "SELECT 1 /*",
        "SELECT b'",
        "SELECT 'a\0'",
        "SELECT 1\0",
        "SELECT 1 --\0",
        "SELECT $$\0$$",
        "SELECT \"\0\"",
        "SELECT E'\\\0'",
        "SELECT 1 /* \0 */",
        "SELECT 'a' -- \0\n'b'",
    ] {
        exact(text);
        assert_eq!(literals(text), [], "{text}");
    }
    exact("SELECT ".to_owned() + &"(".repeat(100) + &")".repeat(100));
    exact("SELECT ".to_owned() + &"@".repeat(64) + "1");
    exact(b"SELECT '\xff', {");
}

#[test]
fn an_exact_text_is_equal_to_itself_only() {
    let texts = ["SELECT 'a", "SELECT 'a ", "select 'a", "SELECT/**/'a", "SELECT 'b", "SELECT \"a"];
    for (a, b) in texts.iter().flat_map(|a| texts.iter().map(move |b| (a, b))) {
        assert_eq!(a == b, lex(a).fingerprint == lex(b).fingerprint, "{a}  |  {b}");
    }
    assert_ne!(lex_in(OLD_STRINGS, b"SELECT {").0.fingerprint, lex("SELECT {").fingerprint);
}

#[test]
fn a_text_with_too_many_literals_is_exact() {
    let list = |count: usize| "SELECT * FROM t WHERE x IN (".to_owned() + &"1,".repeat(count - 1) + "1)";
    similar(&list(MAX_LITERALS));
    exact(list(MAX_LITERALS + 1));
}

#[test]
fn statements_whose_literals_decide_keep_them() {
    for text in [
        "SET x = 1",
        "SHOW x",
        "RESET x",
        "DISCARD ALL",
        "LISTEN x",
        "NOTIFY x, 'a'",
        "PREPARE x AS SELECT 1",
        "EXECUTE x(1)",
        "DEALLOCATE x",
        "DECLARE c CURSOR FOR SELECT 1",
        "COPY t FROM 'a'",
        "DO $$x$$",
        "BEGIN",
        "START TRANSACTION",
        "CREATE TABLE t (a int DEFAULT 1)",
        "ALTER TABLE t",
        "DROP TABLE t",
        "GRANT a TO b",
        "REVOKE a FROM b",
        "COMMENT ON x IS 'a'",
        "SECURITY LABEL ON x IS 'a'",
        "EXPLAIN (ANALYZE 1) SELECT 1",
        "CALL p(1)",
        "VACUUM",
        "KILL 1",
        "COMMIT PREPARED 'a'",
        "SELECT 1; SET x = 1",
        "/* c */ set x = 1",
        "(((SET x = 1",
        "SELECT set_config('a', 'b', true)",
        "SELECT pg_catalog . set_config('a', 'b', true)",
        "SELECT \"set_config\"('a', 'b', true)",
        "WITH a AS (SELECT SET_CONFIG('a', 'b', true)) SELECT 1",
        "frob 1",
        ";;SET x = 'a'",
    ] {
        exact(text);
    }
    different("SELECT 1; SET x = 1", "SELECT 2; SET x = 1");
    different("SET x = 1", "SET x = 2");
    same("SET x = 1", "set X  =  1");
    for text in [
        "SELECT 1",
        "(SELECT 1)",
        "VALUES (1)",
        "TABLE t",
        "WITH a AS (SELECT 1) SELECT 1",
        "",
        " ; ",
        "INSERT INTO t VALUES (1)",
        "UPDATE t SET a = 1",
        "DELETE FROM t",
        "MERGE INTO t USING s ON a = b",
    ] {
        similar(text);
    }
}

#[test]
fn the_first_word_is_named() {
    for (text, keyword) in [
        ("", Keyword::Nothing),
        (" -- x", Keyword::Nothing),
        ("/* */ sElEcT 1", Keyword::Select),
        ("(select 1)", Keyword::Select),
        ("begin; select 1", Keyword::Begin),
        ("START TRANSACTION", Keyword::Begin),
        ("END", Keyword::Commit),
        ("abort", Keyword::Rollback),
        ("set a = 'x", Keyword::Set),
        ("vacuum", Keyword::Other),
        ("selection", Keyword::Other),
    ] {
        assert_eq!(lex(text).keyword, keyword, "{text}");
    }
}

#[test]
fn long_statements_are_hashed_whole() {
    let text = |last: &str| "SELECT ".to_owned() + &"abcdefghi, ".repeat(200) + last;
    different(&text("x"), &text("y"));
    let word = |last: &str| "SELECT ".to_owned() + &"w".repeat(600) + last;
    different(&word("x"), &word("y"));
    different(&word(""), &word("w"));
    same(&word("x"), &word("X"));
    let quoted = |last: &str| "SELECT \"".to_owned() + &"w".repeat(600) + last + "\"";
    different(&quoted("x"), &quoted("X"));
}

#[test]
fn keys_make_fingerprints_and_stay_hidden() {
    let other = ProcessKey::from_bytes([1; 16]);
    let mut literals = Vec::new();
    let lexed = fingerprint(b"SELECT 1", Mode::default(), &other, &mut literals);
    assert_ne!(lexed.fingerprint, lex("SELECT 1").fingerprint);
    assert_eq!(format!("{other:?}"), "ProcessKey(hidden)");
    assert_eq!(Fingerprint::from_bytes(lexed.fingerprint.to_bytes()), lexed.fingerprint);
}

#[test]
fn the_vector_is_reused() {
    let mut literals = Vec::with_capacity(8);
    let place = literals.as_ptr();
    for text in ["SELECT 1, 2, 3", "SELECT 'a", "SELECT 1", ""] {
        fingerprint(text.as_bytes(), Mode::default(), &KEY, &mut literals);
        assert_eq!(literals.as_ptr(), place);
    }
    assert_eq!(literals, []);
}
