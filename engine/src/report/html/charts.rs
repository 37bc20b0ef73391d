//! Charts as SVG without a view box: places are percentages, so they follow the page's width and their text keeps its size.

use super::{
    markup::Html,
    words::{self, delta_interval, mean_interval, percent, points},
};
use crate::record::{ArmSummary, Delta, Interval, MILLION, Record};

/// The means of the arms on an axis from 0 to 100 %, and the difference on an axis of its own with a line at zero.
pub(super) fn means(record: &Record) -> Html {
    let mut html = Html::default();
    html.raw("<div class=\"bars\">");
    if let Some(base) = &record.result.base {
        mean(&mut html, &words::baseline(record), base, "bar base");
    }
    mean(&mut html, "with", &record.result.cand, "bar with");
    html.raw("</div>");
    if let Some(delta) = &record.result.delta {
        html.add(&difference(delta));
    }
    html
}

fn mean(html: &mut Html, label: &str, arm: &ArmSummary, class: &'static str) {
    let value = arm.mean_ppm.map_or_else(|| "not measured".to_owned(), percent);
    let interval = mean_interval(arm.interval);
    html.raw("<div class=\"row\"><div class=\"name\">").text(label).raw("</div><div class=\"value\">").text(&value);
    html.raw("</div><svg role=\"img\" height=\"20\" aria-label=\"");
    html.text(&format!("{label} {value}, 95 % interval {interval}")).raw("\">");
    html.raw("<rect class=\"track\" x=\"0\" y=\"4\" width=\"100%\" height=\"12\" rx=\"2\"/>");
    if let Some(ppm) = arm.mean_ppm {
        html.raw("<rect class=\"")
            .raw(class)
            .raw("\" x=\"0\" y=\"4\" height=\"12\" rx=\"2\" width=\"")
            .place(share(ppm));
        html.raw("\"/>");
    }
    if let Some(interval) = arm.interval {
        whisker(html, interval, share, 10);
    }
    html.raw("</svg><div class=\"note\">95 % interval ").text(&interval).raw("</div></div>");
}

/// A line from end to end with a stroke at both.
fn whisker(html: &mut Html, interval: Interval, place: impl Fn(i64) -> f64, middle: u8) {
    let (low, high) = (place(interval.low_ppm), place(interval.high_ppm));
    let (top, bottom) = (u64::from(middle) - 5, u64::from(middle) + 5);
    for (x1, x2, y1, y2) in
        [(low, high, middle.into(), middle.into()), (low, low, top, bottom), (high, high, top, bottom)]
    {
        html.raw("<line class=\"whisker\" x1=\"").place(x1).raw("\" x2=\"").place(x2).raw("\" y1=\"").number(y1);
        html.raw("\" y2=\"").number(y2).raw("\"/>");
    }
}

#[expect(clippy::cast_precision_loss, reason = "millionths")]
fn share(ppm: i64) -> f64 {
    ppm as f64 / MILLION as f64
}

/// An axis for differences: it holds zero and everything shown, and begins and ends at a multiple of its step.
pub(super) struct Axis {
    low: i64,
    high: i64,
    step: i64,
}

impl Axis {
    pub(super) fn around(values: impl Iterator<Item = i64>) -> Self {
        let (low, high) = values.fold((0, 0), |(low, high), value| (value.min(low), value.max(high)));
        let span = (high - low).max(20_000);
        // At most six steps.
        let steps = [5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000];
        let step = steps.into_iter().find(|step| span / step < 6).unwrap_or(MILLION);
        let (down, up) = (low.div_euclid(step) * step, -(-high).div_euclid(step) * step);
        Self { low: down.min(-step), high: up.max(step), step }
    }

    /// The place of a value, a little inside so that labels at the ends are not cut.
    #[expect(clippy::cast_precision_loss, reason = "millionths")]
    pub(super) fn place(&self, ppm: i64) -> f64 {
        let share = (ppm - self.low) as f64 / (self.high - self.low) as f64;
        0.06 + 0.88 * share
    }

    fn ticks(&self) -> impl Iterator<Item = i64> {
        (0..).map(|n| self.low + n * self.step).take_while(|tick| *tick <= self.high)
    }
}

/// The ends of a difference's interval, as far as a difference can be; the mean twice if there is none.
pub(super) fn shown(delta: &Delta) -> [i64; 2] {
    let ends = delta.interval.map_or([delta.mean_ppm; 2], |interval| [interval.low_ppm, interval.high_ppm]);
    ends.map(|end| end.clamp(-MILLION, MILLION))
}

/// The class of a difference: what its interval says, not its mean.
pub(super) fn tone(delta: &Delta) -> &'static str {
    match delta.interval {
        Some(interval) if interval.low_ppm > 0 => "good",
        Some(interval) if interval.high_ppm < 0 => "bad",
        _ => "open",
    }
}

fn difference(delta: &Delta) -> Html {
    let ends = shown(delta);
    let axis = Axis::around(ends.into_iter().chain([delta.mean_ppm]));
    let mut html = Html::default();
    let text = format!("difference {} points, 95 % interval {}", points(delta.mean_ppm), delta_interval(delta));
    html.raw("<div class=\"delta\"><div class=\"name\">Difference, in points</div>");
    html.raw("<svg role=\"img\" height=\"58\" aria-label=\"").text(&text).raw("\">");
    for tick in axis.ticks() {
        let class = if tick == 0 { "zero" } else { "tick" };
        line(&mut html, class, &axis, [tick, tick], ["4", "36"]);
        html.raw("<text class=\"label\" text-anchor=\"middle\" y=\"52\" x=\"").place(axis.place(tick)).raw("\">");
        html.text(&whole(tick)).raw("</text>");
    }
    mark(&mut html, delta, &axis, "20");
    html.raw("</svg><p class=\"note\">Better on ")
        .text(&cases(delta.better))
        .raw(", worse on ")
        .number(delta.worse.into());
    html.raw(", equal on ")
        .number(delta.tied.into())
        .raw(". The line is the 95 % interval: if it crosses zero, these runs show no difference.</p></div>");
    html
}

/// The interval as a thick line and the mean as a point on it.
pub(super) fn mark(html: &mut Html, delta: &Delta, axis: &Axis, y: &'static str) {
    html.raw("<g class=\"").raw(tone(delta)).raw("\">");
    if delta.interval.is_some() {
        line(html, "interval", axis, shown(delta), [y, y]);
    }
    html.raw("<circle class=\"point\" r=\"6\" cy=\"").raw(y).raw("\" cx=\"").place(axis.place(delta.mean_ppm));
    html.raw("\"/></g>");
}

pub(super) fn line(html: &mut Html, class: &'static str, axis: &Axis, x: [i64; 2], y: [&'static str; 2]) {
    html.raw("<line class=\"").raw(class).raw("\" x1=\"").place(axis.place(x[0])).raw("\" x2=\"");
    html.place(axis.place(x[1])).raw("\" y1=\"").raw(y[0]).raw("\" y2=\"").raw(y[1]).raw("\"/>");
}

fn cases(n: u32) -> String {
    words::count(n, "case", "cases")
}

/// A tick without its fraction if it has none.
fn whole(ppm: i64) -> String {
    points(ppm).trim_end_matches(".0").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_holds_zero_and_all_values() {
        for (low, high) in
            [(0, 0), (70_926, 289_074), (-300_000, -1), (-1_000_000, 1_000_000), (1, 2), (-4_047, 537_380)]
        {
            let axis = Axis::around([low, high].into_iter());
            assert!(axis.low < 0 && axis.high > 0 && axis.low <= low && axis.high >= high, "{low} to {high}");
            let ticks: Vec<i64> = axis.ticks().collect();
            assert!((3..=9).contains(&ticks.len()) && ticks.contains(&0), "{ticks:?}");
            assert!([low, 0, high].iter().all(|value| (0.05..=0.95).contains(&axis.place(*value))));
        }
    }
}
