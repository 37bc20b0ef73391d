//! The rules of the statements about measuring.

use std::collections::BTreeMap;

use skill_schema::{
    Digest, Fault, SkillId, Version,
    statement::{
        Eval, EvalKind, EvalSummary, NONCE_DIGITS, SKILL_TREE_V1, SUITE_V1, Statement, Suite as SuitePredicate,
    },
    version::parse_version,
};

use super::{Body, check_common, check_text, ensure, parse_reference, subject, wrap};

/// Parts per million in one.
const MILLION: u64 = 1_000_000;
/// A perfect score, per mille.
const PERFECT: i64 = 1_000;

/// The statement about a suite. `digest` is the split hash of all its cases.
pub fn suite(predicate: SuitePredicate, digest: Digest) -> Statement<SuitePredicate> {
    let name = format!("{}/{}@{}", predicate.scope, predicate.suite, predicate.version);
    wrap(predicate, name, BTreeMap::from([(SUITE_V1.to_owned(), digest)]))
}

/// The statement about an eval of a skill with this tree.
pub fn eval(predicate: Eval, id: &SkillId, version: &Version, tree: Digest) -> Statement<Eval> {
    wrap(predicate, format!("{id}@{version}"), BTreeMap::from([(SKILL_TREE_V1.to_owned(), tree)]))
}

/// The digest that a statement about measuring has as its subject's only one.
fn only<P: skill_schema::statement::Predicate>(statement: &Statement<P>, name: &str) -> Result<Digest, Fault> {
    let digest = &subject(statement)?.digest;
    match (digest.len(), digest.get(name)) {
        (1, Some(digest)) => Ok(*digest),
        _ => Err(super::wrong(format!("subject.digest: exactly {name} is expected"))),
    }
}

/// The digest of all cases of a suite.
///
/// # Errors
/// [`skill_schema::codes::STATEMENT`] if the statement has another subject.
pub fn suite_digest(statement: &Statement<SuitePredicate>) -> Result<Digest, Fault> {
    only(statement, SUITE_V1)
}

/// The tree that an eval is about.
///
/// # Errors
/// [`skill_schema::codes::STATEMENT`] if the statement has another subject.
pub fn eval_tree(statement: &Statement<Eval>) -> Result<Digest, Fault> {
    only(statement, SKILL_TREE_V1)
}

impl Body for SuitePredicate {
    fn check(statement: &Statement<Self>) -> Result<(), Fault> {
        check_common(statement)?;
        let suite = &statement.predicate;
        let (id, version) = parse_reference(&subject(statement)?.name)?;
        ensure(id.scope.as_str() == suite.scope, "scope differs from the subject's")?;
        ensure(id.name.as_str() == suite.suite, "suite differs from the subject's")?;
        ensure(version.to_string() == suite.version, "version differs from the subject's")?;
        ensure(suite.cases.holdout.saturating_add(suite.cases.train) > 0, "cases: none")?;
        suite_digest(statement).map(drop)
    }
}

impl Body for Eval {
    fn check(statement: &Statement<Self>) -> Result<(), Fault> {
        check_common(statement)?;
        let eval = &statement.predicate;
        let (_, version) =
            subject(statement)?.name.split_once('@').ok_or_else(|| super::wrong("subject: no version"))?;
        parse_version(version)?;
        parse_reference(&subject(statement)?.name)?;
        eval_tree(statement)?;
        check_text(&eval.model.id, "model.id")?;
        check_text(&eval.model.weights, "model.weights")?;
        let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        ensure(eval.nonce.len() == NONCE_DIGITS && eval.nonce.chars().all(is_hex), "nonce: 32 hex digits")?;
        let ends = [eval.attempt.is_some(), eval.record.is_some(), eval.summary.is_some()];
        match eval.kind {
            EvalKind::Attempt => ensure(ends == [false; 3], "an attempt has no result yet")?,
            EvalKind::Result | EvalKind::Refute => {
                ensure(ends == [true; 3], "a result names its attempt, record and summary")?;
            }
        }
        eval.summary.as_ref().map_or(Ok(()), check_summary)
    }
}

fn check_summary(summary: &EvalSummary) -> Result<(), Fault> {
    let scores = [summary.base, summary.cand].into_iter().all(|score| (0..=PERFECT).contains(&score));
    let gains = [summary.delta, summary.lo, summary.hi].into_iter().all(|gain| gain.abs() <= 10 * PERFECT);
    ensure(scores && gains, "summary: scores are per mille")?;
    ensure(summary.p_case <= MILLION && summary.p_run <= MILLION, "summary: p values are parts per million")?;
    ensure(["accept", "reject", "invalid"].contains(&summary.verdict.as_str()), "summary: the verdict")
}

#[cfg(test)]
mod tests {
    use skill_schema::{
        codes,
        statement::{EvalModel, SuiteCases, SuiteState},
        time::Timestamp,
    };

    use super::*;
    use crate::{
        envelope::{self, Envelope},
        keys::SecretKey,
    };

    fn attempt() -> Eval {
        Eval {
            attempt: None,
            created: Timestamp::from_unix(1_795_392_000),
            kind: EvalKind::Attempt,
            model: EvalModel { id: "SmolLM2-135M".to_owned(), weights: "ab".repeat(32) },
            nonce: "0123456789abcdef0123456789abcdef".to_owned(),
            origin: "skills.example/log".to_owned(),
            parent: Some(Digest([1; 32])),
            record: None,
            runner: Digest([2; 32]),
            score_key: Digest([3; 32]),
            suite: Digest([4; 32]),
            summary: None,
        }
    }

    fn result() -> Eval {
        let summary = EvalSummary {
            base: 500,
            cand: 660,
            delta: 160,
            hi: 250,
            k: 5,
            lo: 70,
            n: 20,
            p_case: 2_000,
            p_run: 400,
            verdict: "accept".to_owned(),
        };
        Eval {
            attempt: Some(Digest([5; 32])),
            kind: EvalKind::Result,
            record: Some(Digest([6; 32])),
            summary: Some(summary),
            ..attempt()
        }
    }

    fn suite_of(version: &str) -> SuitePredicate {
        SuitePredicate {
            cases: SuiteCases { holdout: 20, train: 30 },
            created: Timestamp::from_unix(1_795_392_000),
            holdout: Digest([7; 32]),
            origin: "skills.example/log".to_owned(),
            prev: Digest([8; 32]),
            scope: "cisco".to_owned(),
            seq: 7,
            state: SuiteState::Open,
            suite: "codeguard-suite".to_owned(),
            train: Digest([9; 32]),
            version: version.to_owned(),
        }
    }

    fn signed<P: Body>(statement: &Statement<P>) -> Envelope {
        let key = SecretKey::from_seed(&[1; 32]);
        Envelope::parse(&envelope::sign(statement, &[&key]).unwrap()).unwrap()
    }

    fn evaluated(eval_of: Eval) -> Statement<Eval> {
        eval(eval_of, &"me/codeguard".parse().unwrap(), &Version::new(1, 5, 0), Digest([10; 32]))
    }

    #[test]
    fn what_is_written_is_read_back() {
        for one in [attempt(), result(), Eval { kind: EvalKind::Refute, parent: None, ..result() }] {
            let statement = evaluated(one);
            let read: Statement<Eval> = signed(&statement).statement().unwrap();
            assert_eq!((eval_tree(&read).unwrap(), read), (Digest([10; 32]), statement));
        }
        let statement = suite(suite_of("1.0.0"), Digest([11; 32]));
        let read: Statement<SuitePredicate> = signed(&statement).statement().unwrap();
        assert_eq!((suite_digest(&read).unwrap(), read), (Digest([11; 32]), statement));
    }

    /// A worked vector: the payloads as they must be to the byte.
    #[test]
    fn the_payloads_are_the_canonical_json_of_their_members() {
        let text = |payload: &[u8]| String::from_utf8(payload.to_vec()).unwrap();
        let d = |n: u8| Digest([n; 32]).to_string();
        let suite_text = text(signed(&suite(suite_of("1.0.0"), Digest([11; 32]))).payload());
        let expected = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","predicate":{{"cases":{{"holdout":20,"train":30}},"created":"2026-11-23T00:00:00Z","holdout":"{}","origin":"skills.example/log","prev":"{}","scope":"cisco","seq":7,"state":"open","suite":"codeguard-suite","train":"{}","version":"1.0.0"}},"predicateType":"urn:skill:suite:v1","subject":[{{"digest":{{"suiteV1":"{}"}},"name":"cisco/codeguard-suite@1.0.0"}}]}}"#,
            d(7),
            d(8),
            d(9),
            d(11)
        );
        assert_eq!(suite_text, expected);
        let eval_text = text(signed(&evaluated(attempt())).payload());
        let expected = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","predicate":{{"attempt":null,"created":"2026-11-23T00:00:00Z","kind":"attempt","model":{{"id":"SmolLM2-135M","weights":"{}"}},"nonce":"0123456789abcdef0123456789abcdef","origin":"skills.example/log","parent":"{}","record":null,"runner":"{}","scoreKey":"{}","suite":"{}","summary":null}},"predicateType":"urn:skill:eval:v1","subject":[{{"digest":{{"skillTreeV1":"{}"}},"name":"me/codeguard@1.5.0"}}]}}"#,
            "ab".repeat(32),
            d(1),
            d(2),
            d(3),
            d(4),
            d(10)
        );
        assert_eq!(eval_text, expected);
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let wrong: [fn(&mut Eval); 9] = [
            |eval| eval.nonce.truncate(31),
            |eval| eval.nonce = "0123456789ABCDEF0123456789abcdef".to_owned(),
            |eval| eval.attempt = None,
            |eval| eval.record = None,
            |eval| eval.summary = None,
            |eval| eval.kind = EvalKind::Attempt,
            |eval| eval.summary.as_mut().unwrap().cand = 1_001,
            |eval| eval.summary.as_mut().unwrap().p_run = 1_000_001,
            |eval| eval.summary.as_mut().unwrap().verdict = "maybe".to_owned(),
        ];
        for change in wrong {
            let mut one = result();
            change(&mut one);
            let fault = signed(&evaluated(one.clone())).statement::<Eval>().unwrap_err();
            assert_eq!(fault.code, codes::STATEMENT, "{one:?}");
        }
        let mut other = suite(suite_of("1.0.0"), Digest([11; 32]));
        other.predicate.version = "1.0.1".to_owned();
        assert_eq!(signed(&other).statement::<SuitePredicate>().unwrap_err().code, codes::STATEMENT);
        let mut empty = suite_of("1.0.0");
        empty.cases = SuiteCases { holdout: 0, train: 0 };
        let fault = signed(&suite(empty, Digest([11; 32]))).statement::<SuitePredicate>().unwrap_err();
        assert_eq!(fault.code, codes::STATEMENT);
    }
}
