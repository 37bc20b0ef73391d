//! One run, folded: its checks with evidence, its answer beside the earlier one, its files and its transcript.

use super::{
    Context,
    budget::LABEL,
    markup::Html,
    words::{self, percent},
};
use crate::{
    report::{RunDetails, RunId},
    run::{Arm, CheckResult, Run, Status, TranscriptEvent},
};

/// A share in percent, or a dash.
pub(super) fn share(ppm: Option<i64>) -> String {
    ppm.map_or_else(|| "–".to_owned(), percent)
}

/// What a check asks, or its kind.
pub(super) fn asked<'a>(context: &'a Context, case: &str, check: &'a CheckResult) -> &'a str {
    context.details.check(case, &check.id).unwrap_or(&check.kind)
}

/// A run.
pub(super) fn one(context: &Context, run: &Run) -> Html {
    let mut html = Html::default();
    html.raw("<details class=\"run\"><summary><span class=\"mark\">").raw(mark(run)).raw("</span> Run ");
    html.number(u64::from(run.repeat) + 1).raw(": ");
    match run.score {
        Some(score) => html.text(&percent(i64::from(score) * 1_000)),
        None => html.raw("no score"),
    };
    if run.status != Status::Ok {
        html.raw(" <span class=\"tag warn\">").raw(status(run.status)).raw("</span>");
    }
    html.raw(" <span class=\"note nowrap\">")
        .number(run.usage.prompt_tokens.saturating_add(run.usage.output_tokens))
        .raw(" tokens, ");
    html.text(&words::seconds(run.usage.ms)).raw("</span></summary>");
    checks(&mut html, context, run);
    match context.details.of(run) {
        Some(details) => came_out(&mut html, context, details),
        None => {
            html.raw("<p class=\"note\">Its output is not at hand.</p>");
        }
    }
    earlier(&mut html, context, run);
    html.raw("</details>");
    html
}

fn mark(run: &Run) -> &'static str {
    match run.score {
        Some(1_000..) => "<i class=\"sq full\"></i>",
        Some(1..) => "<i class=\"sq half\"></i>",
        Some(0) => "<i class=\"sq\"></i>",
        None => "<i class=\"sq gone\"></i>",
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Ok => "ok",
        Status::Timeout => "timed out",
        Status::Limit => "hit a limit",
        Status::Crash => "crashed",
        Status::Infra => "missing: machine or network",
        Status::GraderError => "missing: not graded",
        Status::Tainted => "missing: tainted",
    }
}

/// The checks with their evidence, failed ones first.
fn checks(html: &mut Html, context: &Context, run: &Run) {
    if run.checks.is_empty() {
        return;
    }
    let mut checks: Vec<&CheckResult> = run.checks.iter().collect();
    checks.sort_by_key(|check| check.passed());
    html.raw("<ul class=\"checks\">");
    for check in checks.iter().take(context.budget.rows) {
        let (class, sign, word) = match check.value {
            None => ("open", "?", "not graded"),
            Some([num, den]) if num == den => ("good", "✓", "passed"),
            Some([0, _]) => ("bad", "✗", "failed"),
            Some(_) => ("open", "◐", "in part"),
        };
        html.raw("<li><span class=\"").raw(class).raw("\" role=\"img\" aria-label=\"").raw(word).raw("\">").raw(sign);
        html.raw("</span> <div>").cut(asked(context, &run.case, check), context.budget.label());
        if !check.evidence.is_empty() {
            html.raw("<p class=\"evidence\">")
                .cut(&check.evidence, context.budget.evidence(run.checks.len()))
                .raw("</p>");
        }
        html.raw("</div></li>");
    }
    html.raw("</ul>");
    if checks.len() > context.budget.rows {
        let more = (checks.len() - context.budget.rows) as u64;
        html.raw("<p class=\"note\">").number(more).raw(" more checks are in the record.</p>");
    }
}

fn came_out(html: &mut Html, context: &Context, details: &RunDetails) {
    let budget = &context.budget;
    html.raw("<h5>Answer</h5><pre tabindex=\"0\">").cut(details.transcript.final_text(), budget.answer()).raw("</pre>");
    let (events, files) = (&details.transcript.events, &details.files);
    let (most_events, most_files) = (budget.events(), budget.files());
    let piece = budget.piece(events.len().min(most_events) + files.len().min(most_files));
    if !files.is_empty() {
        html.raw("<h5>Files</h5><ul class=\"files\">");
        for file in files.iter().take(most_files) {
            html.raw("<li><code class=\"wrap\">")
                .cut(&file.path, budget.label())
                .raw("</code> <span class=\"note\">")
                .number(file.size);
            html.raw(" bytes</span>");
            if let Some(text) = &file.text {
                html.raw("<details><summary>Show</summary><pre tabindex=\"0\">")
                    .cut(text, piece)
                    .raw("</pre></details>");
            }
            html.raw("</li>");
        }
        html.raw("</ul>");
        more(html, files.len(), most_files, " more files");
    }
    html.raw("<details class=\"inner\"><summary>Transcript, ")
        .number(events.len() as u64)
        .raw(" events</summary><ol class=\"events\">");
    for event in events.iter().take(most_events) {
        html.raw("<li>");
        self::event(html, event, piece);
        html.raw("</li>");
    }
    html.raw("</ol>");
    more(html, events.len(), most_events, " more events");
    html.raw("</details>");
}

fn more(html: &mut Html, all: usize, shown: usize, what: &'static str) {
    if all > shown {
        html.raw("<p class=\"note\">").number((all - shown) as u64).raw(what).raw("</p>");
    }
}

fn event(html: &mut Html, event: &TranscriptEvent, most: usize) {
    let (kind, name, text, class) = match event {
        TranscriptEvent::Prompt { text } => ("asked", "", text.as_str(), ""),
        TranscriptEvent::Answer { text } => ("answered", "", text.as_str(), ""),
        TranscriptEvent::SkillActivated { name } => ("took up the skill", name.as_str(), "", ""),
        TranscriptEvent::ToolCall { name, arguments } => ("called", name.as_str(), arguments.as_str(), ""),
        TranscriptEvent::ToolResult { name, output, failed: true } => {
            ("error of", name.as_str(), output.as_str(), "bad")
        }
        TranscriptEvent::ToolResult { name, output, .. } => ("result of", name.as_str(), output.as_str(), ""),
        TranscriptEvent::Note { text } => ("noted", "", text.as_str(), ""),
    };
    html.element("b", class, kind);
    html.raw(" ").cut(name, LABEL);
    if !text.is_empty() {
        html.raw("<pre tabindex=\"0\">").cut(text, most).raw("</pre>");
    }
}

/// The answer of the earlier record to the same case and repeat.
fn earlier(html: &mut Html, context: &Context, run: &Run) {
    let Some((record, details)) = context.extras.previous else { return };
    if run.arm != Arm::Cand {
        return;
    }
    let Some(before) = details.runs.get(&RunId::from(run)) else { return };
    let score = record.run(run.arm, &run.case, run.repeat).and_then(|run| run.score);
    html.raw("<details class=\"inner\"><summary>Earlier answer, ").cut(&record.skill.title(), LABEL).raw(": ");
    html.text(&share(score.map(|score| i64::from(score) * 1_000))).raw("</summary><pre tabindex=\"0\">");
    html.cut(before.transcript.final_text(), context.budget.answer() / 2).raw("</pre></details>");
}
