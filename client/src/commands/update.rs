//! `skill update`: newer versions, within what `skills.toml` allows.

use std::collections::BTreeSet;

use skill_schema::{Fault, SkillId, Version, VersionReq, codes, index::LineStatus, spec::Spec, version};

use crate::{
    catalogue::Catalogue,
    context::Context,
    install::{self, Unlock, Wish},
    installing::{self, WriteArgs},
    local,
    resolve::satisfies,
    workspace::{Access, Workspace},
};

/// Move to newer versions, within the ranges of skills.toml.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill update                             everything
  skill update cisco/codeguard --dry-run   only say what would happen
  skill update --latest                    past the ranges; skills.toml is raised
  skill update acme/notes --precise 1.3.2  to this very version, also back to it")]
pub struct Args {
    /// What to update; everything if none is named.
    #[arg(value_name = "SKILL")]
    skills: Vec<String>,
    /// What is installed for all projects.
    #[arg(long, short)]
    global: bool,
    /// Go to the highest release, whatever the range, and raise the range.
    #[arg(long, conflicts_with = "precise")]
    latest: bool,
    /// Go to exactly this version of the one named skill.
    #[arg(long, value_name = "VERSION", value_parser = version::parse_version)]
    precise: Option<Version>,
    #[command(flatten)]
    write: WriteArgs,
}

/// Runs `skill update`.
///
/// # Errors
/// [`codes::NOT_INSTALLED`]; as [`install::run`].
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let mut workspace = Workspace::open_existing(context, args.global, Access::Write)?;
    let catalogue = Catalogue::new(context);
    let named: BTreeSet<SkillId> = args.skills.iter().map(|text| text.parse()).collect::<Result<_, Fault>>()?;
    for id in &named {
        if workspace.locked().all(|locked| locked.name != *id) && !workspace.project.skills.contains_key(id) {
            return Err(Fault::new(codes::NOT_INSTALLED).at(id.to_string()).into());
        }
    }
    let mut wish = Wish {
        roots: workspace.roots(&context.config),
        force: args.write.force,
        dry_run: args.write.dry_run,
        ..Wish::default()
    };
    refresh(context, &workspace, &mut wish, &named)?;
    // What comes from a path moves by itself, and asks no registry.
    let moving: BTreeSet<SkillId> = named.iter().filter(|id| !is_local(&workspace, id)).cloned().collect();
    wish.unlock = match (named.is_empty(), moving.is_empty()) {
        (true, _) => Unlock::Everything,
        (false, true) => Unlock::Nothing,
        (false, false) => Unlock::Some(moving),
    };
    if args.latest {
        raise(&catalogue, &workspace, &mut wish, &named).await?;
    }
    if let Some(version) = args.precise {
        if let Some(id) = named.iter().find(|id| is_local(&workspace, id)) {
            let detail = format!("{id} is installed from a path, which has one version only");
            return Err(Fault::new(codes::USAGE).detail(detail).into());
        }
        prefer(&catalogue, &mut wish, &named, version).await?;
    }
    let outcome = install::run(&catalogue, &mut workspace, wish).await?;
    installing::show(context, &workspace, "skill.update/1", &outcome, args.write.dry_run);
    Ok(())
}

fn is_local(workspace: &Workspace, id: &SkillId) -> bool {
    workspace.locked().any(|locked| locked.name == *id && locked.path().is_some())
}

/// Packs the named skills that came from paths anew, or all of them. One whose path is gone stays as it is, unless it was named.
fn refresh(context: &Context, workspace: &Workspace, wish: &mut Wish, named: &BTreeSet<SkillId>) -> anyhow::Result<()> {
    let chosen = |id: &SkillId| named.is_empty() || named.contains(id);
    for locked in workspace.locked().filter(|locked| locked.path().is_some() && chosen(&locked.name)) {
        let Some(root) = wish.roots.get_mut(&locked.name).filter(|root| root.one_off) else { continue };
        let opened = match local::reopen(context, workspace, locked) {
            Ok(opened) => opened,
            Err(error) if named.is_empty() && gone(&error) => {
                context.output.warn(format!("{} stays as it is: {} is not there any more", locked.name, locked.origin));
                continue;
            }
            Err(error) => return Err(error),
        };
        *root = opened.root(root.agents.take(), root.copy)?;
        wish.local.insert(locked.name.clone(), opened);
    }
    Ok(())
}

fn gone(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Fault>().is_some_and(|fault| fault.code == codes::NO_PATH)
}

/// Raises the ranges of the named skills, or of all, to their highest release.
async fn raise(
    catalogue: &Catalogue<'_>,
    workspace: &Workspace,
    wish: &mut Wish,
    named: &BTreeSet<SkillId>,
) -> anyhow::Result<()> {
    wish.manifest.clone_from(&workspace.manifest);
    let chosen = |id: &&SkillId| (named.is_empty() || named.contains(id)) && !is_local(workspace, id);
    let ids: Vec<SkillId> = wish.roots.keys().filter(chosen).cloned().collect();
    for id in ids {
        let Some(root) = wish.roots.get_mut(&id) else { continue };
        let spec = Spec { registry: root.registry.clone(), id: id.clone(), which: skill_schema::spec::Which::Latest };
        let req = installing::wanted(catalogue, &spec, false).await?;
        // A range that allows the highest release already stays as somebody wrote it.
        let highest = req.comparators.first().map(|c| Version {
            pre: c.pre.clone(),
            ..Version::new(c.major, c.minor.unwrap_or(0), c.patch.unwrap_or(0))
        });
        if highest.is_some_and(|highest| satisfies(&root.req, &highest)) {
            continue;
        }
        root.req = if root.one_off { VersionReq::STAR } else { req };
        if let Some(manifest) = wish.manifest.as_mut().filter(|_| !root.one_off) {
            manifest.put(&id, root)?;
        }
    }
    Ok(())
}

/// Asks for one version of the one named skill.
async fn prefer(
    catalogue: &Catalogue<'_>,
    wish: &mut Wish,
    named: &BTreeSet<SkillId>,
    version: Version,
) -> anyhow::Result<()> {
    let mut names = named.iter();
    let (Some(id), None) = (names.next(), names.next()) else {
        return Err(Fault::new(codes::USAGE).detail("--precise needs exactly one skill").into());
    };
    let place = format!("{id}@{version}");
    let root = wish.roots.get(id);
    if let Some(root) = root.filter(|root| !satisfies(&root.req, &version)) {
        let detail = format!("{} is wanted; change it with skill add {place}", root.req);
        return Err(Fault::new(codes::NO_SOLUTION).at(place).detail(detail).into());
    }
    let entry = catalogue.entry(id, root.and_then(|root| root.registry.as_deref())).await?;
    let line = entry.as_ref().and_then(|entry| Some(entry.status(entry.index.line(&version)?)));
    match line {
        Some(LineStatus::Ok) => {}
        Some(LineStatus::Yanked) => return Err(Fault::new(codes::YANKED).at(place).into()),
        Some(_) => return Err(Fault::new(codes::QUARANTINED).at(place).into()),
        None => return Err(Fault::new(codes::NO_VERSION).at(place).into()),
    }
    wish.prefer.insert(id.clone(), version);
    Ok(())
}
