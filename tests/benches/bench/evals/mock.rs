//! A model in a process of its own, which answers after a time, counts, and notes when it was first asked.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use skill_tests::model::Model;

static ASKED: AtomicUsize = AtomicUsize::new(0);
static FLYING: AtomicUsize = AtomicUsize::new(0);
static WIDEST: AtomicUsize = AtomicUsize::new(0);
/// Seconds since 1970.
static FIRST: OnceLock<f64> = OnceLock::new();

/// The model, stopped at the end.
pub struct Mock {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// The address of its interface.
    pub base: String,
}

/// What it saw.
pub struct Seen {
    /// Requests for an answer.
    pub asked: usize,
    /// The most of them at once.
    pub widest: usize,
    /// When the first came, in seconds since 1970.
    pub first: f64,
}

impl Mock {
    /// Starts it; each answer takes so long.
    pub fn start(latency: Duration) -> Self {
        let program = std::env::current_exe().expect("the path of this program");
        let mut child = Command::new(program)
            .args(["model-server", &latency.as_millis().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the model starts");
        let stdin = child.stdin.take().expect("piped");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let base = line(&mut stdout);
        Self { child, stdin, stdout, base }
    }

    /// What it saw so far.
    pub fn seen(&mut self) -> Seen {
        writeln!(self.stdin, "seen").expect("it listens");
        let line = line(&mut self.stdout);
        let words: Vec<&str> = line.split(' ').collect();
        let [asked, widest, first] = words[..] else { panic!("three numbers, not {line:?}") };
        let count = |text: &str| text.parse().expect("a count");
        Seen { asked: count(asked), widest: count(widest), first: first.parse().expect("a time") }
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line(from: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    from.read_line(&mut line).expect("a line");
    line.trim().to_owned()
}

/// `bench model-server MILLISECONDS`: prints its address, and for each line that it reads what it saw; ends with its input.
#[expect(clippy::disallowed_methods, reason = "two processes compare their clocks")]
pub fn serve() {
    let latency = std::env::args().nth(2).and_then(|n| n.parse().ok()).map(Duration::from_millis).expect("a time");
    let model = Model::start(Duration::ZERO, move |_| {
        FIRST.get_or_init(|| SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64());
        ASKED.fetch_add(1, Ordering::SeqCst);
        WIDEST.fetch_max(FLYING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(latency);
        FLYING.fetch_sub(1, Ordering::SeqCst);
        "LOUD".to_owned()
    });
    let say = |text: String| {
        println!("{text}");
        std::io::stdout().flush().expect("printed");
    };
    say(model.base());
    for _ in std::io::stdin().lock().lines() {
        let (asked, widest) = (ASKED.load(Ordering::SeqCst), WIDEST.load(Ordering::SeqCst));
        say(format!("{asked} {widest} {:.6}", FIRST.get().copied().unwrap_or(f64::NAN)));
    }
}
