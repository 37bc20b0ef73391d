//! Running the registry: connections with their limits, work in the background, and an orderly end.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::{Router, extract::Request};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::interval,
};
use tower::ServiceExt;

use crate::{
    app,
    auth::Peer,
    blobs::Blobs,
    clock::SharedClock,
    config::Config,
    data,
    error::Error,
    limits::ServerLimits,
    log::{Log, Parts, sequencer::Order, witnesses::Witnesses},
    state::AppState,
    telemetry,
    vault::Vault,
};

/// How often counts are written to the database.
const FLUSH: Duration = Duration::from_secs(5);
/// How often forgotten clients are forgotten by the rate limits.
const FORGET: Duration = Duration::from_mins(1);

/// Runs a registry on a bound listener until `shutdown` ends, then lets requests in flight finish within their deadline.
///
/// Fails with `E_DATA_BUSY` if another server has the data folder, with `E_DATA_FOREIGN` if the folder or the database belongs to another
/// registry, and with what keeps the database or the folder from being opened.
pub async fn serve(
    listener: TcpListener,
    config: Config,
    clock: SharedClock,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    std::fs::create_dir_all(&config.data).map_err(Error::io(&config.data))?;
    let _taken = data::take(&config.data)?;
    let address = listener.local_addr().map_err(Error::io("listener"))?;
    let admin = match config.http.admin_listen {
        Some(address) => Some(TcpListener::bind(address).await.map_err(Error::io(address.to_string()))?),
        None => None,
    };
    let (store, identity) = data::open(&config).await?;
    let blobs = Blobs::open(&config.data, config.limits.blob_cache)?;
    blobs.clean()?;
    let vault = Vault::open(&config.data)?;
    let base = base(&config, address);
    telemetry::metrics();
    tracing::info!(%address, %base, origin = identity.origin, key = %identity.log_key, "serving");
    let identity = Arc::new(identity);
    let parts = Parts {
        store: store.clone(),
        blobs: blobs.clone(),
        identity: identity.clone(),
        clock: clock.clone(),
        witnesses: Witnesses::new(config.witnesses.clone())?,
        verifiers: config.verifiers.clone(),
    };
    let (log, sequencer) = Log::open(&config.data, parts).await?;
    let state = AppState::new(config, base, store, (blobs, vault), log, identity, clock);
    run(listener, admin, state, sequencer, shutdown).await
}

/// The address under which clients reach the server.
fn base(config: &Config, address: SocketAddr) -> String {
    match &config.http.public_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None => format!("http://{address}"),
    }
}

async fn run(
    listener: TcpListener,
    admin: Option<TcpListener>,
    state: AppState,
    sequencer: impl Future<Output = ()> + Send + 'static,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    announce(&listener, admin.as_ref(), &state)?;
    let mut helpers = tokio::task::JoinSet::new();
    helpers.spawn(sequencer);
    helpers.spawn(background(state.clone()));
    if let Some(admin) = admin {
        let (router, limits) = (app::admin_router(state.clone()), state.config.limits);
        helpers.spawn(async move { accept(admin, router, limits, std::future::pending()).await });
    }
    accept(listener, app::router(state.clone()), state.config.limits, shutdown).await;
    helpers.shutdown().await;
    if let Err(error) = state.usage.flush(&state.store).await {
        tracing::warn!(%error, "counts were lost");
    }
    state.store.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Writes the ready file: one line with the public address, one with the admin address if there is one.
fn announce(listener: &TcpListener, admin: Option<&TcpListener>, state: &AppState) -> Result<(), Error> {
    let Some(path) = &state.config.http.ready_file else { return Ok(()) };
    let mut text = String::new();
    for listener in [Some(listener), admin].into_iter().flatten() {
        let address = listener.local_addr().map_err(Error::io("listener"))?;
        text.extend(["http://", &address.to_string(), "\n"]);
    }
    write_ready(path, &text)
}

/// Writes a ready file so that whoever waits for it sees all of it or nothing.
pub(crate) fn write_ready(path: &Path, text: &str) -> Result<(), Error> {
    let part = path.with_extension("part");
    std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, path)).map_err(Error::io(path))
}

/// What is done now and then.
async fn background(state: AppState) {
    let (mut flush, mut forget) = (interval(FLUSH), interval(FORGET));
    loop {
        tokio::select! {
            _ = flush.tick() => {
                if let Err(error) = state.usage.flush(&state.store).await {
                    tracing::warn!(%error, "counts were lost");
                }
                telemetry::metrics().run_upkeep();
            }
            _ = forget.tick() => {
                state.rates.forget();
                if let Err(error) = state.log.order(Order::Heartbeat).await {
                    tracing::warn!(%error, "no heartbeat");
                }
                #[allow(clippy::cast_precision_loss)] // A gauge is a float.
                metrics::gauge!("skill_log_size").set(state.log.published().size() as f64);
            }
        }
    }
}

/// Accepts connections until `shutdown` ends, then waits for those that are open, within the deadline.
pub(crate) async fn accept(
    listener: TcpListener,
    router: Router,
    limits: ServerLimits,
    shutdown: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let open = GracefulShutdown::new();
    tokio::pin!(shutdown);
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = &mut shutdown => break,
            next = next => next,
        };
        match accepted {
            Ok((stream, peer)) => connection(stream, peer, &router, &limits, &open, place.ok()),
            Err(error) => {
                // Out of file descriptors, most likely: waiting gives others time to close theirs.
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    tracing::info!(connections = open.count(), "stopping");
    tokio::select! {
        () = open.shutdown() => {}
        () = tokio::time::sleep(limits.shutdown) => tracing::warn!("some requests did not finish in time"),
    }
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: &Router,
    limits: &ServerLimits,
    open: &GracefulShutdown,
    place: Option<tokio::sync::OwnedSemaphorePermit>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let service = router.clone().map_request(move |mut request: Request<_>| {
        request.extensions_mut().insert(Peer(peer.ip()));
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_time)
        .max_buf_size(limits.header_bytes)
        .max_headers(limits.header_count)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let connection = open.watch(connection);
    tokio::spawn(async move {
        let gauge = metrics::gauge!("skill_connections");
        gauge.increment(1.0);
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection ended");
        }
        gauge.decrement(1.0);
        drop(place);
    });
}
