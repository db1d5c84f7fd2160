//! Which addresses a webhook may reach. Its address comes from a user, so it must not lead into the network that the server stands in:
//! every address that a name resolves to is checked, and the connection goes to what was checked, not to what a second look-up says.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// What IANA's registries of special-purpose addresses say is no place on the public internet, and what embeds such an address.
/// Cloud metadata services answer on link-local (169.254.169.254, fe80::) and unique local (fd00:ec2::254) ones.
const NOT_PUBLIC: [&str; 25] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/96",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "fc00::/7",
    "fe80::/9",
    "ff00::/8",
];

/// How names become addresses.
#[derive(Clone, Debug)]
pub enum Resolver {
    /// The computer's.
    System,
    /// A test's: each look-up of a name takes the next answer, the last one stays.
    Table(Arc<Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>>),
}

impl Resolver {
    async fn look_up(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        match self {
            Self::System => {
                Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
            }
            Self::Table(table) => {
                let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
                let answers = table.get_mut(name);
                Ok(answers
                    .and_then(|answers| match answers.len() {
                        0 | 1 => answers.front().cloned(),
                        _ => answers.pop_front(),
                    })
                    .unwrap_or_default())
            }
        }
    }
}

/// Why an address is not asked. It names no address, so that nobody can ask this server what it sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the address is not a public one; --webhook-networks can allow its network")]
    NotPublic,
    #[error("without TLS only the networks of --webhook-networks are reached: use https://")]
    Plain,
    #[error("the name has no address")]
    Nowhere,
}

/// The check.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Networks that may be reached all the same, and without TLS.
    allowed: Arc<[IpNet]>,
    resolver: Resolver,
}

impl Guard {
    /// A guard that lets through what is public, and these networks.
    pub fn new(allowed: Vec<IpNet>, resolver: Resolver) -> Self {
        Self { allowed: allowed.into(), resolver }
    }

    /// Whether this address may be asked; `plain`: without TLS.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, address: IpAddr, plain: bool) -> Result<(), Refused> {
        // ::ffff:10.0.0.1 is 10.0.0.1.
        let address = address.to_canonical();
        let within = |network: &IpNet| network.contains(&address);
        if self.allowed.iter().any(within) {
            return Ok(());
        }
        let special =
            NOT_PUBLIC.iter().filter_map(|text| text.parse().ok()).any(|n: IpNet| within(&n));
        match (special, plain) {
            (true, _) => Err(Refused::NotPublic),
            (false, true) => Err(Refused::Plain),
            (false, false) => Ok(()),
        }
    }

    /// The same for an address written as a number, which no resolver is asked about.
    ///
    /// # Errors
    /// Why not.
    pub fn check_literal(&self, url: &Url) -> Result<(), Refused> {
        let plain = url.scheme() != "https";
        match url.host() {
            Some(Host::Ipv4(address)) => self.check(address.into(), plain),
            Some(Host::Ipv6(address)) => self.check(address.into(), plain),
            _ => Ok(()),
        }
    }
}

/// The resolver of an HTTP client, which connects to nothing but what this answers.
#[derive(Debug)]
pub struct Guarded {
    pub guard: Guard,
    pub plain: bool,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, plain) = (self.guard.clone(), self.plain);
        Box::pin(async move {
            let found = guard.resolver.look_up(name.as_str()).await?;
            if found.is_empty() {
                return Err(Refused::Nowhere.into());
            }
            // One bad address among good ones is an attempt, too.
            for address in &found {
                guard.check(*address, plain)?;
            }
            // The client puts in the port of the URL.
            let addresses = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(allowed: &[&str]) -> Guard {
        let allowed = allowed.iter().map(|text| text.parse().unwrap()).collect();
        Guard::new(allowed, Resolver::System)
    }

    #[test]
    fn every_network_of_the_table_is_one() {
        for text in NOT_PUBLIC {
            text.parse::<IpNet>().unwrap();
        }
    }

    #[test]
    fn only_public_addresses_are_reached() {
        let refused = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "239.255.255.255",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::7f00:1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:0:1::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for address in refused {
            let checked = guard(&[]).check(address.parse().unwrap(), false);
            assert_eq!(checked, Err(Refused::NotPublic), "{address}");
        }
        for address in ["1.1.1.1", "172.15.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1"]
        {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(guard(&[]).check(address, false), Ok(()), "{address}");
            assert_eq!(guard(&[]).check(address, true), Err(Refused::Plain), "{address}");
        }
        let inside = guard(&["10.1.0.0/16"]);
        assert_eq!(inside.check("10.1.2.3".parse().unwrap(), true), Ok(()));
        assert_eq!(inside.check("10.2.2.3".parse().unwrap(), false), Err(Refused::NotPublic));
    }

    #[test]
    fn numbers_in_any_spelling_are_checked() {
        for url in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://[::1]/",
            "https://[::ffff:a00:1]:8443/",
            "https://169.254.169.254/latest/meta-data",
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(guard(&[]).check_literal(&url), Err(Refused::NotPublic), "{url}");
        }
        guard(&[]).check_literal(&Url::parse("https://example.com/").unwrap()).unwrap();
    }
}
