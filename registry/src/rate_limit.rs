//! How often one client may ask: a bucket for reads and one for writes, by token, else by address.

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
};

use axum::http::HeaderMap;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};
use skill_schema::{Fault, codes};

use crate::{config::RateConfig, error::Error};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Client {
    /// Whoever holds this token.
    Token(String),
    /// Whoever is at this address, or in this IPv6 network of 64 bits, which one household has whole.
    Address(IpAddr),
}

impl Client {
    /// A client by its address.
    pub fn at(address: IpAddr) -> Self {
        Self::Address(match address {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
                Some(v4) => IpAddr::V4(v4),
                None => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
            },
        })
    }
}

/// The address of the client: the peer's, or behind proxies of the operator's the entry of `X-Forwarded-For` that the outermost
/// of them wrote. Entries further left come from the client and mean nothing.
pub fn address(peer: IpAddr, headers: &HeaderMap, proxies: usize) -> IpAddr {
    if proxies == 0 {
        return peer;
    }
    let entries: Vec<_> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    let place = entries.len().checked_sub(proxies).and_then(|place| entries.get(place));
    place.and_then(|text| text.trim().parse().ok()).unwrap_or(peer)
}

/// Both buckets of all clients.
#[derive(Debug)]
pub struct RateLimits {
    reads: Option<DefaultKeyedRateLimiter<Client>>,
    writes: Option<DefaultKeyedRateLimiter<Client>>,
}

impl RateLimits {
    /// Buckets of these sizes; zero stands for none.
    pub fn new(config: &RateConfig) -> Self {
        Self { reads: limiter(config.reads, config.read_burst), writes: limiter(config.writes, config.write_burst) }
    }

    /// Takes one read. Fails with `E_RATE_LIMITED`.
    pub fn read(&self, client: impl FnOnce() -> Client) -> Result<(), Error> {
        check(self.reads.as_ref(), client)
    }

    /// Takes one write. Fails with `E_RATE_LIMITED`.
    pub fn write(&self, client: impl FnOnce() -> Client) -> Result<(), Error> {
        check(self.writes.as_ref(), client)
    }

    /// Forgets clients whose buckets are full again. Called now and then, so that memory does not grow.
    pub fn forget(&self) {
        for limiter in [&self.reads, &self.writes].into_iter().flatten() {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

fn limiter(rate: u32, burst: u32) -> Option<DefaultKeyedRateLimiter<Client>> {
    let rate = NonZeroU32::new(rate)?;
    Some(RateLimiter::dashmap(Quota::per_second(rate).allow_burst(NonZeroU32::new(burst).unwrap_or(rate))))
}

fn check(limiter: Option<&DefaultKeyedRateLimiter<Client>>, client: impl FnOnce() -> Client) -> Result<(), Error> {
    let Some(limiter) = limiter else { return Ok(()) };
    limiter.check_key(&client()).map_err(|until| {
        let wait = until.wait_time_from(limiter.clock().now());
        metrics::counter!("skill_rate_limited_total").increment(1);
        Error::Wait { fault: Fault::new(codes::RATE_LIMITED), seconds: wait.as_secs() + 1 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_its_own_buckets() {
        let limits = RateLimits::new(&RateConfig { reads: 1, read_burst: 2, writes: 1, write_burst: 1 });
        let client = || Client::at("192.0.2.1".parse().unwrap());
        limits.read(client).unwrap();
        limits.read(client).unwrap();
        let error = limits.read(client).unwrap_err();
        assert!(matches!(error, Error::Wait { seconds: 1..=2, .. }), "{error:?}");
        limits.write(client).unwrap();
        limits.read(|| Client::Token("t".to_owned())).unwrap();
        limits.forget();
        assert!(limits.read(client).is_err());
        let off = RateLimits::new(&RateConfig::OFF);
        (0..1_000).for_each(|_| off.write(client).unwrap());
    }

    #[test]
    fn an_ipv6_household_is_one_client() {
        let at = |text: &str| Client::at(text.parse().unwrap());
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
    }

    #[test]
    fn only_entries_that_our_proxies_wrote_are_believed() {
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "6.6.6.6, 192.0.2.7".parse().unwrap());
        assert_eq!(address(peer, &headers, 0), peer);
        assert_eq!(address(peer, &headers, 1).to_string(), "192.0.2.7");
        headers.append("x-forwarded-for", "10.0.0.2".parse().unwrap());
        assert_eq!(address(peer, &headers, 2).to_string(), "192.0.2.7");
        assert_eq!(address(peer, &HeaderMap::new(), 2), peer);
        assert_eq!(address(peer, &headers, 9), peer);
    }
}
