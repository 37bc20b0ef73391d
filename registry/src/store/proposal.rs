//! Proposals: changes that somebody offers to the owners of a skill.

use skill_schema::{
    Digest, Fault, SkillId,
    api::proposal::{MAX_OPEN, MAX_OPEN_OF_SKILL, PAGE, Query, Request, Response, State},
    codes,
};
use sqlx::{Any, FromRow, Transaction};

use super::{Store, bigint, count, stored};
use crate::{clock, error::Error};

/// A proposal that passed every check but those that need the transaction. Its archive is kept.
#[derive(Debug, Clone)]
pub struct NewProposal {
    /// The skill.
    pub skill: SkillId,
    /// The user whose token made it.
    pub author: String,
    /// What they said.
    pub request: Request,
    /// Tree digest of its files.
    pub tree: Digest,
    /// SHA-256 of its .tar.gz.
    pub archive: Digest,
    /// Bytes of its .tar.gz.
    pub size: u64,
}

#[derive(FromRow)]
struct Row {
    number: i64,
    skill: String,
    author: String,
    source: String,
    title: String,
    message: String,
    base_version: String,
    base_tree: String,
    version: String,
    tree: String,
    archive: String,
    size: i64,
    state: String,
    note: Option<String>,
    closed_by: Option<String>,
    created_at: i64,
    closed_at: Option<i64>,
}

impl Row {
    fn response(self) -> Result<Response, Error> {
        let state = State::parse(&self.state);
        Ok(Response {
            number: count(self.number),
            skill: stored("proposals.skill", &self.skill)?,
            author: self.author,
            source: stored("proposals.source", &self.source)?,
            title: self.title,
            message: self.message,
            base: stored("proposals.base_version", &self.base_version)?,
            base_tree: stored("proposals.base_tree", &self.base_tree)?,
            version: stored("proposals.version", &self.version)?,
            tree: stored("proposals.tree", &self.tree)?,
            archive: stored("proposals.archive", &self.archive)?,
            size: count(self.size),
            state: state.ok_or_else(|| Error::Damaged(format!("proposals.state: {:?}", self.state)))?,
            note: self.note,
            closed_by: self.closed_by,
            created: clock::timestamp(self.created_at),
            closed: self.closed_at.map(clock::timestamp),
        })
    }
}

impl Store {
    /// Adds a proposal. The same from the same person, still open, is answered with what there is and `false`. Fails with
    /// `E_PROPOSALS_FULL`.
    pub async fn propose(&self, new: &NewProposal, now: i64) -> Result<(Response, bool), Error> {
        let mut tx = self.begin().await?;
        // First, so that two at once take turns and neither passes a limit that only both together reach.
        let number: i64 =
            sqlx::query_scalar("update counters set value = value + 1 where name = 'proposal' returning value")
                .fetch_one(&mut *tx)
                .await?;
        if let Some(before) = same(&mut tx, new).await? {
            return Ok((before, false));
        }
        check_room(&mut tx, new).await?;
        insert(&mut tx, number, new, now).await?;
        tx.commit().await?;
        let found = self.proposal(count(number)).await?;
        let missing = || Error::Damaged(format!("proposal {number} is missing"));
        Ok((found.ok_or_else(missing)?, true))
    }

    /// A proposal by its number.
    pub async fn proposal(&self, number: u64) -> Result<Option<Response>, Error> {
        let row: Option<Row> = sqlx::query_as("select * from proposals where number = $1")
            .bind(bigint(number))
            .fetch_optional(&self.read)
            .await?;
        row.map(Row::response).transpose()
    }

    /// Proposals to a skill, or to all, newest first; at most [`PAGE`].
    pub async fn proposals(&self, skill: Option<&SkillId>, query: &Query) -> Result<Vec<Response>, Error> {
        let rows: Vec<Row> = sqlx::query_as(
            "select * from proposals where skill = coalesce($1, skill) and state = coalesce($2, state) \
             and author = coalesce($3, author) and number < $4 order by number desc limit $5",
        )
        .bind(skill.map(ToString::to_string))
        .bind(query.state.map(State::as_str))
        .bind(query.author.as_deref())
        .bind(bigint(query.before.unwrap_or(u64::MAX)))
        .bind(bigint(PAGE))
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(Row::response).collect()
    }

    /// Ends an open proposal. Ending it again in the same way changes nothing. Fails with `E_PROPOSAL_CLOSED`, `E_NOT_FOUND`.
    pub async fn close_proposal(
        &self,
        number: u64,
        state: State,
        by: &str,
        note: &str,
        now: i64,
    ) -> Result<Response, Error> {
        sqlx::query(
            "update proposals set state = $1, closed_by = $2, note = $3, closed_at = $4 \
             where number = $5 and state = 'open'",
        )
        .bind(state.as_str())
        .bind(by)
        .bind(Some(note).filter(|note| !note.is_empty()))
        .bind(now)
        .bind(bigint(number))
        .execute(&self.write)
        .await?;
        let place = || number.to_string();
        let after = self.proposal(number).await?.ok_or_else(|| Fault::new(codes::NOT_FOUND).at(place()))?;
        if after.state == state {
            return Ok(after);
        }
        Err(Fault::new(codes::PROPOSAL_CLOSED).at(place()).detail(format!("it is {}", after.state.as_str())).into())
    }

    /// Whether an open proposal has this archive.
    pub async fn is_proposed(&self, archive: &Digest) -> Result<bool, Error> {
        let found: i64 = sqlx::query_scalar("select count(*) from proposals where archive = $1 and state = 'open'")
            .bind(archive.to_string())
            .fetch_one(&self.read)
            .await?;
        Ok(found > 0)
    }
}

/// The same proposal, if it is still open.
async fn same(tx: &mut Transaction<'static, Any>, new: &NewProposal) -> Result<Option<Response>, Error> {
    let row: Option<Row> = sqlx::query_as(
        "select * from proposals where author = $1 and state = 'open' and skill = $2 and tree = $3 limit 1",
    )
    .bind(&new.author)
    .bind(new.skill.to_string())
    .bind(new.tree.to_string())
    .fetch_optional(&mut **tx)
    .await?;
    row.map(Row::response).transpose()
}

async fn check_room(tx: &mut Transaction<'static, Any>, new: &NewProposal) -> Result<(), Error> {
    let all: i64 = sqlx::query_scalar("select count(*) from proposals where author = $1 and state = 'open'")
        .bind(&new.author)
        .fetch_one(&mut **tx)
        .await?;
    let here: i64 =
        sqlx::query_scalar("select count(*) from proposals where author = $1 and state = 'open' and skill = $2")
            .bind(&new.author)
            .bind(new.skill.to_string())
            .fetch_one(&mut **tx)
            .await?;
    let full = |n, what: &str| Err(Fault::new(codes::PROPOSALS_FULL).detail(format!("{n} {what}")).into());
    if count(here) >= MAX_OPEN_OF_SKILL {
        return full(here, &format!("to {}", new.skill));
    }
    if count(all) >= MAX_OPEN {
        return full(all, "in all");
    }
    Ok(())
}

async fn insert(tx: &mut Transaction<'static, Any>, number: i64, new: &NewProposal, now: i64) -> Result<(), Error> {
    let Request { title, message, source, base, base_tree, version } = &new.request;
    sqlx::query(
        "insert into proposals (number, skill, author, source, title, message, base_version, base_tree, version, tree, \
         archive, size, state, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'open', $13)",
    )
    .bind(number)
    .bind(new.skill.to_string())
    .bind(&new.author)
    .bind(source.to_string())
    .bind(title)
    .bind(message)
    .bind(base.to_string())
    .bind(base_tree.to_string())
    .bind(version.to_string())
    .bind(new.tree.to_string())
    .bind(new.archive.to_string())
    .bind(bigint(new.size))
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, USER};
    use super::*;

    fn new(tree: u8) -> NewProposal {
        NewProposal {
            skill: "acme/notes".parse().unwrap(),
            author: USER.to_owned(),
            request: Request {
                title: "Shorter".to_owned(),
                message: String::new(),
                source: "alice/notes".parse().unwrap(),
                base: "1.0.0".parse().unwrap(),
                base_tree: Digest::ZERO,
                version: "1.0.1".parse().unwrap(),
            },
            tree: Digest([tree; 32]),
            archive: Digest([tree; 32]),
            size: 100,
        }
    }

    #[tokio::test]
    async fn a_proposal_is_open_until_it_is_ended_once() {
        for db in fixture::all().await {
            db.scope("acme").await;
            db.release("acme/notes", "1.0.0").await.unwrap();
            let (first, is_new) = db.store.propose(&new(1), 7).await.unwrap();
            assert_eq!((first.number, first.state, is_new), (1, State::Open, true), "{}", db.name);
            let (again, is_new) = db.store.propose(&new(1), 8).await.unwrap();
            assert_eq!((again, is_new), (first, false));
            assert!(db.store.is_proposed(&Digest([1; 32])).await.unwrap());
            let end = async |state, note| db.store.close_proposal(1, state, USER, note, 9).await;
            let rejected = end(State::Rejected, "no").await.unwrap();
            assert_eq!((rejected.state, rejected.note.as_deref()), (State::Rejected, Some("no")));
            assert_eq!(end(State::Rejected, "never").await.unwrap(), rejected);
            assert_eq!(end(State::Accepted, "").await.unwrap_err().code(), codes::PROPOSAL_CLOSED);
            assert!(!db.store.is_proposed(&Digest([1; 32])).await.unwrap());
            let none = db.store.close_proposal(2, State::Rejected, USER, "", 9).await;
            assert_eq!(none.unwrap_err().code(), codes::NOT_FOUND);
            assert_eq!(db.store.propose(&new(1), 10).await.unwrap().0.number, 2, "no number is given twice");
        }
    }

    #[tokio::test]
    async fn so_many_proposals_of_one_person_may_wait() {
        for db in fixture::all().await {
            db.scope("acme").await;
            db.release("acme/notes", "1.0.0").await.unwrap();
            for n in 1..=MAX_OPEN_OF_SKILL {
                db.store.propose(&new(u8::try_from(n).unwrap()), 1).await.unwrap();
            }
            let full = db.store.propose(&new(99), 1).await.unwrap_err();
            assert_eq!(full.code(), codes::PROPOSALS_FULL, "{}", db.name);
            db.store.close_proposal(1, State::Withdrawn, USER, "", 2).await.unwrap();
            db.store.propose(&new(99), 3).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_list_is_narrowed_and_has_the_newest_first() {
        for db in fixture::all().await {
            db.scope("acme").await;
            db.release("acme/notes", "1.0.0").await.unwrap();
            for tree in 1..=3 {
                db.store.propose(&new(tree), 1).await.unwrap();
            }
            db.store.close_proposal(2, State::Rejected, USER, "", 2).await.unwrap();
            let numbers = async |skill: Option<&str>, query: Query| {
                let skill = skill.map(|text| text.parse().unwrap());
                let found = db.store.proposals(skill.as_ref(), &query).await.unwrap();
                found.into_iter().map(|proposal| proposal.number).collect::<Vec<_>>()
            };
            assert_eq!(numbers(None, Query::default()).await, [3, 2, 1], "{}", db.name);
            let open = Query { state: Some(State::Open), ..Query::default() };
            assert_eq!(numbers(Some("acme/notes"), open).await, [3, 1]);
            assert_eq!(numbers(None, Query { before: Some(3), ..Query::default() }).await, [2, 1]);
            assert!(numbers(Some("acme/other"), Query::default()).await.is_empty());
            assert!(numbers(None, Query { author: Some("eve".to_owned()), ..Query::default() }).await.is_empty());
        }
    }
}
