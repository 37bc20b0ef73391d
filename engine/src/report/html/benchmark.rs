//! This record beside others, each with its interval on one axis, and the means of each repeat.

use super::{
    Context,
    budget::LABEL,
    charts::{self, Axis},
    markup::Html,
    words::{self, delta_interval, percent, points},
};
use crate::{
    record::{Record, compare::differing_parts, compute},
    run::Run,
};

/// Records shown at most.
const RECORDS: usize = 40;

/// Repeats shown at most.
const REPEATS: u32 = 50;

/// The panel.
pub(super) fn panel(context: &Context) -> Html {
    let mut html = Html::default();
    let all: Vec<&Record> = std::iter::once(context.record).chain(context.extras.others).take(RECORDS).collect();
    html.raw("<h2>Benchmark</h2>");
    if all.len() == 1 {
        html.raw("<p class=\"note\">Only this record. Others, of other models or later runs, are shown beside it when they are given.</p>");
    }
    let deltas = all.iter().filter_map(|record| record.result.delta.as_ref());
    let ends = deltas.flat_map(charts::shown);
    let axis = Axis::around(ends);
    html.raw("<div class=\"records\">");
    for record in all {
        html.add(&entry(context.record, record, &axis));
    }
    html.raw("</div>");
    html.add(&repeats(context.record));
    html
}

/// One record: who, on what, how many, both means, the difference with its interval, what it used, and whether it is comparable.
fn entry(this: &Record, record: &Record, axis: &Axis) -> Html {
    let mut html = Html::default();
    html.raw("<section class=\"record\"><h3>")
        .cut(&record.skill.title(), LABEL)
        .raw(" <span class=\"note\">")
        .cut(&record.model.name, LABEL);
    html.raw("</span></h3>");
    if let Some(delta) = &record.result.delta {
        html.raw("<svg role=\"img\" height=\"28\" aria-label=\"");
        html.text(&format!("{} points, 95 % interval {}", points(delta.mean_ppm), delta_interval(delta))).raw("\">");
        charts::line(&mut html, "zero", axis, [0, 0], ["0", "28"]);
        charts::mark(&mut html, delta, axis, "14");
        html.raw("</svg>");
    }
    html.raw("<dl class=\"facts\">");
    let mean = |arm: &crate::record::ArmSummary| match (arm.mean_ppm, arm.interval) {
        (Some(mean), Some(_)) => format!("{}, interval {}", percent(mean), words::mean_interval(arm.interval)),
        (Some(mean), None) => percent(mean),
        (None, _) => "not measured".to_owned(),
    };
    if let Some(base) = &record.result.base {
        fact(&mut html, "baseline", &format!("{} ({})", mean(base), words::baseline(record)));
    }
    fact(&mut html, "with", &mean(&record.result.cand));
    for one in words::facts(record) {
        fact(&mut html, one.label, &one.value);
    }
    fact(&mut html, "time a run", &words::seconds(record.result.cand.ms));
    fact(&mut html, "cost a run", &words::dollars(record.result.cand.cost_micros));
    fact(&mut html, "comparable", &comparable(this, record));
    html.raw("</dl></section>");
    html
}

fn fact(html: &mut Html, label: &'static str, value: &str) {
    html.raw("<div><dt>").raw(label).raw("</dt><dd>").cut(value, 600).raw("</dd></div>");
}

fn comparable(this: &Record, record: &Record) -> String {
    if std::ptr::eq(this, record) {
        return "this record".to_owned();
    }
    let parts: Vec<String> = differing_parts(this, record).into_iter().map(|part| part.part).collect();
    if parts.is_empty() {
        "yes, the score keys are equal".to_owned()
    } else {
        format!("no, these differ: {}", parts.join(", "))
    }
}

/// The means of each repeat alone: how much one run of the suite says.
fn repeats(record: &Record) -> Html {
    let mut html = Html::default();
    if record.result.repeats < 2 {
        return html;
    }
    let has_base = record.result.base.is_some();
    html.raw("<h3>Each repeat alone</h3><p class=\"note\">What one run a case would have shown. The spread is why one is not enough.</p>");
    html.raw("<table class=\"list\"><thead><tr><th scope=\"col\">Repeat</th>");
    if has_base {
        html.raw("<th scope=\"col\" class=\"num\">").cut(&words::baseline(record), LABEL).raw("</th>");
    }
    html.raw("<th scope=\"col\" class=\"num\">with</th>");
    if has_base {
        html.raw("<th scope=\"col\" class=\"num\">Difference</th>");
    }
    html.raw("<th scope=\"col\" class=\"num\">Cases</th></tr></thead><tbody>");
    for repeat in 0..record.result.repeats.min(REPEATS) {
        let runs: Vec<Run> = record.runs.iter().filter(|run| run.repeat == repeat).cloned().collect();
        let result = compute(&runs, &record.cases);
        let share = |ppm: Option<i64>| ppm.map_or_else(|| "–".to_owned(), percent);
        html.raw("<tr><th scope=\"row\">").number(u64::from(repeat) + 1).raw("</th>");
        let base = result.base.as_ref().and_then(|arm| arm.mean_ppm);
        let cells = [
            has_base.then(|| share(base)),
            Some(share(result.cand.mean_ppm)),
            has_base.then(|| result.delta.as_ref().map_or_else(|| "–".to_owned(), |delta| points(delta.mean_ppm))),
            Some(result.cases.to_string()),
        ];
        for cell in cells.iter().flatten() {
            html.element("td", "num", cell);
        }
        html.raw("</tr>");
    }
    html.raw("</tbody></table>");
    html
}
