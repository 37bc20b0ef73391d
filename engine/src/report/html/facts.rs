//! What stands beside the mean, and everything else that reproducing it needs.

use super::{markup::Html, words};
use crate::record::{Order, Record};

/// The facts beside the mean.
pub(super) fn beside_the_mean(record: &Record) -> Html {
    let mut html = Html::default();
    html.raw("<dl class=\"facts\">");
    for fact in words::facts(record) {
        pair(&mut html, fact.label, &fact.value);
    }
    html.raw("</dl>");
    html
}

fn pair(html: &mut Html, label: &'static str, value: &str) {
    html.raw("<div><dt>").raw(label).raw("</dt><dd>").cut(value, 1_200).raw("</dd></div>");
}

/// The panel with everything that the record says about how it was measured.
pub(super) fn panel(record: &Record, digest: &str) -> Html {
    let mut html = Html::default();
    html.raw("<h2>How it was measured</h2>");
    group(&mut html, "Who says so", &provenance(record, digest));
    group(&mut html, "Model and engine", &engine(record));
    group(&mut html, "Grader", &grader(record));
    group(&mut html, "Skill and suite", &subject(record));
    html.raw(
        "<h3>Score key</h3><p class=\"note\">Scores are comparable if and only if their score key is equal. It is the \
              SHA-256 of the canonical JSON of these parts.</p><p><code class=\"wrap\">",
    );
    html.text(&record.score_key.to_string()).raw("</code></p><pre tabindex=\"0\">");
    html.cut(&pretty(&record.key), 12_000).raw("</pre>");
    if !record.verdict.is_null() {
        html.raw("<h3>The gate’s verdict</h3><pre tabindex=\"0\">").cut(&pretty(&record.verdict), 12_000).raw("</pre>");
    }
    html
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn group(html: &mut Html, title: &'static str, rows: &[(&'static str, String)]) {
    html.raw("<h3>").raw(title).raw("</h3><dl class=\"facts wide\">");
    for (label, value) in rows {
        pair(html, label, value);
    }
    html.raw("</dl>");
}

fn provenance(record: &Record, digest: &str) -> Vec<(&'static str, String)> {
    let statuses = &record.result.statuses;
    let ended = [
        (statuses.ok, "came to their end"),
        (statuses.timeout, "timed out"),
        (statuses.limit, "hit a limit"),
        (statuses.crash, "crashed"),
        (statuses.infra, "failed by the machine"),
        (statuses.grader_error, "could not be graded"),
        (statuses.tainted, "were tainted"),
    ];
    let ended: Vec<String> = ended.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    let order = match record.arms.order {
        Order::Interleaved => "interleaved",
        Order::Sequential => "one arm after the other",
    };
    vec![
        ("measured by", record.provenance.who.clone()),
        ("on", record.provenance.when.to_string()),
        ("trust", record.provenance.trust.word().to_owned()),
        ("runs", if ended.is_empty() { "none".to_owned() } else { ended.join(", ") }),
        ("order of the arms", order.to_owned()),
        ("digest of the record", digest.to_owned()),
    ]
}

fn engine(record: &Record) -> Vec<(&'static str, String)> {
    let (engine, sampling) = (&record.engine, &record.sampling);
    let word = |value: &dyn std::fmt::Debug| format!("{value:?}").to_lowercase();
    let seeds: Vec<String> = sampling.seeds.iter().take(12).map(u64::to_string).collect();
    let more =
        if sampling.seeds.len() > 12 { format!(" and {} more", sampling.seeds.len() - 12) } else { String::new() };
    vec![
        ("model", record.model.name.clone()),
        ("weights", record.model.weights.clone()),
        ("quantisation", record.model.quantisation.clone()),
        ("engine", format!("{} {}", engine.name, engine.build)),
        ("device", engine.device.clone()),
        ("shared beginning", format!("{}, mode {}", word(&engine.kv_reuse), word(&engine.mode))),
        ("temperature, top p", format!("{}, {}", sampling.temperature, sampling.top_p)),
        ("tokens an answer, at most", words::grouped(sampling.max_tokens.into())),
        ("seeds", format!("{}{more}", seeds.join(", "))),
        ("harness", format!("{} {}, {}", record.harness.name, record.harness.version, record.harness.executor)),
    ]
}

fn grader(record: &Record) -> Vec<(&'static str, String)> {
    let grader = &record.grader;
    let share = words::percent(grader.judged_weight_ppm.into());
    vec![
        ("judged by a model", format!("{share} of the weight")),
        ("model", grader.model.clone().unwrap_or_else(|| "none".to_owned())),
        ("prompt", grader.prompt.clone()),
        ("votes", grader.votes.to_string()),
        (
            "agrees with itself",
            grader.self_agreement_ppm.map_or_else(|| "not measured".to_owned(), |ppm| words::percent(ppm.into())),
        ),
        ("remarks", if grader.flagged.is_empty() { "none".to_owned() } else { grader.flagged.join("; ") }),
    ]
}

fn subject(record: &Record) -> Vec<(&'static str, String)> {
    let (skill, suite) = (&record.skill, &record.suite);
    let none = || "none".to_owned();
    vec![
        ("skill", skill.title()),
        ("tree", skill.tree.to_string()),
        ("parent", skill.parent.clone().unwrap_or_else(none)),
        ("forked from", skill.forked_from.clone().unwrap_or_else(none)),
        (
            "compared with",
            match &record.arms.baseline {
                Some(crate::record::Baseline::NoSkill {}) => "no skill".to_owned(),
                _ => words::baseline(record),
            },
        ),
        ("suite", words::suite(record)),
        ("cases of the suite", format!("{}, {} of them in the holdout", suite.cases, suite.holdout)),
        ("hash of the measured cases", suite.split_hash.to_string()),
    ]
}
