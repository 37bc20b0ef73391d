//! `skill-registry witness`: a witness of logs (C2SP tlog-witness). It signs a checkpoint only if that continues the last one of the
//! same log that it signed, so a log that it watches cannot show different people different histories.
//!
//! * [`request`]: the body of `add-checkpoint`. [`cosigner`]: the decision, made durable before it is answered.

pub mod cosigner;
pub mod request;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use clap::Args;
use skill_bundle::note::{MAX_NOTE, VerifierKey};
use tokio::net::TcpListener;

use crate::{
    body,
    clock::SharedClock,
    data,
    error::{Error, blocking},
    limits::ServerLimits,
    linger::Lingering,
    server::{accept, write_ready},
};
use cosigner::{Answer, Cosigner};

/// Bytes of a request: a checkpoint with all its signatures, and the hash lines before it.
const MAX_BODY: usize = MAX_NOTE + 4 * 1024;
/// How long a request's body may take: it is a few kilobytes.
const BODY_TIME: Duration = Duration::from_secs(10);
/// Connections at a time: a witness has a few logs that ask a few times a second.
const CONNECTIONS: usize = 256;

/// Flags of `witness`.
#[derive(Debug, Args)]
pub struct WitnessArgs {
    /// The folder of the key and of what was signed; made if it does not exist.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,
    /// Name of the witness, for example witness.example/w1; part of its key.
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// The key of a log to watch, as `skill-registry admin key show` prints it. Can be given several times.
    #[arg(long = "log", value_name = "VKEY", num_args = 1.., required_unless_present = "show_key")]
    pub logs: Vec<VerifierKey>,
    /// Write the bound address to this file once the witness answers.
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Print the key, making it if there is none, and end.
    #[arg(long)]
    pub show_key: bool,
}

/// Opens the folder of a witness: its key, and what it has signed. Only one witness may have it.
///
/// # Errors
/// `E_DATA_BUSY` if another witness has it; a damaged record, which is never taken for none.
pub fn open(args: &WitnessArgs, clock: SharedClock) -> Result<Cosigner, Error> {
    Cosigner::open(&args.data, &args.name, &args.logs, clock)
}

/// Serves until `shutdown` ends.
///
/// # Errors
/// `E_DATA_BUSY` if another witness serves the folder; an address or file that cannot be used.
pub async fn serve(args: &WitnessArgs, cosigner: Cosigner, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
    let _taken = data::take(&args.data)?;
    let listener = TcpListener::bind(args.listen).await.map_err(Error::io(args.listen.to_string()))?;
    let address = listener.local_addr().map_err(Error::io("listener"))?;
    if let Some(path) = &args.ready_file {
        write_ready(path, &format!("http://{address}\n"))?;
    }
    tracing::info!(%address, key = %cosigner.key(), logs = args.logs.len(), "witnessing");
    let limits = ServerLimits { connections: CONNECTIONS, body_time: BODY_TIME, ..ServerLimits::default() };
    let state = Witness { cosigner: Arc::new(cosigner), limits };
    accept(listener, router(state), limits, shutdown).await;
    Ok(())
}

#[derive(Clone)]
struct Witness {
    cosigner: Arc<Cosigner>,
    limits: ServerLimits,
}

fn router(state: Witness) -> Router {
    Router::new().route("/", get(about)).route("/add-checkpoint", post(add_checkpoint)).with_state(state)
}

/// Who this is, for people.
async fn about(State(witness): State<Witness>) -> Response {
    let cosigner = witness.cosigner.clone();
    match blocking(move || cosigner.about()).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response(),
        Err(error) => failed(&error),
    }
}

async fn add_checkpoint(State(witness): State<Witness>, request: Request) -> Response {
    let (parts, body) = request.map(Lingering::wrap).into_parts();
    let bytes: Bytes = match body::read(&witness.limits, &parts.headers, body, MAX_BODY).await {
        Ok(bytes) => bytes,
        Err(error) => {
            let status = StatusCode::from_u16(error.code().status).unwrap_or(StatusCode::BAD_REQUEST);
            return (status, format!("{error}\n")).into_response();
        }
    };
    let cosigner = witness.cosigner.clone();
    match blocking(move || cosigner.add(&bytes)).await {
        Ok(Answer { status, media_type, text }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, [(header::CONTENT_TYPE, media_type)], text).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// The record could not be read or written: nothing is signed, and the log may ask again.
fn failed(error: &Error) -> Response {
    tracing::error!(%error, "nothing was signed");
    (StatusCode::SERVICE_UNAVAILABLE, "the record cannot be written\n").into_response()
}
