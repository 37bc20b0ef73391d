//! Rules about what stands inside the files of a package, and about its manifest.
use super::codes;

codes! {
    HIDDEN_CHAR = "E_HIDDEN_CHAR", Failed, 422, "a text file contains hidden or bidirectional characters",
        "remove the invisible characters; skill check names line and column",
        "Invisible, tag and direction-changing Unicode characters let a text say one thing to a person and another to a model.";
    TEXT_CONTROL = "E_TEXT_CONTROL", Failed, 422, "a text file contains control characters",
        "keep to printable characters, tabs and line feeds (CR LF line ends must be LF)",
        "Control characters other than TAB and LF can hide or rewrite text in a terminal.";
    BYTECODE = "E_BYTECODE", Failed, 422, "the package contains compiled bytecode", "ship the source instead",
        "Bytecode (`.pyc`, `.class`, WebAssembly) cannot be reviewed.";
    EXECUTABLE = "E_EXECUTABLE", Failed, 422, "the package contains a native executable", "ship the source or a script instead",
        "Native programs and libraries (ELF, PE, Mach-O) cannot be reviewed and run on one system only.";
    NESTED_ARCHIVE = "E_NESTED_ARCHIVE", Failed, 422, "the package contains an archive", "put the files themselves into the skill folder",
        "An archive inside the package hides its contents from every check. Office and OpenDocument files, which are archives too, are allowed as assets.";
    LINE_LENGTH = "E_LINE_LENGTH", Failed, 422, "a text file has a line over 64 KiB", "break the line",
        "Nobody reviews a line of 64 KiB.";
    BLANK_RUN = "E_BLANK_RUN", Failed, 422, "a text file has 200 or more blank lines in a row", "remove the blank lines",
        "A long run of blank lines moves what follows out of a reviewer's sight.";
    NESTED_SKILL = "E_NESTED_SKILL", Failed, 422, "there is a second SKILL.md deeper in the package", "publish it as a skill of its own",
        "Agents that search folders would find two skills where one was installed.";
    AGENT_FILE = "E_AGENT_FILE", Failed, 422, "the package contains a file that agents obey outside of the skill", "move its contents into SKILL.md or a reference",
        "`CLAUDE.md`, `AGENTS.md`, `GEMINI.md`, `SOUL.md` and `MEMORY.md` are read by agents as instructions for the whole project.";
    MANIFEST = "E_MANIFEST", Failed, 422, "skill.toml is not valid", "skill check names the place; docs/manifest.md describes every key",
        "`skill.toml` beside SKILL.md says what a package manager needs: name, version, licence, dependencies.";
    NO_MANIFEST = "E_NO_MANIFEST", Failed, 422, "there is no skill.toml", "write one with skill init",
        "Publishing needs a name and a version, which the Agent Skills specification leaves to the package manager: they stand in `skill.toml` beside SKILL.md.";
    LINT = "E_LINT", Failed, 422, "the skill does not follow the Agent Skills specification", "skill check shows each finding with its place",
        "Strict validation (at publish) refuses what would make agents disagree about the skill. Each finding has a rule id of the form `area.rule`.";
    MISMATCH = "E_MISMATCH", Failed, 422, "the package contradicts its statement or manifest", "publish again from a clean folder",
        "Name, version, licence, digests and sizes in the signed statement must be those of the archive.";
}
