//! One experiment: a parent, a kind of edit, a proposal, the static checks, the trial, the decision.

use std::time::Duration;

use skill_bundle::pack::Packed;
use skill_schema::Fault;

use super::{
    Brief, Evidence, Measure, NoProposal, Propose, Proposed, Task,
    brief::{SCHEMA, discarded, one_line, shown},
    edit::{self, Refused},
    journal::{Experiment, Status},
    keep::{Loaded, judge},
    operator::Operator,
    pareto::pick,
    run::{Answer, Loop, Shown},
    state::Version,
    trial::{Trial, minibatch, word},
};
use crate::{
    eval::{Cap, Spent},
    run::Run,
};

/// Seconds that a proposer may take unless the budget is less: a coding agent that reads and edits.
const PROPOSER_S: u64 = 600;

/// What an experiment begins with.
struct Plan {
    exp: u32,
    parent: Version,
    other: Option<Version>,
    operator: Operator,
}

impl<M: Measure, P: Propose> Loop<'_, M, P> {
    /// Makes the next experiment, and says whether a person ended the loop.
    pub(super) async fn experiment(&self) -> Result<(Experiment, bool), Fault> {
        let plan = self.plan();
        let mut row = row(&plan);
        let batch = minibatch(&self.state.begin.cases, &plan.parent, &self.salt(), plan.exp);
        let before = self.look(Some(&self.shop.folder(plan.parent.exp)), &batch, 0..1).await?;
        if let Some(cap) = before.stopped {
            self.ended(&mut row, Status::Budget, format!("the cap on {} was reached", word(cap)), Some(cap));
            return Ok((row, false));
        }
        let evidence = before.runs.iter().map(|run| Evidence::of(run, &before.details)).collect();
        let brief = self.brief(&plan, evidence)?;
        let proposed = match self.proposal(&plan, &brief).await? {
            Ok(proposed) => proposed,
            Err(why) => {
                self.ended(&mut row, Status::Crash, one_line(&why), None);
                return Ok((row, false));
            }
        };
        row.idea = one_line(&proposed.idea);
        self.spend(Spent { runs: 0, tokens: proposed.tokens, cost_micros: proposed.cost_micros });
        let stop = self.try_out(&plan, &mut row, &before.runs).await?;
        row.used.tokens += proposed.tokens;
        row.used.cost_micros += proposed.cost_micros;
        Ok((row, stop))
    }

    /// The salt of all draws of this run.
    fn salt(&self) -> String {
        self.state.begin.tag.clone()
    }

    fn plan(&self) -> Plan {
        let exp = self.state.done() + 1;
        let (salt, fronts) = (self.salt(), self.state.fronts());
        let at = pick(&fronts, &salt, "parent", exp, None).unwrap_or(0);
        let applies = |operator: Operator| match operator {
            Operator::Merge => fronts.len() > 1,
            Operator::Script => self.scripts,
            Operator::Reflect | Operator::Simplify | Operator::Description => true,
        };
        let operator = self.state.weights.draw(&salt, exp, applies).unwrap_or(Operator::Reflect);
        let second = pick(&fronts, &salt, "other", exp, Some(at)).filter(|_| operator == Operator::Merge);
        let version = |at: usize| self.state.versions[at].clone();
        Plan { exp, parent: version(at), other: second.map(version), operator }
    }

    fn brief(&self, plan: &Plan, evidence: Vec<Evidence>) -> Result<Brief, Fault> {
        let files = |version: &Version| Ok::<_, Fault>(shown(edit::texts(&self.shop.pack(version.exp)?)));
        Ok(Brief {
            schema: SCHEMA.to_owned(),
            experiment: plan.exp,
            task: Task::of(plan.operator),
            skill: self.state.begin.name.clone(),
            files: files(&plan.parent)?,
            other: plan.other.as_ref().map(files).transpose()?,
            score: self.state.strength(&plan.parent.scores),
            tokens: plan.parent.tokens,
            evidence,
            discarded: discarded(&self.state),
        })
    }

    /// The edit: the one that was made before a kill, or a new one.
    async fn proposal(&self, plan: &Plan, brief: &Brief) -> Result<Result<Proposed, String>, Fault> {
        let digest = self.shop.ask(brief)?;
        if let Some(proposed) = self.shop.answered(plan.exp, digest) {
            return Ok(Ok(proposed));
        }
        self.shop.write(plan.exp, &self.shop.pack(plan.parent.exp)?)?;
        let within = Duration::from_secs(self.seconds().unwrap_or(PROPOSER_S).clamp(1, PROPOSER_S));
        match self.propose.propose(brief, &self.shop.folder(plan.exp), within).await {
            Ok(proposed) => {
                self.shop.answer(plan.exp, digest, &proposed)?;
                Ok(Ok(proposed))
            }
            Err(NoProposal::Failed(why)) => Ok(Err(why)),
            Err(NoProposal::Unavailable(fault)) => Err(fault),
        }
    }

    /// From the edit to the decision.
    async fn try_out(&self, plan: &Plan, row: &mut Experiment, batch: &[Run]) -> Result<bool, Fault> {
        let (parent, cand) = (self.shop.folder(plan.parent.exp), self.shop.folder(plan.exp));
        let edit = match edit::check(&parent, &cand, self.holdout, self.train) {
            Ok(edit) => edit,
            Err(Refused::Invalid(why)) => return Ok(self.ended(row, Status::Invalid, one_line(&why), None)),
            Err(Refused::Leak(why)) => return Ok(self.ended(row, Status::Leak, why, None)),
        };
        let tree = edit.packed.package.tree();
        (row.tree, row.tokens, row.memorised) = (Some(tree), edit.tokens, edit.memorised);
        if let Some(earlier) = self.state.made(&tree) {
            return Ok(self.ended(row, Status::Invalid, format!("the same as experiment {earlier}"), None));
        }
        let patch = edit::patch(&self.shop.pack(plan.parent.exp)?, &edit.packed);
        self.shop.patch(plan.exp, &patch)?;
        row.commit = self.commit(plan, row, &edit.packed)?;
        let loaded = Loaded { parent: plan.parent.tokens, cand: edit.tokens };
        let trial = self.trial(plan.exp, &plan.parent, batch, loaded).await?;
        self.decide(row, trial, loaded, &patch)
    }

    fn commit(&self, plan: &Plan, row: &Experiment, packed: &Packed) -> Result<String, Fault> {
        let parents: Vec<String> = [Some(&plan.parent), plan.other.as_ref()]
            .into_iter()
            .flatten()
            .map(|version| version.commit.clone())
            .collect();
        let message =
            format!("{}: {}\n\nExperiment {} of improve/{}.\n", plan.operator.word(), row.idea, plan.exp, self.salt());
        self.shop.commit(plan.exp, packed, &parents, (self.now)(), &message)
    }

    fn decide(&self, row: &mut Experiment, trial: Trial, loaded: Loaded, patch: &str) -> Result<bool, Fault> {
        row.stage = trial.stage;
        row.used = self.took(trial.spent);
        if let Some(found) = trial.found {
            (row.delta, row.same) = (Some(found.delta), found.is_same);
        }
        if let Some((status, why)) = trial.ended {
            return Ok(self.ended(row, status, why, trial.cap));
        }
        let (Some(found), Some(scores)) = (trial.found, trial.scores) else { return Ok(false) };
        (row.se, row.p_run) = (Some(found.se), Some(found.p_run));
        row.score = Some(self.state.strength(&scores));
        let ruled = judge(&found, self.state.sigma, loaded);
        let mut stop = false;
        (row.status, row.why) = match &ruled {
            Ok(()) => (Status::Keep, "better than its parent".to_owned()),
            Err(why) => (Status::Discard, why.clone()),
        };
        if let Some(person) = self.ask {
            let against = ruled.as_ref().err().map(String::as_str);
            let shown = Shown { exp: row.exp, operator: row.operator, idea: &row.idea, patch, found, against };
            let answer = person.ask(&shown)?;
            stop = answer == Answer::Stop;
            let kept = answer == Answer::Keep;
            if kept != ruled.is_ok() {
                row.why = format!("decided by a person; the rules: {}", row.why);
            }
            row.status = if kept { Status::Keep } else { Status::Discard };
        }
        row.scores = Some(scores).filter(|_| row.status == Status::Keep);
        Ok(stop)
    }

    /// Ends an experiment early. Never ends the loop by itself: a cap does so with the next look at the state.
    fn ended(&self, row: &mut Experiment, status: Status, why: String, cap: Option<Cap>) -> bool {
        (row.status, row.why) = (status, why);
        let spent = Spent { runs: row.used.runs, tokens: row.used.tokens, cost_micros: row.used.cost_micros };
        row.used = self.took(spent);
        row.capped = match cap {
            None => None,
            Some(Cap::Seconds) if !self.is_over() => None,
            Some(cap) => Some(word(cap).to_owned()),
        };
        false
    }
}

/// A row with nothing measured yet.
fn row(plan: &Plan) -> Experiment {
    Experiment {
        exp: plan.exp,
        parent: plan.parent.exp,
        other: plan.other.as_ref().map(|version| version.exp),
        operator: plan.operator,
        status: Status::Discard,
        idea: String::new(),
        why: String::new(),
        stage: 0,
        delta: None,
        se: None,
        p_run: None,
        score: None,
        scores: None,
        same: false,
        memorised: false,
        commit: String::new(),
        tree: None,
        tokens: plan.parent.tokens,
        capped: None,
        used: super::journal::Used::default(),
    }
}
