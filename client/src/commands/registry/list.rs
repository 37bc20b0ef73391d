//! `skill registry ls`.

use serde::Serialize;

use super::scopes_of;
use crate::{config::credentials, context::Context};

/// Show the configured registries.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill registry ls
  skill registry ls --json")]
pub struct Args {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    items: Vec<Item>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    name: String,
    url: String,
    key: Option<String>,
    /// Whether it answers for all scopes that no other one answers for.
    default: bool,
    scopes: Vec<String>,
    /// Whether a token is stored for it.
    signed_in: bool,
    /// The file that names it.
    origin: Option<String>,
}

/// Lists the registries.
pub(super) fn run(_: &Args, context: &Context) -> anyhow::Result<()> {
    let mut registries = Vec::new();
    for registry in context.config.registries()? {
        let mut scopes = scopes_of(context, &registry);
        let default = scopes.iter().any(|scope| scope == "*");
        scopes.retain(|scope| scope != "*");
        let signed_in = credentials::stored(&context.env, &registry.url)?.is_some();
        let name = registry.name.unwrap_or_default();
        let origin = context.config.get(&format!("registries.{name}.url")).map(|setting| setting.origin.to_string());
        registries.push(Item { name, url: registry.url, key: registry.key, default, scopes, signed_in, origin });
    }
    let list = List { items: registries };
    context.output.result_or("skill.registry.ls/1", &list, |out| {
        if list.items.is_empty() {
            out.hint("skill registry add NAME URL --key VKEY --default");
            return;
        }
        let rows: Vec<Vec<String>> = list.items.iter().map(row).collect();
        out.table(&["name", "address", "answers for", "signed in", "key"], &rows);
    });
    Ok(())
}

fn row(item: &Item) -> Vec<String> {
    let mut scopes = item.scopes.clone();
    scopes.extend(item.default.then(|| "* (default)".to_owned()));
    let scopes = if scopes.is_empty() { "-".to_owned() } else { scopes.join(", ") };
    let signed_in = if item.signed_in { "yes" } else { "no" };
    let key = item.key.clone().unwrap_or_else(|| "none pinned".to_owned());
    vec![item.name.clone(), item.url.clone(), scopes, signed_in.to_owned(), key]
}
