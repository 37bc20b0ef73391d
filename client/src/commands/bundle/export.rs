//! `skill bundle export`: what a project has locked, in one file.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Serialize;
use skill_bundle::{hash::sha256, log::merkle::leaf_hash};
use skill_schema::{Digest, Fault, Limits, Scope, SkillId, codes, lock::Locked, name::OPERATOR};

use crate::{
    api::download::Wanted,
    catalogue::{self, Catalogue, Entry, Source},
    context::Context,
    export::{Export, Link, Skill},
    files::{self, Durable, Mode},
    output::{bytes, count},
    progress::Progress,
    store::Store,
    workspace::{self, Access, Workspace},
};

/// Write the locked skills with their signatures and proofs into one file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill bundle export -o skills.json               everything that this project has locked
  skill bundle export acme/notes -o notes.json     one skill and what it needs
On the other machine:
  skill registry add main https://skills.example --key VKEY --default --offline
  skill bundle import skills.json
  skill sync --offline")]
pub struct Args {
    /// Only these skills, and what they need.
    #[arg(value_name = "SCOPE/NAME")]
    skills: Vec<SkillId>,
    /// The file to write.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// What is installed for all projects.
    #[arg(long, short)]
    global: bool,
    /// Replace the file if it exists.
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Result {
    file: String,
    size: u64,
    origin: String,
    log_size: u64,
    skills: Vec<Skill>,
}

/// Writes a file.
///
/// # Errors
/// [`codes::NOT_INSTALLED`] for a skill that is not locked, [`codes::EXISTS`], [`codes::OFFLINE`]; [`codes::EXPORT`] for skills of several
/// registries; as [`Catalogue::reachable`].
pub(super) async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let place = args.output.display().to_string();
    if args.output.exists() && !args.force {
        return Err(Fault::new(codes::EXISTS).at(place).detail("--force replaces it").into());
    }
    let workspace = Workspace::open_existing(context, args.global, Access::Read)?;
    let locked = chosen(&args, &workspace)?;
    let catalogue = Catalogue::new(context);
    let ids = locked.iter().map(|one| (one.name.clone(), workspace::registry_of(&context.config, one))).collect();
    let entries = catalogue.entries(&ids).await?;
    let source = source(&locked, &entries)?;
    let mut export = begin(context, &source).await?;
    for one in &locked {
        let entry = entries.get(&one.name).ok_or_else(|| Fault::new(codes::NOT_FOUND).at(one.name.to_string()))?;
        add_skill(context, &mut export, entry, one).await?;
    }
    let json = export.to_json()?;
    files::replace(&args.output, &json, Mode::Normal, Durable::Yes)?;
    let log_size = source.log.checkpoint()?.map_or(0, |signed| signed.checkpoint.size);
    let result =
        Result { file: place, size: json.len() as u64, origin: export.origin, log_size, skills: export.skills };
    context.output.result_or("skill.bundle.export/1", &result, |out| {
        let skills = count(result.skills.len(), "skill");
        out.status("Exported", format!("{skills} to {} ({})", result.file, bytes(result.size)));
        out.hint(format!("skill bundle verify {}   checks it, also without a network", result.file));
    });
    Ok(())
}

/// The locked skills to export, sorted: all from registries, or the named ones with what they need.
fn chosen(args: &Args, workspace: &Workspace) -> std::result::Result<Vec<Locked>, Fault> {
    let lock = workspace.lock.clone().unwrap_or_default();
    let mut locked: Vec<Locked> = lock.skills.iter().filter(|one| one.path().is_none()).cloned().collect();
    if !args.skills.is_empty() {
        for id in &args.skills {
            let known = locked.iter().any(|one| one.name == *id);
            if !known {
                return Err(Fault::new(codes::NOT_INSTALLED).at(id.to_string()));
            }
        }
        let needed: Vec<&SkillId> = args.skills.iter().flat_map(|id| workspace::reachable(&lock, id)).collect();
        locked.retain(|one| needed.contains(&&one.name));
    }
    locked.sort_by(|a, b| a.name.cmp(&b.name));
    if locked.is_empty() {
        return Err(Fault::new(codes::EXPORT).detail("nothing is locked that comes from a registry"));
    }
    Ok(locked)
}

/// The one registry of all skills.
fn source(locked: &[Locked], entries: &BTreeMap<SkillId, Entry>) -> std::result::Result<std::rc::Rc<Source>, Fault> {
    let mut sources = locked.iter().filter_map(|one| entries.get(&one.name)).map(|entry| &entry.source);
    let first = sources.next().ok_or_else(|| Fault::new(codes::NOT_FOUND).at(locked[0].name.to_string()))?;
    match sources.find(|other| other.origin != first.origin) {
        Some(other) => {
            let detail = format!("they come from {} and {}; export each by itself", first.origin, other.origin);
            Err(Fault::new(codes::EXPORT).detail(detail))
        }
        None => Ok(first.clone()),
    }
}

/// A file with the checkpoint and the operator's chain.
async fn begin(context: &Context, source: &Source) -> anyhow::Result<Export> {
    source.operator(context).await?;
    // Everything is fetched by now: one more look, so that the checkpoint covers all of it.
    source.log.refresh(source.api()?).await?;
    let checkpoint = source.log.checkpoint()?.map(|signed| signed.to_string()).unwrap_or_default();
    let mut export = Export::new(&source.origin, checkpoint);
    add_chain(context, &mut export, source, OPERATOR).await?;
    Ok(export)
}

/// A chain as it was verified, with the proof of its end.
async fn add_chain(context: &Context, export: &mut Export, source: &Source, name: &str) -> anyhow::Result<()> {
    if export.chains.contains_key(name) {
        return Ok(());
    }
    let store = Store::new(&context.env);
    let mut links = Vec::new();
    for line in catalogue::seen(context, &source.origin, name)? {
        links.push(Link { log: line.log, envelope: statement(&store, &line.stmt)? });
    }
    if let Some(last) = links.last() {
        add_proof(export, source, &last.envelope, last.log).await?;
    }
    export.chains.insert(name.to_owned(), links);
    Ok(())
}

async fn add_proof(export: &mut Export, source: &Source, envelope: &str, log: u64) -> anyhow::Result<()> {
    let leaf = leaf_hash(envelope.as_bytes());
    let proof = source.log.prove_now(source.api()?, &leaf, log).await?;
    export.proofs.insert(leaf.to_string(), proof.to_string());
    Ok(())
}

fn statement(store: &Store, digest: &Digest) -> std::result::Result<String, Fault> {
    let missing = || Fault::new(codes::OFFLINE).at(format!("statement sha256:{digest}"));
    let bytes = store.statement(digest)?.ok_or_else(missing)?;
    String::from_utf8(bytes).map_err(|_| Fault::new(codes::ENVELOPE).at(digest.to_string()))
}

async fn add_skill(context: &Context, export: &mut Export, entry: &Entry, locked: &Locked) -> anyhow::Result<()> {
    let scope: &Scope = &locked.name.scope;
    let source = &entry.source;
    add_chain(context, export, source, scope.as_str()).await?;
    let place = format!("{}@{}", locked.name, locked.version);
    let found = entry.version(&locked.version).ok_or_else(|| Fault::new(codes::NO_VERSION).at(&place))?;
    let (line, published) = found;
    let store = Store::new(&context.env);
    let log = entry.chain.log(published.release.seq).unwrap_or(line.log);
    add_proof(export, source, &statement(&store, &published.release.envelope)?, log).await?;
    let path = store.archive(&line.sha256);
    let cached = files::read(&path, Limits::V1.archive)?.filter(|bytes| sha256(bytes) == line.sha256);
    let archive = if let Some(bytes) = cached {
        bytes
    } else {
        let progress = Progress::bytes(&context.output, "Downloading", line.size);
        source.api()?.download(Wanted { digest: line.sha256, size: line.size }, &path, &progress).await?
    };
    export.put_archive(&line.sha256, &archive);
    export.indexes.insert(locked.name.clone(), entry.index.render());
    export.skills.push(Skill { name: locked.name.clone(), version: locked.version.clone() });
    Ok(())
}
