//! Both ends in memory: what they agree on, whom they refuse, and that no cut in the stream loses a byte.

mod bytes;
mod trust;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, LazyLock};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use rustls::unbuffered::ConnectionState;
use rustls::version::{TLS12, TLS13};
use rustls::{NamedGroup, ProtocolVersion};

use super::records::Records;
use super::*;

type Authority = CertifiedIssuer<'static, KeyPair>;

struct Pair {
    cert: String,
    key: String,
    der: Vec<u8>,
}

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let name = format!("authority {:?}", &key.public_key_raw()[..8]);
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, key).unwrap()
}

/// A certificate for `db.test` and 127.0.0.1.
fn issue(authority: &Authority) -> Pair {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["db.test".into()]).unwrap();
    params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    let cert = params.signed_by(&key, authority).unwrap();
    Pair { cert: cert.pem(), key: key.serialize_pem(), der: cert.der().to_vec() }
}

fn server(pair: &Pair, client_ca: Option<&Authority>) -> ServerTls {
    let ca = client_ca.map(|ca| ca.pem());
    let ca = ca.as_ref().map(|ca| ca.as_bytes());
    ServerTls::from_pem(pair.cert.as_bytes(), pair.key.as_bytes(), ca, false).unwrap()
}

fn client(mode: &str, ca: Option<&Authority>, pair: Option<&Pair>) -> ClientTls {
    let ca = ca.map(|ca| ca.pem());
    let ca = ca.as_ref().map(|ca| ca.as_bytes());
    let cert = pair.map(|pair| pair.cert.as_bytes());
    let key = pair.map(|pair| pair.key.as_bytes());
    ClientTls::from_pem(mode, ca, cert, key).unwrap()
}

/// Bytes on their way, delivered in pieces of `step`. What arrived in plain text, or the receiver's
/// complaint.
fn deliver(from: &mut TlsSession, to: &mut TlsSession, step: usize) -> Result<Vec<u8>, String> {
    let (mut cipher, mut plain) = (Vec::new(), Vec::new());
    from.take_output(&mut cipher);
    for piece in cipher.chunks(step) {
        to.receive(piece, &mut plain)?;
    }
    Ok(plain)
}

fn shake(client: &mut TlsSession, server: &mut TlsSession, step: usize) -> Result<(), String> {
    for _ in 0..8 {
        deliver(client, server, step).map_err(|error| format!("server: {error}"))?;
        deliver(server, client, step).map_err(|error| format!("client: {error}"))?;
    }
    Ok(())
}

fn meet(client: &ClientTls, name: &str, server: &ServerTls) -> Result<(TlsSession, TlsSession), String> {
    let mut here = TlsSession::connect(client, name)?;
    let mut there = TlsSession::accept(server)?;
    shake(&mut here, &mut there, usize::MAX)?;
    assert!(!here.handshaking() && !there.handshaking());
    Ok((here, there))
}

/// A pair that has shaken hands, in the given version.
fn friends(version: Option<&'static rustls::SupportedProtocolVersion>) -> (TlsSession, TlsSession) {
    let ca = authority();
    let versions = version.as_ref().map_or(rustls::DEFAULT_VERSIONS, std::slice::from_ref);
    let pem = ca.pem();
    let to = ClientTls::in_versions(versions, "verify-full", Some(pem.as_bytes()), None, None);
    meet(&to.unwrap(), "db.test", &server(&issue(&ca), None)).unwrap()
}

/// Ends whose certificates are made once.
static ENDS: LazyLock<(ClientTls, ServerTls)> = LazyLock::new(|| {
    let ca = authority();
    (client("verify-full", Some(&ca), None), server(&issue(&ca), None))
});

fn friends_again() -> (TlsSession, TlsSession) {
    meet(&ENDS.0, "db.test", &ENDS.1).unwrap()
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(next).collect()
}

#[test]
fn the_hybrid_group_and_the_protocol_are_agreed() {
    let (here, there) = friends(None);
    for session in [&here, &there] {
        let group = session.state().negotiated_key_exchange_group().unwrap();
        assert_eq!(group.name(), NamedGroup::X25519MLKEM768);
        assert_eq!(session.state().protocol_version(), Some(ProtocolVersion::TLSv1_3));
        assert_eq!(session.alpn(), Some(&b"postgresql"[..]));
    }
}

#[test]
fn the_older_version_works_both_ways() {
    let (mut here, mut there) = friends(Some(&TLS12));
    assert_eq!(here.state().protocol_version(), Some(ProtocolVersion::TLSv1_2));
    here.send(b"question").unwrap();
    assert_eq!(deliver(&mut here, &mut there, 1).unwrap(), b"question");
    there.send(b"answer").unwrap();
    assert_eq!(deliver(&mut there, &mut here, 1).unwrap(), b"answer");
}

#[test]
fn a_session_may_move_between_threads() {
    fn check<T: Send>() {}
    check::<TlsSession>();
    fn shared<T: Send + Sync + Clone>() {}
    shared::<ServerTls>();
    shared::<ClientTls>();
}

#[test]
fn every_cut_of_handshake_and_data_gives_the_same() {
    let ca = authority();
    let (pair, mine) = (issue(&ca), issue(&ca));
    let to = client("verify-full", Some(&ca), Some(&mine));
    let at = server(&pair, Some(&ca));
    for step in [1, 2, 3, 5, 7, 64, 1_000, 4_096] {
        let mut here = TlsSession::connect(&to, "db.test").unwrap();
        let mut there = TlsSession::accept(&at).unwrap();
        shake(&mut here, &mut there, step).unwrap();
        assert_eq!(there.peer_certificate().unwrap(), mine.der);
        here.send(b"first").unwrap();
        here.send(b", second").unwrap();
        assert_eq!(deliver(&mut here, &mut there, step).unwrap(), b"first, second");
    }
}

#[test]
fn one_cut_anywhere_in_three_records() {
    for cut in 0.. {
        let (mut here, mut there) = friends_again();
        let mut cipher = Vec::new();
        for text in [&b"alpha"[..], b"b", b"gamma"] {
            here.send(text).unwrap();
        }
        here.take_output(&mut cipher);
        if cut > cipher.len() {
            break;
        }
        let (left, right) = cipher.split_at(cut);
        let mut plain = Vec::new();
        there.receive(left, &mut plain).unwrap();
        assert!(b"alphabgamma".starts_with(&plain));
        there.receive(right, &mut plain).unwrap();
        assert_eq!(plain, b"alphabgamma");
        assert!(there.incoming.is_empty());
    }
}

#[test]
fn ten_megabytes_each_way_in_one_call() {
    let data = noise(10_000_000);
    for version in [&TLS12, &TLS13] {
        let (mut here, mut there) = friends(Some(version));
        here.send(&data).unwrap();
        assert!(deliver(&mut here, &mut there, usize::MAX).unwrap() == data);
        let mut cipher = Vec::new();
        there.send_into(&data, &mut cipher).unwrap();
        let mut plain = Vec::new();
        for piece in cipher.chunks(65_536) {
            here.receive(piece, &mut plain).unwrap();
        }
        assert!(plain == data);
        for session in [&here, &there] {
            assert!(session.incoming.capacity() <= KEEP && session.outgoing.capacity() <= KEEP);
        }
    }
}

#[test]
fn send_into_keeps_the_order_with_send() {
    let (mut here, mut there) = friends_again();
    let mut cipher = Vec::new();
    here.send(b"one ").unwrap();
    here.send_into(b"two ", &mut cipher).unwrap();
    here.send_into(b"three", &mut cipher).unwrap();
    assert!(!here.has_output());
    let mut plain = Vec::new();
    there.receive(&cipher, &mut plain).unwrap();
    assert_eq!(plain, b"one two three");
}

#[test]
fn new_keys_in_the_stream_lose_nothing() {
    let (mut here, mut there) = friends_again();
    for round in 0..4 {
        if let Side::Client(connection) = &mut here.side
            && let Ok(ConnectionState::WriteTraffic(traffic)) = connection.process(&mut []).state
        {
            traffic.refresh_traffic_keys().unwrap();
        }
        let question = format!("question {round}");
        here.send(question.as_bytes()).unwrap();
        assert_eq!(deliver(&mut here, &mut there, 9).unwrap(), question.as_bytes());
        there.send(b"answer").unwrap();
        assert_eq!(deliver(&mut there, &mut here, 9).unwrap(), b"answer");
    }
}

#[test]
fn what_is_sent_too_soon_waits_and_is_bounded() {
    let ca = authority();
    let (to, at) = (client("require", None, None), server(&issue(&ca), None));
    let mut here = TlsSession::connect(&to, "db.test").unwrap();
    let mut there = TlsSession::accept(&at).unwrap();
    let early = noise(MAX_EARLY);
    here.send(&early).unwrap();
    let mut arrived = Vec::new();
    while arrived.len() < early.len() {
        let plain = deliver(&mut here, &mut there, usize::MAX).unwrap();
        let back = deliver(&mut there, &mut here, usize::MAX).unwrap();
        assert!(back.is_empty());
        assert!(!plain.is_empty() || here.has_output(), "stuck");
        arrived.extend_from_slice(&plain);
    }
    assert!(arrived == early);

    let mut here = TlsSession::connect(&to, "db.test").unwrap();
    assert!(here.send(&noise(MAX_EARLY + 1)).is_err());
}

#[test]
fn goodbye_is_heard_once_and_what_follows_is_dropped() {
    for version in [&TLS12, &TLS13] {
        let (mut here, mut there) = friends(Some(version));
        here.send(b"last").unwrap();
        here.close_notify();
        here.close_notify();
        let (mut cipher, mut plain) = (Vec::new(), Vec::new());
        here.take_output(&mut cipher);
        cipher.extend_from_slice(b"junk beyond the end");
        assert!(there.receive(&cipher, &mut plain).unwrap().eof);
        assert_eq!(plain, b"last");
        assert!(there.receive(b"more junk", &mut plain).unwrap().eof);
        assert!(!here.receive(b"junk", &mut plain).unwrap().eof);
        assert!(here.send(b"after").is_err());
        there.close_notify();
        assert_eq!(plain, b"last");
    }
}

#[test]
fn half_closed_towards_us_we_may_still_answer() {
    let (mut here, mut there) = friends_again();
    let before = there.incoming.len();
    here.close_notify();
    deliver(&mut here, &mut there, usize::MAX).unwrap();
    there.send(b"answer").unwrap();
    assert!(there.has_output() && before == 0);
}

#[test]
fn a_record_that_never_ends_is_bounded() {
    let ca = authority();
    let at = server(&issue(&ca), None);
    // A handshake message of 64 KiB that comes in crumbs, a record for each byte.
    let mut there = TlsSession::accept(&at).unwrap();
    let mut flood = vec![22, 3, 1, 0, 4, 1, 0, 0xff, 0xff];
    for _ in 0..200_000 {
        flood.extend_from_slice(&[22, 3, 1, 0, 1, 0]);
    }
    let mut plain = Vec::new();
    let mut refused = false;
    for piece in flood.chunks(1_000) {
        refused |= there.receive(piece, &mut plain).is_err();
        assert!(there.incoming.capacity() <= 2 * MAX_PARTIAL);
    }
    assert!(refused && plain.is_empty());
}
