//! Asks a registry who it is, and how long that takes.

use std::time::{Duration, Instant};

use reqwest::{Method, header};
use skill_schema::{api::well_known, time::Timestamp};

use super::{
    Api, MAX_JSON,
    http::{Body, Call, decode},
};

/// What a registry answers to its first question.
#[derive(Debug, Clone)]
pub struct Pong {
    /// What it says about itself.
    pub registry: well_known::Response,
    /// From the request to the end of the answer, with the connection's opening.
    pub latency: Duration,
    /// Its clock, as its `Date` header shows it; `None` if there is none that can be read.
    pub date: Option<Timestamp>,
}

impl Api {
    /// One `GET /.well-known/skill-registry`, timed and not repeated.
    ///
    /// # Errors
    /// Network faults and [`super::Refused`].
    pub async fn ping(&self) -> anyhow::Result<Pong> {
        let call = Call { method: Method::GET, path: well_known::ROUTE, body: Body::Empty, retry: false };
        self.http.client()?; // made before: reading the system's certificates is no part of the answer
        let started = Instant::now();
        let response = self.http.attempt(&call, header::HeaderMap::new()).await?;
        let date = response.headers().get(header::DATE).and_then(|value| value.to_str().ok()).and_then(read_date);
        let bytes = self.http.body(response, MAX_JSON).await?;
        Ok(Pong { registry: decode(&bytes)?, latency: started.elapsed(), date })
    }
}

/// Reads an HTTP date (RFC 9110 §5.6.7, IMF-fixdate: the only form that may be sent).
fn read_date(text: &str) -> Option<Timestamp> {
    let time = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(Timestamp::from_unix(u64::try_from(time.as_second()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_http_date_is_read() {
        let time = read_date("Sun, 06 Nov 1994 08:49:37 GMT").expect("the RFC's example");
        assert_eq!(time.to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(read_date("yesterday"), None);
    }
}
