//! `skill report`: a result again, for people and for other tools.

use std::path::{Path, PathBuf};

use serde::Serialize;
use skill_engine::{
    executor::leak::Leak,
    grade::analyze::Remark,
    report::{html, junit, markdown, remarks::remarks, skill_creator, terminal},
};
use skill_schema::{
    Fault,
    codes::{self, escape},
    spec::Spec,
};

use crate::{
    context::Context,
    evals::{
        kept::{self, Kept},
        recheck::{self, Answer},
    },
    files::{self, Durable, Mode},
};

/// Show a result, or write it as HTML, Markdown, JUnit, or for skill-creator.
///
/// Of a published version it fetches the record, the transcripts and the suite, computes result and verdict again, makes every check
/// again that needs no program and no model, compares the index with what comes out, and says what holds.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  skill report 3f9a2c                       in the terminal, by the first digits of its digest
  skill report record.json --html out.html  one page that needs no network
  skill report acme/notes@1.2.0             a published score, checked on this machine
  skill report 3f9a2c --markdown - | gh pr comment -F -
  skill report 3f9a2c --previous 81bb0e --html out.html")]
pub struct Args {
    /// A record: its file, its folder, the first digits of its digest, or a published version as scope/name[@version].
    #[arg(value_name = "RECORD|SPEC")]
    record: String,
    /// Show this earlier record's outputs beside the new ones, in --html.
    #[arg(long, value_name = "RECORD", requires = "html")]
    previous: Option<String>,
    /// Write one HTML page.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write Markdown; - is standard output.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write JUnit XML; - is standard output.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the files of skill-creator into this folder.
    #[arg(long, value_name = "DIR")]
    skill_creator: Option<PathBuf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reported {
    record: skill_engine::record::Record,
    remarks: Vec<Remark>,
    leaks: Vec<Leak>,
    written: Vec<String>,
    /// Of a published version: what was compared, and whether it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    checked: Option<Vec<Answer>>,
}

/// Reports.
///
/// # Errors
/// As [`kept::open`] and [`recheck::of`]; [`codes::SCORE_DIFFERS`]; files that cannot be written.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    let (now, audited) = open(&args.record, context).await?;
    let mut written = Vec::new();
    if let Some(path) = &args.html {
        let before = args.previous.as_deref().map(|record| kept::open(context, record)).transpose()?;
        let previous = before.as_ref().map(|kept| (&kept.record, &kept.details));
        let extras = html::Extras { previous, ..html::Extras::default() };
        write(path, &html::page(&now.record, &now.details, &extras), context, &mut written)?;
    }
    if let Some(path) = &args.markdown {
        write(path, &markdown::text(&now.record, &now.details), context, &mut written)?;
    }
    if let Some(path) = &args.junit {
        write(path, &junit::text(&now.record, &now.details), context, &mut written)?;
    }
    if let Some(folder) = &args.skill_creator {
        let all = skill_creator::export(&now.record, &now.details, skill_creator::Layout::Runs);
        for (name, bytes) in all {
            files::replace(&folder.join(&name), &bytes, Mode::Normal, Durable::No)?;
        }
        written.push(folder.display().to_string());
    }
    let asked = args.html.is_some() || args.markdown.is_some() || args.junit.is_some() || args.skill_creator.is_some();
    let text = terminal::text(&now.record, &now.details);
    let remarks = remarks(&now.record);
    let checked = audited.as_ref().map(|(_, answers)| answers.clone());
    let reported = Reported { record: now.record, remarks, leaks: now.details.leaks, written, checked };
    context.output.result_or("skill.report/1", &reported, |out| {
        if !asked {
            out.data(text.trim_end());
        }
        for path in &reported.written {
            out.status("Wrote", path);
        }
        if let Some(answers) = &reported.checked {
            out.table(&["checked", "holds", ""], &answers.iter().map(row).collect::<Vec<_>>());
        }
    });
    match audited {
        Some((named, answers)) if answers.iter().any(|answer| answer.holds == Some(false)) => {
            Err(Fault::new(codes::SCORE_DIFFERS).at(named).into())
        }
        _ => Ok(()),
    }
}

/// What a published version is called, and what was compared.
type Checked = (String, Vec<Answer>);

/// A record of this machine, or that of a published version. A file goes before a version of the same name.
async fn open(named: &str, context: &Context) -> anyhow::Result<(Kept, Option<Checked>)> {
    let spec = if Path::new(named).exists() { None } else { named.parse::<Spec>().ok() };
    match spec {
        None => Ok((kept::open(context, named)?, None)),
        Some(spec) => {
            let found = recheck::of(context, &spec).await?;
            Ok((found.kept, Some((found.named, found.answers))))
        }
    }
}

fn row(answer: &Answer) -> Vec<String> {
    let holds = match answer.holds {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not known",
    };
    vec![answer.what.to_owned(), holds.to_owned(), escape(&answer.says)]
}

fn write(path: &Path, text: &str, context: &Context, written: &mut Vec<String>) -> anyhow::Result<()> {
    if path.as_os_str() == "-" {
        context.output.data(text.trim_end());
        return Ok(());
    }
    files::replace(path, text.as_bytes(), Mode::Normal, Durable::No)?;
    written.push(path.display().to_string());
    Ok(())
}
