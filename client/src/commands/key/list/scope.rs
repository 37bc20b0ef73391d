//! `skill key ls SCOPE`.

use std::collections::BTreeMap;

use serde::Serialize;
use skill_bundle::chain::Chain;
use skill_schema::{Digest, Fault, Scope, statement::Role, time::Timestamp};

use super::super::change;
use crate::{
    context::Context,
    signing,
    statements::{Signing, role_names},
};

#[derive(Serialize)]
struct List {
    scope: String,
    /// How many owner keys must sign a change of the scope.
    threshold: u64,
    keys: Vec<Key>,
    recovery: Vec<Recovery>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    keyid: Digest,
    public: String,
    roles: Vec<Role>,
    valid_from: Timestamp,
    /// Whether it counts by now.
    valid: bool,
    /// What it is called here, if it is.
    name: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Recovery {
    keyid: Digest,
    public: String,
    delay_hours: u64,
    name: Option<String>,
}

/// Lists a scope's keys.
pub(super) async fn run(scope: &Scope, context: &Context) -> anyhow::Result<()> {
    let signing = Signing::start(context, scope, None).await?;
    let list = list(signing.chain(), &names(context)?, context.clock.now())?;
    context.output.result_or("skill.key.scope/1", &list, |out| {
        let owners = list.keys.iter().filter(|key| key.valid && key.roles.contains(&Role::Owner)).count();
        out.status("Threshold", format!("{} of {owners} owner keys sign a change of {scope}", list.threshold));
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
        let key = |key: &Key| {
            let state = if key.valid { "valid".to_owned() } else { format!("valid from {}", key.valid_from) };
            vec![name(&key.name), key.keyid.to_string(), role_names(&key.roles), state]
        };
        let recovery = |key: &Recovery| {
            let delay = format!("delay of {} hours", key.delay_hours);
            vec![name(&key.name), key.keyid.to_string(), "recovery".to_owned(), delay]
        };
        let rows: Vec<_> = list.keys.iter().map(key).chain(list.recovery.iter().map(recovery)).collect();
        out.table(&["yours", "key id", "roles", "state"], &rows);
    });
    Ok(())
}

fn list(chain: &Chain, names: &BTreeMap<Digest, String>, now: Timestamp) -> Result<List, Fault> {
    let latest = change::latest(chain)?;
    let keys = chain.keys().iter().map(|(keyid, key)| Key {
        keyid: *keyid,
        public: key.public.to_text(),
        roles: key.roles.clone(),
        valid_from: key.valid_from,
        valid: key.valid_from <= now,
        name: names.get(keyid).cloned(),
    });
    let recovery = chain.recovery_keys().map(|(key, delay_hours)| Recovery {
        keyid: key.keyid(),
        public: key.to_text(),
        delay_hours,
        name: names.get(&key.keyid()).cloned(),
    });
    Ok(List {
        scope: chain.scope().to_string(),
        threshold: latest.policy.threshold,
        keys: keys.collect(),
        recovery: recovery.collect(),
    })
}

/// The names of our keys by their ids.
fn names(context: &Context) -> Result<BTreeMap<Digest, String>, Fault> {
    let stored = signing::list(&context.env)?;
    Ok(stored.into_iter().filter_map(|key| Some((key.keyid()?, key.name))).collect())
}
