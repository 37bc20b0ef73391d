//! `skill verify`: digests, signatures, proofs, lock and files, all recomputed.

mod evidence;

use std::{collections::BTreeMap, path::Path};

use serde::Serialize;
use skill_bundle::{Package, log::merkle::leaf_hash, tree};
use skill_schema::{Fault, Limits, SkillId, Version, codes, codes::Exit};

use crate::{
    catalogue::Catalogue,
    context::Context,
    files,
    install::{Chains, Evidence, check_evidence},
    listing::{self, EntryState, Installed},
    output::count,
    report::Done,
    store::{State, Store},
    workspace::{Access, Workspace, lock_problem},
};

/// Check every installed file against skills.lock and its publisher's signature.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "\
Examples:
  skill verify                             needs no network
  skill verify --strict                    also fail where a signature was never fetched
  skill verify --json
  skill verify evidence FILE               that a registry has shown two histories",
    args_conflicts_with_subcommands = true
)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// What is installed for all projects.
    #[arg(long, short)]
    global: bool,
    /// Fail also if the lock is out of date, an entry is missing, or a signature was never fetched or is none (from a path).
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Evidence(evidence::Args),
}

#[derive(Serialize)]
struct Result {
    ok: bool,
    code: Option<&'static str>,
    items: Vec<Item>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    id: SkillId,
    version: Version,
    ok: bool,
    files: u64,
    /// Whether it was installed from a path: only its files can be checked, since nobody signed it.
    local: bool,
    /// Ids of the keys whose signatures hold.
    signed_by: Vec<String>,
    problems: Vec<Problem>,
}

#[derive(Serialize)]
struct Problem {
    code: &'static str,
    path: Option<String>,
    message: String,
    /// Whether only `--strict` minds.
    minor: bool,
}

impl Problem {
    fn of(fault: &Fault) -> Self {
        Self { code: fault.code.id, path: fault.place.clone(), message: fault.sentence(), minor: false }
    }
}

/// Runs `skill verify`.
///
/// # Errors
/// [`codes::VERIFY_FAILED`] if anything differs; [`codes::LOCK_FILE`], [`codes::PROJECT`].
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    if let Some(Command::Evidence(args)) = &args.command {
        return evidence::run(args, context);
    }
    let workspace = Workspace::open_existing(context, args.global, Access::Read)?;
    let outdated = workspace.lock.as_ref().and_then(|lock| lock_problem(&workspace.roots(&context.config), lock));
    if let Some(problem) = outdated.filter(|_| args.strict) {
        return Err(Fault::new(codes::LOCK_OUTDATED).detail(problem).into());
    }
    let catalogue = Catalogue::new(context);
    let chains = Chains::default();
    let mut items = Vec::new();
    for skill in listing::installed(context, &workspace)? {
        items.push(examine(&catalogue, &chains, &skill, args.strict).await?);
    }
    let ok = items.iter().all(|item| item.ok);
    let result = Result { ok, code: (!ok).then_some(codes::VERIFY_FAILED.id), items };
    if context.output.json() {
        context.output.result("skill.verify/1", &result);
        return if ok { Ok(()) } else { Err(Done(Exit::Integrity).into()) };
    }
    talk(context, &result);
    let bad = result.items.iter().filter(|item| !item.ok).count();
    if bad > 0 {
        let detail = format!("{bad} of {}", count(result.items.len(), "skill"));
        return Err(Fault::new(codes::VERIFY_FAILED).detail(detail).into());
    }
    Ok(())
}

fn talk(context: &Context, result: &Result) {
    for item in &result.items {
        let name = format!("{} {}", item.id, item.version);
        if item.ok {
            let keys: Vec<&str> = item.signed_by.iter().map(|id| &id[..12]).collect();
            let signed = if item.local {
                ", local, not signed".to_owned()
            } else if keys.is_empty() {
                String::new()
            } else {
                format!(", signed by key {}", keys.join(", "))
            };
            let files = count(usize::try_from(item.files).unwrap_or(usize::MAX), "file");
            context.output.status("Verified", format!("{name}   {files}{signed}"));
        } else {
            context.output.status_warn("Failed", &name);
        }
        for problem in &item.problems {
            context.output.note(&problem.message);
        }
    }
}

async fn examine(catalogue: &Catalogue<'_>, chains: &Chains, skill: &Installed, strict: bool) -> anyhow::Result<Item> {
    let context = catalogue.context();
    let store = Store::new(&context.env);
    let locked = &skill.locked;
    let mut item = Item {
        id: locked.name.clone(),
        version: locked.version.clone(),
        ok: true,
        files: 0,
        local: false,
        signed_by: Vec::new(),
        problems: Vec::new(),
    };
    match check_evidence(context, &store, chains, locked) {
        Ok(Evidence::Proven) => match signature(catalogue, skill).await {
            Ok(signers) => item.signed_by = signers,
            Err(fault) => item.problems.push(Problem::of(&fault)),
        },
        Ok(Evidence::Unknown) => item.problems.push(Problem {
            code: codes::OFFLINE.id,
            path: None,
            message: "its signature was never fetched; skill sync does".to_owned(),
            minor: true,
        }),
        Ok(Evidence::Local) => item.local = true,
        Err(fault) => item.problems.push(Problem::of(&fault)),
    }
    if item.local && strict {
        let message = "it was installed from a path, and nobody signed it".to_owned();
        item.problems.push(Problem { code: codes::SIGNATURE.id, path: None, message, minor: true });
    }
    let state = store.hashed(&locked.tree)?;
    if state == State::Intact {
        item.files = files::count(&store.path(&locked.tree))? as u64;
    }
    for entry in &skill.entries {
        let linked = matches!(entry.found, crate::install::Found::Link(tree) if tree == locked.tree);
        let entry_state = match (linked, state) {
            (true, State::Damaged) => EntryState::Changed,
            (true, State::Missing) => EntryState::Missing,
            (true, State::Intact) => EntryState::Ok,
            (false, _) => skill.state(entry),
        };
        item.problems.extend(entry_problems(&store, skill, &entry.path, entry_state)?);
    }
    item.ok = item.problems.iter().all(|problem| problem.minor && !strict);
    Ok(item)
}

/// The keys whose signatures hold for the locked version, by the chain as this machine last verified it, verified again; and the proof
/// that the release is in the log.
async fn signature(catalogue: &Catalogue<'_>, skill: &Installed) -> std::result::Result<Vec<String>, Fault> {
    let locked = &skill.locked;
    let place = || format!("{}@{}", locked.name, locked.version);
    let (log, chain) = catalogue.remembered(&locked.origin, &locked.name.scope).await?;
    let published = chain
        .chain
        .release(&locked.name.name, &locked.version)
        .ok_or_else(|| Fault::new(codes::CHAIN).at(place()).detail("it is not in its scope's chain"))?;
    if published.tree != locked.tree {
        return Err(Fault::new(codes::TREE).at(place()));
    }
    chain.chain.state(published)?;
    let store = Store::new(&catalogue.context().env);
    if let Some(signed) = &locked.signed
        && let Some(envelope) = store.statement(&signed.statement)?
        && log.proof(&leaf_hash(&envelope), signed.log)?.is_none()
    {
        return Err(Fault::new(codes::PROOF)
            .at(place())
            .detail("the kept proof does not hold; skill sync fetches it again"));
    }
    Ok(published.release.signers.iter().map(ToString::to_string).collect())
}

/// What is wrong with an entry, file by file where that is known.
fn entry_problems(
    store: &Store,
    skill: &Installed,
    path: &Path,
    state: EntryState,
) -> std::result::Result<Vec<Problem>, Fault> {
    let shown = path.display().to_string();
    let one = |code: &'static skill_schema::Code, message: String, minor| {
        vec![Problem { code: code.id, path: Some(shown.clone()), message, minor }]
    };
    Ok(match state {
        EntryState::Ok => Vec::new(),
        EntryState::Missing => one(codes::DRIFT, format!("{shown}: it is not there"), true),
        EntryState::Other => one(codes::DRIFT, format!("{shown}: another version is there"), false),
        EntryState::Foreign => one(codes::FOREIGN_FOLDER, format!("{shown}: skill did not put it there"), false),
        EntryState::Changed => {
            let changes = file_changes(store, skill, path)?;
            if changes.is_empty() {
                return Ok(one(codes::TREE, format!("{shown}: it was changed"), false));
            }
            let problem = |(file, what): (String, &str)| Problem {
                code: codes::TREE.id,
                path: Some(path.join(&file).display().to_string()),
                message: format!("{}: {what}", path.join(&file).display()),
                minor: false,
            };
            changes.into_iter().map(problem).collect()
        }
    })
}

/// The files that differ from the archive, if that is still in the cache.
fn file_changes(
    store: &Store,
    skill: &Installed,
    path: &Path,
) -> std::result::Result<Vec<(String, &'static str)>, Fault> {
    let Some(bytes) = files::read(&store.archive(&skill.locked.archive), Limits::V1.archive)? else {
        return Ok(Vec::new());
    };
    let Ok(package) = Package::open(bytes, &Limits::V1) else { return Ok(Vec::new()) };
    if package.tree() != skill.locked.tree {
        return Ok(Vec::new());
    }
    let Ok(real) = path.canonicalize() else { return Ok(Vec::new()) };
    let Ok(found) = tree::entries_of_dir(&real) else { return Ok(Vec::new()) };
    let mut found: BTreeMap<String, tree::Entry> = found.into_iter().map(|entry| (entry.path.clone(), entry)).collect();
    let mut changes = Vec::new();
    for file in package.files() {
        let expected = tree::Entry::of(file);
        match found.remove(&expected.path) {
            None => changes.push((expected.path, "it is missing")),
            Some(entry) if entry != expected => changes.push((expected.path, "it was changed")),
            Some(_) => {}
        }
    }
    changes.extend(found.into_keys().map(|path| (path, "it was added")));
    Ok(changes)
}
