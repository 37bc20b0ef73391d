//! What happens when the attention state is full, or llama.cpp fails.

use std::collections::VecDeque;

use skill_engine::model::{
    Finish,
    protocol::{Fault, FromWorker},
};

use super::Scheduler;
use crate::prepare::Waiting;

impl Scheduler {
    /// There was no place for the tokens of a call: a beginning that nobody uses goes, or else the case that began last begins
    /// again later. A case that is alone has all there is, and ends.
    pub(super) fn make_room(&mut self, out: &mut Vec<FromWorker>) {
        let slots = &self.slots;
        let in_use = |seq| slots.iter().any(|slot| slot.prefix == Some(seq));
        if self.residents.evict(&mut self.context, in_use) {
            return;
        }
        let Some(slot) = self.slots.pop() else { return };
        if self.slots.is_empty() {
            if slot.generates() {
                return self.answer(slot, Finish::Length, out);
            }
            self.release(&slot);
            for case in std::iter::once(slot.case).chain(slot.twins.into_iter().map(|(_, case)| case)) {
                let fault = Fault::refused("the prompt does not fit into the attention state");
                self.refuse(slot.group, case.index, fault, out);
            }
            return;
        }
        self.release(&slot);
        self.hold = true;
        if let Some(group) = self.groups.iter_mut().find(|group| group.id == slot.group) {
            group.counters.restarts += 1;
            group.counters.generated += slot.generated() as u64;
            for (_, case) in slot.twins.into_iter().rev() {
                group.waiting.push_front(case);
            }
            group.waiting.push_front(slot.case);
        }
    }

    /// Refuses the cases that wait for the beginning that cannot be had.
    pub(super) fn refuse_waiting(&mut self, message: &str, out: &mut Vec<FromWorker>) {
        let Some(tokens) = self.residents.abandon(&mut self.context) else { return };
        let mut refused = Vec::new();
        for group in &mut self.groups {
            let (gone, kept) = group.waiting.drain(..).partition(|case| case.shared() == tokens);
            group.waiting = kept;
            let gone: VecDeque<Waiting> = gone;
            refused.extend(gone.into_iter().map(|case| (group.id, case.index)));
        }
        for (id, index) in refused {
            self.refuse(id, index, Fault::refused(message), out);
        }
    }

    /// llama.cpp failed: what is under way is lost, and nothing in the attention state can be trusted.
    pub(super) fn fail_all(&mut self, status: i32, out: &mut Vec<FromWorker>) {
        self.residents.cleared();
        let slots = std::mem::take(&mut self.slots);
        for slot in &slots {
            self.release(slot);
        }
        self.context.clear();
        let mut failed: Vec<(u64, usize)> = Vec::new();
        for slot in slots {
            failed.push((slot.group, slot.case.index));
            failed.extend(slot.twins.iter().map(|(_, case)| (slot.group, case.index)));
        }
        // Without one under way it is the first waiting one: else it would fail for ever.
        if failed.is_empty()
            && let Some(group) = self.groups.iter_mut().find(|group| !group.waiting.is_empty())
        {
            failed.extend(group.waiting.pop_front().map(|case| (group.id, case.index)));
        }
        for (id, index) in failed {
            self.refuse(id, index, Fault::infra(format!("llama.cpp failed (status {status})")), out);
        }
    }
}
