//! Tables of values in their spellings, and of what three truth values make of each other.

use super::postgres::{Execution, Given, Place, types_told};
use super::*;
use crate::lexer::{self, Literal, Mode, ProcessKey};

pub fn lex(text: &[u8], backslashes: bool) -> Vec<Literal> {
    let mut literals = Vec::new();
    let mode = Mode { standard_conforming_strings: !backslashes, ..Mode::default() };
    lexer::fingerprint(text, mode, &ProcessKey::from_bytes([7; 16]), &mut literals);
    literals
}

pub fn ordered(kind: Type, text: &str) -> Bytes {
    let mut out = Vec::new();
    assert!(kind.ordered(text, &mut out), "{text}");
    out.into()
}

fn read(kind: Type, sql: &str, backslashes: bool) -> (Read, Bytes) {
    let text = format!("SELECT x FROM t WHERE y = {sql}");
    let literals = lex(text.as_bytes(), backslashes);
    let execution =
        Execution { text: text.as_bytes(), literals: &literals, backslashes, given: Given::Nothing };
    let mut desk = Desk::default();
    let slot = Slot::Literal { at: 0, of: 1, negative: false };
    let read = slot.read(&execution, kind, &mut desk);
    (read, desk.value.into())
}

#[test]
fn numbers_sort_as_they_should() {
    let sorted = [
        "-Infinity",
        "-1e20",
        "-12.345",
        "-12.34",
        "-12.3",
        "-10",
        "-1.23",
        "-1.2",
        "-1",
        "-0.5",
        "-0.05",
        "-1e-30",
        "0",
        "1e-30",
        "0.05",
        "0.5",
        "1",
        "1.2",
        "1.23",
        "9.99",
        "10",
        "12",
        "100",
        "1e20",
        "123456789012345678901234567890",
        "Infinity",
        "NaN",
    ];
    let all: Vec<Bytes> = sorted.iter().map(|text| ordered(Type::Number, text)).collect();
    assert!(all.is_sorted_by(|a, b| a < b), "{all:?}");
}

#[test]
fn one_number_in_many_spellings() {
    for text in [
        "10000",
        "10000.0",
        "1e4",
        "1E+4",
        "0.1e5",
        "100000e-1",
        "0010000",
        "0x2710",
        "0b10011100010000",
        "0o23420",
        "10_000",
        "'10000'",
        "' +1e4 '",
        "E'1\\x30000'",
        "$$10000$$",
        "$a$10000$a$",
        "N'10000'",
        "x'2710'",
        "b'10011100010000'",
        "'10'\n'000'",
        "'10' -- it's\n '000'",
        "10000.",
    ] {
        assert_eq!(read(Type::Number, text, false), (Read::Value, ordered(Type::Number, "10000")), "{text}");
        assert_eq!(read(Type::Integer, text, false).0, Read::Value, "{text}");
    }
    for text in
        ["'ten'", "''", "'1 0'", "U&'10000'", "'0xzz'", "x'ffffffff'", "'1e9999999'", "'1e'", "'.'", "'--1'"]
    {
        assert_eq!(read(Type::Number, text, false).0, Read::Unknown, "{text}");
    }
    assert_eq!(read(Type::Integer, "10000.5", false).0, Read::Unknown, "the server would round it");
    assert_eq!(read(Type::Integer, "'NaN'", false).0, Read::Unknown);
}

#[test]
fn texts_in_many_spellings() {
    for (sql, said, backslashes) in [
        ("'it''s'", "it's", false),
        (r"'a\nb'", r"a\nb", false),
        (r"'a\nb'", "a\nb", true),
        (r"E'a\tb\'c\\d\101\x41\u00e9\U0001F600\q'", "a\tb'c\\dAAé😀q", false),
        ("$x$it's $ $y$ $$x$", "it's $ $y$ $", false),
        ("'one' \n 'two'", "onetwo", false),
        ("N'x'", "x", false),
        ("''", "", false),
    ] {
        assert_eq!(read(Type::Text, sql, backslashes), (Read::Value, ordered(Type::Text, said)), "{sql}");
    }
    for sql in [r"E'\u12'", r"E'\ud800'", r"E'\000'", "12", "x'41'", "U&'a'"] {
        assert_eq!(read(Type::Text, sql, false).0, Read::Unknown, "{sql}");
    }
}

#[test]
fn booleans_dates_and_timestamps() {
    for (text, value) in [
        ("'t'", 1),
        ("' TRUE '", 1),
        ("'ye'", 1),
        ("'on'", 1),
        ("'1'", 1),
        ("'of'", 0),
        ("'n'", 0),
        ("'0'", 0),
    ] {
        assert_eq!(read(Type::Boolean, text, false), (Read::Value, [value].into()), "{text}");
    }
    assert_eq!(read(Type::Boolean, "'o'", false).0, Read::Unknown);
    let days =
        ["0001-01-01", "1999-12-31", "2000-01-01", "2000-02-29", "2000-03-01", "2026-11-30", "9999-12-31"];
    assert!(days.map(|day| ordered(Type::Date, day)).is_sorted_by(|a, b| a < b));
    let mut epoch = Vec::new();
    times::put(&mut epoch, 0);
    assert_eq!(ordered(Type::Date, "2000-01-01"), epoch.clone().into());
    assert_eq!(ordered(Type::Timestamp, "2000-01-01T00:00"), epoch.into());
    let times =
        ["1999-12-31 23:59:59.999999", "2000-01-01", "2000-01-01 00:00:00.000001", "2000-01-01 00:00:00.1"];
    assert!(times.map(|time| ordered(Type::Timestamp, time)).is_sorted_by(|a, b| a < b));
    for text in ["'2001-02-29'", "'01/02/2000'", "'2000-1-1'", "'today'", "'2000-01-01 BC'", "'2000-00-01'"] {
        assert_eq!(read(Type::Date, text, false).0, Read::Unknown, "{text}");
    }
    for text in ["'2000-01-01 24:00:00'", "'2000-01-01 00:00:00+02'", "'2000-01-01 00:00:00.0000001'"] {
        assert_eq!(read(Type::Timestamp, text, false).0, Read::Unknown, "{text}");
    }
}

/// A Bind's values: format and bytes.
pub fn values(all: &[(i16, Option<&[u8]>)]) -> Vec<u8> {
    let mut out = (all.len() as i16).to_be_bytes().to_vec();
    all.iter().for_each(|(format, _)| out.extend_from_slice(&format.to_be_bytes()));
    out.extend_from_slice(&(all.len() as i16).to_be_bytes());
    for (_, value) in all {
        out.extend_from_slice(&value.map_or(-1, |value| value.len() as i32).to_be_bytes());
        out.extend_from_slice(value.unwrap_or_default());
    }
    out
}

fn bound(kind: Type, oid: u32, format: i16, value: &[u8]) -> (Read, Bytes) {
    let values = values(&[(format, Some(value))]);
    let declared = [&1_u16.to_be_bytes()[..], &oid.to_be_bytes()].concat();
    let given = Given::Bound { values: &values, declared: &declared, inferred: None };
    let execution = Execution { text: b"", literals: &[], backslashes: false, given };
    let mut desk = Desk::default();
    desk.lay_out(&values);
    let read = Slot::Parameter { number: 1, negative: false }.read(&execution, kind, &mut desk);
    (read, desk.value.into())
}

#[test]
fn bound_values_by_their_types() {
    let numeric = |words: &[u16], weight: i16, sign: u16, scale: u16| {
        let head = [words.len() as u16, weight.cast_unsigned(), sign, scale];
        head.iter().chain(words).flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>()
    };
    for (oid, value, said) in [
        (21, (-5_i16).to_be_bytes().to_vec(), "-5"),
        (23, 10_000_i32.to_be_bytes().to_vec(), "10000"),
        (20, i64::MIN.to_be_bytes().to_vec(), "-9223372036854775808"),
        (701, 10_000_f64.to_be_bytes().to_vec(), "10000"),
        (700, (-2.0_f32).to_be_bytes().to_vec(), "-2"),
        (701, f64::INFINITY.to_be_bytes().to_vec(), "Infinity"),
        (1700, numeric(&[1], 1, 0, 0), "10000"),
        (1700, numeric(&[1, 2345, 6000], 0, 0x4000, 5), "-1.23456"),
        // Digits behind the scale are cut off.
        (1700, numeric(&[9999, 9999], 0, 0, 0), "9999"),
        (1700, numeric(&[5], -2, 0, 8), "0.00000005"),
        (1700, numeric(&[], 0, 0xc000, 0), "NaN"),
        (25, b"1e4".to_vec(), "10000"),
    ] {
        assert_eq!(
            bound(Type::Number, oid, 1, &value),
            (Read::Value, ordered(Type::Number, said)),
            "{oid} {said}"
        );
    }
    for oid in [0, 20, 21, 23, 25, 701, 1700] {
        assert_eq!(bound(Type::Number, oid, 0, b" 10000 ").1, ordered(Type::Number, "10000"), "{oid}");
    }
    for (oid, format, value) in [
        (0, 1, &b"\0\0\x27\x10"[..]),
        (23, 1, b"\0\0\0\0\0\0\x27\x10"),
        (790, 0, b"10000"),
        (1700, 1, b"\0\x01\0\0\0\0\0\0\xff\xff"),
        (1700, 1, b"\0\x02\0\0\0\0\0\0\0\x01"),
        (23, 2, b"10000"),
    ] {
        assert_eq!(bound(Type::Number, oid, format, value).0, Read::Unknown, "{oid} {format} {value:?}");
    }
    assert!(matches!(bound(Type::Number, 701, 1, &0.1_f64.to_be_bytes()).0, Read::Between(_)));
    assert_eq!(bound(Type::Boolean, 16, 1, b"\x01"), (Read::Value, [1].into()));
    assert_eq!(
        bound(Type::Date, 1082, 1, &0_i32.to_be_bytes()),
        (Read::Value, ordered(Type::Date, "2000-01-01"))
    );
    assert_eq!(
        bound(Type::Timestamp, 1114, 1, &1_i64.to_be_bytes()).1,
        ordered(Type::Timestamp, "2000-01-01 00:00:00.000001")
    );
    assert_eq!(bound(Type::Text, 1043, 1, "é".as_bytes()), (Read::Value, ordered(Type::Text, "é")));
    assert_eq!(bound(Type::Text, 23, 0, b"7").0, Read::Unknown);
}

#[test]
fn a_parameter_is_of_the_type_its_server_told() {
    let values = values(&[(1, Some(b"\0\0\x27\x10"))]);
    let mut desk = Desk::default();
    desk.lay_out(&values);
    let mut read = |inferred: Option<&[u32]>| {
        let given = Given::Bound { values: &values, declared: b"\0\0", inferred };
        let execution = Execution { text: b"", literals: &[], backslashes: false, given };
        Slot::Parameter { number: 1, negative: false }.read(&execution, Type::Number, &mut desk)
    };
    assert_eq!(read(None), Read::Unknown);
    assert_eq!(read(types_told(b"\0\x01\0\0\0\x17").as_deref()), Read::Value);
    assert_eq!(read(types_told(b"\0\x01\0\0\0\x14").as_deref()), Read::Unknown, "eight bytes");
    assert_eq!(types_told(b"\0\x02\0\0\0\x14"), None);
    assert!(desk.is_untyped(b"\0\0") && !desk.is_untyped(b"\0\x01\0\0\0\x17"));
}

#[test]
fn a_float_near_the_bound_is_in_doubt() {
    let bound = (ordered(Type::Number, "0.3"), false);
    let test = Test::Range { low: Some(bound), high: None };
    let verdict = |float: f64| {
        let (read, value) = super::tests::bound(Type::Number, 701, 1, &float.to_be_bytes());
        test.verdict(read, Type::Number, true, &value)
    };
    assert_eq!(verdict(0.1 + 0.2), Verdict::Unknown, "0.30000000000000004, and 0.3 as a numeric");
    assert_eq!((verdict(0.29), verdict(0.31)), (Verdict::No, Verdict::Yes));
}

#[test]
fn patterns() {
    let pieces =
        |pattern: &str| -> Box<[Bytes]> { pattern.split('%').map(|piece| piece.as_bytes().into()).collect() };
    for (pattern, yes, no) in [
        ("abc", "abc", "abcd"),
        ("ab%", "ab", "xab"),
        ("%ab", "aab", "abx"),
        ("%ab%", "xaby", "a b"),
        ("a%a", "aa", "a"),
        ("a%b%b%c", "abbc", "abc"),
        ("%", "", "\0never"),
        ("%%a%", "xa", "x"),
    ] {
        assert!(like(yes.as_bytes(), &pieces(pattern)), "{pattern} {yes}");
        assert!(no.starts_with('\0') || !like(no.as_bytes(), &pieces(pattern)), "{pattern} {no}");
    }
    assert!(!like(b"x", &[]));
}

/// Literal 0 is a number, 1 and 2 are parameters that are not there yet, or never.
fn over(limit: &str, slot: Slot) -> Condition {
    let test = Test::Range { low: Some((ordered(Type::Number, limit), false)), high: None };
    Condition::Test { slots: [slot].into(), kind: Type::Number, utf8: true, test }
}

#[test]
fn what_is_open_is_open_only_while_it_matters() {
    let text = b"SELECT 5";
    let literals = lex(text, false);
    let mut desk = Desk::default();
    let mut verdict = |condition: Condition, given| {
        let execution = Execution { text, literals: &literals, backslashes: false, given };
        condition.verdict(&execution, &mut desk)
    };
    let yes = || over("1", Slot::Literal { at: 0, of: 1, negative: false });
    let no = || over("1", Slot::Literal { at: 0, of: 1, negative: true });
    let open = || over("1", Slot::Parameter { number: 1, negative: false });
    let miscounted = || over("1", Slot::Literal { at: 0, of: 2, negative: false });
    let (later, never) = (Given::Later, Given::Nothing);
    assert_eq!(verdict(yes(), never), Verdict::Yes);
    assert_eq!(verdict(no(), never), Verdict::No);
    assert_eq!(verdict(miscounted(), never), Verdict::Unknown);
    assert_eq!(verdict(Condition::Any([open(), yes()].into()), later), Verdict::Yes);
    assert_eq!(verdict(Condition::Any([open(), no(), miscounted()].into()), later), Verdict::Later);
    assert_eq!(verdict(Condition::Any([no(), open()].into()), never), Verdict::Unknown);
    assert_eq!(verdict(Condition::All([open(), no()].into()), later), Verdict::No);
    assert_eq!(verdict(Condition::All([yes(), open()].into()), later), Verdict::Later);
    assert_eq!(verdict(Condition::Not(open().into()), later), Verdict::Later);
    assert_eq!(verdict(Condition::Not(yes().into()), later), Verdict::No);
    assert_eq!(verdict(over("1", Slot::Fixed(None)), never), Verdict::No, "NULL is not above anything");
    assert_eq!(verdict(over("1", Slot::Unreadable), later), Verdict::Unknown);
}

#[test]
fn branches_in_order_count_what_they_decide() {
    let text = b"SELECT 5";
    let literals = lex(text, false);
    let deny = |message: &str| Outcome::Deny { code: "42501".to_owned(), message: message.to_owned() };
    let five = |limit: &str| over(limit, Slot::Literal { at: 0, of: 1, negative: false });
    let parameter = || over("1", Slot::Parameter { number: 1, negative: false });
    let branches = Branches::new(vec![
        Branch::new("a".to_owned(), five("1"), Outcome::Pass, deny("?")),
        Branch::new("b".to_owned(), five("4"), Outcome::Alone, deny("?")),
        Branch::new("c".to_owned(), parameter(), deny("much"), deny("unclear")),
        Branch::new("d".to_owned(), five("1"), deny("behind"), deny("?")),
    ]);
    assert!(branches.part());
    let mut desk = Desk::default();
    let mut decide = |given| {
        branches.decide(&Execution { text, literals: &literals, backslashes: false, given }, &mut desk)
    };
    let open = decide(Given::Later);
    assert!(open.is_later() && !open.is_denied() && !open.may_share());
    let denied = decide(Given::Nothing);
    assert_eq!(branches.denial(&denied), Some(("42501", "unclear")), "before what stands behind it");
    branches.count(&denied);
    let counts = branches.each().map(|one| (one.taken.load(Relaxed), one.doubted.load(Relaxed)));
    assert_eq!(counts.collect::<Vec<_>>(), [(1, 0), (1, 0), (0, 1), (0, 0)]);
}

#[test]
fn a_bind_that_is_malformed_has_no_values() {
    let mut desk = Desk::default();
    let whole = values(&[(0, Some(b"12")), (1, None)]);
    desk.lay_out(&whole);
    assert_eq!(desk.places().last(), Some(&Place::Null));
    for end in 0..whole.len() {
        desk.lay_out(whole.get(..end).unwrap());
        assert!(desk.places().is_empty(), "{end}");
    }
}

/// `cargo test --release -p articdbm-core --lib -- --ignored --nocapture what_a_decision_costs`
#[test]
#[ignore = "prints figures, and decides nothing"]
fn what_a_decision_costs() {
    const TIMES: u32 = 2_000_000;
    let text = b"UPDATE payments SET note = 'x', amount = 9999.50 WHERE id = 7";
    let literals = lex(text, false);
    let deny = || Outcome::Deny { code: "42501".to_owned(), message: "no".to_owned() };
    let branches = |slot: Slot| {
        Some(Branches::new(vec![Branch::new("limit".to_owned(), over("10000", slot), deny(), deny())]))
    };
    // 9999.5000 as the wire has it: two digits to the base of 10,000.
    let numeric = [2_u16, 0, 0, 2, 9999, 5000].map(u16::to_be_bytes).concat();
    let bound = values(&[(1, Some(&numeric)), (1, Some(&7_i64.to_be_bytes()))]);
    let declared = [&[0, 2][..], &1700_u32.to_be_bytes(), &20_u32.to_be_bytes()].concat();
    let given = Given::Bound { values: &bound, declared: &declared, inferred: None };
    let parameter = || Slot::Parameter { number: 1, negative: false };
    for (what, branches, given) in [
        ("no branches", None, Given::Nothing),
        ("a literal", branches(Slot::Literal { at: 1, of: 3, negative: false }), Given::Nothing),
        ("a bound numeric", branches(parameter()), given),
    ] {
        let mut desk = Desk::default();
        let mut decide = || {
            let Some(branches) = std::hint::black_box(&branches) else { return true };
            if let Given::Bound { values, .. } = given {
                desk.lay_out(values);
            }
            let execution = Execution { text, literals: &literals, backslashes: false, given };
            branches.decide(std::hint::black_box(&execution), &mut desk).may_share()
        };
        assert!(decide());
        let began = std::time::Instant::now();
        let passed = (0..TIMES).filter(|_| decide()).count();
        let each = began.elapsed().as_nanos() as f64 / f64::from(TIMES);
        println!("{what}: {each:.1} ns a decision ({passed} passed)");
    }
}

/// Counts what this thread allocates, for the test below.
mod counting {
    use std::alloc::{GlobalAlloc, Layout, System};
    use std::cell::Cell;

    thread_local!(static COUNT: Cell<u64> = const { Cell::new(0) });

    struct Counting;

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let _ = COUNT.try_with(|count| count.set(count.get() + 1));
            unsafe { System.alloc(layout) }
        }
        unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
            unsafe { System.dealloc(at, layout) }
        }
    }

    pub fn so_far() -> u64 {
        COUNT.with(Cell::get)
    }
}

#[test]
fn a_decision_allocates_nothing_once_the_desk_has_its_size() {
    let text = b"UPDATE payments SET note = E'it\\'s', amount = '9999.50' WHERE id = 7";
    let literals = lex(text, false);
    let slots = (0..3).map(|at| Slot::Literal { at, of: 3, negative: false });
    let mut all: Vec<Condition> = slots.map(|slot| over("10000", slot)).collect();
    all.push(over("1", Slot::Parameter { number: 1, negative: false }));
    let branch = Branch::new("all".to_owned(), Condition::All(all.into()), Outcome::Alone, Outcome::Pass);
    let branches = Branches::new(vec![branch]);
    let bound = values(&[(1, Some(&0.1_f64.to_be_bytes()))]);
    let declared = [&[0, 1][..], &701_u32.to_be_bytes()].concat();
    let mut desk = Desk::default();
    let mut before = 0;
    for turn in 0..100 {
        if turn == 2 {
            before = counting::so_far();
        }
        desk.lay_out(&bound);
        let given = Given::Bound { values: &bound, declared: &declared, inferred: None };
        let execution = Execution { text, literals: &literals, backslashes: false, given };
        branches.count(&branches.decide(&execution, &mut desk));
    }
    assert!(before > 0);
    assert_eq!(counting::so_far(), before);
}
