//! A client's way in: from the connected socket to the first ReadyForQuery. Sees messages, gives bytes to send.

use std::fs::File;
use std::io::Read;
use std::net::SocketAddrV4;

use crate::scram::{Exchange, Keys};
use crate::tls::Terms;
use crate::wire;

pub struct Target {
    pub address: SocketAddrV4,
    pub user: String,
    pub database: String,
    pub password: String,
    pub tls: Option<Terms>,
}

/// Where nonces come from, and the key that all clients of the one user share.
pub struct Secrets {
    chance: File,
    keys: Keys,
}

impl Secrets {
    pub fn new() -> Result<Secrets, String> {
        let chance = File::open("/dev/urandom").map_err(|error| format!("/dev/urandom: {error}"))?;
        Ok(Secrets { chance, keys: Keys::default() })
    }

    fn nonce(&mut self) -> Result<[u8; 18], String> {
        let mut nonce = [0; 18];
        self.chance.read_exact(&mut nonce).map_err(|error| format!("/dev/urandom: {error}"))?;
        Ok(nonce)
    }
}

#[derive(Default)]
pub struct Login {
    exchange: Option<Exchange>,
    admitted: bool,
}

pub enum Step {
    Wait,
    Send(Vec<u8>),
    Ready,
}

impl Login {
    pub fn receive(
        &mut self,
        kind: u8,
        body: &[u8],
        target: &Target,
        secrets: &mut Secrets,
    ) -> Result<Step, String> {
        match kind {
            b'R' => self.authentication(body, target, secrets),
            b'S' | b'K' | b'N' | b'v' => Ok(Step::Wait),
            b'Z' if self.admitted => Ok(Step::Ready),
            b'E' => Err(wire::problem(body)),
            other => Err(format!("log-in: unexpected message {}", other.escape_ascii())),
        }
    }

    fn authentication(
        &mut self,
        body: &[u8],
        target: &Target,
        secrets: &mut Secrets,
    ) -> Result<Step, String> {
        let rest = body.get(4..).unwrap_or_default();
        match wire::int32(body) {
            Some(0) => {
                if self.exchange.as_ref().is_some_and(|exchange| !exchange.verified()) {
                    return Err("log-in: let in before the server proved itself".to_owned());
                }
                self.admitted = true;
                Ok(Step::Wait)
            }
            Some(3) => Ok(answer(|out| wire::text(out, target.password.as_bytes()))),
            Some(10) => {
                if !rest.split(|byte| *byte == 0).any(|name| name == b"SCRAM-SHA-256") {
                    return Err("log-in: the server offers no SCRAM-SHA-256".to_owned());
                }
                let exchange = Exchange::new(&secrets.nonce()?);
                let first = exchange.first();
                self.exchange = Some(exchange);
                Ok(answer(|out| {
                    wire::text(out, b"SCRAM-SHA-256");
                    out.extend_from_slice(&(first.len() as u32).to_be_bytes());
                    out.extend_from_slice(first.as_bytes());
                }))
            }
            Some(11) => {
                let proof = self.exchange()?.answer(utf8(rest)?, &target.password, &mut secrets.keys)?;
                Ok(answer(|out| out.extend_from_slice(proof.as_bytes())))
            }
            Some(12) => {
                self.exchange()?.verify(utf8(rest)?)?;
                Ok(Step::Wait)
            }
            method => Err(format!("log-in: authentication method {method:?} is not one this client speaks")),
        }
    }

    fn exchange(&mut self) -> Result<&mut Exchange, String> {
        self.exchange.as_mut().ok_or("log-in: SASL goes on that never began".to_owned())
    }
}

fn answer(body: impl FnOnce(&mut Vec<u8>)) -> Step {
    let mut out = Vec::new();
    wire::message(&mut out, b'p', body);
    Step::Send(out)
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "log-in: SASL data that is not text".to_owned())
}
