//! Is this the registry that we think it is? Compares what a registry says about itself with the key that was pinned.

use serde::Serialize;
use skill_bundle::note::VerifierKey;
use skill_schema::{Fault, Version, api::well_known, codes, version};

use crate::{clock::Clock, config::Registry, context::Context};

/// Seconds that a statement's time may differ from the registry's clock: beyond, it refuses the statement.
pub const MAX_SKEW: u64 = 15 * 60;

/// How a registry's key compares with the pinned one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// It is the pinned one.
    Pinned,
    /// It is another one.
    Other,
    /// None was pinned.
    Unpinned,
}

/// A registry's state as seen from here.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Name of its log.
    pub origin: String,
    /// Milliseconds of one request with a new connection.
    pub latency_ms: u64,
    /// Whether its key is the pinned one.
    pub key: KeyState,
    /// Whether reading needs a token.
    pub auth: well_known::Auth,
    /// Seconds by which its clock is ahead of ours; `None` if it shows none.
    pub clock_skew_s: Option<i64>,
    /// The oldest client that it serves.
    pub min_client: Version,
    /// Whether it serves this client.
    pub supported: bool,
    /// What a package may be.
    pub limits: well_known::Limits,
}

/// Asks a registry.
///
/// # Errors
/// Network faults, and answers that are not in the protocol.
pub async fn examine(context: &Context, registry: &Registry) -> anyhow::Result<Health> {
    let pong = context.api(registry)?.ping().await?;
    // The real clock, whatever time statements carry: the question is whether the two machines agree.
    let now = Clock::System.now().unix();
    let answer = pong.registry;
    Ok(Health {
        key: key_state(registry.key.as_deref(), &answer),
        latency_ms: u64::try_from(pong.latency.as_millis()).unwrap_or(u64::MAX),
        auth: answer.auth,
        clock_skew_s: pong.date.map(|date| date.unix().cast_signed() - now.cast_signed()),
        supported: check_client(&answer).is_ok(),
        min_client: answer.min_client,
        limits: answer.limits,
        origin: answer.origin,
    })
}

fn key_state(pinned: Option<&str>, answer: &well_known::Response) -> KeyState {
    match pinned {
        None => KeyState::Unpinned,
        Some(key) if is_of(key, &answer.origin) && answer.log.iter().any(|shown| shown == key) => KeyState::Pinned,
        Some(_) => KeyState::Other,
    }
}

/// Whether a key's text begins with the name of this log.
fn is_of(key: &str, origin: &str) -> bool {
    key.strip_prefix(origin).is_some_and(|rest| rest.starts_with('+'))
}

/// The key that a registry shows, if its answer makes sense.
///
/// # Errors
/// [`codes::RESPONSE`] if there is none, or it belongs to another log; [`codes::VKEY`].
pub fn shown_key(answer: &well_known::Response) -> Result<VerifierKey, Fault> {
    let fault = |detail: &str| Fault::new(codes::RESPONSE).at(&answer.origin).detail(detail);
    let key: VerifierKey = answer.log.first().ok_or_else(|| fault("it shows no key"))?.parse()?;
    if key.name() != answer.origin {
        return Err(fault(&format!("its key belongs to {}", key.name())));
    }
    Ok(key)
}

/// Whether a registry shows the expected key.
///
/// # Errors
/// [`codes::REGISTRY_KEY`].
pub fn check_key(url: &str, expected: &str, answer: &well_known::Response) -> Result<(), Fault> {
    if key_state(Some(expected), answer) == KeyState::Pinned {
        return Ok(());
    }
    let shown = answer.log.first().map_or("none", String::as_str);
    Err(Fault::new(codes::REGISTRY_KEY).at(url).detail(format!("expected {expected}, it shows {shown}")))
}

/// Whether a registry serves this client.
///
/// # Errors
/// [`codes::MIN_CLIENT`].
pub fn check_client(answer: &well_known::Response) -> Result<(), Fault> {
    let ours = version::parse_version(env!("CARGO_PKG_VERSION"))?;
    if ours >= answer.min_client {
        return Ok(());
    }
    let detail = format!("it needs {}, this is {ours}", answer.min_client);
    Err(Fault::new(codes::MIN_CLIENT).at(&answer.origin).detail(detail))
}

#[cfg(test)]
mod tests {
    use skill_schema::Limits;

    use super::*;

    const KEY: &str = "skills.example/log+240433c1+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU";

    fn answer(log: &[&str]) -> well_known::Response {
        well_known::Response {
            v: 1,
            api: "https://skills.example/api/skill/v1".into(),
            origin: "skills.example/log".into(),
            log: log.iter().map(|key| (*key).to_owned()).collect(),
            witnesses: Vec::new(),
            quorum: 0,
            auth: well_known::Auth::Public,
            limits: Limits::V1.into(),
            min_client: Version::new(0, 1, 0),
        }
    }

    #[test]
    fn only_the_pinned_key_is_the_pinned_key() {
        assert_eq!(check_key("u", KEY, &answer(&["other", KEY])), Ok(()));
        let fault = check_key("u", KEY, &answer(&["other"])).expect_err("another key");
        assert_eq!(fault.code, codes::REGISTRY_KEY);
        assert_eq!(key_state(None, &answer(&[KEY])), KeyState::Unpinned);
        let renamed = well_known::Response { origin: "skills.example".into(), ..answer(&[KEY]) };
        assert_eq!(key_state(Some(KEY), &renamed), KeyState::Other);
    }

    #[test]
    fn a_shown_key_belongs_to_the_shown_log() {
        assert_eq!(shown_key(&answer(&[KEY])).map(|key| key.to_string()).as_deref(), Ok(KEY));
        assert_eq!(shown_key(&answer(&[])).map_err(|f| f.code), Err(codes::RESPONSE));
        let other = well_known::Response { origin: "evil.example/log".into(), ..answer(&[KEY]) };
        assert_eq!(shown_key(&other).map_err(|f| f.code), Err(codes::RESPONSE));
    }

    #[test]
    fn a_registry_can_ask_for_a_newer_client() {
        let newer = well_known::Response { min_client: Version::new(99, 0, 0), ..answer(&[KEY]) };
        assert_eq!(check_client(&newer).map_err(|f| f.code), Err(codes::MIN_CLIENT));
        assert_eq!(check_client(&answer(&[KEY])), Ok(()));
    }
}
