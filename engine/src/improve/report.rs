//! The page of a loop.
