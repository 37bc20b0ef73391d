//! After the loop: the gate, the best version as a folder and as a branch, the page, and what is said.

use std::{fs, path::Path};

use skill_engine::improve::{
    Entry, Journal, State, Stop,
    git::{Commit, Git, files_of},
    report, results,
    shop::{PAGE, RESULTS, write_to},
};
use skill_schema::{Fault, codes, codes::Exit};

use super::{
    gate::{self, Outcome},
    setup::Work,
    show,
};
use crate::{
    context::Context,
    files::{self, Durable, Mode},
    report::Done,
};

/// The log of what was tried, beside the suite, so that it travels with it.
pub const TRIED: &str = "tried.tsv";
/// Bytes of such a log that are read.
pub const MAX_TRIED: usize = 16 << 20;
/// Files of a suite that are copied at most.
const MAX_FILES: usize = 10_000;

/// Ends the command.
///
/// # Errors
/// The gate's refusals; [`codes::NOT_IMPROVED`], [`codes::NO_SIGNAL`], [`codes::BUDGET`]; what cannot be written.
pub async fn finish(
    context: &Context,
    work: &Work,
    (mut journal, mut state): (Journal, State),
    stop: &Stop,
    no_gate: bool,
) -> anyhow::Result<()> {
    let improved = state.best().exp != 0;
    let mut refused = None;
    if improved && !no_gate && *stop != Stop::Person {
        refused = match gate::decide(context, work, &state).await? {
            Outcome::Decided(gated, verdict) => {
                let entry = Entry::Gated(gated);
                journal.append(&entry)?;
                state.apply(&entry);
                verdict.fault()
            }
            Outcome::Spent(gated) => gate::again(&gated),
            Outcome::Capped(cap) => Some(capped(&format!("{cap:?}").to_lowercase())),
        };
    }
    let place = if improved { Some(publishable(context, work, &state)?) } else { None };
    let page = work.shop.root().join(PAGE);
    files::replace(&page, report::page(&state, stop, &patch(work, &state)?).as_bytes(), Mode::Normal, Durable::No)?;
    files::replace(&work.shop.root().join(RESULTS), results::text(&state).as_bytes(), Mode::Normal, Durable::Yes)?;
    show::result(context, work, &state, stop, place.as_ref(), &page);
    match (stop, refused) {
        (Stop::Person, _) => Err(Done(Exit::Interrupted).into()),
        (_, Some(fault)) => Err(fault.into()),
        (_, None) if improved => Ok(()),
        (Stop::NoSignal, None) => Err(Fault::new(codes::NO_SIGNAL).into()),
        (Stop::Cap(cap), None) => Err(capped(cap).into()),
        (other, None) => Err(Fault::new(codes::NOT_IMPROVED).detail(other.sentence()).into()),
    }
}

fn capped(cap: &str) -> Fault {
    Fault::new(codes::BUDGET).detail(format!("the cap on {cap}"))
}

/// The winner's patch against the start.
fn patch(work: &Work, state: &State) -> Result<String, Fault> {
    let (start, best) = (work.shop.pack(0)?, work.shop.pack(state.best().exp)?);
    Ok(skill_engine::improve::patch(&start, &best))
}

/// Where the best version is.
pub struct Place {
    /// As a folder with its suite.
    pub folder: String,
    /// The repository that has the branch.
    pub repository: String,
    /// The branch.
    pub branch: String,
}

/// The best version as a folder that can be published, and as a branch.
fn publishable(context: &Context, work: &Work, state: &State) -> Result<Place, Fault> {
    let best = work.shop.pack(state.best().exp)?;
    let leaf = work.source.file_name().unwrap_or_default();
    let folder = work.shop.root().join("best").join(leaf);
    write_to(&folder, &best)?;
    let evals = work.source.join("evals");
    if evals.is_dir() {
        let mut left = MAX_FILES;
        copy(&evals, &folder.join("evals"), &mut left).map_err(|e| files::fault(&evals, &e))?;
    }
    let before = files::read_text(&evals.join(TRIED), MAX_TRIED)?.unwrap_or_default();
    let tried = results::tried(&before, state);
    files::replace(&folder.join("evals").join(TRIED), tried.as_bytes(), Mode::Normal, Durable::No)?;
    let branch = format!("improve/{}", state.begin.tag);
    let repository = match Git::around(&work.source, context.env.path.as_ref()) {
        Some((git, prefix)) => {
            into(&git, &prefix, work, state, &tried)?;
            git.folder().display().to_string()
        }
        None => work.shop.repository().folder().display().to_string(),
    };
    Ok(Place { folder: folder.display().to_string(), repository, branch })
}

/// Writes the chain of kept versions as a branch of the user's repository, upon what is checked out there. Nothing that is checked out
/// changes.
fn into(git: &Git, prefix: &str, work: &Work, state: &State, tried: &str) -> Result<(), Fault> {
    let branch = format!("refs/heads/improve/{}", state.begin.tag);
    let scratch = format!("refs/skill/improve/{}", state.begin.tag);
    let head = git.resolve("HEAD");
    let mut parents: Vec<String> = head.iter().cloned().collect();
    let mut before = work.shop.pack(0)?;
    let commit = |reference: &str, parents: &[String], message: &str, removed: &[String], files: &[_], when| {
        git.commit(&Commit { reference, parents, when, message, prefix, removed, files })
    };
    // The start as it was measured, if it is not what is committed.
    let start = commit(
        &scratch,
        &parents,
        "The start of skill improve, as it was measured\n",
        &[],
        &files_of(&before),
        state.begin.when,
    )?;
    let tree = |name: &str| git.resolve(&format!("{name}^{{tree}}"));
    if head.as_deref().is_none_or(|head| tree(head) != tree(&start)) {
        parents = vec![start];
    }
    let chain = state.chain(state.best());
    for (n, version) in chain.iter().enumerate() {
        let after = work.shop.pack(version.exp)?;
        let mut files = files_of(&after);
        let gone = |path: &String| after.package.file(path).is_none();
        let removed: Vec<String> = files_of(&before).into_iter().map(|(path, ..)| path).filter(gone).collect();
        if n + 1 == chain.len() {
            files.push((format!("evals/{TRIED}"), tried.as_bytes().to_vec(), false));
        }
        let row = state.experiments.iter().find(|experiment| experiment.exp == version.exp);
        let message = row.map_or_else(String::new, |row| {
            format!("{}: {}\n\nExperiment {} of improve/{}.\n", row.operator.word(), row.idea, row.exp, state.begin.tag)
        });
        parents = vec![commit(&scratch, &parents, &message, &removed, &files, state.begin.when)?];
        before = after;
    }
    match parents.first() {
        Some(last) => git.point(&branch, last),
        None => Ok(()),
    }
}

/// Copies regular files; links and special files are left out, as in a packed suite.
fn copy(from: &Path, to: &Path, left: &mut usize) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        *left = left.checked_sub(1).ok_or_else(|| std::io::Error::other("too many files"))?;
        if kind.is_dir() {
            copy(&entry.path(), &target, left)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
