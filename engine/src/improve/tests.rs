//! The loop as a whole, on a suite whose truth is known: the skill's text says how likely each case succeeds.

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
    run::{Arm, Run, Status as Ended, Usage},
    suite::{Case, Suite, split::h64},
};

/// A brief that says nothing.
pub(super) fn brief() -> Brief {
    Brief {
        schema: brief::SCHEMA.to_owned(),
        experiment: 1,
        task: Task::of(Operator::Reflect),
        skill: "notes".to_owned(),
        files: BTreeMap::new(),
        other: None,
        score: 0.5,
        tokens: 10,
        evidence: Vec::new(),
        discarded: Vec::new(),
    }
}

/// Classes of cases; a rule of the skill helps one of them.
const CLASSES: usize = 12;
/// Train cases.
const CASES: usize = 36;
/// Runs a case.
const REPEATS: u32 = 2;
/// Lines that say nothing, at the start.
const PADDING: usize = 60;
/// A holdout text.
const SECRET: &str = "the quick auditor counted seventeen crimson ledgers before lunch on Friday";

/// How likely a case succeeds with this text.
fn chance(text: &str, case: usize) -> u64 {
    let class = case % CLASSES;
    let count = |word: &str| text.lines().filter(|line| line.trim() == format!("- {word} {class}.")).count();
    if text.contains(&prompt(case)) {
        return 99;
    }
    match (count("Fix"), count("Break")) {
        (_, 1..) => 3,
        (0, _) if class < CLASSES / 3 => 96,
        (0, _) => 4,
        _ => 96,
    }
}

fn truth(text: &str) -> f64 {
    (0..CASES).map(|case| chance(text, case)).sum::<u64>() as f64 / (100 * CASES) as f64
}

fn prompt(case: usize) -> String {
    format!("case {case} asks about parcel {case} of the northern depot in the year {}", 1900 + case)
}

fn train() -> Vec<Case> {
    let cases: Vec<_> = (0..CASES)
        .map(|n| serde_json::json!({"id": format!("case-{n}"), "prompt": prompt(n), "checks": [{"kind": "contains", "value": "OK"}]}))
        .collect();
    let text = serde_json::json!({"skill_name": "notes", "evals": cases}).to_string();
    Suite::parse(text.as_bytes()).unwrap().cases
}

/// Measures by the text alone. After so many calls it fails, as a process that is killed does.
struct World {
    fuel: Cell<u32>,
    tokens: u64,
}

impl Measure for World {
    async fn measure(&self, asked: Asked<'_>) -> Result<Measured, Fault> {
        let fuel = self.fuel.get();
        if fuel == 0 {
            return Err(Fault::new(codes::MODEL_UNAVAILABLE));
        }
        self.fuel.set(fuel - 1);
        let text = asked.folder.map(|folder| fs::read_to_string(folder.join("SKILL.md")).unwrap()).unwrap_or_default();
        let mut measured = Measured::default();
        for id in &asked.cases {
            let case: usize = id.trim_start_matches("case-").parse().unwrap();
            for repeat in asked.repeats.clone() {
                let draw = h64(&["run", id, &repeat.to_string(), &text]) % 100;
                measured.runs.push(run(id, repeat, draw < chance(&text, case), self.tokens));
            }
        }
        let used = used(&measured.runs);
        if asked.caps.tokens.is_some_and(|cap| used.tokens > cap) {
            return Ok(Measured { stopped: Some(Cap::Tokens), ..Measured::default() });
        }
        Ok(measured)
    }
}

fn run(case: &str, repeat: u32, passed: bool, tokens: u64) -> Run {
    Run {
        arm: Arm::Cand,
        case: case.to_owned(),
        repeat,
        seed: 1,
        status: Ended::Ok,
        score: Some(if passed { 1000 } else { 0 }),
        checks: Vec::new(),
        usage: Usage { prompt_tokens: tokens, ..Usage::default() },
        transcript: Digest::ZERO,
    }
}

/// What an edit does, as the proposer knows and the loop does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Fix,
    Nothing,
    Break,
    Shorter,
    Memorise,
    Leak,
    Crash,
}

fn kind(exp: u32) -> Kind {
    match h64(&["kind", &exp.to_string()]) % 20 {
        0..=4 => Kind::Fix,
        5..=9 => Kind::Nothing,
        10..=11 => Kind::Break,
        12..=16 => Kind::Shorter,
        17 => Kind::Memorise,
        18 => Kind::Leak,
        _ => Kind::Crash,
    }
}

struct Scripted;

impl Propose for Scripted {
    async fn propose(&self, brief: &Brief, folder: &Path, _within: Duration) -> Result<Proposed, NoProposal> {
        let path = folder.join("SKILL.md");
        let mut text = fs::read_to_string(&path).unwrap();
        let failing = brief.evidence.iter().find(|seen| seen.score != Some(1000)).map_or(0, |seen| {
            seen.case.trim_start_matches("case-").parse::<usize>().unwrap()
        });
        let exp = brief.experiment;
        let line = match kind(exp) {
            Kind::Fix => format!("- Fix {}.\n", failing % CLASSES),
            Kind::Nothing => format!("- Note {exp}.\n"),
            Kind::Break => format!("- Break {}.\n", exp as usize % CLASSES),
            Kind::Shorter => String::new(),
            Kind::Memorise => format!("- {}\n", prompt(failing)),
            Kind::Leak => format!("- Remember that {SECRET}.\n"),
            Kind::Crash => return Err(NoProposal::Failed("it answered nothing".to_owned())),
        };
        if kind(exp) == Kind::Shorter {
            let padding = text.lines().filter(|line| line.starts_with("Padding")).count();
            let keep = padding.saturating_sub(padding.div_ceil(6) + exp as usize % 3);
            let mut seen = 0;
            text = text.lines().filter(|line| !line.starts_with("Padding") || { seen += 1; seen <= keep }).collect::<Vec<_>>().join("\n") + "\n";
        }
        fs::write(path, text + &line).unwrap();
        Ok(Proposed { idea: format!("{:?} {exp}", kind(exp)), tokens: 10, cost_micros: 0 })
    }
}

struct Bench {
    place: tempfile::TempDir,
    train: Vec<Case>,
}

impl Bench {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("skill/notes");
        fs::create_dir_all(&folder).unwrap();
        let padding: String = (0..PADDING).map(|n| format!("Padding line {n} says nothing that anybody would need.\n")).collect();
        let text = format!("---\nname: notes\ndescription: Writes notes. Use it for notes.\n---\n\n# Notes\n\n{padding}\n");
        fs::write(folder.join("SKILL.md"), text).unwrap();
        Self { place, train: train() }
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
        let identity = Identity { suite: Digest::ZERO, key: Digest::ZERO, engine: "test".into(), proposer: "scripted".into() };
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
            ask: None,
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
    assert!(truth(&text(state.best().exp)) > truth(&text(0)) + 0.25, "{} from {}", truth(&text(state.best().exp)), truth(&text(0)));
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
            let runs = asked.cases.iter().flat_map(|id| asked.repeats.clone().map(move |repeat| run(id, repeat, id.ends_with('1'), 1)));
            Ok(Measured { runs: runs.collect(), ..Measured::default() })
        }
    }
    struct Notes;
    impl Propose for Notes {
        async fn propose(&self, brief: &Brief, folder: &Path, _within: Duration) -> Result<Proposed, NoProposal> {
            let path = folder.join("SKILL.md");
            let text = fs::read_to_string(&path).unwrap().replacen("Padding line 0 says nothing", &format!("Note {}", brief.experiment), 1);
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

/// A state with something of everything, whose texts all are this one.
pub(super) fn state(text: &str) -> State {
    let train = train();
    let scores: Scores = train
        .iter()
        .map(|case| (case.id.clone(), CaseScores { scores: vec![1000, 0], numbers: Vec::new() }))
        .collect();
    let begin = Begin {
        format: journal::FORMAT,
        tag: "night".to_owned(),
        when: Timestamp::from_unix(1_700_000_000),
        source: text.to_owned(),
        name: text.to_owned(),
        tree: Digest::ZERO,
        commit: "0".repeat(40),
        tokens: 100,
        identity: Identity { suite: Digest::ZERO, key: Digest::ZERO, engine: text.to_owned(), proposer: text.to_owned() },
        cases: train.iter().map(|case| case.id.clone()).collect(),
        repeats: 2,
        operators: Operator::ALL.to_vec(),
        interactive: false,
    };
    let mut state = State::new(begin, &train);
    let (used, none) = (journal::Used::default(), None);
    state.apply(&Entry::Preflight(Preflight { again: scores.clone(), scores: scores.clone(), without: Some(1), empty: none, oracle: none, used }));
    for (n, status) in [Status::Keep, Status::Discard, Status::Crash, Status::Leak, Status::Invalid, Status::Budget].into_iter().enumerate() {
        let exp = u32::try_from(n).unwrap() + 1;
        state.apply(&Entry::Experiment(Box::new(Experiment {
            exp,
            parent: 0,
            other: Some(0),
            operator: Operator::ALL[n % 5],
            status,
            idea: text.to_owned(),
            why: text.to_owned(),
            stage: 2,
            delta: Some(0.1),
            se: Some(0.01),
            p_run: Some(0.1),
            score: Some(0.6),
            scores: Some(scores.clone()),
            same: false,
            memorised: true,
            commit: "1".repeat(40),
            tree: Some(Digest::ZERO),
            tokens: 90,
            capped: None,
            used,
        })));
    }
    state.apply(&Entry::Gated(Gated {
        exp: 1,
        verdict: "reject".to_owned(),
        sentence: text.to_owned(),
        train_gain: 0.3,
        holdout_gain: Some(0.0),
        overfit: Some(text.to_owned()),
        record: text.to_owned(),
    }));
    state
}
