//! Names, versions and specifiers.
use super::codes;

codes! {
    NAME = "E_NAME", Usage, 400, "not a valid skill name",
        "write scope/name with lower-case letters, digits and single inner hyphens, for example acme/pdf-forms",
        "A skill is called `scope/name`. Each part has 1 to 64 characters (a scope at most 39) of `a-z`, `0-9` and single inner hyphens: the Agent Skills rule, so that the folder, the frontmatter and the registry agree on every file system.";
    NAME_RESERVED = "E_NAME_RESERVED", Usage, 422, "this name is reserved",
        "choose another name",
        "Names that are devices on Windows (`con`, `nul`, `com1`…) cannot be folders there, and some scopes (`api`, `index`, `blob`…) are addresses of the registry itself.";
    NAME_TAKEN = "E_NAME_TAKEN", Conflict, 409, "another name looks the same as this one",
        "choose a name that cannot be mistaken for the existing one",
        "Names are unique after folding what people confuse: `-` and `_`, `0` and `o`, `1`, `l` and `i`. This keeps somebody from publishing `c0deguard` beside `codeguard`.";
    VERSION = "E_VERSION", Usage, 400, "not a valid version",
        "write MAJOR.MINOR.PATCH, for example 1.4.0, with an optional -pre.release and without +build",
        "Versions follow Semantic Versioning 2.0.0 with three numbers, without a leading `v` and without build metadata, since two versions that differ only in build metadata could not be ordered.";
    REQUIREMENT = "E_REQUIREMENT", Usage, 400, "not a valid version requirement",
        "write a range such as ^1.4, ~1.4.2, =1.4.0 or >=1.2, <2",
        "Requirements use cargo's syntax: a bare `1.4` means `^1.4`.";
    SPEC = "E_SPEC", Usage, 400, "cannot understand this skill specifier",
        "write [registry:]scope/name[@version], for example cisco/codeguard@^1.4",
        "A specifier names a skill and, after `@`, which version: an exact version, a range, `latest`, `best`, or `sha256:` and a tree digest.";
}
