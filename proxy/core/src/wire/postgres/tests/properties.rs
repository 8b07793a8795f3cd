//! What holds for every sequence of bytes, however it is cut: no panic, and the same as in one piece.

use super::super::pending::{Kind, Undo};
use super::super::server::{Done, Lost, Sink, Upstream};
use super::super::startup::{First, first};
use super::super::{frame, startup};
use super::stage::{Stage, client_says, server_says};
use crate::settings::Settings;
use crate::slab::Id;
use proptest::prelude::*;
use std::sync::Arc;

const CLIENT: [&str; 22] = [
    "Q select 1",
    "Q begin",
    "Q commit",
    "Q set work_mem 1",
    "Q deallocate all",
    "Q deny it",
    "P - select 1",
    "P s1 select 1",
    "P s2 select 2",
    "P s1 deny it",
    "B -",
    "B s1",
    "B s2 p1",
    "D s1",
    "DP -",
    "E",
    "E p1",
    "C s1",
    "CP p1",
    "S",
    "H",
    "c",
];
const SERVER: [&str; 24] = [
    "1",
    "2",
    "3",
    "n",
    "T",
    "t",
    "D:row",
    "C:SELECT",
    "C:COMMIT",
    "C:ROLLBACK",
    "Z:I",
    "Z:T",
    "Z:E",
    "E:22012",
    "E:26000",
    "STALE",
    "FATAL:57P01",
    "N",
    "A:x",
    "S:TimeZone=UTC",
    "I",
    "s",
    "G",
    "WIDE:9000",
];

/// Pieces of the length given, round and round.
fn cut<'a>(bytes: &'a [u8], lengths: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut left = bytes;
    let mut lengths = lengths.iter().cycle();
    std::iter::from_fn(move || {
        let length = (*lengths.next()?).clamp(1, left.len().max(1)).min(left.len());
        let (piece, rest) = left.split_at(length);
        left = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

fn some_of<const N: usize>(
    words: [&'static str; N],
    many: usize,
) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..many)
}

/// Bytes of messages, now and then with a few that are spoilt, or cut off.
fn spoilt(bytes: Vec<u8>, spoil: Option<(usize, u8)>) -> Vec<u8> {
    let mut bytes = bytes;
    if let Some((at, value)) = spoil {
        let length = bytes.len().max(1);
        if let Some(byte) = bytes.get_mut(at % length) {
            *byte = value;
        }
    }
    bytes
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1..4usize, 1..40usize, 1..5_000usize], 1..8)
}

#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    marks: Vec<String>,
}

impl Sink for Heard {
    fn pass(&mut self, to: Id, bytes: &[u8]) {
        assert_eq!(to, Id(7), "there is nobody else");
        self.bytes.extend_from_slice(bytes);
    }
    fn undo(&mut self, _: Id, undo: Undo) {
        self.marks.push(match undo {
            Undo::Named { name, before } => format!("undo {name:?} {}", before.is_some()),
            _ => "undo".to_owned(),
        });
    }
    fn done(&mut self, done: Done) {
        self.marks.push(format!(
            "{} {} {} {:?} {:?}",
            done.status, done.failed, done.again, done.changes, done.pin
        ));
    }
}

fn owing(kinds: &[u8]) -> Upstream {
    let mut up = Upstream::new(Arc::new(Settings::default()), 0);
    up.owner = Some(Id(7));
    for kind in kinds {
        let kind = match kind % 12 {
            0 | 1 => Kind::Query(None),
            2 => Kind::Parse(None),
            3 => Kind::Bind,
            4 => Kind::Describe,
            5 => Kind::Execute,
            6 => Kind::Close,
            7 => Kind::Said(b"3\0\0\0\x04"),
            8 => Kind::Refused(b"E\0\0\0\x04"[..].into()),
            9 => Kind::CloseUnnamed,
            10 => Kind::Setup,
            _ => Kind::Sync { again: true, ours: false },
        };
        up.push(Id(7), kind, None, 0);
    }
    up
}

fn absorb(
    up: &mut Upstream,
    pieces: &mut dyn Iterator<Item = &[u8]>,
    heard: &mut Heard,
) -> Result<usize, Lost> {
    let mut kept = Vec::new();
    up.settle(heard);
    for piece in pieces {
        kept.extend_from_slice(piece);
        let used = up.absorb(&kept, 1, heard)?;
        assert!(used <= kept.len());
        kept.drain(..used);
        assert!(kept.len() < 9_000, "more is kept than the head of a message");
    }
    Ok(kept.len())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: crate::cases(600), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_server_s_bytes_mean_the_same_however_they_come(
        owed in prop::collection::vec(any::<u8>(), 0..12),
        words in some_of(SERVER, 24),
        noise in prop::collection::vec(any::<u8>(), 0..12),
        spoil in prop::option::weighted(0.3, any::<(usize, u8)>()),
        lengths in lengths(),
    ) {
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| server_says(word)).collect();
        bytes.extend(noise);
        let bytes = spoilt(bytes, spoil);
        let (mut whole, mut pieces) = (Heard::default(), Heard::default());
        let (mut one, mut many) = (owing(&owed), owing(&owed));
        let all = absorb(&mut one, &mut std::iter::once(&bytes[..]), &mut whole);
        let cut = absorb(&mut many, &mut cut(&bytes, &lengths), &mut pieces);
        prop_assert_eq!(&all, &cut);
        prop_assert_eq!(&whole.marks, &pieces.marks);
        if all.is_ok() {
            prop_assert_eq!(&whole.bytes, &pieces.bytes);
            prop_assert_eq!(one.pending.len(), many.pending.len());
            prop_assert_eq!((one.status, one.units, one.is_quiet()), (many.status, many.units, many.is_quiet()));
        } else {
            // Of the message that was the end of it, more or less of the head may have been passed on.
            let least = whole.bytes.len().min(pieces.bytes.len());
            prop_assert_eq!(&whole.bytes[..least], &pieces.bytes[..least]);
        }
        let units = one.pending.iter().filter(|pending| pending.kind.ends_unit()).count();
        prop_assert_eq!(one.units, units, "units are counted");
    }

    #[test]
    fn what_is_owed_legally_is_never_a_desync(units in prop::collection::vec((0..4u8, any::<bool>()), 1..10), lengths in lengths()) {
        // The replies a real server gives to well-formed units, one unit failing or not.
        let mut up = owing(&[]);
        let mut bytes = Vec::new();
        for (shape, fails) in &units {
            let (kinds, replies): (&[u8], &str) = match (shape, fails) {
                (0, false) => (&[0], "T D:1 C:SELECT Z:I"),
                (0, true) => (&[0], "T D:1 E:22012 Z:I"),
                (1, false) => (&[2, 3, 4, 5, 11], "1 2 T D:1 D:2 C:SELECT Z:I"),
                (1, true) => (&[2, 3, 4, 5, 7, 11], "1 2 E:22012 Z:I"),
                (2, false) => (&[7, 4, 7, 11], "t WIDE:9000 Z:I"),
                (2, true) => (&[7, 8, 3, 5, 11], "E:42601 Z:I"),
                (_, false) => (&[9, 3, 5, 6, 11], "3 2 s 3 Z:I"),
                (_, true) => (&[9, 3, 5, 11], "3 E:26000 Z:I"),
            };
            for kind in kinds {
                let fresh = owing(&[*kind]).pending.pop_front().unwrap();
                up.push(Id(7), fresh.kind, None, 0);
            }
            bytes.extend(server_says(replies));
        }
        let mut heard = Heard::default();
        let left = absorb(&mut up, &mut cut(&bytes, &lengths), &mut heard);
        prop_assert_eq!(left, Ok(0));
        prop_assert!(up.is_quiet() && up.units == 0);
        prop_assert_eq!(heard.marks.iter().filter(|mark| !mark.starts_with("undo")).count(), units.len());
    }

    #[test]
    fn a_client_s_bytes_mean_the_same_however_they_come(
        words in some_of(CLIENT, 20),
        noise in prop::collection::vec(any::<u8>(), 0..12),
        spoil in prop::option::weighted(0.3, any::<(usize, u8)>()),
        lengths in lengths(),
        shared in any::<bool>(),
    ) {
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| client_says(word)).collect();
        bytes.extend(noise);
        let bytes = spoilt(bytes, spoil);
        let run = |pieces: &mut dyn Iterator<Item = &[u8]>| {
            let mut stage = Stage::new(if shared { 2 } else { 1 });
            let mut result = Ok(());
            for piece in pieces {
                result = stage.send(0, piece);
                if result.is_err() {
                    break;
                }
            }
            (result, stage.to_server, std::mem::take(&mut stage.players[0].out), stage.up.pending.len())
        };
        let whole = run(&mut std::iter::once(&bytes[..]));
        let pieces = run(&mut cut(&bytes, &lengths));
        if shared {
            // What is not all here asks for a connection of its own, so the two differ. Neither panics.
            return Ok(());
        }
        prop_assert_eq!(&whole.0, &pieces.0);
        // Before an error of the client's, more of the message at fault may have been sent: the connection is lost.
        if whole.0.is_ok() {
            prop_assert_eq!(short_names(&whole.1), short_names(&pieces.1));
            prop_assert_eq!((&whole.2, whole.3), (&pieces.2, pieces.3));
        }
    }

    #[test]
    fn any_bytes_at_all(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = frame::from_client(&bytes);
        let _ = frame::from_login(&bytes);
        let _ = frame::from_server(&bytes);
        for shared in [false, true] {
            let _ = Stage::new(1 + usize::from(shared)).send(0, &bytes);
        }
        let mut up = owing(&[0, 11]);
        let _ = absorb(&mut up, &mut std::iter::once(&bytes[..]), &mut Heard::default());
        let _ = startup::first(&bytes);
    }

    #[test]
    fn a_header_is_the_same_with_more_behind_it(kind in any::<u8>(), length in any::<u32>(), more in prop::collection::vec(any::<u8>(), 0..20)) {
        let mut bytes = vec![kind];
        bytes.extend(length.to_be_bytes());
        bytes.extend(more);
        for find in [frame::from_client, frame::from_login, frame::from_server] {
            let whole = find(&bytes);
            for end in 0..bytes.len() {
                match find(&bytes[..end]) {
                    Ok(None) => {}
                    other => prop_assert_eq!(&other, &whole),
                }
            }
            if let Ok(Some(header)) = whole {
                prop_assert_eq!((header.kind, header.total as u64), (kind, u64::from(length) + 1));
            }
        }
    }

    #[test]
    fn a_first_packet_is_the_same_in_pieces(
        length in prop_oneof![0..64u32, Just(8u32), any::<u32>()],
        code in prop_oneof![Just(80_877_102u32), Just(80_877_103), Just(80_877_104), Just(196_608), Just(196_610), any::<u32>()],
        body in prop::collection::vec(any::<u8>(), 0..64),
        tls in any::<bool>(),
    ) {
        let mut bytes = if tls { vec![0x16] } else { Vec::new() };
        bytes.extend(length.to_be_bytes());
        bytes.extend(code.to_be_bytes());
        bytes.extend(body);
        let whole = first(&bytes);
        for end in 0..bytes.len() {
            match first(&bytes[..end]) {
                Ok(First::More) => {}
                other => prop_assert_eq!(&other, &whole, "{} of {}", end, bytes.len()),
            }
        }
        if let Ok(First::Startup { version, body, took }) = whole {
            prop_assert_eq!((version, took as u32, body.len() as u32), (code, length, length - 8));
        }
    }
}

/// A random number of the process is in the names we give.
fn short_names(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut left = bytes;
    while let Some(at) = left.windows(9).position(|window| window == b"articdbm_") {
        let (before, rest) = left.split_at(at);
        out.extend_from_slice(before);
        left = rest.get(17..).unwrap_or_default();
    }
    out.extend_from_slice(left);
    out
}
