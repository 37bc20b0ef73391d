//! Records for tests, made from tables of scores.

use skill_bundle::hash::sha256;
use skill_schema::{Digest, time::Timestamp};

use super::{
    Arms, Baseline, CaseFacts, EngineFacts, FORMAT, Grader, Harness, Model, Order, Provenance, Record, SamplingFacts,
    ScoreKey, Skill, SuiteFacts, Trust, check::judged_weight, compute, split_hash,
};
use crate::{
    model::{Fingerprint, Mode, Sampling, Sharing},
    run::{Arm, CheckResult, Run, Status, Usage},
    suite::{Limits, Split},
};

/// Scores of the gate's first known answer: 20 cases, 5 runs.
pub(crate) const BASE: [[u16; 5]; 20] = [
    [0, 0, 0, 0, 0],
    [1, 1, 1, 0, 1],
    [1, 1, 1, 1, 1],
    [0, 0, 0, 1, 0],
    [0, 0, 1, 0, 0],
    [0, 0, 1, 0, 0],
    [1, 0, 1, 1, 1],
    [1, 1, 0, 0, 1],
    [0, 0, 1, 1, 1],
    [0, 1, 1, 1, 1],
    [1, 0, 0, 0, 1],
    [1, 1, 1, 1, 1],
    [0, 0, 0, 0, 0],
    [0, 1, 0, 0, 1],
    [1, 1, 0, 1, 0],
    [1, 1, 1, 1, 1],
    [0, 0, 0, 0, 0],
    [1, 0, 0, 1, 1],
    [0, 1, 0, 1, 1],
    [1, 0, 1, 0, 0],
];

/// The candidate of the same.
pub(crate) const CAND: [[u16; 5]; 20] = [
    [0, 1, 0, 0, 1],
    [0, 1, 1, 1, 0],
    [1, 1, 1, 1, 1],
    [1, 1, 1, 0, 0],
    [0, 0, 1, 1, 0],
    [1, 0, 1, 1, 0],
    [1, 1, 1, 0, 1],
    [0, 1, 1, 0, 0],
    [1, 1, 1, 1, 1],
    [1, 1, 1, 1, 1],
    [0, 0, 1, 1, 0],
    [1, 1, 1, 1, 1],
    [0, 1, 0, 0, 1],
    [1, 1, 1, 0, 1],
    [1, 1, 1, 1, 1],
    [1, 1, 1, 1, 1],
    [1, 1, 1, 0, 0],
    [1, 1, 0, 1, 1],
    [1, 0, 0, 1, 1],
    [1, 0, 1, 0, 0],
];

/// The record of these scores, true in every part.
pub(crate) fn record() -> Record {
    let runs = [(Arm::Base, &BASE), (Arm::Cand, &CAND)]
        .into_iter()
        .flat_map(|(arm, table)| {
            table.iter().enumerate().flat_map(move |(case, scores)| {
                scores.iter().enumerate().map(move |(repeat, score)| run(arm, case, repeat, score * 1_000))
            })
        })
        .collect();
    of(runs, cases(20), Some(Baseline::NoSkill {}))
}

/// `n` cases in three categories, each in its own group.
pub(crate) fn cases(n: usize) -> Vec<CaseFacts> {
    (0..n)
        .map(|i| CaseFacts {
            id: format!("case-{i}"),
            category: ["fill", "extract", "merge"][i % 3].to_owned(),
            group: format!("group-{i}"),
            critical: i == 2,
            hash: sha256(format!("case {i}").as_bytes()),
        })
        .collect()
}

/// A run with two checks, of which the second is judged, that give this per-mille score.
pub(crate) fn run(arm: Arm, case: usize, repeat: usize, score: u16) -> Run {
    let check = |id: &str, kind: &str, judged| CheckResult {
        id: id.to_owned(),
        kind: kind.to_owned(),
        weight: 1,
        required: false,
        value: Some([u64::from(score), 1_000]),
        judged,
        evidence: format!("field 1 holds {score}"),
    };
    let with = u64::from(arm == Arm::Cand);
    Run {
        arm,
        case: format!("case-{case}"),
        repeat: u32::try_from(repeat).unwrap(),
        seed: 1_000 + repeat as u64,
        status: Status::Ok,
        score: Some(score),
        checks: vec![check("c1", "file_contains", false), check("e1", "expectation", true)],
        usage: Usage {
            prompt_tokens: 400 + 1_840 * with,
            cached_tokens: 1_500 * with,
            output_tokens: 200 + 10 * case as u64,
            ms: 1_250 + 100 * repeat as u64,
            cost_micros: 900 + 2_000 * with,
            turns: 3,
        },
        transcript: sha256(format!("{arm:?} {case} {repeat} {score}").as_bytes()),
    }
}

/// A record of these runs, true in every part.
pub(crate) fn of(runs: Vec<Run>, cases: Vec<CaseFacts>, baseline: Option<Baseline>) -> Record {
    let split = split_hash(&cases);
    let print = fingerprint();
    let mut key = ScoreKey::new(split, &print, &Sampling::default(), Limits::default());
    (key.sandbox, key.grader_prompt) = (sha256(b"no-network"), sha256(b"builtin:grader@1"));
    "sha256-of-the-grader".clone_into(&mut key.grader);
    let mut seeds: Vec<u64> = runs.iter().map(|run| run.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let sampling = &key.sampling;
    Record {
        format: FORMAT.to_owned(),
        skill: Skill {
            name: "acme/pdf-forms".to_owned(),
            version: Some("2.3.0".to_owned()),
            tree: sha256(b"tree"),
            parent: Some("2.2.0".to_owned()),
            forked_from: None,
        },
        suite: SuiteFacts {
            id: Some("acme/pdf-forms".to_owned()),
            version: Some("2.1.0".to_owned()),
            part: Some(Split::Holdout),
            sealed: false,
            split_hash: split,
            suite_hash: Some(sha256(b"suite")),
            cases: 50,
            holdout: u32::try_from(cases.len()).unwrap(),
        },
        score_key: key.digest().unwrap(),
        model: Model {
            name: "Qwen3-4B-Instruct-2507-Q4_K_M.gguf".to_owned(),
            weights: key.weights.clone(),
            quantisation: key.quantisation.clone(),
        },
        engine: EngineFacts {
            name: key.engine.clone(),
            build: key.build.clone(),
            device: print.device,
            kv_reuse: Sharing::Explicit,
            mode: Mode::Exact,
        },
        sampling: SamplingFacts {
            temperature: sampling.temperature.clone(),
            top_p: sampling.top_p.clone(),
            max_tokens: sampling.max_tokens,
            seeds,
        },
        grader: Grader {
            prompt: "builtin:grader@1".to_owned(),
            model: Some("SmolLM3-3B-Q8_0.gguf".to_owned()),
            votes: 1,
            self_agreement_ppm: Some(962_000),
            judged_weight_ppm: judged_weight(&runs),
            flagged: Vec::new(),
        },
        harness: Harness { name: "skill".to_owned(), version: "0.4.0".to_owned(), executor: "prompt".to_owned() },
        arms: Arms { baseline, order: Order::Interleaved },
        result: compute(&runs, &cases),
        verdict: serde_json::Value::Null,
        provenance: Provenance {
            who: "ada".to_owned(),
            when: Timestamp::from_unix(1_795_392_000),
            trust: Trust::Claimed,
        },
        cases,
        key,
        runs,
    }
}

fn fingerprint() -> Fingerprint {
    Fingerprint {
        model: "Qwen3-4B".to_owned(),
        weights: Digest([0xab; 32]).to_string(),
        quantisation: "Q4_K_M".to_owned(),
        engine: "llama.cpp".to_owned(),
        build: "b10434 fa=off kv=split batch=2048".to_owned(),
        device: "cpu".to_owned(),
    }
}
