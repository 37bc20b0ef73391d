//! The page of a loop: one HTML file that asks no network for anything. Score by experiment, what was tried and why it was dropped, the gap
//! between train and holdout, what it cost, the winner's patch, and the verdict in a sentence.

mod chart;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use skill_bundle::hash::sha256;

use super::{
    journal::{Experiment, Status},
    state::State,
    stop::Stop,
};
use crate::report::{html::markup::Html, words};

const STYLE: &str = concat!(include_str!("../report/html/style.css"), include_str!("report/page.css"));
/// Bytes of the winner's patch that are shown.
const MAX_PATCH: usize = 200_000;
/// Bytes of an idea or a reason.
const MAX_CELL: usize = 1_000;
/// Rows of the table: the longest run that people make in a night, and more.
const MAX_ROWS: usize = 2_000;

/// The page.
pub fn page(state: &State, stop: &Stop, patch: &str) -> String {
    let mut html = Html::default();
    html.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"");
    html.text(&policy()).raw("\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    html.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
    html.text(&format!("{}: improve/{}", state.begin.name, state.begin.tag)).raw("</title>\n<style>");
    html.raw(STYLE).raw("</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">To the result</a>\n");
    html.add(&head(state)).raw("<main id=\"main\" class=\"frame\">\n").add(&verdict(state, stop));
    html.raw("<section class=\"result\" aria-label=\"Result\">\n<div class=\"card\">")
        .add(&chart::scores(state))
        .raw("</div>\n");
    html.add(&facts(state)).raw("</section>\n").add(&operators(state)).add(&tried(state)).add(&winner(state, patch));
    html.raw("</main>\n</body>\n</html>\n");
    html.as_str().to_owned()
}

/// Nothing is loaded or run; only this style applies.
fn policy() -> String {
    let digest = STANDARD.encode(sha256(STYLE.as_bytes()).0);
    format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")
}

fn head(state: &State) -> Html {
    let mut html = Html::default();
    html.raw("<header class=\"top frame\">\n<p class=\"brand\">skill <span>improve report</span></p>\n");
    html.element("h1", "", &state.begin.name);
    html.raw("<ul class=\"chips\">");
    html.element("li", "", &format!("improve/{}", state.begin.tag));
    html.element("li", "", state.begin.when.to_string().split('T').next().unwrap_or_default());
    html.element("li", "", &state.begin.identity.proposer);
    html.raw("</ul>\n</header>\n");
    html
}

fn verdict(state: &State, stop: &Stop) -> Html {
    let mut html = Html::default();
    let best = state.best();
    let gate = state.gates.iter().rev().find(|gated| gated.exp == best.exp);
    let (class, sign, sentence) = match gate {
        Some(gate) if gate.verdict == "accept" => ("verdict good", "\u{25b2}", gate.sentence.clone()),
        Some(gate) if gate.verdict == "reject" => ("verdict bad", "\u{25bc}", gate.sentence.clone()),
        Some(gate) => ("verdict open", "\u{25c6}", gate.sentence.clone()),
        None if best.exp == 0 => ("verdict open", "\u{25c6}", "no better version was found".to_owned()),
        None => ("verdict open", "\u{25c6}", "better on the train cases; the holdout was not asked".to_owned()),
    };
    html.raw("<div class=\"")
        .raw(class)
        .raw("\"><p class=\"sentence\"><span aria-hidden=\"true\">")
        .raw(sign)
        .raw("</span> ");
    html.text(&sentence).raw("</p><p class=\"gate\">Ended: ").text(&stop.sentence()).raw("</p></div>\n");
    if let Some(why) = gate.and_then(|gate| gate.overfit.as_ref()) {
        html.raw("<ul class=\"cautions\"><li>Overfit suspected: ").text(why).raw("</li></ul>\n");
    }
    html
}

fn facts(state: &State) -> Html {
    let mut html = Html::default();
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let points = |share: f64| format!("{:+.1} points", share * 100.0);
    let gate = state.gates.last();
    let train = state.best_score() - state.score_of(state.first());
    let holdout = gate.and_then(|gate| gate.holdout_gain);
    let seconds = state.used.ms / 1000;
    let mut rows = vec![
        ("start on train", percent(state.score_of(state.first()))),
        ("best on train", percent(state.best_score())),
        ("gain on train", points(train)),
        ("gain on holdout", holdout.map_or_else(|| "not measured".to_owned(), points)),
        (
            "gap",
            gate.zip(holdout).map_or_else(|| "unknown".to_owned(), |(gate, holdout)| points(gate.train_gain - holdout)),
        ),
        ("noise", format!("±{:.1} points", state.sigma * 100.0)),
        ("experiments", format!("{} kept of {}", state.keeps(), state.done())),
        ("tokens loaded", format!("{} at first, {} now", state.first().tokens, state.best().tokens)),
        ("runs", words::grouped(state.used.runs)),
        ("tokens used", words::grouped(state.used.tokens)),
        ("cost", words::dollars(state.used.cost_micros)),
        ("time", format!("{} h {:02} min {:02} s", seconds / 3600, seconds / 60 % 60, seconds % 60)),
    ];
    if let Some(preflight) = &state.preflight {
        let controls =
            [("no skill", preflight.without), ("empty skill", preflight.empty), ("oracle", preflight.oracle)];
        let shown = |(name, mean): (&'static str, Option<u16>)| Some((name, percent(f64::from(mean?) / 1000.0)));
        rows.extend(controls.into_iter().filter_map(shown));
    }
    html.raw("<dl class=\"facts\">");
    for (label, value) in rows {
        html.raw("<div>");
        html.element("dt", "", label);
        html.element("dd", "", &value);
        html.raw("</div>");
    }
    html.raw("</dl>\n");
    html
}

fn operators(state: &State) -> Html {
    let mut html = Html::default();
    html.raw("<h2>Kinds of edits</h2>\n<table class=\"list\"><thead><tr><th scope=\"col\">kind</th><th scope=\"col\" class=\"num\">tried</th>");
    html.raw("<th scope=\"col\" class=\"num\">kept</th></tr></thead><tbody>");
    for (operator, tried, kept) in state.by_operator() {
        html.raw("<tr><th scope=\"row\">")
            .text(operator.word())
            .raw("</th><td class=\"num\">")
            .number(u64::from(tried));
        html.raw("</td><td class=\"num\">").number(u64::from(kept)).raw("</td></tr>");
    }
    html.raw("</tbody></table>\n");
    html
}

fn tried(state: &State) -> Html {
    let mut html = Html::default();
    html.raw("<h2>What was tried</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"What was tried\"><table class=\"list\"><thead><tr>");
    for (name, class) in [
        ("no.", "num"),
        ("from", "num"),
        ("kind", ""),
        ("ended", ""),
        ("idea", ""),
        ("points", "num"),
        ("p", "num"),
        ("why", ""),
    ] {
        html.raw("<th scope=\"col\" class=\"").raw(class).raw("\">").raw(name).raw("</th>");
    }
    html.raw("</tr></thead><tbody>");
    for experiment in state.experiments.iter().take(MAX_ROWS) {
        html.add(&row(experiment));
    }
    html.raw("</tbody></table></div>\n");
    if state.experiments.len() > MAX_ROWS {
        html.raw("<p class=\"note\">The rest is in results.tsv.</p>\n");
    }
    html
}

fn row(experiment: &Experiment) -> Html {
    let mut html = Html::default();
    let class = match experiment.status {
        Status::Keep => "good",
        Status::Discard => "even",
        _ => "bad",
    };
    let number = |value: Option<f64>, scale: f64, digits: usize| {
        value.map_or_else(|| "–".to_owned(), |value| format!("{:+.*}", digits, value * scale))
    };
    html.raw("<tr><td class=\"num\">").number(u64::from(experiment.exp)).raw("</td><td class=\"num\">");
    html.number(u64::from(experiment.parent));
    if let Some(other) = experiment.other {
        html.raw("+").number(u64::from(other));
    }
    html.raw("</td><td>").text(experiment.operator.word()).raw("</td><td><span class=\"").raw(class).raw("\">");
    html.text(experiment.status.word()).raw("</span>");
    if experiment.memorised {
        html.raw(" <span class=\"tag warn\">train text</span>");
    }
    html.raw("</td><td class=\"wrap\">").cut(&experiment.idea, MAX_CELL).raw("</td><td class=\"num\">");
    html.text(&number(experiment.delta, 100.0, 1)).raw("</td><td class=\"num\">");
    html.text(number(experiment.p_run, 1.0, 3).trim_start_matches('+')).raw("</td><td class=\"wrap\">");
    html.cut(&experiment.why, MAX_CELL).raw("</td></tr>");
    html
}

fn winner(state: &State, patch: &str) -> Html {
    let mut html = Html::default();
    html.raw("<h2>The winner against the start</h2>\n");
    if patch.is_empty() {
        html.raw("<p class=\"note\">The start is still the best.</p>\n");
        return html;
    }
    html.raw("<p class=\"note\">Experiment ").number(u64::from(state.best().exp)).raw(", commit <code>");
    html.text(&state.best().commit).raw("</code></p>\n<pre class=\"patch\" tabindex=\"0\">");
    let mut left = MAX_PATCH;
    for line in patch.lines() {
        let class = match line.as_bytes().first() {
            Some(b'+') => "good",
            Some(b'-') => "bad",
            _ => "even",
        };
        html.raw("<span class=\"").raw(class).raw("\">").cut(line, left.max(1)).raw("</span>\n");
        left = left.saturating_sub(line.len());
        if left == 0 {
            html.raw("<span class=\"cut\">… the rest is in the branch</span>");
            break;
        }
    }
    html.raw("</pre>\n");
    html
}

#[cfg(test)]
mod tests {
    use super::{super::tests::state, *};
    use crate::report::sample::{HOSTILE, well_formed};

    fn body(page: &str) -> String {
        let (before, rest) = page.split_once("<style>").unwrap();
        let (_, after) = rest.split_once("</style>").unwrap();
        let text = format!("{before}{after}").replace("<!doctype html>", "");
        text.split("<meta").enumerate().fold(String::new(), |out, (n, part)| match (n, part.split_once('>')) {
            (0, _) | (_, None) => out + part,
            (_, Some((attributes, after))) => format!("{out}<meta{attributes}/>{after}"),
        })
    }

    #[test]
    fn the_page_is_well_formed_loads_nothing_and_escapes_what_comes_from_outside() {
        let state = state(HOSTILE);
        let page = page(&state, &Stop::Experiments, &format!("--- a/SKILL.md\n+++ b/SKILL.md\n+{HOSTILE}\n"));
        assert_eq!(well_formed(&body(&page)), Ok(()));
        for word in ["@import", "url(", "<link", "<script", " style=", "<img", "href=\"http", "\u{1b}", "\u{202e}"] {
            assert!(!page.contains(word), "{word:?} is in the page");
        }
        for part in
            ["improve report", "What was tried", "Overfit suspected", "gain on holdout", "train text", "prefers-"]
        {
            assert!(page.contains(part), "{part} is missing");
        }
    }

    #[test]
    fn a_run_without_experiments_has_a_page() {
        let mut state = state("x");
        (state.experiments, state.gates, state.preflight) = (Vec::new(), Vec::new(), None);
        state.versions.truncate(1);
        let page = page(&state, &Stop::Person, "");
        assert_eq!(well_formed(&body(&page)), Ok(()));
        assert!(page.contains("no better version was found"));
    }
}
