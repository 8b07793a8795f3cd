//! Any bytes and any cutting: the same text, or an error; never a panic, never something else.

use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::cases(300)))]

    #[test]
    fn garbage_for_a_start_is_an_error_or_waits(
        bytes in prop::collection::vec(any::<u8>(), 0..2_000),
        step in 1..600usize,
    ) {
        let (to, at) = (&ENDS.0, &ENDS.1);
        for mut session in [TlsSession::accept(at).unwrap(), TlsSession::connect(to, "db.test").unwrap()] {
            let mut plain = Vec::new();
            for piece in bytes.chunks(step) {
                if session.receive(piece, &mut plain).is_err() {
                    prop_assert!(session.receive(piece, &mut plain).is_err());
                }
                session.take_output(&mut Vec::new());
            }
            prop_assert!(plain.is_empty());
        }
    }

    #[test]
    fn garbage_in_the_shape_of_records_gives_no_plaintext(
        records in prop::collection::vec(
            (20..25u8, prop::collection::vec(any::<u8>(), 0..300), prop::option::of((0..25u8, 0..300usize))),
            1..20,
        ),
        settled: bool,
        step in 1..600usize,
    ) {
        let mut bytes = Vec::new();
        for (kind, mut body, handshake) in records {
            // Every other one begins as a handshake message of about that length would.
            if let Some((message, length)) = handshake {
                body.splice(..0, [message, 0, (length >> 8) as u8, length as u8]);
            }
            bytes.extend_from_slice(&[kind, 3, 3, (body.len() >> 8) as u8, body.len() as u8]);
            bytes.extend_from_slice(&body);
        }
        let fresh = (TlsSession::connect(&ENDS.0, "db.test").unwrap(), TlsSession::accept(&ENDS.1).unwrap());
        let (mut here, mut there) = if settled { friends_again() } else { fresh };
        for session in [&mut here, &mut there] {
            let mut plain = Vec::new();
            let refused = bytes.chunks(step).any(|piece| session.receive(piece, &mut plain).is_err());
            session.take_output(&mut Vec::new());
            prop_assert!(plain.is_empty());
            prop_assert!(refused || !settled, "a settled session takes nothing unauthentic");
        }
    }

    #[test]
    fn a_flipped_handshake_fails_or_was_no_harm(
        at_byte in any::<prop::sample::Index>(),
        bit in 0..8u32,
        from_server: bool,
    ) {
        let mut here = TlsSession::connect(&ENDS.0, "db.test").unwrap();
        let mut there = TlsSession::accept(&ENDS.1).unwrap();
        let (mut cipher, mut plain) = (Vec::new(), Vec::new());
        here.take_output(&mut cipher);
        if !from_server {
            let spot = at_byte.index(cipher.len());
            cipher[spot] ^= 1 << bit;
        }
        if there.receive(&cipher, &mut plain).is_ok() {
            cipher.clear();
            there.take_output(&mut cipher);
            if from_server {
                let spot = at_byte.index(cipher.len());
                cipher[spot] ^= 1 << bit;
            }
            let _ = here.receive(&cipher, &mut plain);
            let _ = deliver(&mut here, &mut there, usize::MAX);
        }
        prop_assert!(plain.is_empty());
        // Only the version in a record's header is looked at by nobody.
        if [&here, &there].iter().all(|end| !end.failed && !end.handshaking()) {
            here.send(b"sound").unwrap();
            prop_assert_eq!(deliver(&mut here, &mut there, usize::MAX).unwrap(), b"sound");
        }
    }

    #[test]
    fn a_flipped_record_is_an_error_and_no_plaintext(
        at_byte in any::<prop::sample::Index>(),
        bit in 0..8u32,
    ) {
        let (mut here, mut there) = friends_again();
        let mut cipher = Vec::new();
        here.send(&noise(3_000)).unwrap();
        here.take_output(&mut cipher);
        let spot = at_byte.index(cipher.len());
        cipher[spot] ^= 1 << bit;
        let mut plain = Vec::new();
        let received = there.receive(&cipher, &mut plain);
        match spot {
            // Its type and version in the header are looked at by nobody, or refused: the true type is inside.
            0..3 if received.is_ok() => prop_assert!(plain == noise(3_000)),
            // A longer length is not wrong yet: the rest of the record is missing.
            3..5 if received.is_ok() => prop_assert!(plain.is_empty()),
            _ => prop_assert!(plain.is_empty() && received.is_err() && there.has_output()),
        }
    }

    #[test]
    fn any_cutting_gives_the_same_text(
        texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40_000), 1..5),
        cuts in prop::collection::vec(1..30_000usize, 1..20),
    ) {
        let (mut here, mut there) = friends_again();
        let (mut cipher, mut plain) = (Vec::new(), Vec::new());
        for (turn, text) in texts.iter().enumerate() {
            if turn % 2 == 0 {
                here.send(text).unwrap();
                here.take_output(&mut cipher);
            } else {
                here.send_into(text, &mut cipher).unwrap();
            }
        }
        let mut rest = &cipher[..];
        for cut in cuts.iter().cycle() {
            let (piece, more) = rest.split_at((*cut).min(rest.len()));
            there.receive(piece, &mut plain).unwrap();
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert!(plain == texts.concat());
        prop_assert!(there.incoming.is_empty());
    }
}
