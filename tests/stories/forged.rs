//! Attacks on the gate by somebody who has a token and a key of their own: each is refused with its code, and nothing is published.

use serde_json::json;
use skill_bundle::keys::SecretKey;
use skill_engine::{
    record::{Record, Trust, compute},
    report::Details,
    run::{Arm, Run, Status, TranscriptEvent},
};
use skill_schema::api::eval::Attempt;
use skill_tests::{
    World,
    forger::{Cases, Forger, Packed, Parts},
    http::Answer,
};

/// A skill with a measured first version, and a second one that is to beat it.
struct Contest {
    world: World,
    mallory: Forger,
    cases: Cases,
    head: Packed,
    next: Packed,
}

/// A third of the cases.
fn third(_: Arm, n: usize) -> bool {
    n.is_multiple_of(3)
}

/// The head on a third of the cases, the candidate on all.
fn better(arm: Arm, n: usize) -> bool {
    arm == Arm::Cand || n.is_multiple_of(3)
}

impl Contest {
    fn begin() -> Self {
        let world = World::start();
        let mallory = Forger::enrol(&world.registry, "mallory");
        let cases = Cases::new("first");
        assert_eq!(mallory.publish_suite(&cases, "notes").status, 201);
        let (head, next) = (mallory.pack("1.0.0"), mallory.pack("1.1.0"));
        let attempt = mallory.logged(&head, None, &cases);
        let (record, details) = mallory.record(&head, None, &cases, &attempt, third);
        let form =
            mallory.form(&head, None, Some(cases.digests.suite), Some(attempt.attempt), Some((&record, &details)));
        let answer = mallory.send(&form);
        assert_eq!(answer.status, 201, "{}", answer.text());
        Self { world, mallory, cases, head, next }
    }

    fn attempt(&self) -> Attempt {
        self.mallory.logged(&self.next, Some(&self.head), &self.cases)
    }

    fn record(&self, attempt: &Attempt, loud: impl Fn(Arm, usize) -> bool) -> (Record, Details) {
        self.mallory.record(&self.next, Some(&self.head), &self.cases, attempt, loud)
    }

    fn form(&self, attempt: &Attempt, record: &Record, details: &Details) -> Parts {
        let suite = Some(self.cases.digests.suite);
        self.mallory.form(&self.next, Some(&self.head), suite, Some(attempt.attempt), Some((record, details)))
    }

    fn send(&self, attempt: &Attempt, record: &Record, details: &Details) -> Answer {
        self.mallory.send(&self.form(attempt, record, details))
    }

    /// Nothing was published, and the registry is sound.
    fn is_unchanged(&self) {
        let index = self.world.registry.get("/index/mallory/notes").text();
        assert_eq!(index.lines().count(), 2, "{index}");
        self.world.registry.fsck(&[]).ok();
    }
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{}", answer.text());
}

/// Grades a run anew by hand, and everything that follows from it.
fn tamper(record: &mut Record, change: impl Fn(&mut Run)) {
    record.runs.iter_mut().for_each(change);
    record.result = compute(&record.runs, &record.cases);
    let terms = record.terms().expect("terms").expect("a verdict");
    record.verdict = skill_engine::record::summary(&record.judge(&terms).expect("a verdict"), &terms);
}

fn pass(run: &mut Run) {
    if run.arm == Arm::Cand {
        run.score = Some(1_000);
        run.checks[0].value = Some([1, 1]);
    }
}

#[test]
fn what_is_true_is_published() {
    let contest = Contest::begin();
    let attempt = contest.attempt();
    let (record, details) = contest.record(&attempt, better);
    let form = contest.form(&attempt, &record, &details);
    let answer = contest.mallory.send(&form);
    assert_eq!(answer.status, 201, "{}", answer.text());
    // The same request again is answered with what was stored.
    assert_eq!(contest.mallory.send(&form).status, 200);
    contest.world.registry.fsck(&[]).ok();
}

#[test]
fn an_equal_version_is_refused_with_the_numbers() {
    let contest = Contest::begin();
    let attempt = contest.attempt();
    let (record, details) = contest.record(&attempt, third);
    let answer = contest.send(&attempt, &record, &details);
    refused(&answer, 422, "E_GATE_REJECTED");
    let numbers = &answer.json()["findings"][0];
    assert_eq!((&numbers["verdict"], &numbers["delta"]), (&json!("reject"), &json!(0.0)), "{numbers}");
    contest.is_unchanged();
}

#[test]
fn altered_runs_do_not_follow_from_their_transcripts() {
    let contest = Contest::begin();
    let attempt = contest.attempt();
    let (honest, details) = contest.record(&attempt, third);
    // Only the scores: the result no longer follows.
    let mut record = honest.clone();
    record.runs.iter_mut().filter(|run| run.arm == Arm::Cand).for_each(|run| run.score = Some(1_000));
    refused(&contest.send(&attempt, &record, &details), 422, "E_RECORD_RESULT");
    // Scores, checks, result and verdict: the transcripts say otherwise.
    let mut record = honest.clone();
    tamper(&mut record, pass);
    refused(&contest.send(&attempt, &record, &details), 422, "E_REGRADE");
    // Only the verdict.
    let mut record = honest.clone();
    record.verdict["verdict"] = json!("accept");
    refused(&contest.send(&attempt, &record, &details), 422, "E_VERDICT");
    // The terms: as if nothing had failed before and nothing were recorded.
    let mut record = honest;
    record.verdict["terms"]["recorded"] = json!(null);
    refused(&contest.send(&attempt, &record, &details), 422, "E_VERDICT");
    contest.is_unchanged();
}

#[test]
fn transcripts_that_are_others_or_missing_are_refused() {
    let contest = Contest::begin();
    let attempt = contest.attempt();
    let (mut record, mut details) = contest.record(&attempt, third);
    tamper(&mut record, pass);
    for run in details.runs.values_mut() {
        run.transcript.events = vec![TranscriptEvent::Answer { text: "LOUD".to_owned() }];
    }
    refused(&contest.send(&attempt, &record, &details), 422, "E_TRANSCRIPTS");
    refused(&contest.send(&attempt, &record, &Details::default()), 422, "E_TRANSCRIPTS");
    contest.is_unchanged();
}

#[test]
fn runs_that_went_badly_cannot_be_left_out() {
    let contest = Contest::begin();
    let attempt = contest.attempt();
    let (honest, details) = contest.record(&attempt, third);
    // Without the failed runs of the candidate.
    let mut record = honest.clone();
    record.runs.retain(|run| run.arm == Arm::Base || run.score == Some(1_000));
    tamper(&mut record, |_| {});
    refused(&contest.send(&attempt, &record, &details), 422, "E_RECORD_RUNS");
    // Said to have failed for reasons outside: then nothing is measured.
    let mut record = honest;
    tamper(&mut record, |run| {
        if run.arm == Arm::Cand && run.score == Some(0) {
            (run.status, run.score) = (Status::Infra, None);
            run.checks.clear();
        }
    });
    refused(&contest.send(&attempt, &record, &details), 422, "E_GATE_INVALID");
    contest.is_unchanged();
}

#[test]
fn an_attempt_is_used_once_and_for_what_it_was_logged() {
    let contest = Contest::begin();
    let mallory = &contest.mallory;
    let attempt = contest.attempt();
    let (record, details) = contest.record(&attempt, better);
    assert_eq!(contest.send(&attempt, &record, &details).status, 201);
    // Replayed for a further version.
    let third_version = mallory.pack("1.2.0");
    let suite = Some(contest.cases.digests.suite);
    let (again, texts) = mallory.record(&third_version, Some(&contest.next), &contest.cases, &attempt, better);
    let form = mallory.form(&third_version, Some(&contest.next), suite, Some(attempt.attempt), Some((&again, &texts)));
    refused(&mallory.send(&form), 409, "E_ATTEMPT_USED");
    // A fresh attempt with the runs of the first.
    let fresh = mallory.logged(&third_version, Some(&contest.next), &contest.cases);
    let form = mallory.form(&third_version, Some(&contest.next), suite, Some(fresh.attempt), Some((&again, &texts)));
    refused(&mallory.send(&form), 422, "E_RECORD_RUNS");
    // None, one that nobody logged, and one for another version.
    let (own, texts) = mallory.record(&third_version, Some(&contest.next), &contest.cases, &fresh, better);
    let with = |attempt| mallory.form(&third_version, Some(&contest.next), suite, attempt, Some((&own, &texts)));
    refused(&mallory.send(&with(None)), 422, "E_NO_ATTEMPT");
    refused(&mallory.send(&with(Some(skill_schema::Digest([7; 32])))), 422, "E_NO_ATTEMPT");
    let other = mallory.logged(&mallory.pack("1.3.0"), Some(&contest.next), &contest.cases);
    refused(&mallory.send(&with(Some(other.attempt))), 422, "E_ATTEMPT_OTHER");
}

#[test]
fn an_attempt_of_another_skill_and_another_suite_count_for_nothing() {
    let contest = Contest::begin();
    let eve = Forger::enrol(&contest.world.registry, "eve");
    let attempt = contest.attempt();
    let (record, details) = contest.record(&attempt, better);
    // Eve cannot use Mallory's attempt for her skill, nor log one for Mallory's.
    let suite = Some(contest.cases.digests.suite);
    let own = eve.pack("1.0.0");
    let form = eve.form(&own, None, suite, Some(attempt.attempt), Some((&record, &details)));
    refused(&eve.send(&form), 422, "E_ATTEMPT_OTHER");
    let stolen = contest.mallory.attempt(Some(&contest.head), &contest.cases);
    refused(&eve.log(&contest.mallory.sign(&stolen, &contest.next, None)), 403, "E_NOT_OWNER");
    // An easier suite that nobody has published, and one that was.
    let easy = Cases::new("easy");
    let unknown = contest.mallory.attempt(Some(&contest.head), &easy);
    refused(&contest.mallory.log(&contest.mallory.sign(&unknown, &contest.next, None)), 422, "E_SUITE_UNKNOWN");
    assert_eq!(contest.mallory.publish_suite(&easy, "easy").status, 201);
    let attempt = contest.mallory.logged(&contest.next, Some(&contest.head), &easy);
    let (record, details) = contest.mallory.record(&contest.next, Some(&contest.head), &easy, &attempt, better);
    let easy_suite = Some(easy.digests.suite);
    let parts = |suite| {
        let evidence = Some((&record, &details));
        contest.mallory.form(&contest.next, Some(&contest.head), suite, Some(attempt.attempt), evidence)
    };
    refused(&contest.mallory.send(&parts(easy_suite)), 422, "E_SUITE_CHANGED");
    refused(&contest.mallory.send(&parts(suite)), 422, "E_ATTEMPT_OTHER");
    contest.is_unchanged();
}

#[test]
fn a_head_that_moved_is_not_beaten() {
    let contest = Contest::begin();
    let mallory = &contest.mallory;
    let late = mallory.pack("1.2.0");
    let early = mallory.logged(&late, Some(&contest.head), &contest.cases);
    let attempt = contest.attempt();
    let (record, details) = contest.record(&attempt, better);
    assert_eq!(contest.send(&attempt, &record, &details).status, 201);
    let (record, details) = mallory.record(&late, Some(&contest.head), &contest.cases, &early, better);
    let suite = Some(contest.cases.digests.suite);
    let form = mallory.form(&late, Some(&contest.next), suite, Some(early.attempt), Some((&record, &details)));
    refused(&mallory.send(&form), 412, "E_HEAD_MOVED");
    let stale = mallory.attempt(Some(&contest.head), &contest.cases);
    refused(&mallory.log(&mallory.sign(&stale, &late, None)), 412, "E_HEAD_MOVED");
    // Nor can it be measured against no skill, as if nothing were there.
    let alone = mallory.attempt(None, &contest.cases);
    refused(&mallory.log(&mallory.sign(&alone, &late, None)), 412, "E_HEAD_MOVED");
}

#[test]
fn a_record_without_attempt_or_score_key_or_of_somebody_else_is_refused() {
    let contest = Contest::begin();
    let mallory = &contest.mallory;
    // A version without a record, while the head has one.
    let form = mallory.form(&contest.next, Some(&contest.head), Some(contest.cases.digests.suite), None, None);
    refused(&mallory.send(&form), 422, "E_UNMEASURED");
    let form = mallory.form(&contest.next, Some(&contest.head), None, None, None);
    refused(&mallory.send(&form), 422, "E_UNMEASURED");
    let attempt = contest.attempt();
    let (honest, details) = contest.record(&attempt, better);
    // Under other conditions than were announced.
    let mut record = honest.clone();
    record.key.limits.tokens += 1;
    record.score_key = record.key.digest().expect("a key");
    refused(&contest.send(&attempt, &record, &details), 422, "E_SCORE_KEY");
    // Of another tree of files.
    let mut record = honest.clone();
    record.skill.tree = contest.head.tree();
    refused(&contest.send(&attempt, &record, &details), 422, "E_ATTEMPT_OTHER");
    // Verified by its own publisher.
    let mut record = honest.clone();
    record.provenance.trust = Trust::Verified;
    refused(&contest.send(&attempt, &record, &details), 422, "E_RECORD");
    // A record that the release does not name.
    let mut form = contest.form(&attempt, &honest, &details);
    let mut record = honest;
    record.provenance.who = "somebody".to_owned();
    form.parts[3].1 = record.to_bytes().expect("a record");
    refused(&mallory.send(&form), 422, "E_MISMATCH");
    contest.is_unchanged();
}

#[test]
fn an_attempt_is_signed_by_a_publish_key_of_the_scope() {
    let contest = Contest::begin();
    let mallory = &contest.mallory;
    let stranger = SecretKey::from_seed(&[9; 32]);
    let said = mallory.attempt(Some(&contest.head), &contest.cases);
    refused(&mallory.log(&mallory.sign(&said, &contest.next, Some(&stranger))), 403, "E_KEY_UNKNOWN");
    let mut foreign = said.clone();
    foreign.runner = stranger.keyid();
    refused(&mallory.log(&mallory.sign(&foreign, &contest.next, None)), 403, "E_KEY_UNKNOWN");
    let mut elsewhere = said;
    elsewhere.origin = "other.example/log".to_owned();
    refused(&mallory.log(&mallory.sign(&elsewhere, &contest.next, None)), 422, "E_ORIGIN");
}

#[test]
fn each_failed_attempt_counts_and_so_does_one_that_was_given_up() {
    let contest = Contest::begin();
    let mallory = &contest.mallory;
    assert_eq!(contest.attempt().failed, 0);
    // Given up: nothing was ever said of it.
    let attempt = contest.attempt();
    assert_eq!(attempt.failed, 1);
    // Ended with a reject.
    let said = mallory.attempt(Some(&contest.head), &contest.cases);
    let (record, details) = contest.record(&attempt, third);
    let wrong = mallory.result(&said, &contest.next, skill_schema::Digest([3; 32]), (&record, &details));
    refused(&mallory.send(&wrong), 422, "E_NO_ATTEMPT");
    let form = mallory.result(&said, &contest.next, attempt.attempt, (&record, &details));
    let answer = mallory.send(&form);
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(mallory.send(&form).status, 201, "the same again");
    let again = contest.attempt();
    assert_eq!(again.failed, 2);
    // With three failures before it the level is 0.05/8, and what would have been enough at first is not.
    let (record, details) = contest.record(&again, better);
    let verdict = record.verdict.clone();
    assert_eq!(verdict["terms"]["failed"], 2);
    // An accept cannot be hidden as a result.
    let form = mallory.result(&said, &contest.next, again.attempt, (&record, &details));
    refused(&mallory.send(&form), 422, "E_ATTEMPT_OTHER");
    contest.is_unchanged();
}

#[test]
fn a_suite_that_is_not_what_is_stated_is_refused() {
    let contest = Contest::begin();
    let mut cases = Cases::new("third");
    cases.digests.holdout = cases.digests.train;
    refused(&contest.mallory.publish_suite(&cases, "third"), 422, "E_SUITE_DIGEST");
    let cases = Cases::new("other");
    refused(&contest.mallory.publish_suite(&cases, "notes"), 409, "E_VERSION_EXISTS");
}
