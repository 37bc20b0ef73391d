//! Attacks on sealed suites, each refused with its code.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use skill_bundle::{envelope, hash::sha256, keys::SecretKey, statement};
use skill_engine::{
    record::{Record, Trust, sealed::Opaque},
    suite::pack::Contents,
};
use skill_schema::{
    Digest,
    api::{eval, worker},
    statement::{Eval, EvalKind, EvalModel, EvalSummary, SuiteState},
};
use skill_tests::{
    World,
    forger::{Cases, Forger, Packed},
    http::{self, Answer},
    publisher::now,
};

/// What separates the parts of a form.
const BOUNDARY: &str = "worker-6b5a4c3d2e1f";

/// A verifier by plain requests.
struct Raw {
    address: SocketAddr,
    token: String,
    key: SecretKey,
    origin: String,
}

/// The key of the verifier that the root statement lists.
fn listed() -> SecretKey {
    SecretKey::from_seed(&[42; 32])
}

fn world(more: &str) -> World {
    World::set_up(&format!("verifiers = [\"{}\"]\n{more}", listed().public().to_text()))
}

impl Raw {
    /// A user of this name with these rights and this key.
    fn new(world: &World, name: &str, rights: &str, key: SecretKey) -> Self {
        world.registry.admin(&["user", "add", name]).ok();
        let token = world.registry.admin(&["token", "new", "--user", name, "--permission", rights]).ok().stdout;
        Self::with_token(world, token.trim(), key)
    }

    fn with_token(world: &World, token: &str, key: SecretKey) -> Self {
        let shown = world.registry.get("/.well-known/skill-registry").json();
        let origin = shown["origin"].as_str().expect("an origin").to_owned();
        Self { address: world.registry.address(), token: token.to_owned(), key, origin }
    }

    fn send(&self, method: &str, path: &str, kind: &str, body: &[u8]) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        http::send(self.address, method, path, &[("authorization", &bearer), ("content-type", kind)], body)
    }

    fn claim_as(&self, key: &str) -> Answer {
        let created = now();
        let text = worker::Claim::text(&self.origin, key, created);
        let signed = self.key.sign(text.as_bytes());
        let signature = signed.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        let claim = worker::Claim { key: key.to_owned(), created, signature, suites: vec![], recheck: false };
        self.send("POST", worker::ROUTE, "application/json", &serde_json::to_vec(&claim).expect("JSON"))
    }

    fn claim(&self) -> Answer {
        self.claim_as(&self.key.public().to_text())
    }

    fn claimed(&self) -> worker::Lease {
        let answer = self.claim();
        assert_eq!(answer.status, 200, "{}", answer.text());
        serde_json::from_slice::<worker::Answer>(&answer.body).expect("an answer").lease.expect("a job")
    }

    fn part(&self, lease: &Digest, part: &str) -> Answer {
        self.send("GET", &worker::part_path(lease, part), "application/json", b"")
    }

    fn beat(&self, lease: &Digest, body: &Value) -> Answer {
        self.send("POST", &worker::path(lease), "application/json", body.to_string().as_bytes())
    }

    fn end(&self, lease: &Digest, statement: &[u8], record: &[u8]) -> Answer {
        let mut body = Vec::new();
        for (name, part) in [("statement", statement), ("record", record)] {
            let head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend([head.as_bytes(), part, b"\r\n"].concat());
        }
        body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        self.send("PUT", &worker::result_path(lease), &kind, &body)
    }

    /// What this verifier says of a job.
    fn says(&self, lease: &worker::Lease, conditions: &Eval, record: &[u8]) -> Eval {
        let million = 1_000_000;
        let summary = EvalSummary {
            base: 0,
            cand: 0,
            delta: 0,
            hi: 0,
            k: 3,
            lo: 0,
            n: 12,
            p_case: million,
            p_run: million,
            verdict: "accept".to_owned(),
        };
        Eval {
            attempt: Some(lease.attempt),
            created: now(),
            kind: EvalKind::Result,
            model: conditions.model.clone(),
            nonce: lease.nonce.clone(),
            origin: self.origin.clone(),
            parent: lease.parent,
            record: Some(sha256(record)),
            runner: self.key.keyid(),
            score_key: conditions.score_key,
            suite: lease.suite,
            summary: Some(summary),
        }
    }

    fn sign(&self, said: &Eval, lease: &worker::Lease) -> Vec<u8> {
        let statement = statement::eval(said.clone(), &lease.skill, &lease.version, lease.tree);
        envelope::sign(&statement, &[&self.key]).expect("signed")
    }
}

#[track_caller]
fn refused(answer: &Answer, code: &str) {
    assert_eq!(answer.json()["code"], code, "{} {}", answer.status, answer.text());
}

/// A sealed suite of a forger's scope.
fn sealed(forger: &Forger, word: &str) -> Cases {
    let cases = Cases::new(word);
    let archives = vec![("archive", cases.packed(Contents::Train)), ("sealed", cases.packed(Contents::Whole))];
    let answer = forger.say_of_suite(&cases, word, SuiteState::Commit, archives);
    assert_eq!(answer.status, 201, "{}", answer.text());
    cases
}

/// A candidate that waits for a verifier.
fn queued(forger: &Forger, packed: &Packed, cases: &Cases) -> Digest {
    let signed = forger.sign(&forger.sealed_attempt(None, cases), packed, None);
    let answer = forger.queue(&signed, packed);
    assert_eq!(answer.status, 201, "{}", answer.text());
    serde_json::from_slice::<eval::Attempt>(&answer.body).expect("an attempt").attempt
}

#[test]
fn only_a_listed_verifier_who_is_somebody_else_gets_the_suite() {
    let world = world("");
    let forger = Forger::enrol(&world.registry, "forge");
    let cases = sealed(&forger, "secret");
    queued(&forger, &forger.pack("1.0.0"), &cases);
    let unlisted = SecretKey::from_seed(&[43; 32]);
    refused(&Raw::new(&world, "plain", "publish:new,read:private", listed()).claim(), "E_TOKEN_SCOPE");
    refused(&Raw::new(&world, "nobody", "eval:verify", unlisted.clone()).claim(), "E_VERIFIER");
    let token = world.registry.admin(&["token", "new", "--user", "forge", "--permission", "eval:verify"]).ok().stdout;
    refused(&Raw::with_token(&world, token.trim(), forger.key().clone()).claim(), "E_VERIFIER");
    refused(&Raw::with_token(&world, token.trim(), listed()).claim(), "E_VERIFIER");
    let thief = Raw::new(&world, "thief", "eval:verify", unlisted);
    refused(&thief.claim_as(&listed().public().to_text()), "E_SIGNATURE");

    let vera = Raw::new(&world, "vera", "eval:verify", listed());
    let lease = vera.claimed();
    let whole = cases.packed(Contents::Whole);
    assert_eq!(vera.part(&lease.lease, "suite").body, whole);
    assert_eq!(vera.part(&lease.lease, "suite").header("cache-control"), Some("no-store"));
    refused(&vera.part(&Digest::ZERO, "suite"), "E_LEASE");
    refused(&thief.part(&lease.lease, "suite"), "E_LEASE");
    refused(&Raw::with_token(&world, forger.token(), listed()).part(&lease.lease, "suite"), "E_TOKEN_SCOPE");
    let path = worker::part_path(&lease.lease, "suite");
    assert_eq!(http::send(world.registry.address(), "GET", &path, &[], b"").status, 401);
    // A second claim finds nothing while the job is held.
    assert_eq!(vera.claim().json()["lease"], Value::Null);
    for digest in [sha256(&whole), cases.digests.suite, cases.digests.holdout] {
        assert_eq!(world.registry.get(&format!("/blob/sha256/{digest}")).status, 404);
    }
}

#[test]
fn a_result_needs_its_lease_its_attempt_its_conditions_and_silence() {
    let world = world("[limits]\nlease-seconds = 2\n");
    let forger = Forger::enrol(&world.registry, "forge");
    let cases = sealed(&forger, "secret");
    let (one, two) = (forger.pack("1.0.0"), forger.pack("1.0.1"));
    let (first, second) = (queued(&forger, &one, &cases), queued(&forger, &two, &cases));
    let vera = Raw::new(&world, "vera", "eval:verify", listed());
    let over = vera.claimed();
    for _ in 0..100 {
        if vera.part(&over.lease, "suite").status != 200 {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    refused(&vera.part(&over.lease, "suite"), "E_LEASE");
    refused(&vera.beat(&over.lease, &json!({})), "E_LEASE");

    let conditions = forger.attempt(None, &cases);
    let lease = vera.claimed();
    assert_eq!(lease.attempt, first);
    let attempt =
        eval::Attempt { attempt: first, log: 0, proof: None, failed: 0, recorded: None, policy: String::new() };
    let (open, _) = forger.record(&one, None, &cases, &attempt, |_, n| n % 2 == 0);
    let redacted = Opaque::new(&open.cases, &first).redact(&open, Trust::Verified).expect("redacted");
    let bytes = |record: &Record| record.to_bytes().expect("a record");
    let send = |said: &Eval, record: &Record| vera.end(&lease.lease, &vera.sign(said, &lease), &bytes(record));
    let good = vera.says(&lease, &conditions, &bytes(&redacted));
    refused(&vera.end(&over.lease, &vera.sign(&good, &lease), &bytes(&redacted)), "E_LEASE");
    refused(&send(&good, &redacted), "E_SCORE_KEY");
    let named = json!({"conditions": {"scoreKey": conditions.score_key, "model": "forged", "weights": conditions.model.weights}});
    assert_eq!(vera.beat(&lease.lease, &named).status, 200);
    let other = json!({"conditions": {"scoreKey": Digest::ZERO, "model": "forged", "weights": "w"}});
    refused(&vera.beat(&lease.lease, &other), "E_SCORE_KEY");
    refused(&send(&Eval { attempt: Some(second), ..good.clone() }, &redacted), "E_ATTEMPT_OTHER");
    refused(&send(&Eval { runner: Digest::ZERO, ..good.clone() }, &redacted), "E_VERIFIER");
    refused(&send(&good, &open), "E_MISMATCH");
    refused(&send(&vera.says(&lease, &conditions, &bytes(&open)), &open), "E_REDACTED");
    let model = EvalModel { weights: "other".to_owned(), ..good.model.clone() };
    refused(&send(&Eval { model, ..good.clone() }, &redacted), "E_SCORE_KEY");
    let mut fewer = redacted.clone();
    let gone = fewer.cases.pop().expect("a case");
    fewer.runs.retain(|run| run.case != gone.id);
    fewer.result = skill_engine::record::compute(&fewer.runs, &fewer.cases);
    fewer.sampling.seeds.retain(|seed| fewer.runs.iter().any(|run| run.seed == *seed));
    refused(&send(&vera.says(&lease, &conditions, &bytes(&fewer)), &fewer), "E_SUITE_DIGEST");
    let refuting = Eval { kind: EvalKind::Refute, ..good.clone() };
    refused(&send(&refuting, &redacted), "E_MISMATCH");

    // The publisher cannot end it, nor measure it alone, nor publish before there is a result.
    let result = forger.result(
        &forger.sealed_attempt(None, &cases),
        &one,
        first,
        (&open, &skill_engine::report::Details::default()),
    );
    refused(&forger.send(&result), "E_SEALED");
    refused(&forger.log(&forger.sign(&forger.attempt(None, &cases), &one, None)), "E_SEALED");
    refused(&forger.log_result_of_nothing(&one, &cases, &open), "E_NO_ATTEMPT");
    let named = |evidence: &Record| forger.form_verified(&one, cases.digests.suite, first, &bytes(evidence));
    refused(&forger.send(&named(&redacted)), "E_JOB_QUEUED");
    assert_eq!(send(&good, &redacted).status, 201);
    assert_eq!(forger.send(&named(&redacted)).status, 201);
    assert_eq!(send(&good, &redacted).status, 201, "repeated, it is the same result");
    refused(
        &vera.end(
            &lease.lease,
            &vera.sign(&Eval { created: now(), nonce: "0".repeat(32), ..good }, &lease),
            &bytes(&redacted),
        ),
        "E_LEASE",
    );
    world.registry.fsck(&[]).ok();
}

#[test]
fn a_holdout_that_is_not_the_committed_one_is_refused() {
    let world = world("");
    let forger = Forger::enrol(&world.registry, "forge");
    let (cases, other) = (Cases::new("secret"), Cases::new("other"));
    let (train, whole) = (cases.packed(Contents::Train), cases.packed(Contents::Whole));
    let commit = |archives| forger.say_of_suite(&cases, "secret", SuiteState::Commit, archives);
    refused(&commit(vec![("archive", train.clone()), ("sealed", other.packed(Contents::Whole))]), "E_SUITE_DIGEST");
    refused(&commit(vec![("archive", train.clone()), ("sealed", train.clone())]), "E_SUITE_DIGEST");
    refused(&commit(vec![("archive", whole.clone())]), "E_SUITE_DIGEST");
    refused(&commit(vec![("archive", other.packed(Contents::Train)), ("sealed", whole.clone())]), "E_SUITE_DIGEST");
    // By hand: the registry has no copy, and can reveal nothing by itself.
    assert_eq!(commit(vec![("archive", train)]).status, 201);
    let reveal = |archives| forger.say_of_suite(&cases, "secret", SuiteState::Reveal, archives);
    refused(&reveal(vec![]), "E_SUITE_DIGEST");
    refused(&reveal(vec![("archive", other.packed(Contents::Whole))]), "E_SUITE_DIGEST");
    refused(&reveal(vec![("archive", cases.packed(Contents::Train))]), "E_SUITE_DIGEST");
    assert_eq!(world.registry.get(&format!("/blob/sha256/{}", sha256(&whole))).status, 404);
    assert_eq!(reveal(vec![("archive", whole.clone())]).status, 201);
    assert_eq!(world.registry.get(&format!("/blob/sha256/{}", sha256(&whole))).body, whole);
    world.registry.fsck(&[]).ok();
}
