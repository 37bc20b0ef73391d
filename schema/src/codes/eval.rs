//! Evals: suites, executors, graders, scores.
use super::codes;

codes! {
    SANDBOX = "E_SANDBOX", Unavailable, 503, "there is no sandbox for this command, so it was not run",
        "run it where user namespaces or Landlock are available, or vouch for the command explicitly",
        "Commands of a skill, a suite or a model are run without access to the suite, the home folder and the network. Where the system offers nothing that enforces this they are not run at all.";
    SANDBOX_FAILED = "E_SANDBOX_FAILED", Unavailable, 503, "the sandbox could not be set up", "the message names what failed",
        "A fault of the machine and not of the command: the run counts as missing, never as failed.";
    SKILL_UNREADABLE = "E_SKILL_UNREADABLE", Failed, 422, "the skill cannot be loaded for a run", "skill check names what is wrong with its SKILL.md",
        "An executor loads a skill as an agent does: SKILL.md needs a readable frontmatter with a description, and files are regular files within the limits.";
    CASSETTE = "E_CASSETTE", Failed, 422, "the recorded runs cannot be used", "record them again",
        "A cassette is a JSON file of executions by case, arm and repeat, in the format that the engine writes.";
    CASE_INPUT = "E_CASE_INPUT", Failed, 422, "an input file of a case cannot be used", "name a regular file in the suite's folder",
        "Input files are named by paths in the folder that holds `evals/`, and are copied for each run. A path that leaves the folder, a link or a special file is refused.";
}
