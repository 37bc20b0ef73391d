//! A registry that a command asks: who it is, its log, and the word of its operator.

use std::rc::Rc;

use skill_schema::{Fault, codes, time::Timestamp};
use tokio::sync::{Mutex, OnceCell};

use super::chain::{self, Asked, OperatorChain};
use crate::{
    api::Api,
    config::Registry,
    context::Context,
    first_contact,
    log::{Log, check_fresh},
};

/// A registry with a pinned key.
#[derive(Debug)]
pub struct Source {
    /// Its configuration.
    pub registry: Registry,
    /// The name of its log.
    pub origin: String,
    /// Its log.
    pub log: Log,
    pub(super) api: Option<Api>,
    greeted: OnceCell<()>,
    operator: Mutex<Option<Rc<OperatorChain>>>,
}

impl Source {
    pub(super) fn new(registry: Registry, origin: String, log: Log, api: Option<Api>) -> Self {
        Self { registry, origin, log, api, greeted: OnceCell::new(), operator: Mutex::default() }
    }

    /// The client; a fault with `--offline`.
    ///
    /// # Errors
    /// [`codes::OFFLINE`].
    pub fn api(&self) -> Result<&Api, Fault> {
        self.api.as_ref().ok_or_else(|| Fault::new(codes::OFFLINE).at(self.registry.label()))
    }

    /// Compares the pinned key with the one that the registry shows, and its log with what was seen of it before, once.
    pub(super) async fn greet(&self) -> anyhow::Result<()> {
        let Some(api) = &self.api else { return Ok(()) };
        let greeting = async || {
            greet(api, &self.registry).await?;
            self.log.refresh(api).await
        };
        self.greeted.get_or_try_init(greeting).await.copied()
    }

    /// The operator's chain, verified; with a network it must show that the log is alive.
    ///
    /// # Errors
    /// As [`super::Catalogue::reachable`]; [`codes::STALE`].
    pub async fn operator(&self, context: &Context) -> anyhow::Result<Rc<OperatorChain>> {
        self.operator_chain(context, false).await
    }

    /// The operator's chain; `anew` fetches it again.
    pub(super) async fn operator_chain(&self, context: &Context, anew: bool) -> anyhow::Result<Rc<OperatorChain>> {
        let mut known = self.operator.lock().await;
        if let Some(operator) = known.as_ref().filter(|_| !anew) {
            return Ok(Rc::clone(operator));
        }
        self.greet().await?;
        let asked = Asked { context, log: &self.log, api: self.api.as_ref() };
        let operator = chain::load_operator(asked).await?;
        if self.api.is_some() {
            let promised = operator.chain.root().map_or(0, |root| root.freshness.hours);
            let hours = context.config.number("network.max-age-hours").unwrap_or(promised);
            check_fresh(&self.origin, self.as_of(&operator), hours, context.clock.now())?;
        }
        Ok(Rc::clone(known.insert(Rc::new(operator))))
    }

    /// The latest moment at which the log is known to have been alive.
    pub fn as_of(&self, operator: &OperatorChain) -> Option<Timestamp> {
        operator.chain.latest().max(self.log.witnessed().map(Timestamp::from_unix))
    }
}

/// Asks a registry who it is, and compares that with the pinned key.
async fn greet(api: &Api, registry: &Registry) -> anyhow::Result<()> {
    let pinned = registry.key.as_deref().ok_or_else(|| Fault::new(codes::REGISTRY_UNTRUSTED).at(registry.label()))?;
    let shown = api.well_known().await?;
    first_contact::check_key(&registry.url, pinned, &shown)?;
    Ok(first_contact::check_client(&shown)?)
}
