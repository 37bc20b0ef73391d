//! Records of made-up runs, true in every part.

use skill_engine::{
    eval::answer::digest,
    model::{Fingerprint, Mode, Sampling, Sharing},
    record::{
        Arms, Baseline, CaseFacts, EngineFacts, FORMAT, Grader, Harness, Model, Order, Provenance, Record,
        SamplingFacts, ScoreKey, Skill, SuiteFacts, Trust, compute, split_hash,
    },
    run::{Arm, CheckResult, Run, Status, Transcript, TranscriptEvent, Usage},
    suite::Split,
};
use skill_schema::{Digest, SkillId};

use super::{Cases, Packed};
use crate::publisher::now;

pub(super) fn answered(case: &str, arm: Arm, repeat: u32, seed: u64, is_loud: bool) -> (Run, Transcript) {
    let text = if is_loud { "LOUD" } else { "quiet" }.to_owned();
    let transcript = Transcript { events: vec![TranscriptEvent::Answer { text }] };
    let check = CheckResult {
        id: "c1".to_owned(),
        kind: "contains".to_owned(),
        weight: 1,
        required: false,
        value: Some([u64::from(is_loud), 1]),
        judged: false,
        evidence: String::new(),
    };
    let run = Run {
        arm,
        case: case.to_owned(),
        repeat,
        seed,
        status: Status::Ok,
        score: Some(if is_loud { 1_000 } else { 0 }),
        checks: vec![check],
        usage: Usage { prompt_tokens: 100, output_tokens: 5, turns: 1, ..Usage::default() },
        transcript: digest(&transcript),
    };
    (run, transcript)
}

fn fingerprint() -> Fingerprint {
    Fingerprint {
        model: "forged".to_owned(),
        weights: "ab".repeat(32),
        quantisation: "none".to_owned(),
        engine: "forged".to_owned(),
        build: "1".to_owned(),
        device: "none".to_owned(),
    }
}

pub(super) fn key(split: Digest) -> ScoreKey {
    ScoreKey::new(split, &fingerprint(), &Sampling::default(), skill_engine::suite::Limits::default())
}

pub(super) fn whole(
    id: &SkillId,
    packed: &Packed,
    head: Option<&Packed>,
    cases: &Cases,
    facts: Vec<CaseFacts>,
    runs: Vec<Run>,
) -> Record {
    let split = split_hash(&facts);
    let key = key(split);
    let mut seeds: Vec<u64> = runs.iter().map(|run| run.seed).collect();
    seeds.sort_unstable();
    seeds.dedup();
    let digests = &cases.digests;
    let size = |n: usize| u32::try_from(n).expect("few cases");
    let baseline = head.map_or(Baseline::NoSkill {}, |head| Baseline::Version {
        name: format!("{id}@{}", head.version),
        tree: head.tree(),
    });
    Record {
        format: FORMAT.to_owned(),
        skill: Skill {
            name: id.to_string(),
            version: Some(packed.version.to_string()),
            tree: packed.tree(),
            parent: None,
            forked_from: None,
        },
        suite: SuiteFacts {
            id: None,
            version: Some("1.0.0".to_owned()),
            part: Some(Split::Holdout),
            sealed: false,
            split_hash: split,
            suite_hash: Some(digests.suite),
            cases: size(digests.train_cases + digests.holdout_cases),
            holdout: size(digests.holdout_cases),
        },
        score_key: key.digest().expect("a key"),
        model: Model {
            name: "forged".to_owned(),
            weights: key.weights.clone(),
            quantisation: key.quantisation.clone(),
        },
        engine: EngineFacts {
            name: key.engine.clone(),
            build: key.build.clone(),
            device: "none".to_owned(),
            kv_reuse: Sharing::None,
            mode: Mode::Throughput,
        },
        sampling: SamplingFacts {
            temperature: key.sampling.temperature.clone(),
            top_p: key.sampling.top_p.clone(),
            max_tokens: key.sampling.max_tokens,
            seeds,
        },
        grader: Grader {
            prompt: "builtin:grader@1".to_owned(),
            model: None,
            votes: 1,
            self_agreement_ppm: None,
            judged_weight_ppm: 0,
            flagged: Vec::new(),
        },
        harness: Harness { name: "forged".to_owned(), version: "0.1.0".to_owned(), executor: "prompt".to_owned() },
        arms: Arms { baseline: Some(baseline), order: Order::Interleaved },
        result: compute(&runs, &facts),
        verdict: serde_json::Value::Null,
        provenance: Provenance { who: "nobody".to_owned(), when: now(), trust: Trust::Claimed },
        cases: facts,
        key,
        runs,
    }
}
