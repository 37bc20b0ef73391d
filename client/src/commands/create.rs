//! `skill create`: a skill and the suite that measures it, drafted by a model from a description, and reviewed by a person.

mod draft;

use serde::Serialize;
use skill_engine::suite::{
    Suite,
    folder::{EVALS, FILE},
};
use skill_schema::{Fault, Scope, SkillId, SkillName, codes};

use super::new::{self, File};
use crate::{context::Context, evals::models, output::count};

/// Draft a skill and ten cases that measure it from a description, with a model.
///
/// The model writes SKILL.md and the cases of evals/evals.json, each marked as a draft. A person reviews every case before anything is
/// measured: at a terminal right away, else with skill suite review. Until then skill eval and skill publish refuse the suite.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill create pdf-forms --describe \"Fill PDF forms from a table of values\"
  skill create acme/pdf-forms --model openai:gpt-4.1@https://api.openai.com/v1
  skill create --describe \"Write release notes from a git log\"     the model chooses a name")]
pub struct Args {
    /// What to call it: NAME, or SCOPE/NAME [default: a name that the model chooses].
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// What the skill shall do, in your own words.
    #[arg(long, value_name = "TEXT")]
    describe: Option<String>,
    /// The model that drafts [default: eval.model, or the only one of this machine].
    #[arg(long, short, value_name = "MODEL")]
    model: Option<String>,
    /// How many cases to draft.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=50))]
    cases: u32,
    /// The scope that you publish under.
    #[arg(long, value_name = "SCOPE")]
    scope: Option<Scope>,
    /// A licence, as SPDX writes it: Apache-2.0, CC-BY-4.0.
    #[arg(long, value_name = "SPDX")]
    license: Option<String>,
    /// Leave the cases to skill suite review.
    #[arg(long)]
    no_review: bool,
}

/// What was made, as JSON.
#[derive(Serialize)]
struct Created {
    name: String,
    id: Option<String>,
    folder: String,
    description: String,
    /// Ids of the cases, which are drafts.
    drafts: Vec<String>,
    model: String,
}

/// Runs `skill create`.
///
/// # Errors
/// [`codes::NEEDS_INPUT`] without a description, [`codes::NAME`], [`codes::EXISTS`], [`codes::MODEL`] if no model is there or its
/// answer is no draft, [`codes::MODEL_UNAVAILABLE`], [`codes::LINT`], [`codes::IO`].
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let named = args.name.as_deref().map(|name| new::split(name, args.scope.as_ref())).transpose()?;
    let wanted = match &args.describe {
        Some(text) => text.clone(),
        None => context.ask("What shall the skill do?", None, "--describe")?,
    };
    if let Some((_, name)) = &named {
        refuse_existing(context, name)?;
    }
    let engine = models::open(context, args.model.as_deref(), None).await?;
    context.output.status("Drafting", format!("a skill and {} cases with {}", args.cases, engine.fingerprint().model));
    let skill = draft::skill(&*engine, &wanted, named.as_ref().map(|(_, name)| name)).await?;
    let (scope, name) = match named {
        Some(named) => named,
        None => (args.scope, draft::name(&skill)?),
    };
    refuse_existing(context, &name)?;
    let id = scope.map(|scope| SkillId { scope, name: name.clone() });
    let suite = draft::suite(&*engine, &wanted, &skill, id.as_ref(), &name, args.cases).await?;
    let files = files(&name, id.as_ref(), args.license.as_deref(), &skill, &suite);
    new::refuse_errors(&name, &files)?;
    new::write(&context.cwd, name.as_str(), &files)?;
    let folder = context.cwd.join(name.as_str());
    let created = Created {
        name: name.to_string(),
        id: id.map(|id| id.to_string()),
        folder: folder.display().to_string(),
        description: skill.description,
        drafts: suite.cases.iter().map(|case| case.id.clone()).collect(),
        model: engine.fingerprint().model.clone(),
    };
    let reviews = !args.no_review && context.interactive() && !context.output.json();
    context.output.result_or("skill.create/1", &created, |out| {
        out.status("Created", format!("{}/ with {} to review", created.name, count(created.drafts.len(), "case")));
        out.hint(format!("read {}/SKILL.md: a model wrote it", created.name));
        if !reviews {
            out.hint(format!("skill suite review {}   nothing is measured before that", created.name));
        }
    });
    if reviews {
        super::suite::review::at_terminal(&folder, context)?;
    }
    Ok(())
}

fn refuse_existing(context: &Context, name: &SkillName) -> Result<(), Fault> {
    if context.cwd.join(name.as_str()).symlink_metadata().is_err() {
        return Ok(());
    }
    Err(Fault::new(codes::EXISTS).at(format!("{name}/")).detail("choose another name, or move it away"))
}

fn files(
    name: &SkillName,
    id: Option<&SkillId>,
    license: Option<&str>,
    skill: &draft::Skill,
    suite: &Suite,
) -> Vec<File> {
    const SUITE: &str = "evals/evals.json";
    debug_assert_eq!(SUITE, format!("{EVALS}/{FILE}"), "the suite lies where it is looked for");
    let plain = |path, text| File { path, text, executable: false };
    let mut files = vec![
        plain("SKILL.md", new::skill_md_text(name, &skill.description, license, &skill.body)),
        plain(SUITE, suite.to_text(None)),
    ];
    files.extend(id.map(|id| plain("skill.toml", new::manifest_text(id, "0.1.0", license))));
    files
}
