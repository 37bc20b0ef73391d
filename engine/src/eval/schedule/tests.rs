use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use skill_bundle::hash::sha256;

use super::*;
use crate::{
    Recorder, Silent,
    run::{Run, Transcript, Usage},
};

/// Answers every item after 2 ms with 100 tokens; items whose case is in `broken` fail so many times first.
#[derive(Default)]
struct Fake {
    begun: Mutex<Vec<(Arm, usize, u32)>>,
    flying: AtomicUsize,
    widest: AtomicUsize,
    broken: Mutex<Vec<usize>>,
}

impl Runner for Fake {
    fn worst(&self, _item: &Item) -> Spent {
        Spent { runs: 1, tokens: 150, cost_micros: 30 }
    }

    async fn run(&self, item: &Item) -> (Kept, Option<Duration>) {
        self.begun.lock().unwrap().push((item.arm, item.case, item.repeat));
        let now = self.flying.fetch_add(1, Ordering::SeqCst) + 1;
        self.widest.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.flying.fetch_sub(1, Ordering::SeqCst);
        let mut broken = self.broken.lock().unwrap();
        let fails = broken.iter().position(|case| *case == item.case);
        if let Some(place) = fails {
            broken.remove(place);
        }
        let (status, score, tokens) = match fails {
            Some(_) => (Status::Infra, None, 0),
            None => (Status::Ok, Some(1000), 100),
        };
        let usage = Usage { prompt_tokens: tokens, cost_micros: tokens / 5, ..Usage::default() };
        let run = Run {
            arm: item.arm,
            case: item.case.to_string(),
            repeat: item.repeat,
            seed: item.seed,
            status,
            score,
            checks: vec![],
            usage,
            transcript: Digest::ZERO,
        };
        (Kept { run, transcript: Transcript::default(), outputs: vec![] }, Some(Duration::from_millis(1)))
    }

    fn name(&self, item: &Item) -> String {
        format!("{} {:?} {}", item.case, item.arm, item.repeat)
    }
}

fn items(cases: usize, repeats: u32) -> Vec<Item> {
    let item = |(arm, case, repeat): (Arm, usize, u32)| {
        let key = sha256(format!("{arm:?} {case} {repeat}").as_bytes());
        Item { arm, case, repeat, seed: u64::from(repeat), key }
    };
    interleaved(cases, 0..repeats, &[Arm::Base, Arm::Cand]).into_iter().map(item).collect()
}

fn work(fake: &Fake, items: &[Item], cache: &Cache, caps: Caps, width: usize, reporter: &dyn Reporter) -> Done {
    let schedule = Schedule { items, width, alone: 0, caps, cache, fresh: false, reporter, enough: None };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(schedule.work(fake))
}

#[test]
fn arms_alternate_and_take_turns_in_beginning() {
    use Arm::{Base, Cand};
    let order = interleaved(2, 0..2, &[Base, Cand]);
    let expected = [
        (Base, 0, 0),
        (Cand, 0, 0),
        (Cand, 1, 0),
        (Base, 1, 0),
        (Cand, 0, 1),
        (Base, 0, 1),
        (Base, 1, 1),
        (Cand, 1, 1),
    ];
    assert_eq!(order, expected);
    assert_eq!(interleaved(1, 3..5, &[Cand]), [(Cand, 0, 3), (Cand, 0, 4)]);
}

#[test]
fn everything_is_done_once_in_order_and_so_many_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let (fake, items) = (Fake::default(), items(5, 3));
    let recorder = Recorder::default();
    let done = work(&fake, &items, &Cache::new(folder.path()), Caps::default(), 4, &recorder);
    let order: Vec<_> = items.iter().map(|item| (item.arm, item.case, item.repeat)).collect();
    assert_eq!(*fake.begun.lock().unwrap(), order);
    assert_eq!(fake.widest.load(Ordering::SeqCst), 4);
    assert!(done.runs.iter().all(Option::is_some) && done.stopped.is_none());
    assert_eq!(done.spent, Spent { runs: 30, tokens: 3000, cost_micros: 600 });
    assert_eq!(recorder.take().len(), 30);
}

#[test]
fn the_first_runs_go_alone_where_a_server_has_to_see_a_prefix_before_it_shares_it() {
    for (alone, widest) in [(0, 4), (30, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let (fake, items, cache) = (Fake::default(), items(5, 3), Cache::new(folder.path()));
        let caps = Caps::default();
        let reporter: &dyn Reporter = &Silent;
        let schedule =
            Schedule { items: &items, width: 4, alone, caps, cache: &cache, fresh: false, reporter, enough: None };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        assert!(runtime.block_on(schedule.work(&fake)).runs.iter().all(Option::is_some));
        assert_eq!(fake.widest.load(Ordering::SeqCst), widest);
    }
}

#[test]
fn what_is_finished_is_never_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let (items, cache) = (items(4, 2), Cache::new(folder.path()));
    let caps = Caps { runs: Some(7), ..Caps::default() };
    let first = work(&Fake::default(), &items, &cache, caps, 3, &Silent);
    assert_eq!((first.spent.runs, first.stopped), (7, Some(Cap::Runs)));
    let fake = Fake::default();
    let second = work(&fake, &items, &cache, Caps::default(), 3, &Silent);
    assert_eq!((second.cached, second.spent.runs), (7, 9));
    assert_eq!(fake.begun.lock().unwrap().len(), 9);
    let third = work(&Fake::default(), &items, &cache, Caps::default(), 3, &Silent);
    assert_eq!((third.cached, third.spent), (16, Spent::default()));
    assert_eq!(third.runs, second.runs);
}

#[test]
fn no_cap_is_ever_exceeded_however_many_run_at_once() {
    let items = items(10, 2);
    for (caps, most) in [
        (Caps { runs: Some(5), ..Caps::default() }, 5),
        (Caps { runs: Some(0), ..Caps::default() }, 0),
        // 100 tokens are used of 150 that may be: 149 admit nothing, 150 one, 250 two.
        (Caps { tokens: Some(149), ..Caps::default() }, 0),
        (Caps { tokens: Some(150), ..Caps::default() }, 1),
        (Caps { tokens: Some(250), ..Caps::default() }, 2),
        (Caps { tokens: Some(1000), ..Caps::default() }, 9),
        (Caps { cost_micros: Some(99), ..Caps::default() }, 4),
        (Caps { seconds: Some(0), ..Caps::default() }, 0),
    ] {
        for width in [1, 3, 32] {
            let folder = tempfile::tempdir().unwrap();
            let done = work(&Fake::default(), &items, &Cache::new(folder.path()), caps, width, &Silent);
            assert_eq!(done.spent.runs, most, "{caps:?} {width}");
            assert!(done.stopped.is_some(), "{caps:?}");
        }
    }
}

#[test]
fn a_fault_of_the_machine_is_tried_again_three_times_and_never_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (items, cache) = (items(3, 1), Cache::new(folder.path()));
    // Case 0 fails in one run three times, which the fourth attempt mends; case 2 always.
    let fake = Fake { broken: Mutex::new([vec![0; 3], vec![2; 100]].concat()), ..Fake::default() };
    let done = work(&fake, &items, &cache, Caps::default(), 1, &Silent);
    let statuses: Vec<_> = done
        .runs
        .iter()
        .map(|kept| (kept.as_ref().unwrap().run.case.as_str(), kept.as_ref().unwrap().run.status))
        .collect();
    let ok = statuses.iter().filter(|(case, status)| *case != "2" && *status == Status::Ok).count();
    let infra = statuses.iter().filter(|(case, status)| *case == "2" && *status == Status::Infra).count();
    assert_eq!((ok, infra, fake.begun.lock().unwrap().len()), (4, 2, 4 + 3 + 8));
    let again = work(&Fake::default(), &items, &cache, Caps::default(), 1, &Silent);
    assert_eq!((again.cached, again.spent.runs), (4, 2));
}

#[test]
fn nothing_more_is_begun_once_it_is_enough() {
    let items = items(10, 2);
    let (folder, fake) = (tempfile::tempdir().unwrap(), Fake::default());
    let cache = Cache::new(folder.path());
    let enough = |runs: &[Option<Kept>]| runs.iter().flatten().count() >= 9;
    let caps = Caps::default();
    let schedule = Schedule {
        items: &items,
        width: 3,
        alone: 0,
        caps,
        cache: &cache,
        fresh: false,
        reporter: &Silent,
        enough: Some(&enough),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let done = runtime.block_on(schedule.work(&fake));
    let made = done.runs.iter().flatten().count();
    // It looks after each third run, and waits for the two that are running then.
    assert!(done.enough && done.stopped.is_none() && (9..=11).contains(&made), "{made}");
    assert_eq!(fake.begun.lock().unwrap().len(), made);
    let again = runtime.block_on(schedule.work(&Fake::default()));
    assert_eq!((again.enough, again.cached, again.spent.runs), (true, made as u64, 0));
    let all = work(&Fake::default(), &items, &cache, Caps::default(), 3, &Silent);
    assert_eq!((all.enough, all.spent.runs), (false, 40 - made as u64));
}
