//! `skill registry ping`.

use serde::Serialize;
use skill_schema::{
    Fault,
    api::well_known,
    codes::{self, escape},
};

use crate::{
    context::Context,
    first_contact::{self, Health, KeyState, MAX_SKEW},
    output,
};

/// Test a registry: is it there, is it the right one, does it serve this client, do the clocks agree?
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill registry ping                            the default registry
  skill registry ping acme --json
  skill registry ping https://skills.example     one that is not configured")]
pub struct Args {
    /// Name or address of the registry.
    name: Option<String>,
}

#[derive(Serialize)]
struct Result {
    name: Option<String>,
    url: String,
    #[serde(flatten)]
    health: Health,
}

/// Tests a registry.
pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let registry = match &args.name {
        Some(name) => context.config.registry(name)?,
        None => context.default_registry()?,
    };
    let health = first_contact::examine(context, &registry).await?;
    let result = Result { name: registry.name.clone(), url: registry.url.clone(), health };
    // With --json a failure is one document: the error.
    let failure = failure(&result);
    if !(context.output.json() && failure.is_some()) {
        context.output.result_or("skill.registry.ping/1", &result, |out| out.table(&["what", "value"], &rows(&result)));
    }
    failure.map_or(Ok(()), |fault| Err(fault.into()))
}

fn failure(result: &Result) -> Option<Fault> {
    if result.health.key == KeyState::Other {
        return Some(Fault::new(codes::REGISTRY_KEY).at(&result.url));
    }
    let detail = format!("it needs {}, this is {}", result.health.min_client, env!("CARGO_PKG_VERSION"));
    (!result.health.supported).then(|| Fault::new(codes::MIN_CLIENT).at(&result.url).detail(detail))
}

fn rows(result: &Result) -> Vec<Vec<String>> {
    let health = &result.health;
    let limits = health.limits;
    let key = match health.key {
        KeyState::Pinned => "the pinned one",
        KeyState::Other => "NOT the pinned one",
        KeyState::Unpinned => "none is pinned",
    };
    let auth = match health.auth {
        well_known::Auth::Public => "anybody may read",
        well_known::Auth::Required => "reading needs a token",
    };
    let packages = format!(
        "{} compressed, {} unpacked, {} files",
        output::bytes(limits.archive),
        output::bytes(limits.unpacked),
        limits.files
    );
    let row = |what: &str, value: String| vec![what.to_owned(), escape(&value)];
    vec![
        row("registry", result.name.clone().unwrap_or_else(|| "not configured".to_owned())),
        row("address", result.url.clone()),
        row("log", health.origin.clone()),
        row("key", key.to_owned()),
        row("answers in", format!("{} ms", health.latency_ms)),
        row("access", auth.to_owned()),
        row("clock", clock(health.clock_skew_s)),
        row("oldest client", health.min_client.to_string()),
        row("packages up to", packages),
    ]
}

/// How the registry's clock compares with ours, in words.
fn clock(skew: Option<i64>) -> String {
    match skew {
        None => "not shown".to_owned(),
        Some(-2..=2) => "agrees with ours".to_owned(),
        Some(seconds) => {
            let side = if seconds > 0 { "ahead of" } else { "behind" };
            let much = if seconds.unsigned_abs() > MAX_SKEW { "; it will refuse what is signed here" } else { "" };
            format!("{} s {side} ours{much}", seconds.unsigned_abs())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_s_difference_is_said_in_words() {
        assert_eq!(clock(Some(1)), "agrees with ours");
        assert_eq!(clock(Some(-90)), "90 s behind ours");
        assert_eq!(clock(Some(1000)), "1000 s ahead of ours; it will refuse what is signed here");
        assert_eq!(clock(None), "not shown");
    }
}
