//! The log: notes, checkpoints, proofs, freshness, witnesses.
use super::codes;

codes! {
    NOTE = "E_NOTE", Integrity, 422, "the signed note is malformed", "",
        "A note is a text that ends in a line feed, an empty line, and signature lines `— name base64` (C2SP signed-note).";
    CHECKPOINT = "E_CHECKPOINT", Integrity, 422, "the log's checkpoint does not hold", "the registry's answer cannot be trusted; nothing was installed",
        "A checkpoint is a note with the log's name, its size and its root hash, signed with the key that was pinned at the first contact (C2SP tlog-checkpoint).";
    TILE = "E_TILE", Integrity, 422, "the log's tile is malformed", "try again; if it persists, tell the registry's operator",
        "Tiles hold 1 to 256 hashes of the log's tree, entry bundles as many statements, under a path that says how many (C2SP tlog-tiles).";
    PROOF = "E_PROOF", Integrity, 422, "the proof does not hold", "the registry's answer cannot be trusted; nothing was installed",
        "Whether a statement is in the log, and whether a log of today continues that of yesterday, is proved with hashes (RFC 6962). These hashes do not lead to the signed root.";
    NOT_LOGGED = "E_NOT_LOGGED", Integrity, 422, "the statement is not in the log", "the registry's answer cannot be trusted; nothing was installed",
        "Everything that a registry shows must be in its public log, so that it shows the same to everybody. This statement is not at the place that the registry names.";
    STALE = "E_STALE", Unavailable, 422, "the log is older than its registry promises", "try again later; network.max-age-hours allows more",
        "A registry adds a signed statement to its log at least once a day. A log without a recent one was frozen: either nobody runs it any more, or somebody hides what came later.";
    WITNESS = "E_WITNESS", Integrity, 422, "too few witnesses have signed the checkpoint", "try again in a minute; registries.NAME.quorum says how many are needed",
        "A witness signs a log's checkpoint only if it continues all that it signed before. Your configuration asks for a number of such signatures that this checkpoint does not have.";
    EVIDENCE = "E_EVIDENCE", Integrity, 422, "the file proves nothing", "",
        "Evidence of a fork holds two checkpoints that the same key signed and that cannot both be true. This file does not.";
    EXPORT = "E_EXPORT", Integrity, 422, "the exported file is damaged", "export it again with skill bundle export",
        "A file of skill bundle export holds skills, their statements and the proofs that they are in their registry's log. This one is not complete, or not what its statements say.";
    LOG_ROLLBACK = "E_LOG_ROLLBACK", Integrity, 503, "the database is behind what was signed", "restore the database and the data folder of one moment together, not older than the last checkpoint; docs/registry.md",
        "A checkpoint that was signed promises that its statements stay for ever. A database without them, restored from a backup for example, would make the registry contradict itself.";
    DAMAGED = "E_DAMAGED", Integrity, 500, "what is stored is not what was signed", "restore the database and the data folder of one moment together; docs/registry.md says how",
        "skill-registry fsck recomputes from the signed statements everything that a registry stores: rows, tiles, indexes, blobs. This one is not what they lead to. Files of the log are made again by the next start; anything else needs a backup.";
}
