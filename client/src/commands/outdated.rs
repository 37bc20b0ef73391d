//! `skill outdated`: what could be newer, and what is advised against.

use std::collections::BTreeMap;

use serde::Serialize;
use skill_schema::{
    SkillId, Version, VersionReq,
    codes::Exit,
    index::{self, LineStatus, PackageStatus, Score, latest},
};

use crate::{
    catalogue::{Catalogue, Entry},
    context::Context,
    report::Done,
    resolve::satisfies,
    scores,
    workspace::{Access, Workspace, registry_of},
};

/// Show which locked skills have newer versions, or were yanked or deprecated.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill outdated
  skill outdated --exit-code               end with exit code 8 if there is anything")]
pub struct Args {
    /// What is installed for all projects.
    #[arg(long, short)]
    global: bool,
    /// End with exit code 8 if anything is outdated.
    #[arg(long)]
    exit_code: bool,
}

#[derive(Serialize)]
struct Result {
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    id: SkillId,
    current: Version,
    /// The highest release that the range allows.
    wanted: Option<Version>,
    /// The highest release.
    latest: Option<Version>,
    /// Whether the current version was yanked or withdrawn, or its signing key revoked.
    withdrawn: bool,
    deprecated: bool,
    /// The score of the current version.
    score: Option<Score>,
    /// The best-scored version under the newest score key.
    best: Option<Best>,
}

/// A version and its score.
#[derive(Serialize)]
struct Best {
    version: Version,
    score: Score,
}

/// Runs `skill outdated`.
///
/// # Errors
/// Faults of the network and of verification; [`Done`] with `--exit-code`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let workspace = Workspace::open_existing(context, args.global, Access::Read)?;
    let catalogue = Catalogue::new(context);
    let roots = workspace.roots(&context.config);
    let registry = |id: &SkillId| roots.get(id).and_then(|root| root.registry.clone());
    let ids = workspace
        .locked()
        .filter(|locked| locked.path().is_none())
        .map(|locked| (locked.name.clone(), registry(&locked.name).or_else(|| registry_of(&context.config, locked))));
    let entries = catalogue.entries(&ids.collect()).await?;
    let mut result = Result { items: Vec::new() };
    for locked in workspace.locked() {
        let Some(entry) = entries.get(&locked.name) else { continue };
        let mut reqs: Vec<&VersionReq> = roots.get(&locked.name).map(|root| &root.req).into_iter().collect();
        reqs.extend(needs(&workspace, &entries, &locked.name));
        let item = examine(entry, &locked.version, &reqs);
        let newer = |v: &Option<Version>| v.as_ref().is_some_and(|v| *v > locked.version);
        if newer(&item.latest) || newer(&item.wanted) || item.withdrawn || item.deprecated {
            result.items.push(item);
        }
    }
    context.output.result_or("skill.outdated/1", &result, |out| {
        let text = |version: &Option<Version>| version.as_ref().map_or("-".to_owned(), ToString::to_string);
        let rows = result.items.iter().map(|item| {
            let mut notes = Vec::new();
            notes.extend(item.withdrawn.then_some("withdrawn"));
            notes.extend(item.deprecated.then_some("deprecated"));
            let (wanted, latest) = (text(&item.wanted), text(&item.latest));
            let best = match &item.best {
                Some(best) => format!("{}: {}", best.version, scores::cell(&best.score)),
                None => "-".to_owned(),
            };
            let (score, notes) = (scores::cell_or_dash(item.score.as_ref()), notes.join(", "));
            vec![item.id.to_string(), item.current.to_string(), wanted, latest, score, best, notes]
        });
        let rows: Vec<_> = rows.collect();
        if rows.is_empty() {
            out.status("Up to date", "nothing newer");
        } else {
            out.table(&["skill", "current", "wanted", "latest", "score", "best", ""], &rows);
            out.hint("skill update   to move within the ranges");
        }
    });
    if args.exit_code && !result.items.is_empty() {
        return Err(Done(Exit::Gate).into());
    }
    Ok(())
}

/// What the other locked skills require of one.
fn needs<'a>(
    workspace: &'a Workspace,
    entries: &'a BTreeMap<SkillId, Entry>,
    id: &'a SkillId,
) -> impl Iterator<Item = &'a VersionReq> {
    let lines = workspace.locked().filter_map(|locked| entries.get(&locked.name)?.index.line(&locked.version));
    lines.flat_map(|line| &line.deps).filter(move |(needed, _)| needed == id).map(|(_, req)| req)
}

fn examine(entry: &Entry, current: &Version, reqs: &[&VersionReq]) -> Item {
    let mut lines = entry.index.lines.clone();
    for line in &mut lines {
        line.st = entry.status(line);
    }
    let withdrawn = lines.iter().find(|line| line.vers == *current).is_none_or(|line| line.st != LineStatus::Ok);
    let score = lines.iter().find(|line| line.vers == *current).and_then(|line| line.score.clone());
    let best = index::best(&lines).and_then(|version| lines.iter().find(|line| line.vers == *version));
    let best = best.and_then(|line| Some(Best { version: line.vers.clone(), score: line.score.clone()? }));
    let highest = latest(&lines).cloned();
    lines.retain(|line| reqs.iter().all(|req| satisfies(req, &line.vers)));
    Item {
        id: entry.index.header.pkg.clone(),
        current: current.clone(),
        wanted: latest(&lines).cloned(),
        latest: highest,
        withdrawn,
        deprecated: entry.index.header.status != PackageStatus::Active,
        score,
        best,
    }
}
