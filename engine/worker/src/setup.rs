//! How a model is run on this machine: threads, places, batch sizes.

use std::{num::NonZero, thread};

use skill_engine::model::{Mode, protocol::Open};

use crate::{
    llama::{self, Model, Shape},
    schedule::Setup,
};

/// Bytes of attention state on a CPU unless said otherwise.
const CPU_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// Tokens of one conversation unless said otherwise, if the model was trained for as many.
const CONTEXT: u32 = 8192;
/// Cases at the same time unless said otherwise: past 16 a CPU gains little, a GPU much.
const CPU_PARALLEL: u32 = 16;
const GPU_PARALLEL: u32 = 64;
/// Cases and shared beginnings together at most: what llama.cpp is built for.
const MAX_SEQUENCES: u32 = 256;
/// Shared beginnings at the same time: those of two arms. More would make each step slower on a CPU, which looks at all of them.
const RESIDENTS: u32 = 2;
const GPU_RESIDENTS: u32 = 4;
/// Tokens beyond the shared beginning for which a case has room on average.
const CASE_TOKENS: u32 = 1024;
/// Tokens of a call, and tokens computed together.
const BATCH: u32 = 2048;
const MICRO_BATCH: u32 = 512;

/// How a model is run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Whether all layers are on a GPU.
    pub gpu: bool,
    /// Threads.
    pub threads: u32,
    /// Tokens of one conversation at most.
    pub context: u32,
    /// Cases at the same time.
    pub parallel: u32,
    residents: u32,
    /// Tokens for which there is attention state.
    cells: u64,
}

impl Plan {
    /// What the client asked for, as far as model and machine allow it.
    pub fn new(open: &Open, model: &Model, gpu: bool) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        // One core stays free: with all of them busy, llama.cpp's threads wait for each other many times longer.
        let spare = u32::try_from(cores.saturating_sub(1)).unwrap_or(1).max(1);
        let threads = if open.threads == 0 { spare } else { open.threads.min(512) };
        let trained = model.trained_context().max(1);
        let context = if open.context == 0 { CONTEXT.min(trained) } else { open.context.min(trained) };
        let residents = if gpu { GPU_RESIDENTS } else { RESIDENTS };
        let usual = if gpu { GPU_PARALLEL } else { CPU_PARALLEL };
        let parallel = if open.parallel == 0 { usual } else { open.parallel.min(MAX_SEQUENCES - residents) };
        let bytes = match (open.kv_bytes, gpu) {
            (0, false) => CPU_BYTES,
            // What is left beside the weights, and a reserve for computing.
            (0, true) => llama::free_gpu_bytes() / 4 * 3,
            (bytes, _) => bytes,
        };
        let cells = (bytes / bytes_per_token(model)).max(u64::from(context));
        Self { gpu, threads, context, parallel, residents, cells }
    }

    /// The scheduler for one mode.
    pub fn setup(&self, mode: Mode) -> Setup {
        let context = self.context.next_multiple_of(256);
        let (parallel, cells) = match mode {
            Mode::Throughput => {
                let wanted = u64::from(context) * u64::from(self.residents)
                    + u64::from(self.parallel) * u64::from(CASE_TOKENS.min(context));
                (self.parallel, wanted.min(self.cells.next_multiple_of(256)).max(u64::from(context)))
            }
            Mode::Exact => {
                // Every sequence has its own part, as long as a whole conversation.
                let fit = u32::try_from(self.cells / u64::from(context)).unwrap_or(u32::MAX);
                let parallel = fit.saturating_sub(self.residents).clamp(1, self.parallel);
                (parallel, u64::from(context) * u64::from(parallel + self.residents))
            }
        };
        let shape = Shape {
            cells: u32::try_from(cells).unwrap_or(u32::MAX - 255),
            sequences: parallel + self.residents,
            batch: BATCH,
            micro_batch: MICRO_BATCH,
            threads: self.threads,
            unified: mode == Mode::Throughput,
            flash: self.gpu,
        };
        let (residents, context) = (self.residents, self.context);
        Setup { mode, parallel, residents, context, may_share: !self.gpu, shape }
    }

    /// Everything here that changes low bits, in words.
    pub fn words(&self) -> String {
        let flash = if self.gpu { "auto" } else { "off" };
        format!("batch {BATCH}/{MICRO_BATCH}, flash attention {flash}, kv f16, parallel {}", self.parallel)
    }
}

/// Bytes of attention state that a token takes, with keys and values as F16.
fn bytes_per_token(model: &Model) -> u64 {
    let (layers, heads) = model.shape();
    let length = |what: &str| -> Option<u64> {
        let architecture = model.meta("general.architecture")?;
        model.meta(&format!("{architecture}.attention.{what}_length"))?.parse().ok()
    };
    let numbers = length("key").unwrap_or(model.head_size()) + length("value").unwrap_or(model.head_size());
    (2 * layers * heads * numbers).max(1)
}
