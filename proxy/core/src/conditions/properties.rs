//! Any bytes give an answer, and decimals compare as arithmetic on them says.

use super::postgres::{Execution, Given, types_told};
use super::tests::{lex, ordered};
use super::*;
use proptest::prelude::*;

fn kinds() -> impl Strategy<Value = Type> {
    prop::sample::select(vec![
        Type::Number,
        Type::Integer,
        Type::Text,
        Type::Boolean,
        Type::Date,
        Type::Timestamp,
    ])
}

fn tests(kind: Type) -> Vec<Test> {
    let some = ordered(
        kind,
        match kind {
            Type::Date | Type::Timestamp => "2026-01-31",
            _ => "1",
        },
    );
    vec![
        Test::In([some.clone()].into_iter().collect()),
        Test::Range { low: Some((some.clone(), true)), high: Some((some.clone(), false)) },
        Test::Length { least: 1, most: 3 },
        Test::Like([some.clone(), some].into()),
        Test::Null,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::cases(3_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_gives_an_answer(text in prop::collection::vec(any::<u8>(), 0..80), kind in kinds(), old in any::<bool>()) {
        let mut desk = Desk::default();
        let _ = kind.ordered(&String::from_utf8_lossy(&text), &mut desk.value);
        let literals = lex(&text, old);
        let execution = Execution { text: &text, literals: &literals, backslashes: old, given: Given::Nothing };
        for at in 0..literals.len() as u32 {
            let slot = Slot::Literal { at, of: literals.len() as u32, negative: old };
            for test in tests(kind) {
                let condition = Condition::Test { slots: [slot.clone()].into(), kind, utf8: true, test };
                condition.verdict(&execution, &mut desk);
            }
        }
    }

    #[test]
    fn any_pieces_of_literals_give_an_answer(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "'", "''", "E'", "U&'", "N'", "x'", "b'", "$$", "$a$", "\\", "\\u00", "\\x", "\\7", "0x", "0b", "1", "9", "_", ".", "e", "-",
            "+", "\n", " ", "--", "NaN", "inf", "é", "2026-01-31", ":", ",",
        ]), 0..24),
        kind in kinds(), old in any::<bool>(),
    ) {
        let text = format!("SELECT {}", pieces.concat());
        let literals = lex(text.as_bytes(), old);
        let execution = Execution { text: text.as_bytes(), literals: &literals, backslashes: old, given: Given::Nothing };
        let mut desk = Desk::default();
        for at in 0..literals.len() as u32 {
            Slot::Literal { at, of: literals.len() as u32, negative: old }.read(&execution, kind, &mut desk);
        }
    }

    #[test]
    fn any_bind_gives_an_answer(
        bytes in prop::collection::vec(any::<u8>(), 0..60), value in prop::collection::vec(any::<u8>(), 0..40),
        declared in prop::collection::vec(any::<u8>(), 0..12), told in prop::collection::vec(any::<u8>(), 0..12), kind in kinds(),
        oid in prop::sample::select(vec![0_u32, 16, 20, 21, 23, 25, 700, 701, 705, 1043, 1082, 1114, 1700, 99_999]), format in 0..3_i16,
    ) {
        let told = types_told(&told);
        let whole = super::tests::values(&[(format, Some(&value))]);
        let typed = [&1_u16.to_be_bytes()[..], &oid.to_be_bytes()].concat();
        let mut desk = Desk::default();
        for (values, declared) in [(&bytes, &declared), (&whole, &typed)] {
            desk.lay_out(values);
            let given = Given::Bound { values, declared, inferred: told.as_deref() };
            let execution = Execution { text: b"", literals: &[], backslashes: false, given };
            for number in 0..4 {
                for test in tests(kind) {
                    let slots = [Slot::Parameter { number, negative: false }].into();
                    Condition::Test { slots, kind, utf8: false, test }.verdict(&execution, &mut desk);
                }
            }
        }
    }

    #[test]
    fn decimals_compare_as_numbers(a in any::<i64>(), b in any::<i64>(), left in 0..12_u32, right in 0..12_u32, near in any::<bool>()) {
        let b = if near { a.saturating_add(b % 3) } else { b };
        // a / 10^left against b / 10^right.
        let spelt = |value: i64, places: u32| format!("{value}e-{places}");
        let expected = (i128::from(a) * 10_i128.pow(right)).cmp(&(i128::from(b) * 10_i128.pow(left)));
        prop_assert_eq!(ordered(Type::Number, &spelt(a, left)).cmp(&ordered(Type::Number, &spelt(b, right))), expected);
        let whole = i128::from(a) % 10_i128.pow(left) == 0;
        prop_assert_eq!(number::is_whole(&ordered(Type::Number, &spelt(a, left))), whole);
    }
}
