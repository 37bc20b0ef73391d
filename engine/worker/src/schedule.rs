//! Many conversations through one model: shared beginnings are evaluated once, answers are generated side by side, and a place
//! that becomes free is taken by the next case at once.
//!
//! A shared beginning lives in a sequence of its own that never generates; a case begins as a copy of it. Nothing is ever rolled
//! back inside a sequence: that is the only way that works for every kind of model.

mod probe;
mod resident;
mod slot;
mod trouble;

use std::{collections::VecDeque, rc::Rc, time::Instant};

use skill_engine::model::{
    Finish, Mode,
    protocol::{Counters, Fault, FromWorker, Outcome},
};

use crate::{
    cache::Cache,
    llama::{Batch, Context, DecodeError, Model, Seq, Shape},
    prepare::Waiting,
};
use resident::{Found, Residents};
use slot::Slot;

/// Places of the attention state that are kept free for an answer when its case begins. Most answers are shorter, so asking for
/// all of `max_tokens` would leave the machine idle; a case that finds no place later begins again.
const ROOM_TO_ANSWER: usize = 256;

/// How a scheduler runs.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// Whether answers may depend on the batch.
    pub mode: Mode,
    /// Cases at the same time.
    pub parallel: u32,
    /// Shared beginnings at the same time.
    pub residents: u32,
    /// Tokens of one conversation at most.
    pub context: u32,
    /// Whether the exact mode must be tried out before cases share a call: on a CPU they usually may.
    pub may_share: bool,
    /// The context.
    pub shape: Shape,
}

/// A shared beginning is not evaluated yet.
struct NotYet;

/// Cases that were asked together.
#[derive(Debug)]
struct Group {
    id: u64,
    waiting: VecDeque<Waiting>,
    open: usize,
    counters: Counters,
    begun: Instant,
}

/// Answers groups of cases.
#[derive(Debug)]
pub struct Scheduler {
    model: Rc<Model>,
    context: Context,
    setup: Setup,
    cache: Option<Cache>,
    residents: Residents,
    slots: Vec<Slot>,
    free: Vec<Seq>,
    groups: VecDeque<Group>,
    /// Whether cases that generate share a call.
    together: bool,
    /// Nothing new begins until a case ends: there was no place for all that had begun.
    hold: bool,
    /// Sums over all groups that are done.
    total: Counters,
    /// Calls of the model. One that several groups share counts once here, and once in each of them.
    calls: u64,
}

impl Scheduler {
    /// Makes the attention state. In exact mode it is also tried out whether cases may share calls.
    pub fn new(model: &Rc<Model>, setup: Setup, cache: Option<Cache>) -> Result<Self, String> {
        let mut context = Context::new(model, setup.shape)?;
        let together = match setup.mode {
            Mode::Throughput => true,
            Mode::Exact => setup.may_share && probe::same_alone_and_together(model, &mut context, setup.parallel),
        };
        let first = Seq::try_from(setup.residents).map_err(|e| e.to_string())?;
        let last = first + Seq::try_from(setup.parallel).map_err(|e| e.to_string())?;
        Ok(Self {
            model: model.clone(),
            context,
            setup,
            cache,
            residents: Residents::new(setup.residents as usize),
            slots: Vec::new(),
            free: (first..last).rev().collect(),
            groups: VecDeque::new(),
            together,
            hold: false,
            total: Counters::default(),
            calls: 0,
        })
    }

    /// Takes a group. Its cases are answered in later [steps](Self::step).
    pub fn submit(&mut self, id: u64, cases: Vec<Waiting>, out: &mut Vec<FromWorker>) {
        let open = cases.len();
        let counters = Counters::default();
        self.groups.push_back(Group { id, waiting: cases.into(), open, counters, begun: Instant::now() });
        self.close(id, out);
    }

    /// Takes a group back. Its answers so far were given; no other follows.
    pub fn cancel(&mut self, id: u64, out: &mut Vec<FromWorker>) {
        let (gone, kept) = std::mem::take(&mut self.slots).into_iter().partition(|slot| slot.group == id);
        self.slots = kept;
        let gone: Vec<Slot> = gone;
        for slot in gone {
            self.release(&slot);
        }
        if let Some(group) = self.groups.iter_mut().find(|group| group.id == id) {
            group.waiting.clear();
            group.open = 0;
            self.residents.abandon(&mut self.context);
        }
        self.close(id, out);
    }

    /// Whether there is nothing to do.
    pub fn is_idle(&self) -> bool {
        self.groups.is_empty()
    }

    /// Sums over all groups that are done, and all calls.
    pub fn total(&self) -> Counters {
        Counters { decodes: self.calls, ..self.total }
    }

    /// A little work: new cases begin, a piece of a shared beginning is evaluated, every answer grows by a token.
    pub fn step(&mut self, out: &mut Vec<FromWorker>) {
        self.admit(out);
        self.fill(out);
        for parts in self.plan() {
            self.run(&parts, out);
        }
    }

    /// Begins cases in the order in which they were asked, as long as there are places.
    fn admit(&mut self, out: &mut Vec<FromWorker>) {
        while !self.hold && !self.free.is_empty() {
            let Some(at) = self.groups.iter().position(|group| !group.waiting.is_empty()) else { return };
            let Some(head) = self.groups[at].waiting.front().cloned() else { return };
            if head.max_tokens == 0 {
                self.groups[at].waiting.pop_front();
                let slot = Slot::new(-1, self.groups[at].id, None, head, 0, 0);
                self.answer(slot, Finish::Length, out);
                continue;
            }
            let Ok(prefix) = self.prefix(at, &head) else { return };
            if !self.has_room(&head, prefix) {
                return;
            }
            self.begin(at, prefix);
        }
    }

    /// The sequence of a case's shared beginning; `None` if it shares nothing.
    fn prefix(&mut self, at: usize, head: &Waiting) -> Result<Option<Seq>, NotYet> {
        if head.border == 0 {
            return Ok(None);
        }
        let slots = &self.slots;
        let in_use = |seq| slots.iter().any(|slot| slot.prefix == Some(seq));
        match self.residents.find(head.shared(), &mut self.context, self.cache.as_ref(), in_use) {
            Found::Ready(seq) => Ok(Some(seq)),
            Found::Restored(seq, tokens) => {
                self.groups[at].counters.prefix_restored += tokens as u64;
                Ok(Some(seq))
            }
            Found::NotYet => Err(NotYet),
        }
    }

    /// Whether the attention state has room for a case; beginnings that nobody uses make place.
    fn has_room(&mut self, head: &Waiting, prefix: Option<Seq>) -> bool {
        if !self.setup.shape.unified {
            return true;
        }
        let need = head.prompt.len() - head.border + head.max_tokens.min(ROOM_TO_ANSWER);
        loop {
            let in_slots: usize = self.slots.iter().map(Slot::cells).sum();
            if self.residents.cells() + in_slots + need <= self.setup.shape.cells as usize {
                return true;
            }
            let slots = &self.slots;
            let in_use = |seq| Some(seq) == prefix || slots.iter().any(|slot| slot.prefix == Some(seq));
            if !self.residents.evict(&mut self.context, in_use) {
                return self.slots.is_empty();
            }
        }
    }

    /// Begins the first waiting case of a group, and with it those with the same prompt, as far as there are places.
    fn begin(&mut self, at: usize, prefix: Option<Seq>) {
        let group = &mut self.groups[at];
        let (Some(case), Some(seq)) = (group.waiting.pop_front(), self.free.pop()) else { return };
        if let Some(prefix) = prefix {
            self.context.copy(prefix, seq);
        }
        let border = case.border;
        // The case for which a beginning was evaluated does not have it from a cache.
        let fresh = group.counters.prefix_evaluated > 0 && group.counters.prefix_shared == 0;
        group.counters.prefix_shared += border as u64;
        let mut slot = Slot::new(seq, group.id, prefix, case, border, if fresh { 0 } else { border });
        while group.waiting.front().is_some_and(|next| next.prompt == slot.case.prompt && next.max_tokens > 0) {
            let (Some(seq), Some(_)) = (self.free.pop(), group.waiting.front()) else { break };
            let Some(twin) = group.waiting.pop_front() else { break };
            slot.twins.push((seq, twin));
        }
        self.slots.push(slot);
    }

    /// Evaluates a piece of a shared beginning that is not complete.
    fn fill(&mut self, out: &mut Vec<FromWorker>) {
        let most = self.setup.shape.micro_batch as usize;
        match self.residents.fill(&mut self.context, self.cache.as_ref(), most) {
            Ok(0) => {}
            Ok(count) => {
                self.calls += 1;
                // It was asked for by the first group that waits.
                if let Some(group) = self.groups.iter_mut().find(|group| !group.waiting.is_empty()) {
                    group.counters.prefix_evaluated += count as u64;
                    group.counters.decodes += 1;
                }
            }
            Err(DecodeError::Full) if !self.slots.is_empty() => {}
            Err(DecodeError::Full) => {
                if !self.residents.evict(&mut self.context, |_| false) {
                    self.refuse_waiting("the shared beginning does not fit into the attention state", out);
                }
            }
            Err(DecodeError::Fatal(status)) => self.fail_all(status, out),
        }
    }

    /// Which tokens are evaluated in which calls: for each call, sequences and how many tokens of each.
    fn plan(&self) -> Vec<Vec<(Seq, usize)>> {
        let Shape { batch, micro_batch, .. } = self.setup.shape;
        let generating: Vec<_> = self.slots.iter().filter(|slot| slot.generates()).map(|slot| (slot.seq, 1)).collect();
        let reading = self.slots.iter().filter(|slot| !slot.generates());
        if self.setup.mode == Mode::Exact {
            // Every prompt alone and cut at the same places, whatever else there is.
            let prompts = reading.map(|slot| vec![(slot.seq, slot.due(micro_batch as usize).len())]);
            let answers =
                if self.together { vec![generating] } else { generating.into_iter().map(|part| vec![part]).collect() };
            return answers.into_iter().filter(|parts| !parts.is_empty()).chain(prompts).collect();
        }
        let mut parts = generating;
        let mut left = (batch as usize).saturating_sub(parts.len());
        for slot in reading {
            let count = slot.due(left).len();
            left -= count;
            parts.extend((count > 0).then_some((slot.seq, count)));
        }
        if parts.is_empty() { Vec::new() } else { vec![parts] }
    }

    /// One call of the model, and what follows from it.
    fn run(&mut self, parts: &[(Seq, usize)], out: &mut Vec<FromWorker>) {
        let mut batch = Batch::default();
        let mut chosen = Vec::new();
        for (seq, count) in parts {
            let Some(slot) = self.slots.iter().find(|slot| slot.seq == *seq) else { continue };
            let last = slot.chooses_after(*count);
            for (n, token) in slot.due(*count).iter().enumerate() {
                let wanted = last && n + 1 == *count;
                let place = batch.add(*token, slot.done + n, *seq, wanted);
                if wanted {
                    chosen.push((*seq, place));
                }
            }
        }
        if batch.is_empty() {
            return;
        }
        match self.context.decode(&mut batch) {
            Ok(()) => {}
            Err(DecodeError::Full) => return self.make_room(out),
            Err(DecodeError::Fatal(status)) => return self.fail_all(status, out),
        }
        self.calls += 1;
        self.count(parts);
        for (seq, place) in chosen {
            self.choose(seq, place, out);
        }
    }

    /// Notes what a call evaluated.
    fn count(&mut self, parts: &[(Seq, usize)]) {
        let mut groups = Vec::new();
        for (seq, count) in parts {
            let Some(slot) = self.slots.iter_mut().find(|slot| slot.seq == *seq) else { continue };
            slot.done += count;
            let Some(group) = self.groups.iter_mut().find(|group| group.id == slot.group) else { continue };
            if !slot.generates() {
                group.counters.prompt_evaluated += *count as u64;
            }
            if !groups.contains(&group.id) {
                groups.push(group.id);
                group.counters.decodes += 1;
            }
        }
    }

    /// Chooses the next token of a case; after its prompt also those of its twins, which continue from a copy of it.
    fn choose(&mut self, seq: Seq, place: usize, out: &mut Vec<FromWorker>) {
        let Some(at) = self.slots.iter().position(|slot| slot.seq == seq) else { return };
        let twins = std::mem::take(&mut self.slots[at].twins);
        let (group, prefix) = (self.slots[at].group, self.slots[at].prefix);
        for (twin, case) in twins {
            let length = case.prompt.len();
            self.context.copy(seq, twin);
            if let Some(group) = self.groups.iter_mut().find(|other| other.id == group) {
                group.counters.prompt_shared += length as u64;
            }
            self.slots.push(Slot::new(twin, group, prefix, case, length, length));
            self.take(self.slots.len() - 1, place, out);
        }
        self.take(at, place, out);
    }

    fn take(&mut self, at: usize, place: usize, out: &mut Vec<FromWorker>) {
        let context = self.setup.context as usize;
        let finish = match self.context.logits(place) {
            Some(logits) => self.slots[at].choose(&self.model, logits, context),
            None => Some(Finish::Stop),
        };
        if let Some(finish) = finish {
            // Later slots keep their places: the one that takes this place is found by its sequence.
            let slot = self.slots.swap_remove(at);
            self.answer(slot, finish, out);
        }
    }

    fn answer(&mut self, slot: Slot, finish: Finish, out: &mut Vec<FromWorker>) {
        self.release(&slot);
        let (id, index, generated) = (slot.group, slot.case.index, slot.generated() as u64);
        out.push(FromWorker::Answer { id, index, outcome: Outcome::Ok(slot.output(finish)) });
        self.end(id, generated, out);
    }

    fn refuse(&mut self, id: u64, index: usize, fault: Fault, out: &mut Vec<FromWorker>) {
        out.push(FromWorker::Answer { id, index, outcome: Outcome::Failed(fault) });
        self.end(id, 0, out);
    }

    /// One case less.
    fn end(&mut self, id: u64, generated: u64, out: &mut Vec<FromWorker>) {
        self.hold = false;
        if let Some(group) = self.groups.iter_mut().find(|group| group.id == id) {
            group.open -= 1;
            group.counters.generated += generated;
        }
        self.close(id, out);
    }

    /// Ends a group that has no open case.
    fn close(&mut self, id: u64, out: &mut Vec<FromWorker>) {
        let Some(at) = self.groups.iter().position(|group| group.id == id && group.open == 0) else { return };
        let Some(mut group) = self.groups.remove(at) else { return };
        group.counters.ms = u64::try_from(group.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.total.add(&group.counters);
        out.push(FromWorker::Done { id, counters: group.counters });
    }

    /// Gives the sequences of a case back.
    fn release(&mut self, slot: &Slot) {
        self.hold = false;
        for seq in std::iter::once(slot.seq).chain(slot.twins.iter().map(|(seq, _)| *seq)).filter(|seq| *seq >= 0) {
            self.context.forget(seq);
            self.free.push(seq);
        }
    }
}
