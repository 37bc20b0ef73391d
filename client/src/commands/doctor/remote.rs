//! What the registries say.

use super::Check;
use crate::{
    config::{Registry, credentials},
    context::Context,
    first_contact::{self, Health, KeyState, MAX_SKEW},
};

/// Seconds by which two clocks may differ without anybody noticing.
const FINE_SKEW: u64 = 60;
/// Seconds before its end at which a token is warned about: a week.
const SOON: u64 = 7 * 24 * 60 * 60;

/// Every configured registry.
pub(super) async fn checks(context: &Context) -> Vec<Check> {
    let registries = match context.config.registries() {
        Ok(registries) => registries,
        Err(fault) => return vec![Check::of_fault("registry", &fault)],
    };
    if registries.is_empty() {
        let help = "skill registry add NAME URL --key VKEY --default";
        return vec![Check::warning("registry", "none is configured", help)];
    }
    if context.global.offline {
        return vec![Check::warning("registry", "not asked: --offline", "run it again without --offline")];
    }
    let mut checks = Vec::new();
    for registry in registries {
        match first_contact::examine(context, &registry).await {
            Err(error) => {
                let message = format!("{}: {error:#}", registry.label());
                checks.push(Check::problem("registry", message, "check the address and the network"));
            }
            Ok(health) => {
                checks.extend(judge(&registry, &health));
                // Nobody gets a token before their key is known.
                if health.key == KeyState::Pinned {
                    checks.extend(token(context, &registry).await);
                }
            }
        }
    }
    checks
}

fn judge(registry: &Registry, health: &Health) -> Vec<Check> {
    let name = registry.label();
    let ok = format!("{name}: {} answers in {} ms", health.origin, health.latency_ms);
    let mut checks = vec![Check::ok("registry", ok)];
    match health.key {
        KeyState::Pinned => {}
        KeyState::Other => checks.push(Check::problem(
            "registry",
            format!("{name}: its key is not the one that was pinned"),
            "compare with the operator before trusting the new key",
        )),
        KeyState::Unpinned => checks.push(Check::problem(
            "registry",
            format!("{name}: no key is pinned"),
            format!("skill registry add {name} {} --key VKEY", registry.url),
        )),
    }
    if !health.supported {
        let message = format!("{name}: it needs client {} or newer", health.min_client);
        checks.push(Check::problem("registry", message, "update skill"));
    }
    let side = |skew: i64| if skew > 0 { "ahead of" } else { "behind" };
    match health.clock_skew_s {
        Some(skew) if skew.unsigned_abs() > MAX_SKEW => checks.push(Check::problem(
            "clock",
            format!("{name}: its clock is {} s {} ours", skew.unsigned_abs(), side(skew)),
            "set the clock of this machine; the registry will refuse what is signed here",
        )),
        Some(skew) if skew.unsigned_abs() > FINE_SKEW => checks.push(Check::warning(
            "clock",
            format!("{name}: its clock is {} s {} ours", skew.unsigned_abs(), side(skew)),
            "set the clock of this machine",
        )),
        _ => {}
    }
    checks
}

async fn token(context: &Context, registry: &Registry) -> Option<Check> {
    let name = registry.label();
    match credentials::token(context, registry) {
        Ok(None) => return None,
        Err(fault) => return Some(Check::of_fault("tokens", &fault)),
        Ok(Some(_)) => {}
    }
    let api = context.api(registry).ok()?;
    Some(match api.whoami().await {
        Err(error) => Check::problem("tokens", format!("{name}: {error:#}"), "skill login"),
        Ok(who) if who.token.expires.unix() < context.clock.now().unix() + SOON => {
            let message = format!("{name}: the token of {} expires on {}", who.user, who.token.expires);
            Check::warning("tokens", message, "make a new one with skill token new, then skill login")
        }
        Ok(who) => Check::ok("tokens", format!("{name}: signed in as {}", who.user)),
    })
}

#[cfg(test)]
mod tests {
    use skill_schema::{Limits, Version, api::well_known};

    use super::{super::State, *};

    fn states(health: &Health) -> Vec<State> {
        let registry = Registry { name: Some("main".into()), ..Registry::unknown("u".into()) };
        judge(&registry, health).iter().map(|check| check.state).collect()
    }

    #[test]
    fn what_keeps_a_registry_from_being_used_is_a_problem() {
        let fine = Health {
            origin: "o".into(),
            latency_ms: 1,
            key: KeyState::Pinned,
            auth: well_known::Auth::Public,
            clock_skew_s: Some(1),
            min_client: Version::new(0, 1, 0),
            supported: true,
            limits: Limits::V1.into(),
        };
        assert_eq!(states(&fine), [State::Ok]);
        assert_eq!(states(&Health { key: KeyState::Other, ..fine.clone() }), [State::Ok, State::Problem]);
        assert_eq!(states(&Health { clock_skew_s: Some(-61), ..fine.clone() }), [State::Ok, State::Warning]);
        assert_eq!(states(&Health { clock_skew_s: Some(901), ..fine.clone() }), [State::Ok, State::Problem]);
        assert_eq!(states(&Health { supported: false, ..fine }), [State::Ok, State::Problem]);
    }
}
