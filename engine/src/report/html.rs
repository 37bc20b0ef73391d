//! A report as one HTML file that asks no network for anything: verdict, means with intervals, every case with both arms, checks
//! with evidence, outputs, a feedback box a case, other records beside it.
//!
//! Text from outside goes through [`Html`], which escapes it; the style and the script are constants whose digests stand in the
//! page's content security policy, so that nothing else runs even if something slipped through.

mod benchmark;
mod budget;
mod cases;
mod charts;
mod facts;
pub(crate) mod markup;
mod run;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use skill_bundle::hash::sha256;

use super::{
    Details, remarks,
    skill_creator::{self, Feedback},
    words::{self, Tone},
};
use crate::record::Record;
use budget::Budget;
use markup::Html;

/// Remarks on a page; a suite of so many different ones needs another cure.
const REMARKS: usize = 100;

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/script.js");

/// What a page shows beside its record.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extras<'a> {
    /// An earlier record of the same suite, and its outputs: shown beside the new ones.
    pub previous: Option<(&'a Record, &'a Details)>,
    /// What was said about the earlier outputs.
    pub feedback: Option<&'a Feedback>,
    /// Records of other models or runs, for the benchmark.
    pub others: &'a [Record],
}

/// All that the parts of a page need.
struct Context<'a> {
    record: &'a Record,
    details: &'a Details,
    extras: &'a Extras<'a>,
    budget: Budget,
    /// Folders of the cases in a workspace of skill-creator, for the ids of feedback.
    folders: BTreeMap<String, String>,
}

/// The report as one HTML file. Long outputs are cut so that 200 runs stay below two megabytes; what was cut is said.
pub fn page(record: &Record, details: &Details, extras: &Extras) -> String {
    let mut page = String::new();
    let digest = record.digest().map(|digest| digest.to_string()).unwrap_or_default();
    for budget in Budget::attempts(record) {
        page = written(&Context { record, details, extras, budget, folders: skill_creator::folders(record) }, &digest);
        if page.len() < Budget::most(record) {
            break;
        }
    }
    page
}

fn written(context: &Context, digest: &str) -> String {
    let record = context.record;
    let text = |text: &str| {
        let mut html = Html::default();
        html.text(text);
        html
    };
    fill(&[
        ("csp", &text(&policy())),
        ("title", &text(&format!("{}: {}", record.skill.title(), words::suite(record)))),
        ("style", &Html::constant(STYLE)),
        ("script", &Html::constant(SCRIPT)),
        ("record", &text(digest)),
        ("head", &head(context)),
        ("verdict", &verdict(context)),
        ("charts", &charts::means(record)),
        ("facts", &facts::beside_the_mean(record)),
        ("overview", &cases::overview(context)),
        ("remarks", &remarked(context)),
        ("cases", &cases::articles(context)),
        ("benchmark", &benchmark::panel(context)),
        ("details", &facts::panel(record, digest)),
    ])
}

/// Fills the template in one pass: what is filled in is never read again.
fn fill(parts: &[(&str, &Html)]) -> String {
    let mut out = String::with_capacity(PAGE.len());
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        if let Some((_, part)) = parts.iter().find(|(part, _)| *part == name) {
            out.push_str(part.as_str());
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The policy: nothing is loaded, and only the style and the script of this program are run.
fn policy() -> String {
    let digest = |text: &str| STANDARD.encode(sha256(text.as_bytes()).0);
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        digest(STYLE),
        digest(SCRIPT)
    )
}

fn head(context: &Context) -> Html {
    let record = context.record;
    let mut html = Html::default();
    html.element("h1", "", &record.skill.name);
    html.raw("<ul class=\"chips\">");
    if let Some(version) = &record.skill.version {
        html.element("li", "", version);
    }
    html.element(
        "li",
        if record.provenance.trust.is_checked() { "good" } else { "warn" },
        record.provenance.trust.word(),
    );
    html.element("li", "", &words::suite(record));
    html.element("li", "", &record.model.name);
    html.element("li", "", record.provenance.when.to_string().split('T').next().unwrap_or_default());
    html.raw("</ul>");
    html
}

fn verdict(context: &Context) -> Html {
    let conclusion = words::conclusion(context.record);
    let (class, sign) = match conclusion.tone {
        Tone::Good => ("verdict good", "\u{25b2}"),
        Tone::Bad => ("verdict bad", "\u{25bc}"),
        Tone::Open => ("verdict open", "\u{25c6}"),
    };
    let mut html = Html::default();
    html.raw("<div class=\"")
        .raw(class)
        .raw("\"><p class=\"sentence\"><span aria-hidden=\"true\">")
        .raw(sign)
        .raw("</span> ");
    html.text(&conclusion.sentence).raw("</p>");
    if let Some(gate) = words::gate(context.record) {
        html.raw("<p class=\"gate\">Gate: ").text(&gate).raw("</p>");
    }
    html.raw("</div>");
    let cautions = words::cautions(context.record, context.details);
    if !cautions.is_empty() {
        html.raw("<ul class=\"cautions\">");
        for caution in &cautions {
            html.element("li", "", caution);
        }
        html.raw("</ul>");
    }
    html
}

/// What stands out in the runs.
fn remarked(context: &Context) -> Html {
    let said = remarks::sentences(&remarks::remarks(context.record), REMARKS);
    let mut html = Html::default();
    if said.is_empty() {
        return html;
    }
    html.raw("<h2>What stands out</h2><ul class=\"remarks\">");
    for remark in &said {
        html.element("li", "", remark);
    }
    html.raw("</ul>");
    html
}
