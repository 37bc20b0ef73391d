//! The gate, once at the end: the best version against the start on the holdout, which is read now and not before.

use skill_engine::{
    eval,
    gate::{Policy, Verdict},
    improve::{Gated, State},
    record::{Baseline, Terms, summary},
    suite::{Split, Suite},
};
use skill_schema::{Fault, codes};

use super::{setup::Work, show::Drawn};
use crate::{
    context::Context,
    evals::{kept, prepared, session::What},
};

/// Gates of one run at most: each further one is more likely to accept by luck.
const MAX_GATES: usize = 2;
/// By how much more a version gains on the train cases than on the holdout before overfitting is suspected, as a share of one.
const GAP: f64 = 0.10;

/// What came of the gate.
pub enum Outcome {
    /// A verdict.
    Decided(Gated, Box<Verdict>),
    /// A cap was in the way.
    Capped(eval::Cap),
    /// The gate has said what it has to say about this version, or may not be asked again.
    Spent(Gated),
}

/// Decides.
///
/// # Errors
/// A suite that cannot be read; [`codes::IMPROVE`] if it has changed; a model that does not answer.
pub async fn decide(context: &Context, work: &Work, state: &State) -> Result<Outcome, Fault> {
    let best = state.best();
    let same = state.gates.iter().rev().find(|gated| gated.exp == best.exp && gated.verdict != "invalid");
    let last = state.gates.last().filter(|_| state.gates.len() >= MAX_GATES);
    if let Some(gated) = same.or(last) {
        return Ok(Outcome::Spent(gated.clone()));
    }
    let opened = Suite::read(work.what.suite.as_deref().unwrap_or(&work.source))?;
    let lock = opened.suite.split(&opened.lock()?)?;
    let (skill, cand, package) = prepared::read_skill(&work.shop.folder(best.exp))?;
    let (start, base, _) = prepared::read_skill(&work.shop.folder(0))?;
    let baseline = Baseline::Version { name: start.title(), tree: start.tree };
    let settings = &opened.suite.settings;
    let greedy = work.what.temperature.unwrap_or(settings.sampling.temperature) == 0.0;
    let repeats = if greedy { 1 } else { settings.runs_gate.max(1) };
    let what = What {
        opened: &opened,
        lock: &lock,
        part: Some(Split::Holdout),
        only: None,
        skill: &skill,
        baseline: Some(&baseline),
        files: [Some(base), Some(cand)],
        repeats: 0..repeats,
        until: None,
        early: None,
        caps: left(work, state),
        fresh: false,
        attempt: None,
    };
    let drawn = Drawn::runs(context, what.count() * u64::from(repeats));
    let mut measured = work.session.measure(context, &what, &drawn).await?;
    drop(drawn);
    if let Some(cap) = measured.stopped {
        return Ok(Outcome::Capped(cap));
    }
    let failed = state.gates.iter().filter(|gated| gated.verdict == "reject").count();
    let holdout: Vec<_> = opened.suite.part(&lock, Split::Holdout).cloned().collect();
    let policy = if state.begin.interactive { Policy::Standard } else { Policy::Strict };
    let terms = Terms {
        failed: u32::try_from(failed).unwrap_or(u32::MAX),
        leak: !skill_engine::executor::leak::scan_package(&package, &holdout).is_empty(),
        ..Terms::first(policy)
    };
    let verdict = measured.record.judge(&terms)?;
    measured.record.verdict = summary(&verdict, &terms);
    let folder = kept::keep(context, &measured.record, &measured.details)?;
    Ok(Outcome::Decided(gated(state, &verdict, &folder.display().to_string())?, Box::new(verdict)))
}

/// What is left of the caps.
fn left(work: &Work, state: &State) -> eval::Caps {
    let (caps, used) = (work.limits.caps(), state.used);
    let less = |cap: Option<u64>, used: u64| cap.map(|cap| cap.saturating_sub(used));
    eval::Caps {
        runs: None,
        tokens: less(caps.tokens, used.tokens),
        seconds: less(caps.seconds, used.ms / 1000),
        cost_micros: less(caps.cost_micros, used.cost_micros),
    }
}

fn gated(state: &State, verdict: &Verdict, record: &str) -> Result<Gated, Fault> {
    let best = state.best();
    let (train_gain, train_se) = state.gain()?;
    let numbers = verdict.numbers.as_ref();
    #[expect(clippy::cast_precision_loss, reason = "a suite has far fewer than 2^52 cases")]
    let n = verdict.n.max(1) as f64;
    // Rounded to its number of cases: a finer figure would tell about single cases of the holdout.
    let holdout_gain = numbers.map(|numbers| (numbers.delta / 1000.0 * n).round() / n);
    let noise = numbers.map_or(0.0, |numbers| train_se.hypot(numbers.se / 1000.0));
    let gap = holdout_gain.map(|holdout| train_gain - holdout).filter(|gap| *gap >= GAP && *gap > 2.0 * noise);
    let points = |share: f64| format!("{:+.1}", share * 100.0);
    let by_gap = gap.filter(|_| !verdict.is_accept()).map(|_| {
        let holdout = holdout_gain.unwrap_or_default();
        format!("{} points on the train cases and {} on the holdout", points(train_gain), points(holdout))
    });
    let by_text = best.memorised.then(|| "it holds text of train cases".to_owned());
    let why: Vec<String> = by_gap.into_iter().chain(by_text).collect();
    Ok(Gated {
        exp: best.exp,
        verdict: if verdict.is_accept() {
            "accept"
        } else if numbers.is_some() {
            "reject"
        } else {
            "invalid"
        }
        .to_owned(),
        sentence: verdict.sentence(),
        train_gain,
        holdout_gain,
        overfit: (!why.is_empty()).then(|| why.join("; ")),
        record: record.to_owned(),
    })
}

/// The error that a verdict which was given before is; none for an accept.
pub fn again(gated: &Gated) -> Option<Fault> {
    let code = match gated.verdict.as_str() {
        "accept" => return None,
        "reject" => codes::GATE_REJECTED,
        _ => codes::GATE_INVALID,
    };
    Some(Fault::new(code).detail(gated.sentence.clone()))
}
