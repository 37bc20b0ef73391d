//! From flags to a loop: the run's folder, the suite without its holdout, the models.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use skill_bundle::{check, hash::sha256, jcs, pack};
use skill_engine::{
    executor::leak::Shingles,
    improve::{
        Begin, Entry, Identity, Journal, Operator, State,
        git::Git,
        journal::FORMAT,
        propose::{Command, Model, Proposer},
        shop::{JOURNAL, Shop},
    },
    model::Sampling,
    suite::{Lock, Opened, Split, Suite, Task, lint},
};
use skill_schema::{
    Digest, Fault, Limits as Bounds, codes,
    lint::Level,
    skill_md::{self, SkillMd},
};

use super::{
    Args,
    what::{Limits, What},
};
use crate::{
    context::Context,
    evals::{models, options::Options, session::Session},
    files,
    source::Local,
};

/// What a run keeps of its command.
const COMMAND: &str = "command.json";
/// Bytes of it at most.
const MAX_COMMAND: usize = 1 << 20;
/// Characters of a tag.
const MAX_TAG: usize = 64;
/// Cases below which one run a case can never be significant at the level of a keep.
const FEW: usize = 3;

/// The command, as a run keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Saved {
    what: What,
    limits: Limits,
    source: PathBuf,
    name: String,
}

/// A loop that is ready.
pub struct Work {
    /// What is improved.
    pub what: What,
    /// The limits.
    pub limits: Limits,
    /// The same as options of a measurement.
    pub options: Options,
    /// The skill's folder, which stays as it is.
    pub source: PathBuf,
    /// The suite without its holdout.
    pub train: Opened,
    /// The split.
    pub lock: Lock,
    /// Cases of the holdout.
    pub held: usize,
    /// What answers.
    pub session: Session,
    /// The run's folder.
    pub shop: Shop,
    /// What recognises text of the holdout.
    pub holdout: Shingles,
    /// What recognises text of the train cases.
    pub shingles: Shingles,
    /// What proposes.
    pub proposer: Proposer,
    /// A skill that solves the cases.
    pub oracle: Option<PathBuf>,
    /// The journal's first line.
    pub begin: Begin,
}

/// A loop's journal and state; none where nothing is measured.
pub type Rest = Option<(Journal, State)>;

/// Begins a new run.
///
/// # Errors
/// A skill or suite that cannot be used; models; [`codes::IMPROVE`] if the tag is taken.
pub async fn begin(context: &Context, args: &Args) -> anyhow::Result<(Work, Rest)> {
    let source = files_of(&args.what.skill)?;
    let tag = match &args.tag {
        Some(tag) => tag.clone(),
        None => fresh_tag(context),
    };
    check_tag(&tag)?;
    let root = folder(context).join(&tag);
    if root.join(COMMAND).exists() && !args.dry_run {
        return Err(Fault::new(codes::IMPROVE)
            .at(tag)
            .detail("there is a run of this name; --resume goes on with it")
            .into());
    }
    let saved = Saved { what: args.what.clone(), limits: args.limits.clone(), name: name_of(&source)?, source };
    open(context, saved, &tag, &root, args.dry_run).await
}

/// Goes on with a run: the one of this tag, or the last of this skill.
///
/// # Errors
/// As [`begin`]; [`codes::IMPROVE`] if what it began with has changed.
pub async fn resume(context: &Context, args: &Args, tag: &str) -> anyhow::Result<(Work, Rest)> {
    let tag = if tag.is_empty() { last_of(context, &files_of(&args.what.skill)?)? } else { tag.to_owned() };
    check_tag(&tag)?;
    let root = folder(context).join(&tag);
    let saved = files::read(&root.join(COMMAND), MAX_COMMAND)?
        .and_then(|bytes| serde_json::from_slice::<Saved>(&bytes).ok())
        .ok_or_else(|| Fault::new(codes::NO_PATH).at(&tag).detail("no run of improve has this name"))?;
    let limits = args.limits.or(&saved.limits);
    open(context, Saved { limits, ..saved }, &tag, &root, false).await
}

/// The folder of all runs.
pub fn folder(context: &Context) -> PathBuf {
    context.env.data_dir.join("improve")
}

fn files_of(skill: &Path) -> Result<PathBuf, Fault> {
    match Local::find(skill)? {
        Local::Folder(folder) => folder.canonicalize().map_err(|e| files::fault(skill, &e)),
        Local::Archive(path) => {
            let detail = "a folder is improved, not a packed skill";
            Err(Fault::new(codes::USAGE).at(path.display().to_string()).detail(detail))
        }
    }
}

/// The skill's own name; its folder's if it has none.
fn name_of(source: &Path) -> Result<String, Fault> {
    let content = files::read(&source.join(skill_md::FILE), Bounds::V1.skill_md)?.unwrap_or_default();
    let named = SkillMd::read(&content).ok().and_then(|text| text.name);
    let own = || source.file_name().map(|name| name.to_string_lossy().into_owned());
    Ok(named.or_else(own).unwrap_or_default())
}

/// The time as a name that branches can have; with a number if a run of this second is there.
fn fresh_tag(context: &Context) -> String {
    let time: String =
        context.clock.now().to_string().chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let taken = |tag: &str| folder(context).join(tag).exists();
    let numbered = (2..).map(|n| format!("{time}-{n}"));
    std::iter::once(time.clone()).chain(numbered).find(|tag| !taken(tag)).unwrap_or(time)
}

/// A tag is part of a branch's name and of a folder's.
fn check_tag(tag: &str) -> Result<(), Fault> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !tag.is_empty() && tag.len() <= MAX_TAG && tag.chars().all(plain) && !tag.starts_with('-') {
        return Ok(());
    }
    let detail = format!("a tag has letters, digits, - and _, at most {MAX_TAG}");
    Err(Fault::new(codes::USAGE).at(tag).detail(detail))
}

/// A run of this machine.
pub struct Run {
    /// Its name.
    pub tag: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The skill's folder when it began.
    pub source: PathBuf,
    /// The skill's name.
    pub name: String,
    written: std::time::SystemTime,
}

/// The runs of this machine, the last written last.
///
/// # Errors
/// A run that cannot be read.
pub fn runs_of(context: &Context) -> Result<Vec<Run>, Fault> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder(context)).into_iter().flatten().flatten() {
        let saved = files::read(&entry.path().join(COMMAND), MAX_COMMAND)?;
        let saved = saved.and_then(|bytes| serde_json::from_slice::<Saved>(&bytes).ok());
        let written = entry.path().join(JOURNAL).metadata().and_then(|data| data.modified());
        if let (Some(saved), Ok(written), Ok(tag)) = (saved, written, entry.file_name().into_string()) {
            found.push(Run { tag, folder: entry.path(), source: saved.source, name: saved.name, written });
        }
    }
    found.sort_by(|a, b| (a.written, &a.tag).cmp(&(b.written, &b.tag)));
    Ok(found)
}

/// The run of this skill that was written last.
fn last_of(context: &Context, source: &Path) -> Result<String, Fault> {
    let none = || Fault::new(codes::NO_PATH).at(source.display().to_string()).detail("no run of improve on this skill");
    runs_of(context)?.into_iter().rev().find(|run| run.source == source).map(|run| run.tag).ok_or_else(none)
}

/// Reads, checks and opens everything.
async fn open(context: &Context, saved: Saved, tag: &str, root: &Path, dry: bool) -> anyhow::Result<(Work, Rest)> {
    let Saved { what, limits, source, .. } = &saved;
    let options = what.options(limits)?;
    let at = what.suite.as_deref().unwrap_or(source);
    let (report, _) = lint::check(at, Level::default())?;
    report.to_result()?;
    let (train, lock, holdout, held, suite) = suite(at)?;
    let oracle = oracle(what, &train);
    let train = train.without(Split::Holdout, &lock);
    let shingles = Shingles::of(&train.suite.cases);
    let sampling = Sampling {
        temperature: what.temperature.unwrap_or(train.suite.settings.sampling.temperature),
        ..train.suite.settings.sampling
    };
    let metric = train.suite.cases.iter().any(|case| matches!(case.task, Task::Metric { .. }));
    let session =
        Session::open(context, &options, what.model.as_deref(), &train, sampling, Some(tag).filter(|_| metric)).await?;
    let proposer = proposer(context, what, &session, dry).await?;
    let leaf = source.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let shop = Shop::at(root, &leaf, context.env.path.as_ref());
    let identity = Identity {
        suite,
        key: session.key().digest()?,
        engine: format!("skill {}", env!("CARGO_PKG_VERSION")),
        proposer: what.proposer_name(),
    };
    let greedy = sampling.temperature == 0.0;
    let (begin, rest) = if dry {
        (first(context, &saved, tag, &train, identity, greedy)?, None)
    } else {
        journal(context, &saved, tag, &shop, &train, &identity, greedy)?
    };
    if options.grader.is_none() && crate::evals::prepared::needs_grader(&train.suite) {
        context.output.warn("expectations need a grader model and are not counted; name one with --grader");
    }
    let Saved { what, limits, source, .. } = saved;
    let work = Work {
        what,
        limits,
        options,
        source,
        train,
        lock,
        held,
        session,
        shop,
        holdout,
        shingles,
        proposer,
        oracle,
        begin,
    };
    Ok((work, rest))
}

/// The suite, its split, and what is known of its holdout: shingles, a number, and a digest of everything.
fn suite(at: &Path) -> Result<(Opened, Lock, Shingles, usize, Digest), Fault> {
    let opened = Suite::read(at)?;
    let lock = opened.suite.split(&opened.lock()?)?;
    let digests = opened.suite.digests(&lock, &opened.folder)?;
    let holdout = Shingles::of(opened.suite.part(&lock, Split::Holdout));
    if digests.train_cases == 0 {
        return Err(Fault::new(codes::NO_SUITE).at(opened.file.clone()).detail("no case is for training"));
    }
    let settings = &opened.suite.settings;
    let whole = (digests.suite, digests.train, digests.holdout, settings.runs_train, &settings.salt, &settings.sandbox);
    let digest = sha256(&jcs::to_vec(&whole)?);
    Ok((opened, lock, holdout, digests.holdout_cases, digest))
}

/// The oracle: named by flag, or by the suite's member `oracle` as a path from the folder that holds `evals/`.
fn oracle(what: &What, opened: &Opened) -> Option<PathBuf> {
    let named = opened.suite.document["suite"]["oracle"].as_str().map(|path| opened.folder.path().join(path));
    what.oracle.clone().or(named)
}

async fn proposer(context: &Context, what: &What, session: &Session, dry: bool) -> Result<Proposer, Fault> {
    if let Some(line) = &what.proposer_cmd {
        return Ok(Proposer::Command(Command { line: line.clone() }));
    }
    if dry {
        return Ok(Proposer::Command(Command { line: "true".to_owned() }));
    }
    // The model that answers is open already.
    if let (None, Some(engine)) = (&what.proposer, session.engine()) {
        return Ok(Proposer::Model(Model { engine }));
    }
    let named = what.proposer.as_deref().or(what.model.as_deref());
    let engine = models::open(context, named, None).await.map_err(|fault| {
        if fault.code == codes::MODEL && named.is_none() {
            return Fault::new(codes::PROPOSER).detail(fault.detail.unwrap_or_default());
        }
        fault
    })?;
    Ok(Proposer::Model(Model { engine }))
}

/// The first line of a journal, without a commit.
fn first(
    context: &Context,
    saved: &Saved,
    tag: &str,
    train: &Opened,
    identity: Identity,
    greedy: bool,
) -> Result<Begin, Fault> {
    let packed = pack::pack_dir(&saved.source, &Bounds::V1)?;
    let cases: Vec<String> = train.suite.cases.iter().map(|case| case.id.clone()).collect();
    let least = if cases.len() < FEW { 2 } else { 1 };
    let wanted = saved.what.runs.unwrap_or(train.suite.settings.runs_train).max(least);
    let operators = if saved.what.description { vec![Operator::Description] } else { operators(train) };
    Ok(Begin {
        format: FORMAT,
        tag: tag.to_owned(),
        when: context.clock.now(),
        source: saved.source.display().to_string(),
        name: saved.name.clone(),
        tree: packed.package.tree(),
        commit: String::new(),
        tokens: skill_engine::improve::tokens(&packed),
        identity,
        cases,
        repeats: if greedy { 1 } else { wanted },
        operators,
        interactive: saved.what.interactive,
    })
}

/// The operators that can show in these cases.
fn operators(train: &Opened) -> Vec<Operator> {
    let triggers = train.suite.cases.iter().any(|case| matches!(case.task, Task::Trigger { .. }));
    Operator::ALL.into_iter().filter(|operator| triggers || *operator != Operator::Description).collect()
}

/// Opens the journal, or begins it.
fn journal(
    context: &Context,
    saved: &Saved,
    tag: &str,
    shop: &Shop,
    train: &Opened,
    identity: &Identity,
    greedy: bool,
) -> anyhow::Result<(Begin, Rest)> {
    files::make_folder(shop.root(), files::Mode::Private)?;
    let (mut journal, mut entries) = Journal::open(&shop.root().join(JOURNAL))?;
    if entries.is_empty() {
        let packed = pack::pack_dir(&saved.source, &Bounds::V1)?;
        check::check_packed(&saved.source, &packed, &Bounds::V1, Level::default()).to_result()?;
        let mut begin = first(context, saved, tag, train, identity.clone(), greedy)?;
        if let Some((git, _)) = Git::around(&saved.source, context.env.path.as_ref())
            && git.resolve(&format!("refs/heads/improve/{tag}")).is_some()
        {
            return Err(Fault::new(codes::IMPROVE).at(tag).detail("the repository has a branch of this name").into());
        }
        begin.commit = shop.begin(&packed, begin.when)?;
        let command = serde_json::to_vec_pretty(saved)?;
        files::replace(&shop.root().join(COMMAND), &command, files::Mode::Normal, files::Durable::Yes)?;
        let line = Entry::Begin(begin);
        journal.append(&line)?;
        entries.push(line);
    }
    let state = State::of(&entries, &train.suite.cases)?;
    if let Some(what) = state.begin.identity.differs(identity) {
        return Err(Fault::new(codes::IMPROVE).at(tag).detail(what).into());
    }
    Ok((state.begin.clone(), Some((journal, state))))
}
