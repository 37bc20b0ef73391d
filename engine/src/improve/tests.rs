//! The loop as a whole, on a suite whose truth is known.

mod world;

pub(super) use world::{brief, state};

use std::{
    cell::Cell,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use skill_bundle::pack;
use skill_schema::{Digest, Fault, Limits, codes, time::Timestamp};

use super::{shop::Shop, *};
use crate::{
    Silent,
    executor::leak::Shingles,
    suite::{Case, Suite},
};

use world::{CASES, Kind, PADDING, REPEATS, SECRET, Scripted, World, kind, run, train, truth};

struct Bench {
    place: tempfile::TempDir,
    train: Vec<Case>,
    ask: Option<Box<dyn Ask>>,
}

impl Bench {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("skill/notes");
        fs::create_dir_all(&folder).unwrap();
        let line = |n| format!("Padding line {n} says nothing that anybody would need.\n");
        let padding = (0..PADDING).map(line).collect::<Vec<_>>().concat();
        let text =
            format!("---\nname: notes\ndescription: Writes notes. Use it for notes.\n---\n\n# Notes\n\n{padding}\n");
        fs::write(folder.join("SKILL.md"), text).unwrap();
        Self { place, train: train(), ask: None }
    }

    fn root(&self) -> PathBuf {
        self.place.path().join("run")
    }

    fn shop(&self) -> Shop {
        Shop::at(&self.root(), "notes", None)
    }

    fn begin(&self, shop: &Shop) -> Begin {
        let packed = pack::pack_dir(&self.place.path().join("skill/notes"), &Limits::V1).unwrap();
        let when = Timestamp::from_unix(1_700_000_000);
        let identity =
            Identity { suite: Digest::ZERO, key: Digest::ZERO, engine: "test".into(), proposer: "scripted".into() };
        Begin {
            format: journal::FORMAT,
            tag: "night".to_owned(),
            when,
            source: "notes".to_owned(),
            name: "notes".to_owned(),
            tree: packed.package.tree(),
            commit: shop.begin(&packed, when).unwrap(),
            tokens: edit::tokens(&packed),
            identity,
            cases: self.train.iter().map(|case| case.id.clone()).collect(),
            repeats: REPEATS,
            operators: vec![Operator::Reflect, Operator::Simplify],
            interactive: false,
        }
    }

    /// Runs, or goes on, until the loop or the fuel ends.
    async fn go(&self, goal: u32, fuel: u32, caps: Caps) -> (Result<Stop, Fault>, State) {
        let shop = self.shop();
        fs::create_dir_all(self.root()).unwrap();
        let (mut journal, mut entries) = Journal::open(&self.root().join(shop::JOURNAL)).unwrap();
        if entries.is_empty() {
            let begin = Entry::Begin(self.begin(&shop));
            journal.append(&begin).unwrap();
            entries.push(begin);
        }
        let holdout = {
            let text = serde_json::json!({"skill_name": "notes", "evals": [{"id": "h", "prompt": SECRET}]}).to_string();
            Shingles::of(&Suite::parse(text.as_bytes()).unwrap().cases)
        };
        let (measure, shingles) = (World { fuel: Cell::new(fuel), tokens: 7 }, Shingles::of(&self.train));
        let mut work = Loop {
            measure: &measure,
            propose: &Scripted,
            shop: &shop,
            journal,
            state: State::of(&entries, &self.train).unwrap(),
            holdout: &holdout,
            train: &shingles,
            goal,
            budget: None,
            caps,
            scripts: false,
            ask: self.ask.as_deref(),
            reporter: &Silent,
            now: &|| Timestamp::from_unix(1_700_000_000),
            step: Step::default(),
        };
        let ended = match work.preflight(None).await {
            Ok(()) => work.run().await,
            Err(fault) => Err(fault),
        };
        (ended, work.state.clone())
    }
}

/// The journal without times.
fn essence(root: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(root.join(shop::JOURNAL)).unwrap();
    let strip = |line: &str| {
        let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
        value["used"]["ms"] = serde_json::Value::Null;
        value
    };
    text.lines().map(strip).collect()
}

#[tokio::test]
async fn what_is_kept_is_better_and_what_is_worse_is_not() {
    let bench = Bench::new();
    let (ended, state) = bench.go(100, u32::MAX, Caps::default()).await;
    assert_eq!(ended.unwrap(), Stop::Experiments, "{}", results::text(&state));
    let mut counts: BTreeMap<(Kind, Status), u32> = BTreeMap::new();
    for experiment in &state.experiments {
        *counts.entry((kind(experiment.exp), experiment.status)).or_default() += 1;
    }
    let count = |kind: Kind, status: Status| counts.get(&(kind, status)).copied().unwrap_or_default();
    let all = |kind: Kind| counts.iter().filter(|((k, _), _)| *k == kind).map(|(_, n)| n).sum::<u32>();
    // The stated error: of experiments without effect at most one in five is kept.
    let idle = all(Kind::Nothing) + all(Kind::Break);
    assert!(5 * (count(Kind::Nothing, Status::Keep) + count(Kind::Break, Status::Keep)) <= idle, "{counts:?}");
    assert_eq!(count(Kind::Break, Status::Keep), 0, "{counts:?}");
    assert_eq!(count(Kind::Leak, Status::Leak), all(Kind::Leak), "{counts:?}");
    assert!(all(Kind::Leak) > 0 && count(Kind::Crash, Status::Crash) == all(Kind::Crash), "{counts:?}");
    // Fixes of what is not fixed yet are kept.
    let text = |exp: u32| fs::read_to_string(bench.shop().folder(exp).join("SKILL.md")).unwrap();
    assert!(
        truth(&text(state.best().exp)) > truth(&text(0)) + 0.25,
        "{} from {}",
        truth(&text(state.best().exp)),
        truth(&text(0))
    );
    for experiment in state.experiments.iter().filter(|e| e.status == Status::Keep && kind(e.exp) == Kind::Fix) {
        assert!(truth(&text(experiment.exp)) > truth(&text(experiment.parent)), "{}", experiment.exp);
    }
    assert!(state.experiments.iter().any(|e| e.memorised && kind(e.exp) == Kind::Memorise), "memorised text is seen");
    let results = fs::read_to_string(bench.root().join(shop::RESULTS)).unwrap();
    assert_eq!(results.lines().count(), 102, "a header, the start, and a line an experiment");
    assert!(results.lines().all(|line| line.split('\t').count() == 16), "{results}");
    let mut briefs = String::new();
    for exp in 1..=100 {
        briefs.push_str(&fs::read_to_string(bench.root().join(format!("proposals/{exp:03}/brief.json"))).unwrap());
    }
    assert!(!briefs.contains("crimson") && briefs.contains("northern depot"));
}

#[tokio::test]
async fn killed_anywhere_it_ends_where_an_uninterrupted_one_ends() {
    let (whole, killed) = (Bench::new(), Bench::new());
    let (ended, _) = whole.go(30, u32::MAX, Caps::default()).await;
    let ended = ended.unwrap();
    let mut kills = 0;
    let last = loop {
        // A prime step lands in every stage of an experiment.
        let (ended, state) = killed.go(30, 5 + kills % 4, Caps::default()).await;
        if let Ok(ended) = ended {
            break (ended, state);
        }
        kills += 1;
        assert!(kills < 200, "it goes on");
    };
    assert!(kills >= 10, "{kills}");
    assert_eq!(last.0, ended);
    assert_eq!(essence(&killed.root()), essence(&whole.root()));
    let again = killed.go(30, 0, Caps::default()).await;
    assert_eq!(again.0.unwrap(), ended, "a loop that ended is not run again");
    let more = killed.go(31, u32::MAX, Caps::default()).await;
    assert_eq!(more.1.done(), 31, "it goes on when more is asked for");
}

#[tokio::test]
async fn a_cap_holds_and_more_goes_on() {
    let bench = Bench::new();
    let preflight = u64::from(4 * REPEATS) * CASES as u64 * 7;
    let caps = |tokens| Caps { tokens: Some(tokens), ..Caps::default() };
    let (ended, state) = bench.go(50, u32::MAX, caps(preflight + 2_000)).await;
    assert_eq!(ended.unwrap(), Stop::Cap("tokens".to_owned()));
    assert!(state.used.tokens <= preflight + 2_000, "{:?}", state.used);
    assert_eq!(state.experiments.last().unwrap().status, Status::Budget);
    let done = state.done();
    let (ended, state) = bench.go(done + 3, u32::MAX, Caps::default()).await;
    assert_eq!((ended.unwrap(), state.done()), (Stop::Experiments, done + 3));
    let poor = Bench::new();
    assert_eq!(poor.go(50, u32::MAX, caps(100)).await.0.unwrap_err().code, codes::BUDGET);
}

#[tokio::test]
async fn the_breakers_end_what_leads_nowhere() {
    struct Deaf;
    impl Measure for Deaf {
        async fn measure(&self, asked: Asked<'_>) -> Result<Measured, Fault> {
            let runs = asked
                .cases
                .iter()
                .flat_map(|id| asked.repeats.clone().map(move |repeat| run(id, repeat, id.ends_with('1'), 1)));
            Ok(Measured { runs: runs.collect(), ..Measured::default() })
        }
    }
    struct Notes;
    impl Propose for Notes {
        async fn propose(&self, brief: &Brief, folder: &Path, _within: Duration) -> Result<Proposed, NoProposal> {
            let path = folder.join("SKILL.md");
            let text = fs::read_to_string(&path).unwrap().replacen(
                "Padding line 0 says nothing",
                &format!("Note {}", brief.experiment),
                1,
            );
            fs::write(path, text).unwrap();
            Ok(Proposed::default())
        }
    }
    let bench = Bench::new();
    let shop = bench.shop();
    fs::create_dir_all(bench.root()).unwrap();
    let (mut journal, _) = Journal::open(&bench.root().join(shop::JOURNAL)).unwrap();
    let begin = Entry::Begin(bench.begin(&shop));
    journal.append(&begin).unwrap();
    let none = Shingles::default();
    let mut work = Loop {
        measure: &Deaf,
        propose: &Notes,
        shop: &shop,
        journal,
        state: State::of(&[begin], &bench.train).unwrap(),
        holdout: &none,
        train: &none,
        goal: 100,
        budget: None,
        caps: Caps::default(),
        scripts: false,
        ask: None,
        reporter: &Silent,
        now: &|| Timestamp::from_unix(1_700_000_000),
        step: Step::default(),
    };
    work.preflight(None).await.unwrap();
    assert_eq!(work.run().await.unwrap(), Stop::NoSignal, "{}", results::text(&work.state));
    assert_eq!(work.state.done(), 10);
}

#[tokio::test]
async fn a_person_overrules_the_rules_and_ends_the_loop() {
    /// Decides against the rules twice, and then ends it.
    struct Stubborn(Cell<u32>);
    impl Ask for Stubborn {
        fn ask(&self, shown: &Shown<'_>) -> Result<Answer, Fault> {
            assert!(shown.patch.contains("+++ b/SKILL.md"), "{}", shown.patch);
            self.0.set(self.0.get() + 1);
            Ok(match (self.0.get(), shown.against) {
                (3.., _) => Answer::Stop,
                (_, None) => Answer::Discard,
                (_, Some(_)) => Answer::Keep,
            })
        }
    }
    let mut bench = Bench::new();
    bench.ask = Some(Box::new(Stubborn(Cell::new(0))));
    let (ended, state) = bench.go(100, u32::MAX, Caps::default()).await;
    assert_eq!(ended.unwrap(), Stop::Person);
    let asked: Vec<_> = state.experiments.iter().filter(|experiment| experiment.stage == 2).collect();
    assert_eq!(asked.len(), 3, "nobody is asked about what was not measured on all cases");
    assert!(asked[..2].iter().all(|experiment| experiment.why.contains("decided by a person")), "{asked:?}");
    assert_eq!(asked[2].status, Status::Discard);
}
