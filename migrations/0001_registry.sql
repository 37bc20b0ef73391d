-- The registry's state: who may do what, the log's events, the skills and their versions.
--
-- One text for SQLite and PostgreSQL. A column is text, bigint or double precision; a time is bigint, UTC microseconds from the
-- server's clock; whether is written as when (null means no); ids are made by the server; JSON is text; bytes live in the blob
-- store. Full-text search differs between the two and is created in registry/src/store/search.rs.

-- What the database belongs to: the log's origin and the keys of the data folder.
create table meta (
    name  text primary key,
    value text not null
);

-- How many leaves the log has, and the root of the tree over them. Every transaction that writes a statement updates this row first,
-- which puts them in one order.
create table log_head (
    id   bigint primary key check (id = 1),
    size bigint not null check (size >= 0),
    root text not null
);
insert into log_head (id, size, root)
values (1, 0, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'); -- of no leaves

-- Every head that was signed or was about to be: the log never goes back behind the last, nor beside any.
create table log_heads (
    size       bigint primary key check (size > 0),
    root       text not null,
    created_at bigint not null
);

-- What was offered at a size of the log; the file is a blob.
create table snapshots (
    size   bigint primary key check (size > 0),
    sha256 text not null
);

create table users (
    name       text primary key,
    created_at bigint not null
);

-- API tokens; the text of a token is never stored, only its SHA-256.
create table tokens (
    id           text primary key,
    user_name    text not null references users (name) on delete cascade,
    hash         text not null unique,
    name         text not null,
    permissions  text not null, -- separated by one space
    pattern      text not null,
    created_at   bigint not null,
    expires_at   bigint not null,
    last_used_at bigint, -- to the hour
    revoked_at   bigint
);
create index tokens_by_user on tokens (user_name, created_at);

-- Scopes; head_seq is 0 while a reserved scope has no statement yet.
create table scopes (
    name       text primary key,
    folded     text not null unique,
    head_seq   bigint not null check (head_seq >= 0),
    head_stmt  text not null,
    created_at bigint not null
);

-- The operator's own chain.
insert into scopes (name, folded, head_seq, head_stmt, created_at)
values ('_operator', '_operator', 0, '0000000000000000000000000000000000000000000000000000000000000000', 0);

create table owners (
    scope      text not null references scopes (name) on delete cascade,
    user_name  text not null references users (name),
    created_at bigint not null,
    primary key (scope, user_name)
);
create index owners_by_user on owners (user_name);

-- One row per statement: the leaves of the log, dense from 0. Never updated, never deleted.
create table events (
    leaf       bigint primary key check (leaf >= 0),
    scope      text not null,
    seq        bigint not null check (seq > 0),
    stmt       text not null unique, -- SHA-256 of the envelope
    leaf_hash  text not null unique, -- of the envelope as a leaf (RFC 6962)
    envelope   text not null,
    kind       text not null,
    subject    text not null,
    created_at bigint not null,
    unique (scope, seq)
);

create table skills (
    id             text primary key, -- scope/name
    number         bigint not null unique, -- leaf of its first release; its row in the search
    scope          text not null references scopes (name),
    name           text not null,
    folded         text not null,
    status         text not null,
    deprecation    text, -- JSON
    latest         text,
    downloads      bigint not null default 0,
    created_at     bigint not null,
    updated_at     bigint not null,
    index_text     text not null, -- the bytes of /index/{scope}/{name}
    index_sha256   text not null,
    index_revision bigint not null, -- counts the changes of index_text
    log            bigint not null, -- last leaf that changed index_text
    unique (scope, folded)
);

create table versions (
    skill         text not null references skills (id),
    version       text not null,
    leaf          bigint not null unique references events (leaf),
    status        text not null, -- as the index has it: the operator's word before the publisher's
    own_status    text not null, -- the publisher's word
    held          text, -- the operator's word: quarantined, gone
    note          text,
    tree          text not null,
    archive       text not null,
    stmt          text not null,
    size          bigint not null,
    unpacked_size bigint not null,
    files         bigint not null,
    dependencies  text not null, -- JSON
    parent        text,
    keyid         text not null,
    publisher     text not null references users (name),
    published_at  bigint not null,
    downloads     bigint not null default 0,
    description   text not null,
    keywords      text not null, -- JSON
    repository    text,
    license       text,
    readme        text not null,
    index_sha256  text not null, -- of the index file that the publish wrote
    primary key (skill, version)
);
create index versions_by_archive on versions (archive);
