//! What those who judge statements ask about clients, besides the settings that change meaning: it makes scopes.

use crate::settings::Settings;
use crate::wire::proxy::Network;
use std::net::SocketAddr;
use std::sync::Arc;

/// In a network's place: the Unix sockets of this machine.
const LOCAL: &str = "local";

#[derive(Default)]
pub struct Asks {
    /// What they call themselves.
    pub application: bool,
    /// As it is written, and what it means: none is `local`.
    networks: Vec<(Box<str>, Option<Network>)>,
}

impl Asks {
    /// None: one of the networks is none.
    pub fn new(application: bool, networks: Vec<String>) -> Result<Self, String> {
        let mut read = Vec::with_capacity(networks.len());
        for text in networks {
            let network = if text == LOCAL { None } else { Network::parse(&text) };
            if network.is_none() && text != LOCAL {
                return Err(text);
            }
            read.push((text.into(), network));
        }
        Ok(Self { application, networks: read })
    }

    /// Those networks that a client at this address is in, as they are written.
    pub fn networks_of(&self, peer: Option<&str>) -> Arc<[Box<str>]> {
        let ip = peer.and_then(|peer| peer.parse::<SocketAddr>().ok()).map(|address| address.ip());
        let local = peer.is_some_and(|peer| peer.starts_with("unix"));
        let holds = |network: &Option<Network>| match (network, ip) {
            (Some(network), Some(ip)) => network.holds(ip),
            (None, None) => local,
            _ => false,
        };
        self.networks.iter().filter(|(_, network)| holds(network)).map(|(text, _)| text.clone()).collect()
    }

    /// What it calls itself, as SQL text, where that is asked.
    pub fn application_of<'a>(&self, settings: &'a Settings) -> Option<&'a str> {
        if self.application { settings.get("application_name") } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_in_the_networks_that_hold_it() {
        let all = ["10.0.0.0/8", "10.1.0.0/16", "local", "fd00::/8", "0.0.0.0/0"];
        let asks = Asks::new(false, all.map(str::to_owned).to_vec()).unwrap();
        let of = |peer: Option<&str>| asks.networks_of(peer).join(" ");
        assert_eq!(of(Some("10.1.2.3:4711")), "10.0.0.0/8 10.1.0.0/16 0.0.0.0/0");
        assert_eq!(of(Some("[::ffff:10.2.0.1]:4711")), "10.0.0.0/8 0.0.0.0/0");
        assert_eq!(of(Some("[fd00::1]:4711")), "fd00::/8");
        assert_eq!(of(Some("unix/1000")), "local");
        assert_eq!(of(Some("the proxy")), "");
        assert_eq!(of(None), "");
        assert_eq!(
            Asks::new(false, vec!["10.0.0.0/8".to_owned(), "ten".to_owned()]).err().as_deref(),
            Some("ten")
        );
    }
}
