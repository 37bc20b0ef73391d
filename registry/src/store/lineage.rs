//! Who was forked from whom: by the parents of first versions.

use std::collections::BTreeSet;

use skill_bundle::statement::parse_reference;
use skill_schema::{
    SkillId,
    api::lineage::{MAX_DEPTH, MAX_NODES, Node, Response},
};
use sqlx::FromRow;

use super::{Store, bigint, count, stored};
use crate::{clock, error::Error};

#[derive(FromRow)]
struct NodeRow {
    latest: Option<String>,
    downloads: i64,
    created_at: i64,
    versions: i64,
}

impl Store {
    /// The family of a skill; `None` if there is no such skill. Parents that contradict each other (two skills that name each other)
    /// end the way up and down where they are met again.
    pub async fn lineage(&self, id: &SkillId) -> Result<Option<Response>, Error> {
        let Some((root, fork_of)) = self.root_of(id).await? else { return Ok(None) };
        let mut seen = BTreeSet::from([root.to_string()]);
        let mut level = vec![(root.to_string(), fork_of)];
        let (mut nodes, mut truncated) = (Vec::new(), false);
        for depth in 0..=MAX_DEPTH {
            let mut next = Vec::new();
            for (id, fork_of) in level {
                if nodes.len() == MAX_NODES || depth == MAX_DEPTH {
                    return Ok(Some(Response { root, nodes, truncated: true }));
                }
                let forks = self.forks_of(&id).await?;
                truncated |= forks.len() > MAX_NODES;
                next.extend(forks.into_iter().filter(|(fork, _)| seen.insert(fork.clone())));
                nodes.push(self.node(&id, fork_of).await?);
            }
            level = next.into_iter().map(|(id, parent)| (id, Some(parent))).collect();
        }
        Ok(Some(Response { root, nodes, truncated }))
    }

    /// The oldest ancestor that this registry has, and what that was forked from elsewhere.
    async fn root_of(&self, id: &SkillId) -> Result<Option<(SkillId, Option<String>)>, Error> {
        let Some(mut parent) = self.fork_of(id).await? else { return Ok(None) };
        let (mut at, mut seen) = (id.clone(), BTreeSet::from([id.clone()]));
        while let Some(reference) = &parent {
            let (above, _) = parse_reference(reference)?;
            let Some(next) = self.fork_of(&above).await? else { break };
            if seen.len() > MAX_DEPTH || !seen.insert(above.clone()) {
                break;
            }
            (at, parent) = (above, next);
        }
        Ok(Some((at, parent)))
    }

    /// What the first version of a skill was forked from. The outer `None` if there is no such skill.
    async fn fork_of(&self, id: &SkillId) -> Result<Option<Option<String>>, Error> {
        let parent: Option<Option<String>> = sqlx::query_scalar(
            "select v.parent from skills s join versions v on v.skill = s.id and v.leaf = s.number where s.id = $1",
        )
        .bind(id.to_string())
        .fetch_optional(&self.read)
        .await?;
        let own = format!("{id}@");
        Ok(parent.map(|parent| parent.filter(|parent| !parent.starts_with(&own))))
    }

    /// The skills whose first version was forked from a version of this one, with that version; the oldest first.
    async fn forks_of(&self, id: &str) -> Result<Vec<(String, String)>, Error> {
        Ok(sqlx::query_as(
            "select v.skill, v.parent from versions v join skills s on s.id = v.skill and s.number = v.leaf \
             where rtrim(rtrim(v.parent, \
             '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-'), '@') = $1 \
             and v.skill <> $1 order by v.leaf limit $2",
        )
        .bind(id)
        .bind(bigint(MAX_NODES as u64 + 1))
        .fetch_all(&self.read)
        .await?)
    }

    async fn node(&self, id: &str, fork_of: Option<String>) -> Result<Node, Error> {
        let row: NodeRow = sqlx::query_as(
            "select latest, downloads, created_at, (select count(*) from versions where skill = $1) as versions \
             from skills where id = $1",
        )
        .bind(id)
        .fetch_one(&self.read)
        .await?;
        Ok(Node {
            id: stored("skills.id", id)?,
            fork_of,
            latest: row.latest.map(|text| stored("skills.latest", &text)).transpose()?,
            versions: count(row.versions),
            downloads: count(row.downloads),
            created: clock::timestamp(row.created_at),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, Db};
    use super::*;

    async fn fork(db: &Db, id: &str, version: &str, parent: &str) {
        let mut release = db.new_release(id, version).await;
        release.parent = Some(parent.to_owned());
        db.publish(&release).await.unwrap();
    }

    async fn shown(db: &Db, id: &str) -> Vec<String> {
        let family = db.store.lineage(&id.parse().unwrap()).await.unwrap().unwrap();
        let line = |node: &Node| format!("{} {}", node.id, node.fork_of.as_deref().unwrap_or("-"));
        family.nodes.iter().map(line).collect()
    }

    #[tokio::test]
    async fn a_family_is_the_same_from_each_of_its_members() {
        for db in fixture::all().await {
            for scope in ["acme", "beta", "gamma"] {
                db.scope(scope).await;
            }
            db.release("acme/notes", "1.0.0").await.unwrap();
            // The names of others begin with this one's, or have it in them.
            db.release("acme/notes-1", "1.0.0").await.unwrap();
            fork(&db, "beta/notes", "1.0.0-rc.1", "acme/notes@1.0.0").await;
            fork(&db, "gamma/notes", "2.0.0", "beta/notes@1.0.0-rc.1").await;
            fork(&db, "gamma/more", "1.0.0", "acme/notes@1.0.0").await;
            fork(&db, "gamma/other", "1.0.0", "acme/notes-1@1.0.0").await;
            // An improvement of one's own is no fork, nor is a later version that goes back to another skill.
            fork(&db, "acme/notes", "1.1.0", "acme/notes@1.0.0").await;
            fork(&db, "acme/notes-1", "1.1.0", "gamma/more@1.0.0").await;
            let all = [
                "acme/notes -",
                "beta/notes acme/notes@1.0.0",
                "gamma/more acme/notes@1.0.0",
                "gamma/notes beta/notes@1.0.0-rc.1",
            ];
            for id in ["acme/notes", "beta/notes", "gamma/notes", "gamma/more"] {
                assert_eq!(shown(&db, id).await, all, "{} {id}", db.name);
            }
            assert_eq!(shown(&db, "gamma/other").await.len(), 2);
            assert!(db.store.lineage(&"acme/none".parse().unwrap()).await.unwrap().is_none());
        }
    }

    #[tokio::test]
    async fn parents_that_are_elsewhere_or_go_in_a_circle_end_the_family() {
        for db in fixture::all().await {
            db.scope("acme").await;
            fork(&db, "acme/a", "1.0.0", "far/away@1.0.0").await;
            assert_eq!(shown(&db, "acme/a").await, ["acme/a far/away@1.0.0"], "{}", db.name);
            fork(&db, "acme/b", "1.0.0", "acme/c@1.0.0").await;
            fork(&db, "acme/c", "1.0.0", "acme/b@1.0.0").await;
            let circle = db.store.lineage(&"acme/b".parse().unwrap()).await.unwrap().unwrap();
            assert_eq!(circle.nodes.len(), 2);
        }
    }
}
