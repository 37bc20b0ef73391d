//! Starting the real server.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use skill_engine::model::Retry;

/// Tokens of context, and conversations that share them.
pub const CONTEXT: usize = 8192;
/// Conversations at the same time.
pub const PLACES: usize = 4;
/// Seconds after which the server ends by itself, should the test be killed.
const LIFE: &str = "170";

/// The whole program: model, port, seconds, context, places.
const PROGRAM: &str = "
import sys, time, xllamacpp
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.hostnames = ['127.0.0.1']
params.port = int(sys.argv[2])
params.n_ctx = int(sys.argv[4])
params.n_parallel = int(sys.argv[5])
params.cpuparams.n_threads = 1
server = xllamacpp.Server(params)
time.sleep(float(sys.argv[3]))
";

/// A running server; it is ended when this is dropped.
pub struct Server {
    child: Child,
    model: PathBuf,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Server {
    /// Starts it, if package and model are there. It is not waited for: that is what the client does.
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    pub fn start() -> Option<Self> {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.tools");
        let (package, model) = (tools.join("xllamacpp"), tools.join("models/SmolLM2-135M-Instruct.Q4_1.gguf"));
        if let Some(missing) = [&package, &model].into_iter().find(|path| !path.exists()) {
            assert!(!in_ci(), "{} is missing", missing.display());
            eprintln!("skipped: {} is not there; scripts/engine-tools.sh fetches it", missing.display());
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let child = Command::new("python3")
            .args(["-c", PROGRAM])
            .arg(&model)
            .args([port.to_string().as_str(), LIFE, &CONTEXT.to_string(), &PLACES.to_string()])
            .env("PYTHONPATH", &package)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 runs");
        Some(Self { child, model, port })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The name of its model.
    pub fn model(&self) -> String {
        self.model.display().to_string()
    }
}

/// Patience until the server listens and has loaded its model.
pub fn patient() -> Retry {
    let (first, longest) = (Duration::from_millis(200), Duration::from_secs(2));
    Retry { tries: 30, first, longest, loading: Duration::from_mins(1) }
}

#[expect(clippy::disallowed_methods, reason = "a switch of the test run, not of the product")]
fn in_ci() -> bool {
    std::env::var_os("CI").is_some()
}
