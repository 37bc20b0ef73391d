//! llama.cpp behind types that cannot be misused: the only module with `unsafe`.
//!
//! What these types promise to llama.cpp: pointers live as long as what they belong to (a [`Context`] and a [`Grammar`] keep
//! their [`Model`]), every array is as long as is said beside it, sequences and tokens are in their ranges, and all of it stays
//! on one thread (`Rc` inside). What llama.cpp does wrong with a hostile file ends this process, which was shut in before.
#![allow(unsafe_code)]

mod context;
mod grammar;
mod model;

use std::{
    ffi::{CStr, CString, c_char, c_void},
    path::Path,
    ptr,
};

pub use context::{Batch, Context, DecodeError, Shape};
pub use grammar::Grammar;
use llama_cpp_sys_2 as sys;
pub use model::Model;

/// A token's number in the model's vocabulary.
pub type Token = i32;
/// A sequence: one conversation's place in the attention state.
pub type Seq = i32;

/// Starts llama.cpp, silently: what it has to say would stand between our lines.
pub fn start() {
    unsafe extern "C" fn silent(_: sys::ggml_log_level, _: *const c_char, _: *mut c_void) {}
    // SAFETY: the callback is a plain function without state; called once, before anything else of llama.cpp.
    unsafe {
        sys::llama_log_set(Some(silent), ptr::null_mut());
        sys::llama_backend_init();
    }
}

/// Version of llama.cpp, and what it was built for.
pub fn build() -> String {
    // SAFETY: both return static texts that end with NUL.
    let (version, system) = unsafe { (text(sys::llama_version()), text(sys::llama_print_system_info())) };
    let flags: Vec<String> = system.split('|').map(|flag| flag.split_whitespace().collect()).collect();
    let flags: Vec<&str> = flags.iter().map(String::as_str).filter(|flag| !flag.is_empty()).collect();
    format!("llama.cpp {version} {}", flags.join(" ")).trim_end().to_owned()
}

/// The GPUs that are built in and there, in words.
pub fn gpus() -> Vec<String> {
    let count = unsafe { sys::ggml_backend_dev_count() };
    (0..count).filter_map(gpu).collect()
}

fn gpu(index: usize) -> Option<String> {
    // SAFETY: the index is below the count; names are static texts of the device.
    unsafe {
        let device = sys::ggml_backend_dev_get(index);
        let kind = sys::ggml_backend_dev_type(device);
        let is_gpu = kind == sys::GGML_BACKEND_DEVICE_TYPE_GPU || kind == sys::GGML_BACKEND_DEVICE_TYPE_IGPU;
        is_gpu.then(|| {
            let name = text(sys::ggml_backend_dev_name(device));
            format!("{}: {}", name.to_lowercase(), text(sys::ggml_backend_dev_description(device)))
        })
    }
}

/// Free bytes of the first GPU.
pub fn free_gpu_bytes() -> u64 {
    let count = unsafe { sys::ggml_backend_dev_count() };
    let Some(index) = (0..count).find(|&index| gpu(index).is_some()) else { return 0 };
    let (mut free, mut total) = (0, 0);
    // SAFETY: the index is below the count; both numbers are written.
    unsafe { sys::ggml_backend_dev_memory(sys::ggml_backend_dev_get(index), &raw mut free, &raw mut total) };
    free as u64
}

/// Writes a model again with another quantisation.
pub fn quantize(from: &Path, to: &Path, kind: Quantisation, threads: i32) -> Result<(), String> {
    let (from, to) = (c_path(from)?, c_path(to)?);
    // SAFETY: the paths end with NUL and live until the call returns; the parameters begin with the library's defaults.
    let status = unsafe {
        let mut params = sys::llama_model_quantize_default_params();
        params.nthread = threads;
        params.ftype = kind.0;
        params.allow_requantize = true;
        sys::llama_model_quantize(from.as_ptr(), to.as_ptr(), &raw const params)
    };
    if status == 0 { Ok(()) } else { Err(format!("llama.cpp could not quantise it (status {status})")) }
}

/// A kind of quantisation that [`quantize`] can write.
#[derive(Debug, Clone, Copy)]
pub struct Quantisation(sys::llama_ftype);

impl Quantisation {
    /// By its usual name.
    pub fn by_name(name: &str) -> Option<Self> {
        let kind = match name {
            "F16" => sys::LLAMA_FTYPE_MOSTLY_F16,
            "Q8_0" => sys::LLAMA_FTYPE_MOSTLY_Q8_0,
            "Q6_K" => sys::LLAMA_FTYPE_MOSTLY_Q6_K,
            "Q5_K_M" => sys::LLAMA_FTYPE_MOSTLY_Q5_K_M,
            "Q4_K_M" => sys::LLAMA_FTYPE_MOSTLY_Q4_K_M,
            "Q4_0" => sys::LLAMA_FTYPE_MOSTLY_Q4_0,
            _ => return None,
        };
        Some(Self(kind))
    }
}

/// A text of llama.cpp that ends with NUL; NULL is empty.
///
/// # Safety
/// The pointer is NULL or points to such a text.
unsafe fn text(from: *const c_char) -> String {
    if from.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(from) }.to_string_lossy().into_owned()
}

fn c_path(path: &Path) -> Result<CString, String> {
    CString::new(path.as_os_str().as_encoded_bytes()).map_err(|_| "a path with a NUL byte".to_owned())
}
