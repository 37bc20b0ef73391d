//! What the registry answers.
use super::codes;

codes! {
    BAD_REQUEST = "E_BAD_REQUEST", Usage, 400, "the request cannot be understood", "",
        "A parameter, header or part of the request is missing or malformed.";
    UNAUTHENTICATED = "E_UNAUTHENTICATED", Auth, 401, "sign in first", "skill login --with-token",
        "The request needs an API token, and none was sent.";
    TOKEN_INVALID = "E_TOKEN_INVALID", Auth, 401, "the token is not valid", "make a new token and sign in again with skill login --with-token",
        "The token is malformed, unknown or revoked.";
    TOKEN_EXPIRED = "E_TOKEN_EXPIRED", Auth, 401, "the token has expired", "make a new token and sign in again with skill login --with-token",
        "Tokens expire, by default after 90 days.";
    TOKEN_SCOPE = "E_TOKEN_SCOPE", Auth, 403, "the token does not allow this", "make a token with the permission that the message names",
        "Tokens carry a list of permissions and a package pattern; the request needs one that this token lacks.";
    NOT_OWNER = "E_NOT_OWNER", Auth, 403, "you are not an owner of this scope", "ask an owner to add you: skill owner add SCOPE USER",
        "Publishing and managing skills of a scope is for its owners.";
    LAST_OWNER = "E_LAST_OWNER", Conflict, 409, "a scope cannot lose its last owner", "add another owner first",
        "Without an owner nobody could ever publish to or repair the scope.";
    USER_UNKNOWN = "E_USER_UNKNOWN", NotFound, 404, "no such user", "",
        "The registry has no user of that name.";
    SCOPE_UNKNOWN = "E_SCOPE_UNKNOWN", NotFound, 404, "no such scope", "create it with skill key enroll SCOPE",
        "The registry has no scope of that name.";
    SCOPE_TAKEN = "E_SCOPE_TAKEN", Conflict, 409, "the scope belongs to somebody else", "choose another scope, or ask its owner to add you",
        "Scopes go to whoever enrols the first key; after that, to whom its owners add.";
    SCOPE_CLOSED = "E_SCOPE_CLOSED", Auth, 403, "this registry does not let users create scopes", "ask the registry's operator to create it",
        "The operator of a private registry may keep the creation of scopes to the `skill-registry admin` command.";
    NO_KEY = "E_NO_KEY", Auth, 403, "the scope has no key yet", "enrol one with skill key enroll SCOPE",
        "A release needs a token and a signature: before the first release, a key must be enrolled for the scope.";
    NOT_FOUND = "E_NOT_FOUND", NotFound, 404, "not found", "search for it with skill search",
        "The registry has nothing under this name.";
    VERSION_EXISTS = "E_VERSION_EXISTS", Conflict, 409, "this version is already published with other content", "raise the version with skill version patch; skill diff shows what changed",
        "A published version never changes, so that everybody who installs it gets the same bytes for ever. Not even removal frees a version number.";
    HEAD_MOVED = "E_HEAD_MOVED", Conflict, 412, "a newer version was published in the meantime", "compare with the new version and publish again",
        "The publisher said which version theirs improves, and that is no longer the newest one.";
    STATUS_UNCHANGED = "E_STATUS_UNCHANGED", Conflict, 409, "the version is in that state already", "",
        "Yanking a yanked version, or restoring an active one, changes nothing and would only lengthen the log.";
    RATE_LIMITED = "E_RATE_LIMITED", Unavailable, 429, "too many requests", "wait as long as Retry-After says and try again",
        "Each token and address has a budget of requests.";
    BODY_LIMIT = "E_BODY_LIMIT", Failed, 413, "the request body is too large", "",
        "Every part of a request has a size limit, enforced while it is read.";
    BODY_TIMEOUT = "E_BODY_TIMEOUT", Unavailable, 408, "the request body took too long", "try again on a faster connection",
        "A body must arrive within a deadline, so that slow uploads cannot hold the server's memory.";
    MIN_CLIENT = "E_MIN_CLIENT", Failed, 426, "this registry needs a newer client", "update skill",
        "The registry announces the oldest client that understands its formats.";
    UNAVAILABLE = "E_UNAVAILABLE", Unavailable, 503, "the registry is not available", "try again in a moment",
        "The registry is starting, stopping, or protecting its data after an I/O error.";
    INTERNAL = "E_INTERNAL", Unavailable, 500, "the registry failed", "try again; if it persists, report the request id to the operator",
        "Something went wrong that is not your fault. The request id finds it in the operator's log.";
    METHOD = "E_METHOD", Usage, 405, "this address does not take this method", "",
        "The address exists, and answers other methods; the `Allow` header names them.";
    MEDIA_TYPE = "E_MEDIA_TYPE", Usage, 415, "the request body has the wrong media type", "",
        "Publishing takes `multipart/form-data`; statements and everything else are `application/json`.";
    RANGE = "E_RANGE", Usage, 416, "the requested range is not in the file", "download the file from its beginning",
        "A `Range` must start inside the file.";
    CLOCK = "E_CLOCK", Conflict, 422, "the statement's time is too far from the registry's", "set the clock of this machine and sign again",
        "A statement says when it was signed. A release dated more than 15 minutes from the registry's clock is refused, since its date would be what the index shows. A change of a scope that its owners sign may be a week old, but for its first statement and a recovery.";
    ORIGIN = "E_ORIGIN", Integrity, 422, "the statement is meant for another registry", "check which registry the scope is mapped to, and sign again for that one",
        "Every statement names the log that it is meant for, so that nobody can carry it over to another registry.";
    KEY_MIXED = "E_KEY_MIXED", Conflict, 422, "a key of the scope is a key of the registry", "make another key with skill key new",
        "No key serves two roles.";
    DATA_BUSY = "E_DATA_BUSY", Unavailable, 503, "another server is using this data folder", "stop it first, or choose another folder",
        "Two servers on one folder would write two histories.";
    DATA_FOREIGN = "E_DATA_FOREIGN", Conflict, 409, "the data folder belongs to another registry", "restore the keys and the database of one registry together",
        "The database remembers the name of its log and the keys it was used with: with others, every statement in it would stop to verify.";
    SERVER_CONFIG = "E_SERVER_CONFIG", Usage, 500, "the registry cannot start like this", "docs/registry.md has all settings",
        "A flag, an environment variable or `registry.toml` is not valid. Unknown keys are refused, so that a misspelt one is not silently ignored.";
}
