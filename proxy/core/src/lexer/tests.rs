//! The lexer's unit and property tests. Tree equality against sqlglot is `tests/proxy/core/test_fingerprint.py`.

use proptest::prelude::*;

use super::*;

const KEY: ProcessKey = ProcessKey::from_bytes(*b"0123456789abcdef");
const OLD_STRINGS: Mode = Mode { standard_conforming_strings: false, ascii_safe_encoding: true };

fn lex_in(mode: Mode, text: &[u8]) -> (Lexed, Vec<Literal>) {
    let mut literals = Vec::new();
    let lexed = fingerprint(text, mode, &KEY, &mut literals);
    (lexed, literals)
}

fn lex(text: impl AsRef<[u8]>) -> Lexed {
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
        literals("SELECT 1, 1., .5, 1.5e-3, 1e10, 2147483647, 2147483648, 9223372036854775807, 9223372036854775808"),
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
        "SELECT 'a", "SELECT \"a", "SELECT $$a", "SELECT $a$ $A$", "SELECT /* /* */ 1", "SELECT E'\\'", "SELECT 1a",
        "SELECT 1e", "SELECT 1e+", "SELECT 0x", "SELECT 0xg", "SELECT 1__", "SELECT 0x1.5", "SELECT 1_0.5",
        "SELECT 1.5.6", "SELECT 1..10", "SELECT 1$1", "SELECT $1a", "SELECT $", "SELECT $a", "SELECT \\d", "\\d t",
        "SELECT {1}", "SELECT 1 \x0b", "SELECT U&\"a\"", "SELECT )", "SELECT (; SELECT 1)", "'a'", "1", "E'a'",
        "- 1", "SELECT 1 /*", "SELECT b'", "SELECT 'a\0'", "SELECT 1\0", "SELECT 1 --\0", "SELECT $$\0$$",
        "SELECT \"\0\"", "SELECT E'\\\0'", "SELECT 1 /* \0 */", "SELECT 'a' -- \0\n'b'",
    ] {
        exact(text);
        assert_eq!(literals(text), [], "{text}");
    }
    exact("SELECT ".to_owned() + &"(".repeat(100) + &")".repeat(100));
    exact("SELECT ".to_owned() + &"@".repeat(64) + "1");
    exact(b"SELECT '\xff', {");
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
        "SET x = 1", "SHOW x", "RESET x", "DISCARD ALL", "LISTEN x", "NOTIFY x, 'a'", "PREPARE x AS SELECT 1",
        "EXECUTE x(1)", "DEALLOCATE x", "DECLARE c CURSOR FOR SELECT 1", "COPY t FROM 'a'", "DO $$x$$", "BEGIN",
        "START TRANSACTION", "CREATE TABLE t (a int DEFAULT 1)", "ALTER TABLE t", "DROP TABLE t", "GRANT a TO b",
        "REVOKE a FROM b", "COMMENT ON x IS 'a'", "SECURITY LABEL ON x IS 'a'", "EXPLAIN (ANALYZE 1) SELECT 1",
        "CALL p(1)", "VACUUM", "KILL 1", "COMMIT PREPARED 'a'", "SELECT 1; SET x = 1", "/* c */ set x = 1",
        "(((SET x = 1", "SELECT set_config('a', 'b', true)", "SELECT pg_catalog . set_config('a', 'b', true)",
        "SELECT \"set_config\"('a', 'b', true)", "WITH a AS (SELECT SET_CONFIG('a', 'b', true)) SELECT 1", "frob 1",
        ";;SET x = 'a'",
    ] {
        exact(text);
    }
    different("SELECT 1; SET x = 1", "SELECT 2; SET x = 1");
    different("SET x = 1", "SET x = 2");
    same("SET x = 1", "set /* c */ X  =  1");
    for text in ["SELECT 1", "(SELECT 1)", "VALUES (1)", "TABLE t", "WITH a AS (SELECT 1) SELECT 1", "", " ; ",
        "INSERT INTO t VALUES (1)", "UPDATE t SET a = 1", "DELETE FROM t", "MERGE INTO t USING s ON a = b"]
    {
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

/// One token of a statement, as written and as it may be written otherwise without changing the tree.
fn token() -> impl Strategy<Value = (String, String)> {
    let word = "[a-z_][a-z0-9_]{0,9}".prop_map(|word| (word.clone(), word.to_uppercase()));
    let keyword = prop::sample::select(vec!["from", "where", "and", "or", "not", "join", "case", "when", "end"])
        .prop_map(|word| (word.to_owned(), word.to_uppercase()));
    let fixed = prop::sample::select(vec![",", "*", "=", "<", "||", "::", "$1", "\"Q\"\"q\"", ".", "@>", "+", "-", "[", "]"])
        .prop_map(|text| (text.to_owned(), text.to_owned()));
    prop_oneof![4 => word, 2 => keyword, 3 => fixed]
}

fn gap() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![" ", "\n", "\t\r\n", " /* a 'b */ ", "/* /* x */ */", " -- 'x\n", "\x0c"])
}

fn statement(tokens: &[String], gaps: &[&str]) -> String {
    let mut text = "select".to_owned();
    for (token, gap) in tokens.iter().zip(gaps) {
        text.push_str(gap);
        text.push_str(token);
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_give_an_answer(text in prop::collection::vec(any::<u8>(), 0..300), old in any::<bool>()) {
        let mode = Mode { standard_conforming_strings: !old, ..Mode::default() };
        let (lexed, literals) = lex_in(mode, &text);
        prop_assert_eq!(lexed, lex_in(mode, &text).0);
        prop_assert!(literals.iter().all(|literal| literal.start < literal.end && literal.end as usize <= text.len()));
        prop_assert!(literals.windows(2).all(|pair| pair[0].end <= pair[1].start));
    }

    #[test]
    fn any_pieces_of_sql_give_an_answer(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "SELECT ", "'", "''", "\"", "$$", "$a$", "$1", "E'", "U&'", "U&\"", "n'", "x'", "\\", "\n", "--", "/*",
            "*/", "(", ")", "[", "]", "1", ".", "e", "0x", "_", "a", ";", ",", "=", "::", ":=", "+-", "@", "->", " ",
            "ORDER BY ", "IN ", "SET ", "set_config", "\0", "é", " AS ", " BETWEEN ", " AND ", "uescape",
        ]), 0..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let text = pieces.concat();
        let (lexed, literals) = lex_in(Mode::default(), text.as_bytes());
        prop_assert!(literals.iter().all(|literal| literal.start < literal.end && literal.end as usize <= text.len()));
        // Cutting a text anywhere changes it, and an exact text is equal to itself only.
        let part = &text.as_bytes()[..cut.index(text.len() + 1)];
        if lexed.exact && part.len() < text.len() && !part.iter().chain(text.as_bytes()).any(|byte| b" \n-/*".contains(byte)) {
            prop_assert_ne!(lex(part).fingerprint, lexed.fingerprint);
        }
    }

    #[test]
    fn gaps_and_case_do_not_matter(
        tokens in prop::collection::vec((token(), gap(), gap()), 0..30),
    ) {
        let plain: Vec<String> = tokens.iter().map(|((plain, _), _, _)| plain.clone()).collect();
        let upper: Vec<String> = tokens.iter().map(|((_, upper), _, _)| upper.clone()).collect();
        let one: Vec<&str> = tokens.iter().map(|(_, gap, _)| *gap).collect();
        let other: Vec<&str> = tokens.iter().map(|(_, _, gap)| *gap).collect();
        prop_assert_eq!(lex(statement(&plain, &one)).exact, lex(statement(&upper, &other)).exact);
        if !lex(statement(&plain, &one)).exact {
            prop_assert_eq!(lex(statement(&plain, &one)), lex(statement(&upper, &other)));
        }
    }

    #[test]
    fn streams_differ_when_tokens_do(
        left in prop::collection::vec(token(), 0..12), right in prop::collection::vec(token(), 0..12),
    ) {
        let text = |tokens: &[(String, String)]| {
            let tokens: Vec<String> = tokens.iter().map(|(plain, _)| plain.clone()).collect();
            statement(&tokens, &vec![" "; tokens.len()])
        };
        prop_assert_eq!(left.iter().eq(right.iter()), lex(text(&left)).fingerprint == lex(text(&right)).fingerprint);
    }

    #[test]
    fn values_do_not_matter(a in "[^'\\x00]{0,40}", b in "[^'\\x00]{0,40}", m in 0..i32::MAX, n in 0..i32::MAX) {
        let text = |string: &str, number: i32| format!("SELECT x FROM t WHERE y = '{string}' AND z IN ({number}, $q$'$q$)");
        prop_assert_eq!(lex(text(&a, m)), lex(text(&b, n)));
        prop_assert!(!lex(text(&a, m)).exact);
    }

    #[test]
    fn values_matter_where_they_decide(m in 0..i32::MAX, n in 0..i32::MAX) {
        for template in [
            "SELECT x FROM t WHERE 1 = #", "SELECT x FROM t WHERE (#) <> (1)", "SELECT x FROM t ORDER BY #",
            "SELECT x FROM t WHERE '#' LIKE '%'", "SELECT x -> # FROM t", "SET a = #",
        ] {
            let text = |number: i32| template.replace('#', &number.to_string());
            prop_assert_eq!(m == n, lex(text(m)).fingerprint == lex(text(n)).fingerprint);
        }
    }

    #[test]
    fn a_quote_in_a_value_does_not_get_out(value in "[a-z' \\\\$-]{0,12}", other in "[a-z' \\\\$-]{0,12}") {
        let text = |value: &str| format!("SELECT x FROM t WHERE y = '{}' AND z = 1", value.replace('\'', "''"));
        prop_assert_eq!(lex(text(&value)), lex(text(&other)));
    }
}
