//! Every case: the table of all, and an article each with prompt, checks of both arms, runs and a feedback box.

use super::{
    Context,
    budget::LABEL,
    markup::Html,
    run,
    words::{self, percent, points},
};
use crate::{
    record::{CaseFacts, CaseResult},
    report::skill_creator,
    run::{Arm, CheckResult, Run},
};

/// The tables of categories and cases.
pub(super) fn overview(context: &Context) -> Html {
    let mut html = Html::default();
    if context.record.result.categories.len() > 1 {
        html.add(&categories(context));
    }
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"All cases\"><table class=\"list rows\"><caption>Cases, \
              worse ones first</caption>");
    heads(
        &mut html,
        "Case",
        context,
        "<th scope=\"col\">Runs with</th><th scope=\"col\" class=\"num wide\">Tokens</th>",
    );
    html.raw("<tbody>");
    for (place, index) in words::failures_first(context.record).into_iter().enumerate() {
        row(&mut html, context, place, &context.record.result.by_case[index]);
    }
    html.raw("</tbody></table></div><p class=\"legend note\">");
    for (score, word) in [(Some(1_000), "passed"), (Some(500), "in part"), (Some(0), "failed"), (None, "missing")] {
        square(&mut html, score);
        html.raw(" ").raw(word).raw(" ");
    }
    html.raw("</p>");
    html
}

fn heads(html: &mut Html, first: &'static str, context: &Context, last: &'static str) {
    html.raw("<thead><tr><th scope=\"col\">").raw(first).raw("</th>");
    let has_base = context.record.result.base.is_some();
    if has_base {
        html.raw("<th scope=\"col\" class=\"num\">").cut(&words::baseline(context.record), LABEL).raw("</th>");
    }
    html.raw("<th scope=\"col\" class=\"num\">with</th>");
    if has_base {
        html.raw("<th scope=\"col\" class=\"num\">Difference</th>");
    }
    html.raw(last).raw("</tr></thead>");
}

fn categories(context: &Context) -> Html {
    let mut html = Html::default();
    let has_base = context.record.result.base.is_some();
    html.raw("<table class=\"list\"><caption>Categories</caption>");
    heads(&mut html, "Category", context, "<th scope=\"col\" class=\"num\">Cases</th>");
    html.raw("<tbody>");
    for category in &context.record.result.categories {
        html.raw("<tr><th scope=\"row\">").cut(&category.category, LABEL).raw("</th>");
        if has_base {
            share(&mut html, &words::baseline(context.record), category.base_ppm);
        }
        share(&mut html, "with", category.cand_ppm);
        if has_base {
            difference(&mut html, category.delta_ppm);
        }
        html.raw("<td class=\"num\">").number(category.cases.into()).raw("</td></tr>");
    }
    html.raw("</tbody></table>");
    html
}

/// A cell with its column's head for narrow pages, where there are no columns.
fn cell<'a>(html: &'a mut Html, label: &str) -> &'a mut Html {
    html.raw("<td class=\"num\" data-label=\"").cut_plain(label, LABEL).raw("\">")
}

fn share(html: &mut Html, label: &str, ppm: Option<i64>) {
    cell(html, label).text(&ppm.map_or_else(|| "–".to_owned(), percent)).raw("</td>");
}

fn difference(html: &mut Html, ppm: Option<i64>) {
    cell(html, "difference");
    signed(html, ppm);
    html.raw("</td>");
}

/// A difference with a sign that does not need colour.
fn signed(html: &mut Html, ppm: Option<i64>) {
    let (class, sign) = match ppm.map(i64::signum) {
        Some(1) => ("good", "▲ "),
        Some(-1) => ("bad", "▼ "),
        _ => ("even", ""),
    };
    html.raw("<span class=\"nowrap ").raw(class).raw("\"><span aria-hidden=\"true\">").raw(sign).raw("</span>");
    html.text(&ppm.map_or_else(|| "–".to_owned(), points)).raw("</span>");
}

fn row(html: &mut Html, context: &Context, place: usize, case: &CaseResult) {
    let has_base = context.record.result.base.is_some();
    html.raw("<tr><th scope=\"row\"><a href=\"#case-").number(place as u64 + 1).raw("\">");
    html.cut(context.details.name(&case.id), LABEL).raw("</a>");
    if !case.complete {
        html.raw(" <span class=\"tag warn\">not counted</span>");
    }
    html.raw("</th>");
    if has_base {
        share(html, &words::baseline(context.record), case.base.as_ref().and_then(|arm| arm.mean_ppm));
    }
    share(html, "with", case.cand.as_ref().and_then(|arm| arm.mean_ppm));
    if has_base {
        difference(html, case.delta_ppm);
    }
    html.raw("<td class=\"runs\">");
    strip(html, case);
    html.raw("</td><td class=\"num wide\">").number(case.cand.as_ref().map_or(0, |arm| arm.tokens)).raw("</td></tr>");
}

/// Squares of a strip at most; further runs are counted in words.
const STRIP: usize = 20;

/// One square a run of the skill.
fn strip(html: &mut Html, case: &CaseResult) {
    let scores = case.cand.as_ref().map_or(&[][..], |arm| &arm.scores);
    let passed = scores.iter().filter(|score| **score == Some(1_000)).count();
    html.raw("<span class=\"strip\" role=\"img\" aria-label=\"")
        .number(passed as u64)
        .raw(" of ")
        .number(scores.len() as u64);
    html.raw(" runs passed wholly\">");
    scores.iter().take(STRIP).for_each(|score| square(html, *score));
    if scores.len() > STRIP {
        html.raw("<span class=\"note\">+").number((scores.len() - STRIP) as u64).raw("</span>");
    }
    html.raw("</span>");
}

fn square(html: &mut Html, score: Option<u16>) {
    html.raw(match score {
        Some(1_000..) => "<i class=\"sq full\"></i>",
        Some(1..) => "<i class=\"sq half\"></i>",
        Some(0) => "<i class=\"sq\"></i>",
        None => "<i class=\"sq gone\"></i>",
    });
}

/// An article a case, in the order of the table.
pub(super) fn articles(context: &Context) -> Html {
    let mut html = Html::default();
    for (place, index) in words::failures_first(context.record).into_iter().enumerate() {
        article(&mut html, context, place, index);
    }
    html
}

fn article(html: &mut Html, context: &Context, place: usize, index: usize) {
    let (facts, case) = (&context.record.cases[index], &context.record.result.by_case[index]);
    html.raw("<article class=\"case\" tabindex=\"-1\" id=\"case-")
        .number(place as u64 + 1)
        .raw("\"><header><p class=\"note\">");
    html.number(place as u64 + 1)
        .raw(" of ")
        .number(context.record.cases.len() as u64)
        .raw(" · ")
        .cut(&facts.category, LABEL);
    if facts.critical {
        html.raw(" · <span class=\"tag\">critical</span>");
    }
    html.raw("</p><h3>").cut(context.details.name(&case.id), LABEL).raw("</h3><p class=\"score\">");
    if let Some(base) = &case.base {
        html.cut(&words::baseline(context.record), LABEL).raw(" <b>").text(&run::share(base.mean_ppm)).raw("</b>, ");
    }
    html.raw("with <b>").text(&run::share(case.cand.as_ref().and_then(|arm| arm.mean_ppm))).raw("</b> ");
    if case.base.is_some() {
        signed(html, case.delta_ppm);
    }
    html.raw("</p></header>");
    prompt(html, context, &case.id);
    checks(html, context, &case.id);
    html.raw("<div class=\"arms\">");
    arm(html, context, facts, Arm::Cand, case.cand.is_some());
    arm(html, context, facts, Arm::Base, case.base.is_some());
    html.raw("</div>");
    feedback(html, context, place, &case.id);
    html.raw("</article>");
}

fn prompt(html: &mut Html, context: &Context, case: &str) {
    let Some(text) = context.details.cases.get(case) else { return };
    html.raw("<details class=\"prompt\" open><summary>Prompt</summary><pre tabindex=\"0\">");
    html.cut(&text.prompt, context.budget.prompt).raw("</pre>");
    if !text.expected.is_empty() {
        html.raw("<p class=\"note\">Expected: ").cut(&text.expected, context.budget.prompt / 4).raw("</p>");
    }
    html.raw("</details>");
}

fn runs<'a>(context: &'a Context, case: &str, arm: Arm) -> Vec<&'a Run> {
    let mut runs: Vec<&Run> = context.record.runs.iter().filter(|run| run.arm == arm && run.case == case).collect();
    runs.sort_by_key(|run| run.repeat);
    runs
}

/// Each check with how often it passed in either arm.
fn checks(html: &mut Html, context: &Context, case: &str) {
    let (base, cand) = (runs(context, case, Arm::Base), runs(context, case, Arm::Cand));
    let mut all: Vec<&CheckResult> = Vec::new();
    for check in cand.iter().chain(&base).flat_map(|run| &run.checks) {
        if !all.iter().any(|other| other.id == check.id) {
            all.push(check);
        }
    }
    if all.is_empty() {
        return;
    }
    let has_base = context.record.result.base.is_some();
    html.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Checks\"><table class=\"list\"><caption>Checks, passed \
              wholly of runs</caption><thead><tr><th scope=\"col\">Check</th>");
    if has_base {
        html.raw("<th scope=\"col\" class=\"num\">").cut(&words::baseline(context.record), LABEL).raw("</th>");
    }
    html.raw("<th scope=\"col\" class=\"num\">with</th></tr></thead><tbody>");
    let shown = context.budget.rows * 2;
    for check in all.iter().take(shown) {
        html.raw("<tr><th scope=\"row\">").cut(run::asked(context, case, check), context.budget.label());
        tags(html, check);
        html.raw("</th>");
        if has_base {
            passed(html, &base, &check.id);
        }
        passed(html, &cand, &check.id);
        html.raw("</tr>");
    }
    html.raw("</tbody></table></div>");
    if all.len() > shown {
        html.raw("<p class=\"note\">").number((all.len() - shown) as u64).raw(" more checks are in the record.</p>");
    }
}

fn tags(html: &mut Html, check: &CheckResult) {
    if check.required {
        html.raw(" <span class=\"tag\">required</span>");
    }
    if check.weight != 1 {
        html.raw(" <span class=\"tag\">weight ").number(check.weight.into()).raw("</span>");
    }
    if check.judged {
        html.raw(" <span class=\"tag\">judged by a model</span>");
    }
}

fn passed(html: &mut Html, runs: &[&Run], check: &str) {
    let results: Vec<&CheckResult> =
        runs.iter().filter_map(|run| run.checks.iter().find(|one| one.id == check)).collect();
    let count = results.iter().filter(|one| one.passed()).count();
    html.raw("<td class=\"num\">").number(count as u64).raw(" / ").number(results.len() as u64);
    let ungraded = results.iter().filter(|one| one.value.is_none()).count();
    if ungraded > 0 {
        html.raw("<br><span class=\"note\">").number(ungraded as u64).raw(" ungraded</span>");
    }
    html.raw("</td>");
}

fn arm(html: &mut Html, context: &Context, facts: &CaseFacts, arm: Arm, is_there: bool) {
    if !is_there {
        return;
    }
    html.raw("<section><h4>");
    match arm {
        Arm::Cand => html.raw("With the skill"),
        Arm::Base => match context.record.lift() {
            Some(_) => html.raw("Without"),
            None => html.cut(&words::baseline(context.record), LABEL),
        },
    };
    html.raw("</h4>");
    for one in runs(context, &facts.id, arm) {
        html.add(&run::one(context, one));
    }
    html.raw("</section>");
}

/// The box for what a person says about the outputs of a case, and what was said last time.
fn feedback(html: &mut Html, context: &Context, place: usize, case: &str) {
    let name = skill_creator::configuration(context.record, Arm::Cand);
    let id = context.folders.get(case).map(|folder| format!("{folder}-{name}")).unwrap_or_default();
    let earlier = context.extras.feedback.iter().flat_map(|feedback| &feedback.reviews);
    // A review can be of the case or of one of its runs.
    let is_of = |run: &str| run == id || run.strip_prefix(&id).is_some_and(|rest| rest.starts_with("-run-"));
    html.raw("<div class=\"feedback\">");
    for review in earlier.filter(|review| is_of(&review.run_id) && !review.feedback.trim().is_empty()) {
        html.raw("<p class=\"note\">Said before: <q>").cut(&review.feedback, 1_000).raw("</q></p>");
    }
    html.raw("<label for=\"say-").number(place as u64 + 1).raw(
        "\">Feedback on the outputs with the skill</label><textarea rows=\"2\" \
              placeholder=\"Leave it empty if it is fine\" id=\"say-",
    );
    html.number(place as u64 + 1).raw("\" data-run=\"").text(&id).raw("\"></textarea></div>");
}
