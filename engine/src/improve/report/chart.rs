//! Score by experiment as SVG without a view box: places are percentages of the width, so that it follows the page.

use super::super::{
    journal::{Experiment, Status},
    state::State,
};
use crate::report::html::markup::Html;

/// Height of the plot in pixels, its margins left out.
const HEIGHT: f64 = 220.0;
/// Room above it.
const TOP: f64 = 14.0;
/// Room below it, for marks of what was not measured and for numbers.
const BOTTOM: f64 = 40.0;
/// Room to the left, as a share of the width: the labels.
const LEFT: f64 = 0.08;

/// The chart with its key.
pub(super) fn scores(state: &State) -> Html {
    let mut html = Html::default();
    let axis = Axis::of(state);
    let said = format!(
        "Score on the train cases by experiment: {:.1} % at first, {:.1} % at the end; {} of {} experiments kept.",
        state.score_of(state.first()) * 100.0,
        state.best_score() * 100.0,
        state.keeps(),
        state.done()
    );
    html.raw("<h2>Score by experiment</h2><svg class=\"plot\" role=\"img\" height=\"")
        .text(&pixels(TOP + HEIGHT + BOTTOM));
    html.raw("\" aria-label=\"").text(&said).raw("\">");
    band(&mut html, state, &axis);
    grid(&mut html, &axis);
    best(&mut html, state, &axis);
    for experiment in &state.experiments {
        mark(&mut html, experiment, &axis);
    }
    html.raw(
        "</svg><ul class=\"key\"><li>● kept</li><li>○ measured, not kept</li><li>| not measured on all cases</li>",
    );
    html.raw("<li>line: the best so far</li><li>band: the start and its noise</li></ul>");
    html
}

/// Where scores and experiments stand.
struct Axis {
    low: f64,
    high: f64,
    last: f64,
}

impl Axis {
    fn of(state: &State) -> Self {
        let start = state.score_of(state.first());
        let scores = state.experiments.iter().filter_map(|experiment| experiment.score);
        let ends = scores.chain([start - state.sigma, start + state.sigma]);
        let (low, high) = ends.fold((1.0_f64, 0.0_f64), |(low, high), score| (low.min(score), high.max(score)));
        let step = |score: f64| (score * 10.0).clamp(0.0, 10.0);
        let (low, high) = (step(low).floor() / 10.0, step(high).ceil() / 10.0);
        Self { low, high: if high > low { high } else { low + 0.1 }, last: f64::from(state.done().max(1)) }
    }

    fn x(&self, exp: f64) -> f64 {
        LEFT + (1.0 - LEFT - 0.01) * exp / self.last
    }

    fn y(&self, score: f64) -> f64 {
        TOP + HEIGHT * (1.0 - ((score - self.low) / (self.high - self.low)).clamp(0.0, 1.0))
    }
}

fn pixels(value: f64) -> String {
    format!("{value:.1}")
}

fn line(html: &mut Html, class: &'static str, (x1, x2): (f64, f64), (y1, y2): (f64, f64)) {
    html.raw("<line class=\"")
        .raw(class)
        .raw("\" x1=\"")
        .place(x1)
        .raw("\" x2=\"")
        .place(x2)
        .raw("\" y1=\"")
        .text(&pixels(y1));
    html.raw("\" y2=\"").text(&pixels(y2)).raw("\"/>");
}

fn band(html: &mut Html, state: &State, axis: &Axis) {
    let start = state.score_of(state.first());
    let (top, bottom) = (axis.y(start + state.sigma), axis.y(start - state.sigma));
    html.raw("<rect class=\"band\" x=\"")
        .place(LEFT)
        .raw("\" width=\"")
        .place(1.0 - LEFT)
        .raw("\" y=\"")
        .text(&pixels(top));
    html.raw("\" height=\"").text(&pixels((bottom - top).max(1.0))).raw("\"/>");
}

fn grid(html: &mut Html, axis: &Axis) {
    for step in 0..=4 {
        let score = axis.low + (axis.high - axis.low) * f64::from(step) / 4.0;
        let y = axis.y(score);
        line(html, "grid", (LEFT, 1.0), (y, y));
        html.raw("<text class=\"label\" x=\"0\" y=\"")
            .text(&pixels(y + 4.0))
            .raw("\">")
            .text(&format!("{:.0} %", score * 100.0))
            .raw("</text>");
    }
    for (exp, anchor) in [(0.0, "start"), (axis.last, "end")] {
        html.raw("<text class=\"label\" text-anchor=\"").raw(anchor).raw("\" x=\"").place(axis.x(exp)).raw("\" y=\"");
        html.text(&pixels(TOP + HEIGHT + BOTTOM - 6.0)).raw("\">").text(&format!("{exp:.0}")).raw("</text>");
    }
}

/// The best score so far, as steps.
fn best(html: &mut Html, state: &State, axis: &Axis) {
    let mut score = state.strength(&state.first().scores);
    let mut from = 0.0;
    for experiment in state.experiments.iter().filter(|experiment| experiment.status == Status::Keep) {
        let (exp, next) = (f64::from(experiment.exp), experiment.score.unwrap_or(score).max(score));
        line(html, "best", (axis.x(from), axis.x(exp)), (axis.y(score), axis.y(score)));
        line(html, "best", (axis.x(exp), axis.x(exp)), (axis.y(score), axis.y(next)));
        (from, score) = (exp, next);
    }
    line(html, "best", (axis.x(from), axis.x(axis.last)), (axis.y(score), axis.y(score)));
}

fn mark(html: &mut Html, experiment: &Experiment, axis: &Axis) {
    let x = axis.x(f64::from(experiment.exp));
    let Some(score) = experiment.score else {
        let y = TOP + HEIGHT + 6.0;
        line(html, "miss", (x, x), (y, y + 8.0));
        return;
    };
    let class = if experiment.status == Status::Keep { "keep" } else { "drop" };
    html.raw("<circle r=\"4\" class=\"")
        .raw(class)
        .raw("\" cx=\"")
        .place(x)
        .raw("\" cy=\"")
        .text(&pixels(axis.y(score)))
        .raw("\"><title>");
    html.text(&format!("{}: {:.1} %", experiment.exp, score * 100.0)).raw("</title></circle>");
}
