-- Forks, and changes that people propose to the owners of a skill.

-- Which versions name a version of a skill as their parent: what stands before the `@` once the characters of a version are taken
-- from the end. registry/src/store/lineage.rs asks with the same expression.
create index versions_by_parent on versions ((rtrim(rtrim(parent,
    '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-'), '@')));

-- Numbers that were given; the row is locked until the transaction that takes the next one ends.
create table counters (
    name  text primary key,
    value bigint not null
);
insert into counters (name, value)
values ('proposal', 0);

-- Changes that somebody offers; the archive of an open one is a file in `proposals/`.
create table proposals (
    number       bigint primary key check (number > 0),
    skill        text not null references skills (id),
    author       text not null references users (name),
    source       text not null, -- the fork that it comes from
    title        text not null,
    message      text not null,
    base_version text not null, -- what it improves
    base_tree    text not null,
    version      text not null, -- what it would be published as
    tree         text not null,
    archive      text not null,
    size         bigint not null,
    state        text not null,
    note         text,
    closed_by    text,
    created_at   bigint not null,
    closed_at    bigint
);
create index proposals_by_skill on proposals (skill, number);
create index proposals_by_author on proposals (author, state);
create index proposals_by_archive on proposals (archive, state);
