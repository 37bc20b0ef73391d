//! `skill cache verify`: everything hashed again.

use serde::Serialize;
use skill_bundle::hash::sha256;
use skill_schema::{Digest, Fault, Limits, codes, codes::Exit};

use super::title;
use crate::{
    context::Context,
    files,
    output::count,
    report::Done,
    store::{self, State, Store},
};

#[derive(Serialize)]
struct Verified {
    ok: bool,
    skills: usize,
    downloads: usize,
    damaged: Vec<Damaged>,
}

#[derive(Serialize)]
struct Damaged {
    path: String,
    name: Option<String>,
}

pub(super) fn run(context: &Context) -> anyhow::Result<()> {
    let store = Store::new(&context.env);
    let mut result = Verified { ok: true, skills: 0, downloads: 0, damaged: Vec::new() };
    for tree in store.trees()? {
        result.skills += 1;
        if store.hashed(&tree)? == State::Damaged {
            let path = store.path(&tree).display().to_string();
            result.damaged.push(Damaged { path, name: title(&store, &tree)? });
        }
    }
    for name in store::names(store.archives())? {
        let Some(digest) = name.strip_suffix(".tar.gz").and_then(|hex| hex.parse::<Digest>().ok()) else { continue };
        let path = store.archives().join(&name);
        result.downloads += 1;
        let bytes = files::read(&path, Limits::V1.archive)?;
        if bytes.is_none_or(|bytes| sha256(&bytes) != digest) {
            result.damaged.push(Damaged { path: path.display().to_string(), name: None });
        }
    }
    result.ok = result.damaged.is_empty();
    if context.output.json() {
        context.output.result("skill.cache.verify/1", &result);
        return if result.ok { Ok(()) } else { Err(Done(Exit::Integrity).into()) };
    }
    for damaged in &result.damaged {
        let name = damaged.name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
        context.output.status_warn("Damaged", format!("{}{name}", damaged.path));
    }
    if !result.ok {
        let n = count(result.damaged.len(), "damaged item");
        return Err(Fault::new(codes::VERIFY_FAILED).at("the store").detail(n).into());
    }
    let (skills, downloads) = (count(result.skills, "skill"), count(result.downloads, "download"));
    context.output.status("Verified", format!("{skills} and {downloads}"));
    Ok(())
}
