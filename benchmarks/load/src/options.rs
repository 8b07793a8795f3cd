//! The command line's `--name value` pairs. Every option has to be asked for: what nobody asked for is a mistake.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::str::FromStr;
use std::time::Duration;

use crate::login::Target;
use crate::tls::Terms;

pub struct Options {
    given: BTreeMap<String, String>,
}

impl Options {
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut given = BTreeMap::new();
        while let Some(argument) = arguments.next() {
            let name = argument.strip_prefix("--").ok_or(format!("expected --option, got {argument}"))?;
            let value = arguments.next().ok_or(format!("--{name} needs a value"))?;
            given.insert(name.to_owned(), value);
        }
        Ok(Options { given })
    }

    pub fn text(&mut self, name: &str, default: &str) -> String {
        self.given.remove(name).unwrap_or_else(|| default.to_owned())
    }

    pub fn number<T: FromStr>(&mut self, name: &str, default: T) -> Result<T, String> {
        match self.given.remove(name) {
            None => Ok(default),
            Some(value) => value.parse().map_err(|_| format!("--{name} {value}: not a number it can use")),
        }
    }

    pub fn seconds(&mut self, name: &str, default: f64) -> Result<Duration, String> {
        let value: f64 = self.number(name, default)?;
        Duration::try_from_secs_f64(value)
            .ok()
            .filter(|time| time.as_secs() <= 3_600)
            .ok_or(format!("--{name} {value}: seconds between 0 and 3600"))
    }

    /// Process ids, separated by commas.
    pub fn watched(&mut self) -> Result<Vec<u32>, String> {
        self.text("watch", "")
            .split(',')
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().map_err(|_| format!("--watch: {part} is not a process id")))
            .collect()
    }

    pub fn target(&mut self) -> Result<Target, String> {
        let host: Ipv4Addr = self.number("host", Ipv4Addr::LOCALHOST)?;
        let port: u16 = self.number("port", 0)?;
        if port == 0 {
            return Err("--port is needed".to_owned());
        }
        let user = self.text("user", "bench");
        let database = self.text("database", &user);
        let password = std::env::var("LOAD_PASSWORD").unwrap_or_default();
        let tls = match self.text("tls", "").as_str() {
            "" => None,
            authority => Some(Terms::read(authority, &host.to_string())?),
        };
        Ok(Target { address: SocketAddrV4::new(host, port), user, database, password, tls })
    }

    pub fn finish(self) -> Result<(), String> {
        match self.given.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(format!("this command has no option --{name}")),
        }
    }
}
