//! The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), without channel binding; the server's proof is checked.
//!
//! The slow part depends on password, salt and rounds alone, so one key is kept: thousands of clients of one user
//! must not make the generator the bottleneck it is to find in others.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

/// What a server may ask of us; more would be an attack on our time.
const MOST_ROUNDS: u32 = 1_000_000;

#[derive(Default)]
pub struct Keys {
    salt: Vec<u8>,
    rounds: u32,
    salted: Option<[u8; 32]>,
}

impl Keys {
    fn salted(&mut self, password: &str, salt: &[u8], rounds: u32) -> [u8; 32] {
        match self.salted {
            Some(key) if self.salt == salt && self.rounds == rounds => key,
            _ => {
                let key = stretch(password.as_bytes(), salt, rounds);
                *self = Keys { salt: salt.to_vec(), rounds, salted: Some(key) };
                key
            }
        }
    }
}

pub struct Exchange {
    nonce: String,
    expected: Option<[u8; 32]>,
    verified: bool,
}

impl Exchange {
    pub fn new(nonce: &[u8]) -> Exchange {
        Exchange { nonce: BASE64.encode(nonce), expected: None, verified: false }
    }

    pub fn first(&self) -> String {
        format!("n,,{}", self.bare())
    }

    /// The user's name stays empty: the server takes the one of the startup message.
    fn bare(&self) -> String {
        format!("n=,r={}", self.nonce)
    }

    pub fn answer(&mut self, challenge: &str, password: &str, keys: &mut Keys) -> Result<String, String> {
        let (mut nonce, mut salt, mut rounds) = ("", Vec::new(), 0u32);
        for part in challenge.split(',') {
            match part.split_once('=') {
                Some(("r", value)) => nonce = value,
                Some(("s", value)) => {
                    salt = BASE64.decode(value).map_err(|_| "SCRAM: a salt that is not base64")?
                }
                Some(("i", value)) => rounds = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err("SCRAM: the server's nonce does not continue ours".to_owned());
        }
        if salt.is_empty() || !(1..=MOST_ROUNDS).contains(&rounds) {
            return Err("SCRAM: no usable salt or rounds".to_owned());
        }
        let salted = keys.salted(password, &salt, rounds);
        let client_key = sign(&salted, b"Client Key");
        let without_proof = format!("c=biws,r={nonce}");
        let said = format!("{},{challenge},{without_proof}", self.bare());
        let signature = sign(&Sha256::digest(client_key), said.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(signature).map(|(key, mask)| key ^ mask).collect();
        self.expected = Some(sign(&sign(&salted, b"Server Key"), said.as_bytes()));
        Ok(format!("{without_proof},p={}", BASE64.encode(proof)))
    }

    pub fn verify(&mut self, last: &str) -> Result<(), String> {
        let given = last
            .split(',')
            .find_map(|part| part.strip_prefix("v="))
            .and_then(|value| BASE64.decode(value).ok());
        match (given, self.expected) {
            (Some(given), Some(expected)) if given == expected => {
                self.verified = true;
                Ok(())
            }
            _ => Err("SCRAM: the server did not prove that it knows the password".to_owned()),
        }
    }

    pub fn verified(&self) -> bool {
        self.verified
    }
}

fn sign(key: &[u8], data: &[u8]) -> [u8; 32] {
    signer(key).chain_update(data).finalize().into_bytes().into()
}

/// PBKDF2's first block, all that is needed of it.
fn stretch(password: &[u8], salt: &[u8], rounds: u32) -> [u8; 32] {
    let keyed = signer(password);
    let mut last = keyed.clone().chain_update(salt).chain_update(1u32.to_be_bytes()).finalize().into_bytes();
    let mut sum: [u8; 32] = last.into();
    for _ in 1..rounds {
        last = keyed.clone().chain_update(last).finalize().into_bytes();
        for (total, byte) in sum.iter_mut().zip(last) {
            *total ^= byte;
        }
    }
    sum
}

fn signer(key: &[u8]) -> Hmac<Sha256> {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(signer) => signer,
        Err(_) => unreachable!("HMAC takes a key of any length"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published vector of RFC 7677 has a user name in it, which PostgreSQL's clients leave out; its key does not
    /// depend on that.
    #[test]
    fn the_key_is_that_of_the_rfc() {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap_or_default();
        let mut keys = Keys::default();
        let salted = keys.salted("pencil", &salt, 4096);
        let said = "n=user,r=rOprNGfwEbeRWgbNEkqO,\
            r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,\
            c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let server = sign(&sign(&salted, b"Server Key"), said.as_bytes());
        assert_eq!(BASE64.encode(server), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    #[test]
    fn a_server_that_proves_nothing_is_refused() {
        let mut exchange = Exchange::new(b"0123456789abcdef");
        let nonce = exchange.nonce.clone();
        let mut keys = Keys::default();
        assert!(exchange.answer(&format!("r={nonce},s=AAAA,i=1"), "p", &mut keys).is_err());
        assert!(exchange.answer(&format!("r={nonce}x,s=AAAA,i=1"), "p", &mut keys).is_ok());
        assert!(exchange.verify("v=AAAA").is_err());
        assert!(!exchange.verified());
    }
}
