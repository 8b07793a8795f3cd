//! Whom each end believes, whom it refuses, and what it says of settings that make no sense.

use super::*;

#[test]
fn other_protocols_are_refused_and_none_is_none() {
    let ca = authority();
    let server = server(&issue(&ca), None);
    let mut odd = client("verify-full", Some(&ca), None);
    Arc::get_mut(&mut odd.config).unwrap().alpn_protocols = vec![b"http/1.1".to_vec()];
    assert!(meet(&odd, "db.test", &server).unwrap_err().starts_with("server: "));
    Arc::get_mut(&mut odd.config).unwrap().alpn_protocols.clear();
    let (here, there) = meet(&odd, "db.test", &server).unwrap();
    assert_eq!((here.alpn(), there.alpn()), (None, None));
}

#[test]
fn the_modes_trust_as_far_as_they_say() {
    let (ca, other) = (authority(), authority());
    let at = server(&issue(&ca), None);
    let cases = [
        ("require", None, "elsewhere.test", true),
        ("require", None, "/run/socket path", true),
        ("require", Some(&ca), "elsewhere.test", true),
        ("require", Some(&other), "db.test", false),
        ("verify-ca", Some(&ca), "elsewhere.test", true),
        ("verify-ca", Some(&ca), "", true),
        ("verify-ca", Some(&other), "db.test", false),
        ("verify-full", Some(&ca), "db.test", true),
        ("verify-full", Some(&ca), "127.0.0.1", true),
        ("verify-full", Some(&ca), "127.0.0.2", false),
        ("verify-full", Some(&ca), "elsewhere.test", false),
        ("verify-full", Some(&ca), "/run/socket path", false),
        ("verify-full", Some(&other), "db.test", false),
    ];
    for (mode, ca, name, good) in cases {
        let met = meet(&client(mode, ca, None), name, &at);
        assert_eq!(met.is_ok(), good, "{mode} {name}: {:?}", met.err());
    }
}

#[test]
fn a_refused_server_is_told_so() {
    let (ca, other) = (authority(), authority());
    let mut here = TlsSession::connect(&client("verify-ca", Some(&other), None), "db.test").unwrap();
    let mut there = TlsSession::accept(&server(&issue(&ca), None)).unwrap();
    deliver(&mut here, &mut there, usize::MAX).unwrap();
    let refusal = deliver(&mut there, &mut here, usize::MAX).unwrap_err();
    assert!(refusal.contains("UnknownIssuer"), "{refusal}");
    assert_eq!(here.peer_certificate(), None);
    assert!(here.has_output());
    let told = deliver(&mut here, &mut there, usize::MAX).unwrap_err();
    assert!(told.contains("UnknownCA"), "{told}");
    assert!(here.send(b"more").is_err());
    assert!(here.receive(b"more", &mut Vec::new()).is_err());
}

#[test]
fn a_self_signed_server_may_be_its_own_authority_while_it_lasts() {
    let own = |until: i32| {
        let mut params = CertificateParams::new(vec!["db.test".into()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let serve = |own: &Authority| {
        let key = own.key().serialize_pem();
        ServerTls::from_pem(own.pem().as_bytes(), key.as_bytes(), None, false).unwrap()
    };
    let (good, stale) = (own(2999), own(2001));
    meet(&client("verify-full", Some(&good), None), "db.test", &serve(&good)).unwrap();
    assert!(meet(&client("verify-full", Some(&good), None), "x.test", &serve(&good)).is_err());
    let refusal = meet(&client("verify-ca", Some(&stale), None), "db.test", &serve(&stale));
    assert!(refusal.unwrap_err().contains("expired"));
    assert!(meet(&client("verify-ca", Some(&authority()), None), "db.test", &serve(&good)).is_err());
}

#[test]
fn client_certificates_are_asked_for_and_verified() {
    let (ca, clients, strangers) = (authority(), authority(), authority());
    let pair = issue(&ca);
    let asking = server(&pair, Some(&clients));
    let (known, unknown) = (issue(&clients), issue(&strangers));

    let (here, there) = meet(&client("require", None, Some(&known)), "db.test", &asking).unwrap();
    assert_eq!(there.peer_certificate().unwrap(), known.der);
    assert_eq!(here.peer_certificate().unwrap(), pair.der);

    let (_, there) = meet(&client("require", None, None), "db.test", &asking).unwrap();
    assert_eq!(there.peer_certificate(), None);

    let refused = meet(&client("require", None, Some(&unknown)), "db.test", &asking);
    assert!(refused.unwrap_err().starts_with("server: "));

    let incurious = server(&pair, None);
    let (_, there) = meet(&client("require", None, Some(&unknown)), "db.test", &incurious).unwrap();
    assert_eq!(there.peer_certificate(), None);
}

#[test]
fn bad_settings_are_named_and_no_key_is_shown() {
    let ca = authority();
    let (one, two) = (issue(&ca), issue(&ca));
    let (cert, key) = (one.cert.as_bytes(), one.key.as_bytes());
    let pem = ca.pem();
    let ca = Some(pem.as_bytes());
    let broken = one.key.replace("-----END PRIVATE KEY-----", "-----END").replace('=', "%");
    let said = [
        ServerTls::from_pem(b"", key, None, false).unwrap_err(),
        ServerTls::from_pem(cert, cert, None, false).unwrap_err(),
        ServerTls::from_pem(cert, broken.as_bytes(), None, false).unwrap_err(),
        ServerTls::from_pem(cert, two.key.as_bytes(), None, false).unwrap_err(),
        ServerTls::from_pem(cert, key, Some(b"junk"), false).unwrap_err(),
        ClientTls::from_pem("verify-full", None, None, None).unwrap_err(),
        ClientTls::from_pem("verify-ca", None, None, None).unwrap_err(),
        ClientTls::from_pem("prefer", ca, None, None).unwrap_err(),
        ClientTls::from_pem("require", Some(b"junk"), None, None).unwrap_err(),
        ClientTls::from_pem("require", None, Some(cert), None).unwrap_err(),
        ClientTls::from_pem("require", None, Some(cert), Some(two.key.as_bytes())).unwrap_err(),
    ];
    let words = [
        "certificate holds no",
        "key holds no",
        "key holds no",
        "together",
        "client authority",
        "needs an authority",
        "needs an authority",
        "use require",
        "authority holds no",
        "go together",
        "together",
    ];
    for (said, word) in said.iter().zip(words) {
        assert!(said.contains(word), "{said} has no {word}");
    }
    let server = ServerTls::from_pem(cert, key, None, true).unwrap();
    let client = ClientTls::from_pem("require", None, Some(cert), Some(key)).unwrap();
    let session = TlsSession::accept(&server).unwrap();
    let shown = format!("{server:?} {client:?} {session:?} {said:?}");
    for line in one.key.lines().chain(two.key.lines()).filter(|line| !line.starts_with("-----")) {
        assert!(!shown.contains(line));
    }
    assert!(shown.contains("required: true") && shown.len() < 2_000);
}
