//! The worker of the eval engine: runs language models with llama.cpp, in a process of its own.

fn main() {}
