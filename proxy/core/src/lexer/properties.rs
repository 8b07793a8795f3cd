//! The lexer's property tests: any bytes, any white space, any values.

use proptest::prelude::*;

use super::tests::{lex, lex_in};
use super::*;

/// One token of a statement, as written and as it may be written otherwise without changing the tree.
fn token() -> impl Strategy<Value = (String, String)> {
    let word = "[a-z_][a-z0-9_]{0,9}".prop_map(|word| (word.clone(), word.to_uppercase()));
    let keyword =
        prop::sample::select(vec!["from", "where", "and", "or", "not", "join", "case", "when", "end"])
            .prop_map(|word| (word.to_owned(), word.to_uppercase()));
    let fixed = prop::sample::select(vec![
        ",",
        "*",
        "=",
        "<",
        "||",
        "::",
        "$1",
        "\"Q\"\"q\"",
        ".",
        "@>",
        "+",
        "-",
        "[",
        "]",
    ])
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
    #![proptest_config(ProptestConfig { cases: crate::cases(2_000), failure_persistence: None, ..ProptestConfig::default() })]

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
    ) {
        let text = pieces.concat();
        let (lexed, literals) = lex_in(Mode::default(), text.as_bytes());
        prop_assert_eq!(lexed, lex(&text));
        prop_assert!(literals.iter().all(|literal| literal.start < literal.end && literal.end as usize <= text.len()));
    }

    #[test]
    fn gaps_and_case_do_not_matter(
        tokens in prop::collection::vec((token(), gap(), gap()), 0..30),
    ) {
        let plain: Vec<String> = tokens.iter().map(|((plain, _), _, _)| plain.clone()).collect();
        let upper: Vec<String> = tokens.iter().map(|((_, upper), _, _)| upper.clone()).collect();
        let one: Vec<&str> = tokens.iter().map(|(_, gap, _)| *gap).collect();
        let other: Vec<&str> = tokens.iter().map(|(_, _, gap)| *gap).collect();
        // Whether there is a comment does, and that is all of it.
        let commented = |tokens: &[String], gaps: &[&str]| lex(statement(tokens, gaps) + " --");
        prop_assert_eq!(commented(&plain, &one).exact, commented(&upper, &other).exact);
        if !commented(&plain, &one).exact {
            prop_assert_eq!(commented(&plain, &one), commented(&upper, &other));
            let bare = lex(statement(&plain, &vec![" "; plain.len()]));
            prop_assert_ne!(bare.fingerprint, commented(&plain, &one).fingerprint);
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
