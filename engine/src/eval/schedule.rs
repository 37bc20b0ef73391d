//! The order of runs and what they may cost: arms interleaved, so many at once, finished ones taken from the cache, faults of the
//! machine tried again, and nothing admitted that could break a cap.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use skill_schema::Digest;

use super::cache::{Cache, Kept};
use crate::{
    Event, Reporter,
    run::{Arm, Status},
};

/// Times that a run is begun before an infrastructure fault counts as its end (evals.md §5: retry infra ≤ 3).
const ATTEMPTS: u32 = 4;
/// Pause before the second attempt if the peer names none; it doubles each time.
const PAUSE: Duration = Duration::from_millis(250);
/// Times that a schedule is asked at most whether the runs so far are enough: an exact test of many cases takes a second.
const LOOKS: usize = 16;
/// The longest pause that a peer may ask for.
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// One run that is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its arm.
    pub arm: Arm,
    /// Index of its case.
    pub case: usize,
    /// Which repeat, from 0.
    pub repeat: u32,
    /// Seed of the choice of tokens: the same in both arms.
    pub seed: u64,
    /// What the run depends on, as a digest: the place in the cache.
    pub key: Digest,
}

/// What was used, or may be: runs, tokens, and millionths of a dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// Runs that were begun; further attempts of a run do not count.
    pub runs: u64,
    /// Tokens of prompts and answers.
    pub tokens: u64,
    /// Cost in millionths of a dollar.
    pub cost_micros: u64,
}

impl Spent {
    pub(super) fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.tokens += other.tokens;
        self.cost_micros += other.cost_micros;
    }
}

/// Hard caps; `None` is no cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caps {
    /// Runs.
    pub runs: Option<u64>,
    /// Tokens.
    pub tokens: Option<u64>,
    /// Seconds after which nothing is begun any more; what runs then has its own time limit.
    pub seconds: Option<u64>,
    /// Millionths of a dollar.
    pub cost_micros: Option<u64>,
}

/// Which cap ended the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cap {
    /// [`Caps::runs`].
    Runs,
    /// [`Caps::tokens`].
    Tokens,
    /// [`Caps::seconds`].
    Seconds,
    /// [`Caps::cost_micros`].
    Cost,
}

impl Caps {
    /// The cap that stands in the way of `more` on top of `spent`, if any does.
    fn blocks(&self, spent: Spent, more: Spent, elapsed: Duration) -> Option<Cap> {
        let over = |cap: Option<u64>, spent: u64, more: u64| cap.is_some_and(|cap| spent.saturating_add(more) > cap);
        if over(self.runs, spent.runs, more.runs) {
            Some(Cap::Runs)
        } else if over(self.tokens, spent.tokens, more.tokens) {
            Some(Cap::Tokens)
        } else if over(self.cost_micros, spent.cost_micros, more.cost_micros) {
            Some(Cap::Cost)
        } else if self.seconds.is_some_and(|cap| elapsed.as_secs() >= cap) {
            Some(Cap::Seconds)
        } else {
            None
        }
    }
}

/// Does one run. An infrastructure fault is a [`Status::Infra`] run, with the wait that the peer asked for.
pub trait Runner: Sync {
    /// The most that a run of this item may use.
    fn worst(&self, item: &Item) -> Spent;

    /// Does it.
    fn run<'a>(&'a self, item: &'a Item) -> impl Future<Output = (Kept, Option<Duration>)> + Send + 'a;

    /// The item's name for people, as `fill-w9 with 2/5`.
    fn name(&self, item: &Item) -> String;
}

/// How the work is done.
#[derive(Clone, Copy)]
pub struct Schedule<'a> {
    /// What is to be done, in the order in which it is begun.
    pub items: &'a [Item],
    /// Runs at once, at least 1.
    pub width: usize,
    /// How many of the runs that are not in the cache are made one at a time before the others.
    pub alone: usize,
    /// Hard caps.
    pub caps: Caps,
    /// Where finished runs are kept.
    pub cache: &'a Cache,
    /// Whether runs of the cache count, or everything is done again.
    pub fresh: bool,
    /// Hears what happens.
    pub reporter: &'a dyn Reporter,
    /// Says of the runs so far, in the order of the items, whether the others are not needed. It is asked [`LOOKS`] times at most.
    pub enough: Option<Enough<'a>>,
}

/// See [`Schedule::enough`].
pub type Enough<'a> = &'a (dyn Fn(&[Option<Kept>]) -> bool + Sync);

/// What came of it.
#[derive(Debug, Default)]
pub struct Done {
    /// A run for each item, in their order; `None` if a cap was in the way.
    pub runs: Vec<Option<Kept>>,
    /// How many of them came from the cache.
    pub cached: u64,
    /// What was used in this process.
    pub spent: Spent,
    /// The cap that ended it, if one did.
    pub stopped: Option<Cap>,
    /// Whether it ended since the runs so far were enough.
    pub enough: bool,
}

/// The interleaved order: for each repeat all cases, both arms of a case one after the other, and the arm that begins alternates.
pub fn interleaved(cases: usize, repeats: std::ops::Range<u32>, arms: &[Arm]) -> Vec<(Arm, usize, u32)> {
    let mut order = Vec::with_capacity(cases * repeats.len() * arms.len());
    for repeat in repeats {
        for case in 0..cases {
            let turn = (case + repeat as usize) % arms.len().max(1);
            order.extend((0..arms.len()).map(|place| (arms[(place + turn) % arms.len()], case, repeat)));
        }
    }
    order
}

impl Schedule<'_> {
    /// Does everything that is not in the cache.
    pub async fn work(&self, runner: &impl Runner) -> Done {
        let mut done = Done { runs: Vec::with_capacity(self.items.len()), ..Done::default() };
        for item in self.items {
            let mut kept = if self.fresh { None } else { self.cache.get(&item.key) };
            // A version that was measured as the skill may be the baseline now: the run is the same.
            if let Some(kept) = &mut kept {
                (kept.run.arm, kept.run.repeat) = (item.arm, item.repeat);
            }
            done.runs.push(kept.filter(|kept| kept.run.seed == item.seed));
        }
        done.cached = done.runs.iter().flatten().count() as u64;
        done.enough = done.cached > 0 && self.is_enough(&done);
        if !done.enough {
            self.begin(runner, &mut done).await;
        }
        done
    }

    fn is_enough(&self, done: &Done) -> bool {
        self.enough.is_some_and(|enough| done.runs.iter().any(Option::is_none) && enough(&done.runs))
    }

    async fn begin(&self, runner: &impl Runner, done: &mut Done) {
        let started = Instant::now();
        let missing: Vec<usize> = (0..self.items.len()).filter(|at| done.runs[*at].is_none()).collect();
        let mut waiting = missing.into_iter();
        let (mut flying, mut reserved) = (FuturesUnordered::new(), Spent::default());
        let (mut next, mut ended) = (waiting.next(), 0);
        let pace = self.items.len().div_ceil(LOOKS).max(1);
        loop {
            let width = if ended < self.alone { 1 } else { self.width.max(1) };
            while let Some(at) = next.filter(|_| flying.len() < width && !done.enough) {
                let worst = runner.worst(&self.items[at]);
                let mut committed = done.spent;
                committed.add(reserved);
                if let Some(cap) = self.caps.blocks(committed, worst, started.elapsed()) {
                    if flying.is_empty() {
                        done.stopped = Some(cap);
                        return;
                    }
                    // What runs now may use less than its worst, so that there is room again.
                    break;
                }
                reserved.add(worst);
                flying.push(self.one(runner, at, worst));
                next = waiting.next();
            }
            let Some((at, kept, used, worst)) = flying.next().await else { return };
            ended += 1;
            reserved.runs -= worst.runs;
            reserved.tokens -= worst.tokens;
            reserved.cost_micros -= worst.cost_micros;
            done.spent.add(used);
            done.runs[at] = Some(kept);
            // What runs already is waited for, and counts: a fault of the machine among it can make the others needed again.
            let is_time = if done.enough { flying.is_empty() } else { ended % pace == 0 };
            done.enough = if is_time { self.is_enough(done) } else { done.enough };
        }
    }

    /// One item to its end, with its attempts.
    async fn one(&self, runner: &impl Runner, at: usize, worst: Spent) -> (usize, Kept, Spent, Spent) {
        let item = &self.items[at];
        let (mut used, mut pause) = (Spent { runs: 1, ..Spent::default() }, PAUSE);
        let started = Instant::now();
        for attempt in 1.. {
            let (kept, wait) = runner.run(item).await;
            let usage = kept.run.usage;
            let tokens = usage.prompt_tokens + usage.output_tokens;
            used.add(Spent { runs: 0, tokens, cost_micros: usage.cost_micros });
            // What was reserved is one attempt's worst: one that already used something could break a cap.
            let free = used.tokens == 0 && used.cost_micros == 0;
            let capped = self.caps.tokens.is_some() || self.caps.cost_micros.is_some();
            if kept.run.status != Status::Infra || attempt >= ATTEMPTS || (capped && !free) {
                self.finish(runner, item, &kept, started.elapsed());
                return (at, kept, used, worst);
            }
            tokio::time::sleep(wait.unwrap_or(pause).min(MAX_PAUSE)).await;
            pause *= 2;
        }
        unreachable!("attempts are counted from 1 to their limit")
    }

    /// Keeps a run that says something about the skill; faults of the machine and void runs are never kept.
    fn finish(&self, runner: &impl Runner, item: &Item, kept: &Kept, elapsed: Duration) {
        let name = runner.name(item);
        if kept.run.status.is_scored()
            && kept.run.score.is_some()
            && let Err(error) = self.cache.put(&item.key, kept)
        {
            self.reporter.report(Event::Warning { message: format!("the run is not kept: {error}") });
        }
        if kept.run.score.is_none() {
            let status = kept.run.status;
            self.reporter.report(Event::Warning { message: format!("{name} has no score: {status:?}") });
        }
        let passed = kept.run.score.is_some_and(|score| score == 1000);
        self.reporter.report(Event::Step { name, passed, elapsed });
    }
}

#[cfg(test)]
mod tests;
