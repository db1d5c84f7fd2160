//! Where a request comes from: the other end of the connection, or, behind proxies that the configuration trusts, what they say.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;

/// Proxies that one request may have come through; what stands further left is not read.
const MAX_HOPS: usize = 16;

/// The client's address; `None` when the request came over no network.
pub fn client(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let ConnectInfo(peer) = extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(behind(peer.ip(), headers, trusted))
}

/// Reads X-Forwarded-For from its right end, where the nearest proxy wrote, for as long as the one who wrote is trusted. Anybody can send
/// that header: what an untrusted address says of another is not believed.
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut address = peer.to_canonical();
    let lines: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .map(|value| value.to_str().unwrap_or_default())
        .collect();
    let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
    for hop in hops.take(MAX_HOPS) {
        if !trusted.iter().any(|network| network.contains(&address)) {
            break;
        }
        match read(hop.trim()) {
            Some(next) => address = next,
            None => break,
        }
    }
    address
}

/// An address, with or without a port.
fn read(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        // What the case is; peer, X-Forwarded-For lines, the client.
        let cases: &[(&str, &str, &[&str], &str)] = &[
            ("direct", "203.0.113.7", &[], "203.0.113.7"),
            ("a client that lies", "203.0.113.7", &["10.0.0.9"], "203.0.113.7"),
            ("one proxy", "10.0.0.1", &["203.0.113.7"], "203.0.113.7"),
            ("a client that lies to a proxy", "10.0.0.1", &["1.1.1.1, 203.0.113.7"], "203.0.113.7"),
            ("two proxies", "10.0.0.1", &["203.0.113.7, 10.0.0.2"], "203.0.113.7"),
            ("two lines", "10.0.0.1", &["1.1.1.1, 203.0.113.7", "10.0.0.2"], "203.0.113.7"),
            ("a port", "10.0.0.1", &["203.0.113.7:99"], "203.0.113.7"),
            ("version 6 with a port", "10.0.0.1", &["[2001:db8::1]:99"], "2001:db8::1"),
            ("no address", "10.0.0.1", &["unknown"], "10.0.0.1"),
            ("empty", "10.0.0.1", &[""], "10.0.0.1"),
            ("only proxies", "10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("version 4 in 6", "::ffff:10.0.0.1", &["203.0.113.7"], "203.0.113.7"),
        ];
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        for (name, peer, lines, expected) in cases {
            let mut headers = HeaderMap::new();
            for line in *lines {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            let found = behind(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found.to_string(), *expected, "{name}");
        }
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "203.0.113.7".parse().unwrap());
        assert_eq!(behind("10.0.0.1".parse().unwrap(), &headers, &[]).to_string(), "10.0.0.1");
    }
}
