-- Suites, attempts to beat a head, their records, and what is recorded of whom.

-- What statements outside of every chain are counted under: attempts and results of evals.
insert into scopes (name, folded, head_seq, head_stmt, created_at)
values ('_evals', '_evals', 0, '0000000000000000000000000000000000000000000000000000000000000000', 0);

create table suites (
    digest        text primary key, -- split hash of all cases
    scope         text not null references scopes (name),
    name          text not null,
    version       text not null,
    train         text not null,
    holdout       text not null,
    train_cases   bigint not null,
    holdout_cases bigint not null,
    state         text not null, -- open, commit, reveal, retire
    archive       text not null, -- a blob
    leaf          bigint not null unique references events (leaf),
    publisher     text not null references users (name),
    created_at    bigint not null,
    unique (scope, name, version)
);
create index suites_by_archive on suites (archive);

-- The ledger. What a verdict depends on is decided when the attempt is logged.
create table attempts (
    stmt          text primary key, -- SHA-256 of the envelope
    leaf          bigint not null unique references events (leaf),
    skill         text not null,
    version       text not null,
    tree          text not null,
    parent        text, -- tree of the head; null for no skill
    suite         text not null references suites (digest),
    holdout       text not null,
    score_key     text not null,
    model         text not null,
    weights       text not null,
    lineage       text not null, -- the oldest ancestor, scope/name@version
    runner        text not null,
    publisher     text not null references users (name),
    failed        bigint not null,
    recorded_sum  bigint not null,
    recorded_runs bigint not null,
    verdict       text, -- accept, reject, invalid; null without a result
    record        text,
    delta         bigint, -- per mille
    created_at    bigint not null
);
create index attempts_by_ledger on attempts (holdout, lineage, weights, leaf);
create index attempts_by_skill on attempts (skill, leaf);

-- Records; each is a blob, its transcripts too.
create table records (
    digest      text primary key,
    attempt     text not null references attempts (stmt),
    transcripts text,
    created_at  bigint not null
);
create index records_by_transcripts on records (transcripts);

-- What every record says of each side: sums of scores, per mille. The tree of no skill is empty.
create table scores (
    record    text not null references records (digest),
    arm       text not null, -- base, cand
    tree      text not null,
    score_key text not null,
    suite     text not null,
    sum       bigint not null,
    runs      bigint not null,
    primary key (record, arm)
);
create index scores_by_tree on scores (tree, score_key);

alter table versions add column suite text;
alter table versions add column record text;
alter table versions add column score text; -- JSON, as the index has it
alter table versions add column lineage text not null default '';
