-- Sealed suites, candidates that wait for a verifier, and what verifiers said of them.

alter table suites add column sealed bigint not null default 0; -- 1 while the registry keeps the whole suite for verifiers

create table jobs (
    attempt       text primary key references attempts (stmt),
    candidate     text not null, -- SHA-256 of the archive, which nobody gets before it is published
    nonce         text not null,
    maintenance   bigint not null, -- 1 if it claims no better score
    strict        bigint not null, -- 1 if the stricter test is asked for
    state         text not null, -- queued, leased, done, failed
    tries         bigint not null,
    lease         text unique,
    lease_user    text,
    lease_key     text, -- ed25519:…
    lease_until   bigint,
    score_key     text, -- the conditions of the verifier, once they are known
    model         text,
    weights       text,
    recorded_sum  bigint not null default 0,
    recorded_runs bigint not null default 0,
    created_at    bigint not null
);
create index jobs_by_state on jobs (state, created_at);

create table verifications (
    stmt       text primary key, -- SHA-256 of the envelope
    leaf       bigint not null unique references events (leaf),
    attempt    text not null references jobs (attempt),
    kind       text not null, -- result, refute
    key        text not null, -- ed25519:…
    user_name  text not null references users (name),
    record     text not null, -- a blob
    created_at bigint not null
);
create index verifications_by_attempt on verifications (attempt, leaf);
