//! Forks: merging what upstream changed, and sending changes back.
use super::codes;

codes! {
    NOT_FORK = "E_NOT_FORK", Usage, 400, "the skill is not a fork", "skill fork SCOPE/NAME makes one",
        "The folder's skill.toml has no `[fork] of`, so it is not known which skill it comes from.";
    CONFLICTS = "E_CONFLICTS", Conflict, 409, "both sides changed the same lines", "edit the named files: keep what is right and remove the lines with <<<<<<<, ======= and >>>>>>>",
        "What only one side changed was merged. Where both changed the same lines, or one removed what the other changed, a person decides; the files are marked as git marks them.";
    UNMERGED = "E_UNMERGED", Conflict, 409, "the folder has conflicts that are not resolved", "edit the named file and remove the lines with <<<<<<<, ======= and >>>>>>>",
        "A line of an earlier merge marks a conflict. With it nothing is merged again and nothing is sent to anybody.";
    IN_THE_WAY = "E_IN_THE_WAY", Conflict, 409, "upstream has a file where the folder has something that is not part of the skill", "move it away and run the command again",
        "Files that are hidden or ignored are not packed, so a merge neither reads nor replaces them.";
    NOTHING_CHANGED = "E_NOTHING_CHANGED", Conflict, 409, "there is nothing to propose", "change something first; skill diff shows what differs",
        "But for its name and version, the folder has the files of upstream's latest version.";
    PROPOSAL_CLOSED = "E_PROPOSAL_CLOSED", Conflict, 409, "the proposal is not open any more", "skill proposal show NUMBER says what became of it",
        "A proposal is accepted, rejected or withdrawn once, and stays so.";
    PROPOSALS_FULL = "E_PROPOSALS_FULL", Conflict, 409, "you have too many open proposals", "withdraw one with skill proposal withdraw NUMBER, or wait for an answer",
        "So many proposals of one person may wait for an answer, to one skill and in all: somebody has to read them.";
    NOT_AUTHOR = "E_NOT_AUTHOR", Auth, 403, "the proposal is somebody else's", "only its author withdraws a proposal; owners reject it",
        "A proposal is withdrawn by whoever made it, and accepted or rejected by an owner of the skill's scope.";
}
