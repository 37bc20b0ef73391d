//! What the client finds out by itself.
use super::codes;

codes! {
    NETWORK = "E_NETWORK", Unavailable, 502, "cannot reach the registry", "check the address and the network; skill registry ping tests both",
        "No connection could be made, or it broke and did not come back.";
    OFFLINE = "E_OFFLINE", Unavailable, 502, "this needs the network, and --offline was given", "run it again without --offline",
        "With `--offline` the client uses only what is in its store and cache.";
    REDIRECT = "E_REDIRECT", Integrity, 502, "the registry redirects to another host or to plain http", "tell the registry's operator",
        "A redirect away from the registry's own host, or from https to http, could send a token to somebody else.";
    RESPONSE = "E_RESPONSE", Unavailable, 502, "the registry's answer cannot be understood", "check that the address is a skill registry, and that the client is up to date",
        "What came back is not in the format of the skill registry protocol.";
    SCOPE_UNMAPPED = "E_SCOPE_UNMAPPED", NotFound, 404, "no registry is configured for this scope; nothing was searched",
        "name one with skill registry add NAME URL --default, or map the scope under [scopes] in config.toml",
        "Each scope belongs to exactly one registry, so that a private name can never be answered by a public registry.";
    REGISTRY_UNKNOWN = "E_REGISTRY_UNKNOWN", NotFound, 404, "no registry of this name is configured", "skill registry ls shows the configured ones",
        "A registry is named in config.toml with its address and its key.";
    REGISTRY_KEY = "E_REGISTRY_KEY", Integrity, 403, "the registry's key is not the one that was pinned", "compare with the operator before trusting the new key",
        "On first contact the client keeps the registry's key. A different key later means a different registry, or somebody in between.";
    REGISTRY_UNTRUSTED = "E_REGISTRY_UNTRUSTED", Auth, 403, "the registry's key is not known yet", "skill registry add NAME URL pins it: with --key VKEY from its operator, or --trust-on-first-use",
        "First contact needs a decision: pin the key that the operator published, or accept the one that the registry shows.";
    CONFIG = "E_CONFIG", Usage, 400, "the configuration is not valid", "skill config path shows the files, skill config list --all the keys",
        "Configuration files are TOML; unknown keys are refused, so that a misspelt key is not silently ignored.";
    PROJECT = "E_PROJECT", Failed, 400, "skills.toml is not valid", "fix the named line",
        "`skills.toml` lists the skills that a project wants, with version ranges.";
    NO_PROJECT = "E_NO_PROJECT", NotFound, 404, "there is no skills.toml here or above", "name a skill to install, or make a project with skill init",
        "Commands that work on a project look for `skills.toml` in the current folder and its parents.";
    LOCK_FILE = "E_LOCK_FILE", Conflict, 409, "skills.lock cannot be used", "resolve the conflict or restore it from version control; skill update writes a new one",
        "A lock file that cannot be read exactly fails closed: guessing could install something else.";
    LOCK_OUTDATED = "E_LOCK_OUTDATED", Conflict, 409, "skills.lock does not match", "run the command without --locked to update it",
        "With `--locked` and `--frozen` nothing may differ from the lock file: a requirement it does not satisfy, a digest that changed, or a missing entry ends the command.";
    LOCK_MISSING = "E_LOCK_MISSING", Conflict, 409, "there is no skills.lock", "run skill install once without --locked",
        "`--locked` and `--frozen` need a lock file.";
    NO_SOLUTION = "E_NO_SOLUTION", Conflict, 409, "no set of versions satisfies all requirements", "loosen one of the requirements",
        "The resolver proved that the version ranges contradict each other; the message says how.";
    NO_VERSION = "E_NO_VERSION", NotFound, 404, "no version matches", "skill info NAME --versions shows what there is",
        "The skill exists, but none of its versions satisfies the requirement.";
    FOREIGN_FOLDER = "E_FOREIGN_FOLDER", Conflict, 409, "the folder exists and was not installed by skill", "move it away, or pass --force to replace it (a copy is kept)",
        "A folder that somebody else made is never overwritten.";
    MODIFIED = "E_MODIFIED", Conflict, 409, "the installed skill was changed", "keep your changes with skill fork or cp, or pass --force to replace it (a copy is kept)",
        "An installed copy that was edited would lose the edits.";
    NAME_CLASH = "E_NAME_CLASH", Conflict, 409, "two skills of the same name would share one folder", "pass --replace to swap them",
        "Agents know a skill by its folder's name, so `a/notes` and `b/notes` cannot both be installed for the same agent.";
    AGENT_UNKNOWN = "E_AGENT_UNKNOWN", Usage, 400, "no agent of this name is known", "skill config list --agents shows the known ones; add yours in config.toml under [agents]",
        "The table of agents and their folders is data, and can be extended in the configuration.";
    NOT_INSTALLED = "E_NOT_INSTALLED", NotFound, 404, "the skill is not installed", "skill list shows what is installed",
        "Nothing of that name is in skills.toml or skills.lock.";
    YANKED = "E_YANKED", Policy, 410, "the version was yanked", "choose another version; skill info shows why it was yanked",
        "A yanked version is no longer chosen; only a lock file that already names it may still install it.";
    QUARANTINED = "E_QUARANTINED", Policy, 451, "the version is quarantined or removed by the registry's operator", "choose another version",
        "The operator withdrew the version, for example because it is malicious.";
    VERIFY_FAILED = "E_VERIFY_FAILED", Integrity, 422, "installed skills differ from what was locked", "skill sync restores them; copies that were changed need --force, and are kept",
        "`skill verify` recomputes the tree digest of each installed folder and compares it with the lock file and the publisher's signature.";
    DRIFT = "E_DRIFT", Conflict, 409, "the agents' folders do not match skills.lock", "skill sync makes them match",
        "With `--check`, a difference is an error.";
    NEEDS_INPUT = "E_NEEDS_INPUT", Usage, 400, "an answer is needed and there is no terminal to ask", "pass the flag that the message names",
        "The client never waits for input that cannot come: without a terminal, with `--no-input` or in CI a question is an error that names the flag which answers it.";
    IO = "E_IO", Failed, 500, "a file could not be read or written", "",
        "The operating system refused; the message names the file.";
    BUSY = "E_BUSY", Unavailable, 409, "another skill command is at work here", "wait for it to finish",
        "Two commands that change the same project take turns; this one waited too long.";
    USAGE = "E_USAGE", Usage, 400, "the command line cannot be used like this", "see the command's --help",
        "Flags or arguments are missing, or contradict each other.";
    OUTDATED = "E_OUTDATED", Gate, 409, "newer versions exist", "skill update moves to them",
        "Only with `outdated --exit-code`.";
    DENIED_WARNINGS = "E_DENIED_WARNINGS", Gate, 422, "there are warnings, and --deny warnings was given", "fix them, or run without --deny warnings",
        "Warnings never block on their own.";
    CODE_UNKNOWN = "E_CODE_UNKNOWN", NotFound, 404, "no such code", "skill explain --list shows all of them",
        "The code is misspelt, or newer than this client.";
    KEY_UNKNOWN_LOCAL = "E_KEY_MISSING", NotFound, 404, "there is no key of this name", "make one with skill key new, or see skill key ls",
        "Signing keys lie in the configuration folder under `keys/NAME.pem`.";
    TOPIC_UNKNOWN = "E_TOPIC_UNKNOWN", Usage, 400, "neither a command nor a topic", "skill help lists the commands and topics",
        "`skill help` knows the commands and the topics exit-codes, environment, specifiers and files.";
    NO_SCHEMA = "E_NO_SCHEMA", NotFound, 404, "there is no JSON Schema of this name", "skill schema lists those that there are",
        "`skill schema` knows the outputs of the commands that programs use most.";
    NO_PATH = "E_NO_PATH", NotFound, 404, "there is nothing at this path", "check the path; it is relative to the current folder, or to the one of -C",
        "A file or folder that was named does not exist.";
    EXISTS = "E_EXISTS", Conflict, 409, "it exists already", "",
        "Nothing is overwritten without being told to.";
    KEY_PINNED = "E_KEY_PINNED", Integrity, 403, "none of the scope's keys is one that you trust for it", "ask its owner for the key id; skill key trust SCOPE KEYID trusts a new one",
        "With `skill key trust` you named the keys that must stand in a scope's chain. None of them does any more: the owners changed all their keys, or the registry made up a chain of its own.";
    NOT_SET = "E_NOT_SET", NotFound, 404, "this key is not set", "skill config list shows what is set",
        "The key exists, but no configuration file and no flag gives it a value.";
    DIRTY = "E_DIRTY", Conflict, 409, "the folder has changes that git has not committed", "commit them, or pass --allow-dirty",
        "What is published should be what stands in the history: otherwise nobody can find the source of a version again.";
    NOT_ENROLLED = "E_NOT_ENROLLED", Auth, 403, "none of your keys is enrolled for this scope with the role that this needs", "skill key ls shows your keys; skill key enroll SCOPE --request FILE asks an owner to enrol one",
        "A signature counts only if its key stands in the scope's chain of statements with the right role. None of the keys in your configuration folder does.";
    CERTIFICATES = "E_CERTIFICATES", Unavailable, 502, "no certificate authority to trust was found", "install your system's ca-certificates, or name a PEM file with SSL_CERT_FILE or network.ca-file",
        "A TLS connection needs to know whom to trust. Small containers often come without the usual list.";
}
