//! The caller's side of the sandbox: starts the helper, collects output within its limit, and waits for the report.

use std::{
    io::{self, Read},
    net::Shutdown,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt},
    },
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use skill_bundle::hash::sha256;
use skill_schema::{Fault, codes};

use super::{End, Helper, Limits, Mechanism, Order, Outcome, Report, Resource, Spec, frame};

/// Where programs are looked up.
pub(super) const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// How much longer than the command's own time we wait for the helper: it has to build, to kill and to report.
const GRACE: Duration = Duration::from_secs(30);

/// How long we wait for the helper to be gone, and for the last of the output, once it has reported.
const FAREWELL: Duration = Duration::from_secs(10);

/// User ids of sandboxes where the caller is root: above those that anybody hands out.
const FIRST_UID: u32 = 1_000_000_000;

/// Runs a command in the sandbox and waits for it. Blocks; a dead caller takes its command with it.
///
/// `E_SANDBOX` if there is no sandbox and the command is not trusted, `E_SANDBOX_FAILED` if the helper failed: both are the
/// machine's fault and never the command's.
pub fn run(helper: &Helper, spec: &Spec) -> Result<Outcome, Fault> {
    check(spec)?;
    let begun = Instant::now();
    let root = tempfile::Builder::new().prefix("").rand_bytes(16).tempdir().map_err(|e| failed(&e))?;
    let mut order = Order { spec: spec.clone(), root: root.path().to_owned(), uid: uid(root.path()), namespaces: true };
    let mut answer = attempt(helper, &order)?;
    if let Report::NoNamespaces(_) = answer.report {
        order.namespaces = false;
        answer = attempt(helper, &order)?;
    }
    let Answer { report, stdout, stderr } = answer;
    match report {
        Report::Ended { end, mechanism, left_behind } => {
            let ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            Ok(Outcome { end, stdout, stderr, ms, mechanism, left_behind })
        }
        Report::Refused(why) => Err(Fault::new(codes::SANDBOX).detail(why)),
        Report::NoNamespaces(why) | Report::Failed(why) => Err(Fault::new(codes::SANDBOX_FAILED).detail(why)),
    }
}

/// Which mechanism commands get on this machine: runs `true`. `folder` is any folder of the caller.
pub fn probe(helper: &Helper, folder: &Path, network: bool) -> Result<Mechanism, Fault> {
    let spec = Spec {
        argv: vec!["true".to_owned()],
        dir: folder.to_owned(),
        write: Vec::new(),
        read: vec![folder.to_owned()],
        env: std::collections::BTreeMap::new(),
        network,
        limits: Limits::default(),
        allow_none: false,
    };
    run(helper, &spec).map(|outcome| outcome.mechanism)
}

/// A spec that cannot mean what it says.
fn check(spec: &Spec) -> Result<(), Fault> {
    let wrong = |what: &str| Err(Fault::new(codes::SANDBOX_FAILED).detail(what));
    if spec.argv.first().is_none_or(String::is_empty) {
        return wrong("there is no command");
    }
    let mut paths = spec.write.iter().chain(&spec.read).chain([&spec.dir]);
    if let Some(path) = paths.find(|path| !path.is_absolute() || path.parent().is_none()) {
        return wrong(&format!("not an absolute path below the root: {}", path.display()));
    }
    if !spec.write.iter().chain(&spec.read).any(|path| spec.dir.starts_with(path)) {
        return wrong("the working folder is none of the sandbox's folders");
    }
    Ok(())
}

struct Answer {
    report: Report,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

fn attempt(helper: &Helper, order: &Order) -> Result<Answer, Fault> {
    let (ours, theirs) = UnixStream::pair().map_err(|e| failed(&e))?;
    let mut child = Command::new(&helper.program)
        .args(&helper.args)
        .env_clear()
        .env("PATH", PATH)
        .current_dir("/")
        .process_group(0)
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| failed(&e))?;
    let overflow = Arc::new(AtomicBool::new(false));
    let limit = order.spec.limits.output;
    let out = collect(child.stdout.take(), limit, &ours, &overflow);
    let err = collect(child.stderr.take(), limit, &ours, &overflow);
    let report = converse(&ours, order);
    let _ = ours.shutdown(Shutdown::Both);
    farewell(&mut child);
    let (stdout, stderr) = (out.finish(), err.finish());
    let report = match report {
        _ if overflow.load(Ordering::SeqCst) => {
            let (mechanism, left_behind) = match report {
                Ok(Report::Ended { mechanism, left_behind, .. }) => (mechanism, left_behind),
                _ => (Mechanism::None, 0),
            };
            Report::Ended { end: End::Limit(Resource::Output), mechanism, left_behind }
        }
        Ok(report) => report,
        Err(error) => {
            let said = String::from_utf8_lossy(&stderr).chars().take(200).collect::<String>();
            Report::Failed(format!("the helper ended without a report: {error}; {said}"))
        }
    };
    Ok(Answer { report, stdout, stderr })
}

/// Two equal orders, one for each stage of the helper, then its report.
fn converse(socket: &UnixStream, order: &Order) -> io::Result<Report> {
    frame::write(socket, order)?;
    frame::write(socket, order)?;
    socket.set_read_timeout(Some(order.spec.limits.time.saturating_add(GRACE)))?;
    frame::read(socket)
}

/// Waits for the helper to end; kills it if it does not.
fn farewell(child: &mut Child) {
    let begun = Instant::now();
    while begun.elapsed() < FAREWELL {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        thread::sleep(Duration::from_millis(2));
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Output that arrives in a thread of its own.
struct Collector {
    bytes: Arc<Mutex<Vec<u8>>>,
    done: mpsc::Receiver<()>,
}

impl Collector {
    fn finish(self) -> Vec<u8> {
        let _ = self.done.recv_timeout(FAREWELL);
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads a pipe to its end or to the limit; beyond it the helper is told to stop.
fn collect(
    pipe: Option<impl Read + Send + 'static>,
    limit: u64,
    socket: &UnixStream,
    over: &Arc<AtomicBool>,
) -> Collector {
    let (bytes, (tell, done)) = (Arc::new(Mutex::new(Vec::new())), mpsc::channel());
    let (kept, over, socket) = (Arc::clone(&bytes), Arc::clone(over), socket.try_clone());
    thread::spawn(move || {
        let Some(mut pipe) = pipe else { return };
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = match pipe.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(count) => count,
            };
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let room = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(kept.len());
            kept.extend_from_slice(&buffer[..count.min(room)]);
            if count > room && !over.swap(true, Ordering::SeqCst) {
                let _ = socket.as_ref().map(|socket| socket.shutdown(Shutdown::Write));
            }
        }
        let _ = tell.send(());
    });
    Collector { bytes, done }
}

fn failed(error: &io::Error) -> Fault {
    Fault::new(codes::SANDBOX_FAILED).detail(error.to_string())
}

/// A user id that no other sandbox has, as the folder's name is random.
fn uid(root: &Path) -> u32 {
    let hash = sha256(root.as_os_str().as_encoded_bytes()).0;
    FIRST_UID + u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]) % FIRST_UID
}
