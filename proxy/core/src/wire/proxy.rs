//! The PROXY protocol, versions 1 and 2: what a load balancer says, before all else, of the client behind it.
//!
//! Only those that the configuration trusts are asked for it, so what is no header, or does not name a client, is refused.

use super::PeerError;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The first version's longest line, by its specification.
const MAX_V1: usize = 107;
/// Address and extensions of the second version. The specification allows 64 KiB; balancers send a few hundred bytes.
const MAX_V2: usize = 2048;
const V1: &[u8] = b"PROXY ";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

#[derive(Debug, PartialEq, Eq)]
pub enum Header {
    More,
    /// So many bytes, and the client's address; none when the balancer speaks for itself.
    Said {
        took: usize,
        client: Option<SocketAddr>,
    },
}

pub fn header(input: &[u8]) -> Result<Header, PeerError> {
    let begins = |with: &[u8]| {
        let length = input.len().min(with.len());
        input.get(..length) == with.get(..length)
    };
    if begins(V2) {
        return binary(input);
    }
    if begins(V1) {
        return line(input);
    }
    Err(wrong())
}

/// `PROXY TCP4 192.0.2.1 192.0.2.2 50000 6432\r\n`
fn line(input: &[u8]) -> Result<Header, PeerError> {
    let seen = input.get(..input.len().min(MAX_V1)).unwrap_or_default();
    let Some(end) = seen.windows(2).position(|two| two == b"\r\n") else {
        return if seen.len() < MAX_V1 { Ok(Header::More) } else { Err(wrong()) };
    };
    let text = seen.get(V1.len()..end).and_then(|text| std::str::from_utf8(text).ok()).ok_or_else(wrong)?;
    let mut words = text.split(' ');
    let (Some(family), Some(from), Some(to), Some(port), Some(to_port), None) =
        (words.next(), words.next(), words.next(), words.next(), words.next(), words.next())
    else {
        return Err(wrong());
    };
    let ip = |word: &str| -> Result<IpAddr, PeerError> {
        match family {
            "TCP4" => word.parse::<Ipv4Addr>().map(IpAddr::from).map_err(|_| wrong()),
            "TCP6" => word.parse::<Ipv6Addr>().map(IpAddr::from).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    };
    let number = |word: &str| word.parse::<u16>().map_err(|_| wrong());
    let client = SocketAddr::new(ip(from)?.to_canonical(), number(port)?);
    ip(to)?;
    number(to_port)?;
    Ok(Header::Said { took: end + 2, client: Some(client) })
}

fn binary(input: &[u8]) -> Result<Header, PeerError> {
    let Some([what, family, high, low]) = input.get(V2.len()..).and_then(|rest| rest.first_chunk()).copied()
    else {
        return Ok(Header::More);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > MAX_V2 {
        return Err(wrong());
    }
    let start = V2.len() + 4;
    let took = start + length;
    let Some(body) = input.get(start..took) else { return Ok(Header::More) };
    match (what, family) {
        (0x20, _) => Ok(Header::Said { took, client: None }),
        (0x21, 0x11) => {
            let [a, b, c, d, _, _, _, _, high, low, ..] = *body else { return Err(wrong()) };
            if body.len() < 12 {
                return Err(wrong());
            }
            let port = u16::from_be_bytes([high, low]);
            let client = SocketAddr::new(Ipv4Addr::new(a, b, c, d).into(), port);
            Ok(Header::Said { took, client: Some(client) })
        }
        (0x21, 0x21) => {
            let (Some(ip), Some([high, low]), true) =
                (body.first_chunk::<16>(), body.get(32..34), body.len() >= 36)
            else {
                return Err(wrong());
            };
            let port = u16::from_be_bytes([*high, *low]);
            let client = SocketAddr::new(IpAddr::from(*ip).to_canonical(), port);
            Ok(Header::Said { took, client: Some(client) })
        }
        _ => Err(wrong()),
    }
}

fn wrong() -> PeerError {
    PeerError::new("08P01", "this listener expects a PROXY protocol header that names the client")
}

/// Addresses that share their first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    ip: IpAddr,
    bits: u32,
}

impl Network {
    /// Reads `10.0.0.0/8`.
    pub fn parse(text: &str) -> Option<Self> {
        let (ip, bits) = text.split_once('/')?;
        let (ip, bits) = (ip.parse::<IpAddr>().ok()?, bits.parse::<u32>().ok()?);
        (bits <= if ip.is_ipv4() { 32 } else { 128 }).then_some(Self { ip, bits })
    }

    pub fn holds(&self, ip: IpAddr) -> bool {
        match (self.ip, ip.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let differ = u32::from(ours) ^ u32::from(theirs);
                differ.checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let differ = u128::from(ours) ^ u128::from(theirs);
                differ.checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(input: &[u8]) -> Option<String> {
        match header(input) {
            Ok(Header::Said { took, client }) => {
                assert_eq!(took, input.len());
                Some(client.map(|client| client.to_string()).unwrap_or_default())
            }
            Ok(Header::More) => Some("more".to_owned()),
            Err(_) => None,
        }
    }

    fn v2(what: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [V2, &[what, family], &length, body].concat()
    }

    #[test]
    fn lines() {
        assert_eq!(said(b"PROXY TCP4 192.0.2.1 192.0.2.2 50000 6432\r\n").unwrap(), "192.0.2.1:50000");
        assert_eq!(said(b"PROXY TCP6 2001:db8::1 ::1 1 2\r\n").unwrap(), "[2001:db8::1]:1");
        assert_eq!(said(b"PROXY TCP6 ::ffff:10.0.0.1 ::1 1 2\r\n").unwrap(), "10.0.0.1:1");
        for wrong in [
            "PROXY UNKNOWN\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 50000\r\n",
            "PROXY TCP4 ::1 ::1 1 2\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 70000 1\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
            "PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
            "GET / HTTP/1.1\r\n",
            "\0\0\0\x08",
        ] {
            assert_eq!(said(wrong.as_bytes()), None, "{wrong:?}");
        }
        assert_eq!(said(&[V1, &[b'1'; MAX_V1]].concat()), None, "no end");
    }

    #[test]
    fn frames() {
        let v4 = [192, 0, 2, 1, 192, 0, 2, 2, 0xc3, 0x50, 0x19, 0x20];
        assert_eq!(said(&v2(0x21, 0x11, &v4)).unwrap(), "192.0.2.1:50000");
        assert_eq!(said(&v2(0x21, 0x11, &[&v4[..], &[4, 0, 1, 0]].concat())).unwrap(), "192.0.2.1:50000");
        let mut v6 = [0; 36];
        v6[15] = 1;
        v6[33] = 9;
        assert_eq!(said(&v2(0x21, 0x21, &v6)).unwrap(), "[::1]:9");
        assert_eq!(said(&v2(0x20, 0, &[])).unwrap(), "", "the balancer itself");
        for (what, family, length) in [
            (0x21, 0x11, 11),
            (0x21, 0x21, 35),
            (0x21, 0x12, 12),
            (0x21, 0x31, 216),
            (0x21, 0, 0),
            (0x22, 0x11, 12),
        ] {
            assert_eq!(said(&v2(what, family, &vec![0; length])), None, "{what:x} {family:x} {length}");
        }
        assert_eq!(said(&v2(0x11, 0x11, &v4)), None, "another version");
        assert_eq!(said(&v2(0x21, 0x11, &[0; MAX_V2 + 1])), None);
    }

    #[test]
    fn a_part_asks_for_more() {
        for whole in [&b"PROXY TCP4 192.0.2.1 192.0.2.2 50000 6432\r\n"[..], &v2(0x21, 0x11, &[0; 12])] {
            for end in 0..whole.len() {
                assert_eq!(said(&whole[..end]).unwrap(), "more", "{end}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), which in 0..3) {
            let begin: &[u8] = [V1, V2, &[]][which as usize];
            if let Ok(Header::Said { took, .. }) = header(&[begin, &bytes].concat()) {
                prop_assert!(took <= begin.len() + bytes.len());
            }
        }
    }

    #[test]
    fn networks() {
        let holds = |network: &str, ip: &str| Network::parse(network).unwrap().holds(ip.parse().unwrap());
        assert!(holds("10.0.0.0/8", "10.255.0.1") && !holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("0.0.0.0/0", "1.2.3.4") && holds("::/0", "::1") && !holds("::/0", "1.2.3.4"));
        assert!(holds("10.1.2.3/32", "10.1.2.3") && !holds("10.1.2.3/32", "10.1.2.2"));
        assert!(holds("10.0.0.0/8", "::ffff:10.0.0.1"));
        assert!(holds("fd00::/8", "fd12::1") && !holds("fd00::/8", "fe00::1") && !holds("::1/128", "::2"));
        assert!(
            ["10.0.0.0", "10.0.0.0/33", "::/129", "x/1", "10.0.0.0/-1"]
                .iter()
                .all(|text| Network::parse(text).is_none())
        );
    }
}
