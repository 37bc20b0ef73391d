//! A grader model as the judge of an eval.

use std::sync::{Mutex, PoisonError};

use futures::{FutureExt, future::BoxFuture};

use super::Judge;
use crate::{
    grade::{Agreement, Ask, Grader, Question, Target},
    run::{CheckResult, Finished},
    suite::{Case, Task},
};

/// A grader, and how often it agreed with itself so far.
#[derive(Debug)]
pub struct Panel {
    grader: Grader,
    audit: Mutex<Agreement>,
}

impl Panel {
    /// A panel of this grader.
    pub fn new(grader: Grader) -> Self {
        Self { grader, audit: Mutex::default() }
    }

    /// How often the grader gave the same value when it was asked again.
    pub fn audit(&self) -> Agreement {
        *self.audit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One question with what its answer is called.
struct Named {
    id: String,
    kind: String,
    weight: u32,
    required: bool,
    ask: Ask,
}

impl Judge for Panel {
    fn judge<'a>(&'a self, case: &'a Case, run: Finished<'a>, seed: u64) -> BoxFuture<'a, Vec<CheckResult>> {
        async move {
            let named = questions(case, &run, seed);
            let asks: Vec<Ask> = named.iter().map(|named| named.ask.clone()).collect();
            let graded = self.grader.grade(&asks).await;
            self.audit.lock().unwrap_or_else(PoisonError::into_inner).add(&graded.audit);
            let result = |(named, judgement): (&Named, &crate::grade::Judgement)| {
                judgement.check_result(&named.id, &named.kind, named.weight, named.required)
            };
            named.iter().zip(&graded.judgements).map(result).collect()
        }
        .boxed()
    }
}

/// What a model is asked about a run: the case's expectations, then its judged checks.
fn questions(case: &Case, run: &Finished<'_>, seed: u64) -> Vec<Named> {
    let Task::Prompt { expectations, checks, .. } = &case.task else { return Vec::new() };
    // The same answer of another repeat is another question: the key names the run.
    let key = |id: &str| format!("{}/{seed}/{id}", case.id);
    let stated = expectations.iter().enumerate().map(|(n, text)| {
        let id = format!("e{}", n + 1);
        let ask = Ask { key: key(&id), question: Question::Expectation(text.clone()), target: Target::of(run, "run") };
        Named { id, kind: "expectation".to_owned(), weight: 1, required: false, ask }
    });
    let asked = checks.iter().filter_map(|check| {
        let question = Question::of(check)?;
        let ask = Ask { key: key(&check.id), question, target: Target::of(run, &check.target) };
        Some(Named {
            id: check.id.clone(),
            kind: check.kind.clone(),
            weight: check.weight,
            required: check.required,
            ask,
        })
    });
    stated.chain(asked).collect()
}
