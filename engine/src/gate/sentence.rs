//! A verdict in one plain sentence.

use super::{Numbers, Outcome, Reason, Verdict};

impl Verdict {
    /// One sentence, lower case, without a full stop: `better by 18.0 points, 95% interval 7.1 to 28.9 (20 cases × 5 runs); the
    /// difference is real at p = 0.0027`. Points are percent of the score.
    pub fn sentence(&self) -> String {
        let Some(numbers) = &self.numbers else {
            let happened: Vec<String> = self.reasons.iter().map(Reason::happened).collect();
            return format!("not measured: {}", happened.join("; "));
        };
        let found = self.found(numbers);
        let p = self.p().map_or_else(String::new, |p| chance(p.value()));
        if let Some(margin) = self.margin {
            let margin = points(f64::from(margin));
            return match self.outcome {
                Outcome::Accept => format!("no worse by {margin} points or more at {p}: {found}"),
                _ if self.reasons.contains(&Reason::NotSignificant) => {
                    format!("may be worse by {margin} points or more, {p}: {found}")
                }
                _ => format!("{found}{}", self.but()),
            };
        }
        match self.outcome {
            Outcome::Accept => format!("{found}; the difference is real at {p}"),
            _ if !self.reasons.contains(&Reason::NotSignificant) => format!("{found}, {p}{}", self.but()),
            _ if numbers.delta <= 0.0 => format!("not better: {found}"),
            _ => {
                let level = level(numbers.alpha.value());
                format!("cannot be told apart with these runs: {found}; {p} where at most {level} is accepted")
            }
        }
    }

    /// The gain with its interval and what it was measured on.
    fn found(&self, numbers: &Numbers) -> String {
        let way = match points(numbers.delta.abs()).as_str() {
            "0.0" => "no difference".to_owned(),
            size if numbers.delta > 0.0 => format!("better by {size} points"),
            size => format!("worse by {size} points"),
        };
        let [lo, hi] = numbers.interval.map(points);
        let runs = if self.k == 1 { "1 run".to_owned() } else { format!("{} runs", self.k) };
        format!("{way}, 95% interval {lo} to {hi} ({} cases × {runs})", self.n)
    }

    /// What stands against a significant result.
    fn but(&self) -> String {
        let happened: Vec<String> = self.reasons.iter().map(Reason::happened).collect();
        format!(", but {}", happened.join("; "))
    }
}

/// Per mille as points with one digit after the point, and no sign on zero.
pub(super) fn points(permille: f64) -> String {
    let text = format!("{:.1}", permille / 10.0);
    if text == "-0.0" { "0.0".to_owned() } else { text }
}

/// A probability with two significant digits, or that it is smaller than people care for.
fn chance(p: f64) -> String {
    let digits = match p {
        0.1.. => 2,
        0.01.. => 3,
        0.001.. => 4,
        0.0001.. => 5,
        _ => return "p < 0.0001".to_owned(),
    };
    format!("p = {p:.digits$}")
}

/// A level: as many digits as it has, up to a point.
fn level(alpha: f64) -> String {
    if alpha < 1e-6 { format!("{alpha:.0e}") } else { format!("{alpha}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        let written = [180.0, -3.4, -0.4, 0.0, 1000.0].map(points);
        assert_eq!(written, ["18.0", "-0.3", "0.0", "0.0", "100.0"]);
        let written = [1.0, 0.4349, 0.01234, 0.002_697, 0.000_123, 0.000_099, 0.0].map(chance);
        let known = ["p = 1.00", "p = 0.43", "p = 0.012", "p = 0.0027", "p = 0.00012", "p < 0.0001", "p < 0.0001"];
        assert_eq!(written, known);
        assert_eq!([0.05, 0.00625, 4e-8].map(level), ["0.05", "0.00625", "4e-8"]);
    }
}
