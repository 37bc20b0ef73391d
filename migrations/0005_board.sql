-- What is shown beside a score, and which version stands for a skill where skills are ranked.

alter table scores add column cases text; -- JSON: id, group, mean in millionths, of each complete case

alter table records add column tokens bigint; -- of a run of the candidate, on average

alter table versions add column lift text; -- JSON: the gain over no skill with its interval
alter table versions add column tried text; -- what was tried on the way to it, a blob
create index versions_by_tried on versions (tried);

-- The version that `best` names, of every skill whose score can rank. Written with the skill's index.
create table board (
    skill     text primary key references skills (id),
    version   text not null,
    class     bigint not null, -- 0 verified, 1 claimed
    score_key text not null,
    mean      bigint not null, -- per mille
    uplift    bigint, -- per mille
    score     text not null -- JSON, as the index has it
);
create index board_by_uplift on board (class, uplift);
create index board_by_key on board (score_key, class, mean);
