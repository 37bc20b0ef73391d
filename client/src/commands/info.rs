//! `skill info`: what there is to know about a skill before installing it.

mod human;

use serde::Serialize;
use skill_schema::{
    Digest, Fault, SkillId, Version, VersionReq,
    api::{deprecate, info, leaderboard::Lift},
    codes,
    index::{Line, LineStatus, PackageStatus, Score},
    manifest::{self, Manifest},
    skill_md::{self, SkillMd},
    spec::Spec,
    time::Timestamp,
};

use crate::{
    catalogue::{Catalogue, Entry},
    context::Context,
    published,
};

/// Show a skill: what it does, its versions, and who signed them.
///
/// Digests, sizes, states and keys are those that the publisher signed, verified on this machine; owners and installs are the
/// registry's word. With --offline it shows what this machine has seen.
#[derive(Debug, clap::Args)]
#[command(
    visible_alias = "show",
    after_help = "\
Examples:
  skill info cisco/codeguard
  skill info cisco/codeguard@1.3.2 --files
  skill info cisco/codeguard --versions
  skill info cisco/codeguard --readme | less
  skill info cisco/codeguard --json"
)]
pub struct Args {
    /// The skill: [registry:]scope/name[@version].
    #[arg(value_name = "SPEC")]
    spec: Spec,
    /// List all versions.
    #[arg(long, conflicts_with_all = ["readme", "files"])]
    versions: bool,
    /// Show its SKILL.md, as an agent reads it.
    #[arg(long, conflicts_with = "files")]
    readme: bool,
    /// List its files.
    #[arg(long)]
    files: bool,
}

/// A skill and one version of it, as JSON.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    id: SkillId,
    registry: String,
    status: PackageStatus,
    deprecation: Option<deprecate::Request>,
    description: String,
    keywords: Vec<String>,
    repository: Option<String>,
    license: Option<String>,
    latest: Option<Version>,
    best: Option<Version>,
    owners: Vec<String>,
    downloads: Option<u64>,
    /// The version that was asked for.
    version: Facts,
    /// All versions, newest first.
    versions: Vec<Facts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    readme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Vec<File>>,
}

/// A version.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Facts {
    version: Version,
    status: LineStatus,
    note: Option<String>,
    published: Timestamp,
    publisher: Option<String>,
    tree: Digest,
    archive: Digest,
    size: u64,
    unpacked_size: u64,
    files: u64,
    dependencies: Vec<(SkillId, VersionReq)>,
    parent: Option<String>,
    keys: Vec<Digest>,
    downloads: Option<u64>,
    /// As the index has it.
    score: Option<Score>,
    /// Its gain over no skill, with an interval.
    lift: Option<Lift>,
    model: Option<String>,
    tokens: Option<u64>,
}

#[derive(Debug, Serialize)]
struct File {
    path: String,
    size: u64,
    executable: bool,
}

/// Runs `skill info`.
///
/// # Errors
/// [`codes::NOT_FOUND`] with a suggestion, [`codes::NO_VERSION`], what verification and the registry refuse.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let catalogue = Catalogue::new(context);
    let entry = catalogue.require(&args.spec.id, args.spec.registry.as_deref()).await?;
    let line = published::choose(&entry, &args.spec.which)?;
    let shown = match entry.source.api() {
        Ok(api) => api.info(&args.spec.id).await?,
        Err(_) => remembered(context, &entry, line).await,
    };
    let mut info = join(&shown, &entry, line, context.global.offline)?;
    if args.readme || args.files {
        let package = published::package(context, &entry, line).await?;
        if args.files {
            let file = |f: skill_bundle::File<'_>| File {
                path: f.path.to_owned(),
                size: f.content.len() as u64,
                executable: f.executable,
            };
            info.files = Some(package.files().map(file).collect());
        } else {
            let text = package.file(skill_md::FILE).map(|f| String::from_utf8_lossy(f.content).into_owned());
            info.readme = text;
        }
    }
    context.output.result_or("skill.info/1", &info, |out| human::say(&info, args.versions, out));
    Ok(())
}

/// The registry's word, with everything that the publisher signed in the place of what the registry says about it.
fn join(shown: &info::Response, entry: &Entry, line: &Line, offline: bool) -> Result<Info, Fault> {
    let mut versions: Vec<Facts> =
        entry.index.lines.iter().map(|line| facts(shown, entry, line)).collect::<Result<_, _>>()?;
    versions.sort_by(|a, b| b.version.cmp(&a.version));
    Ok(Info {
        id: entry.index.header.pkg.clone(),
        registry: entry.source.registry.label().to_owned(),
        status: entry.index.header.status,
        deprecation: shown.deprecation.clone(),
        description: shown.description.clone(),
        keywords: shown.keywords.clone(),
        repository: shown.repository.clone(),
        license: shown.license.clone(),
        latest: entry.index.header.tags.latest.clone(),
        best: entry.index.header.tags.best.clone(),
        owners: shown.owners.clone(),
        downloads: (!offline).then_some(shown.downloads),
        version: facts(shown, entry, line)?,
        versions,
        readme: None,
        files: None,
    })
}

/// What the files of a version say about it, as far as they are on this machine; for `--offline`.
async fn remembered(context: &Context, entry: &Entry, line: &Line) -> info::Response {
    let package = published::package(context, entry, line).await.ok();
    let file = |path| package.as_ref().and_then(|package| package.file(path));
    let skill = file(skill_md::FILE).and_then(|file| SkillMd::read(file.content).ok()).unwrap_or_default();
    let text = file(manifest::FILE).and_then(|file| std::str::from_utf8(file.content).ok());
    let manifest = text.and_then(|text| Manifest::parse(text).ok());
    info::Response {
        id: entry.index.header.pkg.clone(),
        status: entry.index.header.status,
        deprecation: None,
        description: skill.description,
        keywords: manifest.as_ref().map(|m| m.keywords.clone()).unwrap_or_default(),
        repository: manifest.as_ref().and_then(|m| m.repository.clone()),
        license: manifest.and_then(|m| m.license),
        latest: None,
        best: None,
        owners: Vec::new(),
        downloads: 0,
        versions: Vec::new(),
        readme: String::new(),
    }
}

fn facts(shown: &info::Response, entry: &Entry, line: &Line) -> Result<Facts, Fault> {
    let missing = || Fault::new(codes::INDEX_MISMATCH).at(format!("{}@{}", entry.index.header.pkg, line.vers));
    let (_, published) = entry.version(&line.vers).ok_or_else(missing)?;
    let said = shown.versions.iter().find(|said| said.version == line.vers);
    let release = &published.release.predicate;
    Ok(Facts {
        version: line.vers.clone(),
        status: entry.status(line),
        note: said.and_then(|said| said.note.clone()),
        published: line.published,
        publisher: said.map(|said| said.publisher.clone()),
        tree: line.tree,
        archive: line.sha256,
        size: line.size,
        unpacked_size: release.unpacked_size,
        files: release.files,
        dependencies: line.deps.clone(),
        parent: line.parent.clone(),
        keys: published.release.signers.clone(),
        downloads: said.map(|said| said.downloads),
        score: line.score.clone(),
        lift: said.and_then(|said| said.lift),
        model: said.and_then(|said| said.model.clone()),
        tokens: said.and_then(|said| said.tokens),
    })
}
