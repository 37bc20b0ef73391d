//! Sealed holdouts, and whoever measures on them.
use super::codes;

codes! {
    SEALED = "E_SEALED", Policy, 422, "the holdout of this suite is sealed", "skill publish asks a verifier to measure; after skill suite reveal everybody can",
        "Nobody but a verifier reads a sealed holdout. So nobody but a verifier measures on it: an attempt is logged together with the candidate, and waits for one.";
    VERIFIER = "E_VERIFIER", Auth, 403, "this key does not verify here", "use a key that the registry's root statement or the scope's policy lists (skill key verifier), of somebody who does not own the skill's scope",
        "A verifier is somebody else than who publishes: its key is listed in the registry's root statement or in the policy of the skill's scope, is no key of that scope, and its user does not own it.";
    LEASE = "E_LEASE", Conflict, 409, "the lease is over", "claim a job again with skill worker; finished runs are kept",
        "A verifier holds a job for a few minutes at a time and says regularly that it is still at work. A lease that was not prolonged ends, and somebody else may claim the job. Only who holds the lease of a job gets its suite and ends it.";
    REDACTED = "E_REDACTED", Integrity, 422, "the record tells of a sealed holdout", "send the record as skill worker writes it",
        "A record of a sealed holdout is public, and the holdout is not. Names of cases, checks, categories and groups, evidence, seeds and transcripts are replaced by what says nothing.";
    JOB_QUEUED = "E_JOB_QUEUED", Unavailable, 503, "no verifier has measured it yet", "run the same command again; it goes on with this attempt",
        "A candidate of a skill with a sealed suite waits until a verifier measures it. The attempt is in the log and counts, whether or not anybody comes back for its result.";
    JOB_FAILED = "E_JOB_FAILED", Invalid, 422, "no verifier could measure it", "skill publish makes a new attempt",
        "Several verifiers took the job and could not end it, or the suite was revealed or retired before one did. Nothing is said about the skill; the attempt counts.";
    AUDIT = "E_AUDIT", Integrity, 422, "a result does not hold", "",
        "After the reveal of a suite anybody can check every result that was measured with it: the committed digests, the cases, the seeds, the scores, the verdict, who signed it, and that the attempt stands in the log after the commitment and before the result.";
}
