//! Somebody who publishes measured versions by plain requests and says whatever they like: for attacks on the gate.

mod record;
mod sealed;

use std::{collections::BTreeMap, net::SocketAddr, path::Path};

use serde_json::json;
use skill_bundle::{Package, archive, envelope, hash::sha256, keys::SecretKey, statement};
use skill_engine::{
    eval::{salt_of, seed},
    gate::{Policy, Recorded},
    record::{CaseFacts, Record, Terms, summary},
    report::{CaseText, Details, RunDetails, RunId},
    run::Arm,
    suite::{Opened, Split, Suite, hash::Digests, pack},
};
use skill_schema::{
    Digest, Limits, SkillId, Version,
    api::{eval, publish::Meta},
    statement::{Eval, EvalKind, EvalModel, EvalSummary, Parent, Release, Suite as Said, SuiteCases, SuiteState},
};

use record::{answered, key, whole};

use crate::{
    http::{self, Answer},
    publisher::{Publisher, now},
};

/// What separates the parts of a form.
const BOUNDARY: &str = "forged-1f2e3d4c5b6a";
/// Runs a case and arm.
const RUNS: u32 = 3;

/// A suite on the disk, split, with its digests.
pub struct Cases {
    _place: tempfile::TempDir,
    /// The suite.
    pub opened: Opened,
    /// Its digests.
    pub digests: Digests,
}

impl Cases {
    /// A suite whose prompts begin with `word`: each answer has to be LOUD.
    pub fn new(word: &str) -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let case = |n: usize| {
            json!({"id": format!("{word}-{n}"), "category": "all", "group": format!("g{n}"),
                "prompt": format!("{word} question {n}: alpha{n} beta{n}"), "checks": [{"kind": "contains", "value": "LOUD"}]})
        };
        let cases: Vec<_> = (0..30).map(case).collect();
        let text =
            json!({"skill_name": "notes", "suite": {"format": 1, "version": "1.0.0", "salt": word}, "evals": cases});
        let folder = place.path().join("evals");
        std::fs::create_dir(&folder).expect("a folder");
        std::fs::write(folder.join("evals.json"), text.to_string()).expect("written");
        let open = |at: &Path| Suite::read(at).expect("a suite");
        let first = open(place.path());
        let lock = first.suite.split(&first.lock().expect("a lock")).expect("split");
        std::fs::write(folder.join("split.lock"), lock.text()).expect("written");
        let opened = open(place.path());
        let digests = opened.suite.digests(&opened.lock().expect("a lock"), &opened.folder).expect("digests");
        Self { _place: place, opened, digests }
    }

    /// Its archive.
    pub fn packed(&self, contents: pack::Contents) -> Vec<u8> {
        pack::pack(&self.opened, contents).expect("packed").archive.clone()
    }
}

/// A version of the skill, packed.
#[derive(Clone)]
pub struct Packed {
    /// Its version.
    pub version: Version,
    archive: Vec<u8>,
    package: std::rc::Rc<Package>,
}

impl Packed {
    /// The tree digest.
    pub fn tree(&self) -> Digest {
        self.package.tree()
    }
}

/// The form of a request, part by part, so that each can be exchanged.
#[derive(Clone)]
pub struct Parts {
    /// Method and path.
    pub to: (&'static str, String),
    /// Name and content.
    pub parts: Vec<(&'static str, Vec<u8>)>,
}

/// A publisher that can say anything about `scope/notes`.
pub struct Forger {
    publisher: Publisher,
    address: SocketAddr,
    key: SecretKey,
}

impl Forger {
    /// Somebody with a scope of this name.
    pub fn enrol(registry: &crate::registry::Registry, scope: &str) -> Self {
        let publisher = Publisher::enrol(registry, scope);
        Self { key: SecretKey::from_seed(&sha256(scope.as_bytes()).0), publisher, address: registry.address() }
    }

    /// The skill.
    pub fn id(&self) -> SkillId {
        format!("{}/notes", self.publisher.scope()).parse().expect("a name")
    }

    /// Packs a version.
    pub fn pack(&self, version: &str) -> Packed {
        let text = format!("---\nname: notes\ndescription: Keeps notes, for tests.\n---\n\nNumber {version}.\n");
        let manifest = format!("[skill]\nname = \"{}\"\nversion = \"{version}\"\n", self.id());
        let files = [("SKILL.md", text.as_bytes()), ("skill.toml", manifest.as_bytes())]
            .map(|(path, content)| skill_bundle::File { path, content, executable: false });
        let archive = archive::gzip(&archive::encode(files).expect("encoded")).expect("compressed");
        let package = Package::open(archive.as_slice(), &Limits::V1).expect("a package");
        Packed { version: version.parse().expect("a version"), archive, package: package.into() }
    }

    fn headers(&self, kind: &str) -> Vec<(String, String)> {
        vec![
            ("authorization".to_owned(), format!("Bearer {}", self.publisher.token())),
            ("content-type".to_owned(), kind.to_owned()),
        ]
    }

    /// Sends a form.
    pub fn send(&self, form: &Parts) -> Answer {
        let mut body = Vec::new();
        for (name, part) in &form.parts {
            let head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
            body.extend([head.as_bytes(), part, b"\r\n"].concat());
        }
        body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
        let headers = self.headers(&format!("multipart/form-data; boundary={BOUNDARY}"));
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        http::send(self.address, form.to.0, &form.to.1, &headers, &body)
    }

    /// Publishes a suite.
    pub fn publish_suite(&self, cases: &Cases, name: &str) -> Answer {
        self.say_of_suite(cases, name, SuiteState::Open, vec![("archive", cases.packed(pack::Contents::Whole))])
    }

    /// Says what becomes of a suite, and sends these archives along.
    pub fn say_of_suite(
        &self,
        cases: &Cases,
        name: &str,
        state: SuiteState,
        archives: Vec<(&'static str, Vec<u8>)>,
    ) -> Answer {
        let (seq, prev) = self.publisher.next(self.address).expect("a chain");
        let digests = &cases.digests;
        let said = Said {
            cases: SuiteCases { holdout: digests.holdout_cases as u64, train: digests.train_cases as u64 },
            created: now(),
            holdout: digests.holdout,
            origin: self.publisher.origin().to_owned(),
            prev,
            scope: self.publisher.scope().to_owned(),
            seq,
            state,
            suite: name.to_owned(),
            train: digests.train,
            version: "1.0.0".to_owned(),
        };
        let signed = envelope::sign(&statement::suite(said, digests.suite), &[&self.key]).expect("signed");
        let path = format!("/api/skill/v1/suites/{}/{name}/1.0.0", self.publisher.scope());
        let parts = std::iter::once(("statement", signed)).chain(archives).collect();
        self.send(&Parts { to: ("PUT", path), parts })
    }

    /// An attempt against a head.
    pub fn attempt(&self, head: Option<&Packed>, cases: &Cases) -> Eval {
        let nonce = sha256(&skill_bundle::keys::random::<32>().expect("randomness")).to_string();
        Eval {
            attempt: None,
            created: now(),
            kind: EvalKind::Attempt,
            model: EvalModel { id: "forged".to_owned(), weights: "ab".repeat(32) },
            nonce: nonce[..32].to_owned(),
            origin: self.publisher.origin().to_owned(),
            parent: head.map(Packed::tree),
            record: None,
            runner: self.key.keyid(),
            score_key: key(cases.digests.holdout).digest().expect("a key"),
            suite: cases.digests.suite,
            summary: None,
        }
    }

    /// Signs what is said about a version.
    pub fn sign(&self, said: &Eval, packed: &Packed, key: Option<&SecretKey>) -> Vec<u8> {
        let statement = statement::eval(said.clone(), &self.id(), &packed.version, packed.tree());
        envelope::sign(&statement, &[key.unwrap_or(&self.key)]).expect("signed")
    }

    /// Logs an attempt.
    pub fn log(&self, envelope: &[u8]) -> Answer {
        let headers = self.headers("application/json");
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        http::send(self.address, "POST", eval::ROUTE, &headers, envelope)
    }

    /// Logs an attempt that has to be accepted.
    pub fn logged(&self, packed: &Packed, head: Option<&Packed>, cases: &Cases) -> eval::Attempt {
        let answer = self.log(&self.sign(&self.attempt(head, cases), packed, None));
        assert_eq!(answer.status, 201, "{}", answer.text());
        serde_json::from_slice(&answer.body).expect("an attempt")
    }

    /// A record of runs that come out as `loud` says, true in every part, and its transcripts.
    pub fn record(
        &self,
        packed: &Packed,
        head: Option<&Packed>,
        cases: &Cases,
        attempt: &eval::Attempt,
        loud: impl Fn(Arm, usize) -> bool,
    ) -> (Record, Details) {
        let (suite, lock) = (&cases.opened.suite, cases.opened.lock().expect("a lock"));
        let hashes = suite.case_hashes(&cases.opened.folder).expect("hashes");
        let by_id: BTreeMap<&str, Digest> = suite.cases.iter().map(|case| case.id.as_str()).zip(hashes).collect();
        let held: Vec<_> = suite.part(&lock, Split::Holdout).collect();
        let facts: Vec<CaseFacts> = held
            .iter()
            .map(|case| CaseFacts {
                id: case.id.clone(),
                category: case.category.clone(),
                group: case.group.clone(),
                critical: case.critical,
                hash: by_id[case.id.as_str()],
            })
            .collect();
        let salt = salt_of(&suite.settings.salt, Some(&attempt.attempt));
        let (mut runs, mut details) = (Vec::new(), Details::default());
        for (n, case) in held.iter().enumerate() {
            details.cases.insert(case.id.clone(), CaseText::from(*case));
            for repeat in 0..RUNS {
                for arm in [Arm::Base, Arm::Cand] {
                    let (run, transcript) =
                        answered(&case.id, arm, repeat, seed(&salt, &case.id, repeat), loud(arm, n));
                    details.runs.insert(RunId::from(&run), RunDetails { transcript, files: Vec::new() });
                    runs.push(run);
                }
            }
        }
        let mut record = whole(&self.id(), packed, head, cases, facts, runs);
        if head.is_some() {
            let terms = Terms {
                policy: Policy::Standard,
                failed: attempt.failed,
                recorded: attempt.recorded.map(|pooled| Recorded { sum: pooled.sum, runs: pooled.runs }),
                maintenance: false,
                leak: false,
                scan_clean: true,
            };
            record.verdict = summary(&record.judge(&terms).expect("a verdict"), &terms);
        }
        (record, details)
    }

    /// The form that publishes a measured version.
    pub fn form(
        &self,
        packed: &Packed,
        parent: Option<&Packed>,
        suite: Option<Digest>,
        attempt: Option<Digest>,
        evidence: Option<(&Record, &Details)>,
    ) -> Parts {
        let (seq, prev) = self.publisher.next(self.address).expect("a chain");
        let record = evidence.map(|(record, _)| record.to_bytes().expect("a record"));
        let release = Release {
            created: now(),
            evals: record.iter().map(|bytes| sha256(bytes)).collect(),
            files: packed.package.file_count(),
            license: None,
            name: "notes".to_owned(),
            origin: self.publisher.origin().to_owned(),
            parent: parent
                .map(|parent| Parent { reference: format!("{}@{}", self.id(), parent.version), tree: parent.tree() }),
            prev,
            scope: self.publisher.scope().to_owned(),
            seq,
            size: packed.package.size(),
            suite,
            unpacked_size: packed.package.unpacked_size(),
            version: packed.version.to_string(),
        };
        let statement = statement::release(release, packed.package.digest(), packed.tree());
        let signed = envelope::sign(&statement, &[&self.key]).expect("signed");
        let meta = Meta { attempt, ..Meta::default() };
        let mut parts = vec![
            ("meta", serde_json::to_vec(&meta).expect("JSON")),
            ("statement", signed),
            ("archive", packed.archive.clone()),
        ];
        if let (Some(record), Some((_, details))) = (record, evidence) {
            parts.extend([("record", record), ("transcripts", details.to_json().into_bytes())]);
        }
        Parts { to: ("PUT", format!("/api/skill/v1/skills/{}/{}", self.id(), packed.version)), parts }
    }

    /// The form that ends an attempt.
    pub fn result(&self, said: &Eval, packed: &Packed, attempt: Digest, evidence: (&Record, &Details)) -> Parts {
        let (record, details) = evidence;
        let bytes = record.to_bytes().expect("a record");
        let summary = EvalSummary {
            base: 0,
            cand: 0,
            delta: 0,
            hi: 0,
            k: u64::from(RUNS),
            lo: 0,
            n: record.result.cases.into(),
            p_case: 1_000_000,
            p_run: 1_000_000,
            verdict: record.verdict["verdict"].as_str().unwrap_or("accept").to_owned(),
        };
        let ended = Eval {
            attempt: Some(attempt),
            kind: EvalKind::Result,
            record: Some(sha256(&bytes)),
            summary: Some(summary),
            ..said.clone()
        };
        let parts = vec![
            ("statement", self.sign(&ended, packed, None)),
            ("record", bytes),
            ("transcripts", details.to_json().into_bytes()),
        ];
        Parts { to: ("POST", eval::result_path(&attempt)), parts }
    }
}
